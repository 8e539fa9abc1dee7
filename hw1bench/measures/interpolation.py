"""The straight line between two nets, theta(alpha) = (1 - alpha) first + alpha second: loss and accuracy along it.

The ends are at alpha 0 and 1; the line goes on beyond them. The sums of the first layer with weights are linear in alpha,
so they are computed once for each end and mixed; the layers after it are evaluated for many alphas together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from hw1bench.measures import arrays
from hw1bench.measures.nets import checked, classes, cut, named, numbers, size
from hw1bench.specs.experiment import Model

_WEIGHTS = 2**27  # bytes that the mixed weights may take
# Numbers that a layer may take at once. On a CPU few enough for its cache: measured twice as fast as 2**26. On a GPU
# enough to fill it, 128 MiB at most.
_CACHED, _RESIDENT = 2**20, 2**24
_SAMPLES = 128  # enough for a fast matrix product, if an alpha leaves room for them


@dataclass(frozen=True)
class Mixtures:
    """Mean ``loss`` and ``accuracy`` over the samples at each mixture, (runs, A) float64; ``alphas`` is (A,) float64."""

    alphas: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray


def mixed(first: Tensor, second: Tensor, alphas: Tensor) -> Tensor:
    """Mixtures (A, ...) of two tensors (...), at ``alphas (A,)`` of the same type. The ends are set: a diverged one would turn
    the other into NaN."""
    found = torch.lerp(first, second, alphas.view(-1, *[1] * first.ndim))
    found[alphas == 0] = first
    found[alphas == 1] = second
    return found


def _outputs(network: nn.Sequential, weights: dict[str, Tensor], h: Tensor) -> Tensor:
    """The outputs of ``network`` for ``h (A, samples, ...)`` at ``weights (A, ...)``: (A, samples, classes)."""
    for name, module in network.named_children():
        bias = weights.get(f"{name}.bias")
        if isinstance(module, nn.Linear):
            weight = weights[f"{name}.weight"].mT
            h = torch.bmm(h, weight) if bias is None else torch.baddbmm(bias[:, None], h, weight)
        elif isinstance(module, nn.Conv2d):
            # One call per alpha: measured as fast as one grouped convolution (or vmap, which is one), and up to twice as fast.
            rows = zip(h, weights[f"{name}.weight"], [None] * len(h) if bias is None else bias, strict=True)
            h = torch.stack([nn.functional.conv2d(*row, module.stride, module.padding) for row in rows])
        else:
            h = module(h.flatten(0, 1)).unflatten(0, h.shape[:2])
    return h


def sums(output: Tensor, y: Tensor, loss: str) -> Tensor:
    """Losses and correct answers of ``output (A, samples, classes)`` for ``y (samples,)``, summed: (2, A) float64."""
    log_p = torch.log_softmax(output, dim=2) if loss == "cross_entropy" else output
    losses = -log_p.gather(2, y.expand(len(output), -1)[..., None])[..., 0]
    return torch.stack([losses.sum(1, dtype=torch.float64), (output.argmax(2) == y).sum(1, dtype=torch.float64)])


def _line(model: Model, first: Tensor, second: Tensor, alphas: Tensor, x: Tensor, y: Tensor, loss: str) -> Tensor:
    """``sums`` over all samples for one pair of ends, (parameters,) each: (2, A)."""
    head, rest = cut(model)
    split = [size(head), size(rest)]
    (head_1, rest_1), (head_2, rest_2) = first.split(split), second.split(split)
    ends = [named(head, flat) for flat in (head_1, head_2)]
    z = functional_call(head, named(head, torch.empty_like(head_1, device="meta")), x[:1].to("meta"))
    most, each = _CACHED if x.device.type == "cpu" else _RESIDENT, max(numbers(rest, z), default=z.numel())
    some = max(1, min(len(alphas), most // (each * _SAMPLES)))
    samples = max(1, most // (each * some))
    total = first.new_zeros(2, len(alphas), dtype=torch.float64)
    for group in torch.arange(len(alphas)).split(max(1, _WEIGHTS // (first.element_size() * max(1, size(rest))))):
        weights = mixed(rest_1, rest_2, alphas[group])
        for inputs, targets in zip(x.split(samples), y.split(samples), strict=True):
            sums_1, sums_2 = (functional_call(head, end, inputs) for end in ends)
            for part in torch.arange(len(group)).split(some):
                h = mixed(sums_1, sums_2, alphas[group[part]])
                output = _outputs(rest, named(rest, weights[part[0] : part[-1] + 1]), h)
                total[:, group[part]] += sums(output, targets, loss)
    return total


@torch.no_grad()
def along(
    model: Model,
    first: Tensor,
    second: Tensor,
    alphas: np.ndarray | Sequence[float],
    x: Tensor,
    y: Tensor,
    loss: str = "cross_entropy",
) -> Mixtures:
    """Mean loss and accuracy at every alpha of ``alphas (A,)``, in eval mode (dropout off), for each run by itself.

    first, second  (runs, parameters), the ends, as ``torch.nn.utils.parameters_to_vector`` lays them out
    x              (samples, ...), in a form that the net takes
    y              (samples,) class indices
    loss           "cross_entropy" of the outputs (of a softmax layer too, as torch would), or "nll" of log-probabilities

    All in float32 or all in float64, on one device. It takes at most 256 MiB besides these, unless one alpha's weights, or
    what one layer takes for one sample, is more than 128 MiB. Values that are not finite stay so. At alpha 0 and 1 the nets
    are the ends themselves. Raises ValueError for other shapes, types, losses or classes, and for alphas that are not finite.
    """
    x = checked(model, first, x)
    for name, tensor in (("second", second), ("y", y)):
        if not isinstance(tensor, Tensor):
            raise ValueError(f"{name} is {type(tensor).__name__}: give a torch tensor")
    where = arrays.whole(alphas, "alphas").astype(np.float64)
    if second.shape != first.shape or second.dtype != first.dtype:
        raise ValueError(
            f"the ends are {tuple(first.shape)} {first.dtype} and {tuple(second.shape)} {second.dtype}: give the same"
        )
    if where.ndim != 1 or not len(where) or not np.isfinite(where).all():
        raise ValueError(f"alphas {where}: give (A,) finite numbers")
    if loss not in ("cross_entropy", "nll"):
        raise ValueError(f"the loss is {loss!r}: give cross_entropy or nll")
    last = classes(model) - 1
    if y.shape != x.shape[:1] or y.dtype != torch.int64 or not 0 <= int(y.min()) <= int(y.max()) <= last:
        raise ValueError(f"y {tuple(y.shape)} {y.dtype} of {len(x)} samples: give each sample a class from 0 to {last}")
    steps = torch.from_numpy(where).to(first)
    sums = torch.stack([_line(model, *ends, steps, x, y, loss) for ends in zip(first, second, strict=True)])
    means = (sums / len(x)).cpu().numpy()
    return Mixtures(where, means[:, 0], means[:, 1])
