"""Exact curvature of the training loss: gradient, Hessian and Gauss-Newton matrix of a small dense net.

The loss is the mean squared error over samples and outputs, L = 1/(n o) sum (f(x) - y)^2. With J the Jacobian of all
outputs with respect to all weights and r the residuals,

    Hessian       H = 2/(n o) (J^T J + sum r * second derivatives of f)
    Gauss-Newton  G = 2/(n o)  J^T J

(Schraudolph, 2002). Weights are (points, parameters) float64, layer by layer, weight before bias: *points* are places in the
space of weights, computed together. No matrix takes one
differentiation per parameter: see ``dense``.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from hw1bench.measures.dense import (
    activations,
    backward,
    bent,
    forward,
    in_order,
    jacobian_of,
    residual_part,
    slices_of,
)
from hw1bench.measures.differentiated import hessian_at
from hw1bench.specs.experiment import Model
from hw1bench.specs.measurement import MINIMAL_RATIO
from hw1bench.support import number
from hw1bench.support.checks import shown

_SYMMETRIC = 1e-10  # by how much a matrix may differ from its transpose, as a share of its largest entry

# Numbers (float64) that a chunk of points may take at once besides the result: 16 MiB.
_WORK = 2**21


def _checked(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> None:
    rows = activations(model)
    for name, given in (("weights", weights), ("x", x), ("y", y)):
        if not isinstance(given, Tensor):
            raise ValueError(f"{name} of type {type(given).__name__}: give a torch tensor")
    if weights.ndim != 2 or weights.shape[1] != model.parameters:
        raise ValueError(
            f"weights {tuple(weights.shape)} of a net with {model.parameters} parameters: give (points, parameters)"
        )
    wanted = (len(x), rows[0][0].inputs), (len(x), rows[-1][0].outputs)
    if (tuple(x.shape), tuple(y.shape)) != wanted:
        raise ValueError(f"x {tuple(x.shape)} and y {tuple(y.shape)} of layout {model.layout!r}: give {wanted}")
    if not weights.dtype == x.dtype == y.dtype == torch.float64:
        raise ValueError(f"weights, x and y are {weights.dtype}, {x.dtype}, {y.dtype}: curvature needs float64")


@torch.no_grad()
def loss_and_gradient(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The loss (points,) and its gradient (points, parameters) at ``weights (points, parameters)``.

    x  (samples, features), y  (samples, outputs); all float64. Raises ValueError for other shapes or types, and for a
    net that is not dense throughout. Weights that are not finite give results that are not finite.
    """
    _checked(model, weights, x, y)
    layers, output = forward(model, weights, x)
    residual = output - y.T
    by_z, _ = backward(layers, residual * (2 / y.numel()))
    gradient = [in_order(d @ layer.inputs.mT) for d, layer in zip(by_z, layers, strict=True)]
    return residual.square().mean((1, 2)), torch.cat(gradient, dim=1)


