"""The class ``Effect``, which turns the runs of one seed, one per arm, into one number; the claim holds if it is > 0."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import BoundArguments
from typing import Any

import numpy as np

from hw1bench.effects.identity import identified
from hw1bench.effects.telling import ON_BOUND, TIE, Arms, Told, by_hand
from hw1bench.measures import learning
from hw1bench.records.runs import Run
from hw1bench.specs.experiment import Arm, Model
from hw1bench.support.checks import (
    flag,
    function,
    instance,
    integer,
    label,
    optional,
    real,
    reason,
    settle,
    shown,
    text,
    tuple_of,
)
from hw1bench.support.identifying import NOT_IDENTIFYING
from hw1bench.support.number import NoFinding, as_real

Runs = Mapping[str, Run]  # arm name -> its run, all of one seed
Measure = Callable[[Run], float]


RELATIONS = ("equal", "about", "more than")
"""Relations of a count to the stated number."""


def _named_model(value: Any, what: str) -> tuple[str, Model]:
    """Check for a pair of a name and a model."""
    found = tuple_of(lambda item, _: item)(value, what)
    if len(found) != 2:
        raise ValueError(f"{what} is {shown(value)}: give a name and a Model")
    return label()(found[0], what), instance(Model)(found[1], what)


@dataclass(frozen=True)
class Effect:
    """A number per seed.

    name       its formula
    unit       the unit of the number
    compute    the runs of one seed, by arm -> the number
    arms       the arms that it reads; None: all arms of the experiment
    opposite   like ``compute``, for the opposite effect; None: it has no opposite
    level      the absolute level of a loss, an accuracy or an epoch that it compares a run with, in words such as "a loss of
               1e-4"; such a level belongs to one data set and one budget. '': it compares runs with each other
    clock      the epoch or stage of training that it is tied to, in words such as "within 8000 epochs"; '': none
    race       whether it says which of several arms is ahead where training ends
    told       how it tells its values in a reader's units; None: by their median with the unit. It does not identify the effect
    statement  the constructor that made it and its arguments; None: it was made by hand (see ``hw1bench.effects.identity``)
    made       how to make it again with other arguments; None: it was made by hand

    ``level``, ``clock`` and ``race`` decide whether a reduced protocol can say anything of the claim: see
    ``hw1bench.court.pilots``.
    """

    name: str
    unit: str
    compute: Callable[[Runs], float]
    arms: tuple[str, ...] | None = None
    opposite: Callable[[Runs], float] | None = None
    level: str = ""
    clock: str = ""
    race: bool = False
    told: Told | None = field(default=None, compare=False, metadata=NOT_IDENTIFYING)
    statement: dict[str, Any] | None = field(default=None, init=False, repr=False, compare=False)
    made: "Made | None" = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        settle(
            self,
            name=text(),
            unit=text(),
            compute=function(),
            arms=optional(tuple_of(label(), least=1)),
            opposite=optional(function()),
            level=reason(),
            clock=reason(),
            race=flag(),
            told=optional(instance(Told)),
        )
        twice = next((arm for arm in self.arms or () if (self.arms or ()).count(arm) > 1), None)
        if twice:
            raise ValueError(f"effect {shown(self.name)} names arm {twice!r} twice: name different arms")

    def compares(self, arm: str) -> bool:
        """Whether the effect reads runs of the arm called ``arm``."""
        return self.arms is None or arm in self.arms

    def compared(self, arms: Iterable[Arm]) -> list[Arm]:
        """Those of ``arms`` whose runs the effect reads."""
        return [arm for arm in arms if self.compares(arm.name)]

    def tell(self, values: Sequence[float], arms: Arms) -> str:
        """What ``values``, one per seed, say in a reader's units: see ``Told.tell``. ``arms`` are those of the runs, by name."""
        return (self.told or by_hand(self.unit)).tell(values, arms)

    def tell_median(self, median: float, arms: Arms, holds: int, seeds: int) -> str:
        """What the ``median`` alone says, '' if nothing: see ``Told.tell_median``."""
        return (self.told or by_hand(self.unit)).tell_median(median, arms, holds, seeds)

    def __call__(self, runs: Runs) -> float:
        """Return the number of one seed, NaN if the runs leave it undefined. Raises NoFinding if it is not a real number."""
        try:
            with np.errstate(all="ignore"):
                return as_real(self.compute(runs))
        except NoFinding as error:
            raise NoFinding(f"effect {self.name!r}: {error}: return one per seed") from None


@dataclass(frozen=True)
class Made:
    """How an effect was made: by the public constructor ``by``, whose name is ``name``, from checked ``arguments``."""

    name: str
    by: Callable[..., Effect]
    arguments: BoundArguments

    def again(self, changes: Mapping[str, Any]) -> Effect:
        """The effect with some arguments changed. Raises ValueError if the constructor refuses one."""
        given = BoundArguments(self.arguments.signature, {**self.arguments.arguments, **changes})
        return self.by(*given.args, **given.kwargs)


