"""Parts of a selection, such as the second of five, which sessions on several machines judge apart.

What belongs together stays in one part. The rest is arithmetic with whole numbers, so that every machine finds the same parts.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """The part with this ``number``, from 1, ``of`` so many."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> "Part":
        """The part that ``text`` names, such as "2/5". Raises ValueError, in one line, if it names none."""
        found = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text, re.ASCII)
        part = cls(int(found[1]), int(found[2])) if found else None
        if part is None or part.number > part.of:
            raise ValueError(f"--shard {text!r} is no part of a whole: give one such as 2/5, the second of five")
        return part


def together(names: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """The sets of ``names``, united wherever two share a name, directly or by way of others."""
    found: list[frozenset[str]] = []
    for some in names:
        apart = [other for other in found if some.isdisjoint(other)]
        united = some.union(*(other for other in found if not some.isdisjoint(other)))
        found = [*apart, united]
    return found


def split(costs: Mapping[str, int], of: int) -> dict[str, int]:
    """The number, from 1, of the part for each name in ``costs``: the most costly first, ties by name, each into the part that
    has cost least so far, ties by number. No part costs more than 4/3 of the best that is possible (R. L. Graham, Bounds on
    multiprocessing timing anomalies, SIAM J. Appl. Math. 17, 1969)."""
    spent = dict.fromkeys(range(1, of + 1), 0)
    found = {}
    for name in sorted(costs, key=lambda name: (-costs[name], name)):
        number = min(spent, key=lambda number: (spent[number], number))
        spent[number] += costs[name]
        found[name] = number
    return found
