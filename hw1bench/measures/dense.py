"""Exact first and second derivatives of a small dense net's outputs with respect to its weights, at many points at once.

A weight acts on the outputs only through its layer's sums z = W h + b. So every second derivative with respect to two weights
is the one with respect to two sums, times the inputs of the two layers. For weights of different layers a
second term is added: the derivative with respect to the upper sum, times how the lower sum changes the upper layer's input.
Both are matrix products over the samples, one per pair of layers. ReLU and leaky ReLU have no second derivative of their own;
if a sum is exactly 0, slopes and second derivatives are the ones on the negative side, as in torch.

Activations are (points, features, samples); all is float64.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn import functional

from hw1bench.specs import notation
from hw1bench.specs.experiment import Model

_ALPHA, _SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946  # SELU's (Klambauer et al., 2017)


@dataclass(frozen=True)
class _Function:
    """An activation h = ``value`` (z), its ``slope`` (z, h) and its second derivative ``bend`` (z, h), None if that is zero
    throughout. ``kink`` is by how much the slope rises at 0."""

    value: Callable[[Tensor], Tensor]
    slope: Callable[[Tensor, Tensor], Tensor]
    bend: Callable[[Tensor, Tensor], Tensor] | None = None
    kink: float = 0.0


def _density(z: Tensor) -> Tensor:
    return torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _exponential(alpha: float, scale: float, value: Callable[[Tensor], Tensor]) -> _Function:
    """``scale`` times z above 0, and times ``alpha`` (e^z - 1) below."""
    steep = alpha * scale  # below 0 both derivatives are h + steep
    return _Function(
        value,
        lambda z, h: torch.where(z > 0, scale, h + steep),
        lambda z, h: torch.where(z > 0, 0.0, h + steep),
        scale - steep,
    )


_FUNCTIONS = {
    "relu": _Function(torch.relu, lambda z, h: (z > 0).to(z), kink=1.0),
    "elu": _exponential(1.0, 1.0, functional.elu),
    "selu": _exponential(_ALPHA, _SCALE, torch.selu),
    "gelu": _Function(
        functional.gelu,
        lambda z, h: torch.special.ndtr(z) + z * _density(z),
        lambda z, h: (2 - z * z) * _density(z),
    ),
    "sigmoid": _Function(torch.sigmoid, lambda z, h: h * (1 - h), lambda z, h: h * (1 - h) * (1 - 2 * h)),
    "tanh": _Function(torch.tanh, lambda z, h: 1 - h * h, lambda z, h: -2 * h * (1 - h * h)),
    "": _Function(lambda z: z, lambda z, h: torch.ones_like(z)),
}


def _function(name: str, model: Model) -> _Function:
    if name != "leaky_relu":
        return _FUNCTIONS[name]
    leak = model.slope
    return _Function(
        lambda z: functional.leaky_relu(z, leak),
        lambda z, h: torch.where(z > 0, 1.0, torch.full_like(z, leak)),
        kink=1.0 - leak,
    )


def kinked(model: Model) -> bool:
    """Whether the slope of the net's activation jumps at 0."""
    return _function(model.activation, model).kink != 0


def bent(model: Model) -> bool:
    """Whether the net's activation has a second derivative that is not zero throughout."""
    return _function(model.activation, model).bend is not None


@dataclass(frozen=True)
class Layer:
    """One Linear layer with its activation, at some points on some samples.

    weight  (points, out, in)
    inputs  (points, in + 1, samples), the last row 1: its weight is the bias
    slope   (points, out, samples), d h / d z of the activation
    bend    (points, out, samples), its second derivative; None if it is zero throughout
    """

    weight: Tensor
    inputs: Tensor
    slope: Tensor
    bend: Tensor | None


def activations(model: Model) -> list[tuple[notation.Linear, str]]:
    """The layers with their activations; raises ValueError if the net is not dense with elementwise outputs, or lacks a bias."""
    rows: list[tuple[notation.Linear, str]] = []
    for layer in notation.parse(model.layout):
        if isinstance(layer, notation.Linear) and layer.bias:
            rows.append((layer, model.activation if layer.hidden else ""))
        elif isinstance(layer, notation.Output) and layer.name == "tanh":
            rows[-1] = (rows[-1][0], "tanh")
        else:
            raise ValueError(
                f"layout {model.layout!r} has no exact curvature: give a dense net with biases, at most with a tanh output"
            )
    return rows


