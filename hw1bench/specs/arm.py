"""An arm: one setting of an experiment, a complete training of a net on data."""

from dataclasses import dataclass
from typing import Any, Literal

from hw1bench.specs import notation
from hw1bench.specs.ingredients import Data, Function, Images, Loss, Model, Optimizer, StepLR
from hw1bench.support.checks import flag, instance, integer, label, one_of, optional, settle, shown


def _snapshots(value: Any, what: str) -> str | int | None:
    if value is None or (isinstance(value, str) and value == "epoch"):
        return value
    if isinstance(value, str):
        raise ValueError(f'{what}: each "epoch" or every 1 step or more, not {shown(value)}')
    found: int = integer(least=1)(value, what)
    return found


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One setting of an experiment, complete: a seed and an arm make a run.

    ``batch_size`` None is the whole training set at once; else it is reshuffled every epoch, the remainder kept.
    ``schedule`` None keeps the learning rate. ``independent``: its name enters its random streams, so that it shares neither
    initialisation nor data order with the other arms, as by default it does (where shapes allow).

    Recorded besides losses, accuracies and the last weights: ``gradient_norm`` records the Euclidean norm of the whole
    gradient, without weight decay: "epoch", of the whole training set's loss before training and after each epoch, or "step",
    of each batch's; "last batch" is the mean over parameter tensors of the norm of each epoch's last mini-batch. ``snapshots``
    keeps the weights before training and after each "epoch", or after every so many steps. ``keep`` "best" keeps the weights
    after the first epoch of the best test accuracy instead of the last ones.
    ``coast`` takes one more step after training, with the gradient set to zero, and records how far the weights move.
    """

    name: str
    data: Data
    model: Model
    loss: Loss
    optimizer: Optimizer
    epochs: int
    batch_size: int | None = None
    schedule: StepLR | None = None
    independent: bool = False
    gradient_norm: Literal["", "epoch", "step", "last batch"] = ""
    snapshots: Literal["epoch"] | int | None = None
    keep: Literal["last", "best"] = "last"
    coast: bool = False
    precision: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        settle(
            self,
            name=label(least=0),  # '' of one that others are made from: a protocol takes none
            data=instance(Function, Images),
            model=instance(Model),
            loss=one_of("loss", ("mse", "cross_entropy", "nll")),
            optimizer=instance(Optimizer),
            epochs=integer(least=1),
            batch_size=optional(integer(least=1)),
            schedule=optional(instance(StepLR)),
            independent=flag(),
            gradient_norm=one_of("recording of the gradient norm", ("", "epoch", "step", "last batch")),
            snapshots=_snapshots,
            keep=one_of("choice of the weights to keep", ("last", "best")),
            coast=flag(),
            precision=one_of("precision", ("float32", "float64")),
        )
        if self.keep == "best" and isinstance(self.data, Function):
            raise ValueError(f"arm {self.name!r} learns a function: it has no test accuracy to keep the best by")
        self._check_net()

    def _check_net(self) -> None:
        """The net takes the data and gives as many numbers as it has targets, and the loss is one of such. Raises ValueError."""
        layout, fits = self.model.layout, isinstance(self.data, Function)
        what = "targets" if fits else "classes"
        try:
            given = notation.outputs(layout, self.data.shape)
        except ValueError as error:
            raise ValueError(f"arm {self.name!r}: {error}") from None
        if given != self.data.targets:
            raise ValueError(
                f"arm {self.name!r}: layout {layout!r} has {given} outputs for {self.data.targets} {what}: end it with "
                f"{self.data.targets}"
            )
        if (self.loss == "mse") != fits:
            learns, way = ("a function", "mse") if fits else ("classes", "cross_entropy, or nll after logsoftmax")
            raise ValueError(f"arm {self.name!r} learns {learns}, and its loss is {self.loss}: give {way}")
        if self.loss == "nll" and notation.parse(layout)[-1] != notation.Output("logsoftmax"):
            raise ValueError(
                f"arm {self.name!r}: nll takes log-probabilities, which layout {layout!r} does not give: end it with "
                "logsoftmax, or give cross_entropy"
            )

    @property
    def augmented(self) -> bool:
        """Whether it trains on augmented images."""
        return isinstance(self.data, Images) and self.data.augment

    @property
    def random_labels(self) -> bool:
        """Whether its training labels are drawn at random."""
        return isinstance(self.data, Images) and self.data.random_labels

    @property
    def steps(self) -> int:
        """Optimiser steps of a run, on as many samples as the data has."""
        return self.epochs * self.steps_per_epoch(self.data.samples)

    def steps_per_epoch(self, samples: int) -> int:
        """Optimiser steps an epoch on so many training samples: the remainder makes a batch of its own."""
        return 1 if self.batch_size is None else -(-samples // self.batch_size)

    def snapshots_in(self, steps: int) -> int:
        """Snapshots that so many optimiser steps of training leave, besides the one before them."""
        if self.snapshots is None:
            return 0
        return self.epochs if self.snapshots == "epoch" else steps // int(self.snapshots)

    def setting(self, name: str) -> float:
        """The number by which a sweep orders its arms: "batch_size", "lr", "parameters" or "depth".

        Raises ValueError for another name, and for the batch size of an arm that trains on the whole set.
        """
        value = {
            "batch_size": self.batch_size,
            "lr": self.optimizer.lr,
            "parameters": self.model.parameters,
            "depth": self.model.depth,
        }.get(name)
        if value is None:
            raise ValueError(f"arm {self.name!r} has no {name!r} to order by; use batch_size, lr, parameters or depth")
        return float(value)
