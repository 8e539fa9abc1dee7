"""Functions, and the curves that nets fitted to them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hw1bench.report.charts.lines import Look, caption, colour, each, line, style
from hw1bench.report.charts.series import Array, Series, array, label, lost, median_loss, quartiles, thin


def function(axes: Axes, series: Sequence[Series]) -> str:
    """The function alone, from the first series."""
    x, truth = _truth(series[0])
    axes.plot(x, truth, color="black", linewidth=1.3)
    axes.set(xlabel="x", ylabel="f(x)")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    return ""


def curves(axes: Axes, series: Sequence[Series]) -> str:
    """Fitted functions over the truth: each arm's median over runs, with the middle half of the runs and each run."""
    x, truth = _truth(series[0])
    axes.plot(x, truth, color="black", linewidth=1.0, label="truth", zorder=2.2)
    for index, arm in enumerate(series):
        x, runs = array(arm, "x", 1), array(arm, "prediction", 2)
        if runs.shape[1] != len(x):
            raise ValueError(
                f"series {arm.name!r} has {len(x)} values of x but predictions at {runs.shape[1]}: match them"
            )
        look = Look(colour(index), style(index), label(arm, series, "prediction"), len(series))
        each(axes, look, x, runs, np.logical_or(*lost(arm, runs)), smooth=False)
        line(axes, look, x, median_loss(runs), quartiles(runs), smooth=False)
    axes.set(xlabel="x", ylabel="f(x)")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    return caption(series, "prediction")


def _truth(arm: Series) -> tuple[Array, Array]:
    x, truth = array(arm, "x", 1), array(arm, "truth", 1)
    if x.shape != truth.shape:
        raise ValueError(f"series {arm.name!r} has {len(x)} values of x but {len(truth)} of the truth: match them")
    kept = thin(truth, x)
    return x[kept], truth[kept]