def forward(model: Model, weights: Tensor, x: Tensor, smoothing: float = 0.0) -> tuple[list[Layer], Tensor]:
    """The layers, input to output, and the output (points, outputs, samples).

    With ``smoothing`` a kink has the second derivative of a kink smoothed by a Gaussian, whose width is this share of the
    sum's standard deviation over the samples.
    """
    points, start, layers = len(weights), 0, []
    ones = x.new_ones(points, 1, len(x))
    h = x.T.expand(points, -1, -1)
    for layer, activation in activations(model):
        size = layer.inputs * layer.outputs
        weight = weights[:, start : start + size].view(points, layer.outputs, layer.inputs)
        bias = weights[:, start + size : start + size + layer.outputs, None]
        start += size + layer.outputs
        inputs = torch.cat([h, ones], dim=1)
        z = torch.baddbmm(bias, weight, h)
        function = _function(activation, model)
        h = function.value(z)
        slope = function.slope(z, h)
        bend = None if function.bend is None else function.bend(z, h)
        if function.kink and smoothing:
            width = smoothing * z.std(dim=2, correction=0, keepdim=True) + 1e-12
            jump = torch.exp(-0.5 * (z / width) ** 2) * (function.kink / math.sqrt(2 * math.pi)) / width
            bend = jump if bend is None else bend + jump
        layers.append(Layer(weight, inputs, slope, bend))
    return layers, h


def backward(layers: list[Layer], by_output: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Derivatives of a function of the output with respect to each layer's sums z and values h: (points, out, columns x
    samples) each. ``by_output (points, outputs, columns x samples)`` are its derivatives with respect to the output."""
    by_h, by_z = [by_output], []
    for index in range(len(layers) - 1, -1, -1):
        columns = by_output.shape[2] // layers[index].slope.shape[2]
        by_z.append(by_h[-1] * layers[index].slope.repeat(1, 1, columns))
        if index:
            by_h.append(layers[index].weight.mT @ by_z[-1])
    return by_z[::-1], by_h[::-1]


def in_order(block: Tensor) -> Tensor:
    """(points, out, in + 1, ...) to (points, parameters of the layer, ...): weights, then biases."""
    return torch.cat([block[:, :, :-1].flatten(1, 2), block[:, :, -1]], dim=1)


def slices_of(model: Model) -> list[slice]:
    """Where each layer's weights and biases lie among the parameters."""
    sizes = [(layer.inputs + 1) * layer.outputs for layer, _ in activations(model)]
    return [slice(end - size, end) for size, end in zip(sizes, accumulate(sizes), strict=True)]


def jacobian_of(layers: list[Layer], slices: list[slice], outputs: int) -> Tensor:
    """Derivatives of all outputs with respect to all weights: (points, parameters, outputs x samples)."""
    points, _, samples = layers[-1].slope.shape
    each = torch.eye(outputs, dtype=torch.float64, device=layers[-1].slope.device)[:, :, None]
    by_z, _ = backward(layers, each.expand(points, -1, -1, samples).flatten(2))
    jacobian = by_z[0].new_empty(points, slices[-1].stop, outputs * samples)
    for where, d, layer in zip(slices, by_z, layers, strict=True):
        biases = layer.weight.shape[1]
        part = jacobian[:, where]
        by_weight = part[:, :-biases].unflatten(1, (biases, -1))
        torch.mul(d[:, :, None], layer.inputs[:, None, :-1].repeat(1, 1, 1, outputs), out=by_weight)
        part[:, -biases:] = d
    return jacobian


def _add(matrix: Tensor, rows: slice, columns: slice, block: Tensor) -> None:
    """Add ``block (points, out, in + 1, out, in + 1)`` of two layers to ``matrix``, and its mirror image."""
    flat = in_order(in_order(block).movedim(1, 3).contiguous()).mT
    matrix[:, rows, columns] += flat
    if rows != columns:
        matrix[:, columns, rows] += flat.mT


