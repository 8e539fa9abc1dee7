"""The runs of a block each as an ordinary ``nn.Module``: for nets too large, or too varied, to stack.

On a CPU as many runs train side by side as there are threads, each on one thread: faster than one run on all of them,
and a run's digits then do not depend on their number. On a GPU they train one after the other.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, wait
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from hw1bench import models
from hw1bench.data import Dataset, Split
from hw1bench.records.runs import KEPT_WEIGHTS, Block
from hw1bench.specs.experiment import Loss
from hw1bench.support.threads import pool
from hw1bench.training import augmentation, optimizers
from hw1bench.training.recording import Recording
from hw1bench.training.streams import generator_for, seed_in, training_targets

LOSSES: dict[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": nn.functional.mse_loss,
    "cross_entropy": nn.functional.cross_entropy,
    "nll": nn.functional.nll_loss,
}
_CHUNK = 256  # samples in one evaluation: bounds the memory of a convolution's maps
_PATIENCE = 0.1  # seconds between two looks at how far the runs are


class _Interrupted(Exception):
    """The block was given up while this run trained."""


def gradient_norm(parameters: Iterable[nn.Parameter]) -> float:
    """Euclidean norm of the whole gradient."""
    return float(torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))


def _mean_tensor_norm(parameters: Iterable[nn.Parameter]) -> float:
    """The mean over parameter tensors of the Euclidean norm of each one's gradient."""
    return float(torch.stack([p.grad.norm() for p in parameters if p.grad is not None]).mean())


@dataclass(frozen=True)
class _Task:
    """What the runs of a block share: the sets on the device, and how far each run is."""

    block: Block
    dataset: Dataset
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor] | None
    maps: bool  # whether the net takes (samples, channels, height, width), else rows of features
    steps: dict[int, int]  # seed -> optimiser steps done; a run writes its own only
    given_up: threading.Event = field(default_factory=threading.Event)

    @property
    def device(self) -> torch.device:
        return self.train[0].device

    @property
    def dtype(self) -> torch.dtype:
        return self.train[0].dtype

    def inputs(self, x: Tensor) -> Tensor:
        """Samples in the form that the net takes."""
        return x if self.maps else x.flatten(1)

    def go_on(self) -> None:
        """Raises _Interrupted once the block is given up."""
        if self.given_up.is_set():
            raise _Interrupted

    @classmethod
    def of(cls, block: Block, dataset: Dataset, device: torch.device) -> "_Task":
        models.inputs(block.arm.model, dataset.train.x)  # refuses data that the net does not take
        maps = models.takes_maps(block.arm.model)

        def resident(split: Split) -> tuple[Tensor, Tensor]:
            dtype = getattr(torch, block.arm.precision)
            x = split.x.to(device, dtype)
            if maps:
                x = x.contiguous(memory_format=torch.channels_last)  # a convolution's faster order on a CPU
            return x, split.y.to(device, dtype) if block.arm.loss == "mse" else split.y.to(device)

        test = None if dataset.test is None else resident(dataset.test)
        return cls(block, dataset, resident(dataset.train), test, maps, dict.fromkeys(block.seeds, 0))


def _outputs(network: nn.Module, x: Tensor, task: _Task) -> Tensor:
    """What ``network`` gives for ``x (samples, ...)``, a chunk at a time."""
    found = []
    for chunk in x.split(_CHUNK):
        task.go_on()
        found.append(network(task.inputs(chunk)))
    return torch.cat(found)


@torch.no_grad()
def _evaluate(network: nn.Module, task: _Task, splits: dict[str, tuple[Tensor, Tensor]]) -> dict[str, float]:
    network.eval()
    values = {}
    for split, (x, y) in splits.items():
        output = _outputs(network, x, task)
        values[f"{split}_loss"] = float(LOSSES[task.block.arm.loss](output, y))
        if task.dataset.classes:
            values[f"{split}_accuracy"] = float((output.argmax(1) == y).double().mean())
    network.train()
    return values


def _whole_gradient_norm(network: nn.Module, task: _Task, x: Tensor, y: Tensor) -> float:
    """That of the mean loss over ``x, y`` in eval mode, a chunk at a time; leaves no gradient behind."""
    network.eval()
    network.zero_grad()
    for inputs, targets in zip(x.split(_CHUNK), y.split(_CHUNK), strict=True):
        task.go_on()
        share = len(inputs) / len(x)
        (LOSSES[task.block.arm.loss](network(task.inputs(inputs)), targets) * share).backward()
    norm = gradient_norm(network.parameters())
    network.zero_grad()
    network.train()
    return norm


