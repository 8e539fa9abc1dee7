"""Flatness of what training found: the line between two arms' weights, and the sensitivity of outputs to inputs."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from hw1bench.data import Dataset, Split
from hw1bench.measures.evaluation import by_kernel, by_which_kernel
from hw1bench.measures.instruments import TrainedBlock, takes
from hw1bench.measures.interpolation import Mixtures, along, mixed, sums
from hw1bench.measures.nets import buffers, loaded, resident
from hw1bench.measures.parallel import side_by_side
from hw1bench.measures.sensitivity import jacobian_norm, network_norm
from hw1bench.specs.experiment import Arm, Network
from hw1bench.specs.measurement import Interpolation, JacobianNorm
from hw1bench.support.progress import Advance
from hw1bench.training.kernels.image_evaluator import Evaluator

_MEMORY = {"cpu": 2**25, "GPU": 2**30}
"""Bytes that the Jacobians of some samples may take at once: few enough for a processor's cache, and enough to fill a GPU."""
_TOGETHER, _EVALUATED = 64, 256
"""Samples of a network of one's own, of whose layers nothing is known, in a Jacobian and in an evaluation."""


@takes(Interpolation, decides=by_which_kernel)
def interpolated(
    spec: Interpolation, trained: Sequence[TrainedBlock], dataset: Dataset, device: torch.device, progress: Advance
) -> dict[str, np.ndarray]:
    """The arrays that ``hw1bench.specs.measurement.Interpolation`` names.

    Nets with convolutions are evaluated by the kernel if it can, measured 13 to 20 times as fast as torch on one thread. Dense
    nets are not: torch computes the sums of their first layer, which is most of the work, at the two ends alone, and is up to
    four times as fast.
    """
    (block, first), (_, second) = trained
    ends = torch.stack([torch.tensor(record.arrays["weights"]) for record in (first, second)], dim=1).to(device)
    kernel = block.arm.takes_maps and by_kernel(block.arm, device)
    by_torch = _line_by_network if isinstance(block.arm.model, Network) else _line_by_torch
    line = _line_by_kernel if kernel else by_torch
    found = {"alphas": np.tile(spec.alphas, (len(block.seeds), 1))}
    for name, split in _splits(dataset).items():
        found[f"mixed_{name}_loss"], found[f"mixed_{name}_accuracy"] = line(spec, block.arm, split, ends)
    return found


@takes(JacobianNorm)
def jacobian(
    spec: JacobianNorm, trained: Sequence[TrainedBlock], dataset: Dataset, device: torch.device, progress: Advance
) -> dict[str, np.ndarray]:
    """The array that ``hw1bench.specs.measurement.JacobianNorm`` names."""
    [(block, record)] = trained
    x, _ = resident(block.arm, _splits(dataset)["test"], device)
    weights = torch.tensor(record.arrays["weights"]).to(device)
    if isinstance(block.arm.model, Network):
        nets = [loaded(block.arm, *row) for row in zip(weights, buffers(record), strict=True)]
        return {"jacobian": np.array(side_by_side(lambda net: network_norm(net, x, _TOGETHER), nets, device))}
    memory = _MEMORY["cpu" if device.type == "cpu" else "GPU"]
    norms = side_by_side(lambda row: jacobian_norm(block.arm.laid_out, row[None], x, memory), weights.unbind(), device)
    return {"jacobian": np.concatenate(norms)}


def _line_by_torch(spec: Interpolation, arm: Arm, split: Split, ends: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Loss and accuracy (runs, alphas) of each run's line between its two ``ends (runs, 2, parameters)``."""
    x, y = resident(arm, split, ends.device)

    def line(run: Tensor) -> Mixtures:
        return along(arm.laid_out, run[:1], run[1:], spec.alphas, x, y, arm.loss)

    lines = side_by_side(line, ends.unbind(), ends.device)
    return np.concatenate([line.loss for line in lines]), np.concatenate([line.accuracy for line in lines])


def _line_by_network(spec: Interpolation, arm: Arm, split: Split, ends: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """As ``_line_by_torch``, for networks of one's own; each alpha of each run is evaluated by itself."""
    x, y = resident(arm, split, ends.device)

    @torch.no_grad()
    def at(place: tuple[int, int]) -> tuple[float, float]:
        (first, second), alpha = ends[place[0]], ends.new_tensor([spec.alphas[place[1]]])
        network = loaded(arm, mixed(first, second, alpha)[0])
        parts = zip(x.split(_EVALUATED), y.split(_EVALUATED), strict=True)
        total = torch.stack([sums(network(some)[None], truth, arm.loss) for some, truth in parts]).sum(0) / len(x)
        return float(total[0]), float(total[1])

    places = [*np.ndindex(len(ends), len(spec.alphas))]
    loss, accuracy = np.array(side_by_side(at, places, ends.device)).T.reshape(2, len(ends), len(spec.alphas))
    return loss, accuracy


def _line_by_kernel(spec: Interpolation, arm: Arm, split: Split, ends: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """As ``_line_by_torch``; each alpha of each run is evaluated by itself."""
    evaluator, alphas = Evaluator(arm, split), torch.tensor(spec.alphas, dtype=ends.dtype)

    def at(place: tuple[int, int]) -> tuple[float, float]:
        (first, second), alpha = ends[place[0]], alphas[place[1], None]
        return evaluator.evaluate(mixed(first, second, alpha)[0].numpy())

    places = [*np.ndindex(len(ends), len(alphas))]
    loss, accuracy = np.array(side_by_side(at, places)).T.reshape(2, len(ends), len(alphas))
    return loss, accuracy


def _splits(dataset: Dataset) -> dict[str, Split]:
    if dataset.test is None:
        raise ValueError(f"{dataset.name} has no test set to measure flatness on: use a set of images")
    return {"train": dataset.train, "test": dataset.test}
