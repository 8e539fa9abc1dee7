"""How effects on the epochs to a loss, or to the end of training, tell their values."""

import math
from dataclasses import replace
from typing import Any

from hw1bench.effects.effect import FITTED
from hw1bench.effects.tellers import PERCENT, TIES, Given, away
from hw1bench.effects.telling import Arms, Told, bounding, by_factor, is_whole, name, names, ratio


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
    return "" if epochs is None else f" in {epochs:,} epochs"


def _longer(value: float, epochs: int | None, slow: str, quick: str) -> str:
    """How many times as many epochs: a run that never gets there counts as one epoch more than all, so that the number is then
    the least that it may be."""
    never = epochs is not None and is_whole((epochs + 1) / math.exp(min(abs(value), 690.0)))
    least = "at least " if never else ""
    return (
        f"{slow} needs {least}{ratio(value, f'{{}} more epochs than {quick}', f'{{}} times as many epochs as {quick}')}"
    )


def sooner(arm: str, than: str, to: Any, within: int | None = None, *, denied: bool = False) -> Told:
    """The value is the logarithm of the epochs of ``than`` over those of ``arm``, or its negative if that is ``denied``."""

    def found(value: float, arms: Arms) -> str:
        quick, slow = (arm, than) if (value > 0) != denied else (than, arm)
        return _longer(value, _common(arms, (arm, than), within), name(slow), name(quick))

    def apart(value: float, arms: Arms) -> str:
        epochs = _in_epochs(_common(arms, (arm, than), within))
        return f"neither of {names((arm, than))} is first to reach it{epochs}" if value in TIES else ""

    return Told(found, of=_level(to), apart=apart, margin=by_factor, about=f"the epochs to {_level(to)}")


def one_by_one(arms: tuple[str, ...], to: Any) -> Told:
    def found(value: float, given: Arms) -> str:
        epochs = _common(given, arms)
        if value > 0:
            return _longer(value, epochs, "each net", "the net before it, or more,").removesuffix(",")
        return _longer(value, epochs, "one net", "the net that should come after it")

    def apart(value: float, given: Arms) -> str:
        epochs = _in_epochs(_common(given, arms))
        return f"two neighbours reach it at the same epoch, or neither does{epochs}" if value == 0 else ""

    about = f"the epochs to {_level(to)}"
    return Told(found, of=f"{_level(to)} for {names(arms)}", apart=apart, margin=by_factor, about=about)


def _of_one(a: Given) -> str:
    return f"{_level(a['threshold'])} for {name(a['arm'])}"


def _never(a: Given, arms: Arms) -> str:
    return f"never reached{_in_epochs(_common(arms, (a['arm'],)))}"


def reaches(a: Given) -> Told:
    within = a["within"]

    def found(value: float, arms: Arms) -> str:
        epoch = math.floor(min(max(within + 1 - value, 1.0), 1e15))
        return f"reached after {min(epoch, within) if value > 0 else max(epoch, within + 1):,} epochs"

    def apart(value: float, arms: Arms) -> str:
        budget = _common(arms, (a["arm"],))
        return _never(a, arms) if budget is not None and within + 0.5 - value > budget else ""

    needs = f"needs {within:,} epochs or fewer", f"needs more than {within:,} epochs"
    return Told(found, *needs, of=_of_one(a), apart=apart, about=f"the epochs to {_level(a['threshold'])}")


def never(a: Given) -> Told:
    def found(value: float, arms: Arms) -> str:
        return _never(a, arms) if value > 0 else "reached"

    return Told(found, of=_of_one(a), apart=found, about=f"the epochs to {_level(a['threshold'])}")


def reaches_near(a: Given) -> Told:
    told = away(
        a["within"],
        f"reached {{}} away from epoch {a['reported']:,}",
        f"the epochs to {_level(a['threshold'])}",
        PERCENT,
        f" away from epoch {a['reported']:,}",
    )
    return replace(told, of=_of_one(a), apart=lambda value, arms: _never(a, arms) if value == -math.inf else "")


def stop_order(a: Given) -> Told:
    def found(value: float, arms: Arms) -> str:
        return "in this order" if value > 0 else "not in this order" if value < 0 else "all at one epoch, or none"

    about = "the epochs at which training stops"
    return Told(found, of=f"the stopping rule ends {names(a['arms'])}", apart=found, about=about)
