"""The native kernel as a backend: small dense nets that fit functions, eight runs at a time, one thread a run.

``kernel.cpp`` is compiled once per instruction set into a shared library beside this file (see setup.py) and used
through ctypes, without Python's lock. Where there is none, `reason` says why. A run's digits depend on the instruction
set, and on nothing else: not on the number of threads, nor on how its epochs are divided into calls.
"""

import ctypes
import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np
import torch

from hw1bench import models
from hw1bench.data import Dataset
from hw1bench.records.runs import Block
from hw1bench.specs import notation
from hw1bench.specs.experiment import Arm, Function
from hw1bench.support.files import opened
from hw1bench.training import optimizers, stacked
from hw1bench.training.seal import is_whole
from hw1bench.training.streams import generator_for
from hw1bench.training.structures import Problem, State, mismatch
from hw1bench.training.threads import side_by_side

_FOLDER = Path(__file__).parent
_NAMES = ("baseline", "avx2", "avx512")  # each a superset of those before
ACTIVATIONS = {"relu": 1, "leaky_relu": 2, "tanh": 3}
OPTIMIZERS = {"sgd": 0, "adam": 1, "rmsprop": 2}
EPS = 1e-8  # torch's default for Adam and RMSprop
_CALL_SECONDS = 0.08  # of work in one call: how long an interruption or a progress bar waits

Progress = Callable[[int], None]  # told the model-steps done since it was last told


_AGAIN = "install hw1bench again"


class Missing(Exception):
    """A library of the kernel that is not there, or not usable; the text says why."""


def _load(name: str) -> ctypes.CDLL:
    """The library for instruction set ``name``; raises Missing where it is not there, not whole, stale, or does not load."""
    paths = [path for suffix in EXTENSION_SUFFIXES if (path := _FOLDER / f"_kernel_{name}{suffix}").exists()]
    if not paths:
        raise Missing("it was not built; install a C++ compiler, then hw1bench again")
    path, sources = paths[0], [source for kind in ("*.cpp", "*.h") for source in sorted(_FOLDER.glob(kind))]
    if not sources:
        raise Missing(f"the sources that {path.name} was built from, *.cpp and *.h, are missing beside it; {_AGAIN}")
    try:
        with opened(path) as file:
            # Before it is loaded: half a library, or one with a flipped bit, would end this process.
            if sys.platform != "darwin" and not is_whole(file.read(), path.name):
                raise Missing(f"{path.name} does not load: it is damaged; {_AGAIN}")
        library = ctypes.CDLL(str(path))
        library.source_digest.restype = library.build.restype = ctypes.c_char_p
        if library.source_digest().decode() != hashlib.sha256(b"".join(map(Path.read_bytes, sources))).hexdigest():
            names = sorted((source.name for source in sources), key=lambda name: (Path(name).suffix, len(name)))
            raise Missing(f"{path.name} was built from another {' or '.join(names)}; {_AGAIN}")
        if differs := mismatch(library):
            raise Missing(f"{path.name} does not load: its {differs} is not what Python mirrors; {_AGAIN}")
        for function in (library.train_float32, library.train_float64):
            function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    except (OSError, AttributeError) as error:
        raise Missing(f"{path.name} does not load: {getattr(error, 'strerror', None) or error}") from error
    return library


@cache
def _libraries() -> tuple[dict[str, ctypes.CDLL], str]:
    """The libraries that this processor can run, best last, and why one that it could run is not there, or ""."""
    try:
        baseline = _load(_NAMES[0])  # which also knows what the processor can run
    except Missing as missing:
        return {}, f"no native kernel: {missing}"
    libraries, why = {_NAMES[0]: baseline}, ""
    for name in _NAMES[1 : baseline.instruction_sets()]:
        try:
            libraries[name] = _load(name)
        except Missing as missing:
            why = f"no native kernel for {name}: {missing}"
    return libraries, why


def instruction_sets() -> tuple[str, ...]:
    """The instruction sets that are built and that this processor has, best last; empty where there is no kernel."""
    return tuple(_libraries()[0])


def library(name: str | None = None) -> ctypes.CDLL:
    """The library for instruction set ``name`` (default: the best); raises ValueError where it is not here."""
    name = name or isa() or ""
    if name not in instruction_sets():
        raise ValueError(reason() or f"no native kernel for {name!r} here, only for {', '.join(instruction_sets())}")
    return _libraries()[0][name]


def build() -> str:
    """What compiled the library in use, and a digest of how: with the sources this decides its digits; '' where there is none."""
    found = _libraries()[0].get(isa() or "")
    return "" if found is None else found.build().decode()


def isa() -> str | None:
    """The instruction set in use; None where there is no kernel."""
    return (instruction_sets() or (None,))[-1]


def reason() -> str:
    """Why there is no kernel, or not the best one that this processor could run, in one line; else empty."""
    return _libraries()[1]


