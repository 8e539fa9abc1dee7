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

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate

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

_SLOPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "relu": lambda z, h: (z > 0).to(z),
    "leaky_relu": lambda z, h: (z > 0).to(z).mul_(0.99).add_(0.01),
    "tanh": lambda z, h: 1 - h * h,
    "": lambda z, h: torch.ones_like(z),
}
_VALUES: dict[str, Callable[[Tensor], Tensor]] = {
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


def _forward(model: Model, weights: Tensor, x: Tensor, smoothing: float = 0.0) -> tuple[list[_Layer], Tensor]:
    """The layers, input to output, and the output (points, outputs, samples).

    With ``smoothing`` a kink has the second derivative of one smoothed by a Gaussian, whose width is that share of the
    sum's standard deviation over the samples.
    """
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
        bend = None
        if activation == "tanh":
            bend = -2 * h * slope
        elif activation and smoothing:
            width = smoothing * z.std(dim=2, keepdim=True) + 1e-12
            step = 1.0 if activation == "relu" else 0.99
            bend = torch.exp(-0.5 * (z / width) ** 2) * (step / math.sqrt(2 * math.pi)) / width
        layers.append(_Layer(weight, inputs, slope, bend))
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


def _slices(model: Model) -> list[slice]:
    """Where each layer's weights and biases lie among the parameters."""
    sizes = [(layer.inputs + 1) * layer.outputs for layer, _ in _activations(model)]
    return [slice(end - size, end) for size, end in zip(sizes, accumulate(sizes), strict=True)]


def _jacobian(layers: list[_Layer], slices: list[slice], outputs: int) -> Tensor:
    """Derivatives of all outputs by all weights: (points, parameters, outputs x samples)."""
    points, _, samples = layers[-1].slope.shape
    each = torch.eye(outputs, dtype=torch.float64, device=layers[-1].slope.device)[:, :, None]
    by_z, _ = _backward(layers, each.expand(points, -1, -1, samples).flatten(2))
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
    flat = _in_order(_in_order(block).movedim(1, 3).contiguous()).mT
    matrix[:, rows, columns] += flat
    if rows != columns:
        matrix[:, columns, rows] += flat.mT


def _product(bend: Tensor, reach: Tensor) -> Tensor:
    """``bend (points, out, out, samples)``, or its diagonal ``(points, out, samples)``, times
    ``reach (points, out, columns, samples)``."""
    if bend.ndim == 3:
        return bend[:, :, None] * reach
    return (bend[:, :, :, None] * reach[:, None]).sum(2)


def _bends(layers: list[_Layer], by_h: list[Tensor]) -> list[Tensor | None]:
    """Second derivatives by each layer's own sums: (points, out, out, samples), or (points, out, samples) where only the
    diagonal is not zero, or None."""
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
    """What ``bend`` adds for two weights of one layer: (points, out, in + 1, out, in + 1)."""
    points, out, size = len(bend), bend.shape[1], inputs.shape[1]
    both = (inputs[:, :, None] * inputs[:, None]).flatten(1, 2)
    if bend.ndim == 3:
        block = inputs.new_zeros(points, out, size, out, size)
        found = (bend @ both.mT).view(points, out, size, size)
        block.diagonal(dim1=1, dim2=3).copy_(found.permute(0, 2, 3, 1))
        return block
    return (bend.flatten(1, 2) @ both.mT).view(points, out, out, size, size).transpose(2, 3)


def _residual_part(layers: list[_Layer], by_output: Tensor, slices: list[slice], matrix: Tensor) -> None:
    """Add to ``matrix`` the sum over outputs and samples of ``by_output (points, outputs, samples)`` times the second
    derivatives of the outputs."""
    by_z, by_h = _backward(layers, by_output)
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
                if change.ndim == 3:
                    reach = (
                        upper.weight[..., None] * change[:, None]
                    )  # d z_high / d z_low (points, out, inner, samples)
                else:
                    reach = (upper.weight @ change.flatten(2)).unflatten(2, (inner, samples))
                if bend is not None:
                    curve = _product(bend, reach).flatten(1, 2)
                    both = (upper.inputs[:, :, None] * inputs[:, None]).flatten(1, 2)
                    found = (curve @ both.mT).view(points, out, inner, size + 1, -1)
                    block += found.transpose(2, 3)
                change = upper.slope[:, :, None] * reach
            _add(matrix, slices[high], slices[low], block)


def _chunks(model: Model, points: int, samples: int, bends: bool) -> Iterator[tuple[slice, slice]]:
    """Points and samples to take at once, so that nothing but the result exceeds `_WORK` (unless one point and sample do)."""
    widths = [layer.outputs for layer, _ in _activations(model)]
    hidden = widths[:-1] if len(widths) > 2 else widths
    squares = [a * b for i, a in enumerate(hidden) for b in hidden[: i + bends]] if len(widths) > 2 else []
    numbers = max([2 * model.parameters * widths[-1], *(4 * square for square in squares)])
    some = max(1, min(samples, _WORK // numbers))
    many = max(1, _WORK // (numbers * some))
    for first in range(0, points, many):
        for start in range(0, samples, some):
            yield slice(first, first + many), slice(start, start + some)


def _symmetric(matrix: Tensor) -> Tensor:
    """``matrix (points, p, p)`` with its mirror image averaged in, in place; raises ArithmeticError where the two are not
    the same but for rounding."""
    for each in matrix:
        gap, size = float((each - each.T).abs().max()), float(each.abs().max())
        if gap > 1e-10 * size:
            raise ArithmeticError(f"a Hessian is off its mirror image by {gap:.1e}, its largest entry being {size:.1e}")
        each.copy_((each + each.T) / 2)
    return matrix


def _curvature(
    model: Model, weights: Tensor, x: Tensor, y: Tensor, *, residual: bool, smoothing: float = 0.0
) -> Tensor:
    _checked(model, weights, x, y)
    matrix = weights.new_zeros(len(weights), model.parameters, model.parameters)
    slices, scale = _slices(model), 2 / y.numel()
    bends = residual and (smoothing > 0 or model.activation == "tanh")
    for points, samples in _chunks(model, len(weights), len(x), bends):
        layers, output = _forward(model, weights[points], x[samples], smoothing)
        jacobian = _jacobian(layers, slices, y.shape[1])
        matrix[points].baddbmm_(jacobian, jacobian.mT, alpha=scale)
        if residual:
            _residual_part(layers, scale * (output - y[samples].T), slices, matrix[points])
    return _symmetric(matrix)


def hessian(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The Hessian of the loss at ``weights (points, parameters)``: (points, parameters, parameters), exact.

    x  (samples, features), y  (samples, outputs); all float64. Besides the result it takes some 50 MB, whatever the number
    of points. Raises ValueError for other shapes or types and for a net that is not dense, ArithmeticError for a Hessian
    that is not symmetric to 1e-10 of its largest entry.
    """
    return _curvature(model, weights, x, y, residual=True)


def smoothed_hessian(model: Model, weights: Tensor, x: Tensor, y: Tensor, smoothing: float) -> Tensor:
    """As `hessian`, with what the kinks of ReLU add on the average over a neighbourhood.

    A weight that moves a kink over one sample after the other changes the gradient in jumps, which the Hessian, taken
    between two of them, leaves out; from afar they are curvature like any other. Here each kink is spread by a Gaussian
    whose width is ``smoothing`` times the standard deviation of the sum over the samples. For steps, never for spectra.
    """
    return _curvature(model, weights, x, y, residual=True, smoothing=smoothing)


def gauss_newton(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The Gauss-Newton matrix 2/(n o) J^T J at ``weights (points, parameters)``: (points, parameters, parameters).

    Arguments and errors as for `hessian`. It is the Hessian where the residuals are zero, and positive semi-definite
    everywhere: it cannot show a negative direction, so a ratio taken from it counts how many directions change the outputs,
    and nothing else.
    """
    return _curvature(model, weights, x, y, residual=False)


def layerwise_gauss_newton(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """`gauss_newton` with all but the blocks of two weights of the same layer set to zero, as report B's published code
    has it (for a single batch). It cannot show a negative direction either, nor any interplay of layers."""
    whole = gauss_newton(model, weights, x, y)
    blocks = torch.zeros_like(whole)
    for where in _slices(model):
        blocks[:, where, where] = whole[:, where, where]
    return blocks


def spectrum(matrix: Tensor) -> Tensor:
    """The eigenvalues of symmetric ``matrix (points, p, p)``: (points, p) float64, rising.

    Raises ValueError for entries that are not finite.
    """
    if not bool(torch.isfinite(matrix).all()):
        raise ValueError("a matrix has entries that are not finite: its point has diverged, leave it out")
    values: Tensor = torch.linalg.eigvalsh(matrix)
    return values


@dataclass(frozen=True)
class Shares:
    """Shares of the eigenvalues at each point, (points,) each: ``above``, ``within`` and ``below`` +-``tolerance`` times the
    largest absolute one. They add to 1. `above` at 1e-6 is the *minimal ratio*."""

    tolerance: float
    above: Tensor
    within: Tensor
    below: Tensor


def shares(eigenvalues: Tensor, tolerance: float = MINIMAL_RATIO) -> Shares:
    """The shares of ``eigenvalues (points, p)`` above, within and below +-``tolerance`` times the largest absolute one.

    Where all are zero, all are within. Raises ValueError for a tolerance that is not between 0 and 1.
    """
    if not 0 <= tolerance < 1:
        raise ValueError(f"a tolerance of {tolerance}: it is a share of the largest eigenvalue, from 0 to below 1")
    bound = tolerance * eigenvalues.abs().amax(dim=-1, keepdim=True)
    above = (eigenvalues > bound).double().mean(-1)
    below = (eigenvalues < -bound).double().mean(-1)
    within = (eigenvalues.abs() <= bound).double().mean(-1)
    return Shares(tolerance, above, within, below)
