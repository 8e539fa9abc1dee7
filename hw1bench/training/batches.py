"""The batches of an epoch, of all runs of a block, in order on one device."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hw1bench.records.runs import Block
from hw1bench.specs.experiment import Arm
from hw1bench.training import augmentation
from hw1bench.training.streams import generator_for


@dataclass(frozen=True)
class Epoch:
    """What is drawn for an epoch, on the CPU: the ``order (runs, samples)`` of the training samples and, if images are augmented,
    a draw for each run's samples in that order."""

    order: Tensor
    augment: list[augmentation.Draw]


class Draws:
    """The draws of the epochs, one after the other, from the streams of the runs."""

    def __init__(self, block: Block, samples: int) -> None:
        self._arm, self._samples = block.arm, samples
        self._order = [generator_for(block, "order", seed) for seed in block.seeds]
        self._augment = [generator_for(block, "augment", seed) for seed in block.seeds]

    def next(self) -> Epoch:
        whole = self._arm.batch_size is None
        rows = [
            torch.arange(self._samples) if whole else torch.randperm(self._samples, generator=generator)
            for generator in self._order
        ]
        return Epoch(torch.stack(rows), [self._of_run(run) for run in self._augment] if self._arm.augmented else [])

    def _of_run(self, generator: torch.Generator) -> augmentation.Draw:
        batch = self._arm.batch_size or self._samples
        sizes = [min(batch, self._samples - start) for start in range(0, self._samples, batch)]
        draws = [augmentation.draw(size, generator) for size in sizes]
        return augmentation.Draw(
            *(torch.cat([getattr(draw, name) for draw in draws]) for name in ("top", "left", "flip"))
        )


@dataclass(frozen=True)
class Resident:
    """A set on the device: ``x (samples, ...)``, images with their channels last, and ``y (runs or 1, samples, ...)``."""

    x: Tensor
    y: Tensor


class Batches:
    """The batches of an epoch on the device: all but the last, which are of one size, and the last one. Their order is that of
    the runs' draws."""

    def __init__(self, arm: Arm, of: Resident, images: Tensor, runs: int) -> None:
        """Of the set ``of``, or of augmented ``images (samples, channels, height, width)``, for so many runs."""
        self._of, self._images = of, images
        samples = len(of.x)
        self._batch = arm.batch_size or samples
        self.full = arm.steps_per_epoch(samples) - 1
        self.place = torch.zeros(1, dtype=torch.int64, device=of.x.device)  # of the step in the epoch
        parts = of.x, of.y[0]
        self._full = tuple(part.new_empty(self.full, runs, self._batch, *part.shape[1:]) for part in parts)
        rest = samples - self.full * self._batch
        self._last = tuple(part.new_empty(runs, rest, *part.shape[1:]) for part in parts)

    def load(self, epoch: Epoch) -> None:
        """Put the batches of ``epoch`` in place and begin with the first."""
        device = self._of.x.device
        self.place.zero_()
        for run, order in enumerate(epoch.order.to(device)):
            if epoch.augment:
                x = augmentation.augmented(self._images, order, epoch.augment[run])
                x = x.flatten(1) if self._of.x.ndim == 2 else x.permute(0, 2, 3, 1)
            else:
                x = self._of.x[order]
            y = self._of.y[run if len(self._of.y) > 1 else 0][order]
            for whole, full, last in zip((x, y), self._full, self._last, strict=True):
                most = self.full * self._batch
                full[:, run] = whole[:most].view(full[:, run].shape)
                last[run] = whole[most:]

    def current(self) -> tuple[Tensor, Tensor]:
        """Return the inputs (runs, batch, ...) and targets at ``place``, which is not the last of the epoch."""
        x, y = (full.index_select(0, self.place)[0] for full in self._full)
        return x, y

    def last(self) -> tuple[Tensor, Tensor]:
        x, y = self._last
        return x, y

    def forward(self) -> None:
        """Go on to the next batch."""
        self.place.add_(1)
