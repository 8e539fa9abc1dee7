"""Measures of a run's learning curve: final values, epochs to a threshold, mean level.

A history is (epochs + 1,); its index is the epoch, and 0 is before training, so that the first epoch is 1. Each measure reads
only the epochs that it names, and raises ValueError if the arm does not evaluate one of them.
"""

import math

import numpy as np

from hw1bench.records.runs import Run
from hw1bench.specs.measurement import JacobianNorm

SENSITIVITIES = ("jacobian", "reported")
"""Names of the measures of sensitivity."""
GAP = "loss_gap"
"""Name of the difference between test and training loss."""

PERFECT = 1e-6
"""The share of the target's variance below which the loss of a fit says no more than that the fit is perfect."""
_CLASSES = 10  # for which the levels above guessing were chosen
_CONSTANT = 1e-3
"""The range of the outputs, over the target's standard deviation, up to which a fit is constant: such a range lowers the loss by
at most 0.2 % of the target's variance."""


def start(run: Run, name: str = "train_loss") -> float:
    """The value of history ``name`` before training."""
    return float(run.history(name, 0))


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
        return float(run.history(name, run.kept_epoch))
    if "last_batch_norm" not in run.arrays:
        way = 'let the arm record the gradient_norm of the "last batch"'
        raise ValueError(f"arm {run.arm.name!r} has no sensitivity {name!r}: {way}")
    return float(run.arrays["last_batch_norm"][run.kept_epoch - 1])


def epochs_to(run: Run, threshold: float, within: int | None = None) -> float:
    """The first epoch, of the first ``within`` (None: of the budget), after which the training loss is at most ``threshold``; the
    number of these epochs + 1 if there is none."""
    reached = run.history("train_loss", _first(within)) <= threshold
    return float(reached.argmax() + 1) if reached.any() else float(len(reached) + 1)


def epochs_to_share_of_variance(run: Run, share: float = 0.1, within: int | None = None) -> float:
    """As ``epochs_to``, for a training loss of ``share`` of the target's variance: a constant fit leaves a share of 1.

    Raises ValueError if the run's targets are classes.
    """
    return epochs_to(run, share * target_variance(run), within)


def over_guessing(classes: int, times: float) -> float:
    """The accuracy that is ``times`` that of guessing among ten classes; among other numbers of ``classes``, one as far on the
    way from guessing to 1, because 2.5 times that of guessing between two is out of reach."""
    return (1 + (classes - 1) * (times - 1) / (_CLASSES - 1)) / classes


def fits(run: Run) -> bool:
    """Whether the run fits numbers, so that its target has a variance."""
    return "target_variance" in run.facts


def target_variance(run: Run) -> float:
    """The variance of the target of a fit. Raises ValueError if the run's targets are classes."""
    if not fits(run):
        raise ValueError(f"arm {run.arm.name!r} learns classes: its target has no variance to compare a loss with")
    return float(run.facts["target_variance"])


def resolved(run: Run, losses: np.ndarray) -> np.ndarray:
    """``losses`` of ``run``, of a fit no lower than ``PERFECT`` of its target's variance."""
    return np.maximum(losses, PERFECT * target_variance(run)) if fits(run) else losses


def dead(run: Run) -> bool:
    """Whether the run is a fit whose outputs are constant after training."""
    if not fits(run) or "prediction" not in run.arrays:
        return False
    return bool(np.ptp(run.arrays["prediction"], axis=0).max() <= _CONSTANT * np.sqrt(target_variance(run)))


def stopping_epoch(losses: np.ndarray, first: int = 1000, every: int = 100, least: float = 1e-6) -> float:
    """The epoch at which the stopping rule ends training, given ``losses (epochs + 1,)``: from epoch ``first``, every ``every``
    epochs, it stops if the loss fell by less than ``least`` since the last time. The budget + 1 if it never stops."""
    for epoch in range(first, len(losses), every):
        with np.errstate(invalid="ignore"):  # infinity minus infinity is not a small fall
            fall = losses[epoch - every] - losses[epoch]
        if fall < least:
            return float(epoch)
    return float(len(losses))


def stop(run: Run, within: int | None = None) -> float:
    """``stopping_epoch`` of the training loss of ``run``, in the first ``within`` epochs (None: in its budget)."""
    return stopping_epoch(run.history("train_loss", slice(None if within is None else within + 1)))


def early(run: Run, name: str, share: float) -> np.ndarray:
    """History ``name`` over the first ``share`` of the epochs, at least one: (epochs,)."""
    return run.history(name, _first(max(1, round(share * _budget(run, name)))))


def gain_after(run: Run, name: str, share: float) -> float:
    """How much better history ``name`` later is than its value at the share ``share`` of the epochs: how far an accuracy rises
    above it, or the natural logarithm of a loss falls below it. Negative if it never comes back to it. Raises ValueError if no
    epoch is left after it."""
    budget = _budget(run, name)
    epoch = max(1, round(share * budget))
    if epoch >= budget:
        raise ValueError(f"{budget} epochs leave none after {share:.0%} of them: train longer")
    there, later = run.history(name, epoch), run.history(name, slice(epoch + 1, None))
    if name.endswith("loss"):
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.log(there) - np.log(later.min()))
    return float(later.max() - there)


def block_means(values: np.ndarray, blocks: int) -> np.ndarray:
    """Means of ``blocks`` consecutive parts of ``values``, as equal as can be. Raises ValueError if there are fewer values."""
    if len(values) < blocks:
        raise ValueError(f"{len(values)} values do not make {blocks} block means: train for {blocks} epochs or more")
    return np.array([part.mean() for part in np.array_split(values, blocks)])


def log_loss(run: Run) -> float:
    """Natural logarithm of the final training loss, ``resolved``."""
    with np.errstate(divide="ignore"):
        return float(np.log(resolved(run, np.array(final(run)))))


def mean_log_loss(run: Run, first_share: float) -> float:
    """Mean natural logarithm of the training loss, ``resolved``, over the first ``first_share`` of the epochs, at least one."""
    with np.errstate(divide="ignore"):
        return float(np.log(resolved(run, early(run, "train_loss", first_share))).mean())


def share_of_fall(run: Run, first_share: float) -> float:
    """The share of the whole fall of the training loss that is done after the first ``first_share`` of the epochs; NaN if
    the loss does not fall."""
    epoch = max(1, round(first_share * _budget(run, "train_loss")))
    first, there, last = (float(run.history("train_loss", at)) for at in (0, epoch, -1))
    whole = first - last
    return (first - there) / whole if whole > 0 and math.isfinite(whole) else math.nan


def _budget(run: Run, name: str) -> int:
    """The number of epochs in history ``name`` of ``run``."""
    return len(run.evaluated(name)) - 1


def _first(epochs: int | None) -> slice:
    """The first ``epochs`` (None: all) epochs of a history, without its value before training."""
    return slice(1, None if epochs is None else epochs + 1)
