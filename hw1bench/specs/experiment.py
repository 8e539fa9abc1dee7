"""Frozen specifications: what is trained, on what, how, for how long, and what is compared.

Nothing here trains, and nothing imports torch. An experiment belongs to a report. Its *arms* are the settings that are
compared; each is a complete training. It has two *protocols*: ``full``, as in the report, and ``quick``, which a laptop can
run. Two specifications with the same content have the same ``digest`` on any machine.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, TypedDict

from hw1bench.specs.arm import Arm
from hw1bench.specs.functions import Function
from hw1bench.specs.image_folder import ImageFolder
from hw1bench.specs.images import Images
from hw1bench.specs.ingredients import (
    CosineAnnealingLR,
    Data,
    ExponentialLR,
    Loss,
    Model,
    Optimizer,
    RateSchedule,
    StepLR,
)
from hw1bench.specs.kinds import KINDS
from hw1bench.specs.measurement import Measurement
from hw1bench.specs.network import Network
from hw1bench.specs.report import report_name
from hw1bench.specs.table import Table
from hw1bench.support.checks import (
    file_name,
    instance,
    integer,
    label,
    one_of,
    optional,
    reason,
    settle,
    shown,
    text,
    tuple_of,
)
from hw1bench.support.identifying import identifying

__all__ = [
    "BLOCK",
    "TIERS",
    "Arm",
    "CosineAnnealingLR",
    "CrossReportFigure",
    "Data",
    "Experiment",
    "ExponentialLR",
    "Fidelity",
    "Figure",
    "Function",
    "ImageFolder",
    "Images",
    "Loss",
    "Model",
    "Network",
    "Optimizer",
    "Protocol",
    "RateSchedule",
    "StepLR",
    "Table",
    "Tier",
    "both_tiers",
    "canonical",
    "digest",
]

Tier = Literal["quick", "full"]
TIERS: tuple[Tier, ...] = ("quick", "full")
Fidelity = Literal["as reported", "reduced"]
"""How a protocol stands to the report: with its data, nets, budget and arms, or as near as it says; or smaller."""
BLOCK = 8  # seeds in a block: the unit of training, storage and resuming, and the first look


def _measurement(value: Any, what: str) -> Measurement:
    if not isinstance(value, Measurement):
        raise ValueError(f"{what} is {shown(value)}: give a measurement, such as JacobianNorm()")
    return value


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What one tier trains and measures: the arms, and the numbers of seeds at which a verdict may be reached.

    ``measures`` are the measurements taken of the trained runs. ``widths_over`` is the number by which all channels and hidden
    widths of the report's nets are divided (1: unchanged). Raises ValueError for arms without distinct names, looks that are
    not increasing multiples of 8, and measurements of arms that do not exist or cannot be compared.
    """

    arms: tuple[Arm, ...]
    looks: tuple[int, ...]
    widths_over: int = 1
    measures: tuple[Measurement, ...] = ()

    def __post_init__(self) -> None:
        settle(
            self,
            arms=tuple_of(instance(Arm)),
            looks=tuple_of(integer()),
            widths_over=integer(least=1),
            measures=tuple_of(_measurement),
        )
        names = [arm.name for arm in self.arms]
        if not names or len(set(names)) < len(names) or not all(names):
            raise ValueError(f"a protocol needs arms with different names, not {names}")
        rising = all(a < b for a, b in pairwise(self.looks))
        if not self.looks or not rising or any(look <= 0 or look % BLOCK for look in self.looks):
            raise ValueError(f"looks must be increasing multiples of {BLOCK}, not {self.looks}")
        for measurement in self.measures:
            groups = measurement.groups(names)
            if not groups:
                raise ValueError(f"{measurement} names an arm that does not exist: there are {', '.join(names)}")
            for group in groups:
                self._check_pair(*(arm for arm in self.arms if arm.name in group))

    @cached_property
    def training(self) -> "Protocol":
        """The protocol without the schedules of evaluation of its arms."""
        return replace(self, arms=tuple(arm.training for arm in self.arms))

    def reads(self, arm: Arm) -> frozenset[str]:
        """The names of the arrays of a run of ``arm`` that the measurements read."""
        names = [one.name for one in self.arms]
        return frozenset(
            array
            for one in self.measures
            if any(arm.name in group for group in one.groups(names))
            for array in one.reads
        )

    @staticmethod
    def _check_pair(first: Arm, *second: Arm) -> None:
        """Raise ValueError unless all arms have the same net and none repeats the training of the first."""
        for other in second:
            pair = f"arms {first.name!r} and {other.name!r}"
            if first.model != other.model:
                raise ValueError(
                    f"{pair} are measured together but have nets {first.model} and {other.model}: give them one net"
                )
            if replace(first.training, name=other.name) == other.training and not other.independent:
                raise ValueError(f"{pair} are measured together but are the same training: set independent=True")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart that the report shows: its number in the report ("-" if it has none), its title, and its kind.

    ``arms`` names the arms shown (empty: all); ``name`` tells the figure from others of its kind in the experiment.
    """

    number: str
    title: str
    kind: str
    name: str = ""
    arms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        settle(
            self,
            number=text(),
            title=text(),
            kind=one_of("kind of figure", tuple(KINDS)),
            name=file_name(least=0, without="-"),  # it ends a file's name after a dash
            arms=tuple_of(label()),
        )

    @property
    def id(self) -> str:
        return self.name or self.kind


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A report's experiment: two protocols, the assumptions behind them, and the figures drawn from it.

    ``name`` enters every random stream, so renaming an experiment trains different runs. ``quick`` None: the quick tier does not
    train it. If ``full_tier_only`` then says why no reduced protocol can speak to its claims, these are listed there as not run.
    ``as_reported`` says why a quick protocol that trains other arms than the full one is still as the report has it ('': it
    is not). It is no part of the experiment's digest, because it trains nothing.
    Raises ValueError for a name that is not safe for files, two figures with one id, a figure of arms that do not exist, a quick
    protocol together with ``full_tier_only``, and ``as_reported`` without a quick protocol.
    """

    report: str
    name: str
    full: Protocol
    quick: Protocol | None
    assumptions: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    as_reported: str = ""
    full_tier_only: str = ""

    def __post_init__(self) -> None:
        settle(
            self,
            as_reported=reason(),
            full_tier_only=reason(),
            name=file_name(),
            report=report_name,
            full=instance(Protocol),
            quick=optional(instance(Protocol)),
            assumptions=tuple_of(text()),
            figures=tuple_of(instance(Figure)),
        )
        if self.quick is not None and self.full_tier_only:
            raise ValueError(f"experiment {self.id} has a quick protocol, and a reason for having none: leave one out")
        if self.quick is None and self.as_reported:
            raise ValueError(
                f"experiment {self.id} says why its quick protocol is as reported, and has none: give one, or leave as_reported "
                "out"
            )
        ids = [figure.id for figure in self.figures]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice:
            raise ValueError(f"experiment {self.id} has two figures {twice!r}: give one a different name")
        arms = {arm.name: None for protocol in (self.full, self.quick) if protocol for arm in protocol.arms}
        for figure in self.figures:
            for arm in figure.arms:
                if arm not in arms:
                    raise ValueError(
                        f"experiment {self.id}: figure {figure.id} shows arm {arm!r}, which does not exist: there are "
                        f"{', '.join(arms)}"
                    )

    @property
    def id(self) -> str:
        return f"{self.report}-{self.name}"

    def protocol(self, tier: Tier) -> Protocol:
        """The protocol of ``tier``. Raises ValueError if the experiment has none."""
        protocol = self.quick if tier == "quick" else self.full
        if protocol is None:
            raise ValueError(f"experiment {self.id} has no {tier} protocol")
        return protocol

    def fidelity(self, tier: Tier) -> Fidelity:
        """Whether ``tier`` tries the experiment as reported. The quick protocol does if it trains and measures what the full one
        does, or if ``as_reported`` says why it does nevertheless; if there is none, the tier could only reduce it."""
        if tier == "quick" and self.quick is None:
            return "reduced"
        protocol = self.protocol(tier)
        mine, whole = protocol.training, self.full.training
        same = (mine.arms, mine.measures) == (whole.arms, whole.measures)
        return "as reported" if same or self.as_reported else "reduced"

    def key(self, tier: Tier) -> str:
        """The digest of what ``tier`` trains and when it looks; rulings are bound to it. It is the same under every schedule of
        evaluation, because evaluation trains nothing."""
        return digest({"report": self.report, "name": self.name, "protocol": self.protocol(tier).training})