def _chunks(model: Model, points: int, samples: int, bends: bool) -> Iterator[tuple[slice, slice]]:
    """Points and samples to take at once, so that nothing but the result exceeds ``_WORK``, unless one of each does."""
    widths = [layer.outputs for layer, _ in activations(model)]
    hidden = widths[:-1]
    pairs = [a * b for i, a in enumerate(hidden) for b in hidden[: i + bends]] if len(hidden) > 1 else []
    numbers = max([2 * model.parameters * widths[-1], *(4 * pair for pair in pairs)])  # per point and sample
    some = max(1, min(samples, _WORK // numbers))
    many = max(1, _WORK // (numbers * some))
    for first in range(0, points, many):
        for start in range(0, samples, some):
            yield slice(first, first + many), slice(start, start + some)


def _symmetric(matrix: Tensor) -> Tensor:
    """``matrix (points, p, p)`` averaged with its transpose, in place; raises ArithmeticError if they differ by more than
    rounding."""
    for each in matrix:
        gap, size = float((each - each.T).abs().max()), float(each.abs().max())
        if gap > _SYMMETRIC * size:
            raise ArithmeticError(
                f"a Hessian differs from its transpose by {gap:.1e}, and its largest entry is {size:.1e}"
            )
        # The sum of entries near the largest float would overflow.
        each.copy_((each + each.T) / 2 if size < 1e307 else each / 2 + each.T / 2)
    return matrix


@torch.no_grad()
def _curvature(
    model: Model, weights: Tensor, x: Tensor, y: Tensor, *, residual: bool, smoothing: float = 0.0
) -> Tensor:
    _checked(model, weights, x, y)
    matrix = weights.new_zeros(len(weights), model.parameters, model.parameters)
    slices, scale = slices_of(model), 2 / y.numel()
    bends = residual and (smoothing > 0 or bent(model))
    for points, samples in _chunks(model, len(weights), len(x), bends):
        layers, output = forward(model, weights[points], x[samples], smoothing)
        jacobian = jacobian_of(layers, slices, y.shape[1])
        matrix[points].baddbmm_(jacobian, jacobian.mT, alpha=scale)
        if residual:
            residual_part(layers, scale * (output - y[samples].T), slices, matrix[points])
    return _symmetric(matrix)


def hessian(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The exact Hessian of the loss at ``weights (points, parameters)``: (points, parameters, parameters).

    x  (samples, features), y  (samples, outputs); all float64. Besides the result it takes about 50 MB, whatever the
    number of points. Raises ValueError for other shapes or types and for a net that is not dense, ArithmeticError for a Hessian
    that is not symmetric to 1e-10 of its largest entry.
    """
    return _curvature(model, weights, x, y, residual=True)


def hessian_of(function: Callable[[Tensor], Tensor], weights: Tensor) -> Tensor:
    """The Hessian of any ``function`` from (parameters,) to a number at ``weights (points, parameters)``, float64.

    (points, parameters, parameters), by autograd, one point after another. For the loss of a dense net ``hessian`` gives the
    same and is faster. At a kink the derivatives are the ones that torch uses. A matrix so small that it may be only
    rounding is returned as zeros. The function is usually called four times per point, and about thirty times at a kink: it
    must return the same each time.

    Raises ValueError for other shapes or types, for weights that are not finite, and if the function returns anything but
    one float64 number computed in float64, or torch cannot differentiate it twice; ArithmeticError if its derivatives are
    not finite or do not match its values (see ``differentiated``), and as ``hessian`` does.
    """
    if not isinstance(weights, Tensor):
        raise ValueError(f"weights are {type(weights).__name__}: give a torch tensor (points, parameters) float64")
    if weights.ndim != 2 or weights.dtype != torch.float64:
        raise ValueError(f"weights {tuple(weights.shape)} {weights.dtype}: give (points, parameters) float64")
    if not weights.shape[1]:
        raise ValueError(f"weights {tuple(weights.shape)}: give one parameter or more")
    if diverged := (~weights.isfinite().all(dim=1)).nonzero().flatten().tolist():
        raise ValueError(f"weights of points {diverged} are not finite: leave them out")
    matrices = []
    with torch.inference_mode(False), torch.enable_grad():
        for point, place in enumerate(weights.detach().clone()):
            try:
                matrices.append(hessian_at(function, place))
            except ArithmeticError as error:
                raise ArithmeticError(f"point {point}: {error}") from error
    if not matrices:
        return weights.detach().new_empty(0, weights.shape[1], weights.shape[1])
    return _symmetric(torch.stack(matrices))


def smoothed_hessian(model: Model, weights: Tensor, x: Tensor, y: Tensor, smoothing: float) -> Tensor:
    """As ``hessian``, plus what the kinks of ReLU add on average over a neighbourhood.

    A weight that moves a kink across one sample after another changes the gradient in jumps. The Hessian, taken between two
    jumps, leaves them out; from afar they are curvature like any other. Here each kink is spread by a Gaussian whose
    width is ``smoothing`` times the standard deviation of the sum over the samples. For steps, never for spectra.
    """
    return _curvature(model, weights, x, y, residual=True, smoothing=smoothing)


def gauss_newton(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The Gauss-Newton matrix 2/(n o) J^T J at ``weights (points, parameters)``: (points, parameters, parameters).

    Arguments and errors as for ``hessian``. It equals the Hessian if the residuals are zero, and is positive semi-definite
    everywhere: it cannot show a negative direction, so a ratio computed from it only counts the directions that change the
    outputs.
    """
    return _curvature(model, weights, x, y, residual=False)


def layerwise_gauss_newton(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """``gauss_newton`` with zeros outside the blocks of weights of the same layer, which some reports take for the Hessian.

    It cannot show a negative direction either, nor any interaction of layers.
    """
    whole = gauss_newton(model, weights, x, y)
    blocks = torch.zeros_like(whole)
    for where in slices_of(model):
        blocks[:, where, where] = whole[:, where, where]
    return blocks


def _float64(name: str, given: Tensor, axes: str) -> Tensor:
    """``given`` without its graph; raises ValueError unless it is a finite float64 tensor of these axes, in the range in
    which float64 has its full precision."""
    if not isinstance(given, Tensor):
        raise ValueError(f"the {name} is {type(given).__name__}: give a float64 tensor ({axes})")
    if given.layout != torch.strided or given.is_meta or given.is_quantized or given.is_nested:
        kind = "meta" if given.is_meta else str(given.layout).removeprefix("torch.")
        raise ValueError(f"the {name} is a tensor of kind {kind}: give a dense one, with numbers ({axes})")
    if not bool(torch.isfinite(given).all()):
        raise ValueError(f"the {name} has entries that are not finite: its point has diverged, leave it out")
    if given.dtype != torch.float64:
        raise ValueError(f"the {name} is {given.dtype}: give a float64 tensor ({axes})")
    if given.ndim != len(axes.split(", ")) or not given.shape[-1]:
        raise ValueError(f"the {name} has shape {tuple(given.shape)}: give ({axes}), with p at least 1")
    largest = given.detach().abs().flatten(1).amax(dim=1)
    if bool(((largest > 0) & (largest < torch.finfo(torch.float64).tiny)).any()):
        raise ValueError(
            f"the {name} is at most {float(largest[largest > 0].min()):.1e}, where float64 loses digits: scale it up"
        )
    return given.detach()


def spectrum(matrix: Tensor) -> Tensor:
    """The eigenvalues of symmetric ``matrix (points, p, p)`` float64: (points, p) float64, in increasing order.

    Raises ValueError for other shapes or types, for entries that are not finite, for a matrix that is not symmetric to
    1e-10 of its largest entry, and for one that is beyond float64's range of full precision.
    """
    matrix = _float64("matrix", matrix, "points, p, p")
    if matrix.shape[1] != matrix.shape[2]:
        raise ValueError(f"the matrix has shape {tuple(matrix.shape)}: give (points, p, p)")
    values = matrix.new_zeros(matrix.shape[:2])
    for point, each in enumerate(matrix):
        gap, size = float((each - each.T).abs().max()), float(each.abs().max())
        if gap > _SYMMETRIC * size:
            raise ValueError(
                f"the matrix of point {point} differs from its transpose by {gap:.1e}, and its largest entry is {size:.1e}: "
                "give a symmetric one, (m + m.mT) / 2 for example"
            )
        # The weights of units that no sample reaches have rows of zeros, and eigenvalues of zero: often half of all.
        live = each.count_nonzero(dim=1) > 0
        count = int(live.sum())
        values[point, :count] = torch.linalg.eigvalsh(each[live][:, live])
    if not bool(torch.isfinite(values).all()):
        raise ValueError(
            f"the matrix has entries of {float(matrix.abs().max()):.1e}, whose spectrum overflows: scale it down"
        )
    return values.sort(dim=1).values


@dataclass(frozen=True)
class Shares:
    """Shares of the eigenvalues at each point, (points,) each: ``above``, ``within`` and ``below`` +-``tolerance`` times the
    largest absolute one. They add up to 1. ``above`` at 1e-6 is the *minimal ratio*."""

    tolerance: float
    above: Tensor
    within: Tensor
    below: Tensor


def shares(eigenvalues: Tensor, tolerance: float = MINIMAL_RATIO) -> Shares:
    """The shares of ``eigenvalues (points, p)`` above, within and below +-``tolerance`` times the largest absolute one.

    If all are zero, all are within. Raises ValueError for a tolerance that is not between 0 and 1, and for eigenvalues of
    other shapes or types, not finite, or beyond float64's range of full precision.
    """
    try:
        share = number.as_real(tolerance)
    except number.NoFinding:
        share = math.nan
    if not 0 <= share < 1:
        raise ValueError(
            f"a tolerance of {shown(tolerance)}: give a share of the largest eigenvalue, from 0 to below 1"
        )
    eigenvalues = _float64("spectrum", eigenvalues, "points, p")
    bound = share * eigenvalues.abs().amax(dim=-1, keepdim=True)
    above = (eigenvalues > bound).double().mean(-1)
    below = (eigenvalues < -bound).double().mean(-1)
    within = (eigenvalues.abs() <= bound).double().mean(-1)
    return Shares(share, above, within, below)
