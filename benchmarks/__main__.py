"""``python -m benchmarks`` prints two tables and writes ``bench.json`` and ``bench.svg`` to a folder (default reports/bench).

Every contender runs once in each round, so that a change of the machine's speed affects all contenders. A figure is the
median over rounds, with minimum and maximum: microseconds per model-step of training, or milliseconds of a measure. A ratio is
the median of the rounds' ratios.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from benchmarks import contenders, measures
from benchmarks.contenders import Contender, Problem
from benchmarks.measures import Pair
from hw1bench import Arm, Function, data
from hw1bench.records.runs import Block
from hw1bench.sources import a, b, c, d, e
from hw1bench.support import files
from hw1bench.training import engine

SECONDS = 1.0  # of work of a contender in a round
CPU = torch.device("cpu")
SEVEN = Arm(
    name="seven layers",
    data=Function(name="sinc", points=1000),
    model=a.FIT_7,
    loss="mse",
    optimizer=a.ADAM,
    epochs=1,
)


_DIGITS = replace(a.TASK.full.arms[0].data, name="digits")
E_TASK = replace(e.TASK.protocol("quick").arms[0], data=replace(e.TASK.full.arms[0].data, name="digits"))
A_DENSE = replace(a.RANDOM_LABELS.full.arms[0], data=_DIGITS)


@dataclass(frozen=True)
class Row:
    """A row of a table: the ``times`` (rounds,) of each contender and, for training, of the floor."""

    title: str
    times: dict[str, list[float]]

    def ratio(self, contender: str) -> float | None:
        """Return the median over rounds of ``contender``'s time divided by ours; None if it did not run."""
        if contender not in self.times:
            return None
        return median(other / own for other, own in zip(self.times[contender], self.times["ours"], strict=True))


