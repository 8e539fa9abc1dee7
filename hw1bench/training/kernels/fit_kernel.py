"""The fit kernel as a backend: small dense nets that fit functions, eight runs at a time, a thread per run.

A run's digits depend on the instruction set, and on nothing else: not on the number of threads, nor on how its epochs are
divided into calls.
"""

import ctypes
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from hw1bench import models
from hw1bench.data import Dataset
from hw1bench.records.runs import Block
from hw1bench.specs import notation
from hw1bench.specs.experiment import Arm, Function
from hw1bench.training import optimizers, stacked
from hw1bench.training.kernels import binaries
from hw1bench.training.kernels.calls import Pace, check, train_side_by_side
from hw1bench.training.kernels.structures import ACTIVATIONS, EPS, OPTIMIZERS, FitProblem, FitState
from hw1bench.training.streams import generator_for


def supports(arm: Arm) -> bool:
    """Whether the kernel trains such an arm: a dense net from numbers to numbers, by mean squared error.

    It does not say whether the kernel is built here: see ``binaries.isa``.
    """
    output = notation.parse(arm.model.layout)[-1]
    return (
        stacked.stackable(arm)
        and (isinstance(output, notation.Linear) or output == notation.Output("tanh"))
        and arm.loss == "mse"
        and arm.model.activation in ACTIVATIONS
        and arm.optimizer.name in OPTIMIZERS
        and arm.schedule is None
        and arm.gradient_norm in ("", "epoch")
        and arm.snapshots is None
        and isinstance(arm.data, Function)
    )


@dataclass
class _FitTask:
    """What the runs of a block share. ``problem`` points into ``arrays``: widths, x (inputs, samples), y (outputs, samples)."""

    arm: Arm
    samples: int
    problem: FitProblem
    arrays: tuple[np.ndarray, ...]
    function: Callable[..., int]

    @classmethod
    def of(cls, block: Block, dataset: Dataset, code: ctypes.CDLL) -> "_FitTask":
        arm, dtype = block.arm, np.dtype(block.arm.precision)
        layers = notation.parse(arm.model.layout)
        linears = [layer for layer in layers if isinstance(layer, notation.Linear)]
        widths = np.array([linears[0].inputs, *(layer.outputs for layer in linears)], dtype=np.int32)
        x = np.ascontiguousarray(models.inputs(arm.model, dataset.train.x).numpy().T, dtype=dtype)
        y = np.ascontiguousarray(dataset.train.y.numpy().T, dtype=dtype)
        if len(y) != widths[-1]:
            raise ValueError(f"layout {arm.model.layout!r} has {widths[-1]} outputs for {len(y)} targets")
        spec = arm.optimizer
        problem = FitProblem(
            widths=widths.ctypes.data,
            x=x.ctypes.data,
            y=y.ctypes.data,
            lr=spec.lr,
            weight_decay=spec.weight_decay,
            eps=EPS if spec.eps is None else spec.eps,
            epochs=arm.epochs,
            layers=len(linears),
            activation=ACTIVATIONS[arm.model.activation],
            output=0 if layers[-1] is linears[-1] else ACTIVATIONS["tanh"],
            optimizer=OPTIMIZERS[spec.name],
            samples=x.shape[1],
            batch=arm.batch_size or 0,
        )
        function = getattr(code, f"fit_train_{arm.precision}")
        return cls(arm, x.shape[1], problem, (widths, x, y), function)


