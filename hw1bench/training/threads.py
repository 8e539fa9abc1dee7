"""The runs of a block side by side, each a row of calls into a kernel that leave Python's lock alone."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from hw1bench.support.threads import pool


def side_by_side(runs: Sequence[Iterator[int]], threads: int | None, progress: Callable[[int], None]) -> None:
    """Exhaust ``runs``, a call of each at a time, on ``threads`` at most (default: one for each processor).

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
