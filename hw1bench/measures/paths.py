"""The weight paths of two independent arms, from the snapshots of a block of each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_info  # comes with scikit-learn

from hw1bench.data import Dataset
from hw1bench.measures import trajectory
from hw1bench.measures.evaluation import accuracies, by_which_kernel
from hw1bench.measures.instruments import TrainedBlock, takes
from hw1bench.measures.parallel import side_by_side
from hw1bench.records.runs import Block
from hw1bench.specs.measurement import PATH_NUMBERS, Paths
from hw1bench.support.progress import Advance
from hw1bench.support.snapshots import ARRAYS, Snapshots

_WALKS = 1000  # random walks with which a path is compared; their seed is the run's


def _by_blas() -> dict[str, Any]:
    """The facts that decide the digits of numpy's linear algebra: its version, its processor and its number of threads."""
    # SciPy may bring a library of its own: whether it is among them must not depend on what else was imported before.
    from scipy import linalg  # noqa: F401

    what = ("internal_api", "version", "architecture", "num_threads")
    every = [library for library in threadpool_info() if library["user_api"] == "blas"]
    # Other libraries bring their own, which compute nothing here: whether they are loaded must not matter.
    found = [library for library in every if "numpy" in library["filepath"]] or every
    return {"numpy": np.__version__, "blas": sorted([str(library.get(name)) for name in what] for library in found)}


@takes(Paths, decides=lambda: _by_blas() | by_which_kernel())
def take(
    spec: Paths, trained: Sequence[TrainedBlock], dataset: Dataset, device: torch.device, progress: Advance
) -> dict[str, np.ndarray]:
    """The arrays that ``hw1bench.specs.measurement.Paths`` names, for the runs of its own arm.

    The snapshots are read back a few weights or one snapshot at a time: besides the records, it holds only the Gram matrix of
    all snapshots of both blocks.
    """
    (block, own), (_, other) = trained
    count = len(block.seeds)
    runs = [
        Snapshots({name: record.arrays[name][row] for name in ARRAYS})
        for record in (own, other)
        for row in range(count)
    ]
    found = {"path_accuracy": _accuracy(spec, block, runs[:count], dataset, device)}
    finite = [row for row, run in enumerate(runs) if run.finite]
    first = block.arm.model.first_layer_parameters
    weights = runs[0].shape[1]
    columns = [runs[row].columns(slice(first)) for row in finite]
    layer1 = trajectory.gram(columns) if finite else np.empty((0, 0))
    layer1_lengths = _end_lengths(columns)
    # A Gram matrix is a sum over weights: the whole model's is the first layer's plus the rest's. So is a squared length.
    whole, whole_lengths = layer1, layer1_lengths
    if first < weights and finite:
        columns = [runs[row].columns(slice(first, None)) for row in finite]
        whole = layer1 + trajectory.gram(columns)
        whole_lengths = np.hypot(layer1_lengths, _end_lengths(columns))
    for name, gram, lengths, dimensions in (
        ("whole", whole, whole_lengths, weights),
        ("layer1", layer1, layer1_lengths, first),
    ):
        part = _part(gram, dict(zip(finite, lengths, strict=True)), len(runs[0]), block, dimensions)
        found |= {f"{name}_{what}": values for what, values in part.items()}
    return found


def _end_lengths(runs: Sequence[Snapshots]) -> np.ndarray:
    """``trajectory.end_lengths`` of each run: (runs, 2)."""
    return np.array([trajectory.end_lengths(run) for run in runs]).reshape(-1, 2)


def _part(
    gram: np.ndarray, finite: Mapping[int, np.ndarray], length: int, block: Block, dimensions: int
) -> dict[str, np.ndarray]:
    """Measures of a part of the weights, from the Gram matrix of the snapshots of the runs ``finite``: the indices of the
    own runs, then of the other ones, each with the run's ``end_lengths`` (2,)."""
    count = len(block.seeds)
    found = {name: np.full(count, np.nan) for name in PATH_NUMBERS}
    found |= {"path": np.full((count, length, 2), np.nan), "shares": np.full((count, 2), np.nan)}
    where = {row: np.arange(place * length, (place + 1) * length) for place, row in enumerate(finite)}
    own = [row for row in finite if row < count]
    if own:
        together = trajectory.part(gram, np.concatenate([where[row] for row in own]))
        components = trajectory.pca_from(together, [length] * len(own))
        found["path"][own], found["shares"][:] = components.coordinates, components.shares

    def against_walks(row: int) -> trajectory.BeyondRandomWalk:
        alone = trajectory.part(gram, where[row])
        return trajectory.beyond_random_walk_from(alone, dimensions, _WALKS, block.seeds[row])

    for row, against in zip(own, side_by_side(against_walks, own), strict=True):
        found["own_share"][row], found["walk"][row] = against.share, against.walk
        if row + count in where:
            pair = trajectory.part(gram, np.concatenate([where[row], where[row + count]]))
            found["separation"][row] = trajectory.separation_from(pair, length)
            plain = found["convergence"][row] = trajectory.convergence_from(pair, length)
            ends = finite[row], finite[row + count]
            found["relative_convergence"][row] = trajectory.relative_convergence_from(plain, *ends)
    return found


def _accuracy(spec: Paths, block: Block, runs: list[Snapshots], dataset: Dataset, device: torch.device) -> np.ndarray:
    """Training accuracy (runs, snapshots) at the marked snapshots, NaN at the others."""
    last = len(runs[0]) - 1
    marks = [mark for mark in range(last + 1) if mark % spec.mark_every == 0 or mark == last]
    accuracy = np.full((len(runs), last + 1), np.nan)

    accuracy_at = accuracies(block.arm, dataset.train, device)
    accuracy[:, marks] = side_by_side(lambda run: [accuracy_at(weights) for weights in run.at(marks)], runs, device)
    return accuracy
