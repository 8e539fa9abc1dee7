"""How an arm looks: its colour, its line, the band and the thin lines of its seeds; axes and what stands beside them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

from hw1bench.report.charts.series import Array, Series, array, calm, crowded, lost, quartiles, seeds, thin
from hw1bench.report.charts.text import FAINT, width, without_shared
from hw1bench.report.quantities import plural

GREY = "#8c8c8c"
"""The colour of runs that are dead or diverged."""
ENDS = "_at the end of a line"
"""The label of the texts that stand right of the axes at the heights of the lines that they name; ``layout`` moves
them apart."""
_HIGH = 90.0  # per cent
_LEAST_ERROR = 0.1  # per cent: one of a thousand images
_STRETCHED = (0, 20, 40, 60, 80, 90, 95, 98, 99, 99.5, 100)
_ROOM_BESIDE = 74.0  # points, for names right of the axes
_ASIDE = 0.008  # of the decades of x
_MANY = 16  # runs of an arm: of more, thin lines are fainter
_LOST = ("dead", "diverged")
_MOST_SAID = 4  # arms whose lost runs are counted one by one
_SHADES = {2: 0.2, 4: 0.13, math.inf: 0.08}  # lines of a chart -> how strong their bands are: three lie over each other
_FEW = 4  # lines that names can stand beside; arms whose seeds can be told apart

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
    """How a line is drawn, and what the legend says of it ("_": nothing). If there is something between its points that it does
    not show, they are ``dotted``. ``lines`` is how many lines the chart has, which decides how strong bands and seeds are."""

    colour: str
    style: str
    label: str
    lines: int = 1
    dotted: bool = False


def line(axes: Axes, look: Look, x: Array, middle: Array, band: tuple[Array, Array], *, smooth: bool = True) -> None:
    """Draw a line of ``middle`` over ``x`` in a ``band`` between two quartiles.

    Of more values than can stand side by side, the line and the band go through medians of neighbours if they may be ``smooth``,
    and a faint line shows all values, so that no spike is lost.
    """
    looks: dict[str, Any] = {"color": look.colour, "label": look.label}
    along, (low, high, strong) = x, (*band, middle)
    if smooth and crowded(len(x)) and axes.get_xscale() != "log":  # there the first neighbours lie decades apart
        axes.plot(*_thinned(axes, x, middle), color=look.colour, linewidth=0.4, alpha=0.4, zorder=1.6, label="_")
        along, (low, high, strong) = calm(np.stack([low, high, middle]), x)
    polygons = []
    for part in _unbroken(low, high):
        edges = [np.stack(_thinned(axes, along[part], edge[part]), axis=1) for edge in (low, high)]
        polygons.append(np.concatenate([edges[0], edges[1][::-1]]))
    shade = next(shade for most, shade in _SHADES.items() if look.lines <= most)
    axes.add_collection(PolyCollection(polygons, color=look.colour, alpha=shade, linewidth=0))
    dots = "o" if look.dotted else ""
    axes.plot(*_thinned(axes, along, strong), linestyle=look.style, marker=dots, markersize=2.5, **looks)


def _thinned(axes: Axes, x: Array, values: Array) -> tuple[Array, Array]:
    kept = thin(values, x, log=axes.get_xscale() == "log")
    return x[kept], values[kept]


def _unbroken(low: Array, high: Array) -> list[slice]:
    """The parts of a band in which both edges are finite."""
    known = np.isfinite(low) & np.isfinite(high)
    turns = np.flatnonzero(np.diff(known, prepend=False, append=False))
    return [slice(start, stop) for start, stop in turns.reshape(-1, 2)]


def each(axes: Axes, look: Look, x: Array, runs: Array, grey: Array, *, smooth: bool = True) -> None:
    """Draw each of ``runs``, (runs, points), as a thin line in the colour of its arm, or in grey if it is lost (``grey``).

    With many lines only lost runs are drawn. A run that ends before the axis does has a cross at its end.
    """
    for some, own in ((runs[~grey], look.colour), (runs[grey], GREY)):
        if not len(some) or (look.lines > _FEW and own != GREY):
            continue
        at, found = calm(some, x, look.lines * len(runs)) if smooth else (x, some)
        # One line with gaps, which costs an SVG less than a line for each run.
        gap = np.full((len(found), 1), np.nan)
        along = np.concatenate([np.tile(at, (len(found), 1)), gap], axis=1).ravel()
        axes.plot(
            along,
            np.concatenate([found, gap], axis=1).ravel(),
            color=own,
            linewidth=0.5,
            linestyle="-" if look.style == "-" else (0, (5, 3)),
            alpha=0.8 if own == GREY else 0.45 if len(runs) <= _MANY else 0.25,
            zorder=1.4,
            label="_",
        )
        if own == GREY:
            _crosses(axes, x, some)


def _crosses(axes: Axes, x: Array, runs: Array) -> None:
    known = np.isfinite(runs)
    ended = known.any(axis=1) & ~known[:, -1]
    last = runs.shape[1] - 1 - known[:, ::-1].argmax(axis=1)
    if ended.any():
        axes.plot(
            x[last[ended]],
            runs[ended, last[ended]],
            linestyle="",
            marker="x",
            color=GREY,
            ms=4,
            zorder=1.9,
            label="_",
        )


def caption(series: Sequence[Series], name: str) -> str:
    """What the median, band and thin lines of array ``name`` show, and which runs are lost."""
    what = "median, middle half and each" if len(series) <= _FEW else "median and middle half"
    whose = f" of “{series[0].name}”" if len(series) == 1 else ""
    return f"{what} of {seeds(series, name)}{whose}{lost_runs(series, name)}"


def smoothed(length: int, unit: str) -> str:
    """What is said of lines of so many values that they go through medians of neighbours; '' of others."""
    return f"\nlines: medians of neighbours; faint: every {unit}" if crowded(length) else ""


def lost_runs(series: Sequence[Series], name: str) -> str:
    """'\\ngrey: 6 seeds dead (7 layers), 1 diverged (1 layer)' for runs of array ``name`` that are lost; '' if none is."""
    said: list[str] = []
    counts = np.array([[gone.sum() for gone in lost(arm, array(arm, name, 2))] for arm in series])
    for who, row in zip(without_shared([arm.name for arm in series]), counts, strict=True):
        for word, count in zip(_LOST, row, strict=True):
            if count:
                of = "" if len(series) == 1 else f" ({who})"
                said.append(f"{plural(int(count), 'seed') if not said else count} {word}{of}")
    if len(said) > _MOST_SAID:
        said = []
        for word, count in zip(_LOST, counts.sum(axis=0), strict=True):
            said += [f"{plural(int(count), 'seed') if not said else count} {word}"] if count else []
    return f"\ngrey: {', '.join(said)}" if said else ""


def beside(axes: Axes, names: Sequence[str], colours: Sequence[str], heights: Sequence[float]) -> bool:
    """Write ``names`` right of the axes at the ``heights`` of their lines' ends; False, and nothing, if they are too many or too
    long for that, so that they belong in a legend."""
    if len(names) < 2 or len(names) > _FEW or max(map(width, names)) > _ROOM_BESIDE or not np.isfinite(heights).all():
        return False
    for name, own, height in zip(names, colours, heights, strict=True):
        text = axes.text(1.0, height, name, transform=axes.get_yaxis_transform(), va="center", color=own, label=ENDS)
        text.set_parse_math(False)
    return True


def spread_seeds(axes: Axes, places: Array, runs: Sequence[Array], looks: Mapping[str, Any], side: int) -> None:
    """A dot per seed at each of ``places`` on a logarithmic x axis, and a bar from quartile to quartile; a little to the left
    (``side`` -1), to the right (1) or at the place itself (0), so that two histories do not hide each other."""
    span = places.max() / places.min() if len(places) > 1 else 10.0
    at = places * span ** (_ASIDE * side)
    counts = [len(values) for values in runs]
    dots = {"color": looks["color"], "marker": "o", "linestyle": ""}
    axes.plot(np.repeat(at, counts), np.concatenate(runs), **dots, alpha=0.35, ms=2.6, mew=0, zorder=1.6, label="_")
    edges = [quartiles(values[:, None]) for values in runs]
    low, high = (np.array([pair[side][0] for pair in edges]) for side in (0, 1))
    axes.vlines(at, low, high, color=looks["color"], alpha=0.3, linewidth=5, zorder=1.5, label="_")


def gone(axes: Axes, places: Array, lost: Sequence[int], runs: int) -> str:
    """Grey crosses at the upper edge at the ``places`` on x where runs diverged, and a line that counts them; '' if none did.

    lost  how many diverged, for each place, of all ``runs``
    """
    if not sum(lost):
        return ""
    at = places[np.array(lost) > 0]
    looks: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "color": GREY, "clip_on": False, "zorder": 2.6}
    axes.plot(at, np.ones(len(at)), linestyle="", marker="x", ms=6, mew=1.4, label="_", **looks)
    for place, count in zip(places, lost, strict=True):
        if count > 1:
            axes.annotate(
                f"{count}",
                (place, 1.0),
                xycoords=axes.get_xaxis_transform(),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                color=FAINT,
            )
    return f"\ngrey: {sum(lost)} of {plural(runs, 'run')} diverged"


def panel(axes: Axes, heights: tuple[float, float]) -> Axes:
    """A second panel below ``axes`` with the same x axis; ``heights`` are the shares of the two."""
    grid = axes.get_subplotspec()
    assert grid is not None
    rows = grid.subgridspec(2, 1, height_ratios=heights)
    axes.set_subplotspec(rows[0])
    found = axes.figure.add_subplot(rows[1], sharex=axes)
    axes.tick_params(axis="x", labelbottom=False)
    return found


def entry(axes: Axes, text: str, **looks: Any) -> None:
    """Add ``text`` to the legend, for a line with ``looks`` that is drawn elsewhere or in several colours."""
    axes.plot([], [], label=text, **looks)


def stretch(axes: Axes, finals: Sequence[float]) -> None:
    """Stretch the y axis, of accuracies in per cent, toward 100, if the ``finals`` of most lines are beyond ``_HIGH``: it is then
    linear in the logarithm of the error, down to ``_LEAST_ERROR``, so that 99 and 99.5 % lie apart."""
    known = [value for value in finals if np.isfinite(value)]
    if not known or np.median(known) < _HIGH:
        return
    axes.set_yscale(
        "function",
        functions=(
            lambda accuracy: -np.log10(np.maximum(100 - np.asarray(accuracy, float), 0) + _LEAST_ERROR),
            lambda place: 100 + _LEAST_ERROR - 10.0 ** -np.asarray(place, float),
        ),
    )
    axes.yaxis.set_major_locator(FixedLocator(_STRETCHED))
    low, _ = axes.get_ylim()
    axes.set_ylim(max(low, 0), 100)


def readable(axis: Axis) -> None:
    """Choose the ticks of a logarithmic axis of less than three decades; matplotlib takes too few.

    To be called after the last line is drawn, since it depends on the axis's limits.
    """
    low, high = axis.get_view_interval()
    if low <= 0 or high >= 1000 * low:
        return
    if high < 4 * low:
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axis.set_minor_locator(NullLocator())
    else:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