@dataclass(frozen=True)
class OfVariance:
    """A loss of a fit, as a ``share`` of the variance of its target: a fit of the mean alone has a loss of 1."""

    share: float

    def __post_init__(self) -> None:
        settle(self, share=real(above=0))

    def __str__(self) -> str:
        return f"{100 * self.share:.3g} % of the target's variance"


FITTED = OfVariance(0.1)
"""The loss at which a fit counts as reached if a claim names none."""


@dataclass(frozen=True)
class CountIs:
    """The exact claim that a model has the ``stated`` number of trainable parameters.

    ``relation`` is "equal", "about" (it differs by a share of at most ``within``) or "more than".
    """

    model: Model
    stated: int
    relation: str = "equal"
    within: float = 0.1

    def __post_init__(self) -> None:
        settle(self, model=instance(Model), stated=integer(least=1), relation=text(), within=real(above=0))
        if self.relation not in RELATIONS:
            raise ValueError(f"no relation {shown(self.relation)} of counts; there are {', '.join(RELATIONS)}")


@dataclass(frozen=True)
class CountsEqual:
    """The exact claim that the ``models``, pairs (name, model), have equal numbers of trainable parameters."""

    models: tuple[tuple[str, Model], ...]

    def __post_init__(self) -> None:
        settle(self, models=tuple_of(_named_model, least=2))


@dataclass(frozen=True)
class LayersAre:
    """The exact claim that a model has so many ``convolutions`` and so many ``dense`` layers."""

    model: Model
    convolutions: int
    dense: int

    def __post_init__(self) -> None:
        settle(self, model=instance(Model), convolutions=integer(least=0), dense=integer(least=0))


Exact = CountIs | CountsEqual | LayersAre
"""Claims that the layouts decide alone, without training."""


def log(value: float) -> float:
    """Return the natural logarithm of ``value``: -infinity for 0, NaN for a negative number."""
    return math.log(value) if 0 < value < math.inf else -math.inf if value == 0 else math.nan if value < 0 else value


def difference(high: float, low: float) -> float:
    """Return ``high - low``, NaN for two equal infinities."""
    return high - low if math.isfinite(high) or math.isfinite(low) or high != low else math.nan


def margin(value: float) -> float:
    """Return a margin without floating-point rounding: a tie in decimals becomes exactly 0, and a tie does not hold."""
    return round(value, 12) if math.isfinite(value) else value


def past(value: float) -> float:
    """Return ``margin(value)``, how far a number is past its threshold; exactly on it, it does not hold, and is no tie either
    (``ON_BOUND``)."""
    return margin(value) or ON_BOUND


def final(history: str) -> Measure:
    """Return the measure of the last value of ``history``; of a loss its natural logarithm, so that differences are ratios."""
    if history.endswith("loss"):
        return lambda run: log(learning.final(run, history))
    return lambda run: learning.final(run, history)


def words(history: str) -> str:
    """Return the text for the value of ``final(history)`` in a formula: "log L" for "train_loss"."""
    if history == "train_loss":
        return "log L"
    return f"log {history.replace('_', ' ')}" if history.endswith("loss") else history.replace("_", " ")


def unit(history: str) -> str:
    """Return the unit of a difference between two values of ``final(history)``."""
    return "log ratio" if history.endswith("loss") else "share"


@identified
def every(*effects: Effect) -> Effect:
    """All of ``effects`` at once: the smallest; the opposite, if each has one, is all of their opposites at once."""
    opposites = [effect.opposite for effect in effects if effect.opposite is not None]
    arms = [effect.arms for effect in effects if effect.arms is not None]
    units = list(dict.fromkeys(effect.unit for effect in effects))

    def smallest(parts: Sequence[Callable[[Runs], float]]) -> Callable[[Runs], float]:
        return lambda runs: float(np.min([as_real(part(runs)) for part in parts]))  # NaN if one is NaN

    return Effect(
        f"min({', '.join(effect.name for effect in effects)})",
        units[0] if len(units) == 1 else "margin",
        smallest([effect.compute for effect in effects]),
        tuple(dict.fromkeys(name for names in arms for name in names)) if len(arms) == len(effects) else None,
        smallest(opposites) if len(opposites) == len(effects) else None,
        level=" and ".join(dict.fromkeys(effect.level for effect in effects if effect.level)),
        clock=" and ".join(dict.fromkeys(effect.clock for effect in effects if effect.clock)),
        race=any(effect.race for effect in effects),
    )


@identified
def fails(effect: Effect) -> Effect:
    """``effect`` does not hold: its number with the opposite sign, or ``TIE`` in a tie, in which ``effect`` does not hold, and a
    tie if it is itself such a denial; the opposite is ``effect`` itself."""

    def denied(runs: Runs) -> float:
        value = as_real(effect.compute(runs))
        return 0.0 if value == TIE else -value or TIE

    return Effect(
        f"-({effect.name})",
        effect.unit,
        denied,
        effect.arms,
        effect.compute,
        level=effect.level,
        clock=effect.clock,
        race=effect.race,
    )
