"""The layout notation: a network in one line of text, read without torch.

A layout is a row of words, read from the input to the output:

    784-256-10                 Linear(784, 256), activation, Linear(256, 10)
    [5,10,5]                   1-5-10-5-1: hidden widths of a net from one number to one number
    C(1-16-32,5,p2,pool2)      Conv2d(1, 16, 5, padding=2), activation, MaxPool2d(2), Conv2d(16, 32, 5, padding=2), ...
    C(1-16,5,s2,avgpool2)      Conv2d(1, 16, 5, stride=2), activation, AvgPool2d(2); in this order: stride, padding, pooling
    pool2  avgpool2            MaxPool2d(2), AvgPool2d(2)
    nobias                     the layers after it have no bias
    dropout  dropout(0.25)     Dropout(0.5), Dropout(0.25)
    dropout2d  dropout2d(0.25) Dropout2d, whole feature maps
    tanh  softmax  logsoftmax  the function applied to the output; must be the last word

The activation follows every convolution and every hidden Linear; the last Linear of the layout has none.
A Linear after a convolution flattens its input. The model, not the layout, says which activation it is.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from hw1bench.support.checks import shown

OUTPUTS = ("tanh", "softmax", "logsoftmax")


@dataclass(frozen=True)
class Linear:
    """Linear layer; ``hidden`` layers are followed by the activation."""

    inputs: int
    outputs: int
    hidden: bool
    bias: bool = True

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return (self.inputs + self.bias) * self.outputs

    def __str__(self) -> str:
        return f"Linear({self.inputs}, {self.outputs})"


@dataclass(frozen=True)
class Conv:
    """Square convolution, followed by the activation; ``padding`` zeros on each side."""

    inputs: int
    outputs: int
    kernel: int
    padding: int
    stride: int = 1
    bias: bool = True

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return (self.inputs * self.kernel**2 + self.bias) * self.outputs

    def __str__(self) -> str:
        return f"Conv2d({self.inputs}, {self.outputs}, {self.kernel}x{self.kernel})"


@dataclass(frozen=True)
class Pool:
    """Pooling over ``size`` x ``size`` windows that do not overlap, to their largest number or to their ``average``; the
    remainder is dropped."""

    size: int
    average: bool = False


@dataclass(frozen=True)
class Dropout:
    """Dropout with probability ``p``, of whole feature maps if ``maps``."""

    p: float
    maps: bool


@dataclass(frozen=True)
class Flatten:
    """Reshaping of feature maps to one row of features."""


@dataclass(frozen=True)
class Output:
    """The function applied to the output: "tanh", "softmax" or "logsoftmax" (over the classes)."""

    name: str


Layer = Linear | Conv | Pool | Dropout | Flatten | Output

_NUMBER = r"[1-9]\d*"
_DIGITS = 10  # of a width: a longer one has more parameters than a model may have
_LONG = re.compile(rf"(?<![.\d])\d{{{_DIGITS + 1},}}", re.ASCII)  # a share such as 0.25 may have any number of digits
_DENSE = re.compile(rf"{_NUMBER}(-{_NUMBER})+", re.ASCII)
_BRACKET = re.compile(rf"\[({_NUMBER}(?:,{_NUMBER})*)\]", re.ASCII)
_CONV = re.compile(
    rf"C\((?P<channels>{_NUMBER}(?:-{_NUMBER})+),(?P<kernel>{_NUMBER})(?:,s(?P<stride>{_NUMBER}))?(?:,p(?P<padding>\d+))?"
    rf"(?:,(?P<average>avg)?pool(?P<pool>{_NUMBER}))?\)",
    re.ASCII,
)
_POOL = re.compile(rf"(avg)?pool({_NUMBER})", re.ASCII)
_NO_BIAS = "nobias"
_DROPOUT = re.compile(r"dropout(?P<maps>2d)?(?:\((?P<p>0?\.\d+)\))?", re.ASCII)


def _dense(widths: list[int]) -> Iterator[Layer]:
    for inputs, outputs in pairwise(widths):
        yield Linear(inputs, outputs, hidden=True)


def _conv(match: re.Match[str]) -> Iterator[Layer]:
    channels = [int(width) for width in match["channels"].split("-")]
    for inputs, outputs in pairwise(channels):
        yield Conv(inputs, outputs, int(match["kernel"]), int(match["padding"] or 0), int(match["stride"] or 1))
        if match["pool"]:
            yield Pool(int(match["pool"]), average=bool(match["average"]))


def _dropout(match: re.Match[str]) -> Iterator[Layer]:
    p = float(match["p"] or 0.5)
    if p > 1 - 2**-24:
        raise ValueError(f"{shown(match[0])} drops everything, as its share is 1 in float32: give 0.9999 at most")
    yield Dropout(p, maps=bool(match["maps"]))


_WORDS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Iterator[Layer]]], ...] = (
    (_DENSE, lambda match: _dense([int(width) for width in match[0].split("-")])),
    (_BRACKET, lambda match: _dense([1, *(int(width) for width in match[1].split(",")), 1])),
    (_CONV, _conv),
    (_POOL, lambda match: iter([Pool(int(match[2]), average=bool(match[1]))])),
    (_DROPOUT, _dropout),
    (re.compile("|".join(OUTPUTS)), lambda match: iter([Output(match[0])])),
)


def _read(word: str, layout: str) -> Iterator[Layer]:
    if long := _LONG.search(word):
        raise ValueError(f"layout {shown(layout)} has a number of {len(long[0])} digits: give {_DIGITS} digits at most")
    for pattern, make in _WORDS:
        if match := pattern.fullmatch(word):
            return make(match)
    raise ValueError(
        f"layout {shown(layout)}: cannot read {shown(word)}; words are like 784-256-10, [5,10,5], C(1-16,5,s2,p2,pool2), "
        f"pool2, avgpool2, {_NO_BIAS}, dropout(0.25), dropout2d, {', '.join(OUTPUTS)}"
    )


@lru_cache
def parse(layout: str) -> tuple[Layer, ...]:
    """The layers of ``layout``, from the input to the output.

    Raises ValueError if a word cannot be read, if the widths of neighbours do not match, if there is no Linear layer, or if no
    layer follows ``nobias``.
    """
    layers: list[Layer] = []
    width: int | None = None  # number of channels or features that the last layer with weights gives
    flat, bias = False, True
    for word in layout.split():
        if layers and isinstance(layers[-1], Output):
            raise ValueError(
                f"layout {shown(layout)}: {layers[-1].name!r} must be the last word, but {shown(word)} follows"
            )
        if word == _NO_BIAS:
            bias = False
            continue
        for layer in _read(word, layout):
            if isinstance(layer, Linear) and not flat:
                # How many features a convolution's maps give depends on the input's size: ``outputs`` checks that.
                if width is not None:
                    layers.append(Flatten())
                    width = None
                flat = True
            if isinstance(layer, Conv | Linear):
                if isinstance(layer, Conv) and flat:
                    raise ValueError(
                        f"layout {shown(layout)}: the convolution {shown(word)} cannot follow a Linear layer"
                    )
                if width is not None and width != layer.inputs:
                    raise ValueError(
                        f"layout {shown(layout)}: {shown(word)} expects {layer.inputs} inputs but gets {width}"
                    )
                width = layer.outputs
                layer = replace(layer, bias=bias)
            layers.append(layer)
    linears = [index for index, layer in enumerate(layers) if isinstance(layer, Linear)]
    if not linears:
        raise ValueError(
            f"layout {shown(layout)} has no Linear layer to give its output: end it with one, such as 256-10"
        )
    last = layers[linears[-1]]
    assert isinstance(last, Linear)
    if not bias and all(layer.bias for layer in layers if isinstance(layer, Conv | Linear)):
        raise ValueError(f"layout {shown(layout)}: no layer follows {_NO_BIAS!r}: move it before those without a bias")
    layers[linears[-1]] = replace(last, hidden=False)
    return tuple(layers)


def weighted(layout: str) -> list[Linear | Conv]:
    """The layers of ``layout`` that have weights, in order. Raises ValueError as ``parse`` does."""
    return [layer for layer in parse(layout) if isinstance(layer, Linear | Conv)]


def takes_maps(layout: str) -> bool:
    """Whether the net has convolutions, so takes samples (channels, height, width) instead of (features,)."""
    return any(isinstance(layer, Conv) for layer in parse(layout))


def shapes(layout: str, shape: tuple[int, ...]) -> Iterator[tuple[Layer, tuple[int, ...]]]:
    """Yield each layer of the net with the shape of what it gives for a sample of ``shape``, (features,) or (channels, height,
    width).

    A net without convolutions takes an image as one row of features. Raises ValueError, naming the layer, if the net does not
    take such samples: if it has other channels or features, or windows larger than what is left of the image.
    """
    maps = takes_maps(layout)
    now = shape if maps else (math.prod(shape),)

    def refused(why: str) -> ValueError:
        return ValueError(f"layout {shown(layout)} does not take samples of shape {shape}: {why}")

    if maps and len(shape) != 3:
        raise refused("convolutions take images: give a dense net")
    for layer in parse(layout):
        match layer:
            case Conv(inputs, given, kernel, padding, stride):
                if now[0] != inputs:
                    raise refused(f"a convolution of {inputs} channels gets {now[0]}")
                now = (given, *((side + 2 * padding - kernel) // stride + 1 for side in now[1:]))
            case Pool(size, average):
                if len(now) != 3:
                    word = f"{'avg' if average else ''}pool{size}"
                    raise refused(f"{word} takes the maps of a convolution, and gets {now[0]} features")
                now = (now[0], *(side // size for side in now[1:]))
            case Flatten():
                now = (math.prod(now),)
            case Linear(inputs, given, _):
                if now[0] != inputs:
                    raise refused(f"a Linear layer of {inputs} inputs gets {now[0]}")
                now = (given,)
        if min(now) < 1:
            raise refused(f"nothing is left of them after {layer}: convolve or pool less")
        yield layer, now


def outputs(layout: str, shape: tuple[int, ...]) -> int:
    """Number of outputs of the net for a sample of ``shape``; see ``shapes``, also for what it raises."""
    *_, (_, given) = shapes(layout, shape)
    return given[0]


def scaled(layout: str, factor: float) -> str:
    """``layout`` with all channels and hidden widths times ``factor`` (rounded, at least 1); inputs and outputs stay.

    After convolutions, the inputs of the first Linear change in proportion to the channels of the last convolution.
    """
    parse(layout)
    words = layout.split()
    dense = [index for index, word in enumerate(words) if _DENSE.fullmatch(word)]
    maps = 0  # channels of the last convolution so far, before scaling

    def new(width: int) -> int:
        return max(1, round(width * factor))

    for index, word in enumerate(words):
        if match := _CONV.fullmatch(word):
            channels = [int(width) for width in match["channels"].split("-")]
            now = [new(width) if maps else width for width in channels[:1]] + [new(width) for width in channels[1:]]
            words[index] = word.replace(match["channels"], "-".join(map(str, now)), 1)
            maps = channels[-1]
        elif match := _BRACKET.fullmatch(word):
            words[index] = f"[{','.join(str(new(int(width))) for width in match[1].split(','))}]"
        elif index in dense:
            widths = [int(width) for width in word.split("-")]
            now = [new(width) for width in widths]
            if index == dense[0]:
                now[0] = widths[0] // maps * new(maps) if maps else widths[0]
            if index == dense[-1]:
                now[-1] = widths[-1]
            words[index] = "-".join(map(str, now))
    return " ".join(words)
