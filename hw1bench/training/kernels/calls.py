"""Calls of a kernel: the runs of a block train side by side, each in a series of calls that release Python's lock."""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from hw1bench.support.progress import Advance
from hw1bench.support.workers import pool, processors

CALL_SECONDS = 0.08  # of work in one call: for so long an interruption or a progress bar waits


class Pace:
    """The number of ``units`` of work in a call of ``CALL_SECONDS``, estimated from the calls so far."""

    def __init__(self) -> None:
        self.units = 1

    def took(self, units: int, seconds: float) -> None:
        """Record that a call of ``units`` took ``seconds``."""
        self.units = max(1, int(units * min(CALL_SECONDS / max(seconds, 1e-6), 10.0)))


def check(status: int) -> None:
    """Raise MemoryError if the ``status`` returned by a call says that memory ran out."""
    if status:
        raise MemoryError("a kernel ran out of memory")


def train_side_by_side(runs: Sequence[Iterator[int]], threads: int | None, advance: Advance) -> None:
    """Exhaust ``runs``, one call of each at a time, on at most ``threads`` threads (default: one per processor).

    Each call yields its number of optimiser steps, which is passed to ``advance`` from the calling thread. After an
    interruption the calls in progress finish, and no other starts.
    """
    with pool(min(len(runs), threads or processors())) as executor:
        waiting: dict[Future[int | None], Iterator[int]] = {executor.submit(next, run, None): run for run in runs}
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                run, steps = waiting.pop(future), future.result()
                if steps is not None:
                    advance(steps)
                    waiting[executor.submit(next, run, None)] = run
