"""What an arm is made of: network, optimiser, data and schedule, as frozen specifications.

Each checks its fields where it is written, and holds them in one form (see `hw1bench.support.checks`).
"""

import math
from dataclasses import dataclass
from typing import Literal

from hw1bench.specs import notation
from hw1bench.specs.functions import FUNCTIONS
from hw1bench.support.checks import flag, integer, one_of, optional, real, settle, text, tuple_of

CLASSES = 10
"""Of every set of images."""
TRAINING_SAMPLES = {"digits": 1_437, "mnist": 60_000, "cifar10": 50_000}
"""Of the sets of images, as they are published."""
_MOST_PARAMETERS = 2**31 - 1
_LEAST_DEVIATION = 2.0**-126  # of float32, which images are divided in: a smaller one loses digits, or is 0
_LARGEST = (2 - 2.0**-23) * 2.0**127  # of float32
_REFLECTED = 4  # pixels by which augmentation pads


@dataclass(frozen=True)
class Model:
    """A network: its layout (see `hw1bench.specs.notation`), its activation and how its weights start.

    ``init`` is "torch" (PyTorch's default for each layer) or "keras" (Glorot uniform weights, zero biases).
    Raises ValueError for a layout that cannot be read.
    """

    layout: str
    activation: Literal["relu", "leaky_relu", "tanh"] = "relu"
    init: Literal["torch", "keras"] = "torch"

    def __post_init__(self) -> None:
        settle(
            self,
            layout=text(),
            activation=one_of("activation", ("relu", "leaky_relu", "tanh")),
            init=one_of("init", ("torch", "keras")),
        )
        if self.parameters > _MOST_PARAMETERS:
            raise ValueError(
                f"layout {self.layout!r} has {self.parameters:,} parameters: give {_MOST_PARAMETERS:,} at most"
            )

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
    """An optimiser of ``torch.optim`` by name; ``eps`` None is torch's default, ``weight_decay`` is added to the gradient.

    Raises ValueError for a number that is negative or not finite, and for an ``eps`` of SGD, which has none.
    """

    name: Literal["adam", "rmsprop", "sgd"]
    lr: float
    weight_decay: float = 0.0
    eps: float | None = None

    def __post_init__(self) -> None:
        settle(
            self,
            name=one_of("optimiser", ("adam", "rmsprop", "sgd")),
            lr=real(least=0),
            weight_decay=real(least=0),
            eps=optional(real(least=0)),
        )
        if self.name == "sgd" and self.eps is not None:
            raise ValueError(f"Optimizer 'sgd' eps is {self.eps:g}: leave it out, for SGD has none")


@dataclass(frozen=True, kw_only=True)
class Function:
    """``points`` equally spaced points of a function of one number on [``low``, ``high``], see `hw1bench.specs.functions`.

    Raises ValueError for a function that is not there, and where the points make no grid.
    """

    name: str
    points: int = 300
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        settle(self, name=one_of("function", tuple(FUNCTIONS)), points=integer(), low=real(), high=real())
        if self.points < 2 or self.low >= self.high or not math.isfinite(self.high - self.low):
            raise ValueError(
                f"{self.points} points on [{self.low:g}, {self.high:g}] make no grid; take 2 or more, low < high"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a sample."""
        return (1,)

    @property
    def samples(self) -> int:
        """That there are to train on."""
        return self.points

    @property
    def targets(self) -> int:
        """Outputs of a net that learns it."""
        return 1


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
        settle(
            self,
            name=one_of("image set", tuple(TRAINING_SAMPLES)),
            size=integer(),
            channels=integer(),
            mean=tuple_of(real(least=-_LARGEST, most=_LARGEST)),
            deviation=tuple_of(real(least=_LEAST_DEVIATION, most=_LARGEST)),
            augment=flag(),
            random_labels=flag(),
            stands_for=text(),
        )
        if self.size < 1 or self.channels not in (1, 3):
            raise ValueError(
                f"images of {self.size} pixels a side in {self.channels} channels: give 1 or more, in 1 or 3"
            )
        if self.name == "cifar10" and self.channels != 3:
            raise ValueError(f"cifar10 has 3 channels, which {self.channels} cannot hold: ask for them all")
        if self.augment and self.size <= _REFLECTED:
            raise ValueError(
                f"images of {self.size} pixels a side cannot be padded by {_REFLECTED} in reflection: augment larger ones"
            )
        for name, values in (("mean", self.mean), ("deviation", self.deviation)):
            if len(values) not in (1, self.channels):
                raise ValueError(f"{name} {values} of {self.channels} channels: give one number, or one a channel")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a sample: channels, height, width."""
        return (self.channels, self.size, self.size)

    @property
    def samples(self) -> int:
        """That there are to train on."""
        return TRAINING_SAMPLES[self.name]

    @property
    def targets(self) -> int:
        """Outputs of a net that learns them: a class each."""
        return CLASSES


TITLES = {"digits": "digits", "mnist": "MNIST", "cifar10": "CIFAR-10"}  # of image sets, for people
Data = Function | Images
Loss = Literal["mse", "cross_entropy", "nll"]


@dataclass(frozen=True, kw_only=True)
class StepLR:
    """The learning rate is multiplied by ``factor`` after every ``every`` epochs."""

    every: int
    factor: float

    def __post_init__(self) -> None:
        settle(self, every=integer(least=1), factor=real(above=0))
