"""Learning curves: loss, accuracy and the gradient's norm over training."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from hw1bench.measures.learning import stopping_epoch
from hw1bench.report.charts.lines import (
    ENDS,
    GREY,
    Look,
    beside,
    caption,
    colour,
    each,
    entry,
    line,
    panel,
    readable,
    smoothed,
    stretch,
    style,
)
from hw1bench.report.charts.mark import Mark
from hw1bench.report.charts.marks import Named, once_entry
from hw1bench.report.charts.series import (
    Array,
    Series,
    array,
    epochs,
    finite,
    label,
    lost,
    median_accuracy,
    median_loss,
    positive,
    quartiles,
    unbounded,
)
from hw1bench.report.charts.text import INK, plain

SPLITS = {"train": "-", "test": "--"}  # the line of each split
_RIGHT = 0.8  # of the axis
_HEIGHTS = (0.62, 0.38)  # of losses and stops


def loss(axes: Axes, series: Sequence[Series]) -> str:
    """Training loss against epoch: each arm's median over runs, with the middle half of the runs and each run."""
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
    names, ends, unit, most = [], [], "epoch", 0
    for index, arm in enumerate(series):
        runs = array(arm, name, 2)
        trained = epochs(arm, "train_loss")
        times = trained if name == "train_loss" else np.arange(runs.shape[1])
        name_it = label(arm, series, name) if len(series) > 1 else "_"  # the caption names the only one
        look = Look(colour(index), style(index), name_it, len(series), _leaves_out(times))
        middle = positive(median_loss(runs))
        each(axes, look, times, positive(finite(runs)), np.logical_or(*lost(arm, runs)))
        line(axes, look, times, middle, quartiles(runs, positive))
        names.append(look.label)
        ends.append(middle[-1])
        unit = "epoch" if times[-1] == trained[-1] else "step"
        most = max(most, len(times))
    _times(axes, what, unit)
    _named(axes, names, ends)
    readable(axes.yaxis)
    return caption(series, name) + smoothed(most, unit)


def _named(axes: Axes, names: Sequence[str], ends: Sequence[float], arms: int | None = None) -> None:
    """Names beside the ends of their lines, which then leave the legend, if there is room."""
    if beside(axes, names, [colour(index, arms) for index in range(len(names))], ends):
        for drawn in axes.lines:
            if drawn.get_label() in names:
                drawn.set_label(f"_{drawn.get_label()}")


def stopping(axes: Axes, series: Sequence[Series]) -> str:
    """Training loss against epoch, and below it a row of dots for each arm: where the stopping rule would stop each run."""
    lower = panel(axes, _HEIGHTS)
    heading = loss(axes, series)
    for index, arm in enumerate(series):
        grey = np.logical_or(*lost(arm, array(arm, "train_loss", 2)))
        for some, own in ((~grey, colour(index)), (grey, GREY)):
            at, times = np.unique(_stops(arm, some), return_counts=True)
            lower.scatter(at, np.full(len(at), -index), s=12.0 * times, color=own, linewidths=0, alpha=0.8, label="_")
    lower.set(ylim=(0.6 - len(series), 0.6), xlabel="epoch", ylabel="where the rule stops; larger: more seeds")
    lower.yaxis.set_major_locator(NullLocator())
    lower.grid(visible=False, axis="y")
    axes.set_xlabel("")
    if any(text.get_label() == ENDS for text in axes.texts):  # the rows are named as the lines are
        for index, arm in enumerate(series):
            name = lower.annotate(
                label(arm, series, "train_loss"),
                (1.0, -index),
                xycoords=lower.get_yaxis_transform(),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                color=colour(index),
                annotation_clip=False,
            )
            name.set_parse_math(False)
    return heading


