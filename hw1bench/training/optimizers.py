"""Optimisers and schedules of ``torch.optim``, made from their specifications."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from hw1bench.specs.experiment import CosineAnnealingLR, ExponentialLR, Optimizer, RateSchedule, StepLR


def make(spec: Optimizer, parameters: Iterable[Tensor], captured: bool = False) -> torch.optim.Optimizer:
    """Make the optimiser of ``spec`` for ``parameters``, fused if torch has a fused version; its steps may be ``captured``.

    All optimisers are elementwise, so runs may be stacked in one tensor.
    """
    parameters = list(parameters)
    options: dict[str, Any] = {"lr": spec.lr, "weight_decay": spec.weight_decay}
    if spec.eps is not None:
        options["eps"] = spec.eps
    # SGD has no counter of its steps, and the one of Adagrad changes nothing unless its rate decays.
    if captured and spec.name not in ("sgd", "adagrad"):
        options["capturable"] = True
    match spec.name:
        case "adam":
            return torch.optim.Adam(parameters, fused=True, **options)
        case "adamw":
            return torch.optim.AdamW(parameters, fused=True, **options)
        case "adagrad":  # fused on a CPU alone
            return torch.optim.Adagrad(parameters, fused=parameters[0].device.type == "cpu", **options)
        case "sgd":
            return torch.optim.SGD(parameters, fused=True, momentum=spec.momentum, nesterov=spec.nesterov, **options)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, **options)


@torch.no_grad()
def coasted(optimizer: torch.optim.Optimizer, weights: Sequence[Tensor], rows: Callable[[], Tensor]) -> Tensor:
    """Take a step with a gradient of zero. Return the step's length relative to the norm of the weights before it.

    ``rows`` copies ``weights`` into one tensor (..., parameters); lengths are (...).
    """
    before = rows()
    for weight in weights:
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    length: Tensor = (rows() - before).norm(dim=-1) / before.norm(dim=-1)
    return length


def schedule(spec: RateSchedule | None, optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """Return the function to call after each epoch, so that the learning rate follows ``spec``."""
    match spec:
        case None:
            return lambda: None
        case StepLR(every=every, factor=factor):
            return torch.optim.lr_scheduler.StepLR(optimizer, step_size=every, gamma=factor).step
        case ExponentialLR(factor=factor):
            return torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=factor).step
        case CosineAnnealingLR(over=over, least=least):
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=over, eta_min=least).step


def rates(lr: float, spec: RateSchedule | None, epochs: int) -> Iterator[float]:
    """Yield the learning rate of each epoch that starts from ``lr`` and follows ``spec``."""
    optimizer = torch.optim.SGD([torch.zeros(())], lr)
    epoch_done = schedule(spec, optimizer)
    for _ in range(epochs):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()  # changes nothing; torch warns of schedules that go on without it
        epoch_done()
