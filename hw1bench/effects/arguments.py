"""Checks for the arguments of the constructors of effects, by their names, and ``checked``, which applies them.

A claim with a misspelt history, a threshold of NaN or a string for a list of arms therefore fails where it is written.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from hw1bench.effects.effect import Effect, Made, OfVariance
from hw1bench.effects.told import TOLD
from hw1bench.measures.learning import GAP, SENSITIVITIES
from hw1bench.support.checks import Check, instance, integer, label, one_of, optional, real, tuple_of

_Given = ParamSpec("_Given")

HISTORIES = tuple(f"{split}_{what}" for split in ("train", "test") for what in ("loss", "accuracy"))
"""Histories that training records after each epoch."""
LOSSES = tuple(name for name in HISTORIES if name.endswith("loss"))
SETTINGS = ("batch_size", "lr", "parameters", "depth")
"""Settings by which arms are ordered: see ``Arm.setting``."""

_ARM, _ARMS = label(), tuple_of(label(), least=1)
_NUMBER, _POSITIVE, _AT_LEAST_0 = real(), real(above=0), real(least=0)
_SHARE, _POSITIVE_SHARE, _PROPER_SHARE = real(least=0, most=1), real(above=0, most=1), real(above=0, below=1)
_BLOCKS = integer(least=3)  # fewer have no order
_HISTORY = one_of("history", HISTORIES)
_FINAL = one_of("history", (*HISTORIES, *SENSITIVITIES))
_ORDERED = one_of("history", (*HISTORIES, *SENSITIVITIES, GAP))


def _span(each: Check) -> Check:
    """Check for two numbers, the smaller first, that ``each`` accepts."""

    def check(value: Any, what: str) -> tuple[float, float]:
        found = tuple_of(each)(value, what)
        if len(found) != 2 or found[0] >= found[1]:
            raise ValueError(f"{what} is {found}: give two numbers, the smaller first")
        return found[0], found[1]

    return check


def _loss(value: Any, what: str) -> float | OfVariance | None:
    """Check for a loss to reach, or None for 10 % of the target's variance."""
    return value if value is None or isinstance(value, OfVariance) else _NUMBER(value, what)


_BY_NAME: dict[str, Check] = {
    **dict.fromkeys(("arm", "than", "of", "first", "second", "own", "other", "small", "middle", "large"), _ARM),
    **dict.fromkeys(("arms", "among"), _ARMS),
    **dict.fromkeys(("threshold", "alpha", "low", "high"), _NUMBER),
    **dict.fromkeys(("within", "factor", "reported", "gap"), _POSITIVE),
    **dict.fromkeys(("by", "least"), _AT_LEAST_0),
    **dict.fromkeys(("share", "first_share", "last"), _POSITIVE_SHARE),
    **dict.fromkeys(("late", "early"), _span(_SHARE)),
    "points": _SHARE,
    "after": real(least=0, below=1),
    "blocks": _BLOCKS,
    "history": _FINAL,
    "over": one_of("setting", SETTINGS),
    "measures": tuple_of(_HISTORY, least=1),
    "split": one_of("split", ("train", "test")),
    "part": one_of("part of a model", ("whole", "layer1")),
    "effect": instance(Effect),
    "effects": tuple_of(instance(Effect), least=1),
}
_BY_CONSTRUCTOR: dict[str, dict[str, Check]] = {
    "reaches": {"within": integer(least=1)},  # epochs
    "stops_near": {"reported": integer(least=1)},
    "reaches_near": {"reported": integer(least=1)},
    "faster": {"to": _loss, "within": optional(integer(least=1))},
    "not_faster": {"to": _loss},
    "in_order": {"to": _loss, "arms": tuple_of(_ARM, least=2)},
    "stop_in_order": {"arms": tuple_of(_ARM, least=2)},
    "descending": {"arms": tuple_of(_ARM, least=2)},
    "alike": {"arms": tuple_of(_ARM, least=2)},
    "differ": {"arms": tuple_of(_ARM, least=2)},
    "no_worse": {"than": _ARMS},
    "approximates": {"share": _POSITIVE},
    "ahead": {"history": _HISTORY},
    "plateaus": {"history": _HISTORY},
    "beaten": {"history": one_of("loss", LOSSES)},
    "high_early": {"first": _POSITIVE_SHARE},
    "norm_falls_then_slows": {"share": _PROPER_SHARE},
    **{
        name: {"threshold": _SHARE}
        for name in ("accuracy_above", "accuracy_below", "accuracy_reaches", "below_on_test")
    },
    **{
        name: {"history": _ORDERED, "over": one_of("setting or history", (*SETTINGS, *HISTORIES))}
        for name in ("rises", "falls")
    },
    **{
        name: {"history": _HISTORY, "blocks": optional(_BLOCKS)}
        for name in ("rises_over_epochs", "falls_over_epochs", "no_trend_over_epochs")
    },
    "pure_is_best": {"share": real(above=0, below=0.5)},  # a mixture has at least this share of both nets
    **{name: {"over": tuple_of(_span(_NUMBER), least=1)} for name in ("rises_along", "falls_along")},
}
"""Constructor -> checks of its arguments that differ from the checks in ``_BY_NAME``."""


