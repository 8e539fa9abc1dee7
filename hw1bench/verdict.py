"""The rule: effects in, a verdict out. Numbers only; nothing here knows of tensors, claims or pytest.

A claim holds in a seed when its effect is > 0. At each planned look, the exact two-sided binomial interval (Clopper and
Pearson, 1934) of the share of seeds in which it holds is taken at level 1 - 0.05 / looks: above 1/2 the claim is
supported, below 1/2 refuted; after the last look it is inconclusive. Seeds are independent, so by the union bound over looks
a verdict is false with probability at most 0.05, whatever the distribution of the effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy import stats

ALPHA = 0.05  # probability of a false verdict on one claim, over all its looks
Word = Literal["supported", "refuted", "inconclusive", "error", "not run"]
WORDS: tuple[Word, ...] = ("supported", "refuted", "inconclusive", "error", "not run")
How = Literal["reversed", "absent"]


@dataclass(frozen=True)
class Verdict:
    """What the evidence says of a claim.

    ``values`` are the effects of the seeds it rests on (NaN: undefined, does not hold), ``holds`` how many are > 0; ``share``
    the interval of the share of seeds at ``level``; ``median`` and ``interval`` of the effect at the same level, possibly
    infinite. All of it is None for count claims (exact, without seeds), errors, and what did not run.
    """

    word: Word
    how: How | None = None
    values: tuple[float, ...] | None = None
    holds: int | None = None
    looks: tuple[int, ...] | None = None
    level: float | None = None
    share: tuple[float, float] | None = None
    median: float | None = None
    interval: tuple[float, float] | None = None
    note: str = ""

    @property
    def seeds(self) -> int | None:
        return None if self.values is None else len(self.values)


def level_for(looks: Sequence[int]) -> float:
    """The confidence level of one look of the planned ``looks``."""
    return 1 - ALPHA / len(looks)


@cache
def share_interval(holds: int, seeds: int, level: float) -> tuple[float, float]:
    """The exact interval of the share of seeds in which a claim holds."""
    interval = stats.binomtest(holds, seeds).proportion_ci(confidence_level=level, method="exact")
    return float(interval.low), float(interval.high)


def _word(holds: int, seeds: int, level: float) -> Word:
    low, high = share_interval(holds, seeds, level)
    return "supported" if low > 0.5 else "refuted" if high < 0.5 else "inconclusive"


def _order_statistics(values: np.ndarray, level: float) -> tuple[float, tuple[float, float]]:
    """Median and its exact interval. An undefined effect does not hold, so it ranks below all others."""
    ranked = np.where(np.isnan(values), -np.inf, values)
    middle = np.sort(ranked)[[(len(ranked) - 1) // 2, len(ranked) // 2]]
    median = float(middle[0]) if middle[0] == middle[1] else float(middle.mean())
    interval = stats.quantile_test(ranked, p=0.5).confidence_interval(confidence_level=level)
    return median, (float(interval.low), float(interval.high))


def judge(values: Sequence[float], looks: Sequence[int], opposite: Sequence[float] | None = None) -> Verdict:
    """The verdict on the effects ``values`` at the look ``len(values)`` of the planned ``looks``.

    "inconclusive" before the last look means: go on. ``opposite`` are the effects, in the same seeds, of the claim that
    says the opposite, where there is one: a refutation is "reversed" when that one is supported, else "absent".
    Raises ValueError where no look is planned at this number of seeds.
    """
    seeds = len(values)
    if seeds not in looks:
        raise ValueError(f"no look is planned at {seeds} seeds, only at {tuple(looks)}")
    if opposite is not None and len(opposite) != seeds:
        raise ValueError(f"{len(opposite)} opposite effects for {seeds} seeds")
    level = level_for(looks)
    effects = np.asarray(values, dtype=np.float64)
    holds = int((effects > 0).sum())
    word = _word(holds, seeds, level)
    how: How | None = None
    if word == "refuted":
        against = 0 if opposite is None else int((np.asarray(opposite, dtype=np.float64) > 0).sum())
        how = "reversed" if _word(against, seeds, level) == "supported" else "absent"
    median, interval = _order_statistics(effects, level)
    return Verdict(
        word=word,
        how=how,
        values=tuple(float(value) for value in effects),
        holds=holds,
        looks=tuple(looks),
        level=level,
        share=share_interval(holds, seeds, level),
        median=median,
        interval=interval,
    )


def outcome_probabilities(share: float, looks: Sequence[int]) -> dict[Word, float]:
    """Exact probability of each verdict for a claim that holds in a seed with probability ``share``, by enumeration."""
    level = level_for(looks)
    going: dict[int, float] = {0: 1.0}  # seeds in which it holds -> probability of being undecided with that number
    result: dict[Word, float] = {"supported": 0.0, "refuted": 0.0, "inconclusive": 0.0}
    seen = 0
    for look in looks:
        after: dict[int, float] = {}
        for holds, probability in going.items():
            for more, weight in enumerate(stats.binom.pmf(range(look - seen + 1), look - seen, share)):
                after[holds + more] = after.get(holds + more, 0.0) + probability * float(weight)
        going = {}
        for holds, probability in after.items():
            word = _word(holds, look, level)
            if word == "inconclusive":
                going[holds] = probability
            else:
                result[word] += probability
        seen = look
    result["inconclusive"] = sum(going.values())
    return result
