"""Timings of training on a GPU, printed as a Markdown table row by row: microseconds per step and run.

    python -m benchmarks.gpu [--device cuda] [--minutes N]

"ours" is the engine's training of eight runs, with drawing, loading and everything else that belongs to an epoch, but without
evaluation. Its peers are on the same GPU: the plain loop is one run of ordinary modules, "vmap" eight runs stacked by torch.func,
and JAX, where it is installed, eight runs by vmap and scan; see ``benchmarks.image_peers``. Data are random and have the reports'
shapes. "floor" is what no step can beat: the operations of its products at the rates of large matrix products, in TF32 for
convolutions and in float32 for dense layers as we compute them, or its bytes at the rate of a copy, whichever takes longer; the
rates are measured first. docs/gpu.md holds results.

A peer that fails is a dash in the table, and one line on standard error says why.
"""

import argparse
import gc
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch

from benchmarks.image_peers import Peer, jax_trained, plain, synchronize, vmapped
from benchmarks.image_problems import PROBLEMS, Given, Operations, Problem
from hw1bench.sources.pack import EXPERIMENTS
from hw1bench.specs.experiment import Images
from hw1bench.support import arithmetic
from hw1bench.training import engine

SECONDS = 0.5  # per timing of a peer
EPOCHS = (2, 6)  # of ours: what more epochs take is free of what a block takes once
PEERS = ("plain loop", "vmap", "JAX")
TIMES_THE_LOOP = 20  # the target for nets of under so many parameters at this batch size
SMALL, BATCH = 1_000_000, 64
SECONDS_OF_JAX = 180.0  # after which compiling and timing a net is given up
HEADER = (
    "| net, batch size | GFLOP | floor | ours | plain loop | vmap | JAX | ours / floor | TFLOP/s, ours | targets |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---|"
)


@dataclass(frozen=True)
class Rates:
    """Operations per second of matrix products in float32 and in TF32, and bytes per second of a copy, read and written."""

    float32: float
    tf32: float
    bytes: float

    def floor(self, problem: Problem) -> float:
        """Return the microseconds that a step of one run takes at least."""
        return 1e6 * max(self.computing(problem.operations), problem.bytes / self.bytes)

    def computing(self, operations: Operations) -> float:
        """Return the seconds that the ``operations`` take at least."""
        return operations.convolutions / self.tf32 + operations.dense / self.float32


def rates(device: torch.device, side: int, numbers: int) -> Rates:
    """Measure the rates of ``device``, by products of ``side`` x ``side`` matrices and copies of so many float32 ``numbers``."""
    left, right = torch.rand(2, side, side, device=device)
    of, to = torch.rand(2, numbers, device=device)

    def rate(work: float, call: Callable[[], object]) -> float:
        def seconds() -> float:
            synchronize(device)
            start = time.perf_counter()
            call()
            synchronize(device)
            return time.perf_counter() - start

        seconds()
        return work / min(seconds() for _ in range(10))

    matmul = torch.backends.cuda.matmul
    with arithmetic.fixed_settings("default"):
        float32 = rate(2 * side**3, lambda: torch.mm(left, right))
        before, matmul.fp32_precision = matmul.fp32_precision, "tf32"
        try:
            tf32 = rate(2 * side**3, lambda: torch.mm(left, right))
        finally:
            matmul.fp32_precision = before
    return Rates(float32, tf32, rate(8 * numbers, lambda: to.copy_(of)))


def ours(problem: Problem, device: torch.device) -> float:
    """Return the microseconds per step and run of the engine."""
    library = Given(problem.images())

    def seconds(epochs: int) -> float:
        block = replace(problem.block, arm=replace(problem.arm, epochs=epochs))
        start = time.perf_counter()
        engine.train(block, device, library=library)
        return time.perf_counter() - start

    seconds(1)  # compiles kernels and sets up libraries
    few, more = (min(seconds(epochs) for _ in range(2)) for epochs in EPOCHS)
    return 1e6 * (more - few) / ((EPOCHS[1] - EPOCHS[0]) * problem.steps * len(problem.block.seeds))


