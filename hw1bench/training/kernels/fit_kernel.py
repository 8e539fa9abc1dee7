"""The fit kernel as a backend: small dense nets that fit functions, one run per thread or, at batch size 1, up to four, each in
a lane of the processor's vectors.

A run's digits depend on the instruction set, but not on the number of threads or on how its epochs are divided into calls.
"""

import ctypes
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from hw1bench import models
from hw1bench.data import Dataset
from hw1bench.records.runs import Block
from hw1bench.specs import notation
from hw1bench.specs.experiment import Arm
from hw1bench.specs.network import Network
from hw1bench.support.progress import Advance
from hw1bench.training import optimizers, stacked
from hw1bench.training.kernels import binaries, structures
from hw1bench.training.kernels.calls import Pace, check, train_side_by_side
from hw1bench.training.kernels.structures import ACTIVATIONS, EPS, OPTIMIZERS, FitProblem, FitState
from hw1bench.training.streams import generator_for


def supports(arm: Arm) -> bool:
    """Whether the kernel can train ``arm``: a dense net that fits numbers without a test set, by mean squared error.

    Whether the kernel is built here is another question: see ``binaries.isa``.
    """
    return arm.data.regression and not any(lacking(arm))


def lacking(arm: Arm) -> Iterator[str]:
    """What the kernel lacks to train ``arm``, which learns numbers, a few words each."""
    if isinstance(arm.model, Network):
        yield "a network of one's own"
        return
    layers = notation.parse(arm.model.layout)
    output = layers[-1]
    if not stacked.stackable(arm):
        yield "layers that are not dense"
    if not all(layer.bias for layer in layers if isinstance(layer, notation.Linear)):
        yield "layers without a bias"
    if isinstance(output, notation.Output) and output.name != "tanh":
        yield output.name
    yield from structures.lacking(arm.model, arm.optimizer)
    if arm.loss != "mse":
        yield arm.loss
    if arm.schedule is not None:
        yield type(arm.schedule).__name__
    if arm.gradient_norm not in ("", "epoch"):
        yield f"gradient_norm={arm.gradient_norm!r}"
    if arm.snapshots is not None:
        yield "snapshots"
    if arm.data.tested:
        yield "a test set"
    if arm.validation:
        yield "samples held out"


def calls_beside(block: Block, isa: str | None = None) -> int:
    """How many calls of the kernel train the runs of ``block`` side by side, if there are threads for all: at batch size 1 a
    call trains a few runs. ``isa`` as in ``train``."""
    itemsize = np.dtype(block.arm.precision).itemsize
    together = int(binaries.library(isa).fit_lanes(itemsize)) if block.arm.batch_size == 1 else 1
    return len(block.seeds) // together


@dataclass
class _FitSetup:
    """Data shared by the runs of a block; ``problem`` points to ``arrays``: widths, x (inputs, samples), y (outputs, samples),
    and whether each epoch is evaluated (epochs + 1,)."""

    arm: Arm
    samples: int
    problem: FitProblem
    arrays: tuple[np.ndarray, ...]
    function: Callable[..., int]

    @classmethod
    def of(cls, block: Block, dataset: Dataset, code: ctypes.CDLL) -> "_FitSetup":
        arm, dtype = block.arm, np.dtype(block.arm.precision)
        layers = notation.parse(arm.laid_out.layout)
        linears = [layer for layer in layers if isinstance(layer, notation.Linear)]
        widths = np.array([linears[0].inputs, *(layer.outputs for layer in linears)], dtype=np.int32)
        x = np.ascontiguousarray(models.inputs(arm.laid_out, dataset.train.x).numpy().T, dtype=dtype)
        y = np.ascontiguousarray(dataset.train.y.numpy().T, dtype=dtype)
        if len(y) != widths[-1]:
            raise ValueError(f"layout {arm.laid_out.layout!r} has {widths[-1]} outputs for {len(y)} targets")
        evaluated = np.zeros(arm.epochs + 1, dtype=np.uint8)
        evaluated[list(arm.evaluation.epochs("train", arm.epochs))] = 1
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
            activation=ACTIVATIONS[arm.laid_out.activation],
            output=0 if layers[-1] is linears[-1] else ACTIVATIONS["tanh"],
            optimizer=OPTIMIZERS[spec.name],
            samples=x.shape[1],
            batch=arm.batch_size or 0,
            evaluated=evaluated.ctypes.data,
        )
        function = getattr(code, f"fit_train_{arm.precision}")
        return cls(arm, x.shape[1], problem, (widths, x, y, evaluated), function)


