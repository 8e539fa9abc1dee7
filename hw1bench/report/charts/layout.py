"""The places of everything in a chart: title, data, panels, caption and legend, from the room that their text takes."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from hw1bench.report.charts import ticks
from hw1bench.report.charts.lines import ENDS
from hw1bench.report.charts.marks import Named
from hw1bench.report.charts.text import FAINT, INK, LINE, SIZE, TITLE_SIZE, WIDTH, width, wrapped

_EDGE = 4.0  # points round all
_PANEL = 150.0  # height of a chart's panel, points
_PANELS = 196.0  # of two panels, with the gap between them
_GAP = 24.0  # between two panels, with the name of what the lower one shows
_TICKS = 19.0  # below a panel: tick and label
_TITLE_LINE = 17.0
_HANDLE, _BETWEEN = 28.0, 12.0  # in the legend: a line with the gap beside it; the gap between two columns


def lay_out(figure: Figure, axes: Axes, title: str, data: str, heading: str, named: Named) -> None:
    """Give every part of ``figure`` its place, and the figure its height. ``axes`` is the upper panel.

    ``named`` holds the numbers on x and y that get a tick.
    """
    room = WIDTH - 2 * _EDGE
    titles = wrapped(title, room, TITLE_SIZE)
    under = wrapped(data, room) if data else []
    caption = wrapped(heading, room) if heading else []
    handles, labels = axes.get_legend_handles_labels()
    columns = _columns(labels, room)
    rows = math.ceil(len(labels) / columns)
    panels = [one for one in figure.axes if one.get_visible()]
    above = LINE if axes.child_axes else 0.0  # names of places on x
    head = _EDGE + _TITLE_LINE * len(titles) + LINE * len(under) + LINE + above + 6
    inner = _PANEL if len(panels) == 1 else _PANELS
    below = panels[-1].get_xlabel()
    foot = (_TICKS if panels[-1].xaxis.get_visible() else 6.0) + (LINE if below else 0.0)
    height = head + inner + foot + LINE * len(caption) + (LINE + 1) * rows + _EDGE + (6 if caption or rows else 0)
    figure.set_size_inches(WIDTH / 72, height / 72)
    heights = [inner] if len(panels) == 1 else _heights(panels, inner - _GAP)
    # The labels of y decide the width of a panel, and they do not depend on it.
    for panel, points in zip(panels, heights, strict=True):
        ticks.settle(panel, (room - 50, points), (named.x, named.y if panel is axes else named.lower))
    left = _EDGE + max(map(_ticks_width, panels)) + 7
    ends = [text for text in axes.texts if text.get_label() == ENDS]
    right = WIDTH - _EDGE - max([7.0, _overhang(panels[-1]), *(width(text.get_text()) + 5 for text in ends)])
    top = head
    for panel, points in zip(panels, heights, strict=True):
        bottom = height - top - points
        panel.set_position((left / WIDTH, bottom / height, (right - left) / WIDTH, points / height))
        _name_y(figure, panel, height, height - top, above if panel is axes else 0.0)
        top += points + _GAP
    _spread(ends, axes, heights[0])
    y = height - _EDGE
    for said, size, own, step in (
        *((one, TITLE_SIZE, INK, _TITLE_LINE) for one in titles),
        *((one, SIZE, FAINT, LINE) for one in under),
    ):
        _write(figure, said, size, own, y, height)
        y -= step
    y = height - head - inner - (_TICKS if panels[-1].xaxis.get_visible() else 6.0)
    if below:
        panels[-1].set_xlabel("")
        text = figure.text((left + right) / 2 / WIDTH, y / height, below, ha="center", va="top", color=INK)
        text.set_parse_math(False)
        y -= LINE
    y -= 6
    for said in caption:
        _write(figure, said, SIZE, FAINT, y, height)
        y -= LINE
    if rows:
        legend = figure.legend(
            handles,
            labels,
            loc="upper left",
            bbox_to_anchor=(_EDGE / WIDTH, y / height),
            borderaxespad=0,
            borderpad=0,
            ncols=columns,
            handlelength=_HANDLE / SIZE - 0.6,
            handletextpad=0.6,
            columnspacing=_BETWEEN / SIZE,
            labelspacing=0.2,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
            text.set_color(INK)


def _heights(panels: Sequence[Axes], points: float) -> list[float]:
    shares: Any = panels[1].get_subplotspec().get_gridspec().get_height_ratios()  # type: ignore[union-attr]
    return [points * share / sum(shares) for share in shares]


def _columns(labels: Sequence[str], room: float) -> int:
    """As many columns of the legend as fit, at most three."""
    if not labels:
        return 1
    for columns in (3, 2):
        rows = math.ceil(len(labels) / columns)
        # matplotlib fills columns one after the other, the first ones with one row more.
        full, start, total = len(labels) % columns or columns, 0, 0.0
        for column in range(columns):
            end = start + (rows if column < full else rows - 1)
            total += _HANDLE + max([0.0, *map(width, labels[start:end])])
            start = end
        if total + (columns - 1) * _BETWEEN <= room and len(labels) >= columns:
            return columns
    return 1


def _ticks_width(panel: Axes) -> float:
    return max(
        [
            0.0,
            *(
                width(label.get_text()) * (1.12 if label.get_fontweight() == "bold" else 1)
                for label in panel.get_yticklabels()
            ),
        ]
    )


def _overhang(panel: Axes) -> float:
    """How far the last label on x may reach beyond the panel: half its width if it is at the end."""
    low, high = panel.get_xlim()
    labels = panel.get_xticklabels() if panel.xaxis.get_visible() else []
    if not labels or panel.get_xscale() == "log":
        return max([0.0, *(width(label.get_text()) / 2 for label in labels[-1:])])
    at, said = max((label.get_position()[0], label.get_text()) for label in labels)
    return width(said) / 2 - (high - at) / (high - low) * 260


def _name_y(figure: Figure, panel: Axes, height: float, top: float, above: float) -> None:
    """What y is, written above the panel, where it is read without turning the head."""
    said = panel.get_ylabel()
    panel.set_ylabel("")
    text = figure.text(
        _EDGE / WIDTH, (top + above + 5) / height, said, ha="left", va="bottom", color=panel.yaxis.label.get_color()
    )
    text.set_parse_math(False)


def _write(figure: Figure, said: str, size: float, own: str, top: float, height: float) -> None:
    text = figure.text(_EDGE / WIDTH, top / height, said, ha="left", va="top", fontsize=size, color=own)
    text.set_parse_math(False)


def _spread(ends: Sequence[Text], axes: Axes, points: float) -> None:
    """Move names at the ends of lines apart, in the order of their heights, so that none touches another."""
    if not ends:
        return
    transform = axes.transData.transform
    scale = axes.figure.dpi / 72
    base = axes.bbox.y0 / scale

    def at(text: Text) -> float:
        return float(transform((axes.get_xlim()[1], text.get_position()[1]))[1] / scale - base)

    low, high = SIZE / 2, points - SIZE / 2
    order = sorted(ends, key=at)
    places = [min(high, max(low, at(text))) for text in order]
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + LINE)
    over = max(0.0, places[-1] - high - 4)
    places = [place - over for place in places]
    for index in range(len(places) - 2, -1, -1):
        places[index] = min(places[index], places[index + 1] - LINE)
    for text, place in zip(order, places, strict=True):
        text.set_transform(axes.transAxes)
        text.set_position((1.0 + 5 / (axes.bbox.width / scale), place / points))
