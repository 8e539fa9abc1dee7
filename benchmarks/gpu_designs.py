"""Timings of designs of a training step on a GPU, printed as a Markdown table: microseconds per step and run.

    python -m benchmarks.gpu_designs

The designs are the plain loop; the steps of one run captured as a CUDA graph; eight runs as eight branches of one graph; and
eight runs stacked in one graph, with grouped convolutions and batched products. Data are random and have the reports' shapes. A
step consists of gathering a batch, forward, backward, Adam and the counter of batches. docs/gpu.md holds the results.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from hw1bench import models
from hw1bench.specs import notation
from hw1bench.specs.experiment import Model

RUNS = 8
SAMPLES = 128 * 100
SECONDS = 0.15  # per timing


@dataclass(frozen=True)
class Problem:
    """A net, its batch size and the ``shape`` (channels, height, width) of a sample."""

    layout: str
    batch: int
    shape: tuple[int, int, int] = (1, 28, 28)

    @property
    def maps(self) -> bool:
        return notation.takes_maps(self.layout)

    @property
    def operations(self) -> int:
        """Floating-point operations of a step's products: forward, weight gradients, input gradients above the first layer."""
        total, rate = 0, 4
        h = torch.empty(1, *self.shape, device="meta")
        for module in models.build(Model(self.layout), "meta"):
            h = h if self.maps or h.ndim == 2 else h.flatten(1)
            h = h if isinstance(module, models.SeededDropout) else module(h)
            if isinstance(module, nn.Conv2d | nn.Linear):
                total += rate * h[0].numel() * module.weight[0].numel() * self.batch
                rate = 6
        return total


PROBLEMS = {
    "A, 784-256-10": Problem("784-256-10", 64),
    "D, CNN-1": Problem("C(1-16-32,4,pool2) 512-10", 64),
    "A, CNN-1": Problem("C(1-10,5,pool2) C(10-20,5) dropout2d pool2 320-50-10 logsoftmax", 64),
    "B, cifar-2": Problem("C(3-16-32-64-32-16,3,p1,pool2) 16-10", 64, (3, 32, 32)),
    "C, mnist-1": Problem("C(1-16-32-64-128,3,p1,pool2) dropout 128-1024-505 dropout 505-10", 128),
    "C, mnist-3": Problem(
        "C(1-4-4,3,p1) pool2 C(4-8-8,3,p1) pool2 C(8-16-16,3,p1) pool2 C(16-32-32,3,p1) pool2 dropout "
        "32-1024-512-256-128-64-32 dropout 32-10",
        128,
    ),
    "E, size 5": Problem("C(1-64-128,3,p1,pool2) 6272-256-128-10", 128),
    "E, size 8": Problem("C(1-128-256-512,3,p1,pool2) 4608-512-256-10", 128),
    "E, size 10": Problem("C(1-256-512-1024,3,p1,pool2) 9216-1024-512-10", 128),
}


def set_precision(convolutions: str) -> None:
    """Set the precision of float32 convolutions, "tf32" or "ieee"; products are "ieee" and algorithms deterministic."""
    backends: Any = torch.backends
    backends.cudnn.conv.fp32_precision = convolutions
    backends.cuda.matmul.fp32_precision = "ieee"
    backends.cudnn.deterministic = True
    backends.cudnn.benchmark = False


