"""Places on the line between two nets, and measures of values along it: where they are best, how far they rise in between.

Nothing here needs a net: ``interpolation`` evaluates the nets.
"""

from dataclasses import dataclass

import numpy as np

from hw1bench.measures import arrays


def grid(low: float, high: float, points: int) -> np.ndarray:
    """``points`` alphas, equally spaced from ``low`` to ``high``, and 0 and 1 besides: in increasing order, to 12 decimals.

    Raises ValueError if ``low`` is not below ``high``, and for fewer than two points.
    """
    if not -np.inf < low < high < np.inf or points < 2:
        raise ValueError(f"{points} alphas from {low} to {high}: give two or more, from a lower one to a higher one")
    spaced = np.linspace(low, high, points).round(12)
    return np.unique([*spaced, 0.0, 1.0]) + 0.0  # a zero of either sign becomes 0


def _at(alphas: np.ndarray, values: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """``alphas`` and ``values`` as arrays; raises ValueError unless there are alphas, and a value for each run and alpha."""
    alphas, values = arrays.whole(alphas, "alphas"), arrays.whole(values, name)
    if alphas.ndim != 1 or not len(alphas):
        raise ValueError(f"alphas {alphas.shape}: give (A,), one or more")
    if values.ndim != 2 or values.shape[1] != len(alphas):
        raise ValueError(f"{name} {values.shape} at {len(alphas)} alphas: give (runs, {len(alphas)})")
    return alphas, values


def best(alphas: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The alpha of the largest of ``values (runs, A)``, or the mean of the alphas that tie: (runs,). NaN for a run with a NaN.

    Raises ValueError for other shapes.
    """
    alphas, values = _at(alphas, values, "values")
    ties = values == values.max(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        found: np.ndarray = np.where(ties, alphas, 0.0).sum(axis=1) / ties.sum(axis=1)
    return found


@dataclass(frozen=True)
class Barrier:
    """How high the line rises between its ends, in the unit of the error, and at which alpha: (runs,) each."""

    height: np.ndarray
    alpha: np.ndarray


def barrier(alphas: np.ndarray, error: np.ndarray) -> Barrier:
    """The error barrier (Frankle et al., 2020): the largest ``error (runs, A)`` strictly between alpha 0 and 1, minus the
    mean of the errors at 0 and at 1. ``error`` is a loss, or 1 minus the accuracy. Negative if the line sags; NaN if an error is.

    Raises ValueError for alphas without 0, 1 or one between them, and for another shape of ``error``.
    """
    alphas, error = _at(alphas, error, "errors")
    between = (alphas > 0) & (alphas < 1)
    if 0 not in alphas or 1 not in alphas or not between.any():
        raise ValueError(f"alphas {alphas.tolist()} have no barrier: give 0, 1 and one or more between, as grid does")
    inside = error[:, between]
    with np.errstate(invalid="ignore"):
        height = inside.max(axis=1) - (error[:, alphas == 0][:, 0] + error[:, alphas == 1][:, 0]) / 2
    return Barrier(height, best(alphas[between], inside))
