"""Sweeps of the batch size or the learning rate: loss or accuracy on the left, a sensitivity on the right."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from hw1bench.effects import IN_ORDER
from hw1bench.report.charts import marks
from hw1bench.report.charts.learning import SPLITS
from hw1bench.report.charts.lines import GREY, colour, gone, panel, readable, spread_seeds
from hw1bench.report.charts.mark import Mark
from hw1bench.report.charts.marks import Named
from hw1bench.report.charts.series import Array, Series, array, finite, median_accuracy, median_loss, positive
from hw1bench.report.charts.text import power
from hw1bench.report.quantities import percent, plural

_SWEPT = {"batch": ("batch_size", "batch size"), "lr": ("lr", "learning rate")}
_MEASURES = {"jacobian": "Jacobian norm", "reported": "weight-gradient norm"}
_NOTHING = 1e-4  # of the largest median: a sensitivity up to this is next to nothing
_HEIGHTS = (0.55, 0.45)  # of losses or accuracies, and sensitivities
_BELOW = 0.12  # how far the lower edge is below the others, as a share of their decades
_SMALL = 1e-4  # powers of ten from less than this are written as powers
_OFF = 0.1  # of the decades: how far the axis goes beyond the first and the last value
_NO_WAY = "goes neither way"


def _sweep(axes: Axes, series: Sequence[Series], *, what: str, measure: str, over: str) -> str:
    """Training and test ``what``, and below it ``measure``: one dot per seed, a line through the medians."""
    arms, swept = _in_order(series, over)
    axes.set_xscale("log")
    name = _MEASURES[measure]
    lower = panel(axes, _HEIGHTS)
    lower.set_yscale("log")
    if what == "loss":
        axes.set_yscale("log")
    for index, (split, dashes) in enumerate(SPLITS.items()):
        runs = [array(arm, f"kept_{split}_{what}", 1) for arm in arms]
        shown = [positive(finite(values)) if what == "loss" else 100 * values for values in runs]
        medians = positive(_medians(runs)) if what == "loss" else 100 * _medians(runs, median_accuracy)
        looks: dict[str, Any] = {"color": colour(index), "linestyle": dashes, "marker": "os"[index]}
        spread_seeds(axes, swept, shown, looks, 2 * index - 1)
        axes.plot(swept, medians, **looks, ms=4, label="training" if split == "train" else split)
    sensitivity = [array(arm, measure, 1) for arm in arms]
    nothing = _sensitivity(lower, swept, sensitivity, {"color": colour(2), "linestyle": "-.", "marker": "^"})
    axes.set_ylabel("loss" if what == "loss" else "accuracy (%)")
    lower.set(xlabel=_SWEPT[over][1], ylabel=name)
    _ticks(lower, swept)
    for axis in (axes.yaxis, lower.yaxis):
        if axis.get_scale() == "log":
            readable(axis)
    counts = sorted({len(values) for values in sensitivity})
    seeds = plural(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
    lost = [int((~np.isfinite(array(arm, "kept_train_loss", 1))).sum()) for arm in arms]
    remark = gone(axes, swept, lost, sum(map(len, sensitivity)))
    return f"median of {seeds}, bar: middle half, dots: seeds{remark}{nothing}"


def mark(axes: Axes, series: Sequence[Series], named: Sequence[Mark], *, what: str, over: str) -> Named:
    """The arms that claims single out, by a line at their value."""
    ticked = marks.draw(axes, _SWEPT[over][0], what, named, series)
    for value in ticked.x:
        axes.figure.axes[1].axvline(value, **marks.rule("deadline"), zorder=1.8, label="_")
    return ticked


def _sensitivity(axes: Axes, swept: Array, runs: Sequence[Array], looks: dict[str, Any]) -> str:
    """Draw dots and medians, those next to nothing hollow at the lower edge; returns what the heading says about these.

    The sensitivity of a dead net is 0, or so small that an axis down to it would make a flat line of all others.
    """
    places = np.repeat(swept, [len(values) for values in runs])
    values, medians = finite(np.concatenate(runs)), _medians(runs)
    least = _NOTHING * np.fmax.reduce(medians, initial=0)
    others = np.concatenate([found[found > least] for found in (values, medians)])
    dead, low = values <= least, medians <= least
    edge = np.nan
    if others.size:
        edge = others.min() / max(1.25, (others.max() / others.min()) ** _BELOW)
    spread_seeds(axes, swept, [np.where(found > least, finite(found), np.nan) for found in runs], looks, 0)
    axes.plot(swept, np.where(low, edge, medians), **looks, ms=4, label="_")
    if not dead.any():
        return ""
    count = f"\ngrey: {dead.sum()} of {plural(len(values), 'run')}"
    if not others.size:
        return f"\n{dead.sum()} of {plural(len(values), 'run')} with a sensitivity of 0, not drawn"
    hollow = {"marker": looks["marker"], "linestyle": "", "mfc": "white", "mec": GREY, "clip_on": False}
    axes.plot(places[dead], np.full(dead.sum(), edge), **hollow, ms=3, mew=0.5, zorder=2.5, label="_")
    axes.plot(swept[low], np.full(low.sum(), edge), **hollow, ms=4, zorder=2.6, label="_")
    axes.set_ylim(bottom=edge)
    return f"{count} next to nothing, at most 1e-4 of the largest median"


def note(series: Sequence[Series], *, measure: str, over: str) -> str:
    """Which way the measures go over the sweep, by pairs of arms, and whether they agree; once per sweep, why they can differ."""
    arms, swept = _in_order(series, over)
    word = _SWEPT[over][1]
    pairs = [(less, more) for less, more in combinations(range(len(arms)), 2) if swept[less] < swept[more]]
    if not pairs:
        return f"With one {word} there is nothing to compare."
    jacobian, way = _falls(arms, pairs, "jacobian")
    said = f"From the smaller to the larger {word}, the Jacobian norm falls in {jacobian} of arms"
    rule = f"More than {percent(IN_ORDER)} of pairs must agree to say that a measure falls or rises"
    if not all("reported" in arm.arrays for arm in arms):
        return f"{said} (medians over seeds): it {way}. {rule}."
    reported, other = _falls(arms, pairs, "reported")
    agree = f"They agree: each {way}"
    differ = f"They disagree: the Jacobian norm {way} and the weight gradient {other}"
    counted = (
        f"{said}, and the mean norm of the weight gradient on one mini-batch, which some reports give as sensitivity, "
        f"falls in {reported} (medians over seeds). {agree if way == other else differ}. {rule}."
    )
    if measure == "reported":
        return counted
    noisier = " and is noisier for smaller batches" if over == "batch" else ""
    return (
        f"{counted}\nThey can differ: the Jacobian norm tells how the outputs change with the input on test images; the "
        "other is the gradient of the loss with respect to the weights on one mini-batch, which goes to zero as the training "
        f"loss does{noisier}."
    )


def _falls(arms: Sequence[Series], pairs: Sequence[tuple[int, int]], measure: str) -> tuple[str, str]:
    """In how many of ``pairs`` of arms the median of ``measure`` falls, and which way it goes by the rule for orders."""
    medians = _medians([array(arm, measure, 1) for arm in arms])
    changes = np.array([medians[more] - medians[less] for less, more in pairs])
    changes = changes[np.isfinite(changes)]
    fall, rise = int((changes < 0).sum()), int((changes > 0).sum())
    enough = IN_ORDER * len(changes)
    way = "falls" if fall > enough else "rises" if rise > enough else _NO_WAY
    return f"{fall} of {plural(len(changes), 'pair')}", way


def _medians(runs: Sequence[Array], median: Callable[[Array], Array] = median_loss) -> Array:
    """The median of each arm's ``runs``: (arms,)."""
    return np.array([median(values[:, None])[0] for values in runs])


