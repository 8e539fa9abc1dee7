"""Putting on record what is not: unit after unit, each in a session of its own, until all is done or the time is up.

Whatever ends it, no more is lost than what is in hand: a session saves each ruling as it falls and each record as it is made,
and the next run asks the rulings file what is left.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, Protocol

from hw1bench.court import agenda, costs
from hw1bench.court.agenda import Unit
from hw1bench.court.costs import Device
from hw1bench.court.docket import Book, Case
from hw1bench.report import quantities, reading
from hw1bench.session import record
from hw1bench.session.budget import Budget
from hw1bench.session.collected import Collected, read_rulings

if TYPE_CHECKING:
    from hw1bench.support.precision import Precision  # imports torch

REPORT_DIR = Path("reports/record")
OUTPUT = "pytest.log"
"""What the sessions print, in the report directory."""
_JUDGED = (0, 1)  # exit statuses of pytest if all tests were run: they passed, or some failed
_NO_RULING = 1
_INTERRUPTED = 128  # and the number of the signal, as a shell has it


@dataclass(frozen=True, kw_only=True)
class Options:
    """In what time (None: however long it takes), where units train and with which precision of convolutions on CUDA, and the
    folders of the report and of the data. Raises ValueError, in one line, for a folder of data that does not exist."""

    budget: Budget | None = None
    device: Device = "cpu"
    precision: "Precision" = "default"
    report_dir: Path = REPORT_DIR
    data_dir: Path | None = None

    def __post_init__(self) -> None:
        if self.data_dir is not None and not self.data_dir.is_dir():
            raise ValueError(f"--data-dir {self.data_dir} is not a directory: name one, or leave it out")

    def arguments(self, tests: Sequence[str], seeds: int | None) -> list[str]:
        """What pytest is given, to put the verdicts of ``tests`` on record at the look of ``seeds``."""
        device = "cpu" if self.device == "cpu" else "cuda"
        chosen = {"device": device, "precision": self.precision, "report-dir": self.report_dir}
        if seeds is not None:
            chosen["max-seeds"] = str(seeds)
        if self.data_dir is not None:
            chosen["data-dir"] = self.data_dir
        given = [f"--claims-{name}={value}" for name, value in chosen.items()]
        return ["-p", "pytest_hw1bench", "-m", "gpu", "--claims-record-rulings", *given, "--", *tests]


class Runner(Protocol):
    """Who runs sessions of pytest: see ``hw1bench.session.child``. ``signals`` are those that asked it to end."""

    signals: list[int]

    def run(self, arguments: Sequence[str], output: Path, seconds: float | None) -> int: ...


class Completion:
    """The completion of the record of the claims ``found``, by ``runner``. ``say`` is given plain lines.

    Raises OSError if the report directory cannot be made.
    """

    def __init__(self, found: Collected, options: Options, runner: Runner, say: Callable[[str], None]) -> None:
        self._cases, self._tests = found.cases, found.tests
        self._options = options
        self._runner = runner
        self._say = say
        self._alone: set[str] = set()  # claims that do not share a session again
        self._failed: dict[str, str] = {}  # claims that gave no ruling -> why
        options.report_dir.mkdir(parents=True, exist_ok=True)

    def complete(self) -> int:
        """Put on record what is not, and return the exit status: 0 if every unit that was tried gave its rulings, 1 if not,
        and as of a process that a signal ended if one did. Raises ValueError, in one line, if a rulings file is malformed."""
        why, tried = "", False
        while not why:
            book = read_rulings(self._cases)
            units = self._left(book)
            if not units:
                break
            chosen = self._chosen(units)
            if self._runner.signals:
                why = f"interrupted by {Signals(self._runner.signals[0]).name}"
            elif not chosen:
                why = "no time is left for them"
            else:
                if not tried:
                    self._say(f"what the sessions print is in {self._output}")
                self._try(chosen, units, book)
                tried = True
        self._close(why, tried)
        if self._runner.signals:
            return _INTERRUPTED + self._runner.signals[0]
        return _NO_RULING if self._failed else 0

    @property
    def _output(self) -> Path:
        return self._options.report_dir / OUTPUT

    def _records(self) -> set[Path]:
        """The files of what is trained or measured: blocks, and runs of blocks that are not whole."""
        return set((self._options.report_dir / "blocks").glob("*.npz"))

    @property
    def _time(self) -> float:
        """Seconds that are left."""
        return math.inf if self._options.budget is None else self._options.budget.left

    def _left(self, book: Book) -> list[Unit]:
        """What is to be put on record, without claims that gave no ruling."""
        for case in self._cases:
            if case.claim.id not in self._tests and agenda.next_look(case, book) is not None:
                self._failed[case.claim.id] = "no test judges it in the full tier"
        cases = [case for case in self._cases if case.claim.id not in self._failed]
        return agenda.units(cases, book, costs.rates(costs.timed(self._cases, book)), self._options.device)

    def _chosen(self, units: Sequence[Unit]) -> list[Unit]:
        """The units of the next session; none if no time is left for any."""
        chosen = agenda.fitting(units, self._time) if self._time > 0 else []
        alone = [unit for unit in chosen if self._alone.intersection(unit.claims)]
        return chosen[:1] if chosen[:1] == alone[:1] else [unit for unit in chosen if unit not in alone]

    def _try(self, chosen: Sequence[Unit], units: Sequence[Unit], before: Book) -> None:
        """Judge the units ``chosen`` of ``units`` in one session, and say what was put on record."""
        cases = [case for unit in chosen for case in unit.cases]
        then = [unit for unit in units if unit not in chosen]
        after = f"left after it: {_sum(then)}" if then else "nothing is left after it"
        self._say(f"next: {', '.join(unit.name for unit in chosen)}: {_sum(chosen)}; {after}")
        tests = [self._tests[case.claim.id] for case in cases]
        seeds = max((unit.seeds for unit in chosen if unit.seeds is not None), default=None)
        begun, there = time.monotonic(), self._records()
        limit = None if self._options.budget is None else self._time
        status = self._runner.run(self._options.arguments(tests, seeds), self._output, limit)
        now = read_rulings(cases)
        fell: dict[str, list[str]] = {}
        for case in cases:
            ruling = case.ruled(now, "full")
            if ruling is not None and ruling != case.ruled(before, "full"):
                of = f" {ruling.holds}/{ruling.seeds}" if ruling.seeds else ""
                word = ", ".join(filter(None, (ruling.verdict, ruling.how)))
                fell.setdefault(word, []).append(f"{case.claim.id}{of}")
        missed = [case for case in cases if agenda.next_look(case, now) == agenda.next_look(case, before)]
        whole = status in _JUDGED
        if not whole and (self._runner.signals or self._time <= 0):
            why = self._cut_short(len(self._records() - there))
            reasons = {case.claim.id: why for case in missed}
        elif not whole and len(chosen) > 1:  # one of them may have kept the others from being judged
            self._alone.update(case.claim.id for case in missed)
            why = f"pytest ended with exit status {status}, see {self._output}; each unit is tried again by itself"
            reasons = {case.claim.id: why for case in missed}
        else:
            reasons = {case.claim.id: self._reason(case, now, before, status) for case in missed}
            self._failed |= reasons
        without: dict[str, list[str]] = {}
        for claim, why in reasons.items():
            without.setdefault(why, []).append(claim)
        said = [f"    {word}: {', '.join(some)}" for word, some in fell.items()]
        said += [f"    no ruling: {', '.join(some)}: {why}" for why, some in without.items()]
        self._say("\n".join([f"  took {quantities.duration(time.monotonic() - begun)}", *said]))

    def _cut_short(self, records: int) -> str:
        """Why a session that made so many ``records`` was ended, and what is left of it."""
        signals = self._runner.signals
        why = f"interrupted by {Signals(signals[0]).name}" if signals else "the time is up"
        kept = (
            f"{quantities.plural(records, 'new record')} {'is' if records == 1 else 'are'} kept"
            if records
            else "no new record"
        )
        return f"{why}, {kept}: run it again, and it goes on from what is there"

    def _reason(self, case: Case, now: Book, before: Book, status: int) -> str:
        """Why a session that ended with ``status`` gave no ruling on the claim."""
        if case.found(now, "full") != case.found(before, "full"):
            return "its experiment or effect has changed since this run began: start again"
        with suppress(ValueError):  # there is no report
            document, _ = reading.read(self._options.report_dir)
            for entry in document["claims"] if status in _JUDGED else ():
                if entry["id"] == case.claim.id and entry["verdict"] in ("error", "not run"):
                    return f"{entry['verdict']}, {entry['note']}"
        return (
            f"see {self._output}"
            if status in _JUDGED
            else f"pytest ended with exit status {status}, see {self._output}"
        )

    def _close(self, why: str, tried: bool) -> None:
        """Say what was not reached, with its estimated cost, what gave no ruling, and what is on record."""
        book = read_rulings(self._cases)
        units = self._left(book)
        if units:
            self._say(f"not run ({why}):")
            for unit in units:
                self._say(f"  {unit.name}: {_sum([unit])}")
        if self._failed:
            self._say("no ruling:")
            for claim, reason in self._failed.items():
                self._say(f"  {claim}: {reason}")
        if not units and not self._failed and not tried:
            self._say("nothing is left to do: every claim has a ruling, and no planned look could change one")
        self._say("\n".join(record.summary(self._cases, book)))


def _sum(units: Sequence[Unit]) -> str:
    """What ``units`` hold and cost, in words."""
    seconds = sum(unit.seconds for unit in units)
    claims = quantities.plural(sum(len(unit.cases) for unit in units), "claim")
    known = [f"about {quantities.duration(seconds)}"] if seconds else []
    unknown = ["as long as computing values takes"] if any(unit.unknown for unit in units) else []
    return f"{claims}, {' and '.join([*known, *unknown]) or 'at no cost'}"
