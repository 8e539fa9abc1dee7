"""Training of each run of a block as an ordinary ``nn.Module``, for nets that are too large or too varied to stack, and for
networks of one's own.

As many runs as there are threads train side by side, each on one thread. This is faster than one run on all threads, and a run's
digits do not depend on the number of threads. Runs train one after the other on a GPU, and if a network of one's own draws random
numbers while it trains: torch has one generator of its own for all threads.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, wait
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from hw1bench import models
from hw1bench.data import Dataset, Split
from hw1bench.records.runs import KEPT_WEIGHTS, Block
from hw1bench.specs.evaluation import SplitName
from hw1bench.specs.experiment import Arm, Loss, Model, Network
from hw1bench.support.progress import Advance
from hw1bench.support.workers import pool, processors
from hw1bench.training import augmentation, optimizers
from hw1bench.training.recording import Ended, Recording
from hw1bench.training.streams import generator_for, seed_in, training_targets

LOSSES: dict[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": nn.functional.mse_loss,
    "cross_entropy": nn.functional.cross_entropy,
    "nll": nn.functional.nll_loss,
}
_CHUNK = 256  # samples per forward pass in an evaluation: limits the memory of feature maps
_CPU = torch.device("cpu")
_POLL_SECONDS = 0.1  # between two calls of ``advance``


class _Interrupted(Exception):
    """Raised in a run whose block was given up."""


def gradient_norm(parameters: Iterable[nn.Parameter]) -> float:
    """Return the Euclidean norm of the gradient by all ``parameters``."""
    return float(torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None]))


def _mean_tensor_norm(parameters: Iterable[nn.Parameter]) -> float:
    """Return the mean over parameter tensors of the Euclidean norm of the tensor's gradient."""
    return float(torch.stack([p.grad.norm() for p in parameters if p.grad is not None]).mean())


@dataclass(frozen=True)
class _SharedState:
    """State that the runs of a block share: the data, and the progress of each run."""

    block: Block
    dataset: Dataset
    sets: dict[SplitName, tuple[Tensor, Tensor]]
    maps: bool  # whether the net takes (samples, channels, height, width) instead of (samples, features)
    device: torch.device
    steps: dict[int, int]  # seed -> optimiser steps done, written by that seed's run alone
    given_up: threading.Event = field(default_factory=threading.Event)

    @property
    def dtype(self) -> torch.dtype:
        return self.sets["train"][0].dtype

    def inputs(self, x: Tensor) -> Tensor:
        """Return the samples ``x`` in the shape that the net takes."""
        return x if self.maps else x.flatten(1)

    def check(self) -> None:
        """Raise _Interrupted if the block was given up."""
        if self.given_up.is_set():
            raise _Interrupted

    @classmethod
    def of(cls, block: Block, dataset: Dataset, device: torch.device) -> "_SharedState":
        models.inputs(block.arm.model, dataset.train.x)  # raises ValueError if the net does not take the data
        maps = block.arm.takes_maps

        def resident(split: Split) -> tuple[Tensor, Tensor]:
            dtype = getattr(torch, block.arm.precision)
            x = split.x.to(device, dtype)
            if maps and isinstance(block.arm.model, Model):
                x = x.contiguous(
                    memory_format=torch.channels_last
                )  # the faster memory format for convolutions on a CPU
            return x, split.y.to(device, dtype) if block.arm.loss == "mse" else split.y.to(device)

        sets = {name: resident(split) for name, split in dataset.splits.items()}
        return cls(block, dataset, sets, maps, device, dict.fromkeys(block.seeds, 0))


def _outputs(network: nn.Module, x: Tensor, shared: _SharedState) -> Tensor:
    """Return the outputs of ``network`` for ``x (samples, ...)``, computed in chunks."""
    found = []
    for chunk in x.split(_CHUNK):
        shared.check()
        found.append(network(shared.inputs(chunk)))
    return torch.cat(found)


