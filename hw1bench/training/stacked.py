"""Training of the eight runs of a small dense net as one computation, on features x samples.

The weights of a block are one tensor ``flat (runs, parameters)``; a layer's activations are (runs, features, samples), with
contiguous samples. Forward and backward are one graph; torch's optimiser steps the flat tensor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import grad

from hw1bench import models
from hw1bench.data import Dataset, Split
from hw1bench.records.runs import Block
from hw1bench.specs import notation
from hw1bench.specs.evaluation import SplitName
from hw1bench.specs.experiment import Arm, Loss, Model
from hw1bench.specs.network import Network
from hw1bench.support.progress import Advance
from hw1bench.training import optimizers
from hw1bench.training.compiler import compiled
from hw1bench.training.recording import Recording
from hw1bench.training.streams import generator_for, training_targets

# A product with a matrix of at most this many entries is slower as a library call than as a loop fused with its
# neighbours: fused, a step of the function nets was measured 1.3 to 2 times faster.
_FUSED_PRODUCT = 1024

_OUTPUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "softmax": lambda h: torch.softmax(h, dim=1),
    "logsoftmax": lambda h: torch.log_softmax(h, dim=1),
}


def stackable(arm: Arm) -> bool:
    """Whether the net has only dense layers, without dropout, and its inputs are not augmented."""
    if isinstance(arm.model, Network):
        return False
    dense = all(isinstance(layer, notation.Linear | notation.Output) for layer in notation.parse(arm.laid_out.layout))
    return dense and not arm.augmented


def forward(model: Model, flat: Tensor, x: Tensor, fuse: bool) -> Tensor:
    """Return outputs (runs, outputs, samples) of the nets ``flat (runs, parameters)`` on ``x (runs or 1, features, samples)``."""
    runs, start = len(flat), 0
    activation = models.activation(model)
    h = x.expand(runs, -1, -1)
    for layer in notation.parse(model.layout):
        if isinstance(layer, notation.Output):
            h = _OUTPUTS[layer.name](h)
            continue
        assert isinstance(layer, notation.Linear)
        size = layer.inputs * layer.outputs
        weight = flat[:, start : start + size].view(runs, layer.outputs, layer.inputs)
        start += size
        bias = None
        if layer.bias:
            bias = flat[:, start : start + layer.outputs].view(runs, layer.outputs, 1)
            start += layer.outputs
        if fuse and size <= _FUSED_PRODUCT:
            h = (weight[:, :, :, None] * h[:, None, :, :]).sum(2)
            h = h if bias is None else h + bias
        else:
            h = torch.bmm(weight, h) if bias is None else torch.baddbmm(bias, weight, h)
        if layer.hidden:
            h = activation(h)
    return h


def losses(loss: Loss, output: Tensor, y: Tensor) -> Tensor:
    """Return the mean loss of each run (runs,), of ``output (runs, outputs, samples)``. The targets are
    ``y (runs or 1, outputs, samples)``, or class indices ``y (runs or 1, samples)``."""
    if loss == "mse":
        return (output - y).square().mean((1, 2))
    log_p = torch.log_softmax(output, dim=1) if loss == "cross_entropy" else output
    index = y.expand(len(output), -1)[:, None, :]
    return -log_p.gather(1, index).squeeze(1).mean(1)


@dataclass(frozen=True)
class _Functions:
    """Functions of ``(flat, x, y)`` that train a block: ``step`` returns the gradient (runs, parameters) and the losses (runs,),
    ``evaluate`` the losses (runs,) and the outputs (runs, outputs, samples)."""

    step: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
    evaluate: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@lru_cache(maxsize=64)
def _functions(model: Model, loss: Loss, fuse: bool) -> _Functions:
    def evaluate(flat: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        output = forward(model, flat, x, fuse)
        return losses(loss, output, y), output

    def total(flat: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        each, _ = evaluate(flat, x, y)
        return each.sum(), each  # each run's loss depends on its own weights alone, so the sum has the same gradients

    step = grad(total, has_aux=True)
    return _Functions(_per_shape(step), _per_shape(evaluate)) if fuse else _Functions(step, evaluate)


def _per_shape(function: Callable[..., Any]) -> Callable[..., Any]:
    graphs: dict[tuple[Any, ...], Callable[..., Any]] = {}

    def call(*tensors: Tensor) -> Any:
        key = tuple((tensor.shape, tensor.dtype) for tensor in tensors)
        if key not in graphs:
            graphs[key] = compiled(function, *tensors)
        return graphs[key](*tensors)

    return call


def initial(block: Block, dtype: torch.dtype) -> Tensor:
    """Draw the initial weights (runs, parameters) on the CPU in float32, and return them as ``dtype``."""
    rows = []
    for seed in block.seeds:
        network = models.drawn(block.arm.laid_out, generator_for(block, "init", seed))
        rows.append(torch.nn.utils.parameters_to_vector(network.parameters()).detach())
    return torch.stack(rows).to(dtype)


def _resident(split: Split, arm: Arm, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return ``x (1, features, samples)`` and ``y (1, outputs, samples)`` or class indices ``(1, samples)``."""
    x = models.inputs(arm.laid_out, split.x).to(dtype).T.contiguous()[None]
    y = split.y.to(dtype).T.contiguous() if arm.loss == "mse" else split.y
    return x, y[None]


