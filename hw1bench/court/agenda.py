"""The agenda: what is to be put on record next, in units, and in which order.

A *unit* is an experiment at a look: the first look of all its claims that have no ruling that counts, or the next look of those
whose ruling is inconclusive although more seeds are planned. Exact counts, which train nothing, make up a unit of their own, and
so do values from elsewhere at a look, of which nobody knows how long they take. A
ruling that counts and leaves no look open is final here: nothing judges it anew.

A session that has a budget judges what is selected in the same spirit, whatever is on record: see ``seconds_per_claim``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hw1bench.court import costs, pilots
from hw1bench.court.costs import Device, Rates
from hw1bench.court.docket import Book, Case
from hw1bench.court.values import ELSEWHERE, Values
from hw1bench.specs.experiment import Tier

TINY = 60.0
"""Estimated seconds that several units may take together if they are to be judged in one session: starting one takes seconds."""


@dataclass(frozen=True)
class Unit:
    """The claims of ``cases``, to be judged on the runs of up to ``seeds`` seeds (None: exact counts), which takes about
    ``seconds`` more."""

    cases: tuple[Case, ...]
    seeds: int | None
    seconds: float

    @property
    def name(self) -> str:
        experiment = self.cases[0].claim.experiment
        if self.seeds is None:
            return "exact counts"
        return f"{ELSEWHERE if experiment is None else experiment.id} at {self.seeds} seeds"

    @property
    def unknown(self) -> bool:
        """Whether a function computes values from elsewhere, which takes longer than ``seconds`` by what nobody here knows."""
        return any(isinstance(case.claim.effect, Values) and case.claim.effect.computed for case in self.cases)

    @property
    def claims(self) -> tuple[str, ...]:
        return tuple(case.claim.id for case in self.cases)


def units(cases: Iterable[Case], book: Book, rates: Rates, device: Device) -> list[Unit]:
    """What is not on record of the claims ``cases``, by rulings an hour: that unit first which may decide the most claims for its
    time, whether by a first look or a further one. Ties keep the order of the claims."""
    found: dict[tuple[str | None, int | None, int], list[Case]] = {}
    for case in cases:
        look = next_look(case, book)
        if look is not None:
            seeds, before = look
            found.setdefault((case.claim.key("full"), seeds, before), []).append(case)
    agenda = [_unit(some, seeds, before, rates, device) for (_, seeds, before), some in found.items()]
    return sorted(agenda, key=lambda unit: unit.seconds / len(unit.cases))


def next_look(case: Case, book: Book) -> tuple[int | None, int] | None:
    """The seeds of the next look at the claim in the full tier (None for an exact count), and those that its ruling rests on
    already; None if its ruling is final."""
    ruling, experiment, effect = case.ruled(book, "full"), case.claim.experiment, case.claim.effect
    if isinstance(effect, Values):
        looks, there = effect.looks, len(effect.seeds())
    elif experiment is not None:
        looks, there = experiment.full.looks, experiment.full.looks[-1]
    else:
        return (None, 0) if ruling is None else None
    if ruling is None:
        return looks[0], 0
    seeds = ruling.seeds or 0
    open_looks = [look for look in looks if seeds < look <= there] if ruling.verdict == "inconclusive" else []
    return (open_looks[0], seeds) if open_looks else None


def _unit(cases: Sequence[Case], seeds: int | None, before: int, rates: Rates, device: Device) -> Unit:
    """The unit of ``cases``. Runs of earlier looks are taken to be stored already."""
    experiment = cases[0].claim.experiment
    if experiment is None or seeds is None:
        return Unit(tuple(cases), seeds, 0.0)
    seconds = rates.seconds(costs.arms_of(cases, "full"), experiment.full.measures, seeds - before, device)
    return Unit(tuple(cases), seeds, seconds)


def fitting(agenda: Sequence[Unit], seconds: float) -> list[Unit]:
    """The first unit of ``agenda`` that takes at most ``seconds``, and those after it that may share a session with it: at the
    same look, fitting in as well, and tiny all together. Exact counts share with any look."""
    chosen: list[Unit] = []
    for unit in agenda:
        total = sum(one.seconds for one in chosen) + unit.seconds
        looks = {one.seeds for one in (*chosen, unit)} - {None}
        if total <= seconds and (not chosen or (total < TINY and len(looks) <= 1)):
            chosen.append(unit)
    return chosen


def seconds_per_claim(cases: Iterable[Case], tier: Tier, rates: Rates, device: Device) -> dict[str, float]:
    """For the id of each of the claims ``cases`` the estimated seconds of the first look of its experiment in ``tier``, shared
    equally by those of the claims that this look may decide. What a store holds is not known here, and counts as well. Claims
    that train nothing take 0."""
    found: dict[str, float] = {}
    experiments: dict[str, list[Case]] = {}
    for case in cases:
        found[case.claim.id] = 0.0
        key = case.claim.key(tier)
        if key is not None and not (tier == "quick" and pilots.silenced(case.claim)):
            experiments.setdefault(key, []).append(case)
    for some in experiments.values():
        protocol = some[0].claim.protocol(tier)
        assert protocol is not None
        seconds = rates.seconds(costs.arms_of(some, tier), protocol.measures, protocol.looks[0], device)
        found |= {case.claim.id: seconds / len(some) for case in some}
    return found
