"""Measurements by a function of one's own: each run's net is made, and given to the function with its data and a generator."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from hw1bench.data import Dataset, Split
from hw1bench.measures import arrays
from hw1bench.measures.instruments import TrainedBlock, takes
from hw1bench.measures.nets import buffers, loaded, resident
from hw1bench.measures.parallel import side_by_side
from hw1bench.records.runs import Block
from hw1bench.specs.own_measurement import OwnMeasurement
from hw1bench.support.progress import Advance
from hw1bench.training.streams import generator_for, training_targets


@takes(OwnMeasurement)
def take(
    spec: OwnMeasurement, trained: Sequence[TrainedBlock], dataset: Dataset, device: torch.device, progress: Advance
) -> dict[str, np.ndarray]:
    """What ``spec.function`` gives for each run, by name: (runs, ...).

    Raises ValueError if that is not what ``spec.gives`` says, and for a function that changes its data, or draws from torch's own
    generator, which other runs draw from at the same time.
    """
    [(block, record)] = trained
    sets = {name: _resident(block, split, device) for name, split in _splits(dataset).items()}
    before = torch.get_rng_state()
    versions = [tensor._version for split in sets.values() for tensor in (split.x, split.y)]
    weights = torch.tensor(record.arrays["weights"]).to(device)
    networks = [loaded(block.arm, *row) for row in zip(weights, buffers(record), strict=True)]

    def of_run(row: int) -> dict[str, np.ndarray]:
        own = dict(sets)
        if block.arm.random_labels:
            labels = training_targets(block, dataset, block.seeds[row]).to(device)
            own["train"] = Split(own["train"].x, labels)
        data = replace(dataset, train=own["train"], test=own.get("test"))
        return _checked(spec, spec.function(networks[row], data, generator_for(block, "measure", block.seeds[row])))

    rows = side_by_side(of_run, range(len(block.seeds)), device)
    if versions != [tensor._version for split in sets.values() for tensor in (split.x, split.y)]:
        raise ValueError(f"measure {spec.name!r} changes its data, which all runs share: change a clone")
    if not torch.equal(before, torch.get_rng_state()):
        raise ValueError(f"measure {spec.name!r} draws from torch's own generator: draw from the one that it is given")
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _splits(dataset: Dataset) -> dict[str, Split]:
    return {"train": dataset.train, **({} if dataset.test is None else {"test": dataset.test})}


def _resident(block: Block, split: Split, device: torch.device) -> Split:
    x, y = resident(block.arm, split, device)
    # Clones, because a function that changes them must not change what is trained on later.
    return Split(x.clone(), y.to(x.dtype if block.arm.loss == "mse" else y.dtype, copy=True))


def _checked(spec: OwnMeasurement, found: Any) -> dict[str, np.ndarray]:
    """The numbers that a function ``found`` for a run, by the names of what it gives."""
    whose, gives = f"measure {spec.name!r}", dict(spec.gives)
    if not isinstance(found, Mapping) or set(found) != set(gives):
        what = ", ".join(map(str, found)) if isinstance(found, Mapping) else type(found).__name__
        raise ValueError(f"{whose} returns {what}: return a mapping with {', '.join(gives)}")
    numbers = {name: np.asarray(arrays.whole(found[name], name)) for name in gives}
    for name, shape in gives.items():
        if numbers[name].shape != shape:
            raise ValueError(
                f"{whose} returns {name} of shape {numbers[name].shape}, and gives says {shape}: give one of them"
            )
    return numbers
