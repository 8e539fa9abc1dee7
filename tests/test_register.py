"""The rulings file, with several sessions putting rulings on record at the same time."""

import errno
import fcntl
import multiprocessing
import os

import pytest

from hw1bench.court import register
from hw1bench.court.register import REFUGE, Register
from hw1bench.court.rulings import FILE, load, save
from hw1bench.support import files
from sample_ruling import ruling


@pytest.fixture
def told():
    return []


@pytest.fixture
def book(tmp_path, told):
    """A register in a folder of claims."""
    folder = tmp_path / "claims"
    folder.mkdir()
    return Register(folder / FILE, told.append)


def names(path):
    return {claim for claim, _ in load(path)}


def one_session(path, start, name, times):
    start.wait()
    mine = Register(path, lambda text: None)
    for index in range(times):
        mine.record(ruling(f"{name}-{index}"))
    mine.close(path.parent)


def test_simultaneous_sessions_lose_no_ruling(tmp_path):
    path, context = tmp_path / FILE, multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    sessions = [context.Process(target=one_session, args=(path, start, name, 25)) for name in "ab"]
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
    assert names(path) == {f"{name}-{index}" for name in "ab" for index in range(25)}
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE]  # no lock to commit


def test_a_session_keeps_what_was_recorded_meanwhile_even_of_its_own_claims(book):
    save(book.path, [ruling("before"), ruling("removed")])
    book.record(ruling("mine"))
    save(book.path, [ruling("before"), ruling("meanwhile"), ruling("mine", verdict="refuted")])
    book.record(ruling("last"))
    assert names(book.path) == {"before", "meanwhile", "mine", "last"}
    assert load(book.path)["mine", "quick"].verdict == "refuted"


def test_an_open_verdict_on_fewer_seeds_does_not_replace_what_was_recorded_meanwhile(book, told):
    save(
        book.path,
        [
            ruling("a", seeds=16, holds=14),
            ruling("b", seeds=16, verdict="inconclusive"),
            ruling("c", effect="other", seeds=16),
        ],
    )
    before = {claim: load(book.path)[claim, "quick"] for claim in "abc"}
    left = {claim: ruling(claim, verdict="inconclusive", holds=6) for claim in "abcd"}
    assert book.record(left["a"]) == {("a", "quick"): before["a"]}
    for claim in "bcd":
        book.record(left[claim])
    after = load(book.path)
    assert {claim: after[claim, "quick"] for claim in "abcd"} == {**left, "a": before["a"], "b": before["b"]}
    assert told == [
        f"{claim}: inconclusive 6/8 does not replace the ruling on more seeds, {word}/16: leave out --max-seeds to record it anew"
        for claim, word in (("a", "supported 14"), ("b", "inconclusive 8"))
    ]
    assert book.lost == 0


def test_what_is_on_record_is_told_when_it_is(book, tmp_path):
    book.path.write_text("{")
    assert book.record(ruling("a")) == {}
    assert book.lost == 1
    save(book.path, [])
    assert set(book.record(ruling("b"))) == {("a", "quick"), ("b", "quick")}
    assert book.close(tmp_path) == {}
    assert book.lost == 0


def holder(path, ready, leave):
    descriptor = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    ready.set()
    leave.wait()


@pytest.fixture
def held(book):
    """A process that holds the lock until it is killed."""
    context = multiprocessing.get_context("spawn")
    ready, leave = context.Event(), context.Event()
    process = context.Process(target=holder, args=(book.path, ready, leave))
    process.start()
    ready.wait()
    yield process
    process.kill()
    process.join()


def test_the_lock_of_a_killed_session_does_not_block(book, told, held):
    held.kill()
    book.record(ruling())
    assert (names(book.path), told) == ({"A-fit-x"}, [])