@dataclass(frozen=True, kw_only=True)
class CrossReportFigure:
    """A figure of one ``topic`` that compares experiments of several reports; each arm is a line.

    ``says`` is printed before the figure's own note: which sentences of the reports are compared, and what decides between
    them.
    """

    topic: str
    title: str
    kind: str
    experiments: tuple[Experiment, ...]
    says: str = ""

    def __post_init__(self) -> None:
        settle(
            self,
            topic=file_name(without="-"),
            title=text(),
            kind=one_of("kind of figure", tuple(KINDS)),
            experiments=tuple_of(instance(Experiment), least=1),
            says=text(),
        )

    @property
    def id(self) -> str:
        return f"across-{self.topic}-{self.kind}"

    @property
    def reports(self) -> str:
        """The ids of the reports, such as "first, second"."""
        return ", ".join(sorted({experiment.report for experiment in self.experiments}))


class Protocols(TypedDict):
    """The protocols of both tiers, as arguments of an experiment."""

    full: Protocol
    quick: Protocol


def both_tiers(arms: Sequence[Arm], measures: Sequence[Measurement] = ()) -> Protocols:
    """``full`` and ``quick`` protocols that are the same: what is cheap enough to be tried as reported in both tiers.

    Raises ValueError as ``Protocol`` does.
    """
    # What cannot be counted goes on as it is, for the protocol to refuse.
    given = {
        name: tuple(some) if isinstance(some, Iterable) else some
        for name, some in (("arms", arms), ("measures", measures))
    }
    protocol = Protocol(looks=(8, 16, 32), **given)  # type: ignore[arg-type]  # checked by the protocol
    return {"full": protocol, "quick": protocol}


def canonical(value: Any) -> Any:
    """``value`` as plain JSON types. Fields at their default are left out, so that a new field with a default changes no key, and
    so are those that two specifications are not compared by, or that do not identify them, such as a function whose values
    another field identifies.

    Raises ValueError for anything but numbers, text, None, lists, dicts and frozen specifications.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: canonical(getattr(value, field.name))
            for field in identifying(value)
            if field.compare and getattr(value, field.name) != field.default
        }
        return {"is": type(value).__name__, **fields}
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [canonical(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise ValueError(f"{value!r} cannot be part of a specification: give a number, text, list or frozen specification")


def digest(value: Any) -> str:
    """32 hexadecimal digits that name the content of ``value``."""
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