class _FitRun:
    """One run while it trains: its state, and as many epochs per call as its pace allows."""

    def __init__(self, task: _FitTask, weights: np.ndarray, order: torch.Generator, gradient_norm: bool) -> None:
        self._task, self._order = task, order
        epochs, outputs = task.arm.epochs, len(task.arrays[2])
        self.arrays = {
            "train_loss": np.empty(epochs + 1, weights.dtype),
            "weights": weights.copy(),
            "prediction": np.empty((outputs, task.samples), weights.dtype),
        }
        if gradient_norm:
            self.arrays["gradient_norm"] = np.empty(epochs + 1, weights.dtype)
        self.moments = np.zeros((2, len(weights)), weights.dtype)
        self._state = FitState(
            first=self.moments[0].ctypes.data,
            second=self.moments[1].ctypes.data,
            beta1_power=1.0,
            beta2_power=1.0,
            **{name: array.ctypes.data for name, array in self.arrays.items()},
        )
        self._pace = Pace()  # of epochs

    def calls(self) -> Iterator[int]:
        """Train to the end, a call at a time; each gives the optimiser steps done."""
        while int(self._state.next_epoch) < self._task.arm.epochs:
            yield self.advance()

    def advance(self) -> int:
        """Make one call; the optimiser steps done. Raises MemoryError if memory ran out."""
        task = self._task
        epochs = min(self._pace.units, task.arm.epochs - int(self._state.next_epoch))
        start = time.perf_counter()
        order = None
        if task.arm.batch_size is not None:
            drawn = torch.empty(epochs, task.samples, dtype=torch.int64)
            for row in drawn:
                torch.randperm(task.samples, generator=self._order, out=row)
            order = drawn.numpy().astype(np.int32)
        pointer = None if order is None else order.ctypes.data
        check(task.function(ctypes.addressof(task.problem), ctypes.addressof(self._state), pointer, epochs))
        self._pace.took(epochs, time.perf_counter() - start)
        return epochs * task.arm.steps_per_epoch(task.samples)


def _coasted(arm: Arm, weights: np.ndarray, moments: np.ndarray, steps: float) -> np.ndarray:
    """How far the optimiser moves each run's weights when their gradient is zero, (runs,): see ``optimizers.coasted``.

    Torch's optimiser takes the step, from ``weights (runs, parameters)`` and the kernel's ``moments (2, runs, parameters)``
    after so many ``steps``.
    """
    flat = torch.from_numpy(weights.copy())
    optimizer = optimizers.make(arm.optimizer, [flat])
    first, second = torch.from_numpy(moments)
    optimizer.state[flat] = {
        "adam": {"step": torch.tensor(steps), "exp_avg": first, "exp_avg_sq": second},
        "rmsprop": {"step": torch.tensor(steps), "square_avg": second},
        "sgd": {},
    }[arm.optimizer.name]
    return optimizers.coasted(optimizer, [flat]).numpy()


def train(
    block: Block,
    dataset: Dataset,
    progress: Callable[[int], None],
    *,
    isa: str | None = None,
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    """Train the runs of ``block``; the arrays of a record, in the arm's precision.

    These are ``train_loss (runs, epochs + 1)``, ``weights (runs, parameters)`` and ``prediction (runs, points)``, as
    ``stacked.train`` gives them, and ``gradient_norm (runs, epochs + 1)`` if the arm asks for it; index 0 is before training.
    ``progress`` is told, from the calling thread, the model-steps done since it was last told. ``isa`` is one of
    ``binaries.instruction_sets`` (default: the best), ``threads`` at most 8 (default: one per processor).

    Raises ValueError for an arm that the kernel does not train, or an instruction set that is not here.
    """
    code = binaries.library(isa)
    if not supports(block.arm):
        raise ValueError(f"the fit kernel does not train arm {block.arm.name!r}")
    task = _FitTask.of(block, dataset, code)
    weights = stacked.initial(block, getattr(torch, block.arm.precision)).numpy()
    runs = [
        _FitRun(task, row, generator_for(block, "order", seed), block.arm.gradient_norm == "epoch")
        for row, seed in zip(weights, block.seeds, strict=True)
    ]
    train_side_by_side([run.calls() for run in runs], threads, progress)
    arrays = {key: np.stack([run.arrays[key] for run in runs]) for key in runs[0].arrays}
    arrays["prediction"] = arrays["prediction"][:, 0]
    if block.arm.coast:
        moments = np.stack([run.moments for run in runs], axis=1)
        steps = float(block.arm.epochs * block.arm.steps_per_epoch(task.samples))
        arrays["coasted"] = _coasted(block.arm, arrays["weights"], moments, steps)
    return arrays
