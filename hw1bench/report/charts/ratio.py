"""The minimal ratio: how many of the Hessian's eigenvalues are positive where the gradient is almost zero."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hw1bench.report.charts.lines import GREY, beside, colour, readable
from hw1bench.report.charts.series import Array, Series, array
from hw1bench.report.quantities import number, percent, plural
from hw1bench.specs.measurement import MINIMAL_RATIO, TOLERANCES

_COLUMN = TOLERANCES.index(MINIMAL_RATIO)
_SIDES = ("above", "within", "below")


def ratio_by_loss(axes: Axes, series: Sequence[Series]) -> str:
    """Shares of positive and of negative eigenvalues against the loss there: one dot per point, for every seed of every arm."""
    axes.set_xscale("log")
    loss, reached = _all(series, "stationary_loss"), _reached(series)
    above, below = (100 * _all(series, side, len(TOLERANCES))[:, _COLUMN] for side in ("above", "below"))
    placed = np.isfinite(loss) & (loss > 0)
    got, missed = placed & reached, placed & ~reached
    minimal, negative = "positive: minimal ratio", "negative"
    axes.plot(loss[got], above[got], "o", color=colour(0), alpha=0.6, ms=4, mew=0, label=minimal, zorder=2.2)
    axes.plot(loss[got], below[got], "v", color=colour(1), alpha=0.6, ms=4, mew=0, label=negative, zorder=2)
    if reached.any():
        means = [float(shares[reached].mean()) for shares in (above, below)]
        for mean, own, dashes in zip(means, (colour(0), colour(1)), ("-", "--"), strict=True):
            axes.axhline(mean, color=own, linestyle=dashes, linewidth=1.2, zorder=1.9, label="_")
        beside(axes, [f"mean {mean:.0f} %" for mean in means], [colour(0), colour(1)], means)
    alone = got & ~_descended(series)
    if alone.any():
        ring: dict[str, Any] = {"color": "black", "markerfacecolor": "none", "ms": 5.5, "mew": 0.6}
        without = f"no step on the loss: {int(alone.sum())} of {plural(len(reached), 'point')}"
        axes.plot(loss[alone], above[alone], "o", **ring, label=without, zorder=2.3)
    far = int((~reached).sum())
    if far:
        points = plural(len(reached), "point")
        looks: dict[str, Any] = {"color": GREY, "markerfacecolor": "none", "ms": 4.0, "mew": 0.8}
        axes.plot(loss[missed], above[missed], "o", **looks, label=f"not reached: {far} of {points}", zorder=2.1)
    axes.set(xlabel="loss", ylabel="share of eigenvalues (%)")
    axes.set_ylim(bottom=-3)
    readable(axes.xaxis)
    absent = int((~placed).sum())
    remark = f"\n{plural(absent, 'point')} without a positive loss not drawn" if absent else ""
    return (
        f"Hessian, beyond ±{_power(MINIMAL_RATIO)} of the largest eigenvalue; {plural(len(reached), 'point')}, "
        f"{len(series)} per seed{remark}"
    )


def note(series: Sequence[Series]) -> str:
    """How many points reached almost zero gradient, their median shares, and what to keep in mind about the shares."""
    reached = _reached(series)
    got, points = int(reached.sum()), len(reached)
    said = [
        f"{got} of {plural(points, 'point')} reached almost zero gradient: a norm of at most 1e-4 of the norm at "
        "initialisation."
    ]
    if got < points:
        norms = _all(series, "norm_ratio")[~reached]
        norms = norms[np.isfinite(norms)]
        where = f", at {_range(norms)} of the initial norm," if norms.size else ""
        who = "The other point{} is" if points - got == 1 else f"The other {points - got}{{}} are"
        said.append(f"{who.format(where)} shown hollow and left out of the effects.")
    if not got:
        return "\n".join(said)
    shares = {side: np.median(_all(series, side, len(TOLERANCES))[reached], axis=0) for side in _SIDES}
    medians = "; ".join(
        f"at {_power(tolerance)} of the largest {', '.join(percent(shares[side][column]) for side in _SIDES)}"
        for column, tolerance in enumerate(TOLERANCES)
    )
    said.append(f"Median shares of eigenvalues above, within and below the tolerance: {medians}.")
    alone = reached & ~_descended(series)
    said.append(
        f"{got - int(alone.sum())} of the {got} were led there by steps that lower the loss, which end near minima more often "
        "and so favour positive directions."
    )
    if alone.any():
        above, below = (
            percent(np.median(_all(series, side, len(TOLERANCES))[alone, _COLUMN])) for side in ("above", "below")
        )
        needed = (
            "The other, ringed, needed none: it has"
            if alone.sum() == 1
            else "The others, ringed, needed none: they have"
        )
        said.append(f"{needed} {above} above and {below} below {_power(MINIMAL_RATIO)} (median).")
    positive = np.median(_all(series, "gauss_newton_above", len(TOLERANCES))[reached][:, _COLUMN])
    said.append(
        f"The layer-by-layer Gauss-Newton matrix, which some reports take for the Hessian, has {percent(positive)} above "
        f"{_power(MINIMAL_RATIO)} (median). It cannot show a negative direction, so its ratio only counts how many "
        "directions change the outputs."
    )
    return "\n".join(said)


def _power(tolerance: float) -> str:
    """'1e-6'."""
    return f"1e{round(np.log10(tolerance))}"


def _range(values: Array) -> str:
    low, high = number(values.min()), number(values.max())
    return low if low == high else f"{low} to {high}"


def _descended(series: Sequence[Series]) -> Array:
    return np.asarray(_all(series, "descended") > 0)


def _reached(series: Sequence[Series]) -> Array:
    return np.asarray(_all(series, "reached") > 0)


def _all(series: Sequence[Series], name: str, columns: int | None = None) -> Array:
    """Array ``name`` of all series, one after another: (points,), or (points, columns) if it has columns."""
    found = [array(arm, name, 1 if columns is None else 2) for arm in series]
    for arm, values in zip(series, found, strict=True):
        runs = len(array(arm, "reached", 1))
        wanted = (runs,) if columns is None else (runs, columns)
        if values.shape != wanted:
            raise ValueError(f"array {name!r} of series {arm.name!r} has shape {values.shape}: give it {wanted}")
    return np.concatenate(found)
