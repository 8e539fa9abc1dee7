"""Generalisation against size: final loss and accuracy against the number of parameters."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes

from hw1bench.report.charts.learning import SPLITS
from hw1bench.report.charts.lines import colour, readable
from hw1bench.report.charts.series import (
    Array,
    Series,
    array,
    diverged,
    finite,
    median_accuracy,
    median_loss,
    positive,
)
from hw1bench.report.quantities import plural


def loss_by_size(axes: Axes, series: Sequence[Series]) -> str:
    """Final training and test loss: one dot per seed, a line through the medians."""
    axes.set_yscale("log")
    heading = _by_size(axes, series, "loss", lambda runs: positive(finite(runs)), median_loss)
    axes.set(xlabel="parameters", ylabel="final loss")
    readable(axes.yaxis)
    return heading


def accuracy_by_size(axes: Axes, series: Sequence[Series]) -> str:
    """Final training and test accuracy in per cent: one dot per seed, a line through the medians."""
    heading = _by_size(axes, series, "accuracy", lambda runs: 100 * runs, median_accuracy)
    axes.set(xlabel="parameters", ylabel="final accuracy (%)")
    return heading


def _by_size(
    axes: Axes,
    series: Sequence[Series],
    what: str,
    shown: Callable[[Array], Array],
    median: Callable[[Array], Array],
) -> str:
    axes.set_xscale("log")
    arms = sorted(series, key=_parameters)
    sizes = np.array([_parameters(arm) for arm in arms])
    for index, (split, dashes) in enumerate(SPLITS.items()):
        finals = [array(arm, f"{split}_{what}", 2)[:, -1] for arm in arms]
        own = colour(index)
        counts = np.array([len(values) for values in finals])
        axes.plot(np.repeat(sizes, counts), shown(np.concatenate(finals)), "o", color=own, alpha=0.3, ms=3, mew=0)
        medians = np.array([median(values[:, None])[0] for values in finals])
        name = "training" if split == "train" else split
        axes.plot(sizes, shown(medians), color=own, linestyle=dashes, marker="o", markersize=4, label=name)
    readable(axes.xaxis)
    seeds = plural(min(counts), "seed") if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)} seeds"
    lost = sum(map(diverged, arms))
    remark = f";\n{lost} of {plural(counts.sum(), 'run')} diverged" if lost else ""
    return f"a line through the medians of {seeds}, one dot per seed{remark}"


def _parameters(arm: Series) -> float:
    count = float(array(arm, "parameters", 0))
    if count <= 0:
        raise ValueError(f"series {arm.name!r} has {count:g} parameters, which a log axis cannot show: count them")
    return count
