"""The native kernel for classifiers of images: small convolutional nets, a run at a time, one thread a run.

``convolutional_kernel.cpp`` lies in the same libraries as `native`'s. All random numbers are torch's and are drawn here,
for the batches of one call at a time, so that a run is the one that `sequential` trains. Its digits depend on the
instruction set alone: not on the number of threads, nor on how its batches are divided into calls.
"""

import ctypes
import os
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from hw1bench import layout as notation
from hw1bench import models
from hw1bench.data import Dataset, Split
from hw1bench.experiment import Arm, Images, StepLR
from hw1bench.runs import Block
from hw1bench.training import augmentation, native, stacked
from hw1bench.training.native import Progress
from hw1bench.training.streams import generator_for, random_labels

_ACTIVATIONS = {"relu": 1, "leaky_relu": 2, "tanh": 3}
_OPTIMIZERS = {"sgd": 0, "adam": 1, "rmsprop": 2}
_OUTPUTS = {"softmax": 1, "logsoftmax": 2}
_LOSSES = {"cross_entropy": 0, "nll": 1}
_EPS = 1e-8  # torch's default for Adam and RMSprop
_CALL_SECONDS = 0.08  # of work in one call: how long an interruption or a progress bar waits
_ALIGNMENT = 64  # of a run's memory
_LARGEST_POOL = 15  # a window's places fit a byte of the kernel


class _Stage(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int32) for name in ("channels", "height", "width", "kernel", "padding", "outputs")),
        *((name, ctypes.c_int32) for name in ("activation", "pool", "before", "after")),
        ("p_before", ctypes.c_double),
        ("p_after", ctypes.c_double),
    )


class _Problem(ctypes.Structure):
    _fields_ = (
        ("stages", ctypes.c_void_p),
        ("weight_decay", ctypes.c_double),
        ("eps", ctypes.c_double),
        *((name, ctypes.c_int32) for name in ("count", "batch", "output", "loss", "optimizer")),
    )


class _State(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("weights", "first", "second", "memory")),
        ("beta1_power", ctypes.c_double),
        ("beta2_power", ctypes.c_double),
    )


class _Set(ctypes.Structure):
    _fields_ = (("x", ctypes.c_void_p), ("y", ctypes.c_void_p))


class _Piece(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("order", "top", "left", "flip", "kept")),
        ("lr", ctypes.c_double),
        *((name, ctypes.c_int32) for name in ("samples", "place", "batch")),
    )


@dataclass
class _Weights:
    """A layer with weights and the words that follow it, as a stage of the kernel has them."""

    layer: notation.Conv | notation.Linear
    before: notation.Dropout | None = None
    pool: int = 1
    after: notation.Dropout | None = None


def _stages(layout: str) -> list[_Weights] | None:
    """The stages of ``layout``; None where it has words in an order that the kernel does not know."""
    stages: list[_Weights] = []
    for layer in notation.parse(layout):
        last = stages[-1] if stages else None
        match layer:
            case notation.Conv(_, _, kernel, padding):
                if padding >= kernel:
                    return None
                stages.append(_Weights(layer))
            case notation.Linear():
                stages.append(_Weights(layer))
            case notation.Pool(size):
                if last is None or last.pool > 1 or size > _LARGEST_POOL:
                    return None
                if size > 1:
                    last.before, last.pool, last.after = last.after, size, None
            case notation.Dropout(p, _):
                if last is None or last.after or p >= 1:
                    return None
                last.after = layer
            case notation.Output(name):
                if name not in _OUTPUTS:
                    return None
    return stages


def supports(arm: Arm) -> bool:
    """Whether the kernel trains such an arm: images to classes, each layer followed by at most dropout, pooling, dropout.

    It does not say whether there is a kernel here: see `native.isa`; nor whether it is faster than torch.
    """
    return isinstance(arm.data, Images) and arm.loss in _LOSSES and _stages(arm.model.layout) is not None


def _dropout(dropout: notation.Dropout | None) -> tuple[int, float]:
    return (0, 0.0) if dropout is None else (2 if dropout.maps else 1, dropout.p)


@dataclass(frozen=True)
class _Drawn:
    """What a dropout draws for a sample: (numbers,) that are kept with probability ``keep``."""

    numbers: int
    keep: float


