"""Measures of a run's learning curve: final values, epochs to a threshold, mean level.

A history is (epochs + 1,); its index is the epoch, and 0 is before training, so that the first epoch is 1.
"""

import math

import numpy as np

from hw1bench.records.runs import Run
from hw1bench.specs.measurement import JacobianNorm

SENSITIVITIES = ("jacobian", "reported")
"""Names of the measures of sensitivity."""
GAP = "loss_gap"
"""Name of the difference between test and training loss."""


def start(run: Run, name: str = "train_loss") -> float:
    """The value of history ``name`` before training."""
    return float(run.history(name)[0])


def kept_epoch(run: Run) -> int:
    """The epoch whose weights the run keeps: the last, or the first with the best test accuracy if its arm says so."""
    if run.arm.keep == "best":
        return int(np.argmax(run.history("test_accuracy")[1:])) + 1
    return len(run.history("train_loss")) - 1


def final(run: Run, name: str = "train_loss") -> float:
    """The value of history ``name`` after the epoch whose weights the run keeps, the last by default.

    ``name`` may also be "loss_gap", test loss minus training loss (NaN if both are infinite), or a sensitivity: "jacobian", which
    is measured with those weights, or "reported", of that epoch's last mini-batch. Raises ValueError if the run has no such
    value.
    """
    if name == GAP:
        test, train = final(run, "test_loss"), final(run)
        return test - train if math.isfinite(test) or math.isfinite(train) else math.nan
    if name == "jacobian":
        return float(run.result(JacobianNorm)["jacobian"])
    if name != "reported":
        return float(run.history(name)[kept_epoch(run)])
    if "last_batch_norm" not in run.arrays:
        way = 'let the arm record the gradient_norm of the "last batch"'
        raise ValueError(f"arm {run.arm.name!r} has no sensitivity {name!r}: {way}")
    return float(run.arrays["last_batch_norm"][kept_epoch(run) - 1])


def epochs_to(run: Run, threshold: float) -> float:
    """The first epoch after which the training loss is at most ``threshold``; the budget + 1 if there is none."""
    reached = run.history("train_loss")[1:] <= threshold
    return float(reached.argmax() + 1) if reached.any() else float(len(reached) + 1)


def epochs_to_share_of_variance(run: Run, share: float = 0.1) -> float:
    """As ``epochs_to``, for a training loss of ``share`` of the target's variance: a constant fit leaves a share of 1.

    Raises ValueError if the run's targets are classes.
    """
    if "target_variance" not in run.facts:
        raise ValueError(f"arm {run.arm.name!r} learns classes: its target has no variance to compare a loss with")
    return epochs_to(run, share * run.facts["target_variance"])


def stopping_epoch(losses: np.ndarray, first: int = 1000, every: int = 100, least: float = 1e-6) -> float:
    """The epoch at which the stopping rule ends training, given ``losses (epochs + 1,)``: from epoch ``first``, every ``every``
    epochs, it stops if the loss fell by less than ``least`` since the last time. The budget + 1 if it never stops."""
    for epoch in range(first, len(losses), every):
        with np.errstate(invalid="ignore"):  # infinity minus infinity is not a small fall
            fall = losses[epoch - every] - losses[epoch]
        if fall < least:
            return float(epoch)
    return float(len(losses))


def stop(run: Run) -> float:
    """``stopping_epoch`` of the training loss of ``run``."""
    return stopping_epoch(run.history("train_loss"))


def early(run: Run, name: str, share: float) -> np.ndarray:
    """History ``name`` over the first ``share`` of the epochs, at least one: (epochs,)."""
    values = run.history(name)[1:]
    return values[: max(1, round(share * len(values)))]


def gain_after(run: Run, name: str, share: float) -> float:
    """How much better history ``name`` later is than its value at the share ``share`` of the epochs: how far an accuracy rises
    above it, or the natural logarithm of a loss falls below it. Negative if it never comes back to it. Raises ValueError if no
    epoch is left after it."""
    values = run.history(name)
    epoch = max(1, round(share * (len(values) - 1)))
    if epoch + 1 >= len(values):
        raise ValueError(f"{len(values) - 1} epochs leave none after {share:.0%} of them: train longer")
    there, later = values[epoch], values[epoch + 1 :]
    if name.endswith("loss"):
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.log(there) - np.log(later.min()))
    return float(later.max() - there)


def block_means(values: np.ndarray, blocks: int) -> np.ndarray:
    """Means of ``blocks`` consecutive parts of ``values``, as equal as can be. Raises ValueError if there are fewer values."""
    if len(values) < blocks:
        raise ValueError(f"{len(values)} values do not make {blocks} block means: train for {blocks} epochs or more")
    return np.array([part.mean() for part in np.array_split(values, blocks)])


def mean_log_loss(run: Run, first_share: float) -> float:
    """Mean natural logarithm of the training loss over the first ``first_share`` of the epochs."""
    losses = run.history("train_loss")[1:]
    with np.errstate(divide="ignore"):
        return float(np.log(losses[: round(first_share * len(losses))]).mean())
