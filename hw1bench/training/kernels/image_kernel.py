"""The image kernel as a backend: small classifiers of images, convolutional or dense, one run per thread.

All random numbers are drawn here by torch, for the batches of one call at a time, so that a run equals the run that
``sequential`` trains. Its digits depend on the instruction set, but not on the number of threads or on how its batches are
divided into calls.
"""

import ctypes
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hw1bench import models
from hw1bench.data import Dataset
from hw1bench.records.runs import KEPT_WEIGHTS, Block
from hw1bench.specs.evaluation import SplitName
from hw1bench.specs.experiment import Arm
from hw1bench.specs.network import Network
from hw1bench.support.progress import Advance
from hw1bench.training import augmentation, optimizers, stacked
from hw1bench.training.kernels import binaries, structures
from hw1bench.training.kernels.calls import Pace, check, train_side_by_side
from hw1bench.training.kernels.image_problem import CompiledProblem, resident
from hw1bench.training.kernels.stages import stages_of
from hw1bench.training.kernels.structures import LOSSES, ImagePiece, ImageSamples, ImageState
from hw1bench.training.recording import Ended, Recording
from hw1bench.training.streams import Stream, generator_for, training_targets

# Parameters of the largest net. At 1 to 3 million a step was measured to take torch 1.2 to 1.9 times as long on one thread, at
# 4 million as long: each group of samples passes over all weights, which then leave the cache.
LARGEST = 3_000_000

_STREAMS: tuple[Stream, ...] = ("order", "augment", "dropout")


def supports(arm: Arm) -> bool:
    """Whether the kernel can train ``arm``: a classifier, of images or of rows of features, each layer followed by at most
    dropout, pooling, dropout.

    Whether the kernel is built here is another question (see ``binaries.isa``), and so is whether it is faster than torch.
    """
    return not arm.data.regression and not any(lacking(arm))


def lacking(arm: Arm) -> Iterator[str]:
    """What the kernel lacks to train ``arm``, which learns classes, a few words each."""
    if isinstance(arm.model, Network):
        yield "a network of one's own"
        return
    if stages_of(arm.model.layout) is None:
        yield "its layers"
    yield from structures.lacking(arm.model, arm.optimizer)
    if arm.loss not in LOSSES:
        yield arm.loss
    if arm.model.parameters > LARGEST:
        yield f"{arm.model.parameters:,} parameters"
    if arm.coast:
        yield "coast"


@dataclass(frozen=True)
class _ImageSetup:
    """Data shared by the runs of a block."""

    block: Block
    dataset: Dataset
    code: ctypes.CDLL
    sets: dict[SplitName, tuple[np.ndarray, np.ndarray]]  # x (samples, channels, height, width), y (samples,) int32
    compiled: CompiledProblem

    @classmethod
    def of(cls, block: Block, dataset: Dataset, code: ctypes.CDLL) -> "_ImageSetup":
        sets = {name: resident(block.arm, split) for name, split in dataset.splits.items()}
        assert dataset.classes is not None
        compiled = CompiledProblem.of(block.arm, sets["train"][0], dataset.classes, code)
        return cls(block, dataset, code, sets, compiled)


