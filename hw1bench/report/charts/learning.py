"""Learning curves: loss and accuracy against epoch."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from hw1bench.measures.learning import stopping_epoch
from hw1bench.report.charts.lines import BAND, Look, colour, line, readable, style
from hw1bench.report.charts.series import (
    Array,
    Series,
    array,
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
SPLITS = {"train": "-", "test": "--"}  # which line is which


def loss(axes: Axes, series: Sequence[Series]) -> str:
    """Training loss against epoch: an arm's median over runs, in a band from its minimum to its maximum."""
    axes.set_yscale("log")
    for index, arm in enumerate(series):
        runs = array(arm, "train_loss", 2)
        kept = thin(runs.shape[1], len(series))
        look = Look(colour(index), style(index), label(arm, runs))
        line(axes, look, kept, positive(median_loss(runs[:, kept])), spread_at(positive(finite(runs)), kept))
    _epochs(axes, "training loss")
    readable(axes.yaxis)
    return BAND


def stopping(axes: Axes, series: Sequence[Series]) -> str:
    """Training loss against epoch, with a dot where report B's rule would have stopped each run."""
    heading = loss(axes, series)
    for index, arm in enumerate(series):
        for row in array(arm, "train_loss", 2):
            stop = int(stopping_epoch(unbounded(row)))
            if stop < len(row) and row[stop] > 0:
                axes.plot(stop, row[stop], "o", color=colour(index), markersize=3.5)
    return f"{heading};\na dot where the rule would have stopped a run"


def losses(axes: Axes, series: Sequence[Series]) -> str:
    """Training and test loss against epoch, one colour an arm."""
    axes.set_yscale("log")
    heading = _both(axes, series, "loss", lambda runs: positive(finite(runs)), lambda runs: positive(median_loss(runs)))
    _epochs(axes, "loss")
    readable(axes.yaxis)
    return heading


def accuracies(axes: Axes, series: Sequence[Series]) -> str:
    """Training and test accuracy in per cent against epoch, one colour an arm."""
    heading = _both(axes, series, "accuracy", lambda runs: 100 * runs, lambda runs: 100 * median_accuracy(runs))
    _epochs(axes, "accuracy (%)")
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
            look = Look(
                colour(index, len(series)),
                dashes,
                label(arm, runs) if split == "train" else "_",  # one entry an arm: the heading tells the lines apart
                0.16 if len(series) <= _FEW else 0.07,
            )
            line(axes, look, kept, middle(runs[:, kept]), spread_at(shown(runs), kept))
    return f"training solid, test dashed;\n{BAND}"


def _epochs(axes: Axes, what: str) -> None:
    axes.set(xlabel="epoch", ylabel=what)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
