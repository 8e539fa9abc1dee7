"""An arm: one setting of an experiment, a complete training of a net on data."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from hw1bench.specs import notation
from hw1bench.specs.evaluation import EVERY_EPOCH, Evaluation
from hw1bench.specs.functions import Function
from hw1bench.specs.image_folder import ImageFolder
from hw1bench.specs.images import Images
from hw1bench.specs.ingredients import (
    CosineAnnealingLR,
    Data,
    ExponentialLR,
    Loss,
    Model,
    Optimizer,
    RateSchedule,
    StepLR,
)
from hw1bench.specs.keeping import EarlyStopping, Keep, split_of, watched
from hw1bench.specs.network import Network
from hw1bench.specs.table import Table
from hw1bench.support.checks import flag, instance, integer, label, one_of, optional, settle, shown


def _snapshots(value: Any, what: str) -> str | int | None:
    if value is None or (isinstance(value, str) and value == "epoch"):
        return value
    if isinstance(value, str):
        raise ValueError(f'{what} is {shown(value)}: give "epoch", or a number of steps')
    found: int = integer(least=1)(value, what)
    return found


def _keep(value: Any, what: str) -> Keep:
    if isinstance(value, EarlyStopping) or value in ("last", "best"):
        return value  # type: ignore[no-any-return]
    raise ValueError(f'{what} is {shown(value)}: give "last", "best" or EarlyStopping(patience=...)')


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One setting of an experiment, complete: an arm and a seed determine a run.

    ``batch_size`` None trains on the whole set at once; otherwise the set is reshuffled every epoch, and the remainder is kept
    as a smaller batch. ``schedule`` None keeps the learning rate constant. By default arms share initialisation and data order
    (if shapes allow); the name of an ``independent`` arm enters its random streams, so that it shares neither.

    Losses and accuracies, at the epochs of ``evaluation``, and the last weights are always recorded. ``gradient_norm`` also
    records the Euclidean norm of the whole gradient, without weight decay: with "epoch" for the loss on the whole training
    set, before training and after each epoch; with "step" for the loss on each batch. "last batch" records the norm of the
    gradient of each epoch's last mini-batch, as a mean over parameter tensors. ``snapshots`` keeps the weights before
    training and after each "epoch", or after every so many steps. ``keep`` "best" keeps the weights after the first epoch
    with the best test accuracy instead of the last weights, and ``EarlyStopping`` those at which its rule stops. ``validation``
    is the number of training samples that are held out, drawn once, the same for all runs: the net is not trained on them, and
    their loss and accuracy are recorded at every epoch. ``coast`` takes one more step after training, with the gradient set to
    zero, and records how far the weights move.

    Raises ValueError for a field that is out of range, if net, data and loss do not fit together, if the epoch to keep would not
    be known, for a schedule that would raise the learning rate to its least, for a schedule of evaluation that saves nothing, and
    for validation samples of a function, of random labels, or that leave none to train on.
    """

    name: str
    data: Data
    model: Model | Network
    loss: Loss
    optimizer: Optimizer
    epochs: int
    batch_size: int | None = None
    schedule: RateSchedule | None = None
    independent: bool = False
    gradient_norm: Literal["", "epoch", "step", "last batch"] = ""
    snapshots: Literal["epoch"] | int | None = None
    keep: Keep = "last"
    coast: bool = False
    precision: Literal["float32", "float64"] = "float32"
    evaluation: Evaluation = EVERY_EPOCH
    validation: int = 0

    def __post_init__(self) -> None:
        settle(
            self,
            name=label(least=0),  # '' is for an arm that others are made from; a protocol refuses it
            data=instance(Function, Images, ImageFolder, Table),
            model=instance(Model, Network),
            loss=one_of("loss", ("mse", "cross_entropy", "nll")),
            optimizer=instance(Optimizer),
            epochs=integer(least=1),
            batch_size=optional(integer(least=1)),
            schedule=optional(instance(StepLR, ExponentialLR, CosineAnnealingLR)),
            independent=flag(),
            gradient_norm=one_of("recording of the gradient norm", ("", "epoch", "step", "last batch")),
            snapshots=_snapshots,
            keep=_keep,
            coast=flag(),
            precision=one_of("precision", ("float32", "float64")),
            evaluation=instance(Evaluation),
            validation=integer(least=0),
        )
        self._check_validation()
        history = watched(self.keep)
        if history is not None and history not in self.histories:
            raise ValueError(
                f"arm {self.name!r} learns {self._learns}, which has no {history.replace('_', ' ')}: leave out keep={self.keep!r}"
            )
        if isinstance(self.schedule, CosineAnnealingLR) and self.schedule.least > self.optimizer.lr:
            raise ValueError(
                f"arm {self.name!r}: the learning rate {self.optimizer.lr:g} would rise to least={self.schedule.least:g}: give a "
                "smaller least"
            )
        self._check_evaluation()
        self._check_net()

    def _check_evaluation(self) -> None:
        """Raise ValueError if the best epoch would not be known, and for a schedule of what costs nothing or does not exist."""
        whose, train, test = f"arm {self.name!r}", self.evaluation.train, self.evaluation.test
        history = watched(self.keep)
        if history is not None and split_of(history) == "test" and test != "every epoch":
            best = "keeps the weights with the best test accuracy" if self.keep == "best" else f"stops by {history}"
            raise ValueError(f"{whose} {best}, but evaluates test {test!r}: give test='every epoch', or keep='last'")
        if not self.data.tested and test != "every epoch":
            raise ValueError(
                f"{whose} learns {self._learns}, which has no test set to evaluate {test!r}: leave out test={test!r}"
            )
        if self.histories == ("train_loss",) and self.batch_size is None and train != "every epoch":
            raise ValueError(
                f"{whose} trains on the whole set at once, so that each step computes its loss: leave out train={train!r}"
            )

    def _check_validation(self) -> None:
        """Raise ValueError for validation samples that cannot be held out, and for a rule that lacks some."""
        whose, history = f"arm {self.name!r}", watched(self.keep)
        if self.validation and isinstance(self.data, Function):
            raise ValueError(
                f"{whose} learns a function, of which nothing is held out: leave out validation={self.validation}"
            )
        if self.validation and self.random_labels:
            raise ValueError(f"{whose} learns random labels, which say nothing of other samples: leave out validation")
        if self.validation and self.validation >= self.data.samples:
            raise ValueError(
                f"{whose} holds out {self.validation:,} of {self.data.samples:,} training samples: hold out fewer than there are"
            )
        if history is not None and split_of(history) == "validation" and not self.validation:
            raise ValueError(
                f"{whose} stops by {history}, and holds nothing out: give validation=, a number of samples"
            )

    def _check_net(self) -> None:
        """Raise ValueError unless the net takes the data and has one output per target, and the loss suits the data."""
        fits = self.data.regression
        what = "targets" if fits else "classes"
        if isinstance(self.model, Network):
            whose, given, log = self._passed(self.model)
        else:
            whose, log = (
                f"layout {self.model.layout!r}",
                notation.parse(self.model.layout)[-1] == notation.Output("logsoftmax"),
            )
            try:
                given = notation.outputs(self.model.layout, self.data.shape)
            except ValueError as error:
                raise ValueError(f"arm {self.name!r}: {error}") from None
        if given != self.data.targets:
            raise ValueError(
                f"arm {self.name!r}: {whose} has {given} outputs for {self.data.targets} {what}: end it with "
                f"{self.data.targets}"
            )
        if (self.loss == "mse") != fits:
            way = "mse" if fits else "cross_entropy, or nll after logsoftmax"
            raise ValueError(f"arm {self.name!r} learns {self._learns}, and its loss is {self.loss}: give {way}")
        if self.loss == "nll" and not log:
            raise ValueError(
                f"arm {self.name!r}: nll takes log-probabilities, which {whose} does not give: end it with logsoftmax, or give "
                "cross_entropy"
            )

    def _passed(self, network: Network) -> tuple[str, int, bool]:
        """What messages call ``network``, its number of outputs, and whether these are log-probabilities."""
        whose, samples = f"network {network.name!r}", self.samples
        smallest = min(samples, samples % self.batch_size or self.batch_size) if self.batch_size else samples
        try:
            done = network.passed(self.data.shape, samples=min(2, smallest))
        except ValueError as error:
            raise ValueError(f"arm {self.name!r}: {error}") from None
        if len(done.outputs) != 2 or done.outputs[0] != 2:
            raise ValueError(
                f"arm {self.name!r}: {whose} gives outputs {done.outputs} for 2 samples: give (samples, outputs), here "
                f"(2, {self.data.targets})"
            )
        if not network.seeded and self.batch_size is None and not self.random_labels:
            raise ValueError(
                f"arm {self.name!r}: its runs would all be the same, because {whose} starts from the same weights whatever the "
                "seed, and the whole set is one batch: draw the weights, or give a batch_size"
            )
        return whose, done.outputs[1], done.probabilities

    @property
    def _learns(self) -> str:
        """What the arm learns, in words."""
        if isinstance(self.data, Function):
            return "a function"
        return f"numbers of {self.data.name!r}" if self.data.regression else "classes"

    @cached_property
    def training(self) -> "Arm":
        """The arm without its schedule of evaluation: arms with the same ``training`` have runs with the same weights."""
        return self if self.evaluation == EVERY_EPOCH else replace(self, evaluation=EVERY_EPOCH)

    @property
    def laid_out(self) -> Model:
        """The net, for what is only possible with a layout. Raises ValueError for a network of one's own, which has none."""
        if isinstance(self.model, Network):
            raise ValueError(f"arm {self.name!r} has network {self.model.name!r}, and needs a layout: give a Model")
        return self.model

    @property
    def takes_maps(self) -> bool:
        """Whether the net takes images as they are, (channels, height, width), and not as rows of features."""
        if isinstance(self.model, Network):
            return len(self.data.shape) == 3
        return notation.takes_maps(self.model.layout)

    @property
    def augmented(self) -> bool:
        """Whether the arm trains on augmented images."""
        return not isinstance(self.data, Function) and self.data.augment

    @property
    def random_labels(self) -> bool:
        """Whether the arm's training labels are drawn at random."""
        return not isinstance(self.data, Function) and self.data.random_labels

    @property
    def histories(self) -> tuple[str, ...]:
        """The names of the histories that are evaluated after epochs."""
        splits = ["train", *(["test"] if self.data.tested else []), *(["validation"] if self.validation else [])]
        return tuple(
            f"{split}_{what}" for split in splits for what in ("loss", *([] if self.data.regression else ["accuracy"]))
        )

    @property
    def samples(self) -> int:
        """Training samples of the data as published, without those that are held out."""
        return self.data.samples - self.validation

    @property
    def steps(self) -> int:
        """Optimiser steps of a run on the data as published."""
        return self.epochs * self.steps_per_epoch(self.samples)

    def steps_per_epoch(self, samples: int) -> int:
        """Optimiser steps per epoch, given the number of training samples; the remainder makes a batch of its own."""
        return 1 if self.batch_size is None else -(-samples // self.batch_size)

    def snapshots_in(self, steps: int) -> int:
        """Number of snapshots taken in ``steps`` optimiser steps, besides the one before training."""
        if self.snapshots is None:
            return 0
        return self.epochs if self.snapshots == "epoch" else steps // int(self.snapshots)

    def setting(self, name: str) -> float:
        """The setting by which a sweep orders its arms; ``name`` is "batch_size", "lr", "parameters" or "depth".

        Raises ValueError for any other name, and for the batch size of an arm that trains on the whole set.
        """
        value = {
            "batch_size": self.batch_size,
            "lr": self.optimizer.lr,
            "parameters": self.model.parameters,
            "depth": self.model.depth,
        }.get(name)
        if value is None:
            raise ValueError(f"arm {self.name!r} has no {name!r} to order by: use batch_size, lr, parameters or depth")
        return float(value)
