"""How the effect of each constructor tells its values, from the constructor's arguments."""

import math
from collections.abc import Callable
from dataclasses import replace

from hw1bench.effects import tellers as by
from hw1bench.effects import telling_epochs as epochs
from hw1bench.effects.tellers import ALIKE, PERCENT, POINTS, Given, plain, share, spread
from hw1bench.effects.telling import Arms, Told, bounding, by_factor, name, names, number, points


def _near(a: Given) -> Told:
    history, reported = a["history"], a["reported"]
    unit = POINTS if history.endswith("accuracy") else PERCENT if history.endswith("loss") else ""
    stated = bounding(reported, PERCENT if unit == POINTS else "")
    return by.away(a["within"], f"the {plain(history)} of {name(a['arm'])} is {{}} off {stated}", plain(history), unit)


def _range(a: Given, bound: float, *, above: bool) -> Told:
    clause = f"the largest and the smallest {plain(a['history'])} are {{}} apart"
    unit = POINTS if a["history"].endswith("accuracy") else ""
    return by.bounded(bound, clause, plain(a["history"]), unit, above=above)


def _plateaus(a: Given) -> Told:
    history = plain(a["history"])
    after = f"after {share(a['after'])} of the epochs the {history} of {name(a['arm'])}"
    if not a["history"].endswith("loss"):
        return by.below(a["within"], f"{after} gains {{}}", history, POINTS)
    # Four digits of the factor: an author writes 0.02 for 1.02.
    bound = float(f"{math.exp(a['within']):.4g}")
    at = f"at {share(a['after'])} of the epochs the {history} of {name(a['arm'])}"
    return by.times(bound, f"{at} is {{}} times the lowest after that", history, above=False)


def _losses(a: Given, arms: tuple[str, ...], *, above: bool) -> Told:
    which = "the" if len(arms) == 1 else "the highest"
    return by.bounded(a["threshold"], f"{which} training loss of {names(arms)} is {{}}", "training loss", above=above)


def _of_variance(a: Given) -> Told:
    def found(value: float, arms: Arms) -> str:
        side = "exactly at" if value == 0 else f"{number(abs(value))} {'below' if value > 0 else 'above'}"
        return f"the training loss of {name(a['arm'])} ends {side} {share(a['share'])} of the target's variance"

    return Told(found, margin=number, about="training loss")


def _best_within(a: Given) -> Told:
    here = f"the best point between alpha {a['low']:g} and {a['high']:g}"
    return by.higher("train_accuracy", here, "the best point elsewhere on the line", verb="has")


def _signs(a: Given) -> Told:
    def found(value: float, arms: Arms) -> str:
        if value == 0:
            return "as many eigenvalues are positive as negative"
        one, other = ("positive", "negative") if value > 0 else ("negative", "positive")
        return f"the share of {one} eigenvalues is {points(value)} above the share of {other} ones"

    return Told(found, margin=points, about="the signs of eigenvalues")


def _closer(a: Given) -> Told:
    runs = "the first layers of the two runs" if a["part"] == "layer1" else "the two runs"

    def found(value: float, arms: Arms) -> str:
        if value == 0:
            return f"{runs} end as far apart as they began"
        moved = f"{number(100 * abs(value), 2)} % {'closer together' if value > 0 else 'farther apart'}"
        return f"{runs} end {moved} than they began, relative to the length of their weights"

    return Told(found, margin=points, about=f"the distance of {runs}")


def _walk(a: Given) -> Told:
    def found(value: float, arms: Arms) -> str:
        how = f"{points(value)} {'more' if value > 0 else 'less'}" if value else "exactly as much"
        than = "than" if value else "as"
        path = f"of the variance of the path of run {name(a['own'])}"
        return f"two components explain {how} {path} {than} of a random walk at the 95th percentile"

    return Told(found, margin=points, about="the variance that two components explain")


def _steps_down(a: Given) -> Told:
    what = plain(a["history"])
    margin = by_factor if a["history"].endswith("_loss") else by.size_of(a["history"])

    def found(value: float, arms: Arms) -> str:
        if value == 0:
            return f"the {what} is the same for two neighbours"
        if value > 0:
            return f"the {what} falls from each net to the next by {margin(value)} or more"
        return f"the {what} rises by {margin(-value)} where it should fall from one net to the next"

    return Told(found, margin=margin, about=what)


def _calms(a: Given) -> Told:
    what = f"the spread of the gradient's norm of {name(a['arm'])}"
    told = by.larger(what, "before the stopping rule would end training", "after that")
    return replace(
        told, undefined="the stopping rule would end training in the last two epochs or never, or the norm is undefined"
    )


