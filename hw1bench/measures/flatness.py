"""Flatness of what training found: the line between two arms' weights, and the sensitivity of outputs to inputs."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from hw1bench.data import Dataset, Split
from hw1bench.measures.instruments import TrainedBlock, takes
from hw1bench.measures.interpolation import Mixtures, along
from hw1bench.measures.nets import resident
from hw1bench.measures.parallel import side_by_side
from hw1bench.measures.sensitivity import jacobian_norm
from hw1bench.specs.experiment import Arm
from hw1bench.specs.measurement import Interpolation, JacobianNorm
from hw1bench.support.progress import Advance


@takes(Interpolation)
def interpolated(
    spec: Interpolation, trained: Sequence[TrainedBlock], dataset: Dataset, device: torch.device, progress: Advance
) -> dict[str, np.ndarray]:
    """The arrays that ``hw1bench.specs.measurement.Interpolation`` names."""
    (block, first), (_, second) = trained
    ends = torch.stack([torch.tensor(record.arrays["weights"]) for record in (first, second)], dim=1).to(device)
    found = {"alphas": np.tile(spec.alphas, (len(block.seeds), 1))}
    for name, split in _splits(dataset).items():
        x, y = resident(block.arm, split, device)
        line = partial(_line, spec, block.arm, x, y)
        mixtures = side_by_side(line, ends.unbind(), device)
        found[f"mixed_{name}_loss"] = np.concatenate([mixture.loss for mixture in mixtures])
        found[f"mixed_{name}_accuracy"] = np.concatenate([mixture.accuracy for mixture in mixtures])
    return found


@takes(JacobianNorm)
def jacobian(
    spec: JacobianNorm, trained: Sequence[TrainedBlock], dataset: Dataset, device: torch.device, progress: Advance
) -> dict[str, np.ndarray]:
    """The array that ``hw1bench.specs.measurement.JacobianNorm`` names."""
    [(block, record)] = trained
    x, _ = resident(block.arm, _splits(dataset)["test"], device)
    weights = torch.tensor(record.arrays["weights"]).to(device)
    norms = side_by_side(lambda row: jacobian_norm(block.arm.model, row[None], x), weights.unbind(), device)
    return {"jacobian": np.concatenate(norms)}


def _line(spec: Interpolation, arm: Arm, x: Tensor, y: Tensor, ends: Tensor) -> Mixtures:
    """Loss and accuracy along the line between the two ``ends (2, parameters)`` of one run."""
    return along(arm.model, ends[:1], ends[1:], spec.alphas, x, y, arm.loss)


def _splits(dataset: Dataset) -> dict[str, Split]:
    if dataset.test is None:
        raise ValueError(f"{dataset.name} has no test set to measure flatness on: use a set of images")
    return {"train": dataset.train, "test": dataset.test}
