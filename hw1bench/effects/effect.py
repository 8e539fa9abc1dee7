"""What an effect is: the runs of one seed, one an arm, turned into one number; the claim holds if it is > 0."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hw1bench.effects.identity import stated
from hw1bench.measures import learning
from hw1bench.records.runs import Run
from hw1bench.specs.experiment import Model
from hw1bench.support.checks import function, instance, integer, label, optional, settle, shown, text, tuple_of
from hw1bench.support.number import NoFinding, real

Runs = Mapping[str, Run]  # arm name -> its run, all of one seed
Measure = Callable[[Run], float]


RELATIONS = ("equal", "about", "more than")
"""How a count may stand to the number that is stated."""


def _named(value: Any, what: str) -> tuple[str, Model]:
    """A net with its name."""
    found = tuple_of(lambda one, _: one)(value, what)
    if len(found) != 2:
        raise ValueError(f"{what} is {shown(value)}: give a name and a Model")
    return label()(found[0], what), instance(Model)(found[1], what)


@dataclass(frozen=True)
class Effect:
    """A number per seed. ``arms`` are those it looks at (None: all of the experiment); ``name`` is its formula.

    ``stated`` is set where a constructor made it, see `hw1bench.effects.identity`.
    """

    name: str
    unit: str
    compute: Callable[[Runs], float]
    arms: tuple[str, ...] | None = None
    opposite: Callable[[Runs], float] | None = None
    stated: dict[str, Any] | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        settle(
            self,
            name=text(),
            unit=text(),
            compute=function(),
            arms=optional(tuple_of(label(), least=1)),
            opposite=optional(function()),
        )
        twice = next((arm for arm in self.arms or () if (self.arms or ()).count(arm) > 1), None)
        if twice:
            raise ValueError(f"effect {shown(self.name)} names arm {twice!r} twice: name different ones")

    def __call__(self, runs: Runs) -> float:
        """The number of one seed; NaN where the runs leave it undefined. Raises NoFinding where it is no real number."""
        try:
            with np.errstate(all="ignore"):
                return real(self.compute(runs))
        except NoFinding as error:
            raise NoFinding(f"effect {self.name!r}: {error}: return one per seed") from None


@dataclass(frozen=True)
class CountIs:
    """The exact claim that a layout has a stated number of trainable parameters.

    ``relation`` is "equal", "about" (within 10 %) or "more than".
    """

    model: Model
    stated: int
    relation: str = "equal"

    def __post_init__(self) -> None:
        settle(self, model=instance(Model), stated=integer(least=1), relation=text())
        if self.relation not in RELATIONS:
            raise ValueError(f"no relation {shown(self.relation)} of counts; there are {', '.join(RELATIONS)}")


@dataclass(frozen=True)
class CountsEqual:
    """The exact claim that nets, by name, have the same number of trainable parameters."""

    models: tuple[tuple[str, Model], ...]

    def __post_init__(self) -> None:
        settle(self, models=tuple_of(_named, least=2))


def log(value: float) -> float:
    """Natural logarithm; of 0 it is -infinity, of a negative number NaN."""
    return math.log(value) if 0 < value < math.inf else -math.inf if value == 0 else math.nan if value < 0 else value


def difference(high: float, low: float) -> float:
    """``high - low``, where two equal infinities leave nothing defined."""
    return high - low if math.isfinite(high) or math.isfinite(low) or high != low else math.nan


def margin(value: float) -> float:
    """A margin without floating-point rounding: what ties in decimals is exactly 0, and a tie does not hold."""
    return round(value, 12) if math.isfinite(value) else value


def final(history: str) -> Measure:
    """The last value of ``history``: of a loss its natural logarithm, so that differences are ratios."""
    if history.endswith("loss"):
        return lambda run: log(learning.final(run, history))
    return lambda run: learning.final(run, history)


def words(history: str) -> str:
    """What stands for ``history`` in a formula: "train_loss" is L, and of a loss `final` takes the logarithm."""
    if history == "train_loss":
        return "log L"
    return f"log {history.replace('_', ' ')}" if history.endswith("loss") else history.replace("_", " ")


def unit(history: str) -> str:
    """The unit of a difference between two values of `final`."""
    return "log ratio" if history.endswith("loss") else "share"


@stated
def every(*effects: Effect) -> Effect:
    """All of ``effects`` at once: the smallest; the opposite, where each has one, is all of their opposites at once."""
    opposites = [effect.opposite for effect in effects if effect.opposite is not None]
    arms = [effect.arms for effect in effects if effect.arms is not None]
    units = list(dict.fromkeys(effect.unit for effect in effects))

    def smallest(parts: Sequence[Callable[[Runs], float]]) -> Callable[[Runs], float]:
        return lambda runs: float(np.min([real(part(runs)) for part in parts]))  # NaN where one is

    return Effect(
        f"min({', '.join(effect.name for effect in effects)})",
        units[0] if len(units) == 1 else "margin",
        smallest([effect.compute for effect in effects]),
        tuple(dict.fromkeys(name for names in arms for name in names)) if len(arms) == len(effects) else None,
        smallest(opposites) if len(opposites) == len(effects) else None,
    )


@stated
def fails(effect: Effect) -> Effect:
    """``effect`` is not there: its number with the other sign; the opposite is ``effect`` itself."""
    return Effect(
        f"-({effect.name})", effect.unit, lambda runs: -real(effect.compute(runs)), effect.arms, effect.compute
    )