@torch.no_grad()
def _evaluate(
    network: nn.Module, shared: _SharedState, splits: Mapping[SplitName, tuple[Tensor, Tensor]]
) -> dict[str, float]:
    network.eval()
    values = {}
    for split, (x, y) in splits.items():
        output = _outputs(network, x, shared)
        values[f"{split}_loss"] = float(LOSSES[shared.block.arm.loss](output, y))
        if shared.dataset.classes:
            values[f"{split}_accuracy"] = float((output.argmax(1) == y).double().mean())
    network.train()
    return values


def _whole_gradient_norm(network: nn.Module, shared: _SharedState, x: Tensor, y: Tensor) -> float:
    """Return the gradient norm of the mean loss over ``x, y`` in eval mode, computed in chunks; the gradient is zeroed."""
    network.eval()
    network.zero_grad()
    for inputs, targets in zip(x.split(_CHUNK), y.split(_CHUNK), strict=True):
        shared.check()
        share = len(inputs) / len(x)
        (LOSSES[shared.block.arm.loss](network(shared.inputs(inputs)), targets) * share).backward()
    norm = gradient_norm(network.parameters())
    network.zero_grad()
    network.train()
    return norm


def _batches(shared: _SharedState, x: Tensor, y: Tensor, seed: int) -> Iterator[Iterator[tuple[Tensor, Tensor]]]:
    """Yield for each epoch an iterator of its batches: inputs and targets."""
    block, samples = shared.block, len(x)
    order = generator_for(block, "order", seed)
    augment = generator_for(block, "augment", seed)
    augmented = block.arm.augmented

    def inputs(batch: Tensor) -> Tensor:
        return augmentation.augmented(x, batch, augmentation.draw(len(batch), augment)) if augmented else x[batch]

    for _ in range(block.arm.epochs):
        whole = block.arm.batch_size is None
        rows = (torch.arange(samples) if whole else torch.randperm(samples, generator=order)).to(x.device)
        yield ((inputs(batch), y[batch]) for batch in rows.split(block.arm.batch_size or samples))


def _network(shared: _SharedState, seed: int) -> nn.Module:
    block = shared.block
    network = models.drawn(block.arm.model, generator_for(block, "init", seed)).to(shared.device, shared.dtype)
    if isinstance(block.arm.model, Network):
        return network
    if shared.maps:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
    dropout = generator_for(block, "dropout", seed)
    for module in network.modules():
        if isinstance(module, models.SeededDropout):
            module.generator = dropout
    return network


def _run(shared: _SharedState, seed: int) -> dict[str, np.ndarray]:
    block, arm = shared.block, shared.block.arm
    x, y = shared.sets["train"]
    if arm.random_labels:
        y = training_targets(block, shared.dataset, seed).to(shared.device)
    splits = shared.sets | {"train": (x, y)}
    network = _network(shared, seed)
    trainable = models.trainable(network)
    optimizer = optimizers.make(arm.optimizer, trainable)
    epoch_done = optimizers.schedule(arm.schedule, optimizer)
    norms: list[float] = []
    step_losses: list[float] = []
    last_batches: list[float] = []

    @torch.no_grad()
    def weights() -> Tensor:
        return nn.utils.parameters_to_vector(p.contiguous() for p in trainable)

    recording = Recording(arm, len(x), lambda: np.asarray(weights().cpu()))
    buffers = models.buffers(network)

    histories: dict[str, np.ndarray] = {}
    due = {split: arm.evaluation.epochs(split, arm.epochs) for split in splits}

    def evaluate(epoch: int, *names: SplitName) -> None:
        for name, value in _evaluate(network, shared, {split: splits[split] for split in names}).items():
            histories.setdefault(name, np.full(arm.epochs + 1, np.nan))[epoch] = value

    def after_epoch(epoch: int) -> None:
        if arm.gradient_norm == "epoch":
            norms.append(_whole_gradient_norm(network, shared, x, y))
        evaluate(epoch, *(split for split in splits if epoch in due[split]))

    after_epoch(0)
    for epoch, batches in enumerate(_batches(shared, x, y, seed), start=1):
        for inputs, targets in batches:
            shared.check()
            optimizer.zero_grad()
            loss = LOSSES[arm.loss](network(shared.inputs(inputs)), targets)
            loss.backward()
            if arm.gradient_norm == "step":
                norms.append(gradient_norm(network.parameters()))
                step_losses.append(loss.item())
            optimizer.step()
            recording.step()
            shared.steps[seed] += 1
        if arm.gradient_norm == "last batch":  # the optimiser's step does not change the gradient
            last_batches.append(_mean_tensor_norm(network.parameters()))
        epoch_done()
        after_epoch(epoch)
        recording.epoch(histories[recording.watched][epoch] if recording.watched else None)
        if recording.kept_epoch == epoch:
            buffers = models.buffers(network)
    arrays = dict(histories)
    arrays |= {"gradient_norm": np.array(norms)} if norms else {}
    arrays |= {"step_loss": np.array(step_losses)} if step_losses else {}
    arrays |= {"last_batch_norm": np.array(last_batches)} if last_batches else {}
    if arm.model.numbers <= KEPT_WEIGHTS:
        arrays |= recording.arrays() | ({"buffers": buffers.numpy()} if len(buffers) else {})
    if not shared.dataset.classes:
        with torch.no_grad():
            arrays["prediction"] = _outputs(network.eval(), x, shared).squeeze(1).cpu().numpy()
    if arm.coast:
        arrays["coasted"] = optimizers.coasted(optimizer, trainable, weights).cpu().numpy()
    left_out = recording.left_out()
    if left_out:
        kept_epoch, kept = left_out
        models.load(network, torch.from_numpy(kept), buffers)
        evaluate(kept_epoch, "train")
    return arrays


