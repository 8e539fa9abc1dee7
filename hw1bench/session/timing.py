"""Timing by pytest-benchmark: one row per experiment, when it is first trained in the session."""

import json
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hw1bench.support import files


class Stopwatch:
    """A stopwatch: an experiment's first training is its row; the seconds of later looks go to the row's ``extra_info``."""

    def __init__(self) -> None:
        self._rows: dict[str, Any] = {}

    def run(self, experiment: str, train: Callable[[], None], benchmark: Callable[[], Any]) -> None:
        """Call ``train`` once; ``benchmark`` returns the fixture, or None without pytest-benchmark."""
        if experiment not in self._rows:
            row = self._rows[experiment] = benchmark()
            if row is not None:
                row.extra_info |= {"experiment": experiment, "later_looks_seconds": []}
                row.pedantic(train, rounds=1, iterations=1)
                return
        start = time.perf_counter()
        train()
        row = self._rows[experiment]
        if row is not None:
            row.extra_info["later_looks_seconds"].append(time.perf_counter() - start)

    def write(self, config: pytest.Config, path: Path) -> None:
        """Write this session's rows as pytest-benchmark's JSON, even if there are none; write nothing without the plugin.

        If nothing was timed, write the file of ``--benchmark-json`` too, because pytest-benchmark does not.
        """
        session = getattr(config, "_benchmarksession", None)
        if session is None:
            return
        timed = [row for row in session.benchmarks if row.stats.data]  # an interrupted training has no time
        output = config.hook.pytest_benchmark_generate_json(
            config=config,
            benchmarks=timed,
            include_data=True,
            machine_info=config.hook.pytest_benchmark_generate_machine_info(config=config),
            commit_info=config.hook.pytest_benchmark_generate_commit_info(config=config),
        )
        text = json.dumps(output, indent=1, default=str).encode()
        files.write_whole(path, text)
        if session.json and not session.benchmarks:
            Path(session.json).write_bytes(text)  # as pytest-benchmark does: it makes no folder

    @staticmethod
    @contextmanager
    def quiet() -> Iterator[None]:
        """Silence pytest-benchmark's warning that nothing was timed, because reusing every block is not a fault."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Not saving anything, no benchmarks have been run")
            yield
