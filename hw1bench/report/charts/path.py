"""Paths of the weights through training, in the plane of two principal components of all runs together."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullLocator

from hw1bench.report.charts.lines import colour, entry
from hw1bench.report.charts.series import Array, Series, array, holder
from hw1bench.report.charts.text import FAINT, SIZE, width
from hw1bench.report.quantities import number, percent, plural

_AREA = np.array([270.0, 150.0])  # points: about what the axes of a chart measure
_COLUMNS = 4  # of frames
_RING = 6.0  # points, from text to the middle of a ring
_INSET = 0.04  # of a frame, between its edges and text
_FRAME = np.array([0.72, 0.5])  # the share of a frame that the longest path takes
_FEW = 8  # runs
_MOST = 16  # runs: more can neither be told apart nor kept small
_FAR = 3  # this many times as far apart as they travel is much farther
# Where a label may stand, seen from its dot.
_AROUND = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


def path(axes: Axes, series: Sequence[Series], *, part: str) -> str:
    """The weights of ``part`` ("whole" or "layer1"): one line per run, a ring where it starts, dots where it was measured."""
    arm = holder(series, f"{part}_path")
    places, accuracy = (found[:_MOST] for found in _paths(arm, part))
    shares = array(arm, f"{part}_shares", 2)[0]
    if _far_apart(places):
        return _frames(axes, places, accuracy, shares, len(arm.arrays[f"{part}_path"]))
    marked = np.isfinite(accuracy) & np.isfinite(places).all(axis=2)
    for run, place in enumerate(places):
        axes.plot(*place.T, color=_colour(run, len(places)), linewidth=0.8, label="_")
    # One collection each, which costs an SVG less than a marker of its own for every run.
    owns = np.array([_colour(run, len(places)) for run in range(len(places))])
    axes.scatter(
        places[:, 0, 0], places[:, 0, 1], s=20, facecolors="white", edgecolors=owns.tolist(), linewidths=1, zorder=2.1
    )
    dots = places[marked]
    axes.scatter(dots[:, 0], dots[:, 1], s=8, c=np.repeat(owns, marked.sum(axis=1)).tolist(), linewidths=0, zorder=2.2)
    for axis, name, share in zip((axes.xaxis, axes.yaxis), ("component 1", "component 2"), shares, strict=True):
        axis.set_label_text(f"{name} ({percent(share)} of variance)")
        axis.set_major_locator(MaxNLocator(5))
    _accuracies(axes, np.concatenate(places), places, accuracy, marked)
    _entries(axes)
    every = len(arm.arrays[f"{part}_path"])
    return f"one colour per run, {_runs(len(places), every)}"


def _entries(axes: Axes) -> None:
    entry(axes, "start", color=FAINT, marker="o", linestyle="", markerfacecolor="white", markersize=4.5)
    entry(axes, "training accuracy in %", color=FAINT, marker="o", linestyle="", markersize=2.8)


def _frames(axes: Axes, places: Array, accuracy: Array, shares: Array, every: int) -> str:
    """Each path in a frame of its own, all at one scale: in one plane, runs that start far apart would be dots."""
    rows = -(-len(places) // _COLUMNS)
    low, high = np.nanmin(places, axis=1), np.nanmax(places, axis=1)  # (runs, 2)
    unit = np.nanmax(high - low, axis=0)
    unit = np.where(unit > 0, unit, 1.0)
    centres = np.array([[run % _COLUMNS + 0.5, rows - run // _COLUMNS - 0.5] for run in range(len(places))])
    moved = (places - ((low + high) / 2)[:, None]) / unit * _FRAME + centres[:, None]
    for edge in range(1, _COLUMNS):
        axes.axvline(edge, color="#e4e4e4", linewidth=0.8, zorder=0.5, label="_")
    for edge in range(1, rows):
        axes.axhline(edge, color="#e4e4e4", linewidth=0.8, zorder=0.5, label="_")
    own = colour(0)
    for path, there, known in zip(moved, accuracy, np.isfinite(accuracy) & np.isfinite(moved).all(axis=2), strict=True):
        axes.plot(*path.T, color=own, linewidth=0.9, label="_")
        axes.plot(*path[known].T, linestyle="", marker="o", color=own, ms=2.6, label="_")
        axes.plot(*path[0], linestyle="", marker="o", color=own, markerfacecolor="white", ms=4.5, zorder=2.4, label="_")
        if known.any():
            last = np.flatnonzero(known)[-1]
            frame = np.floor(np.nanmean(path, axis=0))
            said = f"{100 * there[last]:.1f}"
            room = (np.array([width(said), SIZE]) + _RING) / (_AREA / [_COLUMNS, rows]) + _INSET
            (x, y), ha, va = _corner(path - frame, room)
            axes.text(frame[0] + x, frame[1] + y, said, ha=ha, va=va, color=FAINT)
    axes.set(xlim=(0, _COLUMNS), ylim=(0, rows))
    axes.yaxis.set_major_locator(NullLocator())
    axes.xaxis.set_visible(False)
    axes.set_ylabel(f"components 1 and 2 ({percent(shares[0])} and {percent(shares[1])} of variance)")
    _entries(axes)
    starts = places[:, 0][np.isfinite(places[:, 0]).all(axis=1)]
    first, second = np.triu_indices(len(starts), 1)
    apart = float(np.median(np.linalg.norm(starts[first] - starts[second], axis=1)))
    wide, tall = unit / _FRAME
    return (
        f"{_runs(len(places), every)}, a frame each, {number(float(wide))} wide and {number(float(tall))} high; "
        f"two starts lie {number(apart)} apart (median)"
    )


def _corner(path: Array, room: Array) -> tuple[Array, str, str]:
    """The first corner of a frame, of width and height 1, in which text that takes ``room`` lies on no part of ``path``, or the
    one farthest from it; and how text is aligned there."""
    steps = np.linspace(0, 1, 9)[:, None, None]
    along = (path[:-1] + steps * np.diff(path, axis=0)).reshape(-1, 2)
    along = along[np.isfinite(along).all(axis=1)]
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    apart = [float((np.abs(along - corner) / room).max(axis=1).min(initial=np.inf)) for corner in corners]
    best = next((index for index, far in enumerate(apart) if far > 1), int(np.argmax(apart)))
    right, top = corners[best] > 0
    return np.abs(corners[best] - _INSET), "right" if right else "left", "top" if top else "bottom"


def note(series: Sequence[Series], *, part: str) -> str:
    """How flat the paths are: together, each by itself, and against random walks with the same steps."""
    arm = holder(series, f"{part}_path")
    drawn, every = len(_paths(arm, part)[0]), len(arm.arrays[f"{part}_path"])
    together = percent(array(arm, f"{part}_shares", 2)[0].sum())
    own, walk = array(arm, f"{part}_own_share", 1), array(arm, f"{part}_walk", 1)
    if not len(own) == len(walk) == every:
        raise ValueError(
            f"series {arm.name!r} has {every} paths, {len(own)} shares, {len(walk)} walks: give one per run"
        )
    said = [f"Two components take {together} of the variance of {_runs(drawn, every)} together."]
    if _far_apart(_paths(arm, part)[0]):
        said.append("The runs start much farther apart than they travel, and their starts make up the components.")
    known = np.isfinite(own) & np.isfinite(walk)
    if known.any():
        own, walk = own[known], walk[known]
        middle = f" (median {percent(np.median(own))})" if len(own) > 1 else ""
        flatter = int((own > walk).sum())
        are = "is" if 1 in (flatter, len(own)) else "are"
        said += [
            f"Two components of a run's own take {_range(own)} of the variance of its path{middle}.",
            f"95 % of random walks with the same step lengths stay below {_range(walk)}, "
            f"so {flatter} of {plural(len(own), 'path')} {are} flatter than a random walk.",
        ]
    plain, relative = (1 - array(arm, f"{part}_{name}", 1) for name in ("convergence", "relative_convergence"))
    if np.isfinite(plain).any() and np.isfinite(relative).any():
        said.append(
            f"At the end a run is {number(np.nanmedian(plain))} times as far from an independent run as at the start (median), "
            f"and {number(np.nanmedian(relative))} times relative to the length of the weights."
        )
    said.append(
        "A large share is not by itself a sign of order: in one long random walk in many dimensions the first component alone "
        "takes 60.8 % (6/π²), and the first two take 76 %."
    )
    return "\n".join(said)


def _far_apart(places: Array) -> bool:
    """Whether runs start much farther apart than they travel in the chart, by medians over pairs and over runs."""
    places = places[np.isfinite(places[:, 0]).all(axis=1)]
    if len(places) < 2:
        return False
    travelled = np.nansum(np.linalg.norm(np.diff(places, axis=1), axis=2), axis=1)
    first, second = np.triu_indices(len(places), 1)
    apart = np.linalg.norm(places[first, 0] - places[second, 0], axis=1)
    return bool(_FAR * np.median(travelled) < np.median(apart))


def _runs(drawn: int, every: int) -> str:
    return plural(drawn, "run") if drawn == every else f"the first {drawn} of {plural(every, 'run')}"


def _range(shares: Array) -> str:
    low, high = percent(shares.min()), percent(shares.max())
    return low if low == high else f"{low} to {high}"


def _paths(arm: Series, part: str) -> tuple[Array, Array]:
    """Coordinates (runs, snapshots, 2) and accuracies (runs, snapshots) of the runs that share the first one's components.

    Runs of a later look have components of their own, in which a place says nothing about the other runs.
    """
    places, accuracy = array(arm, f"{part}_path", 3), array(arm, "path_accuracy", 2)
    shares = array(arm, f"{part}_shares", 2)
    if places.shape[:2] != accuracy.shape or places.shape[2] != 2 or shares.shape != (len(places), 2):
        raise ValueError(
            f"series {arm.name!r} has paths {places.shape}, accuracies {accuracy.shape} and shares {shares.shape}: give "
            "(runs, snapshots, 2), (runs, snapshots) and (runs, 2)"
        )
    same = np.isclose(shares, shares[0], rtol=0, atol=0, equal_nan=True).all(axis=1)
    return places[same], accuracy[same]


def _colour(run: int, runs: int) -> str:
    """The colour of a run. Eight runs are one more than the palette has: the last is black, like no other line here."""
    if runs == _FEW:
        return "black" if run == _FEW - 1 else colour(run)
    return colour(run, runs)


def _accuracies(axes: Axes, lines: Array, places: Array, accuracy: Array, marked: Array) -> None:
    """Write the last accuracy of each run beside its dot, if there is room; of many runs, only if it lies on no line.

    lines  (points, 2): what is drawn already, of which labels keep clear.
    """
    low, high = np.array([axes.get_xlim(), axes.get_ylim()]).T
    ink = (lines[np.isfinite(lines).all(axis=1)] - low) / (high - low) * _AREA
    taken: list[Array] = []  # centres and half sizes, points
    for run, dots in enumerate(marked):
        where = np.flatnonzero(dots)
        if not len(where):
            continue
        text = f"{100 * accuracy[run, where[-1]]:.1f}"
        half = np.array([width(text) / 2, 0.5 * SIZE])
        dot = (places[run, where[-1]] - low) / (high - low) * _AREA
        offsets = [np.array(side) * (half + 2.4) for side in _AROUND]
        hidden = [int((np.abs(ink - dot - offset) < half).all(axis=1).sum()) for offset in offsets]
        free = [
            (points, side)
            for side, (offset, points) in enumerate(zip(offsets, hidden, strict=True))
            if _room(dot + offset, half, taken) and (points == 0 or len(places) <= _FEW)
        ]
        if not free:
            continue
        best = offsets[min(free)[1]]
        taken.append(np.array([dot + best, half]))
        axes.annotate(
            text,
            places[run, where[-1]],
            xytext=tuple(best),
            textcoords="offset points",
            ha="center",
            va="center_baseline",
            color=_colour(run, len(places)),
        )


def _room(centre: Array, half: Array, taken: Sequence[Array]) -> bool:
    inside = bool(((centre >= half) & (centre <= _AREA - half)).all())
    return inside and not any((np.abs(centre - other) < half + size).all() for other, size in taken)
