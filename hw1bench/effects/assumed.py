"""Numbers of effects that the author of a claim may have to assume, and the other values to try for each.

The rule was stated before any run was looked at. A tolerance, a share of the budget, a number of blocks and a factor are halved
and doubled; of a factor under 2, whose half would turn the comparison round, the excess over 1 is. A loss is divided and
multiplied by three. Of a share that is more than half of a whole, what is left is halved and doubled. A threshold of accuracy is
moved to half and to twice its distance from 1 or, below one half, from the accuracy of guessing. A span is made half and twice as
wide about its middle, or from the end of the budget at which it begins or ends. A value that the constructor refuses is left out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hw1bench.effects.effect import FITTED, Effect, Made, OfVariance
from hw1bench.specs.images import CLASSES

Values = tuple[Any, ...]  # of the arguments that make up one number
_Rule = Callable[..., Sequence[Values]]

_TIMES = (1 / 2, 2)
_TIMES_OF_A_LOSS = (1 / 3, 3)


def _scaled(value: float) -> list[Values]:
    return [(value * times,) for times in _TIMES]


def _count(value: int | None) -> list[Values]:
    return [] if value is None else [(round(value * times),) for times in _TIMES]


def _factor(value: float) -> list[Values]:
    return [(1 + (value - 1) * times,) for times in _TIMES] if value <= 2 else _scaled(value)


def _loss(value: float | OfVariance | None) -> list[Values]:
    level = FITTED if value is None else value
    if isinstance(level, OfVariance):
        return [(OfVariance(level.share * times),) for times in _TIMES_OF_A_LOSS]
    return [(level * times,) for times in _TIMES_OF_A_LOSS]


def _most(value: float) -> list[Values]:
    return [(1 - (1 - value) * times,) for times in _TIMES] if value > 0.5 else _scaled(value)


def _accuracy(value: float) -> list[Values]:
    end = 1.0 if value > 0.5 else 1 / CLASSES
    return [(end + (value - end) * times,) for times in _TIMES]


def _level(value: float, history: str) -> list[Values]:
    rule = _loss if history.endswith("loss") else _accuracy if history.endswith("accuracy") else _scaled
    return [(*other, history) for other in rule(value)]


def _span(value: tuple[float, float]) -> list[Values]:
    start, end = value
    at = 0.0 if start == 0 else 1.0 if end == 1 else (start + end) / 2
    return [((at + (start - at) * times, at + (end - at) * times),) for times in _TIMES]


def _two_ends(low: float, high: float) -> list[Values]:
    middle = (low + high) / 2
    return [(middle + (low - middle) * times, middle + (high - middle) * times) for times in _TIMES]


ASSUMED: dict[str, dict[tuple[str, ...], _Rule]] = {
    **{name: {("to",): _loss} for name in ("in_order", "not_faster")},
    "faster": {("to",): _loss, ("within",): _count},
    "approximates": {("share",): _loss},
    "reaches_near": {("threshold",): _loss, ("within",): _scaled},
    "falls_early": {("first_share",): _scaled, ("share",): _most},
    **{name: {("threshold",): _loss} for name in ("reaches", "never_reaches", "loss_below", "loss_above")},
    **{
        name: {("threshold",): _accuracy}
        for name in ("accuracy_above", "accuracy_below", "accuracy_reaches", "below_on_test")
    },
    "above_at_largest": {("threshold", "history"): _level},
    **{name: {("first_share",): _scaled} for name in ("flattest", "ahead")},
    **{name: {("share",): _scaled} for name in ("norm_settles", "pure_is_best")},
    **{name: {("within",): _scaled} for name in ("stands_still", "stops_near", "near", "alike", "peaks_near")},
    "differ": {("by",): _scaled},
    "overfits_by": {("gap",): _scaled},
    "barrier_above": {("points",): _scaled},
    **{name: {("factor",): _factor} for name in ("improves", "no_worse", "u_shaped", "beaten")},
    **{
        name: {("blocks",): _count}
        for name in ("rises_over_epochs", "falls_over_epochs", "no_trend_over_epochs", "norm_falls_late")
    },
    "norm_falls_then_slows": {("share",): _scaled, ("blocks",): _count},
    "norm_moves_more": {("late",): _span, ("early",): _span},
    "best_within": {("low", "high"): _two_ends},
    "high_early": {("first",): _scaled, ("last",): _scaled},
    "fluctuates_while_loss_falls": {("least",): _scaled, ("blocks",): _count},
    "loss_stabilises": {("last",): _scaled, ("within",): _scaled},
    "plateaus": {("after",): _scaled, ("within",): _scaled},
    "rises_then_plateaus": {("by",): _scaled, ("within",): _scaled},
}
"""Constructor -> the arguments that make up each number that may be assumed -> the rule of its other values."""

NAMED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("near", "stops_near", "reaches_near"), ("reported",)),
    "reaches": ("within",),
    "peaks_near": ("alpha",),
    **dict.fromkeys(("rises_along", "falls_along"), ("over",)),
}
"""Constructor -> its arguments whose numbers the sentence of a claim names itself, so that nobody assumes them: what a report
measured, by which epoch, and where on a line."""


_WORDS = {
    "to": "loss",
    "by": "margin",
    "first": "first share",
    "first_share": "first share",
    "last": "last share",
    "after": "share before",
    "late": "late span",
    "early": "early span",
    "low": "span",
}
"""Argument -> the word for its number in a sentence such as "hangs on loss 0.001", if its own name is none."""


@dataclass(frozen=True)
class Number:
    """A number in an effect that may be assumed: the ``names`` of the arguments that make it up, and their ``values``."""

    names: tuple[str, ...]
    values: Values

    def __str__(self) -> str:
        return f"{_WORDS.get(self.names[0], self.names[0])} {shown(self.values)}"

    def replaced(self, effect: Effect, values: Values) -> Effect:
        """``effect`` with ``values`` instead of this number, wherever it or a part of it has the number: parts of one effect that
        share a number share the assumption. Raises ValueError if a constructor refuses a value."""
        made = effect.made
        if made is None:
            return effect
        changes: dict[str, Any] = {}
        for name, value in made.arguments.arguments.items():
            if isinstance(value, Effect):
                changes[name] = self.replaced(value, values)
            elif isinstance(value, tuple) and value and isinstance(value[0], Effect):
                changes[name] = tuple(self.replaced(part, values) for part in value)
        if self.names in ASSUMED.get(made.name, {}) and _values(made, self.names) == self.values:
            changes |= zip(self.names, values, strict=True)
        return made.again(changes) if changes else effect


def shown(values: Values) -> str:
    """``values`` of a number, to four digits: "0.2", "20", "0 to 0.3333", "10 % of the target's variance"."""
    return " to ".join(_shown(value) for value in values if not isinstance(value, str))


def _shown(value: Any) -> str:
    match value:
        case tuple():
            return shown(value)
        case None:
            return str(FITTED)
        case OfVariance() | int():
            return str(value)
    return f"{value:.4g}"


def argument_names(effect: Effect) -> set[str]:
    """The names of all arguments from which ``effect`` and its parts were made."""
    return {name for made in _all_made(effect) for name in made.arguments.arguments}


def numbers(effect: Effect) -> dict[Number, _Rule]:
    """The numbers in ``effect`` and its parts that may be assumed, each once, with the rule of its other values."""
    found: dict[Number, _Rule] = {}
    for made in _all_made(effect):
        for names, rule in ASSUMED.get(made.name, {}).items():
            values = _values(made, names)
            if rule(*values):
                found.setdefault(Number(names, values), rule)
    return found


def _values(made: Made, names: Sequence[str]) -> Values:
    arguments: Mapping[str, Any] = made.arguments.arguments
    return tuple(arguments[name] for name in names)


def _all_made(effect: Effect) -> Iterator[Made]:
    """How ``effect`` and its parts were made, if by constructors."""
    if effect.made is None:
        return
    yield effect.made
    for value in effect.made.arguments.arguments.values():
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Effect):
                yield from _all_made(part)
