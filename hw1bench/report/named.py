"""The numbers that a claim names, from its effect: thresholds, deadlines, claimed points, and where the effect looks."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hw1bench.court.claim import Claim
from hw1bench.effects import Effect, OfVariance
from hw1bench.effects.effect import FITTED
from hw1bench.report.charts.mark import Mark

_Arguments = Mapping[str, Any]


def _level(what: str, level: float | OfVariance | None, **more: Any) -> Mark:
    """A threshold; None is the loss at which a fit counts as reached."""
    level = FITTED if level is None else level
    if isinstance(level, OfVariance):
        return Mark(what, y=level.share, of_variance=True, **more)
    return Mark(what, y=float(level), **more)


def _loss_to(given: _Arguments) -> list[Mark]:
    within = given.get("within")
    return [_level("train_loss", given["to"]), *([Mark("epoch", x=float(within))] if within else [])]


def _first(given: _Arguments) -> list[Mark]:
    return [Mark("epoch", span=(0.0, given["first_share"]), of_budget=True)]


def _spans(*spans: tuple[float, float]) -> list[Mark]:
    return [Mark("epoch", span=span, of_budget=True) for span in spans]


_MARKS: dict[str, Callable[[_Arguments], list[Mark]]] = {
    **dict.fromkeys(("faster", "not_faster", "in_order"), _loss_to),
    "reaches": lambda a: [Mark("train_loss", x=float(a["within"]), y=a["threshold"], arm=a["arm"])],
    **dict.fromkeys(("never_reaches", "loss_below", "loss_above"), lambda a: [_level("train_loss", a["threshold"])]),
    "approximates": lambda a: [_level("train_loss", OfVariance(a["share"]))],
    "reaches_near": lambda a: [
        _level("train_loss", a["threshold"]),
        Mark("train_loss", x=float(a["reported"]), y=a["threshold"], arm=a["arm"], claimed=True),
    ],
    "stops_near": lambda a: [
        Mark("stop", x=float(a["reported"]), arm=a["arm"], within=a["within"], claimed=True),
    ],
    **dict.fromkeys(
        ("accuracy_above", "accuracy_below", "accuracy_reaches"), lambda a: [_level("train_accuracy", a["threshold"])]
    ),
    "below_on_test": lambda a: [_level("test_accuracy", a["threshold"])],
    "above_at_largest": lambda a: [_level(a["history"], a["threshold"])],
    "near": lambda a: [Mark(a["history"], y=a["reported"], arm=a["arm"], within=a["within"], claimed=True)],
    **dict.fromkeys(("falls_early", "flattest", "ahead"), _first),
    "norm_settles": lambda a: _spans((0.0, a["share"]), (1 - a["share"], 1.0)),
    "norm_calms_at_stop": lambda a: [Mark("rule", arm=a["arm"])],
    "norm_moves_more": lambda a: _spans(a["early"], a["late"]),
    "norm_falls_then_slows": lambda a: _spans((0.0, a["share"])),
    "norm_falls_late": lambda a: _spans((0.5, 1.0)),
    "fluctuates_while_loss_falls": lambda a: _spans((0.25, 0.75)),
    "high_early": lambda a: _spans((0.0, a["first"]), (1 - a["last"], 1.0)),
    "loss_stabilises": lambda a: _spans((1 - a["last"], 1.0)),
    "plateaus": lambda a: _spans((a["after"], 1.0)),
    **dict.fromkeys(("highest", "lowest", "unbeaten"), lambda a: [Mark(a["history"], arm=a["arm"])]),
    "beaten": lambda a: [Mark(a["history"], arm=a["arm"])],
    "best_within": lambda a: [Mark("alpha", span=(a["low"], a["high"]))],
    "peaks_near": lambda a: [
        Mark("alpha", x=a["alpha"]),
        Mark("alpha", span=(a["alpha"] - a["within"], a["alpha"] + a["within"])),
    ],
    "pure_is_best": lambda a: [Mark("alpha", span=(a["share"], 1 - a["share"]))],
    "barrier_above": lambda a: [Mark("barrier", y=a["points"])],
}
"""Constructor of effects -> what it names, from its arguments. Other effects name no number that a chart shows: they compare runs
with each other."""


def marks(claims: Iterable[Claim]) -> tuple[Mark, ...]:
    """What ``claims`` name, each mark once, in the order of the claims."""
    return tuple(
        dict.fromkeys(mark for claim in claims if isinstance(claim.effect, Effect) for mark in _of(claim.effect))
    )


def _of(effect: Effect) -> list[Mark]:
    if effect.made is None:
        return []
    given = effect.made.arguments.arguments
    found = list(_MARKS[effect.made.name](given)) if effect.made.name in _MARKS else []
    for value in given.values():  # "every" and "fails" hold other effects
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Effect):
                found += _of(part)
    return found