def _batches(task: _Task, x: Tensor, y: Tensor, seed: int) -> Iterator[Iterator[tuple[Tensor, Tensor]]]:
    """For each epoch, its batches: inputs and targets, as they are asked for."""
    block, samples = task.block, len(x)
    order = generator_for(block, "order", seed)
    augment = generator_for(block, "augment", seed)
    augmented = block.arm.augmented

    def inputs(batch: Tensor) -> Tensor:
        return augmentation.augmented(x, batch, augmentation.draw(len(batch), augment)) if augmented else x[batch]

    for _ in range(block.arm.epochs):
        whole = block.arm.batch_size is None
        rows = (torch.arange(samples) if whole else torch.randperm(samples, generator=order)).to(x.device)
        yield ((inputs(batch), y[batch]) for batch in rows.split(block.arm.batch_size or samples))


def _network(task: _Task, seed: int) -> nn.Module:
    block = task.block
    network: nn.Module = models.drawn(block.arm.model, generator_for(block, "init", seed))
    network = network.to(task.device, task.dtype)
    if task.maps:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
    dropout = torch.Generator(task.device).manual_seed(seed_in(block, "dropout", seed))
    for module in network.modules():
        if isinstance(module, models.Dropout):
            module.generator = dropout
    return network


def _run(task: _Task, seed: int) -> dict[str, np.ndarray]:
    block, arm = task.block, task.block.arm
    x, y = task.train
    if arm.random_labels:
        y = training_targets(block, task.dataset, seed).to(x.device)
    splits = {"train": (x, y), **({"test": task.test} if task.test else {})}
    network = _network(task, seed)
    optimizer = optimizers.make(arm.optimizer, network.parameters())
    epoch_done = optimizers.schedule(arm.schedule, optimizer)
    norms: list[float] = []
    step_losses: list[float] = []
    last_batches: list[float] = []

    @torch.no_grad()
    def weights() -> np.ndarray:
        found: np.ndarray = nn.utils.parameters_to_vector(p.contiguous() for p in network.parameters()).cpu().numpy()
        return found

    recording = Recording(arm, len(x), weights)

    def after_epoch() -> dict[str, float]:
        if arm.gradient_norm == "epoch":
            norms.append(_whole_gradient_norm(network, task, x, y))
        return _evaluate(network, task, splits)

    history = [after_epoch()]
    for batches in _batches(task, x, y, seed):
        for inputs, targets in batches:
            task.go_on()
            optimizer.zero_grad()
            loss = LOSSES[arm.loss](network(task.inputs(inputs)), targets)
            loss.backward()
            if arm.gradient_norm == "step":
                norms.append(gradient_norm(network.parameters()))
                step_losses.append(loss.item())
            optimizer.step()
            recording.step()
            task.steps[seed] += 1
        if arm.gradient_norm == "last batch":  # whose gradient the optimiser has left as it was
            last_batches.append(_mean_tensor_norm(network.parameters()))
        epoch_done()
        history.append(after_epoch())
        recording.epoch(history[-1].get("test_accuracy"))
    arrays = {name: np.array([values[name] for values in history]) for name in history[0]}
    arrays |= {"gradient_norm": np.array(norms)} if norms else {}
    arrays |= {"step_loss": np.array(step_losses)} if step_losses else {}
    arrays |= {"last_batch_norm": np.array(last_batches)} if last_batches else {}
    if arm.model.parameters <= KEPT_WEIGHTS:
        arrays |= recording.arrays()
    if not task.dataset.classes:
        with torch.no_grad():
            arrays["prediction"] = _outputs(network.eval(), x, task)[:, 0].cpu().numpy()
    if arm.coast:
        arrays["coasted"] = optimizers.coasted(optimizer, [*network.parameters()]).cpu().numpy()
    return arrays


def train(
    block: Block, dataset: Dataset, device: torch.device, progress: Callable[[int], None]
) -> dict[str, np.ndarray]:
    """Train the runs of ``block``; the arrays of a record. ``progress`` is told from the calling thread."""
    task = _Task.of(block, dataset, device)
    told = 0
    with pool(torch.get_num_threads() if device.type == "cpu" else 1) as executor:
        runs = [executor.submit(_run, task, seed) for seed in block.seeds]
        try:
            waiting = True
            while waiting:
                finished, unfinished = wait(runs, _PATIENCE, FIRST_EXCEPTION)
                waiting = bool(unfinished)
                done = sum(task.steps.values())
                progress(done - told)
                told = done
                for run in finished:
                    run.result()  # a failure ends the block
        finally:
            task.given_up.set()
    rows = [run.result() for run in runs]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
