"""The curvature of the training loss where it is exact: gradient, Hessian and Gauss-Newton matrix of a small dense net.

The loss is the mean squared error over samples and outputs, L = 1/(n o) sum (f(x) - y)^2. With J the Jacobian of all
outputs by all weights and r the residuals,

    Hessian       H = 2/(n o) (J^T J + sum r * second derivatives of f)
    Gauss-Newton  G = 2/(n o)  J^T J

(Schraudolph, 2002). Weights are (points, parameters) float64, layer by layer, weight before bias: *points* are places in the
space of weights, computed together. No matrix is found by differentiating p times: a weight acts on the output through its
layer's sums z = W h + b alone, so that every second derivative by two weights is one by two sums times the inputs of the
two layers, plus, for weights of different layers, the slope of one sum times how the other changes the layer's input. Both
are matrix products over the samples, as many as there are pairs of layers. ReLU and leaky ReLU have no second derivative
of their own; where a sum is exactly 0 their slope is that of the negative side, as in torch.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from hw1bench import layout as notation
from hw1bench.experiment import Model

TOLERANCES = (1e-4, 1e-6, 1e-8)
"""Shares of the largest absolute eigenvalue within which an eigenvalue counts as zero."""
MINIMAL_RATIO = 1e-6
"""The one of `TOLERANCES` by which the minimal ratio is taken."""

# Numbers (float64) that a chunk of points may take at once besides the result: 16 MiB.
_WORK = 2**21

_SLOPES = {
    "relu": lambda z, h: (z > 0).to(z),
    "leaky_relu": lambda z, h: (z > 0).to(z).mul_(0.99).add_(0.01),
    "tanh": lambda z, h: 1 - h * h,
    "": lambda z, h: torch.ones_like(z),
}
_VALUES = {
    "relu": torch.relu,
    "leaky_relu": torch.nn.functional.leaky_relu,
    "tanh": torch.tanh,
    "": lambda z: z,
}


@dataclass(frozen=True)
class _Layer:
    """One Linear with what follows it, at some points on some samples.

    weight  (points, out, in)
    inputs  (points, in + 1, samples), the last row 1: its weight is the bias
    slope   (points, out, samples), d h / d z of what follows
    bend    the second derivative alike; None where it is zero throughout
    """

    weight: Tensor
    inputs: Tensor
    slope: Tensor
    bend: Tensor | None


def _activations(model: Model) -> list[tuple[notation.Linear, str]]:
    """The layers with what follows each; raises ValueError for a net that is not dense with elementwise outputs."""
    rows: list[tuple[notation.Linear, str]] = []
    for layer in notation.parse(model.layout):
        if isinstance(layer, notation.Linear):
            rows.append((layer, model.activation if layer.hidden else ""))
        elif isinstance(layer, notation.Output) and layer.name == "tanh":
            rows[-1] = (rows[-1][0], "tanh")
        else:
            raise ValueError(f"layout {model.layout!r}: exact curvature is for dense nets, at most with a tanh output")
    return rows


def _checked(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> None:
    rows = _activations(model)
    if weights.ndim != 2 or weights.shape[1] != model.parameters:
        raise ValueError(f"weights {tuple(weights.shape)} of a net with {model.parameters}: give (points, parameters)")
    wanted = (len(x), rows[0][0].inputs), (len(x), rows[-1][0].outputs)
    if (tuple(x.shape), tuple(y.shape)) != wanted:
        raise ValueError(f"x {tuple(x.shape)} and y {tuple(y.shape)} of layout {model.layout!r}: give {wanted}")
    if not weights.dtype == x.dtype == y.dtype == torch.float64:
        raise ValueError(f"weights, x and y are {weights.dtype}, {x.dtype}, {y.dtype}: curvature needs float64")


def _forward(model: Model, weights: Tensor, x: Tensor) -> tuple[list[_Layer], Tensor]:
    """The layers, input to output, and the output (points, outputs, samples)."""
    points, start, layers = len(weights), 0, []
    ones = x.new_ones(points, 1, len(x))
    h = x.T.expand(points, -1, -1)
    for layer, activation in _activations(model):
        size = layer.inputs * layer.outputs
        weight = weights[:, start : start + size].view(points, layer.outputs, layer.inputs)
        bias = weights[:, start + size : start + size + layer.outputs, None]
        start += size + layer.outputs
        inputs = torch.cat([h, ones], dim=1)
        z = torch.baddbmm(bias, weight, h)
        h = _VALUES[activation](z)
        slope = _SLOPES[activation](z, h)
        layers.append(_Layer(weight, inputs, slope, -2 * h * slope if activation == "tanh" else None))
    return layers, h


def _backward(layers: list[_Layer], by_output: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Derivatives of a function of the output by each layer's sums z and by its values h, from its derivatives
    ``by_output (points, outputs, columns x samples)``: each (points, out, columns x samples)."""
    by_h, by_z = [by_output], []
    for index in range(len(layers) - 1, -1, -1):
        columns = by_output.shape[2] // layers[index].slope.shape[2]
        by_z.append(by_h[-1] * layers[index].slope.repeat(1, 1, columns))
        if index:
            by_h.append(layers[index].weight.mT @ by_z[-1])
    return by_z[::-1], by_h[::-1]


