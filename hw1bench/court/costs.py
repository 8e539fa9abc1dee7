"""What it costs to put claims on record: the arithmetic of what is not, and seconds by the rates of what is.

A rate is the number of seconds per unit of work of what is on record, measuring included. On the CPU work is counted in
multiply-adds (see ``hw1bench.specs.work``); on a GPU in optimiser steps, because there steps are chains of short kernels, whose
arithmetic counts only if it is large. Rates are known by kind: function or images, dense or convolutional, so many samples per
step, and which measurements are taken. An arm whose kind has no rate on record takes that of the nearest kind that has: these
properties are dropped from the last to the first until some rate is left. On a GPU the first three are never dropped, because a
step of a convolutional net is another chain of kernels than one of a dense net. If nothing is left, a stated constant takes its
place. So every experiment has an estimate. Where each experiment on record here is estimated from the others, three of four
estimates are within a factor of 2 and nine of ten within 3. Pilots give rates as rulings do: a smaller budget takes less time,
but about as much per unit of work.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import geometric_mean
from typing import Literal, NamedTuple

from hw1bench.court.docket import Book, Case
from hw1bench.effects import Effect
from hw1bench.specs import work
from hw1bench.specs.experiment import BLOCK, TIERS, Arm, Experiment, Function, Protocol, Tier
from hw1bench.specs.measurement import Measurement

Device = Literal["cpu", "GPU"]
DEVICES: tuple[Device, ...] = ("cpu", "GPU")

_UNKNOWN: dict[Device, float] = {"cpu": 2e-11, "GPU": 2e-4}
"""Seconds per unit of work where nothing is on record: per multiply-add, as images take it on two cores; and per optimiser step
and run, as small convolutional nets take it, see docs/gpu.md."""
_LEAST_KNOWN: dict[Device, int] = {"cpu": 1, "GPU": 3}
"""Properties of a kind that are never dropped."""
_A_STEP = 1.4e10
"""Multiply-adds that take a GPU as long as a step that has next to none: with these constants, the nets timed in docs/gpu.md take
between 0.4 and 3 times as long as they took."""


class Kind(NamedTuple):
    """What decides how long a unit of work takes, the most important first: the ``device``; whether a ``function`` is fitted;
    whether the net is ``convolutional``; whether a step takes "one" sample, "some" or the "whole" set; and the names of the
    ``measures`` that are taken of the runs."""

    device: Device
    function: bool
    convolutional: bool
    samples: Literal["one", "some", "whole"]
    measures: tuple[str, ...]


@dataclass(frozen=True)
class Cost:
    """The first look of the full protocol of ``experiment``, at ``seeds`` seeds: ``steps`` and training ``samples`` of all runs
    of the arms that the claims named ``claims`` compare, and the ``seconds`` that this takes on each device that has rates."""

    experiment: Experiment
    claims: tuple[str, ...]
    seeds: int
    steps: int
    samples: int
    seconds: dict[Device, float]


def device_of(name: object) -> Device:
    """The device with the ``name`` that an environment on record has: "cpu", or what a GPU calls itself."""
    return "cpu" if name == "cpu" else "GPU"


def kind(arm: Arm, measures: Sequence[Measurement], device: Device) -> Kind:
    """The kind of an ``arm`` of which ``measures`` are taken. Functions are fitted on the CPU even where there is a GPU."""
    function = isinstance(arm.data, Function)
    of = min(arm.batch_size or arm.samples, arm.samples)
    samples: Literal["one", "some", "whole"] = "one" if of == 1 else "some" if of < arm.samples else "whole"
    convolutional = arm.takes_maps
    names = tuple(sorted({measurement.kind for measurement in measures}))
    return Kind("cpu" if function else device, function, convolutional, samples, names)


def work_of(arm: Arm, device: Device) -> float:
    """The work of one run of ``arm``, in the unit of ``device``: multiply-adds, or optimiser steps without much arithmetic."""
    return work.of_run(arm) if device == "cpu" else arm.steps + work.of_run(arm) / _A_STEP


class Rates:
    """Rates by kind, each from one experiment: ``found`` has pairs of a kind and its seconds per unit of work."""

    def __init__(self, found: Iterable[tuple[Kind, float]] = ()) -> None:
        self._found = list(found)

    @property
    def devices(self) -> list[Device]:
        """The devices that have rates of their own."""
        return [device for device in DEVICES if any(kind.device == device for kind, _ in self._found)]

    def exact(self, of: Kind) -> float | None:
        """The geometric mean of the rates of this very kind; None if there is none."""
        found = [rate for kind, rate in self._found if kind == of]
        return geometric_mean(found) if found else None

    def nearest(self, of: Kind) -> float | None:
        """The geometric mean of the rates of the nearest kind; None if none is near."""
        for known in range(len(of), _LEAST_KNOWN[of.device] - 1, -1):
            near = [rate for kind, rate in self._found if kind[:known] == of[:known]]
            if near:
                return geometric_mean(near)
        return None

    def rate(self, of: Kind) -> float:
        """That of the nearest kind, or the constant of the device."""
        found = self.nearest(of)
        return _UNKNOWN[of.device] if found is None else found

    def seconds(self, arms: Iterable[Arm], measures: Sequence[Measurement], seeds: int, device: Device) -> float:
        """The time that ``seeds`` runs of each of the ``arms`` take, with their ``measures``."""
        kinds = [(arm, kind(arm, measures, device)) for arm in arms]
        return seeds * math.fsum(work_of(arm, of.device) * self.rate(of) for arm, of in kinds)


@dataclass(frozen=True)
class Timed:
    """What a ruling or a pilot on record says of time: ``seeds`` runs of each of the ``arms`` took ``seconds`` on ``device``, a
    machine with so many ``threads``."""

    experiment: Experiment
    tier: Tier
    arms: tuple[Arm, ...]
    seeds: int
    device: Device
    seconds: float
    threads: int

    @property
    def protocol(self) -> Protocol:
        return self.experiment.protocol(self.tier)

    @cached_property
    def trained(self) -> str:
        """The key of what was trained."""
        return self.experiment.key(self.tier)

    @property
    def of_one_cpu(self) -> "Timed":
        """The same on one thread, if processors did it: on a machine with more, as many runs of a block train side by side."""
        processors = all(kind(arm, (), self.device).device == "cpu" for arm in self.arms)
        return replace(self, seconds=self.seconds * min(self.threads, BLOCK), threads=1) if processors else self

    @cached_property
    def rate(self) -> tuple[Kind, float] | None:
        """The kind of its arms and their seconds per unit of work; None if they are of several kinds."""
        kinds = {kind(arm, self.protocol.measures, self.device) for arm in self.arms}
        if len(kinds) != 1:
            return None
        (of,) = kinds
        return of, self.seconds / (self.seeds * sum(work_of(arm, of.device) for arm in self.arms))


def by_experiment(times: Iterable[Timed], device: Device) -> dict[str, float]:
    """By the key of what was trained on ``device``, the seconds per unit of work, whatever the kinds of its arms."""
    found: dict[str, list[float]] = {}
    for one in times:
        if one.device == device:
            work = sum(work_of(arm, kind(arm, (), device).device) for arm in one.arms)
            found.setdefault(one.trained, []).append(one.seconds / (one.seeds * work))
    return {trained: geometric_mean(rates) for trained, rates in found.items()}


def timed(cases: Iterable[Case], book: Book) -> list[Timed]:
    """What is on record of time, once for claims that share all their runs, in whichever tier."""
    found: dict[tuple[str, tuple[str, ...], int, Device], Timed] = {}
    for case in cases:
        for tier in reversed(TIERS):  # a protocol that both tiers share counts as the full one
            ruling, experiment = case.ruled(book, tier), case.claim.experiment
            if experiment is None or ruling is None or not ruling.seconds or not ruling.seeds or not ruling.environment:
                continue
            arms, device = tuple(compared(case, tier)), device_of(ruling.environment.get("device"))
            threads = int(ruling.environment.get("threads") or 1)
            one = Timed(experiment, tier, arms, ruling.seeds, device, ruling.seconds, threads)
            names = tuple(arm.name for arm in arms)
            found.setdefault((one.trained, names, ruling.seeds, device), one)
    return list(found.values())


def rates(times: Iterable[Timed]) -> Rates:
    """The rates of ``times``, one for each kind in an experiment: the geometric mean of what is on record of it."""
    found: dict[tuple[str, Kind], list[float]] = {}
    for one in times:
        if one.rate is not None:
            of, rate = one.rate
            found.setdefault((one.trained, of), []).append(rate)
    return Rates((of, geometric_mean(some)) for (_, of), some in found.items())


def costs(missing: Iterable[Case], known: Rates) -> list[Cost]:
    """The cost of each experiment of the claims in ``missing``, in their order; exact counts cost nothing."""
    experiments: dict[str, list[Case]] = {}
    for case in missing:
        if case.claim.experiment is not None:
            experiments.setdefault(case.claim.experiment.key("full"), []).append(case)
    return [_cost(cases, known) for cases in experiments.values()]


def _cost(cases: Sequence[Case], known: Rates) -> Cost:
    experiment = cases[0].claim.experiment
    assert experiment is not None
    arms, seeds = arms_of(cases, "full"), experiment.full.looks[0]
    return Cost(
        experiment,
        tuple(case.claim.id for case in cases),
        seeds,
        seeds * sum(arm.steps for arm in arms),
        seeds * sum(arm.epochs * arm.samples for arm in arms),
        {device: known.seconds(arms, experiment.full.measures, seeds, device) for device in known.devices},
    )


def arms_of(cases: Sequence[Case], tier: Tier) -> list[Arm]:
    """The arms of ``tier``'s protocol of one experiment that at least one of its claims ``cases`` compares."""
    experiment = cases[0].claim.experiment
    assert experiment is not None
    named = {arm.name for case in cases for arm in compared(case, tier)}
    return [arm for arm in experiment.protocol(tier).arms if arm.name in named]


def compared(case: Case, tier: Tier) -> list[Arm]:
    """The arms that a ruling of ``tier`` on the claim rests on."""
    effect, experiment = case.claim.effect, case.claim.experiment
    if experiment is None or not isinstance(effect, Effect):
        return []
    return effect.compared(experiment.protocol(tier).arms)
