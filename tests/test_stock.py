"""A store is listed, and what is not wanted is removed, also while sessions use it."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from hw1bench.court.hearing import Court
from hw1bench.effects import loss_below
from hw1bench.records import stock
from hw1bench.records.about import About
from hw1bench.records.runs import Record
from hw1bench.records.store import Store
from hw1bench.specs.experiment import digest
from made_court import APART, Made, claim

RECORD = Record({"train_loss": np.zeros((8, 3))}, {}, 1.0)
KEYS = [digest(name) for name in "abcd"]


def about(experiment="x", first_seed=0):
    return About(kind="trained", report="T", experiment=experiment, arms=("a",), first_seed=first_seed, asks="0")


@pytest.fixture
def keys(tmp_path):
    """The keys of four records in ``tmp_path``, the first of which was not used for longest."""
    store = Store(tmp_path)
    for age, key in enumerate(reversed(KEYS)):
        store.put(key, RECORD, about(first_seed=age))
        os.utime(store.path(key), (time.time() - 100 * age,) * 2)
    return KEYS


def left(folder):
    return {path.stem for path in folder.iterdir()}


def test_records_are_listed_with_what_they_are_of_and_other_files_passed_over(tmp_path, keys):
    for name in ("notes.npz", "A" * 32 + ".npz", "a" * 31 + ".npz", f"{keys[0]}.txt"):
        (tmp_path / name).write_text("a user's own")
    found = stock.entries(tmp_path)
    assert [one.key for one in found] == sorted(keys)
    assert {one.key: one.of for one in found} == {key: about(first_seed=3 - at) for at, key in enumerate(keys)}
    assert stock.size(found) == sum((tmp_path / f"{key}.npz").stat().st_size for key in keys)


def test_what_is_no_record_is_listed_as_damaged(tmp_path, keys):
    (tmp_path / f"{keys[0]}.npz").write_text("no record")
    content = (tmp_path / f"{keys[1]}.npz").read_bytes()
    (tmp_path / f"{keys[1]}.npz").write_bytes(content[:-40])
    (tmp_path / f"{keys[2]}.npz").unlink()
    os.mkfifo(tmp_path / f"{keys[2]}.npz")
    (tmp_path / f"{keys[3]}.npz").unlink()
    (tmp_path / f"{keys[3]}.npz").symlink_to(tmp_path / "elsewhere")
    assert [one.state for one in stock.entries(tmp_path)] == ["damaged"] * 4


def test_what_another_user_keeps_from_being_read_is_not_damaged(tmp_path, keys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path.stem != keys[0])
    assert {one.key: one.state for one in stock.entries(tmp_path)} == dict.fromkeys(keys, "") | {
        keys[0]: "not readable"
    }


def test_the_least_recently_used_go_until_the_rest_is_small_enough(tmp_path, keys):
    found = stock.entries(tmp_path)
    each = found[0].size
    assert {one.size for one in found} == {each}
    for most, gone in ((4 * each, 0), (4 * each - 1, 1), (2 * each, 2), (each - 1, 4), (0, 4)):
        assert [one.key for one in stock.least_recent(found, most)] == keys[:gone]
    Store(tmp_path).get(keys[0])  # which uses it
    assert [one.key for one in stock.least_recent(stock.entries(tmp_path), 2 * each)] == keys[1:3]


def test_what_came_into_use_after_the_listing_stays(tmp_path, keys):
    found = {one.key: one for one in stock.entries(tmp_path)}
    Store(tmp_path).get(keys[0])
    (tmp_path / f"{keys[1]}.npz").unlink()
    gone = stock.remove(found[key] for key in keys[:3])
    assert [one.key for one in gone] == keys[1:3]
    assert left(tmp_path) == {keys[0], keys[3]}


@pytest.mark.parametrize(
    ("text", "size"),
    [("20GB", 20 * 10**9), ("1.5 MB", 1_500_000), ("0B", 0), (" 7kB ", 7_000), ("2tb", 2 * 10**12)],
)
def test_sizes_are_decimal(text, size):
    assert stock.bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "20", "GB", "-1GB", "1e9B", "20 GiB", "1.GB", "nanB", "٣GB"])
def test_what_is_no_size_is_refused_in_a_line(text):
    with pytest.raises(ValueError, match="is no size: give one such as 20GB or 500MB"):
        stock.bytes_of(text)


REMOVER = """
import sys
from pathlib import Path
from hw1bench.records import stock

folder, stop, gone = Path(sys.argv[1]), Path(sys.argv[2]), 0
print("begins", flush=True)
while not stop.exists():
    there = stock.entries(folder)
    gone += len(stock.remove(stock.least_recent(there, stock.size(there) // 2)))
print(gone)
"""


class Keyed(Made):
    """A trainer whose records have names as real ones have."""

    def keys(self, of, known):
        return [digest(name) for name in super().keys(of, known)]


def test_sessions_go_on_to_the_same_verdicts_while_another_process_removes_records(tmp_path):
    """The other process removes all the time what was not used for longest, down to half of what is there."""
    folder, stop, said = tmp_path / "blocks", tmp_path / "stop", []
    claims = [APART, claim(loss_below(0.6, "b"))]

    def judged():
        trainer = Keyed(lambda arm, seed: {"a": 0.9, "b": 0.1}[arm])
        court = Court("quick", Store(folder, notice=said.append), trainer)
        return [court.hear(one).verdict for one in claims], len(trainer.trained) + len(trainer.measured)

    expected, made = judged()
    assert [verdict.word for verdict in expected] == ["supported", "supported"]
    assert judged() == (expected, 0)
    process = subprocess.Popen(
        [sys.executable, "-c", REMOVER, str(folder), str(stop)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "begins\n"
        again = 0
        deadline = time.monotonic() + 60
        while again < 3 * made and time.monotonic() < deadline:
            verdicts, more = judged()
            assert verdicts == expected
            again += more
    finally:
        stop.touch()
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert int(printed) >= again >= 3 * made  # what was made again had been removed
    assert said == []
