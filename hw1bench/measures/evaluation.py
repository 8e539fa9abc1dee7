"""Evaluation of trained nets at given weights: by the image kernel if it can, else by torch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hw1bench.data import Split
from hw1bench.measures.nets import loaded, resident
from hw1bench.specs.experiment import Arm
from hw1bench.training.kernels import binaries, image_kernel
from hw1bench.training.kernels.image_evaluator import Evaluator

_CHUNK = 1024  # samples in one forward pass of torch


def by_kernel(arm: Arm, device: torch.device) -> bool:
    """Whether the image kernel evaluates nets of ``arm``: it supports them, it is built here, and ``device`` is a CPU."""
    return device.type == "cpu" and binaries.isa() is not None and image_kernel.supports(arm)


def by_which_kernel() -> dict[str, Any]:
    """The facts that decide, with arm and device, whether the kernel evaluates a net, and the digits that it gives.

    The sources of the kernel, which decide them too, are in the keys of the trained blocks.
    """
    return {"isa": binaries.isa(), "build": binaries.build()}


def accuracies(arm: Arm, split: Split, device: torch.device) -> Callable[[np.ndarray], float]:
    """A function of weights (parameters,) of any precision: the accuracy, a share, of the net of ``arm`` on ``split``.

    Dropout is off. Threads may call it side by side.
    """
    if by_kernel(arm, device):
        evaluator = Evaluator(arm, split)
        return lambda weights: evaluator.evaluate(weights.astype(arm.precision))[1]
    x, y = resident(arm, split, device)

    @torch.no_grad()
    def by_torch(weights: np.ndarray) -> float:
        network = loaded(arm, torch.from_numpy(weights).to(x))
        chunks = zip(x.split(_CHUNK), y.split(_CHUNK), strict=True)
        return sum(int((network(some).argmax(1) == truth).sum()) for some, truth in chunks) / len(y)

    return by_torch
