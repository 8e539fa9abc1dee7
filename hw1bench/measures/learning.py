"""What a run's learning curve says: final values, epochs to a threshold, mean level.

A history is (epochs + 1,), its index the epoch, 0 before training; "over epoch" and "first epoch" run over 1 to the last.
"""

import numpy as np

from hw1bench.runs import Run


def start(run: Run, name: str = "train_loss") -> float:
    """The value of history ``name`` before training."""
    return float(run.history(name)[0])


def final(run: Run, name: str = "train_loss") -> float:
    """The value of history ``name`` after the last epoch."""
    return float(run.history(name)[-1])


def epochs_to(run: Run, threshold: float) -> float:
    """The first epoch after which the training loss is at most ``threshold``; never is the budget + 1."""
    reached = run.history("train_loss")[1:] <= threshold
    return float(reached.argmax() + 1) if reached.any() else float(len(reached) + 1)


def epochs_to_share_of_variance(run: Run, share: float = 0.1) -> float:
    """As `epochs_to`, for a training loss of ``share`` of the target's variance: what a constant fit leaves is 1.

    Raises ValueError for a run whose targets are classes.
    """
    if "target_variance" not in run.facts:
        raise ValueError(f"arm {run.arm.name!r} learns classes: its target has no variance to compare a loss with")
    return epochs_to(run, share * run.facts["target_variance"])


def stopping_epoch(losses: np.ndarray, first: int = 1000, every: int = 100, least: float = 1e-6) -> float:
    """When report B's rule stops training, given ``losses (epochs + 1,)``: from epoch ``first``, every ``every`` epochs, it
    stops if the loss is less than ``least`` under what it was ``every`` epochs before. Never is the budget + 1."""
    for epoch in range(first, len(losses), every):
        with np.errstate(invalid="ignore"):  # infinite minus infinite is no small fall
            fall = losses[epoch - every] - losses[epoch]
        if fall < least:
            return float(epoch)
    return float(len(losses))


def mean_log_loss(run: Run, first_share: float) -> float:
    """Mean natural logarithm of the training loss over the first ``first_share`` of the epochs."""
    losses = run.history("train_loss")[1:]
    with np.errstate(divide="ignore"):
        return float(np.log(losses[: round(first_share * len(losses))]).mean())
