"""A terminal whose reader has gone away: text is dropped, and nothing is raised."""

import os

import pytest

from hw1bench.session.terminal import Forgiving
from hw1bench.support.progress import TerminalProgress


@pytest.fixture
def pipe():
    """A stream that writes to a pipe, and the pipe's reading end."""
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as reader:
        stream = Forgiving(open(writing, "w", encoding="ascii", buffering=1))  # noqa: SIM115  # closed below
        yield stream, reader
        stream.abandon()
        stream.close()


def test_with_a_reader_text_goes_to_the_stream(pipe):
    stream, reader = pipe
    assert stream.write("a line\n") == 7
    stream.flush()
    assert reader.read(100) == b"a line\n"
    assert (stream.encoding, stream.isatty()) == ("ascii", False)
    with pytest.raises(UnicodeEncodeError):  # for pytest's own writer to escape
        stream.write("\u2713")


def test_without_a_reader_nothing_is_raised(pipe):
    stream, reader = pipe
    reader.close()
    assert stream.write("lost\n") == 5
    assert stream.write("lost too\n") == 9
    stream.flush()
    stream.abandon()
    print("gone nowhere", file=stream._stream, flush=True)


def test_nothing_is_left_in_buffers_when_the_descriptor_is_restored(pipe):
    stream, reader = pipe
    stream._stream.reconfigure(line_buffering=False)
    kept = os.dup(stream.fileno())
    reader.close()
    stream.write("still in the buffer")
    stream.abandon()
    os.dup2(kept, stream.fileno())  # as pytest's capture does when it ends
    os.close(kept)
    stream._stream.flush()


def test_progress_goes_on_without_a_reader(pipe, monkeypatch):
    stream, reader = pipe
    monkeypatch.setattr("hw1bench.support.progress._REFRESH", 0.0)
    stream.isatty = lambda: True
    reader.close()
    progress = TerminalProgress(stream)
    progress.start("training", 10)
    for _ in range(10):
        progress.advance(1)
    progress.finish()
    progress.notice("a line")


def test_a_closed_stream_is_not_an_error():
    with open(os.devnull, "w", encoding="utf-8") as stream:
        pass
    assert Forgiving(stream).write("x") == 1