def _targets(y: Tensor, batch: Tensor, classes: int | None) -> Tensor:
    """Return the targets of ``batch (runs, samples)``, in the shape that ``losses`` takes."""
    if classes:
        return y.expand(len(batch), -1).gather(1, batch)
    return y[0][:, batch].movedim(1, 0).contiguous()


def _mean_tensor_norms(model: Model, gradient: Tensor) -> Tensor:
    """Return the mean (runs,) over parameter tensors of the norm of the tensor's part of ``gradient (runs, parameters)``."""
    linears = [layer for layer in notation.parse(model.layout) if isinstance(layer, notation.Linear)]
    sizes = [
        size for layer in linears for size in (layer.inputs * layer.outputs, *([layer.outputs] if layer.bias else []))
    ]
    return torch.stack([part.norm(dim=1) for part in gradient.split(sizes, dim=1)]).mean(0)


@torch.no_grad()
def train(block: Block, dataset: Dataset, fuse: bool, advance: Advance) -> dict[str, np.ndarray]:
    """Train the runs of ``block`` together. Return the arrays of a record. ``fuse`` compiles forward and backward."""
    arm, dtype, runs = block.arm, getattr(torch, block.arm.precision), len(block.seeds)
    functions = _functions(arm.laid_out, arm.loss, fuse)
    flat = initial(block, dtype)
    optimizer = optimizers.make(arm.optimizer, [flat])
    epoch_done = optimizers.schedule(arm.schedule, optimizer)
    x, y = _resident(dataset.train, arm, dtype)
    if arm.random_labels:
        y = torch.stack([training_targets(block, dataset, seed) for seed in block.seeds])
    splits: dict[SplitName, tuple[Tensor, Tensor]] = {"train": (x, y)}
    splits |= {name: _resident(split, arm, dtype) for name, split in dataset.splits.items() if name != "train"}
    names = [f"{split}_{what}" for split in splits for what in ("loss", *(["accuracy"] if dataset.classes else []))]
    history = {
        name: torch.full((arm.epochs + 1, runs), torch.nan, dtype=dtype if name.endswith("loss") else torch.float64)
        for name in names  # accuracies in float64: rounded to float32, 0.99 exceeds 0.99
    }
    due = {split: arm.evaluation.epochs(split, arm.epochs) for split in splits}

    def row(run: int) -> Callable[[], np.ndarray]:
        return lambda: np.asarray(flat[run])

    recordings = [Recording(arm, len(dataset.train), row(run)) for run in range(runs)]
    norms: list[Tensor] = []  # each (runs,)
    step_losses: list[Tensor] = []
    last_batches: list[Tensor] = []

    def step(inputs: Tensor, targets: Tensor, closes_epoch: bool) -> None:
        gradient, each = functions.step(flat, inputs, targets)
        if arm.gradient_norm == "last batch" and closes_epoch:
            last_batches.append(_mean_tensor_norms(arm.laid_out, gradient))
        if arm.gradient_norm == "step":
            norms.append(gradient.norm(dim=1))
            step_losses.append(each)
        flat.grad = gradient
        optimizer.step()
        for recording in recordings:
            recording.step()
        advance(runs)

    def values(split: SplitName, weights: Tensor) -> dict[str, Tensor]:
        inputs, targets = splits[split]
        each, output = functions.evaluate(weights, inputs, targets)
        found = {f"{split}_loss": each}
        if dataset.classes:
            found[f"{split}_accuracy"] = (output.argmax(1) == targets).double().mean(1)
        return found

    def evaluate(epoch: int) -> None:
        if arm.gradient_norm == "epoch":
            norms.append(functions.step(flat, x, y)[0].norm(dim=1))
        for split in splits:
            if epoch in due[split]:
                for name, each in values(split, flat).items():
                    history[name][epoch] = each

    def evaluate_left_out() -> None:
        left_out = [recording.left_out() for recording in recordings]
        kept = flat.clone()
        for run, one in enumerate(left_out):
            if one:
                kept[run] = torch.from_numpy(one[1])
        for name, each in values("train", kept).items() if any(left_out) else ():
            for run, one in enumerate(left_out):
                if one:
                    history[name][one[0], run] = each[run]

    if arm.batch_size is None and names == ["train_loss"]:
        # A step computes the loss and gradient after the previous epoch, so no separate evaluation is needed.
        for epoch in range(arm.epochs + 1):
            gradient, history["train_loss"][epoch] = functions.step(flat, x, y)
            if arm.gradient_norm == "epoch" or (arm.gradient_norm == "step" and epoch < arm.epochs):
                norms.append(gradient.norm(dim=1))
            if arm.gradient_norm == "last batch" and epoch < arm.epochs:
                last_batches.append(_mean_tensor_norms(arm.laid_out, gradient))
            if epoch < arm.epochs:
                flat.grad = gradient
                optimizer.step()
                epoch_done()
                for recording in recordings:
                    recording.step()
                    recording.epoch(None)
                advance(runs)
        step_losses = list(history["train_loss"][:-1]) if arm.gradient_norm == "step" else []
    else:
        samples = len(dataset.train)
        orders = [generator_for(block, "order", seed) for seed in block.seeds]
        evaluate(0)
        for epoch in range(arm.epochs):
            if arm.batch_size is None:
                step(x, y, closes_epoch=True)
            else:
                order = torch.stack([torch.randperm(samples, generator=generator) for generator in orders])
                batches = order.split(arm.batch_size, dim=1)  # each (runs, batch)
                for batch in batches:
                    inputs = x[0][:, batch].movedim(1, 0).contiguous()
                    step(inputs, _targets(y, batch, dataset.classes), closes_epoch=batch is batches[-1])
            epoch_done()
            evaluate(epoch + 1)
            watched = recordings[0].watched
            chosen = history[watched][epoch + 1].tolist() if watched else [None] * runs
            for recording, value in zip(recordings, chosen, strict=True):
                recording.epoch(value)
        evaluate_left_out()

    arrays = {name: all_runs.T.contiguous().numpy() for name, all_runs in history.items()}
    for name, rows in (("gradient_norm", norms), ("step_loss", step_losses), ("last_batch_norm", last_batches)):
        if rows:
            arrays[name] = torch.stack(rows, dim=1).numpy()
    kept = [recording.arrays() for recording in recordings]
    arrays |= {name: np.stack([each[name] for each in kept]) for name in kept[0]}
    if dataset.classes is None:
        arrays["prediction"] = forward(arm.laid_out, flat, x, fuse=False).movedim(1, 2).squeeze(2).numpy()
    if arm.coast:
        arrays["coasted"] = optimizers.coasted(optimizer, [flat], flat.clone).numpy()
    return arrays
