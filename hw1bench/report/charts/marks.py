"""What a claim names, drawn in the chart that shows it: thresholds, deadlines, claimed points, spans, and guessing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.axes import Axes

from hw1bench.report.charts.lines import colour, entry, readable
from hw1bench.report.charts.mark import Mark
from hw1bench.report.charts.series import Series, array
from hw1bench.report.charts.text import INK, plain

_DASHES: dict[str, Any] = {
    "threshold": (0, (5, 2)),
    "deadline": (0, (2, 2)),
    "chance": (0, (1, 2)),
    "barrier": (0, (5, 1.5, 1, 1.5)),
}
_SPAN = "#000000"
SETTINGS = ("batch_size", "lr", "parameters")
"""What x is in a chart of a sweep: the names of arrays."""
_SQUEEZED = 3.0  # times as long a linear axis squeezes what was there before
_NEAR = 0.2  # of the view: guessing is drawn if it is in view, or needs no more than this much more of the axis


@dataclass(frozen=True)
class Named:
    """The numbers that get a tick, each with its label: on x, on y of the upper panel, and on y of the lower one."""

    x: dict[float, str] = field(default_factory=dict)
    y: dict[float, str] = field(default_factory=dict)
    lower: dict[float, str] = field(default_factory=dict)


def draw(axes: Axes, across: str, up: str, marks: Sequence[Mark], series: Sequence[Series]) -> Named:
    """Draw those of ``marks`` that belong to a chart of ``up`` against ``across``; returns the numbers that get a tick.

    up      "loss", "accuracy" or another word; a mark on a history belongs to the chart of its last word
    across  "epoch", "step", "alpha" or a setting

    The axes grow as far as it takes to show them. To be called after the last line is drawn.
    """
    named = Named()
    names = [arm.name for arm in series]
    shown = [
        mark for mark in dict.fromkeys(marks) if _belongs(mark, across, up) and (not mark.arm or mark.arm in names)
    ]
    end = float(axes.dataLim.x1)  # of the budget
    for mark in shown:
        own = colour(names.index(mark.arm), len(names)) if mark.arm and len(names) > 1 else INK
        _draw(axes, mark, (across, up), end, series, own, named)
    shade(axes, [_span(mark, end) for mark in shown if mark.span is not None])
    return named


def _belongs(mark: Mark, across: str, up: str) -> bool:
    if mark.x is None and mark.y is None and mark.span is None:
        return across in SETTINGS and mark.what.rpartition("_")[2] == up
    if mark.span is not None or (mark.x is not None and mark.y is None):
        return mark.what == across or (mark.of_budget and across in ("epoch", "step"))
    if mark.x is not None and across != "epoch":
        return False
    return mark.what.rpartition("_")[2] == up


def _draw(
    axes: Axes, mark: Mark, shown: tuple[str, str], end: float, series: Sequence[Series], own: str, named: Named
) -> None:
    across, up = shown
    if mark.span is not None:
        return
    if mark.x is None and mark.y is None:
        arm = next(one for one in series if one.name == mark.arm)
        x = float(array(arm, across, 0))
        named.x[x] = plain(x)
        once(axes, "singled out by the claim", axes.axvline, x)
        return
    y = None if mark.y is None else height(mark, up, series)
    if y is not None:
        named.y[y] = plain(float(f"{y:.4g}" if up == "accuracy" else f"{y:.3g}"))
        _grow(axes, "y", y)
        if not mark.claimed:
            once(axes, "threshold", axes.axhline, y)
    if mark.x is not None:
        x = mark.x * end if mark.of_budget else mark.x
        named.x[x] = plain(x)
        _grow(axes, "x", x)
        if y is None or not mark.claimed:
            once(axes, "deadline" if mark.what == "epoch" or y is not None else "named by the claim", axes.axvline, x)
        if y is not None:
            axes.plot(x, y, marker="D", color=own, mec="white", mew=0.7, ms=6, zorder=3, linestyle="", label="_")
    elif mark.claimed and y is not None:  # a final value
        at = [float(array(one, across, 0)) for one in series if one.name == mark.arm and across in SETTINGS] or [end]
        axes.plot(
            at[0],
            y,
            marker="D",
            color=own,
            mec="white",
            mew=0.7,
            ms=6,
            zorder=3,
            clip_on=False,
            linestyle="",
            label="_",
        )
    if y is not None and (mark.claimed or mark.x is not None):
        once_entry(axes, "claimed", marker="D", color=INK, mec="white", mew=0.7, ms=6, linestyle="")


def height(mark: Mark, up: str, series: Sequence[Series]) -> float:
    """Where a mark's y lies: an accuracy in per cent, a share of the variance of the target in its own unit."""
    assert mark.y is not None
    if mark.of_variance:
        return mark.y * float(array(series[0], "target_variance", 0))
    return 100 * mark.y if up == "accuracy" else mark.y