def microseconds(peer: Peer, problem: Problem) -> float:
    """Return the microseconds per step and run of a ``peer``, the median of three timings."""

    def seconds(epochs: int) -> float:
        start = time.perf_counter()
        for _ in range(epochs):
            peer.epoch()
        return (time.perf_counter() - start) / epochs

    seconds(1)  # compiles, and sets up libraries
    epochs = max(1, int(SECONDS / seconds(1)))
    return 1e6 * statistics.median(seconds(epochs) for _ in range(3)) / (problem.steps * peer.runs)


def in_torch(make: Callable[[Problem, torch.device], Peer], problem: Problem, device: torch.device) -> float:
    """Return ``microseconds`` of a peer in torch, with the settings of ours."""
    with arithmetic.fixed_settings("default"):
        return microseconds(make(problem, device), problem)


def in_jax(title: str, samples: int, device: torch.device, limit: float = SECONDS_OF_JAX) -> float:
    """Return ``microseconds`` of JAX for the problem called ``title``, with so many ``samples``, in a process of its own: its
    libraries and its memory then do not meet torch's, and no end of it ends the table.

    Raises RuntimeError, with the process's last line, if it fails, and if it takes more than ``limit`` seconds.
    """
    if not find_spec("jax"):
        raise RuntimeError("JAX is not installed")
    environment = {
        **os.environ,
        "JAX_PLATFORMS": "cpu" if device.type == "cpu" else "cuda",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    command = [sys.executable, "-m", "benchmarks.gpu", "--jax", title, "--samples", str(samples)]
    try:
        done = subprocess.run(
            command, env=environment, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"JAX took more than {limit:.0f} s") from None
    if done.returncode:
        raise RuntimeError(f"JAX: {_last_line(done.stderr) or f'exit status {done.returncode}'}")
    return float(_last_line(done.stdout))


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


def attempt(title: str, call: Callable[[], float]) -> float | None:
    """Return what ``call`` gives; if it fails, say why in one line on standard error, and return None."""
    try:
        return call()
    except Exception as error:  # whatever a library raises, the other timings go on
        reason = (str(error).strip().splitlines() or [""])[0]
        print(f"{title}: {type(error).__name__}: {reason}", file=sys.stderr, flush=True)
        return None
    finally:
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


@dataclass(frozen=True)
class Row:
    """A row of the table: microseconds per step and run of ours and of each of ``PEERS``, None if it failed."""

    title: str
    problem: Problem
    floor: float
    ours: float | None
    peers: dict[str, float | None]

    def ratio(self, peer: str) -> float | None:
        """Return the time of ``peer`` divided by ours."""
        other = self.peers[peer]
        return None if self.ours is None or other is None else other / self.ours

    def targets(self) -> dict[str, bool]:
        """Return whether each target that applies is met."""
        found = {}
        loop, jax = self.ratio("plain loop"), self.ratio("JAX")
        if loop is not None and self.problem.batch == BATCH and self.problem.arm.model.parameters < SMALL:
            found[f"{TIMES_THE_LOOP} x the loop"] = loop >= TIMES_THE_LOOP
        if jax is not None:
            found["ahead of JAX"] = jax > 1
        return found

    def __str__(self) -> str:
        operations = self.problem.operations.total
        peers = []
        for name in PEERS:
            ratio, time_ = self.ratio(name), self.peers[name]
            peers.append(_figure(time_) + ("" if ratio is None else f" ({ratio:.3g}x)"))
        own = self.ours
        cells = [
            f"{self.title}, {self.problem.batch}",
            f"{operations / 1e9:.2f}",
            _figure(self.floor),
            _figure(own),
            *peers,
            "–" if own is None else f"{own / self.floor:.3g}",
            "–" if own is None else f"{operations / own / 1e6:.3g}",
            ", ".join(f"{target}: {'met' if met else 'missed'}" for target, met in self.targets().items()) or "–",
        ]
        return f"| {' | '.join(cells)} |"


def _figure(microseconds: float | None) -> str:
    if microseconds is None:
        return "–"
    return f"{microseconds:,.0f}" if microseconds >= 100 else f"{microseconds:.3g}"


def rows(device: torch.device, measured: Rates, until: float) -> Iterator[Row]:
    """Yield the rows of the table, in the order of ``PROBLEMS``. None begins after ``until``, of ``time.monotonic``."""
    for place, (title, problem) in enumerate(PROBLEMS.items()):
        if time.monotonic() > until:
            left = ", ".join([*PROBLEMS][place:])
            print(f"left out, because the minutes are over: {left}", file=sys.stderr, flush=True)
            return
        own = attempt(f"{title}, ours", partial(ours, problem, device))
        peers: dict[str, Callable[[], float]] = {
            "plain loop": partial(in_torch, plain, problem, device),
            "vmap": partial(in_torch, vmapped, problem, device),
            "JAX": lambda: in_jax(title, problem.samples, device, _limit(until)),  # noqa: B023  # called at once, after the others
        }
        times = {name: attempt(f"{title}, {name}", call) for name, call in peers.items()}
        yield Row(title, problem, measured.floor(problem), own, times)


def _limit(until: float) -> float:
    """Return the seconds that JAX may take for a net."""
    return max(1.0, min(SECONDS_OF_JAX, until - time.monotonic()))


def summary(found: list[Row]) -> Iterator[str]:
    """Yield a line for each target: in how many of the rows to which it applies it is met."""
    verdicts = [pair for row in found for pair in row.targets().items()]
    for target in dict(verdicts):
        met = [each for name, each in verdicts if name == target]
        yield f"{target}: met in {sum(met)} of {len(met)} rows"


def whole_tier(measured: Rates) -> str:
    """Return what the first look of the full tier's nets on images takes at least: training, and evaluating the training sets.

    Functions, which train on the host meanwhile, and measurements are not counted.
    """
    operations = seconds = 0.0
    for experiment in EXPERIMENTS:
        for arm in experiment.full.arms:
            if isinstance(arm.data, Images):
                runs = experiment.full.looks[0]
                step = Problem(arm.data, arm.model.layout, arm.batch_size or arm.data.samples, arm.data.samples)
                evaluated = arm.data.samples * sum(epoch > 0 for epoch in arm.evaluation.epochs("train", arm.epochs))
                forward = step.forward(evaluated)
                operations += runs * (arm.steps * step.operations.total + forward.total)
                seconds += runs * (1e-6 * arm.steps * measured.floor(step) + measured.computing(forward))
    return (
        f"whole tier: the first look of its nets on images takes {operations / 1e15:.1f} PFLOP, {seconds / 60:.1f} minutes here "
        "at least; what it does take is at the end of `make full`"
    )


def _minutes(text: str) -> float:
    minutes = float(text)
    if not minutes > 0:
        raise ValueError
    return minutes


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description="Timings of training on a GPU.")
    parser.add_argument("--device", default="cuda", choices=("cpu", "cuda"))
    parser.add_argument("--minutes", type=_minutes, default=float("inf"), help="begin no row after so many minutes")
    # What ``in_jax`` gives to its process: time JAX alone.
    parser.add_argument("--jax", choices=PROBLEMS, help=argparse.SUPPRESS)
    parser.add_argument("--samples", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.jax:
        problem = replace(PROBLEMS[options.jax], samples=options.samples)
        print(microseconds(jax_trained(problem), problem))
        return
    until = time.monotonic() + 60 * options.minutes
    try:
        device = engine.device_of(options.device)
    except ValueError as error:
        parser.error(str(error))
    small = device.type == "cpu"
    measured = rates(device, *((512, 10**6) if small else (8192, 10**9 // 4)))
    name = (platform.processor() or platform.machine()) if small else torch.cuda.get_device_name(device)
    print(
        f"{name}, torch {torch.__version__}; products in float32 {measured.float32 / 1e12:.3g} TFLOP/s, in TF32 "
        f"{measured.tf32 / 1e12:.3g} TFLOP/s, copies {measured.bytes / 1e9:,.0f} GB/s\n\n{HEADER}",
        flush=True,
    )
    found = []
    for row in rows(device, measured, until):
        found.append(row)
        print(row, flush=True)
    print("", *summary(found), whole_tier(measured), sep="\n", flush=True)


if __name__ == "__main__":
    main()