def ours(problem: Problem) -> Contender:
    """Return our contender: the engine, block by block."""

    def train(steps: int) -> np.ndarray:
        steps_per_epoch = problem.points if problem.arm.batch_size == 1 else 1
        arm = replace(problem.arm, epochs=-(-steps // steps_per_epoch))
        records = [engine.train(replace(block, arm=arm), CPU) for block in problem.blocks]
        return np.concatenate([record.arrays["train_loss"][:, -1] for record in records])

    return train


def matrix_rate() -> float:
    """Measure the floating-point operations per second of torch's float32 matrix product on all threads."""
    left, right = torch.rand(1024, 1024), torch.rand(1024, 1024)
    times = [seconds(lambda: left @ right) for _ in range(40)]
    return float(2 * 1024**3 / median(times))


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def calibrate(contender: Contender, unit: int) -> int:
    """Return a multiple of ``unit`` steps that takes about ``SECONDS``. This also makes JAX compile the contender."""
    steps = unit
    while True:
        contender(steps)
        taken = seconds(lambda: contender(steps))  # noqa: B023  # called at once
        if taken > SECONDS / 2:
            return steps
        steps = unit * max(2 * steps // unit, round(min(SECONDS / taken, 20) * steps / unit))


def agree(problem: Problem, found: dict[str, Contender]) -> None:
    """Check that all contenders have the same losses after a few steps. Raises AssertionError if they differ."""
    steps = problem.points if problem.arm.batch_size == 1 else 20
    results = {name: contender(steps) for name, contender in found.items()}
    for name, losses in results.items():
        np.testing.assert_allclose(losses, results["plain loop"], rtol=2e-2, err_msg=name)


def measure(title: str, problem: Problem, rounds: int) -> Row:
    """Time every contender on the same problem."""
    found: dict[str, Contender] = {"ours": ours(problem), "plain loop": contenders.plain(problem)}
    try:
        import jax  # noqa: F401  # whether it is installed
    except ImportError:
        pass
    else:
        for last, name in ((False, "JAX, samples x features"), (True, "JAX, features x samples")):
            found[name] = contenders.jax(problem, samples_last=last)
    agree(problem, found)
    unit = problem.points if problem.arm.batch_size == 1 else 1
    steps = {name: calibrate(contender, unit) for name, contender in found.items()}
    times: dict[str, list[float]] = {name: [] for name in [*found, "floor"]}
    for _ in range(rounds):
        for name, contender in found.items():
            taken = seconds(lambda contender=contender, count=steps[name]: contender(count))
            times[name].append(1e6 * taken / steps[name] / problem.runs)
        times["floor"].append(1e6 * problem.operations / matrix_rate())
    return Row(title, times)


def measure_topic(rounds: int) -> Row:
    """Time look 1 of the topic "fit" in the quick tier: a sample of the steps of each arm, scaled to its budget."""
    experiments = (a.FIT_SINC, b.FIT, c.FIT_SINC, c.FIT_SGN, d.FIT_SINC, d.FIT_SGN, d.FIT_SIGMOID, e.FIT_F1, e.FIT_F2)
    times: dict[str, list[float]] = {"ours": [], "plain loop": []}
    for _ in range(rounds):
        own = other = total = 0.0
        for experiment in experiments:
            for arm in experiment.protocol("quick").arms:
                block = Block(experiment.report, experiment.name, arm, 0)
                steps = engine.steps(block) / 8
                points = len(data.BUILT_IN.load(arm.data).train)
                sample = replace(block, arm=replace(arm, epochs=max(1, arm.epochs // 50)))
                own += seconds(lambda sample=sample: engine.train(sample, CPU)) * arm.epochs / sample.arm.epochs
                loop = contenders.plain(Problem(replace(arm, optimizer=a.ADAM), 1))
                few = points if arm.batch_size == 1 else 100
                other += 8 * seconds(lambda loop=loop, few=few: loop(few)) * steps / few
                total += 8 * steps
        times["ours"].append(1e6 * own / total)
        times["plain loop"].append(1e6 * other / total)
    return Row(f"the whole topic, look 1 ({own:.0f} s ours)", times)


def measure_images(title: str, arm: Arm, rounds: int, epochs: int = 4) -> Row:
    """Time a classifier of images, with evaluation of both sets after each epoch: a block of 8 runs, and 1 run of the loop."""
    block = Block("bench", "images", replace(arm, epochs=epochs), 0)
    loop = contenders.plain_images(arm)
    ours = engine.train(block, CPU).arrays["train_loss"][0, -1]
    np.testing.assert_allclose(loop(epochs), [ours], rtol=2e-2)
    times: dict[str, list[float]] = {"ours": [], "plain loop": []}
    for _ in range(rounds):
        times["ours"].append(1e6 * seconds(lambda: engine.train(block, CPU)) / engine.steps(block))
        times["plain loop"].append(1e6 * seconds(lambda: loop(epochs)) * 8 / engine.steps(block))
    return Row(title, times)


def measure_pair(pair: Pair, rounds: int) -> Row:
    """Time a measure, in milliseconds. Raises AssertionError if it and its loop differ on the sampled items."""
    expected = pair.loop(pair.sampled)
    np.testing.assert_allclose(pair.ours(pair.sampled), expected, rtol=1e-4, atol=1e-9 * np.abs(expected).max())
    pair.ours(pair.items)
    times: dict[str, list[float]] = {"ours": [], "textbook loop": []}
    for _ in range(rounds):
        times["ours"].append(1e3 * seconds(lambda: pair.ours(pair.items)))
        sample = seconds(lambda: pair.loop(pair.sampled))
        times["textbook loop"].append(1e3 * sample * pair.items / pair.sampled)
    scaled = f" (loop: scaled from {pair.sampled})" if pair.sampled < pair.items else ""
    return Row(pair.title + scaled, times)


def table_of_measures(rows: list[Row]) -> Table:
    found = Table(title=r"Measures: milliseconds, median \[min, max]")
    for heading in ("row", "ours", "textbook loop", "loop / ours"):
        found.add_column(heading, justify="left" if heading == "row" else "right")
    for row in rows:
        found.add_row(
            row.title, _figure(row, "ours"), _figure(row, "textbook loop"), _times(row.ratio("textbook loop"))
        )
    return found


def table(rows: list[Row]) -> Table:
    found = Table(title=r"Training: microseconds per model-step, median \[min, max]")
    for heading in ("row", "ours", "plain loop", "best JAX", "floor", "plain / ours", "JAX / ours", "ours / floor"):
        found.add_column(heading, justify="left" if heading == "row" else "right")
    for row in rows:
        jax = min((name for name in row.times if "JAX" in name), key=lambda name: median(row.times[name]), default="")
        figures = [_figure(row, name) for name in ("ours", "plain loop", jax, "floor")]
        floor = row.ratio("floor")
        found.add_row(
            row.title, *figures, _times(row.ratio("plain loop")), _times(row.ratio(jax)), _times(floor and 1 / floor)
        )
    return found


def _figure(row: Row, name: str) -> str:
    if name not in row.times:
        return ""
    values = row.times[name]
    return f"{median(values):.3g} [{min(values):.3g}, {max(values):.3g}]"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3g}x"


def chart(rows: list[Row], path: Path) -> None:
    figure = Figure(figsize=(8, 1 + 0.9 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    names = list(dict.fromkeys(name for row in rows for name in row.times))
    for index, name in enumerate(names):
        at = [place + 0.15 * (index - len(names) / 2) for place, row in enumerate(rows) if name in row.times]
        axes.barh(at, [median(row.times[name]) for row in rows if name in row.times], height=0.14, label=name)
    axes.set(xscale="log", xlabel="microseconds per model-step", yticks=range(len(rows)))
    axes.set_yticklabels([row.title for row in rows])
    axes.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("reports/bench"))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    batch_1 = replace(SEVEN, data=Function(name="sinc", points=300), batch_size=1)
    rows = [
        measure("seven layers, 1,000 points, full batch, 16 seeds", Problem(SEVEN, 16), arguments.rounds),
        measure("the same, 300 points", Problem(replace(batch_1, batch_size=None), 16), arguments.rounds),
        measure("the same, batch 1", Problem(batch_1, 16), arguments.rounds),
        measure_topic(rounds=1),
        measure_images("CNN 1-16-32 of 5x5 over 4, digits, batch 64, 8 seeds", E_TASK, arguments.rounds),
        measure_images("784-256-10, digits, batch 64, 8 seeds", A_DENSE, arguments.rounds),
    ]
    measured = [
        measure_pair(pair, arguments.rounds)
        for pair in (
            measures.spectra(Problem(batch_1, 16), sampled=2),
            measures.jacobians(2000, sampled=20),
            measures.line(50, 2000),
        )
    ]
    Console(width=150).print(table(rows), table_of_measures(measured))
    arguments.folder.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": platform.processor() or platform.machine(),
        **engine.environment(CPU),
        "rows": [{"title": row.title, "microseconds_per_model_step": row.times} for row in rows],
        "measures": [{"title": row.title, "milliseconds": row.times} for row in measured],
    }
    files.write_whole(arguments.folder / "bench.json", json.dumps(document, indent=1).encode())
    chart(rows, arguments.folder / "bench.svg")
    print(f"bench: {arguments.folder / 'bench.json'}, {arguments.folder / 'bench.svg'}")


if __name__ == "__main__":
    main()
