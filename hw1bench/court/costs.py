"""What it costs to put claims on record: the optimiser steps of what is not, and seconds by the rates of what is.

A rate is the number of seconds per optimiser step and run of a ruling on record, measuring included. It is known for a device
and a kind of net: dense or convolutional; a function, or images of one shape; and so many samples per step. Widths and depths
differ within a kind, so an estimate goes from the lowest to the highest rate of its kind.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hw1bench.court.docket import Book, Case
from hw1bench.effects import Effect
from hw1bench.specs.experiment import TIERS, Arm, Experiment, Function, Tier
from hw1bench.specs.notation import Conv, parse


class Net(NamedTuple):
    """A kind of net: of ``inputs`` of one shape (() for the argument of a function), trained on so many ``samples`` per step."""

    inputs: tuple[int, ...]
    convolutional: bool
    samples: int


class Range(NamedTuple):
    """The lowest and the highest of some numbers."""

    low: float
    high: float


Rates = dict[str, dict[Net, Range]]
"""Device -> kind of net -> seconds per optimiser step and run."""


@dataclass(frozen=True)
class Cost:
    """The first look of the full protocol of ``experiment``, at ``seeds`` seeds: ``steps`` and training ``samples`` of all runs
    of the arms that the claims named ``claims`` compare, and the ``seconds`` that this takes on each device for which rates of
    all its nets are on record."""

    experiment: Experiment
    claims: tuple[str, ...]
    seeds: int
    steps: int
    samples: int
    seconds: dict[str, Range]


def net(arm: Arm) -> Net:
    """The kind of the arm's net."""
    inputs = () if isinstance(arm.data, Function) else arm.data.shape
    convolutional = any(isinstance(layer, Conv) for layer in parse(arm.model.layout))
    return Net(inputs, convolutional, min(arm.batch_size or arm.data.samples, arm.data.samples))


def rates(cases: Iterable[Case], book: Book) -> Rates:
    """The rates of the rulings in ``book`` that were reached as reported, on nets of a single kind."""
    found: dict[tuple[str, Net], list[float]] = {}
    for case in cases:
        for tier in TIERS:
            ruling = case.ruled(book, tier)
            if ruling is None or not ruling.seconds or not ruling.seeds or ruling.fidelity != "as reported":
                continue
            arms = _compared(case, tier)
            nets = {net(arm) for arm in arms}
            if len(nets) == 1 and ruling.environment is not None:
                rate = ruling.seconds / (ruling.seeds * sum(arm.steps for arm in arms))
                found.setdefault((str(ruling.environment.get("device")), nets.pop()), []).append(rate)
    known: Rates = {}
    for (device, kind), some in found.items():
        known.setdefault(device, {})[kind] = Range(min(some), max(some))
    return known


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
    protocol = experiment.full
    named = {arm.name for case in cases for arm in _compared(case, "full")}
    arms = [arm for arm in protocol.arms if arm.name in named]
    seeds = protocol.looks[0]
    seconds = {
        device: Range(*(seeds * sum(arm.steps * some[net(arm)][end] for arm in arms) for end in (0, 1)))
        for device, some in known.items()
        if all(net(arm) in some for arm in arms)
    }
    return Cost(
        experiment,
        tuple(case.claim.id for case in cases),
        seeds,
        seeds * sum(arm.steps for arm in arms),
        seeds * sum(arm.epochs * arm.data.samples for arm in arms),
        seconds,
    )


def _compared(case: Case, tier: Tier) -> list[Arm]:
    """The arms that a ruling of ``tier`` on the claim rests on."""
    effect, experiment = case.claim.effect, case.claim.experiment
    if experiment is None or not isinstance(effect, Effect):
        return []
    return [arm for arm in experiment.protocol(tier).arms if effect.compares(arm.name)]
