"""Frozen specifications: what is trained, on what, how, for how long, and what is compared.

Nothing here trains, and nothing imports torch. An experiment belongs to a report; its *arms* are the settings that are
compared, each a complete training; its two *protocols* are `full`, as the report did it, and `quick`, as a
laptop can do it. Two specifications with the same content have the same `digest`, on any machine.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from hw1bench import layout as notation
from hw1bench.measurement import Measurement

Tier = Literal["quick", "full"]
TIERS: tuple[Tier, ...] = ("quick", "full")
BLOCK = 8  # seeds in a block: the unit of training, storage and resuming, and the first look


def _one_of(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise ValueError(f"no {what} named {name!r}; there are {', '.join(known)}")


@dataclass(frozen=True)
class Model:
    """A network: its layout (see `hw1bench.layout`), its activation and how its weights start.

    ``init`` is "torch" (PyTorch's default for each layer) or "keras" (Glorot uniform weights, zero biases).
    Raises ValueError for a layout that cannot be read.
    """

    layout: str
    activation: Literal["relu", "leaky_relu", "tanh"] = "relu"
    init: Literal["torch", "keras"] = "torch"

    def __post_init__(self) -> None:
        notation.parse(self.layout)
        _one_of("activation", self.activation, ("relu", "leaky_relu", "tanh"))
        _one_of("init", self.init, ("torch", "keras"))

    @property
    def depth(self) -> int:
        """Layers with weights."""
        return sum(isinstance(layer, notation.Linear | notation.Conv) for layer in notation.parse(self.layout))

    @property
    def parameters(self) -> int:
        """Trainable parameters, by arithmetic on the layout."""
        return sum(self._parameters)

    @property
    def first_layer_parameters(self) -> int:
        """Those of the first layer with weights."""
        return self._parameters[0]

    @property
    def _parameters(self) -> list[int]:
        """Parameters of each layer with weights."""
        return [
            (layer.inputs * (layer.kernel**2 if isinstance(layer, notation.Conv) else 1) + 1) * layer.outputs
            for layer in notation.parse(self.layout)
            if isinstance(layer, notation.Linear | notation.Conv)
        ]


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """An optimiser of ``torch.optim`` by name; ``eps`` None is torch's default, ``weight_decay`` is added to the gradient."""

    name: Literal["adam", "rmsprop", "sgd"]
    lr: float
    weight_decay: float = 0.0
    eps: float | None = None

    def __post_init__(self) -> None:
        _one_of("optimiser", self.name, ("adam", "rmsprop", "sgd"))


@dataclass(frozen=True, kw_only=True)
class Function:
    """``points`` equally spaced points of a function of one number on [``low``, ``high``], see `hw1bench.data.FUNCTIONS`."""

    name: str
    points: int = 300
    low: float = -1.0
    high: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Images:
    """A set of labelled images and the form in which a net gets them.

    ``name`` is "digits" (scikit-learn's 1,797 handwritten ones), "mnist" or "cifar10"; where digits stand in for another
    set, ``stands_for`` names it. Images are resized to ``size`` x ``size`` (bilinear), one channel repeated to ``channels``,
    scaled to [0, 1], and normalised by ``mean`` and ``deviation`` (one a channel, or one for all). ``augment`` pads training
    images by 4 in reflection, crops at random and flips half of them. ``random_labels`` draws the training labels uniformly,
    once a seed; test labels stay true.
    """

    name: Literal["digits", "mnist", "cifar10"]
    size: int
    channels: int = 1
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)
    augment: bool = False
    random_labels: bool = False
    stands_for: str = ""

    def __post_init__(self) -> None:
        _one_of("image set", self.name, ("digits", "mnist", "cifar10"))
        if self.size < 1 or self.channels not in (1, 3):
            raise ValueError(
                f"images of {self.size} pixels a side in {self.channels} channels: give 1 or more, in 1 or 3"
            )
        for name, values in (("mean", self.mean), ("deviation", self.deviation)):
            if len(values) not in (1, self.channels):
                raise ValueError(f"{name} {values} of {self.channels} channels: give one number, or one a channel")


TITLES = {"digits": "digits", "mnist": "MNIST", "cifar10": "CIFAR-10"}  # of image sets, for people
Data = Function | Images
Loss = Literal["mse", "cross_entropy", "nll"]


