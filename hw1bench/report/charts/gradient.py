"""The gradient's norm, and the loss of the batch beside it, over training."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hw1bench.report.charts.lines import BAND, Look, colour, line, readable, style
from hw1bench.report.charts.series import Series, array, finite, label, median_loss, positive, spread_at, thin


def gradient_norm(axes: Axes, series: Sequence[Series]) -> str:
    """Norm of the whole gradient against epoch, or against step where it was recorded a step."""
    return _over_time(axes, series, "gradient_norm", "gradient norm")


def step_loss(axes: Axes, series: Sequence[Series]) -> str:
    """Loss of the batch before each step."""
    return _over_time(axes, series, "step_loss", "loss of the batch")


def _over_time(axes: Axes, series: Sequence[Series], name: str, what: str) -> str:
    axes.set_yscale("log")
    by_step = False
    for index, arm in enumerate(series):
        runs = array(arm, name, 2)
        kept = thin(runs.shape[1], len(series))
        look = Look(colour(index), style(index), label(arm, runs))
        line(axes, look, kept, positive(median_loss(runs[:, kept])), spread_at(positive(finite(runs)), kept))
        by_step = by_step or runs.shape[1] != array(arm, "train_loss", 2).shape[1]
    axes.set(xlabel="step" if by_step else "epoch", ylabel=what)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    readable(axes.yaxis)
    return BAND
