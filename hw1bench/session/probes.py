"""How fast this machine trains, measured: a few tenths of a second of real training for each net that is asked about.

A probe trains eight runs of an arm, as a block does, for so few epochs on so few samples that it takes no longer. Its samples
are made up, because what they hold does not change how long a step takes; so no data set is needed.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch

from hw1bench.court import costs
from hw1bench.court.costs import Device
from hw1bench.data import Dataset, Library, Split
from hw1bench.records.runs import Block
from hw1bench.specs.experiment import Arm, Data, Function
from hw1bench.training import engine

SECONDS = 0.2
"""How long a probe trains at least, unless all of the arm's training takes less."""
_EPOCHS = 3  # so that what is evaluated before training weighs little
_MOST = 2_000  # samples of a step that takes the whole set
_GROWTH = 16  # by how much a probe may grow at once


def seconds_per_work(arm: Arm, name: str, advance: Callable[[], None] = lambda: None) -> float:
    """The seconds per unit of work (see ``hw1bench.court.costs``) that a run of ``arm`` takes on the device ``name``, "cpu" or
    "cuda", while seven more are trained beside it. ``advance`` is called after each training."""
    device, size, before = engine.device_of(name), 1, 0
    while True:
        probe, data, whole = _cut(arm, size)
        record = engine.train(Block("", "probe", probe, 0), device, library=_Given(data))
        advance()
        took = max(record.seconds, 1e-6)
        cold = size != before and (size == 1 or engine.backend(arm, device) == "compiled")  # for each size anew
        if not cold and (took >= SECONDS or whole):
            return took / (8 * _work(probe, arm, data, "cpu" if device.type == "cpu" else "GPU"))
        before, size = size, size if took >= SECONDS or whole else math.ceil(size * min(SECONDS / took * 1.5, _GROWTH))


def _cut(arm: Arm, size: int) -> tuple[Arm, Dataset, bool]:
    """``arm`` with a training of about ``size`` steps per epoch, or more epochs if there are not so many; its data; and whether
    that is all there is."""
    batch = min(arm.batch_size or arm.samples, arm.samples)
    most = min(arm.samples, _MOST) if batch == arm.samples else arm.samples
    samples = min(batch * size, most)
    epochs = min(arm.epochs, _EPOCHS * max(1, size * batch // most))
    return replace(arm, epochs=epochs), _made_up(arm, samples), samples == most and epochs == arm.epochs


def _work(probe: Arm, arm: Arm, data: Dataset, device: Device) -> float:
    """The work of one run of ``probe`` on ``data``, as many samples of those of ``arm``."""
    kind = costs.kind(arm, (), device)
    return costs.work_of(probe, kind.device) * len(data.train) / arm.samples


def _made_up(arm: Arm, samples: int) -> Dataset:
    """``samples`` training samples of the shape of the data of ``arm``: a function on fewer points, or made-up numbers; with as
    large a share of them as of the data for validation, and for testing if the data has a test set."""
    data = arm.data
    if isinstance(data, Function):
        return Library().load(replace(data, points=max(2, samples)))
    generator = torch.Generator().manual_seed(0)
    kind = torch.float32 if len(data.shape) == 3 else torch.float64

    def split(count: int) -> Split:
        x = torch.randn(count, *data.shape, generator=generator, dtype=kind)
        if data.regression:
            return Split(x, torch.randn(count, data.targets, generator=generator, dtype=torch.float64))
        return Split(x, torch.randint(data.targets, (count,), generator=generator))

    test = split(max(1, samples // 5)) if data.tested else None
    validation = split(max(1, round(samples * arm.validation / arm.samples))) if arm.validation else None
    classes = None if data.regression else data.targets
    return Dataset("made up", split(samples), test, "", classes=classes, validation=validation)


class _Given(Library):
    """A library that gives the same data set for every specification."""

    def __init__(self, data: Dataset) -> None:
        self._data = data

    def load(self, spec: Data) -> Dataset:
        return self._data

    def of(self, arm: Arm) -> Dataset:
        return self._data