def _compile(arm: Arm, shape: tuple[int, ...]) -> tuple[list[_Stage], list[_Drawn]]:
    """The stages of ``arm`` for images of ``shape (channels, height, width)``, and its dropouts in forward order."""
    found = _stages(arm.model.layout)
    assert found is not None
    stages, drawn = [], []
    for index, stage in enumerate(found):
        layer = stage.layer
        if isinstance(layer, notation.Linear):
            shape, outputs, kernel, padding = (layer.inputs, 1, 1), layer.outputs, 1, 0
        else:
            outputs, kernel, padding = layer.outputs, layer.kernel, layer.padding
        kinds, shares = zip(_dropout(stage.before), _dropout(stage.after), strict=True)
        active = isinstance(layer, notation.Conv) or layer.hidden
        activation = _ACTIVATIONS[arm.model.activation] if active else 0
        stages.append(_Stage(*shape, kernel, padding, outputs, activation, stage.pool, *kinds, *shares))
        sides = [side + 2 * padding - kernel + 1 for side in shape[1:]]
        for dropout, pool in ((stage.before, 1), (stage.after, stage.pool)):
            if dropout is not None:
                numbers = 1 if dropout.maps else (sides[0] // pool) * (sides[1] // pool)
                drawn.append(_Drawn(outputs * numbers, 1 - dropout.p))
        shape = (outputs, *(side // stage.pool for side in sides))
        if index + 1 == len(found) and shape[1:] != (1, 1):
            raise ValueError(f"layout {arm.model.layout!r} ends in maps")
    return stages, drawn


@dataclass(frozen=True)
class _Task:
    """What the runs of a block share. ``keep`` holds what the structures point into."""

    block: Block
    code: ctypes.CDLL
    problem: _Problem
    drawn: list[_Drawn]
    sets: dict[str, tuple[np.ndarray, np.ndarray]]  # split -> x (samples, channels, height, width), y (samples,) int32
    classes: int
    memory: int  # bytes of a run
    group: int  # samples: calls divide batches at multiples of it
    keep: Any

    @classmethod
    def of(cls, block: Block, dataset: Dataset, code: ctypes.CDLL) -> "_Task":
        arm = block.arm

        def resident(split: Split) -> tuple[np.ndarray, np.ndarray]:
            x = models.inputs(arm.model, split.x).numpy().reshape(split.x.shape)
            return np.ascontiguousarray(x, arm.precision), split.y.numpy().astype(np.int32)

        sets = {"train": resident(dataset.train)}
        if dataset.test is not None:
            sets["test"] = resident(dataset.test)
        stages, drawn = _compile(arm, tuple(dataset.train.x.shape[1:]))
        assert dataset.classes is not None
        if stages[-1].outputs < dataset.classes:
            raise ValueError(
                f"layout {arm.model.layout!r} has {stages[-1].outputs} outputs for {dataset.classes} classes"
            )
        array = (_Stage * len(stages))(*stages)
        last, samples = notation.parse(arm.model.layout)[-1], len(dataset.train)
        problem = _Problem(
            stages=ctypes.addressof(array),
            weight_decay=arm.optimizer.weight_decay,
            eps=_EPS if arm.optimizer.eps is None else arm.optimizer.eps,
            count=len(stages),
            batch=min(arm.batch_size or samples, samples),
            output=_OUTPUTS[last.name] if isinstance(last, notation.Output) else 0,
            loss=_LOSSES[arm.loss],
            optimizer=_OPTIMIZERS[arm.optimizer.name],
        )
        sizes = (ctypes.c_int64 * 2)()
        _checked(getattr(code, f"image_layout_{arm.precision}")(ctypes.byref(problem), sizes))
        return cls(block, code, problem, drawn, sets, dataset.classes, sizes[0], sizes[1], array)


def _checked(failed: int) -> None:
    if failed:
        raise MemoryError("the native kernel ran out of memory")


def _pointer(array: np.ndarray | None, place: int = 0) -> int | None:
    """The address of ``array[place]``."""
    return None if array is None else array.ctypes.data + place * array.itemsize


def _rates(lr: float, schedule: StepLR | None, epochs: int) -> list[float]:
    """The learning rate of each epoch, as ``StepLR`` makes it."""
    rates = []
    for epoch in range(epochs):
        if schedule is not None and epoch and epoch % schedule.every == 0:
            lr *= schedule.factor
        rates.append(lr)
    return rates


class _Pace:
    """How much work makes a call of `_CALL_SECONDS`; it settles as the calls come in."""

    def __init__(self) -> None:
        self.size = 1

    def took(self, size: int, seconds: float) -> None:
        self.size = max(1, int(size * min(_CALL_SECONDS / max(seconds, 1e-6), 10.0)))


class _Run:
    """One run while it trains: its state, and its work call by call."""

    def __init__(self, task: _Task, seed: int, weights: np.ndarray) -> None:
        self._task = task
        block, arm = task.block, task.block.arm
        epochs = arm.epochs + 1
        self.arrays = {f"{split}_{what}": np.empty(epochs) for split in task.sets for what in ("loss", "accuracy")}
        self.arrays["weights"] = weights.copy()
        self._sets = dict(task.sets)
        if isinstance(arm.data, Images) and arm.data.random_labels:
            x = task.sets["train"][0]
            y = random_labels(block.report, block.experiment, seed, len(x), task.classes)
            self._sets["train"] = (x, y.numpy().astype(np.int32))
        self._order, self._augment, self._dropout = (
            generator_for(block.report, block.experiment, stream, seed) for stream in ("order", "augment", "dropout")
        )
        self._moments = np.zeros((2, weights.size), weights.dtype)
        self._memory = np.zeros(task.memory + _ALIGNMENT, np.uint8)
        self._state = _State(
            weights=_pointer(self.arrays["weights"]),
            first=_pointer(self._moments[0]),
            second=_pointer(self._moments[1]),
            memory=-(-self._memory.ctypes.data // _ALIGNMENT) * _ALIGNMENT,
            beta1_power=1.0,
            beta2_power=1.0,
        )
        self._groups, self._batches = _Pace(), _Pace()  # a call of evaluation, and of training
        self.work = self._all()

    def _call(self, name: str, split: str, *arguments: Any) -> None:
        x, y = self._sets[split]
        found = _Set(_pointer(x), _pointer(y))
        function = getattr(self._task.code, f"image_{name}_{x.dtype}")
        problem, state = ctypes.byref(self._task.problem), ctypes.byref(self._state)
        _checked(function(problem, state, ctypes.byref(found), *arguments))

    def _all(self) -> Iterator[int]:
        """All of the run's work, a call at a time; gives the optimiser steps done in it."""
        arm = self._task.block.arm
        for epoch, lr in enumerate([*_rates(arm.optimizer.lr, arm.schedule, arm.epochs), None]):
            yield from self._evaluate(epoch)
            if lr is not None:
                yield from self._epoch(lr)

    def _evaluate(self, epoch: int) -> Iterator[int]:
        for split, (x, _) in self._sets.items():
            loss, correct, done = ctypes.c_double(), ctypes.c_int64(), 0
            while done < len(x):
                start, groups = time.perf_counter(), self._groups.size
                end = min(done + groups * self._task.group, len(x))
                span = (ctypes.c_int64(done), ctypes.c_int64(end))
                self._call("evaluate", split, *span, ctypes.byref(loss), ctypes.byref(correct))
                self._groups.took(groups, time.perf_counter() - start)
                done = end
                yield 0
            self.arrays[f"{split}_loss"][epoch] = loss.value / len(x)
            self.arrays[f"{split}_accuracy"][epoch] = correct.value / len(x)

    def _epoch(self, lr: float) -> Iterator[int]:
        task, arm = self._task, self._task.block.arm
        samples, size = len(self._sets["train"][0]), task.problem.batch
        whole = arm.batch_size is None
        order = torch.arange(samples) if whole else torch.randperm(samples, generator=self._order)
        rows = order.numpy().astype(np.int32)
        batches, done = -(-samples // size), 0
        while done < batches:
            start, count = time.perf_counter(), min(self._batches.size, batches - done)
            first = done * size
            pieces, held = self._draw(rows[first : first + count * size], lr)
            if count > 1:
                self._call("train", "train", (_Piece * len(pieces))(*pieces), ctypes.c_int64(len(pieces)))
            else:  # a batch may be the whole set: a few groups of it at a time
                yield from self._in_parts(pieces)
            del held
            self._batches.took(count, time.perf_counter() - start)
            done += count
            yield count

    def _draw(self, order: np.ndarray, lr: float) -> tuple[list[_Piece], Any]:
        """The batches of ``order`` with what they draw, and the arrays into which they point."""
        task, arm = self._task, self._task.block.arm
        size, samples = task.problem.batch, len(order)
        augmented = isinstance(arm.data, Images) and arm.data.augment
        moves = np.empty((3, samples), np.uint8) if augmented else None
        numbers = sum(drawn.numbers for drawn in task.drawn)
        kept = torch.empty(samples * numbers, dtype=torch.uint8) if task.drawn else None
        pieces, at = [], 0
        for first in range(0, samples, size):
            count = min(size, samples - first)
            if moves is not None:
                draw = augmentation.draw(count, self._augment)
                for row, values in zip(moves, (draw.top, draw.left, draw.flip), strict=True):
                    row[first : first + count] = values.numpy()
            if kept is not None:
                for drawn in task.drawn:
                    part = count * drawn.numbers
                    kept[at : at + part].bernoulli_(drawn.keep, generator=self._dropout)
                    at += part
            places = [None if moves is None else _pointer(row, first) for row in (moves if moves is not None else [None] * 3)]
            dropped = None if kept is None else kept.data_ptr() + first * numbers
            pieces.append(_Piece(_pointer(order, first), *places, dropped, lr, count, 0, count))
        return pieces, (order, moves, kept)

    def _in_parts(self, pieces: list[_Piece]) -> Iterator[int]:
        raise NotImplementedError


def train(
    block: Block,
    dataset: Dataset,
    progress: Progress,
    *,
    isa: str | None = None,
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    raise NotImplementedError
