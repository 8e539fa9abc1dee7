"""How effects on the epochs to a loss, or to the end of training, tell their values.

A run that never gets there counts as one epoch more than all, so that its value is no measurement: it is told apart, or, where
epochs of two runs that get there have the same ratio, as a bound.
"""

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hw1bench.effects.effect import FITTED
from hw1bench.effects.tellers import PERCENT, TIES, Given, away
from hw1bench.effects.telling import BELOW, SIDES, Arms, Told, bounding, by_factor, name, names, ratio


def _level(to: Any) -> str:
    level = FITTED if to is None else to
    return f"a loss of {bounding(level) if isinstance(level, float | int) else level}"


def _common(arms: Arms, compared: tuple[str, ...], within: int | None = None) -> int | None:
    """The epochs that the ``compared`` arms have in common, at most ``within``; None if one of them is not known."""
    budgets = [arms[one].epochs for one in compared if one in arms]
    if len(budgets) < len(compared):
        return None
    return min(budgets if within is None else [*budgets, within])


def _in_epochs(epochs: int | None) -> str:
    return "" if epochs is None else f" in {_many(epochs)}"


def _many(epochs: int) -> str:
    return f"{epochs:,} epoch{'' if epochs == 1 else 's'}"


def _slow(value: float, epochs: int) -> int:
    """The epoch of the slower of two runs, or a divisor of it, from the logarithm ``value`` of the ratio of their epochs: the
    denominator of this ratio in lowest terms. 0 if it is not the ratio of two numbers up to ``epochs`` + 1.

    For up to a million epochs, rounding leaves no doubt: two such ratios differ by 1e-12 or more.
    """
    exact = math.exp(-min(abs(value), 690.0))
    found = Fraction(exact).limit_denominator(epochs + 1)
    return found.denominator if abs(float(found) - exact) <= 1e-14 else 0


def _never(value: float, epochs: int | None) -> bool:
    """Whether the slower of two runs cannot have got there in ``epochs``."""
    return epochs is not None and _slow(value, epochs) == epochs + 1


def _may_never(value: float, epochs: int | None) -> bool:
    """Whether the slower of two runs may never have got there in ``epochs`` (None: not known), for all that the ratio says."""
    if epochs is None:
        return True
    slow = _slow(value, epochs)
    return slow > 0 and (epochs + 1) % slow == 0


def _longer(value: float, slow: str, quick: str, least: str = "") -> str:
    """How many times as many epochs."""
    times = ratio(value, f"{{}} more epochs than {quick}", f"{{}} times as many epochs as {quick}")
    return f"{slow} needs {least}{times}"


def sooner(arm: str, than: str, to: Any, within: int | None = None, *, denied: bool = False) -> Told:
    """The value is the logarithm of the epochs of ``than`` over those of ``arm``, or its negative if that is ``denied``."""

    def order(value: float) -> tuple[str, str]:
        """The slower and the quicker of the two."""
        ahead = (value > 0) != denied
        return (name(than), name(arm)) if ahead else (name(arm), name(than))

    def found(value: float, arms: Arms) -> str:
        return _longer(value, *order(value))

    def least(value: float, arms: Arms) -> str:
        return f"{_longer(value, *order(value), 'at least ')}, if it gets there at all"

    def bound(value: float, arms: Arms) -> bool:
        return _may_never(value, _common(arms, (arm, than), within))

    def apart(value: float, arms: Arms) -> str:
        epochs = _common(arms, (arm, than), within)
        if value in TIES:
            return f"neither of {names((arm, than))} is first to reach it{_in_epochs(epochs)}"
        return f"only {order(value)[1]} gets there{_in_epochs(epochs)}" if _never(value, epochs) else ""

    about = f"the epochs to {_level(to)}"
    return Told(
        found, of=_level(to), apart=apart, bound=bound, least=least, stands_in=SIDES, margin=by_factor, about=about
    )


