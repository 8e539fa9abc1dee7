"""Kinds of effects and how they tell their values: see ``hw1bench.effects.told`` for the constructors.

A teller turns a value back into what was measured, from the constructor's arguments: it adds the bound that was subtracted, and
takes the exponential of a logarithm. A value that is the weaker of two margins is called that.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hw1bench.effects.effect import Effect
from hw1bench.effects.orders import IN_ORDER
from hw1bench.effects.telling import (
    BELOW,
    EXACTLY,
    SIDES,
    TIE,
    Arms,
    Clause,
    Told,
    beside,
    bounding,
    by_factor,
    by_hand,
    name,
    number,
    points,
    ratio,
)

Given = Mapping[str, Any]
PERCENT, POINTS = " %", " points"
_WORDS = {
    "train_loss": "training loss",
    "test_loss": "test loss",
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "loss_gap": "test loss minus training loss",
    "jacobian": "the norm of the input Jacobian",
    "reported": "the norm of the last batch's gradient",
    "batch_size": "batch size",
    "lr": "learning rate",
    "parameters": "the number of parameters",
}


_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def plain(history: str) -> str:
    return _WORDS.get(history, history.replace("_", " "))


def share(value: float) -> str:
    return bounding(round(value, 4), PERCENT)


def spread(span: tuple[float, float]) -> str:
    return f"from {number(100 * span[0])} to {share(span[1])} of the epochs"


def size_of(history: str) -> Callable[[float], str]:
    return points if history.endswith("accuracy") else number


# Numbers that are compared with a bound: the clause says the number, and the claim needs more, or less.


def bounded(
    bound: float, clause: str, about: str, unit: str = "", *, above: bool, verb: str = "needs", more: str = ""
) -> Told:
    """The value is a number minus ``bound`` if the claim needs a number ``above`` it, otherwise ``bound`` minus a number.
    ``clause`` holds the place of the number, {}; ``more`` follows what the claim needs, or, by another ``verb``, allows."""

    def found(value: float, arms: Arms) -> str:
        return clause.replace("{}", beside(bound, value if above else -value, unit))

    said = bounding(bound, unit)
    needs, denied = f"more than {said}{more}", f"{said} or less{more}"
    if not above:
        needs, denied = f"less than {said}{more}", f"{said} or more{more}"
    return Told(found, f"{verb} {needs}", f"needs {denied}", margin=points if unit else number, about=about)


def above(bound: float, clause: str, about: str, unit: str = "") -> Told:
    return bounded(bound, clause, about, unit, above=True)


def below(bound: float, clause: str, about: str, unit: str = "") -> Told:
    return bounded(bound, clause, about, unit, above=False)


def away(within: float, clause: str, about: str, unit: str = "", more: str = "") -> Told:
    """The value is ``within`` minus a distance."""
    return bounded(within, clause, about, unit, above=False, verb="allows", more=more)


def times(bound: float, clause: str, about: str, *, above: bool = True) -> Told:
    """The value is the logarithm of a ratio minus that of ``bound``, or the other way round."""
    told = bounded(bound, clause, about, above=above)

    def found(value: float, arms: Arms) -> str:
        change = bound * math.expm1(min(value if above else -value, 690.0))
        return told.found(change if above else -change, arms)

    return replace(told, found=found, margin=by_factor)


def accuracy(a: Given, history: str, best: str = "", *, above: bool) -> Told:
    clause = f"the {best}{plain(history)} of {name(a['arm'])} is {{}}"
    return bounded(a["threshold"], clause, plain(history), PERCENT, above=above)


# Comparisons of two: the clause says which is ahead, and by how much.

TIES = (0.0, TIE)
ALIKE = "the two tie: losses within 1 % of each other, two perfect fits, or no fit at all"
"""What is said of a tie of losses: see ``comparisons.compared``."""


def higher(
    history: str,
    high: str,
    low: str,
    *,
    verb: str = "ends with",
    what: str = "",
    when: str = "",
    tie: str = "the two are equal",
    tied: tuple[float, ...] = (0.0,),
) -> Told:
    """The value is by how much ``history``, or ``what`` is called by another name, is higher for ``high`` than for ``low``: the
    difference of the logarithms of a loss, otherwise of the numbers."""
    what, loss = what or plain(history).removeprefix("the "), history.endswith("_loss")
    start = f"{when} " if when else ""

    def found(value: float, arms: Arms) -> str:
        one, other = (high, low) if value > 0 else (low, high)
        if loss:
            little, times = f"a {what} {{}} above that of {other}", f"{{}} times the {what} of {other}"
            return f"{start}{one} {verb} {ratio(value, little, times)}"
        return f"{start}{one} {verb} a {what} {size_of(history)(abs(value))} above {other}"

    def apart(value: float, arms: Arms) -> str:
        return tie if value in tied else ""

    # A tie of losses counts as 0, which they are not apart by.
    stands_in = frozenset({BELOW} if tie == ALIKE else ())
    size = by_factor if loss else size_of(history)
    return Told(found, apart=apart, stands_in=stands_in, margin=size, about=what)


def others(among: tuple[str, ...], which: str) -> str:
    return name(among[0]) if len(among) == 1 else f"the {which} of the others"


def first(share_of: float) -> str:
    return f"over the first {share(share_of)} of the epochs"


def larger(what: str, here: str, there: str, adjective: str = "large", comparative: str = "larger") -> Told:
    """The value is the logarithm of how many times as large ``what`` is ``here`` as ``there``."""

    def found(value: float, arms: Arms) -> str:
        one, other = (here, there) if value > 0 else (there, here)
        little, times = f"{{}} {comparative} {one} than {other}", f"{{}} times as {adjective} {one} as {other}"
        return f"{what} is {ratio(value, little, times)}"

    def apart(value: float, arms: Arms) -> str:
        return f"{what} is the same {here} and {there}" if value == 0 else ""

    return Told(found, apart=apart, margin=by_factor, about=what)


# Orders: the share of pairs that agree.


_IN_ORDER = f"needs more than {bounding(IN_ORDER, PERCENT)} of pairs"


def pairs(clause: str, about: str) -> Told:
    """``clause`` holds the place, {}, of the share of pairs. Two ends that are out of order make the share count as 0."""

    def apart(value: float, arms: Arms) -> str:
        return "the two ends are not in order, which settles it" if value == -IN_ORDER else ""

    told = bounded(IN_ORDER, clause, about, PERCENT, above=True, more=" of pairs")
    return replace(told, apart=apart, stands_in=frozenset({BELOW}))


def along_setting(a: Given, verb: str) -> Told:
    order = f"{plain(a['history'])} {verb} with {plain(a['over'])}"
    return pairs(f"{order} in {{}} of the pairs of nets", order)


def over_epochs(a: Given, verb: str) -> Told:
    what = f"the {plain(a['history'])} of {name(a['arm'])}"
    times = "epochs" if a["blocks"] is None else f"averages over {a['blocks']} parts of training"
    return pairs(f"{what} {verb} in {{}} of the pairs of {times}", f"{what} {verb}")


def no_trend(a: Given) -> Told:
    """The value is 70 % minus the share of pairs that go the way of the two ends: the other way counts as 0."""

    def apart(value: float, arms: Arms) -> str:
        return f"the {plain(a['history'])} of {name(a['arm'])} ends where it began" if value == IN_ORDER else ""

    told = denied(over_epochs(a, "goes the way from its first value to its last"))
    return replace(told, apart=apart, stands_in=frozenset())


def line(a: Given, verb: str) -> Told:
    orders = [
        f"{plain(what)} {verb} from alpha {low:g} to {high:g}" for what in a["measures"] for low, high in a["over"]
    ]
    return (
        _weakest_order(orders) if len(orders) > 1 else pairs(f"{orders[0]} in {{}} of the pairs of points", orders[0])
    )


def _weakest_order(orders: Sequence[str]) -> Told:
    told = pairs(f"{{}} of the pairs agree in the {_weaker(orders)}", "; ".join(orders))
    return replace(told, of=f"{_COUNTS.get(len(orders), len(orders))} orders ({'; '.join(orders)})")


# Several conditions at once, and denials.


def denied(told: Told) -> Told:
    """The value is the negative one, or ``TIE`` in a tie."""

    def turned(clause: Clause) -> Clause:
        return lambda value, arms: clause(0.0 if value == TIE else -value, arms)

    return replace(
        told,
        found=turned(told.found),
        apart=turned(told.apart),
        bound=lambda value, arms: told.bound(-value, arms),
        least=turned(told.least),
        stands_in=SIDES - told.stands_in if len(told.stands_in) == 1 else told.stands_in,
        needs=told.denied,
        denied=told.needs,
        about=f"not: {told.about}",
    )


def of(effect: Effect) -> Told:
    """How ``effect`` tells its values."""
    return effect.told or by_hand(effect.unit)


def every(a: Given) -> Told:
    """The value is the smallest of several: how far the weakest condition is met, or missed, if all have one unit."""
    parts = list(map(of, a["effects"]))
    if len(parts) == 1:
        return parts[0]
    if all(effect.unit == "share of pairs" for effect in a["effects"]) and {part.needs for part in parts} == {
        _IN_ORDER
    }:
        return _weakest_order([part.about for part in parts])
    # A size that stands for something else is no size.
    sizes = {(effect.unit, part.margin) for effect, part in zip(a["effects"], parts, strict=True)}
    alike = len(sizes) == 1 and a["effects"][0].unit != "sign" and not any(part.stands_in for part in parts)
    return conditions([part.about for part in parts], parts[0].margin if alike else None)


def conditions(said: Sequence[str], margin: Callable[[float], str] | None = None) -> Told:
    """The value is the smallest of the margins of several conditions; without a ``margin`` they have different units, so that the
    seeds in which all are met are counted."""
    listed = f" ({'; '.join(said)})" if len(set(said)) > 1 else f" on {said[0]}"
    both = "both" if len(said) == 2 else "all"

    def met(value: float, arms: Arms) -> str:
        return "" if math.isnan(value) else f"{'' if value > 0 else 'not '}{both} met"

    def found(value: float, arms: Arms) -> str:
        if margin is None:
            return met(value, arms)
        if value in EXACTLY:
            return f"the {_weaker(said)} is exactly on its bound"
        short = f"is met with {margin(value)} to spare" if value > 0 else f"is {margin(-value)} short"
        return f"the {_weaker(said)} {short}"

    of, about = f"{_COUNTS.get(len(said), len(said))} conditions{listed}", "; ".join(dict.fromkeys(said))
    return Told(found, of=of, margin=margin, about=about) if margin else Told(found, of=of, apart=met, about=about)


def _weaker(some: Sequence[str]) -> str:
    return "weaker" if len(some) == 2 else "weakest"
