import re
import sys
from io import StringIO

import pytest

from hw1bench.support import progress


class Terminal(StringIO):
    def isatty(self):
        return True


def advance(monkeypatch, stream, steps, seconds):
    clock = iter([0.0, *seconds])
    monkeypatch.setattr(progress.time, "perf_counter", lambda: next(clock))
    shown = progress.TerminalProgress(stream)
    shown.start("A-fit-sinc, 7 layers, seeds 0-7", 1000)
    for _ in seconds:
        shown.advance(steps)
    shown.finish()
    return stream.getvalue()


def test_without_rich_a_terminal_gets_plain_lines_at_intervals(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    text = advance(monkeypatch, Terminal(), 100, [1.0, 10.0, 20.0, 21.0, 34.9, 40.0])
    lines = text.split("\n")[1:]
    assert lines == [
        "  A-fit-sinc, 7 layers, seeds 0-7: 30%, 15 steps/s, 47 s left",
        "  A-fit-sinc, 7 layers, seeds 0-7: 60%, 15 steps/s, 27 s left",
    ]


def test_there_is_no_rate_before_the_first_step(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    lines = advance(monkeypatch, Terminal(), 0, [20.0, 40.0]).split("\n")[1:]
    assert lines == ["  A-fit-sinc, 7 layers, seeds 0-7: 0%, evaluating"] * 2


def test_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    stream = Terminal()
    shown = progress.TerminalProgress(stream)
    monkeypatch.setattr(progress, "_REFRESH", 0.0)
    shown.start("a block", 1000)
    shown.advance(500)
    shown.advance(250)
    shown.finish()
    text = stream.getvalue()
    assert "a block" in text
    assert " 75 %" in text
    assert "steps/s" in text


@pytest.mark.parametrize("forced", ["", "1"])
def test_nothing_is_left_where_there_is_no_terminal(monkeypatch, forced):
    monkeypatch.setenv("FORCE_COLOR", forced)  # which asks rich to draw into files as well
    assert advance(monkeypatch, StringIO(), 100, [1.0, 10.0, 20.0, 40.0]) == ""


def test_a_notice_starts_a_line():
    stream = StringIO()
    progress.TerminalProgress(stream).notice("no compiler [here]")
    assert stream.getvalue() == "\n  no compiler [here]"


def test_without_midline_a_notice_ends_its_line():
    stream = StringIO()
    progress.TerminalProgress(stream, midline=False).notice("fetching [it]")
    assert stream.getvalue() == "fetching [it]\n"


def test_a_notice_goes_above_the_bar(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    shown = progress.TerminalProgress(stream)
    shown.start("a block", 1000)
    shown.notice("slow [here]")
    shown.finish()
    assert re.search(r"a block.*slow \[here\].*a block", stream.getvalue(), re.S)
