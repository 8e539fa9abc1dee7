"""How an arm looks: its colour, its line, its band."""

from dataclasses import dataclass
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from hw1bench.report.charts.series import Array

BAND = "median over seeds, in a band from minimum to maximum"

# Okabe and Ito's colours that are dark enough on white, except black, which is the truth's. Four styles and seven colours
# share no factor, so that 28 arms differ.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195")
_STYLES = ("-", "--", "-.", ":")


def colour(index: int, arms: int | None = None) -> str:
    """The colour of arm ``index``.

    If colour alone must tell ``arms`` arms apart and the palette has too few, the arms are taken for a sweep and get a scale
    from dark to light, in their order.
    """
    if arms is None or arms <= len(_COLOURS):
        return _COLOURS[index % len(_COLOURS)]
    return str(to_hex(colormaps["plasma"](0.9 * index / (arms - 1))))  # beyond 0.9 it is too light for white


def style(index: int) -> str:
    """The line style of arm ``index``, if colour and line together tell arms apart."""
    return _STYLES[index % len(_STYLES)]


@dataclass(frozen=True)
class Look:
    """How a line is drawn, and what the legend says of it ("_": nothing); ``shade`` is how strong its band is. If there is
    something between its points that it does not show, they are ``dotted``."""

    colour: str
    style: str
    label: str
    shade: float = 0.16
    dotted: bool = False


def line(axes: Axes, look: Look, x: Array, middle: Array, band: tuple[Array, Array]) -> None:
    """Draw a line of ``middle`` over ``x``, in a ``band`` from its least to its most."""
    axes.fill_between(x, *band, color=look.colour, alpha=look.shade, linewidth=0)
    dots = "o" if look.dotted else ""
    axes.plot(x, middle, color=look.colour, linestyle=look.style, label=look.label, marker=dots, markersize=2.5)


def right_axis(axes: Axes, what: str, own: str) -> Axes:
    """A second y axis, on the right of ``axes``, for ``what``, which is drawn in the colour ``own``.

    It has no grid, since two would cross. The legend is made from ``axes`` alone: add what is drawn on the right with ``entry``.
    """
    right = axes.twinx()
    right.grid(visible=False)
    right.spines["right"].set(visible=True, color=own)
    right.set_ylabel(what, color=own)
    right.tick_params(axis="y", which="both", colors=own)
    return right


def entry(axes: Axes, text: str, **looks: Any) -> None:
    """Add ``text`` to the legend, for a line with ``looks`` that is drawn elsewhere or in several colours."""
    axes.plot([], [], label=text, **looks)


def readable(axis: Axis) -> None:
    """Write plain numbers on a logarithmic axis of less than three decades; matplotlib writes 2 x 10^-1, or too few ticks.

    To be called after the last line is drawn, since it depends on the axis's limits.
    """
    low, high = axis.get_view_interval()
    if low <= 0 or high >= 1000 * low:
        return
    if high < 4 * low:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1000 else f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