class _ImageRun:
    """A run in training. Iterating over ``calls`` trains it to the end, call by call, and yields the optimiser steps of each."""

    def __init__(self, setup: _ImageSetup, seed: int, weights: np.ndarray) -> None:
        self._setup = setup
        block, arm = setup.block, setup.block.arm
        self._sets = dict(setup.sets)
        self._due = {split: arm.evaluation.epochs(split, arm.epochs) for split in self._sets}
        if arm.random_labels:
            x, _ = setup.sets["train"]
            self._sets["train"] = (x, training_targets(block, setup.dataset, seed).numpy().astype(np.int32))
        self.arrays = {
            f"{split}_{what}": np.full(arm.epochs + 1, np.nan) for split in self._sets for what in ("loss", "accuracy")
        }
        self._weights = weights.copy()
        self.recording = Recording(arm, len(setup.dataset.train), lambda: self._weights)
        steps = arm.steps_per_epoch(len(setup.dataset.train))
        lengths = {
            "epoch": {"gradient_norm": arm.epochs + 1},
            "step": {"gradient_norm": arm.epochs * steps, "step_loss": arm.epochs * steps},
            "last batch": {"last_batch_norm": arm.epochs},
        }
        self.arrays |= {name: np.empty(length) for name, length in lengths.get(arm.gradient_norm, {}).items()}
        # For each batch of an epoch: the sum of its losses, and the squared norm of the gradient by each parameter tensor.
        self._losses, self._squares = np.zeros(steps), np.zeros((steps, 2 * setup.compiled.problem.count))
        self._order, self._augment, self._dropout = (generator_for(block, stream, seed) for stream in _STREAMS)
        self._moments = np.zeros((2, weights.size), weights.dtype)
        self._memory = setup.compiled.memory()
        self._state = ImageState(
            weights=self._weights.ctypes.data,
            first=self._moments[0].ctypes.data,
            second=self._moments[1].ctypes.data,
            memory=self._memory.ctypes.data,
            beta1_power=1.0,
            beta2_power=1.0,
        )
        self._training, self._evaluation = Pace(), Pace()  # in groups of samples
        self.calls = self._all()

    def _all(self) -> Iterator[int]:
        arm = self._setup.block.arm
        yield from self._evaluate(0)
        for epoch, lr in enumerate(optimizers.rates(arm.optimizer.lr, arm.schedule, arm.epochs)):
            yield from self._through(self._drawn_batches(lr))
            self._record(epoch)
            yield from self._evaluate(epoch + 1)
            watched = self.recording.watched
            self.recording.epoch(self.arrays[watched][epoch + 1] if watched else None)
        left_out = self.recording.left_out()
        if left_out:
            epoch, self._weights[:] = left_out
            yield from self._evaluate_set("train", epoch)

    def _call(self, name: str, split: SplitName, *arguments: Any) -> None:
        x, y = self._sets[split]
        images = ImageSamples(x.ctypes.data, y.ctypes.data)
        function = getattr(self._setup.code, f"image_{name}_{x.dtype}")
        pointers = (ctypes.byref(structure) for structure in (self._setup.compiled.problem, self._state, images))
        check(function(*pointers, *arguments))

    def _evaluate(self, epoch: int) -> Iterator[int]:
        """Write loss and accuracy of the whole sets that are due, and the gradient norm if it is recorded, to place ``epoch``."""
        for split, due in self._due.items():
            if epoch in due:
                yield from self._evaluate_set(split, epoch)
            elif split == "train" and self._setup.block.arm.gradient_norm == "epoch":
                yield from self._whole_gradient(epoch, ctypes.c_double(), ctypes.c_int64())

    def _evaluate_set(self, split: SplitName, epoch: int) -> Iterator[int]:
        loss, correct, samples = ctypes.c_double(), ctypes.c_int64(), len(self._sets[split][0])
        if split == "train" and self._setup.block.arm.gradient_norm == "epoch":
            yield from self._whole_gradient(epoch, loss, correct)
        else:
            yield from self._losses_of(split, loss, correct)
        self.arrays[f"{split}_loss"][epoch] = loss.value / samples
        self.arrays[f"{split}_accuracy"][epoch] = correct.value / samples

    def _losses_of(self, split: SplitName, loss: ctypes.c_double, correct: ctypes.c_int64) -> Iterator[int]:
        """Add the losses and the correct predictions of all samples to ``loss`` and ``correct``."""
        samples, done = len(self._sets[split][0]), 0
        while done < samples:
            start = time.perf_counter()
            end = min(done + self._evaluation.units * self._setup.compiled.group, samples)
            span = (ctypes.c_int64(done), ctypes.c_int64(end))
            self._call("evaluate", split, *span, ctypes.byref(loss), ctypes.byref(correct))
            self._evaluation.took(-(-(end - done) // self._setup.compiled.group), time.perf_counter() - start)
            done = end
            yield 0

    def _whole_gradient(self, epoch: int, loss: ctypes.c_double, correct: ctypes.c_int64) -> Iterator[int]:
        """Write the gradient norm of the whole training set to place ``epoch``; add losses and correct predictions."""
        order = np.arange(len(self._sets["train"][0]), dtype=np.int32)
        whole = ImagePiece(
            order=order.ctypes.data,
            loss=ctypes.addressof(loss),
            correct=ctypes.addressof(correct),
            squares=self._squares.ctypes.data,
            batch=len(order),
        )
        yield from self._through(iter([(whole, [order])]))
        self.arrays["gradient_norm"][epoch] = np.sqrt(self._squares[0].sum())

    def _record(self, epoch: int) -> None:
        """Record the gradient norms and losses of the batches of ``epoch`` that the arm asks for, once it has ended."""
        arm, steps = self._setup.block.arm, len(self._losses)
        if arm.gradient_norm == "last batch":
            self.arrays["last_batch_norm"][epoch] = np.sqrt(self._squares[-1]).mean()
        if arm.gradient_norm == "step":
            here = slice(epoch * steps, (epoch + 1) * steps)
            self.arrays["gradient_norm"][here] = np.sqrt(self._squares.sum(axis=1))
            samples, batch = len(self._sets["train"][0]), self._setup.compiled.problem.batch
            self.arrays["step_loss"][here] = self._losses / np.diff([*range(0, samples, batch), samples])

    def _through(self, batches: Iterator[tuple[ImagePiece, list[np.ndarray]]]) -> Iterator[int]:
        """Train on every batch once.

        A call ends when the pace is reached, perhaps within a batch, or when a snapshot is due.
        """
        start, groups, steps = time.perf_counter(), 0, 0
        pieces: list[ImagePiece] = []
        held: list[np.ndarray] = []  # keeps alive the arrays that the pieces point into
        for batch, arrays in batches:
            held += arrays
            place = 0
            while place < batch.batch:
                room = (self._training.units - groups) * self._setup.compiled.group
                piece = _part(batch, place, min(place + room, batch.batch))
                pieces.append(piece)
                groups += -(-(piece.end - place) // self._setup.compiled.group)
                place = piece.end
                steps += batch.step and place == batch.batch
                if groups == self._training.units or steps == self.recording.due_in:
                    self._train(pieces, steps)
                    self._training.took(groups, time.perf_counter() - start)
                    yield steps
                    pieces, held = [], arrays
                    start, groups, steps = time.perf_counter(), 0, 0
        if pieces:
            self._train(pieces, steps)
            yield steps

    def _train(self, pieces: list[ImagePiece], steps: int) -> None:
        self._call("train", "train", (ImagePiece * len(pieces))(*pieces), ctypes.c_int64(len(pieces)))
        self.recording.step(steps)

    def _drawn_batches(self, lr: float) -> Iterator[tuple[ImagePiece, list[np.ndarray]]]:
        """Draw the batches of an epoch. Yield each as one piece, with the arrays that it points into."""
        setup, arm = self._setup, self._setup.block.arm
        samples = len(self._sets["train"][0])
        whole = arm.batch_size is None
        order = torch.arange(samples) if whole else torch.randperm(samples, generator=self._order)
        self._losses[:] = 0
        for i, rows in enumerate(order.to(torch.int32).split(setup.compiled.problem.batch)):
            drawn = [rows.numpy()]
            if arm.augmented:
                draw = augmentation.draw(len(rows), self._augment)
                drawn += [values.to(torch.uint8).numpy() for values in (draw.top, draw.left, draw.flip)]
            if setup.compiled.dropouts:
                draws = [(len(rows) * dropout.numbers, dropout.p) for dropout in setup.compiled.dropouts]
                kept = torch.cat([models.kept(*draw, [self._dropout], self._dropout.device)[0] for draw in draws])
                drawn += [np.empty(0)] * (4 - len(drawn)) + [kept.view(torch.uint8).numpy()]
            pointers = [array.ctypes.data if array.size else None for array in drawn]
            piece = ImagePiece(*pointers, lr=lr, batch=len(rows), step=1)
            if arm.gradient_norm == "step":
                piece.loss = self._losses[i:].ctypes.data
            if arm.gradient_norm == "step" or (arm.gradient_norm == "last batch" and i == len(self._losses) - 1):
                piece.squares = self._squares[i].ctypes.data
            yield piece, drawn


def _part(batch: ImagePiece, start: int, end: int) -> ImagePiece:
    """Return the part of ``batch`` with its samples ``start`` to ``end``."""
    part = ImagePiece.from_buffer_copy(batch)
    part.start, part.end = start, end
    return part


def train(
    block: Block,
    dataset: Dataset,
    advance: Advance,
    *,
    isa: str | None = None,
    threads: int | None = None,
    seeds: Sequence[int] | None = None,
    ended: Ended = lambda seed, arrays: None,
) -> dict[str, np.ndarray]:
    """Train the runs of ``block``, or those of its ``seeds`` that are given. Return the arrays of a record, as from
    ``sequential.train``.

    ``advance`` is called, from the calling thread, with the model-steps done since the last call, and ``ended`` with the arrays
    of each run. ``isa`` is one of ``binaries.instruction_sets`` (default: the best), ``threads`` at most 8 (default: one per
    processor).

    Raises ValueError if the kernel does not train the arm, or has no library for the instruction set.
    """
    code = binaries.library(isa)
    if not supports(block.arm):
        raise ValueError(f"the image kernel does not train arm {block.arm.name!r}")
    setup = _ImageSetup.of(block, dataset, code)
    weights = dict(zip(block.seeds, stacked.initial(block, getattr(torch, block.arm.precision)).numpy(), strict=True))
    wanted = block.seeds if seeds is None else seeds
    runs = [_ImageRun(setup, seed, weights[seed]) for seed in wanted]
    keeps = block.arm.model.numbers <= KEPT_WEIGHTS
    found: dict[int, dict[str, np.ndarray]] = {}

    def has_ended(place: int) -> None:
        run, seed = runs[place], wanted[place]
        found[seed] = run.arrays | (run.recording.arrays() if keeps else {})
        ended(seed, found[seed])

    train_side_by_side([run.calls for run in runs], threads, advance, has_ended)
    return {name: np.stack([found[seed][name] for seed in wanted]) for name in found[wanted[0]]}
