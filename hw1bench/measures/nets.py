"""The net of a layout at flat weights: its parts, how many numbers each part takes, and checks of its arguments."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hw1bench import models
from hw1bench.data import Split
from hw1bench.records.runs import Record
from hw1bench.specs import notation
from hw1bench.specs.experiment import Arm, Model, Network


def resident(arm: Arm, split: Split, device: torch.device) -> tuple[Tensor, Tensor]:
    """Inputs of ``split`` in the form that the net takes, in the arm's precision, and targets, on ``device``."""
    return models.inputs(arm.model, split.x).to(device, getattr(torch, arm.precision)), split.y.to(device)


def loaded(arm: Arm, weights: Tensor, buffers: Tensor | None = None) -> nn.Module:
    """The net of ``arm`` with ``weights (parameters,)`` and, if it has any, ``buffers (numbers,)``, in their precision and on the
    device of the weights; in eval mode."""
    if isinstance(arm.model, Network):
        network = models.drawn(arm.model, torch.Generator())
    else:
        network = models.build(arm.model, "meta").to_empty(device="cpu")
    network = network.to(weights).eval()
    models.load(network, weights, buffers)
    return network


def buffers(record: Record) -> Sequence[Tensor | None]:
    """The buffers of each run of a trained block; None for nets without any."""
    kept = record.arrays.get("buffers")
    return [None] * len(record.arrays["weights"]) if kept is None else [*torch.tensor(kept)]


def cut(model: Model) -> tuple[nn.Sequential, nn.Sequential]:
    """The net of ``model`` up to and including its first layer with weights, and the rest.

    Both are in eval mode, so that dropout does nothing, and without values: they are called with weights from ``named``.
    """
    modules = [*models.build(model, "meta").eval()]
    first = next(index for index, module in enumerate(modules) if isinstance(module, nn.Linear | nn.Conv2d))
    return nn.Sequential(*modules[: first + 1]), nn.Sequential(*modules[first + 1 :])


def size(network: nn.Module) -> int:
    """The number of parameters of ``network``."""
    return sum(p.numel() for p in network.parameters())


def classes(model: Model) -> int:
    """The number of outputs of ``model``."""
    return [layer.outputs for layer in notation.parse(model.layout) if isinstance(layer, notation.Linear)][-1]


def named(network: nn.Module, flat: Tensor) -> dict[str, Tensor]:
    """The parameters of ``network`` as views of ``flat (..., parameters)``: (..., *shape) each."""
    parts = flat.split([p.numel() for p in network.parameters()], dim=-1)
    return {
        name: part.unflatten(-1, p.shape) for (name, p), part in zip(network.named_parameters(), parts, strict=True)
    }


def numbers(network: nn.Sequential, x: Tensor) -> list[int]:
    """How many numbers each module of ``network`` takes per sample of ``x``: its input, its output, and for a convolution the
    patches into which its input may be unfolded."""
    found, h = [], torch.empty(1, *x.shape[1:], device="meta")
    for module in network:
        before, h = h.numel(), module(h)
        patch = module.weight[0].numel() if isinstance(module, nn.Conv2d) else 0
        found.append(before + h.numel() + patch * h[0, 0].numel())
    return found


def checked(model: Model, weights: Tensor, x: Tensor) -> Tensor:
    """``x (samples, ...)`` in the form that ``model`` takes.

    Raises ValueError if there is no sample, or unless ``weights`` are (runs, parameters) and both are float32 or both float64.
    """
    if not isinstance(weights, Tensor) or not isinstance(x, Tensor):
        raise ValueError(f"weights are {type(weights).__name__} and x is {type(x).__name__}: give torch tensors")
    if weights.ndim != 2 or weights.shape[1] != model.parameters:
        raise ValueError(
            f"weights {tuple(weights.shape)} of a net with {model.parameters} parameters: give (runs, parameters)"
        )
    if weights.dtype != x.dtype or x.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"weights are {weights.dtype} and x is {x.dtype}: give float32 or float64 for both")
    if not len(x):
        raise ValueError(f"x {tuple(x.shape)} holds no sample: give one or more")
    return models.inputs(model, x)
