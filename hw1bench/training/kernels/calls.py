"""Calls of a kernel: the runs of a block train side by side, each in a series of calls that release Python's lock."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
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


def train_side_by_side(
    runs: Sequence[Iterator[int]],
    threads: int | None,
    advance: Advance,
    ended: Callable[[int], None] = lambda place: None,
) -> None:
    """Exhaust ``runs``, one call of each at a time, on at most ``threads`` threads (default: one per processor).

    Each call yields its number of optimiser steps, which is passed to ``advance`` from the calling thread; so is the place of
    a run to ``ended`` as soon as it is exhausted. After an interruption the calls in progress finish, and no other starts.

    A run begins when another ends, so that the first ones end early. If the runs are no multiple of the threads, the last ones
    begin together and take turns, because equally long runs would otherwise leave threads idle at the end.
    """
    workers = min(len(runs), threads or processors())
    together = workers + len(runs) % workers if len(runs) % workers else 0
    left = deque(enumerate(runs))
    waiting: dict[Future[int | None], tuple[int, Iterator[int]]] = {}

    def call(place: int, run: Iterator[int]) -> None:
        waiting[executor.submit(next, run, None)] = place, run

    def begin() -> None:
        for _ in range(len(left) if len(left) <= together else min(1, len(left))):
            call(*left.popleft())

    with pool(workers) as executor:
        for _ in range(workers):
            begin()
        while waiting:
            done = wait(waiting, return_when=FIRST_COMPLETED).done
            results = [(*waiting.pop(future), future.result()) for future in done]
            for place, _, steps in results:  # the ended ones first: ``advance`` may raise
                if steps is None:
                    begin()
                    ended(place)
            for place, run, steps in results:
                if steps is not None:
                    advance(steps)
                    call(place, run)
