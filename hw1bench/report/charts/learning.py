"""Learning curves: loss, accuracy and the gradient's norm over training."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hw1bench.measures.learning import stopping_epoch
from hw1bench.report.charts.lines import BAND, Look, colour, line, readable, style
from hw1bench.report.charts.series import (
    Array,
    Series,
    array,
    epochs,
    finite,
    label,
    median_accuracy,
    median_loss,
    positive,
    spread_at,
    thin,
    unbounded,
)

_FEW = 4  # arms whose bands may lie over each other at full strength
SPLITS = {"train": "-", "test": "--"}  # the line of each split


def loss(axes: Axes, series: Sequence[Series]) -> str:
    """Training loss against epoch: each arm's median over runs, in a band from its minimum to its maximum."""
    return _over_time(axes, series, "train_loss", "training loss")


def gradient_norm(axes: Axes, series: Sequence[Series]) -> str:
    """Norm of the whole gradient against epoch, or against step if it was recorded per step."""
    return _over_time(axes, series, "gradient_norm", "gradient norm")


def step_loss(axes: Axes, series: Sequence[Series]) -> str:
    """Loss of the batch before each step."""
    return _over_time(axes, series, "step_loss", "loss of the batch")


def _over_time(axes: Axes, series: Sequence[Series], name: str, what: str) -> str:
    """Array ``name``, positive numbers, against epoch, or against step if it has more or fewer numbers than there are epochs."""
    axes.set_yscale("log")
    for index, arm in enumerate(series):
        runs = array(arm, name, 2)
        kept = thin(runs.shape[1], len(series))
        trained = epochs(arm, "train_loss")
        times = trained if name == "train_loss" else np.arange(runs.shape[1])
        look = Look(colour(index), style(index), label(arm, runs), dotted=_leaves_out(times))
        line(axes, look, times[kept], positive(median_loss(runs[:, kept])), spread_at(positive(finite(runs)), kept))
        _times(axes, what, "epoch" if times[-1] == trained[-1] else "step")
    readable(axes.yaxis)
    return BAND


def stopping(axes: Axes, series: Sequence[Series]) -> str:
    """Training loss against epoch, with a dot where the stopping rule would have stopped each run."""
    heading = loss(axes, series)
    for index, arm in enumerate(series):
        for row in array(arm, "train_loss", 2):
            stop = int(stopping_epoch(unbounded(row)))
            if stop < len(row) and row[stop] > 0:
                axes.plot(stop, row[stop], "o", color=colour(index), markersize=3.5)
    return f"{heading};\na dot where the rule would have stopped a run"


def losses(axes: Axes, series: Sequence[Series]) -> str:
    """Training and test loss against epoch, one colour per arm."""
    axes.set_yscale("log")
    heading = _both(axes, series, "loss", lambda runs: positive(finite(runs)), lambda runs: positive(median_loss(runs)))
    _times(axes, "loss")
    readable(axes.yaxis)
    return heading


def accuracies(axes: Axes, series: Sequence[Series]) -> str:
    """Training and test accuracy in per cent against epoch, one colour per arm."""
    heading = _both(axes, series, "accuracy", lambda runs: 100 * runs, lambda runs: 100 * median_accuracy(runs))
    _times(axes, "accuracy (%)")
    return heading


def _both(
    axes: Axes,
    series: Sequence[Series],
    what: str,
    shown: Callable[[Array], Array],
    middle: Callable[[Array], Array],
) -> str:
    for index, arm in enumerate(series):
        for split, dashes in SPLITS.items():
            runs = array(arm, f"{split}_{what}", 2)
            kept = thin(runs.shape[1], len(SPLITS) * len(series))
            times = epochs(arm, f"{split}_{what}")
            look = Look(
                colour(index, len(series)),
                dashes,
                label(arm, runs) if split == "train" else "_",  # one entry per arm: the heading tells the lines apart
                0.16 if len(series) <= _FEW else 0.07,
                _leaves_out(times),
            )
            line(axes, look, times[kept], middle(runs[:, kept]), spread_at(shown(runs), kept))
    return f"training solid, test dashed;\n{BAND}"


def _leaves_out(times: Array) -> bool:
    """Whether there are epochs between ``times`` that were not evaluated."""
    return bool(len(times) <= times[-1])


def _times(axes: Axes, what: str, time: str = "epoch") -> None:
    axes.set(xlabel=time, ylabel=what)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
