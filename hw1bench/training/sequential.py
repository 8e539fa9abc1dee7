"""The runs of a block one after the other, each an ordinary ``nn.Module``: for nets too large, or too varied, to stack."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from hw1bench import models
from hw1bench.data import Dataset, Split
from hw1bench.experiment import Loss
from hw1bench.runs import Block
from hw1bench.training import optimizers
from hw1bench.training.streams import generator_for, seed_for

LOSSES: dict[Loss, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": nn.functional.mse_loss,
    "cross_entropy": nn.functional.cross_entropy,
    "nll": nn.functional.nll_loss,
}
_CHUNK = 2048  # samples in one evaluation: bounds the memory of a convolution's maps


def _resident(split: Split, block: Block, device: torch.device) -> tuple[Tensor, Tensor]:
    dtype = getattr(torch, block.arm.precision)
    x = models.inputs(block.arm.model, split.x).to(device, dtype)
    if x.ndim == 4:
        x = x.contiguous(memory_format=torch.channels_last)  # a convolution's faster order on a CPU
    y = split.y.to(device, dtype) if block.arm.loss == "mse" else split.y.to(device)
    return x, y


def _outputs(network: nn.Module, x: Tensor) -> Tensor:
    return torch.cat([network(chunk) for chunk in x.split(_CHUNK)])


@torch.no_grad()
def _evaluate(
    network: nn.Module, splits: dict[str, tuple[Tensor, Tensor]], block: Block, classes: bool
) -> dict[str, float]:
    network.eval()
    values = {}
    for split, (x, y) in splits.items():
        output = _outputs(network, x)
        values[f"{split}_loss"] = float(LOSSES[block.arm.loss](output, y))
        if classes:
            values[f"{split}_accuracy"] = float((output.argmax(1) == y).double().mean())
    network.train()
    return values


def _batches(block: Block, samples: int, order: torch.Generator, device: torch.device) -> Sequence[Tensor | slice]:
    if block.arm.batch_size is None:
        return [slice(None)]
    shuffled = torch.randperm(samples, generator=order).to(device)
    return [*shuffled.split(block.arm.batch_size)]


def _run(
    block: Block,
    seed: int,
    splits: dict[str, tuple[Tensor, Tensor]],
    device: torch.device,
    classes: bool,
    progress: Callable[[int], None],
) -> dict[str, np.ndarray]:
    arm = block.arm
    network = models.build(arm.model)
    models.initialise(network, arm.model, generator_for(block.report, block.experiment, "init", seed))
    network = network.to(device, getattr(torch, arm.precision))
    x, y = splits["train"]
    if x.ndim == 4:
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
    optimizer = optimizers.make(arm.optimizer, network.parameters())
    order = generator_for(block.report, block.experiment, "order", seed)
    torch.manual_seed(seed_for(block.report, block.experiment, "dropout", seed))  # dropout alone draws from it below
    history = [_evaluate(network, splits, block, classes)]
    for _ in range(arm.epochs):
        for batch in _batches(block, len(x), order, device):
            optimizer.zero_grad()
            LOSSES[arm.loss](network(x[batch]), y[batch]).backward()
            optimizer.step()
            progress(1)
        history.append(_evaluate(network, splits, block, classes))
    arrays = {name: np.array([values[name] for values in history], dtype=arm.precision) for name in history[0]}
    with torch.no_grad():
        arrays["weights"] = nn.utils.parameters_to_vector(p.contiguous() for p in network.parameters()).cpu().numpy()
        if not classes:
            arrays["prediction"] = _outputs(network.eval(), x)[:, 0].cpu().numpy()
    return arrays


def train(
    block: Block, dataset: Dataset, device: torch.device, progress: Callable[[int], None]
) -> dict[str, np.ndarray]:
    """Train the runs of ``block`` one by one; the arrays of a record."""
    splits = {"train": _resident(dataset.train, block, device)}
    if dataset.test is not None:
        splits["test"] = _resident(dataset.test, block, device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        runs = [_run(block, seed, splits, device, dataset.classes is not None, progress) for seed in block.seeds]
    return {name: np.stack([run[name] for run in runs]) for name in runs[0]}
