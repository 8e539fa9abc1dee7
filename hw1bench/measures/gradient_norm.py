"""Measures of the history of the gradient norm, and of the loss recorded with it.

A history is recorded before training and after each epoch, (epochs + 1,), or before each step, (steps,): see
``hw1bench.specs.arm.Arm``. Parts of it are named by shares of the budget, so that "epoch 100 of 300" is a third of any budget.
"""

import numpy as np

from hw1bench.records.runs import Run


def norms(run: Run) -> np.ndarray:
    """Norms of the gradient, (epochs + 1,) or (steps,), float64. Raises ValueError if the run has none."""
    return _recorded(run, "gradient_norm")


def step_losses(run: Run) -> np.ndarray:
    """The batch's loss before each step, (steps,) float64. Raises ValueError if the run has none."""
    return _recorded(run, "step_loss")


def _recorded(run: Run, name: str) -> np.ndarray:
    if name not in run.arrays:
        way = "give the arm coast=True" if name == "coasted" else "ask for it in the arm's gradient_norm"
        raise ValueError(f"arm {run.arm.name!r} recorded no {name!r}: {way}")
    return np.asarray(run.arrays[name], dtype=np.float64)


def coasted(run: Run) -> float:
    """How far the weights move in the step after training with the gradient set to zero, over the length of the weights."""
    return float(_recorded(run, "coasted"))


def part(values: np.ndarray, start: float, end: float) -> np.ndarray:
    """``values`` from the share ``start`` to the share ``end`` of their number. Raises ValueError if there is none."""
    found = values[round(start * len(values)) : round(end * len(values))]
    if not len(found):
        raise ValueError(f"{len(values)} values have none between {start:.0%} and {end:.0%}: train longer")
    return found


def until(values: np.ndarray, share: float) -> np.ndarray:
    """``values (epochs + 1,)`` from before training to the epoch at ``share`` of the budget, which is among them."""
    return values[: round(share * (len(values) - 1)) + 1]


def log_range(values: np.ndarray) -> float:
    """The range of the natural logarithm of ``values``."""
    return float(np.ptp(np.log(values)))


def log_fall(values: np.ndarray, start: float, end: float) -> float:
    """The fall of the natural logarithm of ``values`` per epoch between two shares of the budget; index 0 is before training."""
    first, last = (round(share * (len(values) - 1)) for share in (start, end))
    return float((np.log(values[first]) - np.log(values[last])) / (last - first))


def variation(values: np.ndarray) -> float:
    """Coefficient of variation: the standard deviation divided by the mean."""
    return float(values.std() / values.mean())
