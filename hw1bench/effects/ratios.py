"""Effects on the minimal ratio: Hessian spectra at several points with almost zero gradient, one point per arm."""

import math
from collections.abc import Callable

import numpy as np

from hw1bench.effects.effect import Effect, Runs, margin
from hw1bench.effects.identity import identified
from hw1bench.effects.orders import MINUS, order_margin
from hw1bench.records.runs import Run
from hw1bench.specs.measurement import MINIMAL_RATIO, TOLERANCES, MinimalRatio

_FEWEST = 7  # points of almost zero gradient that an effect needs


def _of_reached(measure: Callable[[list[Run]], float]) -> Callable[[Runs], float]:
    """Apply ``measure`` to the runs that reached almost zero gradient; NaN if they are fewer than ``_FEWEST``."""

    def compute(runs: Runs) -> float:
        reached = [run for run in runs.values() if _reached(run)]
        return measure(reached) if len(reached) >= _FEWEST else math.nan

    return compute


def _reached(run: Run) -> bool:
    return bool(run.result(MinimalRatio)["reached"])


def _share(run: Run, name: str) -> float:
    return float(run.result(MinimalRatio)[name][TOLERANCES.index(MINIMAL_RATIO)])


@identified
def mostly_positive() -> Effect:
    """Positive eigenvalues outnumber negative ones on average over the points."""

    def gain(reached: list[Run]) -> float:
        return margin(float(np.mean([_share(run, "above") - _share(run, "below") for run in reached])))

    name = f"share of eigenvalues > tol - share < -tol, tol = {MINIMAL_RATIO:g} of the largest, mean of the points"
    return Effect(name, "share", _of_reached(gain), None, _of_reached(lambda reached: -gain(reached)))


@identified
def ratio_falls_with_loss() -> Effect:
    """A point with a lower loss has a higher minimal ratio."""

    def order(sign: int) -> Callable[[list[Run]], float]:
        return lambda reached: order_margin(
            [sign * _share(run, "above") for run in reached],
            [float(run.result(MinimalRatio)["stationary_loss"]) for run in reached],
        )

    name = f"share of pairs of points in which the minimal ratio falls over the loss{MINUS}"
    return Effect(name, "share of pairs", _of_reached(order(-1)), None, _of_reached(order(1)))
