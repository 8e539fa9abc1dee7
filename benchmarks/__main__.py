"""How fast training and measuring are on one processor: tables of ours, of what it is compared with, and of floors.

    python -m benchmarks [PAGE] [--rounds N] [--only WORD]

Prints each row and each table when it is there, and at the end puts all into PAGE, a Markdown page, between its marks. Times are
CPU seconds, interleaved: see ``benchmarks.timing``. JAX is left out if it is not installed.
"""

import argparse
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch

from benchmarks import measures, rows
from benchmarks.contenders import Problem as FunctionProblem
from benchmarks.image_problems import PROBLEMS
from benchmarks.rows import FLOORS, PEERS_OF_FUNCTIONS, PEERS_OF_IMAGES, PEERS_OF_MEASURES, Growth
from benchmarks.timing import Row, one_processor
from hw1bench import Arm, Function
from hw1bench.report.quantities import number
from hw1bench.session.sections import Section, placed
from hw1bench.sources import a, c, e
from hw1bench.support import files
from hw1bench.training import engine

MARK = "bench"
ON_IMAGES = [*PROBLEMS][:11]  # the largest nets take minutes a step
BATCH_1 = Arm(
    name="seven layers",
    data=Function(name="sinc", points=300),
    model=a.FIT_7,
    loss="mse",
    optimizer=a.ADAM,
    epochs=1,
    batch_size=1,
)
FULL_BATCH = replace(BATCH_1, batch_size=None)
GROWING = ("7 hidden layers, 300 points", "7 hidden layers, 300 points, batch 1")
_JAX = "JAX"


def _functions() -> dict[str, FunctionProblem]:
    """The fits that are timed, by the words of their rows: 16 runs each."""
    found = {
        "7 hidden layers, 1,000 points": replace(FULL_BATCH, data=Function(name="sinc", points=1000)),
        "7 hidden layers, 300 points": FULL_BATCH,
        "7 hidden layers, 300 points, batch 1": BATCH_1,
        "report E, 190 units, 1,000 points": replace(e.FIT_F1.full.arms[-1], epochs=1),
        "report C, 18 layers of tanh, 300 points": replace(c.FIT_SINC.full.arms[1], epochs=1),
    }
    return {title: FunctionProblem(arm, 16) for title, arm in found.items()}


def _measures() -> tuple[measures.Measure, ...]:
    return (
        measures.spectra(FunctionProblem(BATCH_1, 16), sampled=2),
        measures.jacobians(2000, sampled=20),
        measures.line(50, 2000),
    )


def _told(*cells: str) -> tuple[str, ...]:
    """Print a row when it is there, because the whole table takes minutes more, and return it."""
    print(" | ".join(cells), file=sys.stderr, flush=True)
    return cells


def _figure(row: Row, name: str | None) -> str:
    """The median time of ``name`` and, if it is not ours, how many times ours that is."""
    if name is None or name not in row.times:
        return "–"
    ratio = row.ratio(name)
    return number(median(row.times[name])) + ("" if name == "ours" or ratio is None else f" ({number(ratio)}x)")


def _least(row: Row, names: Sequence[str]) -> str:
    """How many times ours the best of ``names`` takes."""
    ratio = row.ratio(row.best(tuple(names)) or "")
    return "–" if ratio is None else f"{ratio:.2f}x"


def functions(rounds: int) -> Section:
    """The table of fitting functions."""
    found = []
    for title, problem in _functions().items():
        row = rows.of_function(title, problem, rounds)
        jax = row.best(PEERS_OF_FUNCTIONS[1:])
        cells = (_figure(row, name) for name in ("ours", "plain loop", jax, *FLOORS))
        found.append(_told(title, *cells, _least(row, PEERS_OF_FUNCTIONS)))
    return Section(
        "Fitting functions",
        ("net", "ours", "plain loop", _JAX, *FLOORS, "best peer / ours"),
        [("", found)],
        "",
        "Microseconds per step of one run, of 16 runs with Adam. The plain loop is that of the reports, a model after the "
        "other; JAX trains all runs by jit, vmap and scan, in the better of two layouts. The floors are the operations of the "
        "step's products at two rates measured beside them.",
        ("ours", "plain loop", _JAX, *FLOORS, "best peer / ours"),
    )


