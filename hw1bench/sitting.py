"""One sitting of the court: options in, a report directory out. It works without pytest; the plugin is its adapter."""

import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import hw1bench
from hw1bench import report, rulings, snapshots
from hw1bench.claim import Claim
from hw1bench.court import Court, Judgement, Timer
from hw1bench.data import Library
from hw1bench.experiment import Contrast, Experiment, Figure, Images, Tier
from hw1bench.local import LocalTrainer, cuda_here
from hw1bench.measures import learning
from hw1bench.progress import Progress
from hw1bench.protocols import steps
from hw1bench.report import document, figures
from hw1bench.rulings import Outcome, Ruling, Rulings
from hw1bench.runs import Run, Unavailable
from hw1bench.store import Store
from hw1bench.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user may choose for a session; `check` raises ValueError, in one line, for what cannot be."""

    tier: Tier = "quick"
    device: str = "auto"
    data_dir: Path | None = None
    report_dir: Path = Path("reports")
    seed_offset: int = 0
    max_seeds: int | None = None
    fresh: bool = False
    record_rulings: bool = False
    strict_rulings: bool = False

    def check(self) -> None:
        if self.device not in ("auto", "cpu", "cuda"):
            raise ValueError(f"--device {self.device!r} is unknown: use auto, cpu or cuda")
        if self.seed_offset < 0:
            raise ValueError(f"--seed-offset {self.seed_offset} is negative: use 0 or more")
        if self.record_rulings and self.seed_offset:
            raise ValueError(
                f"--record-rulings goes with seed offset 0 only, not {self.seed_offset}: a ruling on chosen seeds is none"
            )
        if self.data_dir is not None and not self.data_dir.is_dir():
            raise ValueError(f"--data-dir {self.data_dir} is no directory: name one (or unset HW1BENCH_DATA)")

    def prepare_report_dir(self) -> None:
        """Make the report directory; raises ValueError where it cannot be written."""
        try:
            self.report_dir.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.report_dir):
                pass
        except OSError as error:
            reason = error.strerror or error
            raise ValueError(f"--report-dir {self.report_dir} cannot be written ({reason}): name another") from error


@dataclass(frozen=True)
class Docket:
    """A claim that the session selected: its topic, and the rulings file beside it."""

    claim: Claim
    topic: str
    rulings: Path


def _commit(folder: Path) -> str | None:
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None


@dataclass
class Sitting:
    """Judges the claims on ``docket`` and writes the report. Raises ValueError, in one line, for options that cannot be met.

    ``book`` holds the rulings of each rulings file.
    """

    options: Options
    docket: list[Docket]
    book: dict[Path, Rulings]
    progress: Progress
    _entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    _shown: list[Experiment | Contrast] = field(default_factory=list)

    def __post_init__(self) -> None:
        options = self.options
        options.check()
        options.prepare_report_dir()
        self._started = datetime.now(UTC)
        self._clock = time.perf_counter()
        closed, device = None, options.device
        if device == "auto":
            device = "cpu" if options.tier == "quick" else "cuda"
            if device == "cuda" and not cuda_here():
                closed = "no CUDA device here: give --device cpu to run the full tier on the CPU"
                device = "cpu"
        self.trainer = LocalTrainer(device, self.progress, Library(options.data_dir, self.progress))
        store = Store(options.report_dir / "blocks", fresh=options.fresh, notice=self.progress.notice)
        self.court = Court(options.tier, store, self.trainer, options.seed_offset, options.max_seeds, closed)
        for item in self.docket:
            if item.claim.experiment is not None:
                self.court.looks(item.claim.experiment)

    def judge(self, item: Docket, timer: Timer) -> tuple[Judgement, Mapping[str, Any], Outcome]:
        """Judge one claim: the judgement, its entry in claims.json, and the outcome of its test."""
        judgement = self.court.judge(item.claim, timer)
        known = self.book.setdefault(item.rulings, {})
        place = (item.claim.id, self.options.tier)
        new = self._ruling(judgement, item.topic)
        if self.options.record_rulings and new is not None:
            known[place] = new
            rulings.save(item.rulings, known.values())
        old = known.get(place)
        outcome = rulings.outcome(judgement.verdict.word, old.verdict if old else None)
        if self.options.strict_rulings and new is not None:
            outcome = rulings.strictly(outcome, new, old)
        entry = document.entry(judgement, item.topic, old.verdict if old else None, outcome)
        self._entries[item.claim.id] = entry
        return judgement, entry, outcome

    def show(self, exhibit: Experiment | Contrast, timer: Timer) -> str | None:
        """Train what the figures show; the reason why not, where that cannot be trained here."""
        if self.court.closed is not None:
            return self.court.closed
        self._shown.append(exhibit)
        try:
            for experiment in exhibit.experiments if isinstance(exhibit, Contrast) else (exhibit,):
                self.court.show(experiment, timer)
        except Unavailable as reason:
            return str(reason)
        return None

    def close(self) -> dict[str, Any]:
        """Draw the figures and write the report; claims that were not reached are "not run". Returns the document."""
        claims = []
        for item in self.docket:
            if item.claim.id not in self._entries:
                known = self.book.get(item.rulings, {}).get((item.claim.id, self.options.tier))
                missed = Judgement(
                    item.claim, self.options.tier, Verdict("not run", note="the session ended before it")
                )
                outcome = rulings.outcome("not run", None)
                entry = document.entry(missed, item.topic, known.verdict if known else None, outcome)
                self._entries[item.claim.id] = entry
            claims.append(self._entries[item.claim.id])
        written = document.build(
            tier=self.options.tier,
            started=self._started.isoformat(timespec="seconds"),
            seconds=time.perf_counter() - self._clock,
            seed_offset=self.options.seed_offset,
            environment=self._environment(),
            claims=claims,
            figures=self._draw(),
        )
        report.write(written, self.options.report_dir)
        return written

    def _ruling(self, judgement: Judgement, topic: str) -> Ruling | None:
        verdict, experiment = judgement.verdict, judgement.claim.experiment
        if verdict.word not in rulings.RULED:
            return None
        return Ruling(
            claim=judgement.claim.id,
            topic=topic,
            tier=judgement.tier,
            verdict=verdict.word,
            how=verdict.how,
            holds=verdict.holds,
            seeds=verdict.seeds,
            experiment=experiment.key(judgement.tier) if experiment else None,
            environment=self.trainer.environment if experiment else None,
        )

    def _environment(self) -> dict[str, Any]:
        trained = self.trainer.environment
        return {
            "python": platform.python_version(),
            **{name: trained[name] for name in ("torch", "device", "isa", "threads")},
            "commit": _commit(self.docket[0].rulings.parent if self.docket else Path.cwd()),
            "hw1bench": hw1bench.__version__,
        }

    def _draw(self) -> list[dict[str, str]]:
        """Draw every figure of the experiments whose runs are at hand, and the contrasts between them."""
        used = [item.claim.experiment for item in self.docket if item.claim.experiment is not None]
        drawn = []
        for exhibit in dict.fromkeys([*used, *self._shown]):
            if isinstance(exhibit, Contrast):
                series = [
                    replace(one, name=f"{experiment.report}, {one.name}")
                    for experiment in exhibit.experiments
                    for one in self._series(experiment)
                ]
                path = f"figures/{exhibit.id}.svg"
                figure = Figure(number="-", title=exhibit.title, kind=exhibit.kind)
                remarks = (exhibit.says, self._standing_in(exhibit))
                drawn += self._chart(exhibit.reports, figure, series, path, *remarks)
                continue
            series = self._series(exhibit)
            for figure in exhibit.figures:
                shown = [one for one in series if not figure.arms or one.name in figure.arms]
                path = document.figure_path(exhibit, figure)
                drawn += self._chart(exhibit.report, figure, shown, path)
        return drawn

    def _chart(
        self, reports: str, figure: Figure, series: list[figures.Series], path: str, before: str = "", after: str = ""
    ) -> list[dict[str, str]]:
        """Draw one figure: its entry in claims.json, with what stands before and after the figure's own note.

        Without runs there is none; one that fails costs a line, not the report.
        """
        if not series:
            return []
        whose = "Reports" if "," in reports else "Report"
        try:
            title = f"{whose} {reports}: {figure.title}"
            figures.draw(figure.kind, title=title, series=series, path=self.options.report_dir / path)
            note = "\n".join(filter(None, (before, figures.note(figure.kind, series), after)))
        except Exception as error:
            self.progress.notice(f"figure {path} could not be drawn ({type(error).__name__}: {error})")
            return []
        entry = {"report": reports, "number": figure.number, "title": figure.title, "path": path}
        return [{**entry, "note": note} if note else entry]

    def _standing_in(self, contrast: Contrast) -> str:
        """What stands in for the data of ``contrast`` in this tier, in a sentence; '' where nothing does."""
        sets = {
            (arm.data.name, arm.data.stands_for)
            for experiment in contrast.experiments
            for arm in experiment.protocol(self.options.tier).arms
            if isinstance(arm.data, Images) and arm.data.stands_for
        }
        what = " and ".join(sorted(f"{name} stand in for {other}" for name, other in sets))
        if not what:
            return ""
        budgets = ", ".join(
            f"{experiment.report} {steps(arm):,}" for experiment in contrast.experiments for arm in experiment.full.arms
        )
        return f"Here {what}, which settles nothing about the real data set. The reports' own budgets: {budgets} steps."

    def _series(self, experiment: Experiment) -> list[figures.Series]:
        if self.options.tier == "quick" and experiment.quick is None:
            return []
        series = []
        for arm in experiment.protocol(self.options.tier).arms:
            found = [
                (block, record)
                for block, record in self.court.records.items()
                if (block.report, block.experiment, block.arm) == (experiment.report, experiment.name, arm)
            ]
            if not found:
                continue
            found.sort(key=lambda pair: pair[0].first_seed)
            records = [record for _, record in found]
            arrays = {
                # Not every block need be measured: an arm may go on to more seeds than its pair, or a session be cut short.
                name: np.concatenate([record.arrays[name] for record in records if name in record.arrays])
                for name in records[0].arrays
                if name not in ("weights", *snapshots.ARRAYS)
            }
            if "jacobian" in arrays:
                arrays |= _swept([run for block, record in found for run in record.runs(block)])
            facts = records[0].facts
            arrays |= {name: np.asarray(facts[name]) for name in ("x", "truth") if name in facts}
            arrays["parameters"] = np.asarray(arm.model.parameters)
            arrays["steps"] = np.arange(arm.epochs + 1) * facts["steps_an_epoch"]
            series.append(figures.Series(arm.name, arrays))
        return series


def _swept(runs: list[Run]) -> dict[str, np.ndarray]:
    """What charts of a sweep show of an arm: its settings, and (runs,) each value at the epoch whose weights are kept."""
    names = [f"{split}_{what}" for split in ("train", "test") for what in ("loss", "accuracy")]
    arrays = {f"kept_{name}": np.array([learning.final(run, name) for run in runs]) for name in names}
    if "last_batch_norm" in runs[0].arrays:
        arrays["reported"] = np.array([learning.final(run, "reported") for run in runs])
    arm = runs[0].arm
    return arrays | {"lr": np.asarray(arm.optimizer.lr), "batch_size": np.asarray(arm.batch_size or np.nan)}


def default_data_dir() -> Path | None:
    """The directory that HW1BENCH_DATA names, where it names one."""
    named = os.environ.get("HW1BENCH_DATA")
    return Path(named) if named else None
