"""How long work takes, whatever else the machine does meanwhile."""

import os
import time
from collections.abc import Callable

from hw1bench.support.workers import processors


def stopwatch(runs: int | None) -> Callable[[], float]:
    """Start a stopwatch; call what it returns for the seconds since then.

    Work on so many ``runs`` side by side, on as many threads as there are processors for them, is timed by the processors' time
    that this process and its finished children took, over the number of threads: what a clock on the wall shows on a machine
    that does nothing else. By that clock the same work takes ten times as long on a busy machine. None is for work that is done
    elsewhere, as on a GPU, for which the clock is read.
    """
    clock, before = time.perf_counter(), _processors()

    def seconds() -> float:
        wall = time.perf_counter() - clock
        if runs is None:
            return wall
        return min(wall, (_processors() - before) / min(runs, processors()))

    return seconds


def _processors() -> float:
    """Seconds of processors that this process and its finished children, such as compilers, have taken."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system