class _FitRuns:
    """Runs in training that the kernel trains together: their state, and calls of as many epochs as their pace allows.

    ``weights (runs, parameters)`` are the initial ones, ``orders`` the generators of the runs' orders of samples.
    """

    def __init__(
        self, setup: _FitSetup, weights: np.ndarray, orders: Sequence[torch.Generator], gradient_norm: bool
    ) -> None:
        self._setup, self._orders = setup, orders
        runs, epochs, outputs = len(weights), setup.arm.epochs, len(setup.arrays[2])
        self.arrays = {
            "train_loss": np.full((runs, epochs + 1), np.nan, weights.dtype),
            "weights": weights.copy(),
            "prediction": np.empty((runs, outputs, setup.samples), weights.dtype),
        }
        if gradient_norm:
            self.arrays["gradient_norm"] = np.empty((runs, epochs + 1), weights.dtype)
        self.moments = np.zeros((2, *weights.shape), weights.dtype)
        self._state = FitState(
            first=self.moments[0].ctypes.data,
            second=self.moments[1].ctypes.data,
            beta1_power=1.0,
            beta2_power=1.0,
            **{name: array.ctypes.data for name, array in self.arrays.items()},
        )
        self._pace = Pace()  # in epochs

    def calls(self) -> Iterator[int]:
        """Train to the end, call by call. Yield the model-steps of each call."""
        while int(self._state.next_epoch) < self._setup.arm.epochs:
            yield self._call()

    def _call(self) -> int:
        """Call the kernel once. Return the model-steps. Raises MemoryError if memory runs out."""
        setup = self._setup
        epochs = min(self._pace.units, setup.arm.epochs - int(self._state.next_epoch))
        start = time.perf_counter()
        order = None
        if setup.arm.batch_size is not None:
            drawn = torch.empty(len(self._orders), epochs, setup.samples, dtype=torch.int64)
            for rows, generator in zip(drawn, self._orders, strict=True):
                for row in rows:
                    torch.randperm(setup.samples, generator=generator, out=row)
            order = drawn.numpy().astype(np.int32)
        pointer = None if order is None else order.ctypes.data
        check(setup.function(ctypes.addressof(setup.problem), ctypes.addressof(self._state), pointer, epochs))
        self._pace.took(epochs, time.perf_counter() - start)
        return len(self._orders) * epochs * setup.arm.steps_per_epoch(setup.samples)


def _coasted(arm: Arm, weights: np.ndarray, moments: np.ndarray, steps: float) -> np.ndarray:
    """Return the relative length (runs,) of each run's next step with a gradient of zero: see ``optimizers.coasted``.

    Torch's optimiser takes the step, from ``weights (runs, parameters)`` and the kernel's ``moments (2, runs, parameters)``
    after ``steps`` steps.
    """
    flat = torch.from_numpy(weights.copy())
    optimizer = optimizers.make(arm.optimizer, [flat])
    first, second = torch.from_numpy(moments)
    optimizer.state[flat] = {
        "adam": {"step": torch.tensor(steps), "exp_avg": first, "exp_avg_sq": second},
        "rmsprop": {"step": torch.tensor(steps), "square_avg": second},
        "sgd": {},
    }[arm.optimizer.name]
    return optimizers.coasted(optimizer, [flat], flat.clone).numpy()


def train(
    block: Block,
    dataset: Dataset,
    advance: Advance,
    *,
    isa: str | None = None,
    threads: int | None = None,
) -> dict[str, np.ndarray]:
    """Train the runs of ``block``. Return the arrays of a record, in the arm's precision.

    They are ``train_loss (runs, epochs + 1)``, ``weights (runs, parameters)`` and ``prediction``, as from
    ``stacked.train``, and ``gradient_norm (runs, epochs + 1)`` if the arm asks for it; index 0 is before training.
    ``advance`` is called, from the calling thread, with the model-steps done since the last call. ``isa`` is one of
    ``binaries.instruction_sets`` (default: the best), ``threads`` at most 8 (default: one per processor).

    Raises ValueError if the kernel does not train the arm, or has no library for the instruction set.
    """
    code = binaries.library(isa)
    if not supports(block.arm):
        raise ValueError(f"the fit kernel does not train arm {block.arm.name!r}")
    setup = _FitSetup.of(block, dataset, code)
    weights = stacked.initial(block, getattr(torch, block.arm.precision)).numpy()
    orders = [generator_for(block, "order", seed) for seed in block.seeds]
    together = len(orders) // calls_beside(block, isa)
    groups = [
        _FitRuns(setup, weights[at : at + together], orders[at : at + together], block.arm.gradient_norm == "epoch")
        for at in range(0, len(orders), together)
    ]
    train_side_by_side([group.calls() for group in groups], threads, advance)
    arrays = {key: np.concatenate([group.arrays[key] for group in groups]) for key in groups[0].arrays}
    arrays["prediction"] = (
        np.moveaxis(arrays["prediction"], 1, 2) if len(setup.arrays[2]) > 1 else arrays["prediction"][:, 0]
    )
    if block.arm.coast:
        moments = np.concatenate([group.moments for group in groups], axis=1)
        steps = float(block.arm.epochs * block.arm.steps_per_epoch(setup.samples))
        arrays["coasted"] = _coasted(block.arm, arrays["weights"], moments, steps)
    return arrays
