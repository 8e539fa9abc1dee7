"""At which epochs of a training the whole training set and the whole test set are evaluated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hw1bench.support.checks import one_of, settle

Schedule = Literal["every epoch", "thinned", "ends"]
SplitName = Literal["train", "validation", "test"]

SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
SCHEDULES: tuple[Schedule, ...] = ("every epoch", "thinned", "ends")
CURVES: tuple[Schedule, ...] = ("every epoch", "thinned")
"""The schedules with enough epochs for a curve: two ends make a straight line of whatever lies between them."""

# Each of the first ten epochs: a claim on the first five of 50 is also read over the first ten.
_EACH_OF_FIRST = 10
_MORE = 5  # up to the last


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """When the loss and, of classes, the accuracy over the whole ``train`` and ``test`` set are computed.

    "every epoch"  before training and after each epoch
    "thinned"      before training, after each of the first ten epochs and after five more, as evenly spaced as can be up to the
                   last
    "ends"         before training and after the last epoch

    Validation samples are evaluated at every epoch. An arm that keeps the weights of another epoch than the last evaluates them
    too. So every run has the values before training, at the end and with the weights that it keeps. Evaluation trains nothing:
    the weights are the same bits under every schedule.

    Raises ValueError for another schedule.
    """

    train: Schedule = "every epoch"
    test: Schedule = "every epoch"

    def __post_init__(self) -> None:
        settle(self, train=one_of("schedule", SCHEDULES), test=one_of("schedule", SCHEDULES))

    def of(self, split: SplitName) -> Schedule:
        return {"train": self.train, "validation": SCHEDULES[0], "test": self.test}[split]

    def epochs(self, split: SplitName, budget: int) -> Sequence[int]:
        """The epochs of ``budget``, rising, after which the set ``split`` is evaluated; 0 is before training."""
        schedule = self.of(split)
        if schedule == "ends":
            return 0, budget
        rest = budget - _EACH_OF_FIRST
        if schedule == "every epoch" or rest <= _MORE:
            return range(budget + 1)
        more = ((2 * rest * place + _MORE) // (2 * _MORE) for place in range(1, _MORE + 1))  # rounded in whole numbers
        return *range(_EACH_OF_FIRST + 1), *(_EACH_OF_FIRST + gone for gone in more)

    def whole(self, split: SplitName, budget: int) -> bool:
        """Whether the set ``split`` is evaluated after each epoch of ``budget``, as in short ones by every schedule."""
        return len(self.epochs(split, budget)) > budget


EVERY_EPOCH = Evaluation()
