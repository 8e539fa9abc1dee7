"""Timings of contenders: in CPU seconds of this process, interleaved.

Every contender runs once in each round, so that a change of the machine's speed affects all. CPU seconds leave out what other
processes do meanwhile. A figure is the median over rounds, and a ratio is the median of the rounds' ratios.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from hw1bench.support.workers import limited

SECONDS = 1.0  # of a contender's work in a round
_GROWTH = 20  # by which work grows at most from one trial to the next

Work = Callable[[int], object]
"""Does so much work: steps, or items."""


@dataclass(frozen=True)
class Row:
    """A row of a table: the ``times`` (rounds,) of each contender, of which "ours" is one, and of each floor."""

    title: str
    times: Mapping[str, list[float]]

    def ratio(self, name: str) -> float | None:
        """Return the median over rounds of the time of ``name`` divided by ours; None if it did not run."""
        if name not in self.times:
            return None
        return median(other / own for other, own in zip(self.times[name], self.times["ours"], strict=True))

    def best(self, names: tuple[str, ...]) -> str | None:
        """Return which of ``names`` takes least; None if none ran."""
        there = [name for name in names if name in self.times]
        return min(there, key=lambda name: median(self.times[name]), default=None)


@contextmanager
def one_processor() -> Iterator[None]:
    """Context in which this process and the threads that it starts have one processor: threads that wait for each other would
    otherwise be paid for, in which libraries differ. Libraries that have counted processors before keep their threads."""
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if before:
        os.sched_setaffinity(0, {min(before)})
    try:
        with limited(to=1, threads=1):
            yield
    finally:
        if before:
            os.sched_setaffinity(0, before)


def seconds(call: Callable[[], object]) -> float:
    """Return the CPU seconds that ``call`` takes."""
    start = time.process_time()
    call()
    return time.process_time() - start


def amount(work: Work, unit: int = 1) -> int:
    """Return a multiple of ``unit`` that takes about ``SECONDS``. What a library does at its first call is done then."""
    found = unit
    while True:
        work(found)
        taken = seconds(lambda: work(found))  # noqa: B023  # called at once
        if taken > SECONDS / 2:
            return found
        wanted = min(SECONDS / taken, _GROWTH) if taken else _GROWTH
        found = unit * max(2 * found // unit, round(wanted * found / unit))


def interleaved(works: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Return the times (rounds,) of each of ``works``, which give their own time."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, once in works.items():
            times[name].append(once())
    return times
