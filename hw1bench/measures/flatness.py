"""Flatness of what a block found: the line between two arms' weights, and the sensitivity of outputs to inputs."""

import numpy as np
import torch
from torch import Tensor

from hw1bench import models
from hw1bench.data import Dataset, Split
from hw1bench.measurement import Interpolation
from hw1bench.measures.interpolation import along
from hw1bench.measures.sensitivity import jacobian_norm
from hw1bench.runs import Block, Record


def interpolated(
    spec: Interpolation, block: Block, first: Record, second: Record, dataset: Dataset, device: torch.device
) -> dict[str, np.ndarray]:
    """The arrays that `hw1bench.measurement.Interpolation` names; ``block`` is the one of ``first``."""
    start, end = (torch.from_numpy(record.arrays["weights"]).to(device) for record in (first, second))
    found = {"alphas": np.tile(spec.alphas, (len(block.seeds), 1))}
    for name, split in _splits(dataset).items():
        x, y = _resident(block, split, device)
        mixtures = along(block.arm.model, start, end, spec.alphas, x, y, block.arm.loss)
        found[f"mixed_{name}_loss"] = mixtures.loss
        found[f"mixed_{name}_accuracy"] = mixtures.accuracy
    return found


def jacobian(block: Block, record: Record, dataset: Dataset, device: torch.device) -> dict[str, np.ndarray]:
    """The array that `hw1bench.measurement.JacobianNorm` names."""
    x, _ = _resident(block, _splits(dataset)["test"], device)
    weights = torch.from_numpy(record.arrays["weights"]).to(device)
    return {"jacobian": jacobian_norm(block.arm.model, weights, x)}


def _splits(dataset: Dataset) -> dict[str, Split]:
    if dataset.test is None:
        raise ValueError(f"{dataset.name} has no test set to measure flatness on: use a set of images")
    return {"train": dataset.train, "test": dataset.test}


def _resident(block: Block, split: Split, device: torch.device) -> tuple[Tensor, Tensor]:
    """Inputs in the form that the net takes, in the arm's precision, and targets."""
    x = models.inputs(block.arm.model, split.x).to(device, getattr(torch, block.arm.precision))
    return x, split.y.to(device)
