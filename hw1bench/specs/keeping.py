"""Which weights of a training are kept: the last, those of the best epoch, or those at which a rule stops."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from hw1bench.specs.evaluation import SplitName
from hw1bench.support.checks import integer, one_of, settle

Watched = Literal["validation_loss", "validation_accuracy", "test_loss", "test_accuracy"]
BEST: Watched = "test_accuracy"
"""The history by which ``keep`` "best" chooses its epoch."""


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """The rule that stops a run after ``patience`` epochs in a row that are no better than the best so far, by the history
    ``by``, and keeps the weights of the best.

    The first epoch is the first that may be best, and a value that is not a number is never better. The budget is trained to its
    end: what follows the stop changes nothing that is kept, costs what it costs, and shows in the histories what the rule did not
    see. Prechelt (1998, "Early stopping - but when?") compares such rules; this is his UP with strips of one epoch, against the
    best epoch instead of the last one, as in Keras.

    Raises ValueError for a patience below 1 and for another history.
    """

    patience: int
    by: Watched = "validation_loss"

    def __post_init__(self) -> None:
        settle(self, patience=integer(least=1), by=one_of("history to stop by", get_args(Watched)))


Keep = Literal["last", "best"] | EarlyStopping


def watched(keep: Keep) -> Watched | None:
    """The history by which ``keep`` chooses an epoch; None if it keeps the last weights."""
    if isinstance(keep, EarlyStopping):
        return keep.by
    return BEST if keep == "best" else None


def split_of(history: str) -> SplitName:
    """The split whose history it is: "test" of "test_loss"."""
    for split in ("train", "validation"):
        if history.startswith(f"{split}_"):
            return split
    return "test"


def kept_epoch(keep: Keep, values: Sequence[float]) -> int:
    """The epoch, from 1, whose weights ``keep`` keeps after epochs with these ``values`` of the history that it watches: one or
    more, without the value before training."""
    assert keep != "last"
    patience = keep.patience if isinstance(keep, EarlyStopping) else math.inf
    sign = 1 if str(watched(keep)).endswith("accuracy") else -1
    best, most = 0, -math.inf
    for place, value in enumerate(values):
        if place - best > patience:
            break
        if sign * value > most:
            best, most = place, sign * value
    return best + 1
