"""What a user may choose for a session, and what of it cannot be met."""

import os
import re
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from hw1bench.report import compare
from hw1bench.report.contract import Compared
from hw1bench.report.replication import REPLICATION_OFFSET
from hw1bench.session.budget import Budget
from hw1bench.specs.experiment import Tier
from hw1bench.support.places import data_folder
from hw1bench.support.precision import Precision

ON_RAY = re.compile(r"ray(?:://(?P<address>[^/:\s]+:\d+))?")
"""The executors that are Ray clusters: one that is started, or the one at an address."""
_LARGEST_SEED = 2**52  # this and the seeds that follow it are exact integers to every reader of claims.json


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user may choose for a session."""

    tier: Tier = "quick"
    device: str = "auto"
    precision: Precision = "default"
    executor: str = "local"
    data_dir: Path | None = None
    report_dir: Path = Path("reports")
    seed_offset: int = 0
    max_seeds: int | None = None
    fresh: bool = False
    record_rulings: bool = False
    strict_rulings: bool = False
    prune_rulings: bool = False
    replicate: bool = False
    variants: bool = False
    compare_with: Path | None = None
    budget: Budget | None = None

    def check(self) -> None:
        """Raise ValueError, in one line, for an option that cannot be met."""
        if self.device not in ("auto", "cpu", "cuda"):
            raise ValueError(f"--device {self.device!r} is unknown: use auto, cpu or cuda")
        if self.precision not in get_args(Precision):
            raise ValueError(f"--precision {self.precision!r} is unknown: use default or strict")
        if self.executor != "local" and not ON_RAY.fullmatch(self.executor):
            raise ValueError(f"--executor {self.executor!r} is unknown: use local, ray, or ray://HOST:PORT")
        if self.seed_offset > _LARGEST_SEED:
            raise ValueError(f"--seed-offset {self.seed_offset} is too large: use {_LARGEST_SEED:,} or less")
        if self.seed_offset < 0:
            raise ValueError(f"--seed-offset {self.seed_offset} is negative: use 0 or more")
        if self.replicate:
            self._check_replication()
        if self.record_rulings and self.seed_offset:
            raise ValueError(
                f"--record-rulings needs seed offset 0, not {self.seed_offset}: verdicts on chosen seeds are not recorded"
            )
        if self.strict_rulings and self.seed_offset:
            raise ValueError(
                f"--strict-rulings needs seed offset 0, not {self.seed_offset}: on seeds other than those of the rulings a "
                "verdict may be weaker by chance"
            )
        if self.data_dir is not None and not self.data_dir.is_dir():
            raise ValueError(f"--data-dir {self.data_dir} is not a directory: name one (or unset HW1BENCH_DATA)")

    def _check_replication(self) -> None:
        if self.seed_offset != REPLICATION_OFFSET:
            raise ValueError(f"--replicate has its own seeds, from {REPLICATION_OFFSET:,}: leave out --seed-offset")
        for given, option in ((self.record_rulings, "--record-rulings"), (self.prune_rulings, "--prune-rulings")):
            if given:
                raise ValueError(f"--replicate compares with the record: leave out {option}, which would change it")
        if self.strict_rulings:
            raise ValueError("--replicate lists weaker verdicts: leave out --strict-rulings, which fails on them")

    def compared(self, claims: Collection[str]) -> Compared | None:
        """The document to compare ``claims`` with, by their ids; None if none was named. Raises ValueError, in one line, if it
        cannot be compared."""
        if self.compare_with is None:
            return None
        try:
            return compare.other(self.compare_with, self.tier, claims)
        except ValueError as error:
            raise ValueError(f"--compare-with: {error}") from error

    def prepare_report_dir(self) -> None:
        """Make the report directory. Raises ValueError if it cannot be written."""
        try:
            self.report_dir.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.report_dir):
                pass
        except OSError as error:
            reason = error.strerror or error
            raise ValueError(
                f"--report-dir {self.report_dir} cannot be written ({reason}): name a different one"
            ) from error


def default_data_dir() -> Path | None:
    """The directory that HW1BENCH_DATA names, whether it exists or not, or else the user's, if it exists; None if neither."""
    folder = data_folder()
    return folder if os.environ.get("HW1BENCH_DATA") or (folder and folder.is_dir()) else None