@dataclass(frozen=True, kw_only=True)
class StepLR:
    """The learning rate is multiplied by ``factor`` after every ``every`` epochs."""

    every: int
    factor: float

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"a schedule steps every 1 epoch or more, not every {self.every}")


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
        _one_of("loss", self.loss, ("mse", "cross_entropy", "nll"))
        _one_of("precision", self.precision, ("float32", "float64"))
        _one_of("recording of the gradient norm", self.gradient_norm, ("", "epoch", "step", "last batch"))
        _one_of("choice of the weights to keep", self.keep, ("last", "best"))
        if self.epochs < 1 or (self.batch_size is not None and self.batch_size < 1):
            raise ValueError(
                f"arm {self.name!r}: epochs and batch size start at 1, not {self.epochs}, {self.batch_size}"
            )
        by_steps = isinstance(self.snapshots, int) and self.snapshots >= 1
        if self.snapshots not in (None, "epoch") and not by_steps:
            raise ValueError(
                f'arm {self.name!r}: snapshots each "epoch" or every 1 step or more, not {self.snapshots!r}'
            )
        if self.keep == "best" and isinstance(self.data, Function):
            raise ValueError(f"arm {self.name!r} learns a function: it has no test accuracy to keep the best by")

    @property
    def augmented(self) -> bool:
        """Whether it trains on augmented images."""
        return isinstance(self.data, Images) and self.data.augment

    @property
    def random_labels(self) -> bool:
        """Whether its training labels are drawn at random."""
        return isinstance(self.data, Images) and self.data.random_labels

    def steps_an_epoch(self, samples: int) -> int:
        """Optimiser steps an epoch on so many training samples: the remainder makes a batch of its own."""
        return 1 if self.batch_size is None else -(-samples // self.batch_size)

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


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What one tier trains and measures: the arms, and the numbers of seeds at which a verdict may fall.

    ``measures`` are taken of the trained runs. ``widths_over`` is the number by which all channels and hidden widths of the
    report's nets are divided (1: as they are).
    """

    arms: tuple[Arm, ...]
    looks: tuple[int, ...]
    widths_over: int = 1
    measures: tuple[Measurement, ...] = ()

    def __post_init__(self) -> None:
        for name in ("arms", "looks", "measures"):
            if not isinstance(getattr(self, name), tuple):
                raise ValueError(f"{name} of a protocol must be a tuple, not a {type(getattr(self, name)).__name__}")
        names = [arm.name for arm in self.arms]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"a protocol needs arms with different names, not {names}")
        rising = all(a < b for a, b in pairwise(self.looks))
        if not self.looks or not rising or any(look <= 0 or look % BLOCK for look in self.looks):
            raise ValueError(f"looks must rise in multiples of {BLOCK}, not {self.looks}")
        for measurement in self.measures:
            if not isinstance(measurement, Measurement):
                raise ValueError(f"{measurement} is no measurement: give such as JacobianNorm()")
            groups = measurement.groups(names)
            if not groups:
                raise ValueError(f"{measurement} names an arm that is not there: there are {', '.join(names)}")
            for group in groups:
                self._check_pair(*(arm for arm in self.arms if arm.name in group))

    @staticmethod
    def _check_pair(first: Arm, *second: Arm) -> None:
        """A pair is of the same net, and not the same training twice. Raises ValueError."""
        for other in second:
            pair = f"arms {first.name!r} and {other.name!r}"
            if first.model != other.model:
                raise ValueError(
                    f"{pair} are measured together and have nets {first.model} and {other.model}: give the same"
                )
            if replace(first, name=other.name) == other and not other.independent:
                raise ValueError(f"{pair} are measured together and are the same training twice: set independent=True")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart that the report shows: its number there ("-" where it has none), its title, and what is drawn.

    ``arms`` are those that it shows (empty: all); ``name`` tells it from others of its kind in the experiment.
    """

    number: str
    title: str
    kind: str
    name: str = ""
    arms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "-" in self.id:
            raise ValueError(f"figure name {self.id!r}: no dashes, for it ends a file name after one")

    @property
    def id(self) -> str:
        return self.name or self.kind


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A report's experiment: two protocols, the assumptions behind them, and the figures that it fills.

    ``name`` enters every random stream, so renaming an experiment trains other runs. ``quick`` None: full tier only.
    """

    report: str
    name: str
    full: Protocol
    quick: Protocol | None
    assumptions: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.report}-{self.name}"

    def protocol(self, tier: Tier) -> Protocol:
        """The protocol of ``tier``; raises ValueError where the experiment has none."""
        protocol = self.quick if tier == "quick" else self.full
        if protocol is None:
            raise ValueError(f"experiment {self.id} has no {tier} protocol")
        return protocol

    def key(self, tier: Tier) -> str:
        """The digest of what ``tier`` trains and when it looks (a ruling is bound to it)."""
        return digest({"report": self.report, "name": self.name, "protocol": self.protocol(tier)})


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A figure that sets experiments of several reports against each other, each of their arms a line; of a ``topic``.

    ``says`` stands before the figure's own note: which sentences of the reports are set against each other, and what
    decides between them.
    """

    topic: str
    title: str
    kind: str
    experiments: tuple[Experiment, ...]
    says: str = ""

    @property
    def id(self) -> str:
        return f"across-{self.topic}-{self.kind}"

    @property
    def reports(self) -> str:
        """Such as "A, B, E"."""
        return ", ".join(sorted({experiment.report for experiment in self.experiments}))


def both_tiers(arms: Sequence[Arm], measures: Sequence[Measurement] = ()) -> dict[str, Protocol]:
    """``full`` and ``quick`` protocols that train and measure the same in full: seeds are the quick one's only economy."""
    return {
        tier: Protocol(arms=tuple(arms), looks=looks, measures=tuple(measures))
        for tier, looks in (("full", (8, 16, 32)), ("quick", (8, 16)))
    }


def canonical(value: Any) -> Any:
    """``value`` as plain JSON types. Fields at their default are left out, so that a new field with a default moves no key."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: canonical(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if getattr(value, field.name) != field.default
        }
        return {"is": type(value).__name__, **fields}
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [canonical(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise ValueError(f"{value!r} has no place in a specification: it is no number, text, list or frozen specification")


def digest(value: Any) -> str:
    """32 hexadecimal digits that name the content of ``value``."""
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
