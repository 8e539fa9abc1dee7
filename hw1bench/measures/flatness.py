"""Flatness of what a block found: the line between two arms' weights, and the sensitivity of outputs to inputs."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from hw1bench.data import Dataset, Split
from hw1bench.measures.interpolation import Mixtures, along
from hw1bench.measures.nets import resident
from hw1bench.measures.sensitivity import jacobian_norm
from hw1bench.measures.threads import side_by_side
from hw1bench.records.runs import Block, Record
from hw1bench.specs.experiment import Arm
from hw1bench.specs.measurement import Interpolation


def interpolated(
    spec: Interpolation, block: Block, first: Record, second: Record, dataset: Dataset, device: torch.device
) -> dict[str, np.ndarray]:
    """The arrays that `hw1bench.specs.measurement.Interpolation` names; ``block`` is the one of ``first``."""
    ends = torch.stack([torch.tensor(record.arrays["weights"]) for record in (first, second)], dim=1).to(device)
    found = {"alphas": np.tile(spec.alphas, (len(block.seeds), 1))}
    for name, split in _splits(dataset).items():
        x, y = resident(block.arm, split, device)
        line = partial(_line, spec, block.arm, x, y)
        mixtures = side_by_side(line, ends.unbind(), device)
        found[f"mixed_{name}_loss"] = np.concatenate([mixture.loss for mixture in mixtures])
        found[f"mixed_{name}_accuracy"] = np.concatenate([mixture.accuracy for mixture in mixtures])
    return found


def jacobian(block: Block, record: Record, dataset: Dataset, device: torch.device) -> dict[str, np.ndarray]:
    """The array that `hw1bench.specs.measurement.JacobianNorm` names."""
    x, _ = resident(block.arm, _splits(dataset)["test"], device)
    weights = torch.tensor(record.arrays["weights"]).to(device)
    norms = side_by_side(lambda row: jacobian_norm(block.arm.model, row[None], x), weights.unbind(), device)
    return {"jacobian": np.concatenate(norms)}


def _line(spec: Interpolation, arm: Arm, x: Tensor, y: Tensor, ends: Tensor) -> Mixtures:
    """Along the line between the two ``ends (2, parameters)`` of one run."""
    return along(arm.model, ends[:1], ends[1:], spec.alphas, x, y, arm.loss)


def _splits(dataset: Dataset) -> dict[str, Split]:
    if dataset.test is None:
        raise ValueError(f"{dataset.name} has no test set to measure flatness on: use a set of images")
    return {"train": dataset.train, "test": dataset.test}