def _seeded_run(shared: _SharedState, seed: int) -> dict[str, np.ndarray]:
    """``_run`` with torch's own generators seeded, for networks that draw from them; no other run may train meanwhile."""
    devices = [shared.device] if shared.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed_in(shared.block, "dropout", seed))
        return _run(shared, seed)


def alone(arm: Arm, device: torch.device) -> bool:
    """Whether runs of ``arm`` train one after the other."""
    draws = isinstance(arm.model, Network) and arm.model.passed(arm.data.shape).draws
    return draws or device.type == "cuda"


def train(
    block: Block,
    dataset: Dataset,
    advance: Advance,
    device: torch.device = _CPU,
    *,
    seeds: Sequence[int] | None = None,
    ended: Ended = lambda seed, arrays: None,
) -> dict[str, np.ndarray]:
    """Train the runs of ``block``, or those of its ``seeds`` that are given, on ``device``. Return the arrays of a record.
    ``advance`` is called from the calling thread, and so is ``ended`` with the arrays of each run.

    Raises ValueError for a network that draws random numbers in some steps and not in others, because then its runs, which
    trained side by side, cannot be repeated.
    """
    shared = _SharedState.of(block, dataset, device)
    reported, by_itself = 0, alone(block.arm, device)
    before = models.random_state()

    def check() -> None:
        model = block.arm.model
        if by_itself or not isinstance(model, Network):  # a run by itself is seeded, and may draw
            return
        if not torch.equal(before, models.random_state()):
            raise ValueError(
                f"network {model.name!r} draws random numbers in some steps of training and not in the first: draw in each"
            )

    wanted = block.seeds if seeds is None else seeds
    rows: dict[int, dict[str, np.ndarray]] = {}
    with pool(1 if by_itself else min(torch.get_num_threads(), processors())) as executor:
        runs = {executor.submit(_seeded_run if by_itself else _run, shared, seed): seed for seed in wanted}
        try:
            while len(rows) < len(runs):
                finished, _ = wait(runs, _POLL_SECONDS, FIRST_EXCEPTION)
                for run in finished:
                    seed, row = runs[run], run.result()  # raises the error of a failed run, which ends the block
                    if seed not in rows:
                        check()  # before the run is kept: what it drew was drawn by now
                        rows[seed] = row
                        ended(seed, row)
                done = sum(shared.steps.values())
                advance(done - reported)
                reported = done
        finally:
            shared.given_up.set()
    return {name: np.stack([rows[seed][name] for seed in wanted]) for name in rows[wanted[0]]}