def test_a_lock_held_for_ever_costs_one_wait_and_one_line_but_no_ruling(book, told, held, monkeypatch):
    monkeypatch.setattr(register, "PATIENCE", 0.1)
    mine = Register(book.path, told.append)
    mine.record(ruling("a"))
    mine.record(ruling("b"))
    assert not book.path.exists()
    assert told == [
        f"rulings file {book.path} cannot be written (another process keeps its folder locked): end that process"
    ]
    held.kill()
    held.join()
    mine.close(book.path.parent)
    assert names(book.path) == {"a", "b"}


@pytest.mark.parametrize("how", ["refused", "no descriptor"])
def test_a_folder_that_cannot_be_locked_gets_one_line(book, told, monkeypatch, how):
    def refuse(*arguments):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    if how == "refused":
        monkeypatch.setattr(fcntl, "flock", refuse)
    else:
        real = os.open
        monkeypatch.setattr(os, "open", lambda path, *rest: (refuse if os.path.isdir(path) else real)(path, *rest))
    book.record(ruling("a"))
    book.record(ruling("b"))
    assert names(book.path) == {"a", "b"}
    assert len(told) == 1
    assert "cannot be locked" in told[0]
    assert told[0].endswith("record rulings in one session at a time")


@pytest.mark.parametrize("mended", [True, False])
def test_a_file_malformed_in_mid_session_costs_one_line_and_no_ruling(book, told, tmp_path, mended):
    book.record(ruling("a"))
    book.path.write_text("<<<<<<< HEAD")
    book.record(ruling("b"))
    book.record(ruling("c"))
    assert len(told) == 1
    assert "is malformed" in told[0]
    if mended:
        save(book.path, [ruling("a"), ruling("other")])
    (tmp_path / f"{REFUGE}.json").write_text("of a session before")
    book.close(tmp_path)
    if mended:
        assert names(book.path) == {"a", "other", "b", "c"}
        assert len(told) == 1
    else:
        assert book.path.read_text() == "<<<<<<< HEAD"
        assert names(tmp_path / f"{REFUGE}-2.json") == {"b", "c"}
        assert told[1:] == [
            f"2 rulings of this session could not be put on record in {book.path}: see {tmp_path / f'{REFUGE}-2.json'}, "
            "and copy them from there"
        ]


@pytest.mark.parametrize("which", ["file", "folder"])
def test_a_read_only_file_or_folder_is_refused_at_the_start_and_later(book, told, tmp_path, which):
    save(book.path, [ruling("before")])
    place, mode = (book.path, 0o444) if which == "file" else (book.path.parent, 0o555)
    before = place.stat().st_mode
    place.chmod(mode)
    with pytest.raises(ValueError, match=r"cannot be written .* is read-only.*: make it writable, or leave out"):
        book.check()
    with pytest.raises(ValueError, match=r"cannot be written .* or leave out --prune-rulings"):
        book.remove([("before", "quick")])
    book.record(ruling("a"))
    book.record(ruling("b"))
    book.close(tmp_path)
    place.chmod(before)
    assert names(book.path) == {"before"}
    assert names(tmp_path / f"{REFUGE}.json") == {"a", "b"}
    assert len(told) == 2
    assert "is read-only" in told[0]
    book.check()


def test_a_full_disk_gets_one_line_and_a_failed_refuge_another(book, told, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "write_whole", full)
    for name in "abc":
        book.record(ruling(name))
    book.close(book.path.parent)
    assert [text.count("No space left on device") for text in told] == [1, 1]
    assert "3 rulings of this session could not be put on record" in told[1]


def test_a_link_to_the_file_stays_a_link(book, tmp_path):
    real = tmp_path / "shared.json"
    save(real, [ruling("before")])
    book.path.symlink_to(real)
    book.check()
    book.record(ruling("mine"))
    assert book.path.is_symlink()
    assert names(real) == {"before", "mine"}


def test_removing_leaves_what_was_recorded_meanwhile(book):
    save(book.path, [ruling("gone"), ruling("here"), ruling("meanwhile")])
    book.remove([("gone", "quick"), ("gone", "full")])
    assert names(book.path) == {"here", "meanwhile"}
    book.path.write_text("{")
    with pytest.raises(ValueError, match="is malformed"):
        book.remove([("here", "quick")])
