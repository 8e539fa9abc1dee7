"""Timings of training on a GPU, printed as a Markdown table: microseconds per step and run.

    python -m benchmarks.gpu

"ours" is the engine's training of eight runs, with drawing, loading and everything else that belongs to an epoch, but without
evaluation; the plain loop is one run of ordinary modules on the same GPU. Data are random and have the reports' shapes.
docs/gpu.md holds the results.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn

from hw1bench import models
from hw1bench.data import Dataset, Split
from hw1bench.records.runs import Block
from hw1bench.sources.tiers import AT_ENDS
from hw1bench.specs import notation, work
from hw1bench.specs.experiment import Arm, Images, Model, Optimizer
from hw1bench.support import arithmetic
from hw1bench.training import side_by_side

SECONDS = 0.5  # per timing of the plain loop
EPOCHS = (2, 6)  # what more epochs take is free of what a block takes once


@dataclass(frozen=True)
class Problem:
    """A net and its batch size, on ``samples`` images of a set."""

    data: Images
    layout: str
    batch: int
    samples: int = 12_800

    @property
    def arm(self) -> Arm:
        return Arm(
            name=self.layout,
            data=self.data,
            model=Model(self.layout),
            loss="nll" if self.layout.endswith("logsoftmax") else "cross_entropy",
            optimizer=Optimizer(name="adam", lr=1e-4),
            epochs=1,
            batch_size=self.batch,
            evaluation=AT_ENDS,
        )

    @property
    def operations(self) -> int:
        """Floating-point operations of a step's products: forward, weight gradients, input gradients above the first layer."""
        first, *rest = work.by_layer(self.layout, self.data.shape)
        return self.batch * (4 * first + 6 * sum(rest))

    def images(self) -> Dataset:
        """Random images and classes; the test set has few."""
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(self.samples, *self.data.shape, generator=generator)
        y = torch.randint(10, (self.samples,), generator=generator)
        return Dataset("random", Split(x, y), Split(x[:100], y[:100]), "random", 10)


MNIST = Images(name="mnist", size=28)
CIFAR10 = Images(name="cifar10", size=32, channels=3)
AUGMENTED = replace(CIFAR10, augment=True)
PROBLEMS = {
    "A, 784-256-10": Problem(MNIST, "784-256-10", 64),
    "A, 784-500-50-10": Problem(MNIST, "784-500-50-10", 64),
    "B, 1024-128-128-10": Problem(replace(MNIST, size=32), "1024-128-128-10", 100),
    "A, CNN-1": Problem(MNIST, "C(1-10,5,pool2) C(10-20,5) dropout2d pool2 320-50-10 logsoftmax", 64),
    "D, CNN-1": Problem(MNIST, "C(1-16-32,4,pool2) 512-10", 64),
    "B, cifar-1": Problem(AUGMENTED, "C(3-16,3,pool2) 3600-10 softmax", 64),
    "B, cifar-2": Problem(AUGMENTED, "C(3-16-32-64-32-16,3,p1,pool2) 16-10", 64),
    "B, cifar-3": Problem(AUGMENTED, "C(3-32-64,3,p1,pool2) 4096-100-10", 64),
    "C, mnist-1": Problem(MNIST, "C(1-16-32-64-128,3,p1,pool2) dropout 128-1024-505 dropout 505-10", 128),
    "C, mnist-3": Problem(
        MNIST,
        "C(1-4-4,3,p1) pool2 C(4-8-8,3,p1) pool2 C(8-16-16,3,p1) pool2 C(16-32-32,3,p1) pool2 dropout "
        "32-1024-512-256-128-64-32 dropout 32-10",
        128,
    ),
    "E, size 5": Problem(MNIST, "C(1-64-128,3,p1,pool2) 6272-256-128-10", 128),
    "E, size 8": Problem(MNIST, "C(1-128-256-512,3,p1,pool2) 4608-512-256-10", 128),
    "E, size 10": Problem(MNIST, "C(1-256-512-1024,3,p1,pool2) 9216-1024-512-10", 128),
}


def ours(problem: Problem, device: torch.device) -> float:
    """Return the microseconds per step and run of the engine."""
    dataset = problem.images()

    def seconds(epochs: int) -> float:
        block = Block("bench", "gpu", replace(problem.arm, epochs=epochs), 0)
        start = time.perf_counter()
        side_by_side.train([(block, dataset)], device, lambda steps: None, lambda *found: None)
        return time.perf_counter() - start

    seconds(1)  # compiles kernels and sets up libraries
    few, more = (min(seconds(epochs) for _ in range(2)) for epochs in EPOCHS)
    steps = (EPOCHS[1] - EPOCHS[0]) * problem.arm.steps_per_epoch(problem.samples) * 8
    return 1e6 * (more - few) / steps


def plain(problem: Problem, device: torch.device) -> Callable[[], None]:
    """Return a step of one run, on the same batch each time: gathered, forward, backward, Adam."""
    dataset, arm = problem.images(), problem.arm
    net = models.drawn(arm.model, torch.Generator().manual_seed(0)).to(device)
    for module in net.modules():
        if isinstance(module, models.SeededDropout):
            module.generator = torch.Generator(device).manual_seed(0)
    maps = notation.takes_maps(problem.layout)
    x = (dataset.train.x if maps else dataset.train.x.flatten(1)).to(device)
    y = dataset.train.y.to(device)
    batch = torch.arange(problem.batch, device=device)
    optimizer = torch.optim.Adam(net.parameters(), lr=arm.optimizer.lr, fused=True)
    loss = nn.functional.nll_loss if arm.loss == "nll" else nn.functional.cross_entropy

    def step() -> None:
        optimizer.zero_grad()
        loss(net(x[batch]), y[batch]).backward()
        optimizer.step()

    return step


def microseconds(step: Callable[[], None]) -> float:
    """Return the microseconds of one step, the median of three timings."""

    def seconds(steps: int) -> float:
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(steps):
            step()
        torch.cuda.synchronize()
        return (time.perf_counter() - start) / steps

    seconds(3)
    steps = max(1, int(SECONDS / seconds(3)))
    return 1e6 * statistics.median(seconds(steps) for _ in range(3))


def rows(device: torch.device) -> Iterator[str]:
    """Yield the rows of the table."""
    for name, problem in PROBLEMS.items():
        with arithmetic.fixed_settings("default"):
            engine, loop = ours(problem, device), microseconds(plain(problem, device))
        rate = problem.operations / engine / 1e6
        yield (
            f"| {name}, {problem.batch} | {problem.operations / 1e9:.2f} | {engine:,.0f} | {loop:,.0f} ({loop / engine:.0f}x) "
            f"| {rate:.1f} |"
        )
        torch.cuda.empty_cache()


def main() -> None:
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n")
    print("| net, batch size | GFLOP | ours | plain loop | TFLOP/s, ours |")
    print("|---|---:|---:|---:|---:|")
    for row in rows(torch.device("cuda")):
        print(row, flush=True)


if __name__ == "__main__":
    main()
