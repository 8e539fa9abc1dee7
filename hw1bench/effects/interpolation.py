"""Effects on the straight line between the weights of two arms: alpha 0 is the first, alpha 1 the second."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from hw1bench.effects.effect import Effect, Runs, every, margin
from hw1bench.effects.identity import identified
from hw1bench.effects.orders import IN_ORDER, share_in_order
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
def pure_is_best(first: str, second: str) -> Effect:
    """Test accuracy at alpha 0 is higher than at any mixture, 0.1 <= |alpha| <= 0.9."""

    def gain(runs: Runs) -> float:
        alphas, accuracy = _along(runs, first, second, "test_accuracy")
        mixtures = (np.abs(alphas) > 0.1 - _NEAR) & (np.abs(alphas) < 0.9 + _NEAR)
        return margin(float(accuracy[alphas == 0][0] - accuracy[mixtures].max()))

    name = f"test accuracy of {first} - max over 0.1 <= |alpha| <= 0.9, alpha 1 being {second}"
    return Effect(name, "share", gain, (first, second))


@identified
def best_within(low: float, high: float, first: str, second: str) -> Effect:
    """Training accuracy is highest at an alpha from ``low`` to ``high``."""

    def gain(runs: Runs) -> float:
        alphas, accuracy = _along(runs, first, second, "train_accuracy")
        inside = (alphas > low - _NEAR) & (alphas < high + _NEAR)
        return margin(float(accuracy[inside].max() - accuracy[~inside].max()))

    name = f"max train accuracy over alpha in [{low:g}, {high:g}] - max over the rest, from {first} to {second}"
    return Effect(name, "share", gain, (first, second), lambda runs: -gain(runs))


@identified
def worse_towards(first: str, second: str) -> Effect:
    """From ``first`` to ``second`` test accuracy falls and test loss rises."""

    def parts(runs: Runs) -> tuple[float, float]:
        alphas, accuracy = _along(runs, first, second, "test_accuracy")
        _, loss = _along(runs, first, second, "test_loss")
        start, end = alphas == 0, alphas == 1
        return margin(float(accuracy[start][0] - accuracy[end][0])), float(loss[end][0] - loss[start][0])

    name = f"min(test accuracy of {first} - of {second}, test loss of {second} - of {first})"
    return Effect(
        name,
        "margin",
        lambda runs: float(np.min(parts(runs))),
        (first, second),
        lambda runs: float(np.min([-part for part in parts(runs)])),
    )


@identified
def peaks_near(alpha: float, split: str, first: str, second: str, *, within: float) -> Effect:
    """The accuracy on ``split`` ("train" or "test") is highest within ``within`` of ``alpha``; of a tie the middle counts."""

    def compute(runs: Runs) -> float:
        alphas, accuracy = _along(runs, first, second, f"{split}_accuracy")
        return margin(within - abs(float(line.best(alphas, accuracy[None])[0]) - alpha))

    name = f"{within:g} - |alpha of the best {split} accuracy - {alpha:g}|, from {first} to {second}"
    return Effect(name, "alpha", compute, (first, second))


def _ordered(what: str, low: float, high: float, first: str, second: str, direction: int) -> Effect:
    def order(sign: int) -> Callable[[Runs], float]:
        def compute(runs: Runs) -> float:
            alphas, values = _along(runs, first, second, what)
            inside = (alphas > low - _NEAR) & (alphas < high + _NEAR)
            return share_in_order(list(sign * values[inside]), list(alphas[inside])) - IN_ORDER

        return compute

    verb = "rises" if direction > 0 else "falls"
    name = f"share of pairs in which {what.replace('_', ' ')} {verb} over alpha in [{low:g}, {high:g}] - {IN_ORDER}"
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
        return margin(height - points) if math.isfinite(height) else math.nan

    name = f"max test error for 0 < alpha < 1 - mean test error of the ends - {points:g}, from {first} to {second}"
    return Effect(name, "share", compute, (first, second))
