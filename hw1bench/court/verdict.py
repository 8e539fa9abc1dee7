"""The rule: effects in, a verdict out. Numbers only; nothing here knows of tensors, claims or pytest.

A claim holds in a seed if its effect is > 0. At each planned look, the exact two-sided binomial interval (Clopper and
Pearson, 1934) of the share of seeds in which it holds is taken at the level of that look: if the interval is above 1/2, the
claim is supported; if it is below 1/2, refuted; otherwise, after the last look, inconclusive. The levels are such that a
verdict is false with probability at most 0.05, whatever the distribution of the effect: see ``hw1bench.court.looks``.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from hw1bench.court.looks import LOOKS, check_looks, is_close, plan
from hw1bench.court.vocabulary import How, RuledWord, VerdictWord
from hw1bench.effects.telling import TIE
from hw1bench.support.number import NoFinding, as_real

Opposite = Callable[[float], float]
"""The effect of the opposite claim in a seed, given the effect of the claim."""


def negated(value: float) -> float:
    """The opposite of an effect that compares two things: the other way round."""
    return -value


@dataclass(frozen=True)
class Verdict:
    """What the evidence says of a claim.

    ``values`` are the effects, one per seed (NaN: undefined, does not hold), and ``holds`` is how many are > 0. ``level`` is
    the level of the look at which the court stopped, and ``share`` the interval of the share of seeds at this level. ``median``
    is the median effect and ``interval`` its interval at the same level; they may be infinite, and are NaN if they fall on an
    undefined effect. All of these are None for count claims (exact, without seeds), for errors, and for claims that were not
    run.
    """

    word: VerdictWord
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

    @property
    def close(self) -> bool:
        """Whether the verdict is one seed from its bound: see ``hw1bench.court.looks.is_close``."""
        if self.holds is None or self.seeds is None or self.looks is None or self.word == "no evidence":
            return False
        return is_close(self.holds, self.seeds, self.looks)


@cache
def share_interval(holds: int, seeds: int, level: float) -> tuple[float, float]:
    """The exact interval of the share of seeds in which a claim holds: quantiles of two beta distributions."""
    from scipy import special  # takes a second to import, which collection need not wait for; scipy.stats takes another

    tail = (1 - level) / 2
    return (
        float(special.betaincinv(holds, seeds - holds + 1, tail)) if holds else 0.0,
        float(special.betainccinv(holds + 1, seeds - holds, tail)) if holds < seeds else 1.0,
    )


def _order_statistics(values: np.ndarray, level: float) -> tuple[float, tuple[float, float]]:
    """Median and its exact interval; NaN if the middle or an end falls on an undefined effect.

    An undefined effect does not hold, so it ranks below all others, even below -infinity, which is an effect.
    """
    undefined = np.isnan(values)
    ranked = np.concatenate([values[undefined], np.sort(values[~undefined])])
    middle = ranked[[(len(ranked) - 1) // 2, len(ranked) // 2]]
    with np.errstate(all="ignore"):  # the mean of both infinities is undefined
        median = float(middle[0]) if middle[0] == middle[1] else float(middle.mean())
    if np.isfinite(middle).all() and not np.isfinite(median):
        median = float((middle / 2).sum())
    outside = _ranks_outside(len(ranked), level)
    if outside == 0:
        return median, (-math.inf, math.inf)
    return median, (float(ranked[outside - 1]), float(ranked[-outside]))


@cache
def _ranks_outside(seeds: int, level: float) -> int:
    """How many effects, counted from either end, reach the ends of the exact interval of the median (David and Nagaraja, 2003,
    7.1): each end is on the wrong side of the median with a probability of at most (1 - ``level``) / 2. 0 if ``seeds`` are too
    few to bound the median."""
    from scipy import special

    tails = special.bdtr(np.arange(seeds), seeds, 0.5)  # probability of so many effects or fewer below the median
    return int((tails <= (1 - level) / 2).sum())


def nothing_found(values: Sequence[float]) -> str:
    """Why the effects ``values``, one per seed, are no evidence; '' if they are."""
    undefined, ties = sum(math.isnan(value) for value in values), sum(value in (0, TIE) for value in values)
    if 2 * undefined >= len(values):
        return f"its effect is undefined in {undefined} of {len(values)} seeds"
    if undefined + ties == len(values):
        return (
            "its effect is a tie in every seed" if not undefined else "its effect is a tie or undefined in every seed"
        )
    return ""


def decide(values: Sequence[float], looks: Sequence[int], opposite: Sequence[float] | None = None) -> Verdict:
    """The verdict on the effects ``values``, one per seed, at the look ``len(values)`` of the planned ``looks``.

    "inconclusive" before the last look means: go on. ``opposite`` are the effects, in the same seeds, of the opposite claim,
    if there is one: a refutation is "reversed" if the opposite claim is supported, otherwise "absent".
    The word is "no evidence" if the effect is undefined (NaN) in half of the seeds or more, or undefined or a tie in all.
    Raises ValueError if no look is planned at this number of seeds or if looks do not increase, and NoFinding if an effect is
    not a real number.
    """
    seeds = len(values)
    planned = plan(looks)
    if seeds not in looks:
        raise ValueError(f"no look is planned at {seeds} seeds, only at {tuple(looks)}")
    (look,) = (one for one in planned if one.seeds == seeds)
    if opposite is not None and len(opposite) != seeds:
        raise ValueError(f"{len(opposite)} opposite effects for {seeds} seeds")
    effects = np.array([as_real(value) for value in values])
    holds = int((effects > 0).sum())
    word: RuledWord = "no evidence" if nothing_found(values) else look.word(holds)
    how: How | None = None
    if word == "refuted":
        against = 0 if opposite is None else sum(as_real(value) > 0 for value in opposite)
        how = "reversed" if look.word(against) == "supported" else "absent"
    median, interval = _order_statistics(effects, look.level)
    return Verdict(
        word=word,
        how=how,
        values=tuple(float(value) for value in effects),
        holds=holds,
        looks=tuple(one.seeds for one in planned),
        level=look.level,
        share=share_interval(holds, seeds, look.level),
        median=median,
        interval=interval,
    )


def judge_values(
    values: Sequence[float] | Mapping[int, float], looks: Sequence[int] = LOOKS, *, opposite: Opposite | None = negated
) -> Verdict:
    """The verdict on effects from anywhere, by the rule of ``decide``: pytest, torch and a claim are not needed.

    ``values`` are the effects, one per seed in the order of the seeds, or a mapping from seeds to effects, which is taken by
    ascending seed. They are looked at as a court does: the first ``looks[0]`` of them, then the first ``looks[1]``, up to the
    first look that decides; what comes after it is not counted. So the error of at most 0.05 holds although the number of seeds
    depends on what was found, if the looks, and which seeds there are, were fixed before. The word is "not run", with a note,
    if there are fewer than ``looks[0]`` values; "inconclusive" has a note if more seeds could still decide.
    ``opposite`` gives the effect of the opposite claim in a seed (None: it has no opposite), see ``decide``.
    Raises ValueError for looks that do not increase or can never decide, and NoFinding for an effect that is not a real number.
    """
    check_looks(looks)
    named = sorted(values.items()) if isinstance(values, Mapping) else enumerate(values)
    effects = []
    for name, value in named:
        try:
            effects.append(as_real(value))
        except NoFinding as error:
            raise NoFinding(f"values[{name}]: {error}") from None
    there = [look for look in looks if look <= len(effects)]
    verdict = Verdict("not run")
    for look in there:
        taken = effects[:look]
        verdict = decide(taken, looks, None if opposite is None else [opposite(value) for value in taken])
        if verdict.word != "inconclusive":
            return verdict
    if len(there) == len(looks):
        return verdict
    which = "next" if there else "first"
    seeds = f"{len(effects)} seed{'' if len(effects) == 1 else 's'}"
    return replace(verdict, note=f"{seeds} of the {looks[len(there)]} that the {which} look needs")