def _product(bend: Tensor, reach: Tensor) -> Tensor:
    """``bend (points, out, out, samples)``, or its diagonal ``(points, out, samples)``, times
    ``reach (points, out, columns, samples)``."""
    if bend.ndim == 3:
        return bend[:, :, None] * reach
    total = bend[:, :, 0, None] * reach[:, 0, None]
    for inner in range(1, bend.shape[2]):  # all at once would multiply the memory
        total.addcmul_(bend[:, :, inner, None], reach[:, inner, None])
    return total


def _bends(layers: list[Layer], by_h: list[Tensor]) -> list[Tensor | None]:
    """Second derivatives with respect to each layer's own sums: (points, out, out, samples), or (points, out, samples) if
    only the diagonal is not zero, or None."""
    bends: list[Tensor | None] = [None] * len(layers)
    for index in range(len(layers) - 1, -1, -1):
        layer, total = layers[index], None
        if index + 1 < len(layers) and (above := bends[index + 1]) is not None:
            weight = layers[index + 1].weight
            total = _product(above, weight[:, :, :, None] * layer.slope[:, None])  # (points, out above, out, samples)
            total = (weight.mT @ total.flatten(2)).unflatten(2, total.shape[2:]) * layer.slope[:, :, None]
        if layer.bend is not None:
            own = layer.bend * by_h[index]
            if total is None:
                total = own
            else:
                total.diagonal(dim1=1, dim2=2).add_(own.mT)
        bends[index] = total
    return bends


def _own_block(bend: Tensor, inputs: Tensor) -> Tensor:
    """The part of ``bend`` for two weights of one layer: (points, out, in + 1, out, in + 1)."""
    points, out, size = len(bend), bend.shape[1], inputs.shape[1]
    both = (inputs[:, :, None] * inputs[:, None]).flatten(1, 2)
    if bend.ndim == 3:
        block = inputs.new_zeros(points, out, size, out, size)
        found = (bend @ both.mT).view(points, out, size, size)
        block.diagonal(dim1=1, dim2=3).copy_(found.permute(0, 2, 3, 1))
        return block
    return (bend.flatten(1, 2) @ both.mT).view(points, out, out, size, size).transpose(2, 3)


def residual_part(layers: list[Layer], by_output: Tensor, slices: list[slice], matrix: Tensor) -> None:
    """Add to ``matrix`` the sum over outputs and samples of ``by_output (points, outputs, samples)`` times the second
    derivatives of the outputs."""
    by_z, by_h = backward(layers, by_output)
    bends = _bends(layers, by_h)
    for low, layer in enumerate(layers):
        inputs, inner = layer.inputs, layer.slope.shape[1]
        if (bend := bends[low]) is not None:
            _add(matrix, slices[low], slices[low], _own_block(bend, inputs))
        change = layer.slope  # d h / d z_low of the layer below ``high``; for ``low`` itself only the diagonal
        for high in range(low + 1, len(layers)):
            upper = layers[high]
            points, out, samples = by_z[high].shape
            size = upper.weight.shape[2]
            block = inputs.new_zeros(points, out, size + 1, inner, inputs.shape[1])
            both = (by_z[high][:, :, None] * inputs[:, None]).flatten(1, 2)  # (points, out x (in + 1), samples)
            if change.ndim == 3:
                found = (both @ change.mT).view(points, out, -1, inner)
                block[:, :, :-1].diagonal(dim1=2, dim2=3).copy_(found)
            else:
                found = (both @ change.flatten(1, 2).mT).view(points, out, -1, size, inner)
                block[:, :, :-1] = found.permute(0, 1, 3, 4, 2)
            bend = bends[high]
            if bend is not None or high + 1 < len(layers):
                # reach: d z_high / d z_low (points, out, inner, samples)
                if change.ndim == 3:
                    reach = upper.weight[..., None] * change[:, None]
                else:
                    reach = (upper.weight @ change.flatten(2)).unflatten(2, (inner, samples))
                if bend is not None:
                    curve = _product(bend, reach).flatten(1, 2)
                    both = (upper.inputs[:, :, None] * inputs[:, None]).flatten(1, 2)
                    found = (curve @ both.mT).view(points, out, inner, size + 1, -1)
                    block += found.transpose(2, 3)
                change = upper.slope[:, :, None] * reach
            _add(matrix, slices[high], slices[low], block)
