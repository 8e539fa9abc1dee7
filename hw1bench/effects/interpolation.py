"""Effects on the straight line between the weights of two arms: alpha 0 is the first, alpha 1 the second."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from hw1bench.effects.effect import Effect, Runs, every, margin, past
from hw1bench.effects.identity import identified
from hw1bench.effects.orders import MINUS, order_margin
from hw1bench.measures import line
from hw1bench.specs.measurement import Interpolation

_NEAR = 1e-9  # alphas are decimals, and rounded in floating point


def _along(runs: Runs, first: str, second: str, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the alphas and ``what`` (such as "test_accuracy") at each, both (alphas,); a loss that is not finite is +infinity.

    Raises ValueError if no line was measured from the arm ``first`` to the arm ``second``.
    """
    found = runs[first].result(Interpolation, first, second)
    values = np.asarray(found[f"mixed_{what}"], np.float64)
    return found["alphas"], np.where(np.isfinite(values), values, np.inf) if what.endswith("loss") else values


@identified
def pure_is_best(first: str, second: str, *, share: float = 0.2) -> Effect:
    """Test accuracy at alpha 0 is higher than in any mixture, in which both nets have at least the ``share`` of the weights."""

    def gain(runs: Runs) -> float:
        alphas, accuracy = _along(runs, first, second, "test_accuracy")
        mixtures = (alphas > share - _NEAR) & (alphas < 1 - share + _NEAR)
        return margin(float(accuracy[alphas == 0][0] - accuracy[mixtures].max()))

    name = f"test accuracy of {first} - max over {share:g} <= alpha <= {1 - share:g}, alpha 1 being {second}"
    return Effect(name, "share", gain, (first, second))


@identified
def best_within(low: float, high: float, first: str, second: str) -> Effect:
    """Training accuracy is highest at an alpha from ``low`` to ``high``."""

    def gain(runs: Runs) -> float:
        alphas, accuracy = _along(runs, first, second, "train_accuracy")
        inside = (alphas > low - _NEAR) & (alphas < high + _NEAR)
        return margin(float(accuracy[inside].max() - accuracy[~inside].max()))

    name = f"max train accuracy over alpha in [{low:g}, {high:g}] - max over the rest, from {first} to {second}"
    return Effect(name, "share", gain, (first, second))


@identified
def peaks_near(alpha: float, split: str, first: str, second: str, *, within: float) -> Effect:
    """The accuracy on ``split`` ("train" or "test") is highest within ``within`` of ``alpha``; of alphas that tie the farthest
    counts, so that two equal ends with a dip between them are no peak. Undefined if the accuracy is the same everywhere."""

    def compute(runs: Runs) -> float:
        alphas, accuracy = _along(runs, first, second, f"{split}_accuracy")
        if np.all(accuracy == accuracy[0]):
            return math.nan
        best = alphas[accuracy == accuracy.max()]  # none if an accuracy is NaN
        return past(within - float(np.abs(best - alpha).max())) if len(best) else math.nan

    name = f"{within:g} - |alpha of the best {split} accuracy - {alpha:g}|, from {first} to {second}"
    return Effect(name, "alpha", compute, (first, second))


def _ordered(what: str, low: float, high: float, first: str, second: str, direction: int) -> Effect:
    def order(sign: int) -> Callable[[Runs], float]:
        def compute(runs: Runs) -> float:
            alphas, values = _along(runs, first, second, what)
            inside = (alphas > low - _NEAR) & (alphas < high + _NEAR)
            return order_margin(list(sign * values[inside]), list(alphas[inside]))

        return compute

    verb = "rises" if direction > 0 else "falls"
    name = f"share of pairs in which {what.replace('_', ' ')} {verb} over alpha in [{low:g}, {high:g}]{MINUS}"
    return Effect(name, "share of pairs", order(direction), (first, second), order(-direction))


@identified
def falls_along(measures: Sequence[str], first: str, second: str, *, over: Sequence[tuple[float, float]]) -> Effect:
    """Each of ``measures`` (such as "test_loss") falls with alpha over each of the spans ``over``."""
    return every(*(_ordered(what, *span, first, second, -1) for what in measures for span in over))


@identified
def rises_along(measures: Sequence[str], first: str, second: str, *, over: Sequence[tuple[float, float]]) -> Effect:
    """Each of ``measures`` rises with alpha over each of the spans ``over``."""
    return every(*(_ordered(what, *span, first, second, 1) for what in measures for span in over))


@identified
def barrier_above(points: float, first: str, second: str) -> Effect:
    """Between ``first`` and ``second`` test error rises more than ``points`` (a share) above the mean of the ends: the error
    barrier of Frankle et al., 2020."""

    def compute(runs: Runs) -> float:
        alphas, accuracy = _along(runs, first, second, "test_accuracy")
        height = float(line.barrier(alphas, 1 - accuracy[None]).height[0])
        return past(height - points) if math.isfinite(height) else math.nan

    name = f"max test error for 0 < alpha < 1 - mean test error of the ends - {points:g}, from {first} to {second}"
    return Effect(name, "share", compute, (first, second))