def _stops(arm: Series, some: Array | slice = slice(None)) -> Array:
    """The epochs at which the stopping rule stops ``some`` runs of ``arm``, of those that it stops."""
    losses = array(arm, "train_loss", 2)
    stops = np.array([stopping_epoch(unbounded(row)) for row in losses[some]])
    return np.asarray(stops[stops < losses.shape[1]])


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
    arms = len(series)
    names, ends, most = [], [], 0
    for index, arm in enumerate(series):
        for split, dashes in SPLITS.items():
            runs = array(arm, f"{split}_{what}", 2)
            times = epochs(arm, f"{split}_{what}")
            most = max(most, len(times))
            look = Look(
                colour(index, arms),
                dashes,
                label(arm, series, f"{split}_{what}")
                if split == "train" and arms > 1
                else "_",  # entries follow for the splits
                arms,
                _leaves_out(times),
            )
            medians = middle(runs)
            each(axes, look, times, shown(runs), np.logical_or(*lost(arm, runs)))
            line(axes, look, times, medians, quartiles(runs, shown))
        names.append(label(arm, series, f"test_{what}"))
        ends.append(medians[-1])
    if what == "accuracy":
        stretch(axes, ends)
    _named(axes, names, ends, arms)
    for split, dashes in SPLITS.items():
        entry(axes, "training" if split == "train" else split, color=colour(0) if arms == 1 else INK, linestyle=dashes)
    return caption(series, f"train_{what}") + smoothed(most, "epoch")


def _leaves_out(times: Array) -> bool:
    """Whether there are epochs between ``times`` that were not evaluated."""
    return bool(len(times) <= times[-1])


def _times(axes: Axes, what: str, time: str = "epoch") -> None:
    axes.set(xlabel=time, ylabel=what)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def mark_stops(axes: Axes, series: Sequence[Series], named: Sequence[Mark]) -> Named:
    """Where reports say that the rule stopped each arm, with what the claim allows, in the rows of stops."""
    lower, drawn = axes.figure.axes[1], False
    for mark in dict.fromkeys(named):
        for index, arm in enumerate(series):
            if mark.what == "stop" and mark.arm == arm.name and mark.x is not None:
                reach = mark.x * (mark.within or 0.0)
                drawn = True
                lower.plot(
                    [mark.x - reach, mark.x + reach],
                    [-index, -index],
                    color=colour(index),
                    linewidth=9,
                    alpha=0.18,
                    solid_capstyle="butt",
                    zorder=1.2,
                )
                taken = [*_stops(arm), mark.x - reach, mark.x + reach]
                right = (
                    max(taken) < _RIGHT * axes.get_xlim()[1]
                )  # of what lies in the row, there is more room on the left
                lower.annotate(
                    plain(mark.x),
                    (max(taken) if right else min(taken), -index),
                    xytext=(7 if right else -7, 0),
                    textcoords="offset points",
                    ha="left" if right else "right",
                    va="center",
                    color=INK,
                    fontweight="bold",
                )
                lower.plot(mark.x, -index, marker="D", color="white", mec=INK, mew=1.2, ms=6, zorder=3, linestyle="")
    if drawn:
        entry(axes, "claimed, ± what is allowed", marker="D", color="white", mec=INK, mew=1.2, ms=6, linestyle="")
    return Named()


def mark_rule(axes: Axes, series: Sequence[Series], named: Sequence[Mark]) -> Named:
    """Where the stopping rule stops the runs of arms that a claim reads before and after it, by triangles at the lower edge."""
    for index, arm in enumerate(series):
        if axes.get_xlabel() == "epoch" and Mark("rule", arm=arm.name) in named:
            stops = np.unique(_stops(arm))
            looks: dict[str, Any] = {
                "color": colour(index),
                "mec": INK,
                "mew": 0.7,
                "ms": 7,
                "marker": "^",
                "linestyle": "",
            }
            axes.plot(
                stops,
                np.zeros(len(stops)),
                transform=axes.get_xaxis_transform(),
                clip_on=False,
                zorder=3,
                label="_",
                **looks,
            )
            once_entry(axes, "where the stopping rule stops a run", **looks)
    return Named()
