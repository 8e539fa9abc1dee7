"""Ticks of a chart that is drawn: those of its axes and those of the numbers that claims name, none of which touch."""

from collections.abc import Mapping
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, NullLocator

from hw1bench.report.charts.text import FAINT, INK, SIZE, plain, power, width

_BETWEEN = 6.0  # points between two labels beside each other; labels above each other need less
_POWERS = 1e4  # a logarithmic axis with as large a range is labelled with powers of ten
_ABOVE = 1.05  # font sizes from one label to the next above it


Labels = Mapping[float, str]


def settle(axes: Axes, length: tuple[float, float], named: tuple[Labels, Labels] = ({}, {})) -> None:
    """Fix the ticks of both axes of ``axes``, which are ``length`` points long, (x, y), and label them in plain numbers.

    ``named`` holds the numbers on x and on y that claims name, with their labels: each in view gets a tick and a bold label, and
    takes the place of ticks too near to it. To be called after the last line is drawn.
    """
    _settle(axes.xaxis, length[0], named[0], beside=True)
    _settle(axes.yaxis, length[1], named[1], beside=False)


def _settle(axis: Axis, points: float, named: Labels, *, beside: bool) -> None:
    """Fix the ticks of ``axis``, whose labels stand beside each other or above each other."""
    axis.set_minor_locator(NullLocator())  # they are not shown, and would cost a third of the time of drawing
    low, high = sorted(axis.get_view_interval())

    @cache
    def place(value: float) -> float:
        """Where a value lies, in points from one end."""
        start, at, end = axis.get_transform().transform(np.array([low, value, high]))
        return float(points * (at - start) / (end - start))

    labelled: dict[float, str] = {}

    def fits(value: float, text: str) -> bool:
        def half(said: str) -> float:
            return (width(said) + _BETWEEN) / 2 if beside else _ABOVE * SIZE / 2

        return all(abs(place(value) - place(other)) >= half(text) + half(said) for other, said in labelled.items())

    tolerance = 1e-9 * (high - low)
    powers = axis.get_scale() == "log" and high >= _POWERS * low
    inside = [value for value in named if low - tolerance <= value <= high + tolerance]
    known: dict[float, str] = {}
    if isinstance(axis.get_major_formatter(), FuncFormatter):  # the kind of chart has chosen its labels itself
        locations = [float(value) for value in axis.get_majorticklocs()]
        texts = axis.get_major_formatter().format_ticks(locations)
        known = dict(zip(locations, texts, strict=True))
    for value in inside:
        text = known.get(value, named[value])
        if fits(value, text):
            labelled[value] = text
    marked = len(labelled)
    for value in axis.get_majorticklocs():
        if low - tolerance <= value <= high + tolerance and value not in labelled:
            text = known.get(float(value), power(float(value)) if powers else plain(float(value)))
            if fits(float(value), text):
                labelled[float(value)] = text
    axis.set_ticks(list(labelled), labels=list(labelled.values()))
    for index, tick in enumerate(axis.get_ticklabels()):
        tick.set_color(INK if index < marked else FAINT)
        tick.set_fontweight("bold" if index < marked else "normal")
