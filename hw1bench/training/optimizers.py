"""Optimiser specifications as ``torch.optim`` optimisers."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from hw1bench.experiment import Optimizer


def make(spec: Optimizer, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
    """The optimiser of ``spec`` on ``parameters``, fused where torch has it fused.

    All of them are elementwise, so runs may be stacked in one tensor.
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
