"""The options of a session, on pytest's command line."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hw1bench.report.replication import REPLICATION_OFFSET
from hw1bench.session.budget import Budget
from hw1bench.specs.experiment import Tier

if TYPE_CHECKING:
    from hw1bench.session.settings import Options

# Name -> arguments for argparse. Each option also exists as --claims-NAME, which no other plugin has.
_OPTIONS: dict[str, dict[str, Any]] = {
    "device": {"default": "auto", "help": "auto (CPU in the quick tier, CUDA in the full one), cpu or cuda"},
    "precision": {"default": "default", "help": "default or strict: no TF32 in convolutions on CUDA; a CPU has none"},
    "data-dir": {
        "metavar": "DIR",
        "help": "folder of MNIST and CIFAR-10 (default: $HW1BENCH_DATA, or ~/.local/share/hw1bench)",
    },
    "report-dir": {"metavar": "DIR", "help": "folder of the report (default: reports)"},
    "seed-offset": {"metavar": "N", "help": "first seed (default: 0)"},
    "max-seeds": {"metavar": "N", "help": "drop the planned looks above N seeds; the level does not change"},
    "budget": {
        "metavar": "MINUTES",
        "help": "judge what so many minutes allow, by rulings an hour; the rest is not run, with its estimated cost",
    },
    "fresh": {"action": "store_true", "help": "ignore stored blocks: train everything anew"},
    "record-rulings": {"action": "store_true", "help": "put the verdicts on record beside the claims"},
    "strict-rulings": {"action": "store_true", "help": "fail on a weaker verdict, a missing ruling, a claim not run"},
    "on-record": {"action": "store_true", "help": "judge only claims that have a ruling for the tier"},
    "replicate": {
        "action": "store_true",
        "help": f"judge on seeds from {REPLICATION_OFFSET:,} and compare with the record (report: reports/replication)",
    },
    "variants": {
        "action": "store_true",
        "help": "judge claims tried as reported under other ways of training too (batches, pixels, initial weights, seeds)",
    },
    "compare-with": {
        "metavar": "FILE",
        "help": "a report directory or a claims.json: the report says what changed since",
    },
    "prune-rulings": {"action": "store_true", "help": "remove rulings on claims and tiers that are gone"},
}


def add(parser: pytest.Parser) -> None:
    """Add the options to pytest's."""
    group = parser.getgroup("hw1bench", "claims")
    for name, attributes in _OPTIONS.items():
        ours = {**attributes, "dest": f"claims_{name.replace('-', '_')}"}
        try:
            group.addoption(f"--{name}", f"--claims-{name}", **ours)
        except (ValueError, argparse.ArgumentError):  # another plugin, or a conftest, has the short name
            group.addoption(f"--claims-{name}", **ours)


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
