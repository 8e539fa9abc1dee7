"""What an arm is made of: network, optimiser, data and schedule, as frozen specifications. Data but functions have files of
their own.

Each checks its fields when it is created, and holds them in one canonical form (see ``hw1bench.support.checks``).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from hw1bench.specs import notation
from hw1bench.specs.functions import Function
from hw1bench.specs.image_folder import ImageFolder
from hw1bench.specs.images import Images
from hw1bench.specs.table import Table
from hw1bench.support.checks import flag, integer, one_of, optional, real, settle, text

_MOST_PARAMETERS = 2**31 - 1
_ACTIVATIONS = ("relu", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "tanh")
LEAK = 0.01
"""Slope of the leaky ReLU below zero: torch's default."""


@dataclass(frozen=True)
class Model:
    """A network: its layout (see ``hw1bench.specs.notation``), its activation and how its weights are initialised.

    Activations are those of ``torch.nn`` with its defaults, GELU the exact one; ``slope`` is the leaky ReLU's below zero.
    ``init`` is "torch" (PyTorch's default for each layer), "keras" (Glorot uniform weights, zero biases) or "normal" (weights
    from a normal distribution of mean 0 and standard deviation ``deviation``, zero biases).
    Raises ValueError for a layout that cannot be read, for one of more than 2**31 - 1 parameters, for a slope that is not from
    0 to 1, for one of an activation that has none, and unless "normal" alone has a deviation.
    """

    layout: str
    activation: Literal["relu", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "tanh"] = "relu"
    init: Literal["torch", "keras", "normal"] = "torch"
    slope: float = LEAK
    deviation: float | None = None

    def __post_init__(self) -> None:
        settle(
            self,
            layout=text(),
            activation=one_of("activation", _ACTIVATIONS),
            init=one_of("init", ("torch", "keras", "normal")),
            slope=real(least=0, most=1),
            deviation=optional(real(above=0)),
        )
        if self.slope != LEAK and self.activation != "leaky_relu":
            raise ValueError(
                f"Model slope is {self.slope:g}: leave it out, because {self.activation} has none, or give "
                "activation='leaky_relu'"
            )
        if (self.init == "normal") != (self.deviation is not None):
            raise ValueError(
                "Model init is 'normal' without a deviation: give one, such as Keras's 0.05"
                if self.deviation is None
                else f"Model deviation is {self.deviation:g}: leave it out, or give init='normal'"
            )
        if self.parameters > _MOST_PARAMETERS:
            raise ValueError(
                f"layout {self.layout!r} has {self.parameters:,} parameters: give {_MOST_PARAMETERS:,} at most"
            )

    @property
    def title(self) -> str:
        """The layout."""
        return self.layout

    @property
    def depth(self) -> int:
        """Number of layers with weights."""
        return len(notation.weighted(self.layout))

    @property
    def parameters(self) -> int:
        """Number of trainable parameters, computed from the layout."""
        return sum(self._parameters)

    @property
    def numbers(self) -> int:
        """Number of all numbers of the net: its parameters."""
        return self.parameters

    @property
    def first_layer_parameters(self) -> int:
        """Number of parameters of the first layer with weights."""
        return self._parameters[0]

    @cached_property
    def _parameters(self) -> list[int]:
        """Numbers of parameters of the layers with weights."""
        return [layer.parameters for layer in notation.weighted(self.layout)]


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """An optimiser of ``torch.optim`` by name; ``eps`` None is torch's default.

    ``weight_decay`` times the weights is added to the gradient; AdamW instead subtracts it, times the learning rate, from the
    weights (Loshchilov and Hutter, 2019). ``momentum`` is SGD's, without dampening, and ``nesterov`` is its variant (Sutskever
    et al., 2013).

    Raises ValueError for a number that is negative or not finite, for a momentum of 1 or more, for SGD with ``eps`` and for
    others with ``momentum``, which they do not have, for ``nesterov`` without momentum, and for AdamW without weight decay.
    """

    name: Literal["adam", "adamw", "adagrad", "rmsprop", "sgd"]
    lr: float
    weight_decay: float = 0.0
    eps: float | None = None
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        settle(
            self,
            name=one_of("optimiser", ("adam", "adamw", "adagrad", "rmsprop", "sgd")),
            lr=real(least=0),
            weight_decay=real(least=0),
            eps=optional(real(least=0)),
            momentum=real(least=0, below=1),
            nesterov=flag(),
        )
        if self.name == "sgd" and self.eps is not None:
            raise ValueError(f"Optimizer 'sgd' eps is {self.eps:g}: leave it out, because SGD has none")
        if self.name != "sgd" and self.momentum:
            raise ValueError(
                f"Optimizer {self.name!r} momentum is {self.momentum:g}: leave it out, because only SGD has it here"
            )
        if self.nesterov and not self.momentum:
            raise ValueError(f"Optimizer {self.name!r} is nesterov without momentum: give SGD a momentum, such as 0.9")
        # torch's AdamW decays by 0.01 unless told otherwise, so a weight decay that is left out could mean either.
        if self.name == "adamw" and not self.weight_decay:
            raise ValueError(
                "Optimizer 'adamw' weight_decay is 0: give one, such as torch's 0.01, or take 'adam', which is the same without"
            )


Data = Function | Images | ImageFolder | Table
Loss = Literal["mse", "cross_entropy", "nll"]


@dataclass(frozen=True, kw_only=True)
class StepLR:
    """A schedule that multiplies the learning rate by ``factor`` after every ``every`` epochs."""

    every: int
    factor: float

    def __post_init__(self) -> None:
        settle(self, every=integer(least=1), factor=real(above=0))


@dataclass(frozen=True, kw_only=True)
class ExponentialLR:
    """A schedule that multiplies the learning rate by ``factor`` after every epoch."""

    factor: float

    def __post_init__(self) -> None:
        settle(self, factor=real(above=0))


@dataclass(frozen=True, kw_only=True)
class CosineAnnealingLR:
    """A schedule that takes the learning rate along half a cosine to ``least`` in ``over`` epochs (Loshchilov and Hutter, 2017,
    without restarts). As torch's, it then goes back up the same way."""

    over: int
    least: float = 0.0

    def __post_init__(self) -> None:
        settle(self, over=integer(least=1), least=real(least=0))


RateSchedule = StepLR | ExponentialLR | CosineAnnealingLR
