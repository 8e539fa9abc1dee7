"""Training on this machine: the engine as the court's trainer, with progress."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Protocol

import torch

from hw1bench.runs import Block, Record, Unavailable
from hw1bench.training import engine, native


class Progress(Protocol):
    """Shown while training: ``start`` a block of so many model-steps, ``advance``, ``finish``; ``notice`` prints a line."""

    def start(self, label: str, steps: int) -> None: ...
    def advance(self, steps: int) -> None: ...
    def finish(self) -> None: ...
    def notice(self, text: str) -> None: ...


class LocalTrainer:
    """Trains blocks one after the other on one device. Raises ValueError for a device that is not there."""

    def __init__(self, device: str, progress: Progress) -> None:
        self._device = engine.device_of(device)
        self._progress = progress
        self._told = False

    @cached_property
    def environment(self) -> dict[str, object]:
        return engine.environment(self._device)

    def key(self, block: Block) -> str:
        return engine.key(block, self._device)

    def train(self, blocks: Sequence[Block], done: Callable[[Block, Record], None]) -> None:
        if self._device.type == "cpu" and native.isa() is None and not self._told:
            self._told = True
            how = "compiled by torch" if self.environment["compiled"] else "uncompiled, for there is no C++ compiler"
            self._progress.notice(f"{native.reason()}; training {how}, tens of times slower")
        for block in blocks:
            if engine.steps(block) > engine.STEPS_WITHOUT_KERNEL and native.isa() is None and block.arm.batch_size == 1:
                hours = engine.steps(block) * engine.SECONDS_WITHOUT_KERNEL / 3600
                raise Unavailable(f"{native.reason()}; without it this block at batch 1 takes some {hours:.1f} hours")
            self._progress.start(str(block), engine.steps(block))
            try:
                record = engine.train(block, self._device, self._progress.advance)
            finally:
                self._progress.finish()
            done(block, record)


def cuda_here() -> bool:
    """Whether torch sees a CUDA device."""
    return torch.cuda.is_available()