def _in_order(block: Tensor) -> Tensor:
    """(points, out, in + 1, ...) to (points, parameters of the layer, ...): weights, then biases."""
    return torch.cat([block[:, :, :-1].flatten(1, 2), block[:, :, -1]], dim=1)


def loss_and_gradient(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The loss (points,) and its gradient (points, parameters) of ``weights (points, parameters)``.

    x  (samples, features), y  (samples, outputs); all float64. Raises ValueError for other shapes or types, and for a
    net that is not dense throughout.
    """
    _checked(model, weights, x, y)
    layers, output = _forward(model, weights, x)
    residual = output - y.T
    by_z, _ = _backward(layers, residual * (2 / y.numel()))
    gradient = [_in_order(d @ layer.inputs.mT) for d, layer in zip(by_z, layers, strict=True)]
    return residual.square().mean((1, 2)), torch.cat(gradient, dim=1)


def _jacobian(layers: list[_Layer], outputs: int) -> list[Tensor]:
    """Derivatives of all outputs by the weights of each layer: (points, parameters of the layer, outputs x samples), parts
    of one contiguous tensor."""
    points, _, samples = layers[-1].slope.shape
    each = torch.eye(outputs, dtype=torch.float64, device=layers[-1].slope.device)[:, :, None]
    by_z, _ = _backward(layers, each.expand(points, -1, -1, samples).flatten(2))
    sizes = [layer.weight.shape[1] * layer.inputs.shape[1] for layer in layers]
    jacobian = by_z[0].new_empty(points, sum(sizes), outputs * samples)
    parts = list(jacobian.split(sizes, dim=1))
    for part, d, layer in zip(parts, by_z, layers, strict=True):
        biases = layer.weight.shape[1]
        by_weight = part[:, :-biases].unflatten(1, (biases, -1))
        torch.mul(d[:, :, None], layer.inputs[:, None, :-1].repeat(1, 1, 1, outputs), out=by_weight)
        part[:, -biases:] = d
    return parts


def _add(matrix: Tensor, rows: slice, columns: slice, block: Tensor) -> None:
    """Add ``block (points, out, in + 1, out, in + 1)`` of two layers to ``matrix``, and its mirror image."""
    flat = _in_order(_in_order(block).movedim(1, 3).contiguous()).mT
    matrix[:, rows, columns] += flat
    if rows != columns:
        matrix[:, columns, rows] += flat.mT


def _residual_part(layers: list[_Layer], by_output: Tensor, slices: list[slice], matrix: Tensor) -> None:
    """Add to ``matrix`` the sum over outputs and samples of ``by_output (points, outputs, samples)`` times the second
    derivatives of the outputs."""
    by_z, by_h = _backward(layers, by_output)
    bends: list[Tensor | None] = [None] * len(layers)  # second derivatives by a layer's own sums: (points, out, out, samples)
    for index in range(len(layers) - 1, -1, -1):
        layer, total = layers[index], None
        if index + 1 < len(layers) and (above := bends[index + 1]) is not None:
            weight = layers[index + 1].weight
            total = torch.einsum("pki,pkls,plj->pijs", weight, above, weight)
            total = total * layer.slope[:, :, None] * layer.slope[:, None]
        if layer.bend is not None:
            own = torch.diag_embed((layer.bend * by_h[index]).mT, dim1=1, dim2=2)
            total = own if total is None else total + own
        bends[index] = total
    for low, layer in enumerate(layers):
        b = layer.inputs
        if (bend := bends[low]) is not None:
            block = torch.einsum("pias,pjs,pbs->pijab", bend, b, b)
            _add(matrix, slices[low], slices[low], block)
        reach: Tensor | None = None  # d z of the layer above / d z of this one; None for the layer itself
        for high in range(low + 1, len(layers)):
            upper = layers[high]
            points, out, samples = by_z[high].shape
            size, inner = upper.weight.shape[2], layer.slope.shape[1]
            both = (by_z[high][:, :, None] * b[:, None]).flatten(1, 2)
            block = b.new_zeros(points, out, size + 1, inner, b.shape[1])
            if reach is None:
                found = (both @ layer.slope.mT).view(points, out, -1, inner)
                block[:, :, :-1].diagonal(dim1=2, dim2=3).copy_(found)
                reach = upper.weight[..., None] * layer.slope[:, None]
            else:
                change = layers[high - 1].slope[:, :, None] * reach
                found = both @ change.flatten(1, 2).mT
                block[:, :, :-1] = found.view(points, out, -1, size, inner).permute(0, 1, 3, 4, 2)
                reach = (upper.weight @ change.flatten(2)).unflatten(2, (inner, samples))
            if (bend := bends[high]) is not None:
                block += torch.einsum("piks,pkas,pjs,pbs->pijab", bend, reach, upper.inputs, b)
            _add(matrix, slices[high], slices[low], block)


def _chunks(model: Model, points: int, samples: int) -> Iterator[tuple[slice, slice]]:
    """Points and samples to take at once, so that nothing but the result exceeds `_WORK` (unless one point and sample do)."""
    rows = _activations(model)
    widths = [layer.outputs for layer, _ in rows]
    pairs = [a * b for i, a in enumerate(widths) for b in widths[: i + (rows[i][1] == "tanh")]]
    numbers = 4 * max([model.parameters * widths[-1], *pairs])
    some = max(1, min(samples, _WORK // numbers))
    many = max(1, _WORK // (numbers * some))
    for first in range(0, points, many):
        for start in range(0, samples, some):
            yield slice(first, first + many), slice(start, start + some)


def _quadratic(
    model: Model, weights: Tensor, x: Tensor, y: Tensor, *, residual: bool, blocks: bool = False
) -> Tensor:
    _checked(model, weights, x, y)
    matrix = weights.new_zeros(len(weights), model.parameters, model.parameters)
    sizes = [(layer.inputs + 1) * layer.outputs for layer, _ in _activations(model)]
    ends = torch.tensor(sizes).cumsum(0).tolist()
    slices = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    scale = 2 / y.numel()
    for points, samples in _chunks(model, len(weights), len(x)):
        layers, output = _forward(model, weights[points], x[samples])
        parts = _jacobian(layers, y.shape[1])
        if blocks:
            for where, part in zip(slices, parts, strict=True):
                matrix[points, where, where] += scale * (part @ part.mT)
        else:
            jacobian = torch.cat(parts, dim=1) if parts[0]._base is None else parts[0]._base
            matrix[points].baddbmm_(jacobian, jacobian.mT, alpha=scale)
        if residual:
            _residual_part(layers, scale * (output - y[samples].T), slices, matrix[points])
    return matrix
