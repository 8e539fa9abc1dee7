"""The trainer on this machine: it trains and measures blocks one after the other, and shows progress."""

import math
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch

from hw1bench.data import Library
from hw1bench.effects.authored import authored
from hw1bench.measures import taking
from hw1bench.records import forms
from hw1bench.records.measured import measured
from hw1bench.records.runs import Block, Measured, Record, Work
from hw1bench.records.store import Store
from hw1bench.records.unfinished import Unfinished, there_of
from hw1bench.specs.experiment import BLOCK, Arm
from hw1bench.specs.measurement import Measurement
from hw1bench.support.precision import Precision
from hw1bench.support.progress import Progress
from hw1bench.support.refusals import Unavailable
from hw1bench.training import engine
from hw1bench.training.compiler import why_not
from hw1bench.training.kernels import binaries


class LocalTrainer:
    """A trainer of blocks, one after the other, on one device, in one ``precision``. Until a block is whole, its runs are kept in
    ``store``, if there is one. Raises ValueError for a device that is not available."""

    def __init__(
        self,
        device: str,
        progress: Progress,
        library: Library | None = None,
        *,
        precision: Precision = "default",
        store: Store | None = None,
    ) -> None:
        self._device = engine.device_of(device)
        self._precision = precision
        self._progress = progress
        self._library = library or Library()
        self._store = store
        self._told = False
        self._rehearsed: set[tuple[Measurement, Arm]] = set()

    @cached_property
    def environment(self) -> dict[str, Any]:
        return engine.environment(self._device, self._precision)

    def unseen(self, progress: Progress) -> "LocalTrainer":
        """The same trainer with another display."""
        twin = copy(self)
        twin._progress = progress
        return twin

    def beside_a_gpu(self, arm: Arm) -> bool:
        """Whether runs of ``arm`` are trained and measured by the host's processors although the device is a GPU."""
        return self._device.type == "cuda" and engine.backend(arm, self._device) == "fit_kernel"

    def keys(self, of: Work, known: Mapping[Block, Record]) -> tuple[str]:
        """The one name under which this machine stores the record of a block, or of a measurement of ``known`` blocks."""
        if isinstance(of, Block):
            return (engine.key(of, self._device, self._library, precision=self._precision),)
        decides = {
            **engine.computing(self._measuring(of.blocks[0].arm), self._precision),
            **taking.decides(of.measurement),
            **self.own(of.measurement),
        }
        return (taking.key(of.measurement, [known[block].name for block in of.blocks], decides),)

    def own(self, measurement: Measurement) -> dict[str, str]:
        """What identifies a ``measurement`` that the author of the claims wrote."""
        return authored(measurement)

    def unfit(self, record: Record, of: Work) -> str:
        """Why ``record`` cannot be what training a block, or measuring blocks, gives here; '' if it can."""
        if isinstance(of, Block):
            return forms.unfit(record, of, *engine.contents(of, self._library))
        _, facts = engine.contents(of.blocks[0], self._library)
        names = measured(of.measurement, *(block.arm for block in of.blocks))
        return forms.unfit(record, of, dict.fromkeys(names), facts)

    def make(self, work: Sequence[Work], known: Mapping[Block, Record], done: Callable[[Work, Record], None]) -> None:
        """Train the blocks of ``work``, small ones on a GPU side by side, and then take its measurements, which are rehearsed
        before."""
        self._rehearse(work)
        trained = dict(known)

        def keep(of: Work, record: Record) -> None:
            named = replace(record, name=self.keys(of, trained)[0])
            if isinstance(of, Block):
                trained[of] = named
            done(of, named)

        self._train([one for one in work if isinstance(one, Block)], keep)
        for one in work:
            if isinstance(one, Measured):
                keep(one, self._measure(one.measurement, [(block, trained[block]) for block in one.blocks]))

    def _rehearse(self, work: Sequence[Work]) -> None:
        """Raise what a function of the author's would raise after the training of blocks that it measures."""
        trains = {one for one in work if isinstance(one, Block)}
        for one in work:
            if not isinstance(one, Measured) or trains.isdisjoint(one.blocks):
                continue
            block = one.blocks[0]
            if (one.measurement, block.arm) not in self._rehearsed:
                device, dataset = self._measuring(block.arm), self._library.of(block.arm)
                taking.rehearse(one.measurement, block, dataset, device, precision=self._precision)
                self._rehearsed.add((one.measurement, block.arm))

    def _train(self, blocks: Sequence[Block], done: Callable[[Block, Record], None]) -> None:
        for group in engine.groups(blocks, self._device):
            steps = [engine.steps(block, self._library) for block in group]
            unfinished = self._unfinished(group[0])
            for block, its in zip(group, steps, strict=True):
                if binaries.isa() is None and engine.for_the_fit_kernel(block.arm, self._device):
                    self._without_kernels(block, its)
            label, whole = str(group[0]), sum(steps)
            if len(group) > 1:
                label += f" and {len(group) - 1} more"
            if unfinished and len(unfinished.left) < BLOCK:
                label += f", {len(unfinished.left)} of them left"
                whole = whole * len(unfinished.left) // BLOCK

            def keep(block: Block, record: Record, unfinished: Unfinished | None = unfinished) -> None:
                done(block, block.kept(record))
                if unfinished:
                    unfinished.remove()

            self._progress.start(label, whole)
            try:
                engine.train_group(
                    group,
                    self._device,
                    keep,
                    self._progress.advance,
                    self._library,
                    precision=self._precision,
                    unfinished=unfinished,
                )
            except BaseException:
                if unfinished:
                    unfinished.store_held()
                raise
            finally:
                self._progress.finish()

    def left(self, block: Block) -> int:
        """How many runs of ``block`` would take, in a whole block, as long as those that are to be trained: as many at once as a
        machine trains, the last of which may be alone."""
        store = self._store_of_runs(block)
        if store is None:
            return BLOCK
        there = there_of(block, self.keys(block, {})[0], store)
        at_once = engine.at_once(block.arm, self._device)
        return min(BLOCK, math.ceil((BLOCK - there) / at_once) * at_once)

    def _store_of_runs(self, block: Block) -> Store | None:
        """Where runs of ``block`` are kept that end before others; None if there is no such place, or no such run."""
        return self._store if engine.run_by_run(block.arm, self._device) else None

    def _unfinished(self, block: Block) -> Unfinished | None:
        """The runs of ``block`` that are kept until it is whole; None if they do not end one by one, or cannot be kept."""
        store = self._store_of_runs(block)
        if store is None:
            return None
        shapes, facts = engine.contents(block, self._library)
        key = self.keys(block, {})[0]
        return Unfinished(block, key, store, lambda record: forms.unfit(record, block, shapes, facts, runs=1))

    def _measure(self, measurement: Measurement, trained: Sequence[tuple[Block, Record]]) -> Record:
        block, _ = trained[0]
        self._progress.start(f"{block}, {measurement.title}", taking.steps(measurement))
        try:
            dataset = self._library.of(block.arm)
            device, advance = self._measuring(block.arm), self._progress.advance
            return taking.take(measurement, trained, dataset, device, advance, precision=self._precision)
        finally:
            self._progress.finish()

    def _measuring(self, arm: Arm) -> torch.device:
        """The device on which runs of ``arm`` are measured."""
        return torch.device("cpu") if self.beside_a_gpu(arm) else self._device

    def _without_kernels(self, block: Block, steps: int) -> None:
        """Say once that small nets train slowly. Raises Unavailable for a block that would take hours."""
        if block.arm.batch_size == 1 and steps > engine.STEPS_WITHOUT_KERNELS:
            hours = steps * engine.SECONDS_WITHOUT_KERNELS / 3600
            raise Unavailable(f"{binaries.reason()}; without them this block at batch 1 takes about {hours:.1f} hours")
        if self._device.type == "cpu" and not self._told:
            self._told = True
            compiled = self.environment["compiled"]
            why = why_not() or "there is no C++ compiler"
            how = "compiled by torch, about ten" if compiled else f"uncompiled ({why}), tens of"
            self._progress.notice(f"{binaries.reason()}; training {how} times slower")


def cuda_here() -> bool:
    """Whether torch sees a CUDA device."""
    return torch.cuda.is_available()
