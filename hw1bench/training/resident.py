"""Training of the eight runs of a block as one computation on a GPU, in which no step waits for the host.

Data, weights and counters live on the device; a step gathers its batches by a counter there, and takes one step of all runs. On a
CUDA device the steps are replayed as graphs (see ``captured``); without one the same steps are plain PyTorch.
"""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from hw1bench import models
from hw1bench.data import Dataset, Split
from hw1bench.records.runs import KEPT_WEIGHTS, Block
from hw1bench.specs import notation
from hw1bench.specs.evaluation import SplitName
from hw1bench.support.workers import pool
from hw1bench.training import optimizers
from hw1bench.training.batches import Batches, Draws, Epoch, Resident
from hw1bench.training.captured import Captured, Streams
from hw1bench.training.recording import Recording
from hw1bench.training.stacked_net import Net
from hw1bench.training.streams import training_targets

_NUMBERS = 2**27
"""Numbers of a layer's output, of all runs, that an evaluation may compute at once: 0.5 GB in float32."""


Parts = Generator[int, None, dict[str, np.ndarray]]
"""A training part by part: it yields model-steps, and returns the arrays of a record."""


class _Training:
    """The training of a block, whose ``arrays`` (runs, ...) grow with it."""

    def __init__(self, block: Block, dataset: Dataset, on: Streams) -> None:
        arm, self._block, device = block.arm, block, on.device
        models.inputs(arm.laid_out, dataset.train.x)  # raises ValueError if the net does not take the data
        self._net = Net(block, on)
        runs, samples = len(block.seeds), len(dataset.train)
        self._sets: dict[SplitName, Resident] = {"train": self._resident(dataset.train, device)}
        if arm.random_labels:
            labels = torch.stack([training_targets(block, dataset, seed) for seed in block.seeds])
            self._sets["train"] = Resident(self._sets["train"].x, labels.to(device))
        self._sets |= {name: self._resident(split, device) for name, split in dataset.splits.items() if name != "train"}
        self._classes = dataset.classes is not None
        self._due = {split: arm.evaluation.epochs(split, arm.epochs) for split in self._sets}
        x = self._sets["train"].x
        images = x.permute(0, 3, 1, 2) if self._net.maps else dataset.train.x.to(x)
        self._batches = Batches(arm, self._sets["train"], images, runs)
        self._optimizer = optimizers.make(arm.optimizer, self._net.weights, captured=device.type == "cuda")
        self._epoch_done = optimizers.schedule(arm.schedule, self._optimizer)
        self._step = Captured(lambda: self._train_step(*self._batches.current()), on, self._net.generators)
        self._last = Captured(lambda: self._train_step(*self._batches.last(), last=True), on, self._net.generators)
        steps = arm.steps_per_epoch(samples)
        dtype = getattr(torch, arm.precision)
        self._norms, self._losses = (torch.zeros(steps, runs, dtype=dtype, device=device) for _ in range(2))
        self._last_norms = torch.zeros(runs, dtype=dtype, device=device)
        names = [
            f"{split}_{what}" for split in self._sets for what in ("loss", *(["accuracy"] if self._classes else []))
        ]
        self._histories = {name: np.full((runs, arm.epochs + 1), np.nan) for name in names}
        self._recorded: dict[str, list[np.ndarray]] = {}  # each (runs, places)
        self.recordings = [Recording(arm, samples, self._row(run)) for run in range(runs)]

    def _row(self, run: int) -> Callable[[], np.ndarray]:
        return lambda: np.asarray(
            self._net.rows([weight.detach()[run : run + 1] for weight in self._net.weights])[0].cpu()
        )

    def _resident(self, split: Split, device: torch.device) -> Resident:
        dtype = getattr(torch, self._block.arm.precision)
        x = split.x.to(device, dtype)
        y = split.y.to(device, dtype) if self._block.arm.loss == "mse" else split.y.to(device)
        return Resident(x.permute(0, 2, 3, 1).contiguous() if self._net.maps else x.flatten(1), y[None])

    def epoch(self, number: int, drawn: Epoch) -> Iterator[int]:
        """Train epoch ``number``, from 1, and evaluate. Yield the model-steps of each part of it."""
        runs = len(self.recordings)
        self._batches.load(drawn)
        left = self._batches.full
        while left:
            due = min(left, self.recordings[0].due_in or left)
            for done in self._step.times(due):
                yield done * runs
            left -= due
            for recording in self.recordings:
                recording.step(due)
        for done in self._last.times(1):
            yield done * runs
        for recording in self.recordings:
            recording.step()
        self._learn_rate()
        self._keep_norms()
        self.evaluate(number)
        watched = self.recordings[0].watched
        chosen = self._histories[watched][:, number] if watched else [None] * runs
        for recording, value in zip(self.recordings, chosen, strict=True):
            recording.epoch(value)

    def _train_step(self, x: Tensor, y: Tensor, last: bool = False) -> None:
        """Take a step of all runs on ``x, y (runs, batch, ...)``, the ``last`` of the epoch or not."""
        arm, net, place = self._block.arm, self._net, self._batches.place
        losses = self._sample_losses(net.outputs(x, training=True), y).mean(1)
        gradients = torch.autograd.grad(losses.sum(), net.weights)
        if arm.gradient_norm == "step":
            self._norms.index_copy_(0, place, _norms(gradients).square().sum(0).sqrt()[None])
            self._losses.index_copy_(0, place, losses.detach()[None])
        if arm.gradient_norm == "last batch" and last:
            self._last_norms.copy_(_norms(gradients).mean(0))
        for weight, gradient in zip(net.weights, gradients, strict=True):
            weight.grad = gradient
        self._optimizer.step()
        self._batches.forward()

    def _sample_losses(self, output: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each sample (runs, samples), of ``output (runs, samples, outputs)``."""
        if self._block.arm.loss == "mse":
            return (output - y).square().mean(2)
        loss = nn.functional.cross_entropy if self._block.arm.loss == "cross_entropy" else nn.functional.nll_loss
        truth = y.expand(len(output), -1).flatten()
        return loss(output.flatten(0, 1), truth, reduction="none").view(output.shape[:2])

    def _learn_rate(self) -> None:
        """Follow the schedule after an epoch. A rate is part of the captured steps."""
        before = self._optimizer.param_groups[0]["lr"]
        self._epoch_done()
        if self._optimizer.param_groups[0]["lr"] != before:
            self._step.forget()
            self._last.forget()

    def _keep_norms(self) -> None:
        match self._block.arm.gradient_norm:
            case "step":
                self._recorded.setdefault("gradient_norm", []).append(self._norms.T.clone().cpu().numpy())
                self._recorded.setdefault("step_loss", []).append(self._losses.T.clone().cpu().numpy())
            case "last batch":
                self._recorded.setdefault("last_batch_norm", []).append(self._last_norms[:, None].clone().cpu().numpy())

    def evaluate(self, epoch: int) -> None:
        """Evaluate the sets that are due after ``epoch``, 0 for before training. Record the gradient norm if it is asked for."""
        if self._block.arm.gradient_norm == "epoch":
            self._recorded.setdefault("gradient_norm", []).append(self._whole_norm()[:, None].cpu().numpy())
        for split, due in self._due.items():
            if epoch in due:
                for what, values in self._values(split).items():
                    self._histories[f"{split}_{what}"][:, epoch] = values

    def _chunks(self, split: SplitName) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs (runs, some, ...) and targets (runs or 1, some, ...) of the set, in order."""
        of, runs = self._sets[split], len(self.recordings)
        for x, y in zip(of.x.split(self._chunk), of.y.split(self._chunk, dim=1), strict=True):
            yield x.expand(runs, *x.shape), y

    @cached_property
    def _chunk(self) -> int:
        """Samples in a part of an evaluation."""
        arm = self._block.arm
        largest = max(math.prod(shape) for _, shape in notation.shapes(arm.laid_out.layout, arm.data.shape))
        return max(1, _NUMBERS // (largest * len(self._block.seeds)))

    @torch.no_grad()
    def _values(self, split: SplitName) -> dict[str, np.ndarray]:
        """Return loss and, of classes, accuracy (runs,) over the whole set, with dropout off."""
        losses, right = [], []
        for x, y in self._chunks(split):
            output = self._net.outputs(x, training=False)
            losses.append(self._sample_losses(output, y))
            if self._classes:
                right.append(output.argmax(2) == y)
        found = {"loss": torch.cat(losses, dim=1).mean(1)}
        if self._classes:
            found["accuracy"] = torch.cat(right, dim=1).double().mean(1)
        return {name: values.cpu().numpy() for name, values in found.items()}

    def _whole_norm(self) -> Tensor:
        """Return the norm (runs,) of the gradient of the mean loss over the training set, with dropout off."""
        total = [torch.zeros_like(weight) for weight in self._net.weights]
        samples = len(self._sets["train"].x)
        for x, y in self._chunks("train"):
            loss = self._sample_losses(self._net.outputs(x, training=False), y).sum() / samples
            torch._foreach_add_(total, torch.autograd.grad(loss, self._net.weights))
        return _norms(total).square().sum(0).sqrt()

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the record, after training."""
        arm, x = self._block.arm, self._sets["train"].x
        found = dict(self._histories)
        found |= {name: np.concatenate(parts, axis=1) for name, parts in self._recorded.items()}
        if arm.laid_out.parameters <= KEPT_WEIGHTS:
            kept = [recording.arrays() for recording in self.recordings]
            found |= {name: np.stack([each[name] for each in kept]) for name in kept[0]}
        if not self._classes:
            with torch.no_grad():
                output = self._net.outputs(x.expand(len(self.recordings), *x.shape), training=False)
            found["prediction"] = output.squeeze(2).cpu().numpy()
        if arm.coast:
            weights = self._net.weights
            coasted = optimizers.coasted(self._optimizer, weights, lambda: self._net.rows(weights))
            found["coasted"] = coasted.cpu().numpy()
        self._evaluate_left_out()
        return found

    def _evaluate_left_out(self) -> None:
        """Evaluate the training set with the weights that are kept, where their epoch was not due."""
        left_out = {run: one for run, recording in enumerate(self.recordings) if (one := recording.left_out())}
        for run, (_, weights) in left_out.items():
            self._net.load(run, torch.from_numpy(weights))
        for what, values in self._values("train").items() if left_out else ():
            for run, (epoch, _) in left_out.items():
                self._histories[f"train_{what}"][run, epoch] = values[run]


def _norms(tensors: Sequence[Tensor]) -> Tensor:
    """Return the norm of each run's part of each of ``tensors (runs, ...)``: (tensors, runs)."""
    return torch.stack([tensor.flatten(1).norm(dim=1) for tensor in tensors])


def parts(block: Block, dataset: Dataset, on: Streams) -> Parts:
    """Train the runs of ``block`` together, part by part, each on the current stream. Return the arrays of a record, as from
    ``sequential.train``.

    After each part it yields the model-steps that were begun since the last; the GPU may not have finished them. Raises
    ValueError if the net does not take the data.
    """
    training = _Training(block, dataset, on)
    draws = Draws(block, len(dataset.train))
    try:
        with pool(1) as executor:  # draws an epoch while the GPU trains the one before
            drawn = executor.submit(draws.next)
            training.evaluate(0)
            for epoch in range(1, block.arm.epochs + 1):
                now = drawn.result()
                if epoch < block.arm.epochs:
                    drawn = executor.submit(draws.next)
                yield from training.epoch(epoch, now)
        return training.arrays()
    finally:
        # Its parts refer to each other, and what they hold on the device must not wait for the collector of garbage.
        vars(training).clear()


def memory(block: Block, dataset: Dataset) -> int:
    """Return an upper estimate of the bytes on the device that ``parts`` takes."""
    arm, runs, samples = block.arm, len(block.seeds), len(dataset.train)
    layers = notation.shapes(arm.laid_out.layout, arm.data.shape)
    features, outputs = math.prod(arm.data.shape), sum(math.prod(shape) for _, shape in layers)
    sets = 2 * sum(map(len, dataset.splits.values())) * features  # as they are and, at first, in another order
    batches = (runs + 3) * samples * features  # of an epoch, and three copies of a run's set while it is loaded
    step = 4 * runs * (arm.batch_size or samples) * outputs  # before and after activation, and the gradients of both
    graphs = 4  # of many steps, of one, of the last, and the ordinary ones before: each keeps its own memory
    weights = 8 * runs * arm.laid_out.parameters  # with gradients, the optimiser's state, and copies
    libraries = graphs * runs * 2**24 if notation.takes_maps(arm.laid_out.layout) else 0  # workspaces of convolutions
    numbers = sets + batches + graphs * step + weights + libraries + 4 * _NUMBERS
    return numbers * torch.finfo(getattr(torch, arm.precision)).bits // 8
