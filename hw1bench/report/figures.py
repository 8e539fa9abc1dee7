"""Charts of trained runs, as files. One registry of kinds; drawing one leaves matplotlib's settings as they were."""

import io
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hw1bench.files import replace
from hw1bench.measures.learning import stopping_epoch
from hw1bench.report.contract import IMAGES
from hw1bench.report.words import plural

Array = npt.NDArray[Any]

# Okabe and Ito's colours that are dark enough on white, black being the truth's; four styles and seven colours
# share no factor, so that 28 arms differ.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195")
_STYLES = ("-", "--", "-.", ":")
_WIDTH, _HEIGHT = 4.8, 3.0  # inches, without the legend
_BAND = "median over seeds, in a band from minimum to maximum"
_POINTS = 400  # an arm; what a chart this wide can show
_BUDGET = 1050  # a chart; keeps an SVG with three bands near 100 kB
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "hw1bench",  # element ids from the content, not from a random number
    "svg.fonttype": "none",  # text stays text: smaller, and can be searched
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#555555",
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.title_fontsize": 8.5,
    "lines.linewidth": 1.4,
}


@dataclass(frozen=True)
class Series:
    """What one arm contributes to a chart: its name, as the legend says it, and its arrays.

    train_loss  (runs, epochs + 1), mean squared error; index 0 is at initialisation; may be non-finite
    prediction  (runs, points), the fitted functions on the training grid
    x, truth    (points,), the training grid and the function on it
    """

    name: str
    arrays: Mapping[str, Array]


def draw(kind: str, *, title: str, series: Sequence[Series], path: Path) -> None:
    """Draw a chart of `kind` (see `KINDS`) to `path`, an .svg or .png that appears whole or not at all.

    Equal input gives an equal file. Raises ValueError for an unknown kind, another file type, no series, or a
    series that lacks an array of the kind or has one of another shape.
    """
    if kind not in KINDS:
        raise ValueError(f"no figure of kind {kind!r}: the kinds are {', '.join(KINDS)}")
    if path.suffix not in IMAGES:
        raise ValueError(f"cannot draw {path.name!r}: name it .svg or .png")
    if not series:
        raise ValueError(f"nothing to draw in {path.name!r}: give at least one series")
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(textwrap.fill(title, 56), loc="left")
        heading = KINDS[kind](axes, series)
        if heading:
            _legend(figure, axes, heading)
        content = io.BytesIO()
        if path.suffix == ".svg":
            figure.savefig(content, format="svg", metadata={"Date": None, "Creator": "hw1bench"})
        else:
            figure.savefig(content, format="png", dpi=130)
    replace(path, content.getvalue())


def _function(axes: Axes, series: Sequence[Series]) -> str:
    """The function alone, from the first series."""
    x, truth = _truth(series[0])
    axes.plot(x, truth, color="black", linewidth=1.3)
    axes.set(xlabel="x", ylabel="f(x)")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    return ""


def _curves(axes: Axes, series: Sequence[Series]) -> str:
    """Fitted functions over the truth: an arm's median over runs, in a band from its minimum to its maximum."""
    x, truth = _truth(series[0])
    axes.plot(x, truth, color="black", linewidth=1.0, label="truth", zorder=1.5)
    for index, arm in enumerate(series):
        x = _array(arm, "x", 1)
        runs = _array(arm, "prediction", 2)
        if runs.shape[1] != len(x):
            raise ValueError(f"series {arm.name!r} has {len(x)} x but predictions at {runs.shape[1]}: match them")
        kept = _thin(len(x), len(series))
        drawn = _finite(runs[:, kept])
        _line(axes, index, _label(arm, runs), x[kept], _median(runs[:, kept]), _least(drawn), _most(drawn))
    axes.set(xlabel="x", ylabel="f(x)")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    return _BAND


def _loss(axes: Axes, series: Sequence[Series]) -> str:
    """Training loss against epoch: an arm's median over runs, in a band from its minimum to its maximum.

    The band also covers the epochs that a thinned line leaves out, so that no spike is lost.
    """
    axes.set_yscale("log")
    for index, arm in enumerate(series):
        loss = _array(arm, "train_loss", 2)
        kept = _thin(loss.shape[1], len(series))
        drawn = _positive(_finite(loss))
        low, high = np.fmin.reduceat(_least(drawn), kept), np.fmax.reduceat(_most(drawn), kept)
        _line(axes, index, _label(arm, loss), kept, _positive(_median(loss[:, kept])), low, high)
    axes.set(xlabel="epoch", ylabel="training loss (MSE)")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return _BAND


