"""Measurements by a function of one's own: each run's net is made, and given to the function with its data and a generator."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from hw1bench import models
from hw1bench.data import Dataset, Split
from hw1bench.measures import arrays
from hw1bench.measures.instruments import TrainedBlock, takes
from hw1bench.measures.nets import buffers, loaded, resident
from hw1bench.measures.parallel import side_by_side
from hw1bench.records.runs import Block
from hw1bench.specs.own_measurement import OwnMeasurement
from hw1bench.support.progress import Advance
from hw1bench.training.streams import generator_for, training_targets

_WHATEVER_THE_WEIGHTS = (AttributeError, ImportError, NameError, TypeError)
"""What a function raises whatever its net is like. Other errors may lie in the net, such as of a search that finds nothing."""


@takes(OwnMeasurement)
def take(
    spec: OwnMeasurement, trained: Sequence[TrainedBlock], dataset: Dataset, device: torch.device, progress: Advance
) -> dict[str, np.ndarray]:
    """What ``spec.function`` gives for each run, by name: (runs, ...).

    Raises ValueError if that is not what ``spec.gives`` says, and for a function that changes its data, or draws from a
    generator of torch, NumPy or Python that other runs draw from at the same time.
    """
    [(block, record)] = trained
    given = _Given(spec, block, dataset, device)
    weights = torch.tensor(record.arrays["weights"]).to(device)
    networks = [loaded(block.arm, *row) for row in zip(weights, buffers(record), strict=True)]
    rows = side_by_side(lambda row: _checked(spec, given.found(row, networks[row])), range(len(block.seeds)), device)
    given.check()
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def rehearse(spec: OwnMeasurement, block: Block, dataset: Dataset, device: torch.device) -> None:
    """Call ``spec.function`` before ``block`` trains, for the net from which its first run starts.

    Raises what ``take`` would raise after the training, unless that may lie in the net.
    """
    given = _Given(spec, block, dataset, device)
    drawn = models.drawn(block.arm.model, generator_for(block, "init", block.seeds[0]))
    try:
        found = given.found(0, drawn.to(device, getattr(torch, block.arm.precision)).eval())
    except _WHATEVER_THE_WEIGHTS as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ValueError(
            f"measure {spec.name!r} fails before its experiment trains, on an untrained net: {why}"
        ) from error
    except Exception:
        return
    _checked(spec, found)
    given.check()


class _Given:
    """What ``spec.function`` is given for the runs of a block, and whether it leaves that as it is."""

    def __init__(self, spec: OwnMeasurement, block: Block, dataset: Dataset, device: torch.device) -> None:
        self._spec, self._block, self._dataset, self._device = spec, block, dataset, device
        self._sets = {name: _resident(block, split, device) for name, split in _splits(dataset).items()}
        self._drawn, self._versions = _states(), self._changes()

    def found(self, row: int, network: nn.Module) -> Any:
        """What the function returns for the run of ``row``, whose net is ``network``."""
        # Views, because a gradient that is asked of a tensor is added to that of the run before.
        own = {name: Split(split.x.detach(), split.y.detach()) for name, split in self._sets.items()}
        block = self._block
        if block.arm.random_labels:
            labels = training_targets(block, self._dataset, block.seeds[row]).to(self._device)
            own["train"] = Split(own["train"].x, labels)
        data = replace(self._dataset, train=own["train"], test=own.get("test"))
        return self._spec.function(network, data, generator_for(block, "measure", block.seeds[row]))

    def check(self) -> None:
        """Raise ValueError if the function changed its data, or drew from a generator that is not of its run."""
        if self._versions != self._changes():
            raise ValueError(f"measure {self._spec.name!r} changes its data, which all runs share: change a clone")
        for whose, state in _states().items():
            if state != self._drawn[whose]:
                raise ValueError(
                    f"measure {self._spec.name!r} draws from {whose} own generator: draw from the one that it is given, or from "
                    "one that starts from generator.initial_seed()"
                )

    def _changes(self) -> list[int]:
        return [tensor._version for split in self._sets.values() for tensor in (split.x, split.y)]


def _states() -> dict[str, Any]:
    """The states of the generators that all runs share."""
    _, keys, *rest = np.random.get_state()
    return {
        "torch's": torch.get_rng_state().numpy().tobytes(),
        "NumPy's": (np.asarray(keys).tobytes(), *rest),
        "Python's": random.getstate(),
    }


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
        there = ", ".join(map(str, found)) if isinstance(found, Mapping) else type(found).__name__
        raise ValueError(f"{whose} returns {there}: return a mapping with {', '.join(gives)}")
    numbers = {name: np.asarray(arrays.whole(found[name], name)) for name in gives}
    for name, shape in gives.items():
        if not np.can_cast(numbers[name].dtype, np.float64, "same_kind"):
            what = "text" if numbers[name].dtype.kind in "US" else str(numbers[name].dtype)
            raise ValueError(f"{whose} returns {name} as {what}: give real numbers")
        if numbers[name].shape != shape:
            raise ValueError(
                f"{whose} returns {name} of shape {numbers[name].shape}, but its gives says {shape}: make them the same"
            )
    return numbers
