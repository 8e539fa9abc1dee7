"""How far a net's class probabilities move with its input: the norm of the input-output Jacobian.

For a net with probabilities p(x) the measure is the mean over samples of the Frobenius norm of d p / d x (Novak et al.,
2018), in probability per unit of the net's input, which is normalised. It is a property of the learned function, whatever
the targets. Some reports give another measure as sensitivity: the mean norm of the gradient of the loss with respect to the
*weights*, on one mini-batch. It grows with the loss and with the noise of the batch, and goes to zero as the training loss
does, however steep the function is between the samples; so the two measures may order the same nets differently.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from hw1bench.measures.nets import checked, classes, cut, named, numbers, size
from hw1bench.specs.experiment import Model


def _directions(outputs: int, like: Tensor) -> Tensor:
    """An orthonormal basis (outputs - 1, outputs) of the directions in which probabilities can move: their sum stays 1.

    The products of the Jacobian with these have the same norm, and take one backward pass fewer than one pass per class.
    """
    basis = torch.tril(like.new_ones(outputs - 1, outputs))
    above = torch.arange(1, outputs, device=like.device)
    basis[above - 1, above] = -above.to(like)
    return nn.functional.normalize(basis, dim=1)


def _norms(probabilities: Callable[[Tensor], Tensor], by: Tensor, then: Tensor | None) -> Tensor:
    """Frobenius norms (samples,) float64 of the Jacobian with respect to ``by (samples, ...)``, times ``then`` if given."""
    with torch.enable_grad():
        by = by.detach().requires_grad_()
        p = probabilities(by)
    total = by.new_zeros(len(by), dtype=torch.float64)
    for direction in _directions(p.shape[1], p.detach()):
        (row,) = torch.autograd.grad(p, by, direction.expand_as(p), retain_graph=True)
        row = row.flatten(1) if then is None else row @ then
        total += row.square_().sum(1, dtype=torch.float64)
    return total.sqrt_()


def _mean_norm(model: Model, weights: Tensor, x: Tensor, memory: int) -> float:
    """``jacobian_norm`` of one run with finite ``weights (parameters,)``."""
    head, rest = cut(model)
    first, following = weights.split([size(head), size(rest)])
    if not isinstance(head[-1], nn.Linear):
        head, rest = nn.Sequential(), nn.Sequential(*head, *rest)
        first, following = first[:0], weights
    if len(rest) and isinstance(rest[-1], nn.Softmax | nn.LogSoftmax):
        rest = nn.Sequential(*[*rest][:-1])  # the softmax below gives the probabilities of either
    parameters = named(head, first), named(rest, following)
    # For a dense first layer W = R^T Q^T with orthonormal columns in Q, so G W has the norm of G R^T, which is narrower.
    then = torch.linalg.qr(parameters[0][f"{len(head) - 1}.weight"].mT, mode="r").R.mT if len(head) else None

    def probabilities(h: Tensor) -> Tensor:
        return torch.softmax(functional_call(rest, parameters[1], h), dim=1)

    z = functional_call(head, parameters[0], x[:1])
    each = x[0].numel() + z.numel() + sum(numbers(rest, z))
    some = max(1, memory // (3 * each * x.element_size()))  # values, gradients by them, and what is in between
    total = 0.0
    for samples in x.split(some):
        with torch.no_grad():
            by = functional_call(head, parameters[0], samples)
        total += float(_norms(probabilities, by, then).sum())
    return total / len(x)


def network_norm(network: nn.Module, x: Tensor, some: int) -> float:
    """The mean over ``x (samples, ...)`` of the Frobenius norm of d p / d x, where p is the softmax of the outputs of
    ``network``, in the mode in which it is. So many samples as ``some`` are taken at once. NaN if its numbers are not finite."""
    total = 0.0
    for samples in x.split(some):
        total += float(_norms(lambda by: torch.softmax(network(by), dim=1), samples, None).sum())
    return total / len(x)


def jacobian_norm(model: Model, weights: Tensor, x: Tensor, memory: int = 2**25) -> np.ndarray:
    """The mean over ``x (samples, ...)`` of the Frobenius norm of d p / d x, for each of ``weights (runs, parameters)``.

    Probabilities p are the softmax of the outputs, or the net's own if its layout ends in softmax or logsoftmax; in eval
    mode. All in float32 or all in float64, on one device; it takes about ``memory`` bytes besides, unless one sample takes
    more. Returns (runs,) float64, NaN for a run with weights that are not finite.
    Raises ValueError for other shapes or types, and for a net of one output, whose probability is always 1.
    """
    x = checked(model, weights, x)
    if x.ndim == 4:
        x = x.contiguous(memory_format=torch.channels_last)  # a convolution's faster order on a CPU
    if classes(model) < 2:
        raise ValueError(
            f"layout {model.layout!r} has one output: give a net with two or more, for class probabilities"
        )
    finite = torch.isfinite(weights).all(dim=1).tolist()
    rows = zip(weights.detach(), finite, strict=True)
    return np.array([_mean_norm(model, row, x, memory) if good else math.nan for row, good in rows])