def supports(arm: Arm) -> bool:
    """Whether the kernel trains such an arm: a dense net from numbers to numbers, by mean squared error.

    It does not say whether there is a kernel here: see `isa`.
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
class _Task:
    """What the runs of a block share. ``problem`` points into ``arrays``: widths, x (inputs, samples), y (outputs, samples)."""

    arm: Arm
    samples: int
    problem: Problem
    arrays: tuple[np.ndarray, ...]
    function: Callable[..., int]

    @classmethod
    def of(cls, block: Block, dataset: Dataset, code: ctypes.CDLL) -> "_Task":
        arm, dtype = block.arm, np.dtype(block.arm.precision)
        layers = notation.parse(arm.model.layout)
        linears = [layer for layer in layers if isinstance(layer, notation.Linear)]
        widths = np.array([linears[0].inputs, *(layer.outputs for layer in linears)], dtype=np.int32)
        x = np.ascontiguousarray(models.inputs(arm.model, dataset.train.x).numpy().T, dtype=dtype)
        y = np.ascontiguousarray(dataset.train.y.numpy().T, dtype=dtype)
        if len(y) != widths[-1]:
            raise ValueError(f"layout {arm.model.layout!r} has {widths[-1]} outputs for {len(y)} targets")
        spec = arm.optimizer
        problem = Problem(
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
        function = getattr(code, f"train_{arm.precision}")
        return cls(arm, x.shape[1], problem, (widths, x, y), function)


class _Run:
    """One run while it trains: its state, and as many epochs a call as take `_CALL_SECONDS`."""

    def __init__(self, task: _Task, weights: np.ndarray, order: torch.Generator, gradient_norm: bool) -> None:
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
        self._state = State(
            first=self.moments[0].ctypes.data,
            second=self.moments[1].ctypes.data,
            beta1_power=1.0,
            beta2_power=1.0,
            **{name: array.ctypes.data for name, array in self.arrays.items()},
        )
        self._epochs_a_call = 1

    def calls(self) -> Iterator[int]:
        """Its whole training, a call at a time; each gives the optimiser steps done."""
        while int(self._state.next_epoch) < self._task.arm.epochs:
            yield self.advance()

    def advance(self) -> int:
        """One call; the optimiser steps done. Raises MemoryError where memory ran out."""
        task = self._task
        epochs = min(self._epochs_a_call, task.arm.epochs - int(self._state.next_epoch))
        start = time.perf_counter()
        order = None
        if task.arm.batch_size is not None:
            drawn = torch.empty(epochs, task.samples, dtype=torch.int64)
            for row in drawn:
                torch.randperm(task.samples, generator=self._order, out=row)
            order = drawn.numpy().astype(np.int32)
        pointer = None if order is None else order.ctypes.data
        if task.function(ctypes.addressof(task.problem), ctypes.addressof(self._state), pointer, epochs):
            raise MemoryError("the native kernel ran out of memory")
        speed_up = min(_CALL_SECONDS / max(time.perf_counter() - start, 1e-6), 10.0)
        self._epochs_a_call = max(1, int(epochs * speed_up))
        return epochs * task.arm.steps_an_epoch(task.samples)


def _coasted(arm: Arm, weights: np.ndarray, moments: np.ndarray, steps: float) -> np.ndarray:
    """(runs,): see `optimizers.coasted`. Torch's optimiser takes the step, from ``weights (runs, parameters)`` and the kernel's
    ``moments (2, runs, parameters)`` after ``steps``."""
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
    progress: Progress,
    *,
    isa: str | None = None,
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    """Train the runs of ``block``; the arrays of a record, in the arm's precision.

    ``train_loss (runs, epochs + 1)``, ``weights (runs, parameters)``, ``prediction (runs, points)``, as `stacked.train`
    gives them, and ``gradient_norm (runs, epochs + 1)`` where the arm asks for it; index 0 is before training.
    ``progress`` is told from the calling thread.
    ``isa`` is one of `instruction_sets` (default: the best), ``threads`` at most 8 (default: one for each processor).

    Raises ValueError for an arm that the kernel does not train, or an instruction set that is not here.
    """
    code = library(isa)
    if not supports(block.arm):
        raise ValueError(f"the native kernel does not train arm {block.arm.name!r}")
    task = _Task.of(block, dataset, code)
    weights = stacked.initial(block, getattr(torch, block.arm.precision)).numpy()
    runs = [
        _Run(task, row, generator_for(block, "order", seed), block.arm.gradient_norm == "epoch")
        for row, seed in zip(weights, block.seeds, strict=True)
    ]
    side_by_side([run.calls() for run in runs], threads, progress)
    arrays = {key: np.stack([run.arrays[key] for run in runs]) for key in runs[0].arrays}
    arrays["prediction"] = arrays["prediction"][:, 0]
    if block.arm.coast:
        moments = np.stack([run.moments for run in runs], axis=1)
        steps = float(block.arm.epochs * block.arm.steps_an_epoch(task.samples))
        arrays["coasted"] = _coasted(block.arm, arrays["weights"], moments, steps)
    return arrays