def _ticks(axes: Axes, swept: Array) -> None:
    """Ticks at the swept values, of which those that would touch are left out when the chart is laid out."""
    reach = (swept[-1] / swept[0]) ** _OFF if len(swept) > 1 else 2.0
    axes.set_xlim(swept[0] / reach, swept[-1] * reach)
    axis = axes.xaxis
    axis.set_major_locator(FixedLocator(swept.tolist()))
    tenfold = np.allclose(np.log10(swept) % 1, 0) and swept[0] < _SMALL
    axis.set_major_formatter(FuncFormatter(lambda value, _: power(value) if tenfold else f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _in_order(series: Sequence[Series], over: str) -> tuple[list[Series], Array]:
    """The series in the order of the swept value, and these values (arms,)."""
    name, word = _SWEPT[over]
    arms = sorted(series, key=lambda arm: float(array(arm, name, 0)))
    swept = np.array([float(array(arm, name, 0)) for arm in arms])
    if not (np.isfinite(swept) & (swept > 0)).all():
        raise ValueError(f"a sweep over {word} {', '.join(f'{value:g}' for value in swept)}: give positive numbers")
    return arms, swept


_CHARTS = [(what, measure, over) for over in _SWEPT for measure in _MEASURES for what in ("loss", "accuracy")]
KINDS: dict[str, Callable[[Axes, Sequence[Series]], str]] = {
    f"{what}_and_{measure}_by_{over}": partial(_sweep, what=what, measure=measure, over=over)
    for what, measure, over in _CHARTS
}
NOTES: dict[str, Callable[[Sequence[Series]], str]] = {
    f"{what}_and_{measure}_by_{over}": partial(note, measure=measure, over=over) for what, measure, over in _CHARTS
}
MARKS: dict[str, Callable[[Axes, Sequence[Series], Sequence[Mark]], Named]] = {
    f"{what}_and_{measure}_by_{over}": partial(mark, what=what, over=over) for what, measure, over in _CHARTS
}
