"""The arithmetic of a net, counted from its layout, without torch, or from a forward pass of a network of one's own."""

import math
from collections.abc import Iterator

from hw1bench.specs.arm import Arm
from hw1bench.specs.network import Network
from hw1bench.specs.notation import Conv, Linear, shapes

_TRAINING = 3
"""Forward passes that a training sample costs: one forward, and a backward pass of two products per layer."""
_EVALUATION = 1
"""Forward passes that a training sample costs each time that the training set is evaluated."""


def multiply_adds(layout: str, shape: tuple[int, ...]) -> int:
    """Multiply-adds of one forward pass of one sample of ``shape``, (features,) or (channels, height, width), through the
    layers with weights; activations, pooling and biases are not counted. Raises ValueError if the net does not take such
    samples."""
    return sum(by_layer(layout, shape))


def by_layer(layout: str, shape: tuple[int, ...]) -> Iterator[int]:
    """The ``multiply_adds`` of each layer with weights, from the input to the output."""
    for layer, given in shapes(layout, shape):
        match layer:
            case Conv(inputs, _, kernel, _):
                yield math.prod(given) * inputs * kernel**2
            case Linear(inputs, outputs, _):
                yield inputs * outputs


def of_run(arm: Arm) -> int:
    """Multiply-adds of one run of ``arm``: training, and the evaluations of the training set after epochs. The test set, which
    is smaller, and what is measured afterwards are not counted."""
    evaluated = arm.evaluation.epochs("train", arm.epochs)
    passes = _TRAINING * arm.epochs + _EVALUATION * (len(evaluated) - (0 in evaluated))
    if isinstance(arm.model, Network):
        each = arm.model.passed(arm.data.shape).multiply_adds
    else:
        each = multiply_adds(arm.model.layout, arm.data.shape)
    return arm.samples * passes * each
