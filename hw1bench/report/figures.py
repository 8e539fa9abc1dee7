"""Charts of trained runs, as files. One registry holds all kinds; drawing leaves matplotlib's settings unchanged."""

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace as replaced
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hw1bench.report import drawn
from hw1bench.report.charts import (
    functions,
    interpolation,
    layout,
    learning,
    marks,
    memorising,
    ratio,
    size,
    sweep,
    text,
)
from hw1bench.report.charts import path as paths
from hw1bench.report.charts.compact import compact
from hw1bench.report.charts.mark import Mark
from hw1bench.report.charts.series import Series, classes
from hw1bench.report.contract import IMAGES
from hw1bench.report.plain import line
from hw1bench.support.files import write_whole

__all__ = ["KINDS", "NOTES", "SETTINGS", "Series", "draw", "note", "save"]

KINDS: dict[str, Callable[[Axes, Sequence[Series]], str]] = {
    "function": functions.function,
    "curves": functions.curves,
    "loss": learning.loss,
    "stopping": learning.stopping,
    "losses": learning.losses,
    "accuracies": learning.accuracies,
    "loss_by_size": size.loss_by_size,
    "accuracy_by_size": size.accuracy_by_size,
    "memorising": memorising.memorising,
    "gradient_norm": learning.gradient_norm,
    "step_loss": learning.step_loss,
    "path_whole": partial(paths.path, part="whole"),
    "path_layer1": partial(paths.path, part="layer1"),
    "ratio_by_loss": ratio.ratio_by_loss,
    "interpolation": interpolation.interpolation,
    **sweep.KINDS,
}
"""Kind -> the function that draws it and returns the heading of its legend ('' for no legend).

A kind is the last word of a figure's file name, so it has no hyphen.
"""

NOTES: dict[str, Callable[[Sequence[Series]], str]] = {
    "memorising": memorising.note,
    "path_whole": partial(paths.note, part="whole"),
    "path_layer1": partial(paths.note, part="layer1"),
    "ratio_by_loss": ratio.note,
    "interpolation": interpolation.note,
    **sweep.NOTES,
}
"""Kind -> the function that says what a chart of the series shows, one sentence per line."""

SETTINGS: dict[Any, Any] = {
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
    "lines.linewidth": 1.4,
}
_SETTINGS: dict[Any, Any] = {
    **SETTINGS,
    "font.size": text.SIZE,
    "legend.fontsize": text.SIZE,
    "axes.labelsize": text.SIZE,
    "axes.labelcolor": text.INK,
    "axes.edgecolor": "#8c8c8c",
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.labelsize": text.SIZE,
    "ytick.labelsize": text.SIZE,
    "xtick.color": "#8c8c8c",
    "ytick.color": "#8c8c8c",
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "path.simplify_threshold": 0.3,  # points, which a line may be off
}
_AXES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("loss", "losses", "stopping"), ("epoch", "loss")),
    "accuracies": ("epoch", "accuracy"),
    "gradient_norm": ("epoch", "norm"),
    "step_loss": ("step", "step"),
    "loss_by_size": ("parameters", "loss"),
    "accuracy_by_size": ("parameters", "accuracy"),
}
"""Kind -> what it shows on x and on y, for the marks of claims that do not need more of the chart."""
_GUESSED = {"losses": "loss", "accuracies": "accuracy", "loss_by_size": "loss", "accuracy_by_size": "accuracy"} | {
    kind: kind.partition("_")[0] for kind in sweep.KINDS
}
"""Kind -> what guessing has a level of there. These charts show nets that tell classes apart."""
_MARKED: dict[str, Callable[[Axes, Sequence[Series], Sequence[Mark]], marks.Named]] = {
    "stopping": learning.mark_stops,
    "gradient_norm": learning.mark_rule,
    "interpolation": interpolation.mark,
    **sweep.MARKS,
}
"""Kind -> the function that draws marks of its own, and returns the numbers that get a tick in the upper panel."""


def draw(
    kind: str,
    *,
    title: str,
    series: Sequence[Series],
    path: Path,
    data: str = "",
    named: Sequence[Mark] = (),
    seal: str = "",
) -> None:
    """Draw a chart of ``kind`` (see ``KINDS``) to ``path``, an .svg or .png that appears whole or not at all.

    ``data`` is a line below the title, such as the data set that the runs were trained on; ``named`` are the numbers that claims
    name; ``seal``, which an .svg keeps, is the digest by which ``drawn.is_drawn`` finds it again. Equal input gives an equal
    file. Raises ValueError for an unknown kind, another file type or no series, and if a series lacks an array that the kind
    needs or has one of another shape.
    """
    _check(kind, series)
    if path.suffix not in IMAGES:
        raise ValueError(f"cannot draw {path.name!r}: name it .svg or .png")
    with matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # matplotlib's own font lacks some characters; the text of an SVG is drawn in the reader's font.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        save(_figure(kind, line(title), series, line(data), named), path, shorter=True, seal=seal)


def _figure(kind: str, title: str, series: Sequence[Series], data: str, named: Sequence[Mark]) -> Figure:
    series = [replaced(one, name=line(one.name)) for one in series]
    figure = Figure()
    axes = figure.add_subplot()
    heading = KINDS[kind](axes, series)
    ticked = marks.Named()
    if kind in _MARKED:
        ticked = _MARKED[kind](axes, series, named)
    if kind in _AXES:
        across, up = _AXES[kind]
        if axes.get_xlabel() == "step":
            across = "step"
        found = marks.draw(axes, across, up, named, series)
        ticked = marks.Named(ticked.x | found.x, ticked.y | found.y, ticked.lower)
    among = classes(series)
    if kind in _GUESSED and among:
        marks.chance(axes, _GUESSED[kind], among, ticked)
    layout.lay_out(figure, axes, title, data, heading, ticked)
    return figure


def save(figure: Figure, path: Path, *, shorter: bool = False, seal: str = "") -> None:
    """Write ``figure``, drawn with ``SETTINGS``, to ``path``, an .svg or .png that appears whole or not at all. An equal figure
    gives an equal file. With ``shorter``, an SVG is written in half as many bytes, exact to a tenth of a point; ``seal`` is what
    it keeps, as of ``draw``."""
    content = io.BytesIO()
    if path.suffix == ".svg":
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": "hw1bench"})
    else:
        figure.savefig(content, format="png", dpi=130)
    written = content.getvalue()
    if path.suffix == ".svg":
        written = compact(written) if shorter else written
        written = drawn.sealed(written, seal) if seal else written
    write_whole(path, written)


def note(kind: str, series: Sequence[Series]) -> str:
    """The note to a chart of ``kind`` from ``series``, one sentence per line; '' for a kind without a note.

    Raises ValueError as ``draw`` does.
    """
    _check(kind, series)
    return NOTES[kind](series) if kind in NOTES else ""


def _check(kind: str, series: Sequence[Series]) -> None:
    if kind not in KINDS:
        raise ValueError(f"no figure of kind {kind!r}: the kinds are {', '.join(KINDS)}")
    if not series:
        raise ValueError(f"nothing to draw in a figure of kind {kind!r}: give at least one series")