def chance(axes: Axes, what: str, classes: int, named: Named) -> None:
    """Draw what guessing among ``classes`` gives, if it is in view or nearly so: for ``what`` "accuracy" in per cent, for "loss"
    in nats of cross-entropy."""
    level = 100 / classes if what == "accuracy" else math.log(classes)
    low, high = axes.get_ylim()
    room = _NEAR * (high - low)
    if not low - room <= level <= high + room:
        return
    _grow(axes, "y", level)
    said = f"{level:.3g}" if what == "accuracy" else f"ln {classes}"
    once(axes, "chance", axes.axhline, level, f"chance, {said}{' %' if what == 'accuracy' else ''}")
    named.y[level] = said


def shade(axes: Axes, spans: Sequence[tuple[float, float]]) -> None:
    """Shade where effects read the chart, named once in the legend. Where several read it, it is no darker."""
    merged: list[tuple[float, float]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    for start, stop in merged:
        axes.axvspan(start, stop, color=_SPAN, alpha=0.07, linewidth=0, zorder=0.5, label="_")
    if merged:
        looks: dict[str, Any] = {"color": _SPAN, "alpha": 0.14, "linewidth": 7, "solid_capstyle": "butt"}
        once_entry(axes, "where the claim looks" if len(spans) == 1 else "where claims look", **looks)


def _span(mark: Mark, end: float) -> tuple[float, float]:
    assert mark.span is not None
    start, stop = mark.span
    return (end * start, end * stop) if mark.of_budget else (start, stop)


def once(axes: Axes, word: str, drawn: Any, value: float, text: str = "") -> None:
    """Draw a line at ``value`` by ``drawn``, named once in the legend."""
    drawn(value, **rule(word), zorder=1.8, label="_")
    once_entry(axes, text or word, **rule(word))


def rule(word: str) -> dict[str, Any]:
    """How the straight line of a threshold, a deadline, guessing or another ``word`` looks."""
    return {"color": INK, "linewidth": 0.9, "linestyle": _DASHES.get(word, _DASHES["deadline"])}


def once_entry(axes: Axes, text: str, **looks: Any) -> None:
    """``entry``, unless the legend has ``text`` already."""
    if text not in axes.get_legend_handles_labels()[1]:
        entry(axes, text, **looks)


def _grow(axes: Axes, which: str, value: float) -> None:
    """Let the axis ``which`` reach ``value``, with some room beyond it."""
    low, high = axes.get_ylim() if which == "y" else axes.get_xlim()
    if low <= value <= high:
        return
    axis = axes.yaxis if which == "y" else axes.xaxis
    if which == "y" and axis.get_scale() == "linear" and low > 0 and value - low > _SQUEEZED * (high - low):
        # On a linear axis the runs would lie on each other, as 11 % and 12 % do beside a threshold of 99 %.
        axes.set_yscale("log")
    if axis.get_scale() == "log":
        if value <= 0:
            return
        beyond = (max(high, value) / min(low, value)) ** 0.05
        new = (min(low, value / beyond), max(high, value * beyond))
    else:
        beyond = 0.05 * (max(high, value) - min(low, value))
        new = (min(low, value - beyond) if value < low else low, max(high, value + beyond) if value > high else high)
    (axes.set_ylim if which == "y" else axes.set_xlim)(new)
    if axis.get_scale() == "log":
        readable(axis)
