"""Calls into a kernel: the runs of a block side by side, each as a row of calls that leave Python's lock alone."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from hw1bench.support.threads import pool

CALL_SECONDS = 0.08  # of work in one call: how long an interruption or a progress bar waits


class Pace:
    """How many ``units`` of work make a call of ``CALL_SECONDS``; it settles as the calls come in."""

    def __init__(self) -> None:
        self.units = 1

    def took(self, units: int, seconds: float) -> None:
        """A call of so many ``units`` took ``seconds``."""
        self.units = max(1, int(units * min(CALL_SECONDS / max(seconds, 1e-6), 10.0)))


def check(status: int) -> None:
    """Raises MemoryError if the ``status`` that a call returned says that memory ran out."""
    if status:
        raise MemoryError("a kernel ran out of memory")


def train_side_by_side(runs: Sequence[Iterator[int]], threads: int | None, progress: Callable[[int], None]) -> None:
    """Exhaust ``runs``, one call of each at a time, on at most ``threads`` threads (default: one per processor).

    A call gives the optimiser steps that it took, and ``progress`` is told them from the calling thread. After an
    interruption the calls under way end, and no other begins.
    """
    with pool(min(len(runs), threads or os.cpu_count() or 1)) as executor:
        waiting: dict[Future[int | None], Iterator[int]] = {executor.submit(next, run, None): run for run in runs}
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                run, steps = waiting.pop(future), future.result()
                if steps is not None:
                    progress(steps)
                    waiting[executor.submit(next, run, None)] = run