def one_by_one(arms: tuple[str, ...], to: Any) -> Told:
    """The value is the smallest logarithm of the epochs of a net over those of the one before it."""

    def found(value: float, given: Arms) -> str:
        if value > 0:  # a bound in any case, as the other steps are larger
            return _longer(value, "each net", "the net before it, or more,").removesuffix(",")
        return _longer(value, "one net", "the net that should come after it")

    def least(value: float, given: Arms) -> str:
        if value > 0:
            return f"{found(value, given)}, if the last gets there at all"
        return f"{_longer(value, 'one net', 'the net that should come after it', 'at least ')}, if it gets there at all"

    def bound(value: float, given: Arms) -> bool:
        return _may_never(value, _common(given, arms))

    def apart(value: float, given: Arms) -> str:
        epochs = _common(given, arms)
        said = _in_epochs(epochs)
        if value == 0:
            return f"two neighbours reach it at the same epoch, or neither does{said}"
        if not _never(value, epochs):
            return ""
        if value > 0:
            return f"all but the last get there in this order, and that one never does{said}"
        return f"one net never gets there{said}, and the net that should come after it does"

    about, of = f"the epochs to {_level(to)}", f"{_level(to)} for {names(arms)}"
    return Told(found, of=of, apart=apart, bound=bound, least=least, stands_in=SIDES, margin=by_factor, about=about)


def _of_one(a: Given) -> str:
    return f"{_level(a['threshold'])} for {name(a['arm'])}"


def _not_reached(a: Given, arms: Arms) -> str:
    return f"never reached{_in_epochs(_common(arms, (a['arm'],)))}"


def reaches(a: Given) -> Told:
    within = a["within"]

    def found(value: float, arms: Arms) -> str:
        epoch = math.floor(min(max(within + 1 - value, 1.0), 1e15))
        return f"reached after {_many(min(epoch, within) if value > 0 else max(epoch, within + 1))}"

    def apart(value: float, arms: Arms) -> str:
        budget = _common(arms, (a["arm"],))
        return _not_reached(a, arms) if budget is not None and within + 0.5 - value > budget else ""

    needs = f"needs {_many(within)} or fewer", f"needs more than {_many(within)}"
    about = f"the epochs to {_level(a['threshold'])}"
    return Told(found, *needs, of=_of_one(a), apart=apart, stands_in=frozenset({BELOW}), about=about)


def never(a: Given) -> Told:
    def found(value: float, arms: Arms) -> str:
        return _not_reached(a, arms) if value > 0 else "reached"

    return Told(found, of=_of_one(a), apart=found, about=f"the epochs to {_level(a['threshold'])}")


def reaches_near(a: Given) -> Told:
    told = away(
        a["within"],
        f"reached {{}} away from epoch {a['reported']:,}",
        f"the epochs to {_level(a['threshold'])}",
        PERCENT,
        f" away from epoch {a['reported']:,}",
    )
    return replace(told, of=_of_one(a), apart=lambda value, arms: _not_reached(a, arms) if value == -math.inf else "")


def stops_near(a: Given) -> Told:
    reported, stops = a["reported"], f"the stopping rule ends {name(a['arm'])}"

    def apart(value: float, arms: Arms) -> str:
        """The value of a run that never stops may be that of one that stops as far on the other side of the reported epoch."""
        epochs = _common(arms, (a["arm"],))
        if epochs is None or not math.isclose(a["within"] - value, abs(epochs + 1 - reported) / reported, rel_tol=1e-9):
            return ""
        other, never = 2 * reported - epochs - 1, f"the stopping rule never ends {name(a['arm'])}"
        return f"{stops} after {other:,} epochs, or never" if 1 <= other <= epochs else never

    clause, about = f"{stops} {{}} away from epoch {reported:,}", "the epoch at which training stops"
    return replace(away(a["within"], clause, about, PERCENT), apart=apart, stands_in=frozenset({BELOW}))


def stop_order(a: Given) -> Told:
    def found(value: float, arms: Arms) -> str:
        return "in this order" if value > 0 else "not in this order" if value < 0 else "all at one epoch, or none"

    def apart(value: float, arms: Arms) -> str:
        return found(value, arms) if value in (-1, 0, 1) else ""

    about, of = "the epochs at which training stops", f"the stopping rule ends {names(a['arms'])}, if at all"
    return Told(found, of=of, apart=apart, stands_in=SIDES, about=about)
