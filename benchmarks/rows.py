"""Rows of the tables of ``python -m benchmarks``: the engine, what it is compared with, and floors, on one processor.

Training takes microseconds per model-step, a step of one run; a measure takes milliseconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec

import numpy as np
import torch

from benchmarks import contenders, floors, image_peers
from benchmarks.contenders import Contender
from benchmarks.contenders import Problem as FunctionProblem
from benchmarks.image_peers import Peer
from benchmarks.image_problems import Given
from benchmarks.image_problems import Problem as ImageProblem
from benchmarks.measures import Measure
from benchmarks.timing import Row, amount, interleaved, seconds
from hw1bench.specs import notation
from hw1bench.training import engine, sequential

CPU = torch.device("cpu")
PEERS_OF_FUNCTIONS = ("plain loop", "JAX, samples x features", "JAX, features x samples")
PEERS_OF_IMAGES = ("sequential", "plain loop", "torch.compile", "JAX")
PEERS_OF_MEASURES = ("torch.func", "textbook loop")
FLOORS = ("matrix product", "multiply-adds")
EPOCHS = (1, 3)  # of the engine on images: what more epochs take is free of what a block takes once
OPERATIONS = 2e10  # of an epoch of eight runs on images, which decide how many steps it has
_FEWEST, _MOST = 2, 200  # steps


def of_function(title: str, problem: FunctionProblem, rounds: int) -> Row:
    """Return the row of fitting a function."""
    found: dict[str, Contender] = {"ours": ours(problem), "plain loop": contenders.plain(problem)}
    if find_spec("jax"):
        for name, last in zip(PEERS_OF_FUNCTIONS[1:], (False, True), strict=True):
            found[name] = contenders.jax(problem, samples_last=last)
    agree(problem, found)
    unit = problem.points if problem.arm.batch_size == 1 else 1
    works: dict[str, Callable[[], float]] = {}
    for name, contender in found.items():
        steps = amount(contender, unit)
        works[name] = partial(_per_step, partial(contender, steps), steps * problem.runs)
    return Row(title, interleaved(works | _floors(problem.operations), rounds))


def ours(problem: FunctionProblem) -> Contender:
    """Return the engine as a contender on a function, block by block."""

    def train(steps: int) -> np.ndarray:
        steps_per_epoch = problem.points if problem.arm.batch_size == 1 else 1
        arm = replace(problem.arm, epochs=-(-steps // steps_per_epoch))
        records = [engine.train(replace(block, arm=arm), CPU) for block in problem.blocks]
        return np.concatenate([record.arrays["train_loss"][:, -1] for record in records])

    return train


def agree(problem: FunctionProblem, found: Mapping[str, Contender]) -> None:
    """Check that all contenders have the same losses after a few steps. Raises AssertionError if they differ."""
    steps = problem.points if problem.arm.batch_size == 1 else 20
    _same({name: contender(steps) for name, contender in found.items()}, close=0.02)


def _same(losses: Mapping[str, np.ndarray], close: float) -> None:
    """Check that the losses of the runs that all have differ from the plain loop's by ``close`` at most, relative to them."""
    runs = min(map(len, losses.values()))
    for name, found in losses.items():
        np.testing.assert_allclose(found[:runs], losses["plain loop"][:runs], rtol=close, err_msg=name)


def of_images(title: str, problem: ImageProblem, rounds: int) -> Row:
    """Return the row of a net on images, without augmentation, which peers do not have. Its epochs are made as short as
    ``OPERATIONS`` say."""
    runs = len(problem.block.seeds)
    steps = round(OPERATIONS / (runs * problem.operations.total))
    plain = replace(problem.data, augment=False)
    problem = replace(problem, data=plain, samples=problem.batch * min(max(steps, _FEWEST), _MOST))
    by_name: dict[str, Callable[[], Peer]] = {
        "plain loop": partial(image_peers.plain, problem, CPU),
        "torch.compile": partial(image_peers.compiled, problem, CPU),
    }
    if find_spec("jax"):
        by_name["JAX"] = partial(image_peers.jax_trained, problem)
    if not any(isinstance(layer, notation.Dropout) for layer in notation.parse(problem.layout)):  # each drops its own
        agree_on_images(problem, by_name)
    works: dict[str, Callable[[], float]] = {
        "ours": partial(_of_engine, problem, engine.train),
        "sequential": partial(_of_engine, problem, _sequential),
    }
    for name, make in by_name.items():
        peer = make()
        peer.epoch()  # compiles, and sets up libraries
        works[name] = partial(_per_step, peer.epoch, problem.steps * peer.runs)
    return Row(title, interleaved(works | _floors(problem.operations.total), rounds))