_LEVELS: dict[str, Callable[[dict[str, Any]], str]] = {
    **dict.fromkeys(
        ("reaches", "reaches_near", "never_reaches", "loss_below", "loss_above"),
        lambda a: f"a loss of {a['threshold']:g}",
    ),
    "approximates": lambda a: f"a loss of {a['share']:g} of the target's variance",
    **dict.fromkeys(
        ("faster", "in_order", "not_faster"),
        lambda a: f"a loss of {a['to']:g}" if isinstance(a["to"], float) else "",
    ),
    **dict.fromkeys(
        ("accuracy_above", "accuracy_below", "accuracy_reaches"), lambda a: f"an accuracy of {a['threshold']:g}"
    ),
    "below_on_test": lambda a: f"a test accuracy of {a['threshold']:g}",
    "overfits_by": lambda a: f"a gap of {a['gap']:g} between test and training loss",
    "above_at_largest": lambda a: f"a {_plain(a['history'])} of {a['threshold']:g}",
    "near": lambda a: f"a {_plain(a['history'])} of {a['reported']:g}",
    "stops_near": lambda a: f"epoch {a['reported']:,}",
}
"""Constructor -> the absolute level that its effect compares with, in words, given the arguments."""

_RULE = "the stopping rule, which begins at epoch 1,000"
_CLOCKS: dict[str, Callable[[dict[str, Any]], str]] = {
    "faster": lambda a: "" if a["within"] is None else f"the first {a['within']:,} epochs",
    "falls_early": lambda a: f"the first {a['first_share']:.0%} of the epochs",
    "reaches_near": lambda a: f"epoch {a['reported']:,}",
    "reaches": lambda a: f"within {a['within']:,} epochs",
    **dict.fromkeys(("never_reaches", "norm_never_zero"), lambda a: "never"),
    **dict.fromkeys(("stops_near", "stop_in_order", "norm_calms_at_stop"), lambda a: _RULE),
    "accuracy_reaches": lambda a: "the best epoch of the budget",
    "plateaus": lambda a: f"after {a['after']:.0%} of the epochs",
    **dict.fromkeys(("ahead", "flattest"), lambda a: f"the first {a['first_share']:.0%} of the epochs"),
    "loss_stabilises": lambda a: f"the last {a['last']:.0%} of the epochs",
    "high_early": lambda a: f"the first {a['first']:.0%} of the steps",
    "norm_settles": lambda a: f"the first and last {a['share']:.0%} of the epochs",
    "norm_moves_more": lambda a: "late and early epochs",
    "norm_falls_then_slows": lambda a: f"the first {a['share']:.0%} of the epochs",
    "norm_falls_late": lambda a: "the last half of the steps",
    "fluctuates_while_loss_falls": lambda a: "the middle half of the steps",
    # What lies between two nets depends on how far they have moved apart: two nets that had a barrier between them in each of
    # eight seeds had none in any seed after a twelfth of the steps.
    **dict.fromkeys(
        ("pure_is_best", "best_within", "peaks_near", "rises_along", "falls_along", "barrier_above"),
        lambda a: "how far training moves two nets apart",
    ),
}
"""Constructor -> the epoch or stage of training that its effect is tied to, in words, given the arguments."""

_RACES = ("lowest", "highest", "lower_loss", "highest_loss", "no_worse", "unbeaten", "beaten", "descending")
"""Constructors whose effects say which of several named arms is ahead where training ends."""


def _plain(history: str) -> str:
    return history.replace("_", " ")


def _check(constructor: str, argument: str) -> Check:
    found = _BY_CONSTRUCTOR.get(constructor, {}).get(argument) or _BY_NAME.get(argument)
    if found is None:
        raise ValueError(
            f"argument {argument!r} of {constructor} has no check: add it to _BY_NAME in hw1bench/effects/arguments.py"
        )
    return found


def checked(constructor: Callable[_Given, Effect]) -> Callable[_Given, Effect]:
    """Wrap ``constructor`` so that its arguments are checked and converted (see ``hw1bench.support.checks``), and its effect
    knows how it was made, how it tells its values, the level and the clock that the arguments give it, and whether it is a race.

    Raises ValueError if an argument has no check, or if nothing says how the effect tells its values.
    """
    name, signature = constructor.__name__, inspect.signature(constructor)
    checks = {argument: _check(name, argument) for argument in signature.parameters}
    if name not in TOLD:
        raise ValueError(f"effects of {name} do not tell their values: add it to TOLD in hw1bench/effects/told.py")

    @wraps(constructor)
    def construct(*args: _Given.args, **kwargs: _Given.kwargs) -> Effect:
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{name}() {error}") from None  # as Python's own error begins
        given.apply_defaults()  # so that an empty *arms is checked too
        for argument, value in given.arguments.items():
            given.arguments[argument] = checks[argument](value, f"{name} {argument}")
        effect = constructor(*given.args, **given.kwargs)
        for tie, table in (("level", _LEVELS), ("clock", _CLOCKS)):
            if name in table:
                object.__setattr__(effect, tie, table[name](dict(given.arguments)))
        if name in _RACES:
            object.__setattr__(effect, "race", True)
        object.__setattr__(effect, "told", TOLD[name](dict(given.arguments)))
        object.__setattr__(effect, "made", Made(name, construct, given))
        return effect

    return construct
