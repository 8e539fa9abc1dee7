"""Charts of trained runs, as files. One registry holds all kinds; drawing leaves matplotlib's settings unchanged."""

import io
import math
import textwrap
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace as replaced
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from hw1bench.report.charts import functions, interpolation, learning, memorising, ratio, size, sweep
from hw1bench.report.charts import path as paths
from hw1bench.report.charts.series import Series
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

_WIDTH, _HEIGHT = 4.8, 3.0  # inches, without the legend
_LEGEND_SIZE = 8.5  # points
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
    "legend.fontsize": _LEGEND_SIZE,
    "legend.title_fontsize": _LEGEND_SIZE,
    "lines.linewidth": 1.4,
}


def draw(kind: str, *, title: str, series: Sequence[Series], path: Path) -> None:
    """Draw a chart of ``kind`` (see ``KINDS``) to ``path``, an .svg or .png that appears whole or not at all.

    Equal input gives an equal file. Raises ValueError for an unknown kind, another file type or no series, and if a series
    lacks an array that the kind needs or has one of another shape.
    """
    _check(kind, series)
    if path.suffix not in IMAGES:
        raise ValueError(f"cannot draw {path.name!r}: name it .svg or .png")
    series = [replaced(one, name=line(one.name)) for one in series]
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        # matplotlib's own font lacks some characters; the text of an SVG is drawn in the reader's font.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(textwrap.fill(line(title), 52), loc="left", parse_math=False)  # a price is not a formula
        heading = KINDS[kind](axes, series)
        if heading:
            _legend(figure, axes, heading)
        save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write ``figure``, drawn with ``SETTINGS``, to ``path``, an .svg or .png that appears whole or not at all. An equal figure
    gives an equal file."""
    content = io.BytesIO()
    if path.suffix == ".svg":
        figure.savefig(content, format="svg", metadata={"Date": None, "Creator": "hw1bench"})
    else:
        figure.savefig(content, format="png", dpi=130)
    write_whole(path, content.getvalue())


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


def _legend(figure: Figure, axes: Axes, heading: str) -> None:
    """Draw the legend below the chart, where it hides nothing; the figure grows by the rows of the legend."""
    handles, labels = axes.get_legend_handles_labels()
    font = FontProperties(size=_LEGEND_SIZE)
    widest = max(text_to_path.get_text_width_height_descent(label, font, ismath=False)[0] for label in labels)
    # Besides the text: a handle and the gap beside it, and the gap between two columns, in font sizes.
    columns = 2 if 2 * (widest + 2.6 * _LEGEND_SIZE) + 2.8 * _LEGEND_SIZE <= 72 * _WIDTH else 1
    figure.set_size_inches(_WIDTH, _HEIGHT + 0.18 * (1 + heading.count("\n") + math.ceil(len(labels) / columns)))
    legend = figure.legend(
        handles, labels, loc="outside lower center", ncols=columns, title=heading, handlelength=1.8, columnspacing=1.2
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