def agree_on_images(problem: ImageProblem, peers: Mapping[str, Callable[[], Peer]]) -> None:
    """Check that the engine and ``peers`` have the same losses after an epoch. Raises AssertionError if they differ."""
    losses = {}
    for name, make in peers.items():
        peer = make()
        peer.epoch()
        losses[name] = peer.losses()
    trained = engine.train(problem.block, CPU, library=Given(problem.images()))
    _same(losses | {"ours": trained.arrays["train_loss"][:, -1]}, close=1e-3)


def _sequential(block: engine.Block, device: torch.device, *, library: Given) -> None:
    """Train as the engine does where it has no kernel: run after run, in torch."""
    sequential.train(block, library.load(block.arm.data), lambda steps: None, device)


def _of_engine(problem: ImageProblem, train: Callable[..., object]) -> float:
    library = Given(problem.images())

    def spent(epochs: int) -> float:
        block = replace(problem.block, arm=replace(problem.arm, epochs=epochs))
        return seconds(lambda: train(block, CPU, library=library))

    few, more = map(spent, EPOCHS)
    return 1e6 * (more - few) / ((EPOCHS[1] - EPOCHS[0]) * problem.steps * len(problem.block.seeds))


def _per_step(call: Callable[[], object], steps: int) -> float:
    return 1e6 * seconds(call) / steps


def _floors(operations: int) -> dict[str, Callable[[], float]]:
    """Return what a step of so many ``operations`` takes at each rate that is a floor, each measured when it is asked for."""
    found: dict[str, Callable[[], float]] = {FLOORS[0]: lambda: 1e6 * operations / floors.matrix_rate()}
    if floors.compiler() is not None:
        found[FLOORS[1]] = lambda: 1e6 * operations / floors.arithmetic_rate()
    return found


def of_measure(measure: Measure, rounds: int) -> Row:
    """Return the row of a measure. Raises AssertionError if another way finds something else on the sampled items."""
    expected = measure.ways["textbook loop"](measure.sampled)
    for way in measure.ways.values():
        np.testing.assert_allclose(
            way(measure.sampled), expected, rtol=measure.close, atol=1e-9 * np.abs(expected).max()
        )

    def spent(name: str) -> float:
        items = measure.sampled if name == "textbook loop" else measure.items
        return 1e3 * seconds(lambda: measure.ways[name](items)) * measure.items / items

    scaled = f" (loop: scaled from {measure.sampled})" if measure.sampled < measure.items else ""
    return Row(measure.title + scaled, interleaved({name: partial(spent, name) for name in measure.ways}, rounds))


@dataclass(frozen=True)
class Growth:
    """Microseconds per model-step of training a net ``times`` as much, in runs or in epochs: linear if they stay the same."""

    title: str
    times: Mapping[int, float]


def growth(title: str, problem: FunctionProblem, rounds: int, factors: tuple[int, ...] = (1, 2, 4)) -> list[Growth]:
    """Return what a step takes with so many times the runs, and with so many times the epochs, as medians over rounds."""
    steps = amount(ours(problem), problem.points if problem.arm.batch_size == 1 else 1) // max(factors) or 1

    def once(runs: int, epochs: int) -> Callable[[], float]:
        larger = replace(problem, runs=problem.runs * runs)
        return partial(_per_step, partial(ours(larger), steps * epochs), steps * epochs * larger.runs)

    found = []
    for what, made in (("runs", lambda k: once(k, 1)), ("steps", lambda k: once(1, k))):
        times = interleaved({str(factor): made(factor) for factor in factors}, rounds)
        found.append(Growth(f"{title}, {what}", {factor: float(np.median(times[str(factor)])) for factor in factors}))
    return found
