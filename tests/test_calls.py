"""The order in which runs of a kernel begin and end."""

import threading
from concurrent.futures import Future
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench.training.kernels import calls
from hw1bench.training.kernels.calls import train_side_by_side


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 4))
def test_runs_begin_as_others_end(runs, threads, length):
    """Each run is exhausted and ends once; if they are a multiple of the threads, no more are in hand than there are threads."""
    lock, begun, exhausted, ended, steps = threading.Lock(), [], [], [], []
    most = [0]

    def run(place):
        with lock:
            begun.append(place)
            most[0] = max(most[0], len(begun) - len(exhausted))
        for _ in range(length):
            yield 1
        with lock:
            exhausted.append(place)

    train_side_by_side([run(place) for place in range(runs)], threads, steps.append, ended.append)
    assert sorted(ended) == sorted(exhausted) == list(range(runs))
    assert sum(steps) == runs * length
    assert sorted(begun) == list(range(runs))
    if runs % threads == 0:
        assert most[0] <= threads


class InTurn:
    """An executor that makes each call at once."""

    def submit(self, function, *arguments):
        future = Future()
        future.set_result(function(*arguments))
        return future


@pytest.mark.parametrize(
    ("runs", "threads", "begun"),
    [
        (8, 1, [2, 3, 4, 5, 6, 7, 8, 8]),
        (8, 2, [3, 4, 5, 6, 7, 8, 8, 8]),
        (8, 4, [5, 6, 7, 8, 8, 8, 8, 8]),
        (8, 3, [8] * 8),
        (7, 3, [7] * 7),
        (10, 3, [4, 5, 6, *[10] * 7]),
        (8, 6, [8] * 8),
        (8, 16, [8] * 8),
        (3, 2, [3] * 3),
        (1, 2, [1]),
    ],
)
def test_the_last_runs_take_turns_if_they_are_no_multiple_of_the_threads(monkeypatch, runs, threads, begun):
    """How many runs have begun when each has ended."""
    monkeypatch.setattr(calls, "pool", lambda workers: nullcontext(InTurn()))
    so_far, found = [], []

    def run(place):
        so_far.append(place)
        yield from [1] * 3

    train_side_by_side(
        [run(place) for place in range(runs)], threads, lambda steps: None, lambda place: found.append(len(so_far))
    )
    assert found == begun
