"""The options of a session, as ``pytest_hw1bench`` adds them to pytest's command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hw1bench.court.parts import Part
from hw1bench.report.replication import REPLICATION_OFFSET
from hw1bench.session.budget import Budget
from hw1bench.specs.experiment import Tier

if TYPE_CHECKING:
    from hw1bench.session.settings import Options


def chosen(config: pytest.Config, name: str) -> Any:
    """What was chosen for the option ``name``."""
    return config.getoption(f"claims_{name.replace('-', '_')}")


def _integer(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise pytest.UsageError(f"{name} {text!r} is not an integer: give one") from None


def _path(name: str, text: str | None, what: str = "folder") -> Path | None:
    if text == "":
        raise pytest.UsageError(f"{name} '' does not name a {what}: give one, or leave it out")
    return None if text is None else Path(text)


def part(config: pytest.Config) -> Part | None:
    """The part that --shard names, None without it. Raises pytest.UsageError, in one line, if it cannot be judged."""
    text = chosen(config, "shard")
    if text is None:
        return None
    if chosen(config, "record-rulings"):
        raise pytest.UsageError(
            f"--shard {text} divides by what is on record: leave out --record-rulings, which changes that, and record once "
            "all parts are judged"
        )
    try:
        return Part.parse(text)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def of_session(config: pytest.Config, tier: Tier, budget: Budget | None) -> "Options":
    """The options of a session of ``tier``. Raises pytest.UsageError, in one line, for one that is not what it must be."""
    from hw1bench.session.settings import Options, default_data_dir  # imports torch

    replicate = chosen(config, "replicate")
    report_dir = _path("--report-dir", chosen(config, "report-dir"))
    seed_offset = _integer("--seed-offset", chosen(config, "seed-offset"))
    return Options(
        tier=tier,
        device=chosen(config, "device"),
        precision=chosen(config, "precision"),
        executor=chosen(config, "executor"),
        data_dir=_path("--data-dir", chosen(config, "data-dir")) or default_data_dir(),
        report_dir=report_dir or Path("reports/replication" if replicate else "reports"),
        seed_offset=(REPLICATION_OFFSET if replicate else 0) if seed_offset is None else seed_offset,
        max_seeds=_integer("--max-seeds", chosen(config, "max-seeds")),
        fresh=chosen(config, "fresh"),
        record_rulings=chosen(config, "record-rulings"),
        strict_rulings=chosen(config, "strict-rulings"),
        prune_rulings=chosen(config, "prune-rulings"),
        replicate=replicate,
        variants=chosen(config, "variants"),
        compare_with=_path("--compare-with", chosen(config, "compare-with"), "report"),
        budget=budget,
    )
