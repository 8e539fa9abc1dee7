"""Generalisation against size: final loss and accuracy against the number of parameters."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hw1bench.report.charts.learning import SPLITS
from hw1bench.report.charts.lines import beside, colour, gone, readable, spread_seeds
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
    names, ends = [], []
    for index, (split, dashes) in enumerate(SPLITS.items()):
        finals = [array(arm, f"{split}_{what}", 2)[:, -1] for arm in arms]
        medians = np.array([median(values[:, None])[0] for values in finals])
        name = "training" if split == "train" else split
        looks: dict[str, Any] = {"color": colour(index), "linestyle": dashes, "marker": "os"[index]}
        spread_seeds(axes, sizes, [shown(values) for values in finals], looks, 2 * index - 1)
        axes.plot(sizes, shown(medians), **looks, markersize=4, label=name)
        names.append(name)
        ends.append(shown(medians)[-1])
    if beside(axes, names, [colour(0), colour(1)], ends):
        for drawn in axes.lines:
            if drawn.get_label() in names:
                drawn.set_label(f"_{drawn.get_label()}")
    readable(axes.xaxis)
    counts = [len(values) for values in finals]
    seeds = plural(min(counts), "seed") if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)} seeds"
    remark = gone(axes, sizes, list(map(diverged, arms)), sum(counts))
    return f"median of {seeds}, bar: middle half, dots: seeds{remark}"


def _parameters(arm: Series) -> float:
    count = float(array(arm, "parameters", 0))
    if count <= 0:
        raise ValueError(f"series {arm.name!r} has {count:g} parameters, which a log axis cannot show: count them")
    return count
