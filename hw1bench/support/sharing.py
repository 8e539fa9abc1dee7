"""How processors are shared among pieces of work that wait for them."""

import math


def share(work: float, waiting: float, processors: int, largest: int, runs: int) -> int:
    """The processors of a cluster of so many ``processors`` with which a piece of ``work`` takes no longer than all that is
    ``waiting``, itself included, would take on all of them: one at least, and at most as many as the ``largest`` node has, or
    as there are ``runs``, each of which keeps one busy."""
    asked = math.ceil(work * processors / waiting) if waiting else 1
    return max(1, min(runs, largest, asked))
