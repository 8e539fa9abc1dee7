"""The plan of looks: how many seeds decide at each planned look, and how often that errs.

Every look may be the one that errs, so the looks share the 0.05 that the whole may err with. By look k of K, 0.05 k / K may be
spent: what the earlier looks have spent, and the *allowance* of look k. What a look spends is the probability, at a share of
1/2, that it decides: found exactly, over all paths that are undecided until then. The level of a look is 1 - its allowance,
and its *bound* is the least number of seeds for which the two-sided interval of Clopper and Pearson (1934) at this level lies
above 1/2. So at a share of 1/2 a plan errs with a probability of at most 0.05, both sides together; at a share below 1/2 it
supports, and at one above 1/2 it refutes, less often still. Spending by a schedule that is fixed beforehand is from Lan and
DeMets (1983).

Probabilities come from one convolution per seed, without scipy: a report is rendered with them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from hw1bench.court.vocabulary import ALPHA, RuledWord

LOOKS = (8, 16, 32)
"""The numbers of seeds at which a verdict may be reached, if nothing else is planned."""
LARGEST = 10_000
"""The most seeds that a look may have: more would take minutes to plan."""


@dataclass(frozen=True)
class Look:
    """A planned look: its number of ``seeds``, the ``level`` of its interval, and its ``bound``.

    The claim is supported if it holds in ``bound`` seeds or more, and refuted if it fails in as many. A bound of ``seeds`` + 1
    means that no number of seeds decides at this look.
    """

    seeds: int
    level: float
    bound: int

    def word(self, holds: int) -> RuledWord:
        """The verdict if the claim holds in ``holds`` of the seeds; "inconclusive" before the last look means: go on."""
        if holds >= self.bound:
            return "supported"
        return "refuted" if self.seeds - holds >= self.bound else "inconclusive"

    @property
    def undecided(self) -> np.ndarray:
        """Whether this look leaves the verdict open, for 0, 1, ... seeds in which the claim holds (seeds + 1,)."""
        holds = np.arange(self.seeds + 1)
        return (holds < self.bound) & (self.seeds - holds < self.bound)


def plan(looks: Sequence[int]) -> tuple[Look, ...]:
    """The planned ``looks`` with their levels and bounds. Raises ValueError unless these are increasing positive integers up to
    ``LARGEST``."""
    whole = all(isinstance(look, int | np.integer) and not isinstance(look, bool) for look in looks)
    if not whole or not looks or looks[0] < 1 or any(sooner >= later for sooner, later in pairwise(looks)):
        raise ValueError(f"looks must be increasing numbers of seeds, such as (8, 16), not {tuple(looks)}")
    if looks[-1] > LARGEST:
        raise ValueError(f"looks must be at {LARGEST:,} seeds or fewer, not at {looks[-1]:,}")
    return _plan(tuple(int(look) for look in looks))


def check_looks(looks: Sequence[int]) -> None:
    """Raise ValueError as ``plan`` does, and for looks of which the last one cannot decide even if all seeds agree."""
    last = plan(looks)[-1]
    if last.bound > last.seeds:
        raise ValueError(
            f"looks at {tuple(looks)} can never decide, even if all seeds agree: plan a last look at 6 seeds or more"
        )


@cache
def _plan(looks: tuple[int, ...]) -> tuple[Look, ...]:
    planned: list[Look] = []
    spent, open_paths, paths = 0.0, np.ones(1), np.ones(1)
    for number, seeds in enumerate(looks, start=1):
        allowance = ALPHA * number / len(looks) - spent
        paths, open_paths = _after(paths, seeds, 0.5), _after(open_paths, seeds, 0.5)
        tails = np.cumsum(paths[::-1])[::-1]  # probability of so many seeds or more
        planned.append(Look(seeds, 1 - allowance, int((2 * tails >= allowance).sum())))
        going_on = np.where(planned[-1].undecided, open_paths, 0.0)
        spent += float(open_paths.sum() - going_on.sum())
        open_paths = going_on
    return tuple(planned)


def _after(probabilities: np.ndarray, seeds: int, share: float) -> np.ndarray:
    """Probabilities of 0, 1, ... holding seeds among ``seeds``, given those among the first ``len(probabilities)`` - 1."""
    for _ in range(seeds + 1 - len(probabilities)):
        probabilities = np.convolve(probabilities, (1 - share, share))
    return probabilities


def bounds(looks: Sequence[int]) -> tuple[int, ...]:
    """For each of the planned ``looks`` the least number of seeds that decides: (8, 13, 23) for (8, 16, 32)."""
    return tuple(look.bound for look in plan(looks))


def arrivals(share: float, looks: Sequence[int]) -> Iterator[tuple[Look, np.ndarray]]:
    """Each planned look, with the probabilities (seeds + 1,) of arriving at it with 0, 1, ... holding seeds, undecided before.

    ``share`` is the probability that the claim holds in a seed.
    """
    probabilities = np.ones(1)
    for look in plan(looks):
        probabilities = _after(probabilities, look.seeds, share)
        yield look, probabilities
        probabilities = np.where(look.undecided, probabilities, 0.0)


def outcome_probabilities(share: float, looks: Sequence[int]) -> dict[RuledWord, float]:
    """Exact probability of each verdict for a claim that holds in a seed with probability ``share``, if all effects are
    defined."""
    result: dict[RuledWord, float] = {"supported": 0.0, "refuted": 0.0, "inconclusive": 0.0}
    for look, probabilities in arrivals(share, looks):
        if look.bound <= look.seeds:
            result["supported"] += float(probabilities[look.bound :].sum())
            result["refuted"] += float(probabilities[: look.seeds - look.bound + 1].sum())
        result["inconclusive"] = float(probabilities[look.undecided].sum())
    return result


def false_probability(looks: Sequence[int]) -> float:
    """The exact probability of a verdict, supported or refuted, on a claim that holds in half of all seeds."""
    chances = outcome_probabilities(0.5, looks)
    return chances["supported"] + chances["refuted"]


def _at(holds: int, seeds: int, looks: Sequence[int]) -> Look:
    """The look at ``seeds``. Raises ValueError if none is planned there, or if ``holds`` is not a number of its seeds."""
    for look in plan(looks):
        if look.seeds == seeds and 0 <= holds <= seeds:
            return look
    raise ValueError(f"{holds} of {seeds} seeds is no result of looks at {tuple(looks)}")


def word(holds: int, seeds: int, looks: Sequence[int]) -> RuledWord:
    """The verdict on a claim that holds in ``holds`` of ``seeds`` seeds. Raises ValueError as ``p_value`` does."""
    return _at(holds, seeds, looks).word(holds)


def p_value(holds: int, seeds: int, looks: Sequence[int]) -> float:
    """The exact two-sided p-value of a result against a share of 1/2: the probability of one at least as extreme.

    Results are in the order of stages (Armitage, 1957): one that decides at an earlier look is more extreme; at one look the
    result that is farther from one half is. ``seeds`` is the look at which the court stopped. Raises ValueError if it is none
    of the planned ``looks``, or if ``holds`` is more.
    """
    here = _at(holds, seeds, looks)
    probability = 0.0
    for look, probabilities in arrivals(0.5, looks):
        if look.seeds < here.seeds:
            probability += float(probabilities[~look.undecided].sum())
        elif look == here:
            extreme = np.abs(2 * np.arange(seeds + 1) - seeds) >= abs(2 * holds - seeds)
            probability += float(probabilities[extreme].sum())
    return min(1.0, probability)


def is_close(holds: int, seeds: int, looks: Sequence[int]) -> bool:
    """Whether a verdict on ``holds`` of ``seeds`` seeds is one seed from its bound: if a single one of these seeds had gone the
    other way, the word at this look would be another.

    One case is left out: all seeds agree, at a look that only all of them can decide and that is not the last one, such as 8 of
    8 where 16 are planned. Such evidence cannot be farther from its bound, and had one seed gone the other way, the court would
    have asked more seeds and not said another word. 8 of 8 where no more are planned is close. Raises ValueError as ``p_value``
    does.
    """
    look = _at(holds, seeds, looks)
    if holds in (0, seeds) and look.bound == seeds and seeds != looks[-1]:
        return False
    return any(look.word(other) != look.word(holds) for other in (holds - 1, holds + 1) if 0 <= other <= seeds)
