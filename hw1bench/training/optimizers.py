"""Optimisers and schedules of ``torch.optim``, made from their specifications."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from hw1bench.specs.experiment import Optimizer, StepLR


def make(spec: Optimizer, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
    """Make the optimiser of ``spec`` for ``parameters``, fused if torch has a fused version.

    All optimisers are elementwise, so runs may be stacked in one tensor.
    """
    options: dict[str, Any] = {"lr": spec.lr, "weight_decay": spec.weight_decay}
    if spec.eps is not None:
        options["eps"] = spec.eps
    match spec.name:
        case "adam":
            return torch.optim.Adam(parameters, fused=True, **options)
        case "sgd":
            return torch.optim.SGD(parameters, fused=True, **options)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, **options)


@torch.no_grad()
def coasted(optimizer: torch.optim.Optimizer, weights: Sequence[Tensor]) -> Tensor:
    """Take a step with a gradient of zero. Return the step's length relative to the norm of the weights before it.

    ``weights`` is one tensor (runs, parameters), for lengths (runs,), or the parameter tensors of one run, for one length ().
    """

    def rows() -> Tensor:
        return weights[0].clone() if len(weights) == 1 else torch.cat([weight.reshape(-1) for weight in weights])

    before = rows()
    for weight in weights:
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    length: Tensor = (rows() - before).norm(dim=-1) / before.norm(dim=-1)
    return length


def schedule(spec: StepLR | None, optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """Return the function to call after each epoch, so that the learning rate follows ``spec``."""
    if spec is None:
        return lambda: None
    return torch.optim.lr_scheduler.StepLR(optimizer, step_size=spec.every, gamma=spec.factor).step