def _stopping(axes: Axes, series: Sequence[Series]) -> str:
    """Training loss against epoch, with a dot where report B's rule would have stopped each run."""
    heading = _loss(axes, series)
    for index, arm in enumerate(series):
        losses = _array(arm, "train_loss", 2)
        for row in losses:
            stop = int(stopping_epoch(_unbounded(row)))
            if stop < len(row) and row[stop] > 0:
                axes.plot(stop, row[stop], "o", color=_COLOURS[index % len(_COLOURS)], markersize=3.5)
    return f"{heading};\na dot where the rule would have stopped a run"


KINDS: dict[str, Callable[[Axes, Sequence[Series]], str]] = {
    "function": _function,
    "curves": _curves,
    "loss": _loss,
    "stopping": _stopping,
}
"""Kind -> how to draw it, returning the heading of its legend ('' for no legend).

A kind is the last word of a figure's file name, so it has no hyphen.
"""


def _legend(figure: Figure, axes: Axes, heading: str) -> None:
    """Below the chart, where it hides nothing; the figure grows by its rows."""
    handles, labels = axes.get_legend_handles_labels()
    columns = 2 if max(map(len, labels)) <= 28 else 1
    figure.set_size_inches(_WIDTH, _HEIGHT + 0.18 * (1 + heading.count("\n") + math.ceil(len(labels) / columns)))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, title=heading)


def _truth(arm: Series) -> tuple[Array, Array]:
    x, truth = _array(arm, "x", 1), _array(arm, "truth", 1)
    if x.shape != truth.shape:
        raise ValueError(f"series {arm.name!r} has {len(x)} x but {len(truth)} values of the truth: match them")
    kept = _thin(len(x), 1)
    return x[kept], truth[kept]


def _array(arm: Series, name: str, axes: int) -> Array:
    if name not in arm.arrays:
        raise ValueError(f"series {arm.name!r} has no array {name!r}, only {', '.join(arm.arrays) or 'none'}: add it")
    array = np.asarray(arm.arrays[name], dtype=float)
    if array.ndim != axes or array.size == 0:
        raise ValueError(f"array {name!r} of series {arm.name!r} has shape {array.shape}: give it {axes} filled axes")
    return array


def _line(axes: Axes, index: int, label: str, x: Array, middle: Array, low: Array, high: Array) -> None:
    colour, style = _COLOURS[index % len(_COLOURS)], _STYLES[index % len(_STYLES)]
    axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
    axes.plot(x, middle, color=colour, linestyle=style, label=label)


def _label(arm: Series, runs: Array) -> str:
    diverged = int((~np.isfinite(runs)).any(axis=1).sum())
    return f"{arm.name} ({plural(len(runs), 'seed')}{f', {diverged} diverged' if diverged else ''})"


def _thin(length: int, arms: int) -> Array:
    """Indices of the points to draw of `length`, first and last among them, for a chart of `arms` series."""
    points = max(100, min(_POINTS, _BUDGET // arms))
    return np.unique(np.linspace(0, length - 1, min(length, points)).round().astype(int))


def _finite(values: Array) -> Array:
    return np.where(np.isfinite(values), values, np.nan)


def _unbounded(values: Array) -> Array:
    """A loss that is not finite counts as infinite."""
    return np.where(np.isfinite(values), values, np.inf)


def _positive(values: Array) -> Array:
    """A loss of exactly zero has no place on a log axis."""
    return np.where(values > 0, values, np.nan)


def _median(runs: Array) -> Array:
    """Over runs; a diverged run counts as the worst of all, and a median that is none is not drawn."""
    return _finite(np.median(_unbounded(runs), axis=0))


def _least(runs: Array) -> Array:
    return np.asarray(np.fmin.reduce(runs, axis=0))


def _most(runs: Array) -> Array:
    return np.asarray(np.fmax.reduce(runs, axis=0))