def _early(a: Given) -> Told:
    """The value is the smaller of two logarithms, for the norm and for the loss."""
    start, end = f"in the first {share(a['first'])} of the steps", f"in the last {share(a['last'])} of the steps"
    both = by.larger("each of the gradient's norm and the loss", start, end, "high, or more,", "higher, or more,")
    either = by.larger("the gradient's norm, or the loss,", start, end, "high", "higher")

    def found(value: float, arms: Arms) -> str:
        return (both if value > 0 else either).found(value, arms)

    return replace(either, found=found, about="norm and loss early in training")


def _separates(a: Given) -> Told:
    own, other = name(a["own"]), name(a["other"])
    what = f"the distance from a snapshot of run {own} to the nearest other"
    return by.larger(what, f"in run {other}", f"in run {own} itself")


TOLD: dict[str, Callable[[Given], Told]] = {
    # Comparisons
    "faster": lambda a: epochs.sooner(a["arm"], a["than"], a["to"], a["within"]),
    "not_faster": lambda a: epochs.sooner(a["arm"], a["than"], a["to"], denied=True),
    "in_order": lambda a: epochs.one_by_one(a["arms"], a["to"]),
    "stop_in_order": epochs.stop_order,
    "lower_loss": lambda a: by.higher("train_loss", name(a["than"]), name(a["arm"]), tie=ALIKE),
    "highest_loss": lambda a: by.higher("train_loss", name(a["arm"]), by.others(a["among"], "highest"), tie=ALIKE),
    "flattest": lambda a: by.higher(
        "train_loss",
        name(a["arm"]),
        by.others(a["among"], "highest"),
        verb="has",
        what="mean training loss",
        when=by.first(a["first_share"]),
        tie=ALIKE,
    ),
    "highest": lambda a: by.higher(a["history"], name(a["arm"]), by.others(a["among"], "highest")),
    "lowest": lambda a: by.higher(a["history"], by.others(a["among"], "lowest"), name(a["arm"])),
    "unbeaten": lambda a: by.higher(a["history"], name(a["arm"]), by.others(a["among"], "highest"), tied=by.TIES),
    "descending": _steps_down,
    "ahead": lambda a: by.higher(
        a["history"],
        *map(name, (a["of"], a["arm"]) if a["history"].endswith("loss") else (a["arm"], a["of"])),
        verb="has",
        what=f"mean {plain(a['history'])}",
        when=by.first(a["first_share"]),
    ),
    "overfits": lambda a: by.larger(
        f"the loss of {name(a['arm'])}", "on the test set", "on the training set", "high", "higher"
    ),
    # Several conditions, and denials
    "every": by.every,
    "fails": lambda a: by.denied(by.of(a["effect"])),
    # The gradient's norm
    "norm_settles": lambda a: by.larger(
        f"the spread of the gradient's norm of {name(a['arm'])}",
        f"in the first {share(a['share'])} of the epochs",
        f"in the last {share(a['share'])} of the epochs",
    ),
    "norm_calms_at_stop": _calms,
    "norm_never_zero": lambda a: by.above(0, f"the smallest norm of the gradient of {name(a['arm'])} is {{}}", "norm"),
    "stands_still": lambda a: by.below(
        a["within"],
        f"a step without gradient changes the weights of {name(a['arm'])} by {{}} of their length",
        "the change of weights",
    ),
    "norm_moves_more": lambda a: by.larger(
        f"the range of the logarithm of the gradient's norm of {name(a['arm'])}", spread(a["late"]), spread(a["early"])
    ),
    "norm_falls_then_slows": lambda a: by.conditions(
        [f"the gradient's norm falls up to {share(a['share'])} of the epochs", "it falls more slowly after that"]
    ),
    "high_early": _early,
    "fluctuates_while_loss_falls": lambda a: by.conditions(
        [f"the spread of the gradient's norm is above {share(a['least'])} of its mean", "the loss falls meanwhile"]
    ),
    "norm_falls_late": lambda a: by.pairs(
        f"in the last half of the steps the gradient's norm of {name(a['arm'])} falls in {{}} of the pairs of averages "
        f"over {a['blocks']} parts",
        "the gradient's norm falls late",
    ),
    "loss_stabilises": lambda a: by.below(
        a["within"],
        f"in the last {share(a['last'])} of the epochs the training loss of {name(a['arm'])} changes by {{}} of its whole "
        "fall",
        "the last change of training loss",
        PERCENT,
    ),
    # The line between two nets
    "pure_is_best": lambda a: by.higher(
        "test_accuracy", f"{name(a['first'])} alone", "the best mixture of the two", verb="has"
    ),
    "best_within": _best_within,
    "peaks_near": lambda a: by.away(
        a["within"],
        f"the {plain(a['split'] + '_accuracy')} is best at an alpha {{}} away from {a['alpha']:g}",
        f"where {plain(a['split'] + '_accuracy')} is best",
    ),
    "falls_along": lambda a: by.line(a, "falls"),
    "rises_along": lambda a: by.line(a, "rises"),
    "barrier_above": lambda a: by.above(
        a["points"], "the test error between the two nets rises {} above their mean test error", "the barrier", POINTS
    ),
    # Orders
    "rises": lambda a: by.along_setting(a, "rises"),
    "falls": lambda a: by.along_setting(a, "falls"),
    "rises_over_epochs": lambda a: by.over_epochs(a, "rises"),
    "falls_over_epochs": lambda a: by.over_epochs(a, "falls"),
    "no_trend_over_epochs": by.no_trend,
    # Paths
    "separates": _separates,
    "grows_closer": _closer,
    "beyond_random_walk": _walk,
    # Curvature where the gradient is almost zero
    "mostly_positive": _signs,
    "ratio_falls_with_loss": lambda a: by.pairs(
        "the minimal ratio is higher where the loss is lower in {} of the pairs of points", "the minimal ratio"
    ),
    # Bounds
    "reaches": epochs.reaches,
    "never_reaches": epochs.never,
    "reaches_near": epochs.reaches_near,
    "loss_below": lambda a: _losses(a, a["arms"], above=False),
    "loss_above": lambda a: _losses(a, (a["arm"],), above=True),
    "stops_near": epochs.stops_near,
    "improves": lambda a: by.times(
        a["factor"], f"training divides the loss of {name(a['arm'])} by {{}}", "training loss"
    ),
    "no_worse": lambda a: by.times(
        a["factor"],
        f"the training loss of {name(a['arm'])} is {{}} times {'the median loss' if len(a['than']) > 1 else 'the loss'} of "
        f"{names(a['than'])}",
        "training loss",
        above=False,
    ),
    "approximates": _of_variance,
    "falls_early": lambda a: by.above(
        a["share"],
        f"{{}} of the fall of the training loss of {name(a['arm'])} is done in the first {share(a['first_share'])} of the "
        "epochs",
        "the early fall of training loss",
        PERCENT,
    ),
    "accuracy_above": lambda a: by.accuracy(a, "train_accuracy", above=True),
    "accuracy_below": lambda a: by.accuracy(a, "train_accuracy", above=False),
    "accuracy_reaches": lambda a: by.accuracy(a, "train_accuracy", "best ", above=True),
    "below_on_test": lambda a: by.accuracy(a, "test_accuracy", above=False),
    "overfits_by": lambda a: by.above(
        a["gap"],
        f"the test loss of {name(a['arm'])} minus its training loss is {{}}",
        "test loss minus training loss",
    ),
    "beaten": lambda a: by.times(
        a["factor"],
        f"the {plain(a['history'])} of {name(a['arm'])} is {{}} times the lowest of {names(a['among'])}",
        plain(a["history"]),
    ),
    "near": _near,
    "alike": lambda a: _range(a, a["within"], above=False),
    "differ": lambda a: _range(a, a["by"], above=True),
    "plateaus": _plateaus,
    "saturates": lambda a: by.conditions(
        [
            f"{plain(a['history'])} rises from {name(a['small'])} to {name(a['middle'])}",
            f"it rises less from there to {name(a['large'])}",
        ],
        by.size_of(a["history"]),
    ),
    "u_shaped": lambda a: by.times(
        a["factor"],
        f"the {plain(a['history'])} at the lower of the two ends is {{}} times the minimum",
        plain(a["history"]),
    ),
    "rises_then_plateaus": lambda a: by.conditions(
        [f"the best {plain(a['history'])} is well above the smallest net's", "the three largest nets add little to it"],
        by.size_of(a["history"]),
    ),
    "above_at_largest": lambda a: by.above(
        a["threshold"],
        f"the {plain(a['history'])} of the net with the largest {plain(a['over']).removeprefix('the ')} is {{}}",
        f"the {plain(a['history'])} of the largest net",
        PERCENT if a["history"].endswith("accuracy") else "",
    ),
}
"""Constructor -> how an effect with these checked arguments tells its values."""