@dataclass
class Batches:
    """The batches of ``rows`` permutations of the samples, one after the other, without synchronising with the host."""

    problem: Problem
    rows: int
    device: torch.device
    x: Tensor = field(init=False)
    y: Tensor = field(init=False)

    def __post_init__(self) -> None:
        problem, device = self.problem, self.device
        x = torch.randn(SAMPLES, *problem.shape, device=device)
        self.x = x.contiguous(memory_format=torch.channels_last) if problem.maps else x.flatten(1)
        self.y = torch.randint(10, (SAMPLES,), device=device)
        self._order = torch.stack([torch.randperm(SAMPLES, device=device) for _ in range(self.rows)])
        self._at = torch.zeros((), dtype=torch.int64, device=device)
        self._offsets = torch.arange(problem.batch, device=device)

    def next(self) -> tuple[Tensor, Tensor]:
        """Return the next inputs (rows * batch, ...) and targets (rows * batch,)."""
        batch = self._order.index_select(1, self._at + self._offsets).flatten()
        self._at.add_(self.problem.batch).remainder_(SAMPLES // self.problem.batch * self.problem.batch)
        return self.x.index_select(0, batch), self.y.index_select(0, batch)


class Run:
    """A run as an ordinary module."""

    def __init__(self, problem: Problem, seed: int, device: torch.device) -> None:
        self.net = models.drawn(Model(problem.layout), torch.Generator().manual_seed(seed)).to(device)
        if problem.maps:
            self.net = self.net.to(memory_format=torch.channels_last)
        self.generators = [torch.Generator(device).manual_seed(seed)]
        for module in self.net.modules():
            if isinstance(module, models.SeededDropout):
                module.generator = self.generators[0]
        self.weights = list(self.net.parameters())
        self.optimizer = torch.optim.Adam(self.weights, lr=1e-4, fused=True, capturable=device.type == "cuda")
        self.batches = Batches(problem, 1, device)

    def step(self) -> None:
        x, y = self.batches.next()
        loss = nn.functional.cross_entropy(self.net(x), y)
        for weight, gradient in zip(self.weights, torch.autograd.grad(loss, self.weights), strict=True):
            weight.grad = gradient
        self.optimizer.step()


class Stacked:
    """Eight runs as one computation: activations (runs, batch, ...)."""

    def __init__(self, problem: Problem, device: torch.device) -> None:
        self.problem = problem
        self.layers = notation.parse(problem.layout)
        nets = [models.drawn(Model(problem.layout), torch.Generator().manual_seed(seed)) for seed in range(RUNS)]
        each = zip(*(net.parameters() for net in nets), strict=True)
        self.weights = [torch.stack(same).detach().to(device).requires_grad_() for same in each]
        self.optimizer = torch.optim.Adam(self.weights, lr=1e-4, fused=True, capturable=device.type == "cuda")
        self.batches = Batches(problem, RUNS, device)
        self.generators: list[torch.Generator] = []  # dropout uses torch's default generator, which graphs support

    def outputs(self, x: Tensor) -> Tensor:
        """Return the outputs (runs, batch, classes) for ``x (runs, batch, ...)``."""
        weights = iter(self.weights)
        h = x
        for layer in self.layers:
            match layer:
                case notation.Conv():
                    weight, bias = next(weights), next(weights)
                    grouped = h.transpose(0, 1).flatten(1, 2)
                    z = nn.functional.conv2d(
                        grouped, weight.flatten(0, 1), bias.flatten(), padding=layer.padding, groups=RUNS
                    )
                    h = z.unflatten(1, (RUNS, layer.outputs)).transpose(0, 1).relu()
                case notation.Pool():
                    h = nn.functional.max_pool2d(h.flatten(0, 1), layer.size).unflatten(0, h.shape[:2])
                case notation.Dropout():
                    shape = h.shape[:3] + (1,) * (h.ndim - 3) if layer.maps else h.shape
                    h = h * (torch.rand(shape, device=h.device) >= layer.p) / (1 - layer.p)
                case notation.Flatten():
                    h = h.flatten(2)
                case notation.Linear():
                    weight, bias = next(weights), next(weights)
                    h = torch.baddbmm(bias[:, None, :], h, weight.transpose(1, 2))
                    h = h.relu() if layer.hidden else h
                case notation.Output():
                    h = h.log_softmax(-1)
        return h

    def step(self) -> None:
        x, y = self.batches.next()
        output = self.outputs(x.unflatten(0, (RUNS, -1))).flatten(0, 1)
        loss = nn.functional.cross_entropy(output, y, reduction="sum") / self.problem.batch
        for weight, gradient in zip(self.weights, torch.autograd.grad(loss, self.weights), strict=True):
            weight.grad = gradient.contiguous()
        self.optimizer.step()


def captured(runs: list[Run] | list[Stacked], steps: int) -> torch.cuda.CUDAGraph:
    """Capture ``steps`` steps of each of ``runs`` as a graph with a branch per run."""
    graph, side = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for run in runs:
            for _ in range(3):  # warm-up: libraries choose algorithms, and the optimiser creates its state
                run.step()
    torch.cuda.synchronize()
    for run in runs:
        for generator in run.generators:
            graph.register_generator_state(generator)
    streams = [torch.cuda.Stream() for _ in runs]
    with torch.cuda.graph(graph):
        whole = torch.cuda.current_stream()
        for run, stream in zip(runs, streams, strict=True):
            stream.wait_stream(whole)
            with torch.cuda.stream(stream):
                for _ in range(steps):
                    run.step()
        for stream in streams:
            whole.wait_stream(stream)
    return graph


def microseconds(call: Callable[[], object]) -> float:
    """Return the microseconds of one call, the median of three timings."""

    def seconds(calls: int) -> float:
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(calls):
            call()
        torch.cuda.synchronize()
        return (time.perf_counter() - start) / calls

    seconds(1)
    calls = max(1, int(SECONDS / seconds(1)))
    return 1e6 * statistics.median(seconds(calls) for _ in range(3))


def timings(problem: Problem, device: torch.device) -> Iterator[float]:
    """Yield the microseconds per step and run of each design, in the order of the table."""
    steps = 2 if problem.operations > 5e10 else 16
    set_precision("tf32")
    yield microseconds(Run(problem, 0, device).step)
    yield microseconds(captured([Run(problem, 0, device)], steps).replay) / steps
    eight = [Run(problem, seed, device) for seed in range(RUNS)]
    yield microseconds(captured(eight, steps).replay) / steps / RUNS
    yield microseconds(captured([Stacked(problem, device)], steps).replay) / steps / RUNS
    set_precision("ieee")
    eight = [Run(problem, seed, device) for seed in range(RUNS)]
    yield microseconds(captured(eight, steps).replay) / steps / RUNS


def main() -> None:
    device = torch.device("cuda")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n")
    print(
        "| net, batch size | GFLOP | plain loop | graph of 1 | 8 branches | 8 stacked | 8 branches, ieee | TFLOP/s, 8 branches |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, problem in PROBLEMS.items():
        found = list(timings(problem, device))
        rate = problem.operations / found[2] / 1e6
        cells = " | ".join(f"{value:,.0f}" for value in found)
        print(f"| {name}, {problem.batch} | {problem.operations / 1e9:.2f} | {cells} | {rate:.1f} |", flush=True)
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
