"""How many verdicts are false by chance: the exact number to expect, and a false discovery rate.

Both are about seeds alone. What may be wrong with a verdict for every seed alike, such as an assumption, a threshold or data
that stand in for a report's own, is in neither.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from hw1bench.court.looks import false_probability, p_value, word


@dataclass(frozen=True)
class Result:
    """What one verdict rests on: the claim holds in ``holds`` of ``seeds`` seeds, one of the planned ``looks``."""

    holds: int
    seeds: int
    looks: tuple[int, ...]


@dataclass(frozen=True)
class ByChance:
    """What chance may have done to the verdicts on a number of ``claims``, of which some are ``decided``.

    ``expected`` is the number of false verdicts to expect if every claim holds in half of all seeds: the sum of what their
    plans of looks err with, and the plans of claims without evidence. For other claims it is an upper bound, however the claims
    depend on each other. ``rate`` is the false discovery rate at which all decided verdicts stand together, by the procedure of
    Benjamini and Hochberg (1995) on the exact p-values of all claims; it takes these to be independent, or positively
    dependent, as claims on the same runs mostly are. NaN if no verdict is decided.
    """

    claims: int
    decided: int
    expected: float
    rate: float


def by_chance(results: Iterable[Result], silent: Iterable[tuple[int, ...]] = ()) -> ByChance:
    """What chance may have done to the verdicts that rest on ``results``. ``silent`` are the looks of claims without evidence: no
    verdict of theirs can be false, but whether they have one may hang on what was found, so their plans count in ``expected``.
    Raises ValueError if a result is none of its looks."""
    found = list(results)
    decided = np.array([word(one.holds, one.seeds, one.looks) != "inconclusive" for one in found], dtype=bool)
    rates = false_discovery_rates([p_value(one.holds, one.seeds, one.looks) for one in found])
    return ByChance(
        claims=len(found),
        decided=int(decided.sum()),
        expected=sum(map(false_probability, [*(one.looks for one in found), *silent])),
        rate=float(rates[decided].max()) if decided.any() else float("nan"),
    )


def false_discovery_rates(p_values: Sequence[float]) -> np.ndarray:
    """For each p-value the least false discovery rate at which it is a discovery (Benjamini and Hochberg, 1995), as scipy's
    ``false_discovery_control`` has it; written out because a report is rendered without scipy."""
    values = np.asarray(p_values, dtype=float)
    falling = np.argsort(-values)
    scaled = values[falling] * len(values) / np.arange(len(values), 0, -1)
    rates = np.empty_like(values)
    rates[falling] = np.minimum.accumulate(scaled)
    return rates