def images(rounds: int) -> Section:
    """The table of training on images."""
    found = []
    for title in ON_IMAGES:
        problem = PROBLEMS[title]
        row = rows.of_images(title, problem, rounds)
        cells = (_figure(row, name) for name in ("ours", *PEERS_OF_IMAGES, *FLOORS))
        backend = engine.backend(problem.arm, rows.CPU).replace("_", " ")
        found.append(_told(f"{title}, {problem.batch}", backend, *cells, _least(row, PEERS_OF_IMAGES)))
    return Section(
        "Training on images",
        ("net, batch size", "backend", "ours", *PEERS_OF_IMAGES, *FLOORS, "best peer / ours"),
        [("", found)],
        "",
        "Microseconds per step of one run, without evaluation and augmentation. Nets of the full tier in full width, on random "
        "images of its sets' shapes. Ours is the engine, eight runs; sequential is the engine's way where it has no kernel, "
        "run after run in torch; the plain loop is one run that gathers its batches from memory, as it is and with its net "
        "compiled; JAX trains eight runs of a dense net by jit, vmap and scan, and one run of a net with convolutions step by "
        "step, which is its faster way on a CPU.",
        ("ours", *PEERS_OF_IMAGES, *FLOORS, "best peer / ours"),
    )


def measured(rounds: int) -> Section:
    """The table of measures."""
    found = []
    for measure in _measures():
        row = rows.of_measure(measure, rounds)
        found.append(_told(row.title, *(_figure(row, name) for name in ("ours", *PEERS_OF_MEASURES))))
    return Section(
        "Measuring",
        ("measure", "ours", *PEERS_OF_MEASURES),
        [("", found)],
        "",
        "Milliseconds. The textbook loops differentiate and evaluate one thing after the other; torch.func takes what can be "
        "taken together by vmap. All find the same.",
        ("ours", *PEERS_OF_MEASURES),
    )


def growing(rounds: int) -> Section:
    """The table of how time grows with runs and with steps."""
    found: list[Growth] = []
    for title in GROWING:
        found += rows.growth(title, FunctionProblem(_functions()[title].arm, 8), rounds)
    factors = tuple(f"{factor}x" for factor in found[0].times)
    return Section(
        "More runs, more steps",
        ("net, what there is more of", *factors),
        [("", [(one.title, *(number(one.times[factor]) for factor in one.times)) for one in found])],
        "",
        "Microseconds per step of one run, for 8 runs and as many times the runs, or the steps: time grows with both, and no "
        "faster than they do. What a training pays once counts for less if there are more steps.",
        factors,
    )


TABLES: dict[str, Callable[[int], Section]] = {
    "functions": functions,
    "images": images,
    "measures": measured,
    "growth": growing,
}


def machine() -> str:
    """Return what the tables were measured on."""
    models = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    environment = engine.environment(rows.CPU)
    name = models[0] if models else platform.processor() or platform.machine()
    return f"Measured on one processor of {name}, {environment['isa']}, with torch {torch.__version__}."


def _cpuinfo() -> Iterator[str]:
    path = Path("/proc/cpuinfo")
    yield from path.read_text().splitlines() if path.exists() else ()


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError
    return count


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description="How fast training and measuring are.")
    parser.add_argument(
        "page", nargs="?", type=Path, help="a Markdown page for the tables, such as docs/performance.md"
    )
    parser.add_argument("--rounds", type=_count, default=5, help="of each contender (default 5)")
    parser.add_argument("--only", choices=TABLES, help="one table, which is printed and not put into the page")
    options = parser.parse_args(arguments)
    if options.only and options.page:
        parser.error("--only prints one table: leave out the page")
    text = ""
    if options.page:
        try:
            text = options.page.read_text(encoding="utf-8")
            placed(text, MARK, [])  # now, not in half an hour
        except (OSError, ValueError) as error:
            parser.error(f"{options.page}: {error}")
    sections = []
    with one_processor():
        for table in [TABLES[options.only]] if options.only else TABLES.values():
            sections.append(table(options.rounds))
            print(sections[-1].text(None, colour=False), "", sep="\n", flush=True)
    if options.page:
        sections[0] = replace(sections[0], note=f"{machine()} {sections[0].note}")
        files.write_whole(options.page, placed(text, MARK, sections).encode())
        print(f"bench: {options.page}")


if __name__ == "__main__":
    main()
