"""The arrays of a chart, and what is drawn of them: medians, extremes and thinned lines over runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hw1bench.report.charts.text import without_shared
from hw1bench.report.quantities import plural

Array = npt.NDArray[Any]

_COLUMNS = 220
"""Of a chart: each about as wide as a line. A panel is 230 to 320 points wide."""
_CALM = 150  # points of a line that is drawn through medians of neighbours
_SEEDS = 2400  # points of the lines of all seeds
_SEED_LEAST, _SEED_MOST = 30, 110  # points of the line of a seed
_CONSTANT = 1e-3  # as in ``measures.learning.dead``


@dataclass(frozen=True)
class Series:
    """The contribution of one arm to a chart: its name, as in the legend, and its arrays.

    Which arrays are needed depends on the kind of chart.

    train_loss, test_loss          (runs, evaluated epochs), the first before training; may be non-finite
    train_accuracy, test_accuracy  (runs, evaluated epochs), shares
    train_epochs, test_epochs      (evaluated epochs,), rising from 0, which is before training, to the last; without them, each
                                   epoch is evaluated
    steps                          (epochs + 1,), optimiser steps done after each epoch
    parameters                     (), the net's number of trainable parameters
    gradient_norm                  (runs, epochs + 1), or (runs, steps) if it was recorded per step
    step_loss                      (runs, steps), the batch's loss before each step
    classes                        (), their number, of data that have classes
    target_variance                (), of data that are numbers to fit, as a mean over targets
    prediction                     (runs, points), the fitted functions on the training grid; (runs, samples, targets) of a table
                                   with several targets
    x, truth                       (points,), the training grid and the function on it

    Paths of the weights (``path``), of the whole net and of its first layer, ``part`` being whole or layer1:
    {part}_path                    (runs, snapshots, 2), coordinates by principal components of all runs together; NaN
                                   after the last snapshot of a run
    {part}_shares                  (runs, 2), the components' shares of the variance, the same for all these runs
    {part}_own_share               (runs,), share of a run's own variance that two components of its own take
    {part}_walk                    (runs,), what 95 % of random walks with that run's step lengths stay below
    {part}_convergence             (runs,), 1 - the distance to an independent run at the end over that at the start
    {part}_relative_convergence    (runs,), the same with distances relative to the length of the weights
    path_accuracy                  (runs, snapshots), training accuracy, a share, at the marked snapshots; NaN at others

    Points of almost zero gradient (``ratio``), columns in the order of ``measurement.TOLERANCES``:
    above, below, within           (runs, 3), shares of the Hessian's eigenvalues above, below and within each tolerance
    gauss_newton_above             (runs, 3), the same for the layer-by-layer Gauss-Newton matrix
    stationary_loss, norm_ratio    (runs,), the loss there, and the gradient's norm over that at initialisation
    reached, descended             (runs,), 0 or 1: whether the norm is small enough; whether steps on the loss led there

    Nets on the line from this arm's weights to another's (``interpolation``):
    alphas                         (runs, alphas), rising, 0 and 1 among them; the same for all runs
    mixed_train_loss, mixed_test_loss, mixed_train_accuracy, mixed_test_accuracy  (runs, alphas)

    Sweeps of the batch size or the learning rate (``sweep``):
    batch_size, lr                 (), of the arm
    kept_train_loss, kept_test_loss, kept_train_accuracy, kept_test_accuracy  (runs,), with the weights that are kept
    jacobian                       (runs,), norm of the outputs' Jacobian by the input, on test images
    reported                       (runs,), the sensitivity that the report measured
    """

    name: str
    arrays: Mapping[str, Array]


def array(arm: Series, name: str, axes: int) -> Array:
    """Array ``name`` of ``arm`` as float64; raises ValueError if it is missing, empty or does not have ``axes`` axes."""
    found = np.asarray(_given(arm, name), dtype=float)
    if found.ndim != axes or found.size == 0:
        raise ValueError(
            f"array {name!r} of series {arm.name!r} has shape {found.shape}: give it {axes} axes, none empty"
        )
    return found


def _given(arm: Series, name: str) -> Array:
    if name not in arm.arrays:
        raise ValueError(f"series {arm.name!r} has no array {name!r}, only {', '.join(arm.arrays) or 'none'}: add it")
    return arm.arrays[name]


def classes(series: Sequence[Series]) -> int:
    """The number of classes that all ``series`` share; 0 if they differ, or learn numbers."""
    found = {int(array(arm, "classes", 0)) if "classes" in arm.arrays else 0 for arm in series}
    return found.pop() if len(found) == 1 else 0


def epochs(arm: Series, history: str) -> Array:
    """The epochs at which ``history`` of ``arm`` is given, (evaluated epochs,)."""
    name = f"{history.partition('_')[0]}_epochs"
    return array(arm, name, 1) if name in arm.arrays else np.arange(array(arm, history, 2).shape[1])


def holder(series: Sequence[Series], name: str) -> Series:
    """The first of ``series`` with an array ``name``; if there is none the first of all, for ``array`` to refuse."""
    return next((arm for arm in series if name in arm.arrays), series[0])


def diverged(arm: Series) -> int:
    """The number of runs of ``arm`` whose training loss was ever not finite; 0 if it has no training loss."""
    return int(_not_finite(array(arm, "train_loss", 2)).sum()) if "train_loss" in arm.arrays else 0


def lost(arm: Series, runs: Array) -> tuple[Array, Array]:
    """Which runs of ``arm``, of which (runs, ...) are drawn, are dead and which diverged: two masks, (runs,).

    A fit is dead if its outputs are constant after training (``measures.learning.dead``); a run diverged if its training loss, or
    what is drawn of it, was ever not finite.
    """
    gone = _not_finite(runs)
    if "train_loss" in arm.arrays:
        losses = array(arm, "train_loss", 2)
        gone = gone | _not_finite(losses) if len(losses) == len(runs) else gone
    dead = np.zeros(len(runs), bool)
    if {"target_variance", "prediction"} <= arm.arrays.keys():
        fitted = array(arm, "prediction", _given(arm, "prediction").ndim)
        if len(fitted) == len(runs):
            spread = np.ptp(fitted.reshape(*fitted.shape[:2], -1), axis=1).max(axis=1)
            dead = spread <= _CONSTANT * np.sqrt(array(arm, "target_variance", 0))
    return dead & ~gone, gone


def label(arm: Series, series: Sequence[Series], name: str) -> str:
    """The text for ``arm`` beside its line: its name without what all ``series`` share, and the number of its runs if
    it is not the same for all of them.

    name  of the array with an axis of runs
    """
    counts = {len(_given(one, name)) for one in series}
    own = without_shared([one.name for one in series])[[one is arm for one in series].index(True)]
    return own if len(counts) == 1 else f"{own} ({plural(len(arm.arrays[name]), 'seed')})"


def seeds(series: Sequence[Series], name: str) -> str:
    """'16 seeds', or '8 to 16 seeds', of the runs of array ``name``."""
    counts = [len(_given(one, name)) for one in series]
    return plural(counts[0], "seed") if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)} seeds"


def _not_finite(runs: Array) -> Array:
    return np.asarray((~np.isfinite(runs)).any(axis=1))


def thin(values: Array, x: Array, *, log: bool = False) -> Array:
    """Indices of those of ``values``, (points,), over rising ``x`` that a line needs to look as it does with all of them.

    Of each column of the chart they are the lowest and the highest value, so that no spike is lost, and one that is not finite if
    there is any, so that no gap is; besides, the first and the last of all (after M4; Jugel et al., 2014). With ``log`` the x
    axis is logarithmic, and has no place for 0.
    """
    shown = np.flatnonzero(x > 0) if log else np.arange(len(x))
    if not crowded(len(shown)):
        return shown
    places, found = (np.log(x[shown]) if log else x[shown]), finite(values[shown])
    columns = np.minimum((places - places[0]) / (places[-1] - places[0]) * _COLUMNS, _COLUMNS - 1).astype(int)
    starts = np.flatnonzero(np.diff(columns, prepend=-1))
    own = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(columns)))
    kept = [np.array([0, len(shown) - 1])]
    for hits in (
        found == np.fmin.reduceat(found, starts)[own],
        found == np.fmax.reduceat(found, starts)[own],
        np.isnan(found),
    ):
        places = np.flatnonzero(hits)
        kept.append(places[np.unique(own[places], return_index=True)[1]])
    return np.asarray(shown[np.unique(np.concatenate(kept))])


def crowded(length: int) -> bool:
    """Whether a line has more values than a chart can show one beside another."""
    return length > 2 * _COLUMNS


def calm(runs: Array, x: Array, lines: int | None = None) -> tuple[Array, Array]:
    """Lines that are not mere noise: x (points,) and y (runs, points) of the medians, or of the seeds in a chart of so many
    ``lines`` of seeds.

    A run with more values than its line can show is drawn from its first value through medians of as many neighbours as it
    takes: one value of each, as in a line that is thinned, would draw nothing but its noise.
    """
    length = runs.shape[1]
    points = _CALM if lines is None else max(_SEED_LEAST, min(_SEED_MOST, _SEEDS // lines))
    if length <= points or (lines is None and not crowded(length)):
        return x, runs
    size = -(-(length - 1) // (points - 1))
    whole = (length - 2) // size  # parts of so many neighbours; what is left is the last
    middle = np.median(runs[:, 1 : whole * size + 1].reshape(len(runs), whole, size), axis=2)
    last = np.median(runs[:, whole * size + 1 :], axis=1)
    centres = x[1 : whole * size + 1].reshape(whole, size).mean(axis=1)
    return np.concatenate([x[:1], centres, x[-1:]]), np.column_stack([runs[:, 0], middle, last])


def finite(values: Array) -> Array:
    """``values``, with NaN for those that are not finite."""
    return np.where(np.isfinite(values), values, np.nan)


def unbounded(losses: Array) -> Array:
    """``losses``, with infinity for those that are not finite."""
    return np.where(np.isfinite(losses), losses, np.inf)


def positive(values: Array) -> Array:
    """``values``, with NaN for those that have no place on a logarithmic axis."""
    return np.where(values > 0, values, np.nan)


def quartiles(runs: Array, shown: Callable[[Array], Array] = finite) -> tuple[Array, Array]:
    """The lower and the upper quartile over runs as they are ``shown``, a diverged run being the worst; NaN where one is not
    finite."""
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(np.where(np.isnan(runs), np.inf, runs), [0.25, 0.75], axis=0)
    known = np.isfinite(low) & np.isfinite(high)
    return shown(np.where(known, low, np.nan)), shown(np.where(known, high, np.nan))


def median_loss(runs: Array) -> Array:
    """The median over runs; a diverged run counts as the worst of all, and a median that is not finite is not drawn."""
    return finite(np.median(unbounded(runs), axis=0))


def median_accuracy(runs: Array) -> Array:
    """The median over runs; an accuracy that is not a number counts as the worst of all."""
    return finite(np.median(np.where(np.isnan(runs), -np.inf, runs), axis=0))
