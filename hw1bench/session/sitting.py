"""One sitting of the court: options in, a report directory out. It works without pytest; the plugin is its adapter."""

import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hw1bench
from hw1bench import report
from hw1bench.court import agenda, costs, pilots, rulings
from hw1bench.court.claim import Claim
from hw1bench.court.docket import Case
from hw1bench.court.hearing import Court, Judgement, Timer, Trainer
from hw1bench.court.register import PATIENCE, Register, lock
from hw1bench.court.rulings import Outcome, Rulings
from hw1bench.court.values import Values
from hw1bench.court.variants import vary
from hw1bench.court.vocabulary import OPEN
from hw1bench.effects import Effect
from hw1bench.effects.authored import authored
from hw1bench.records.runs import Block
from hw1bench.records.store import Store
from hw1bench.report import contract, document, merge, schema
from hw1bench.report.merge import Known
from hw1bench.session.ahead import Ahead, Unseen
from hw1bench.session.budget import Budget
from hw1bench.session.drawing import Drawing
from hw1bench.session.earlier import check, earlier, nothing_judged
from hw1bench.session.endings import Ending
from hw1bench.session.entries import Entries
from hw1bench.session.executing import Executor
from hw1bench.session.late import Late
from hw1bench.session.settings import Options
from hw1bench.specs.experiment import Arm, CrossReportFigure, Experiment
from hw1bench.specs.pack import Pack
from hw1bench.support.files import remove_abandoned
from hw1bench.support.progress import Progress
from hw1bench.support.refusals import Unavailable

if TYPE_CHECKING:
    from hw1bench.executors.cluster import ClusterTrainer
    from hw1bench.executors.local import LocalTrainer
    from hw1bench.session.clerk import Clerk


def _commit(folder: Path) -> str | None:
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None


@dataclass
class Sitting:
    """A sitting, which judges the claims of ``cases`` and writes the report. Raises ValueError, in one line, for options that
    cannot be met.

    ``docket`` holds the claims of all files that were collected, and ``book`` the rulings of each rulings file; ``pack``
    describes the reports and topics; the report is ``compared`` with another document. Once ``hurried``, the report is finished
    without its slow parts. ``meanwhile`` has the seconds that training and measuring took beside what the session waited for, by
    the id of the experiment.
    """

    options: Options
    cases: list[Case]
    docket: Sequence[Case]
    book: dict[Path, Rulings]
    progress: Progress
    pack: Pack = field(default_factory=Pack)
    hurried: Callable[[], bool] = lambda: False
    compared: contract.Compared | None = None
    meanwhile: Mapping[str, float] = field(default_factory=dict)
    _shown: dict[Experiment | CrossReportFigure, str] = field(default_factory=dict)  # -> topic
    _registers: dict[Path, Register] = field(default_factory=dict)  # for --record-rulings
    _ahead: "Ahead | Clerk | None" = None

    def __post_init__(self) -> None:
        options = self.options
        options.check()
        options.prepare_report_dir()
        check(options.report_dir)
        started = datetime.now(UTC).isoformat(timespec="seconds")
        self._entries = Entries(options.tier, started, self.docket, self.book, self._trained_by)
        self._known, self._idle = Known(), False
        self._clock = time.perf_counter()
        self._store = Store(options.report_dir / "blocks", fresh=options.fresh, notice=self.progress.notice)
        self._executor = Executor(options, self.progress, self._store)
        self._rates = costs.rates(costs.timed(self.docket, self.book) if options.budget else ())
        try:
            self._prepare()
        except BaseException:
            self._leave()
            raise

    def _prepare(self) -> None:
        """Begin the court, and what is made ahead of it."""
        options = self.options
        self.court = self._court(self._store, Late(lambda: self.trainer), options.budget, self._executor.closed)
        for case in self.cases:
            if isinstance(case.claim.effect, Values):
                self.court.looks(case.claim.effect)
            elif case.claim.experiment is not None and case.claim.protocol(options.tier) is not None:
                self.court.looks(case.claim.experiment)
        # Before anything trains, because the source of an effect or a measurement may be edited during training.
        for case in (*self.cases, *self.docket):
            _ = case.subjects
            _ = [reading.effect.source for reading in case.claim.readings if isinstance(reading.effect, Values)]
        for case in self.cases:
            protocol = case.claim.protocol(options.tier)
            for measurement in protocol.measures if protocol else ():
                authored(measurement)
        self._begin_ahead()
        if options.record_rulings:
            paths = {case.rulings for case in self.cases}
            self._registers = {path: Register(path, self.progress.notice) for path in sorted(paths)}
            for register in self._registers.values():
                register.check()

    @property
    def trainer(self) -> "LocalTrainer | ClusterTrainer":
        """What trains and measures."""
        return self._executor.trainer

    def _begin_ahead(self) -> None:
        """Begin what can be made ahead of the tests that need it: on a cluster everything, beside a GPU fits of functions."""
        if self._executor.cluster is not None:
            if self.court.closed is None:
                self._begin_clerk(self._executor.cluster)
            return
        wanted: dict[Experiment, dict[Arm, None]] = {}  # arms in the order in which claims compare them
        for case in self.cases:
            if self.beside_a_gpu(case.claim):
                experiment, effect = case.claim.experiment, case.claim.effect
                assert experiment is not None
                assert isinstance(effect, Effect)
                arms = effect.compared(experiment.protocol(self.options.tier).arms)
                wanted.setdefault(experiment, {}).update(dict.fromkeys(arms))
        if not wanted:
            return
        unseen = Unseen(self.progress)
        budget = copy(self.options.budget)  # which notes what this thread takes up
        trainer = self._executor.local.unseen(budget.watching(unseen) if budget else unseen)
        court = self._court(self.court.store, Late(lambda: trainer), budget)
        if budget is not None:  # from the other end than the session, which the two would otherwise wait for together
            seconds = self.seconds_per_claim()
            last = {case.claim.experiment: seconds[case.claim.id] for case in self.cases}
            wanted = dict(sorted(wanted.items(), key=lambda pair: -last[pair[0]]))
        ahead = Ahead(list(wanted), lambda experiment: court.prepare(experiment, list(wanted[experiment])), unseen)
        self.court.prepared = ahead.wait
        self.meanwhile = court.spent
        self._ahead = ahead

    def _begin_clerk(self, trainer: "ClusterTrainer") -> None:
        """Let a cluster make the first look of all claims, and then whatever is next. Raises ValueError, in one line, for claims
        that cannot be sent to it."""
        from hw1bench.session.clerk import Clerk

        trained = [case.claim for case in self.cases if isinstance(case.claim.effect, Effect)]
        trainer.check(list(dict.fromkeys(of for claim in trained for of in self.court.first_look(claim))))
        trainer.keep = self.court.keep
        self._ahead = clerk = Clerk(self.court, trainer, trained)
        self.court.prepared = clerk.made

    def _leave(self) -> None:
        """Stop what is made ahead, and give a cluster back."""
        if self._ahead is not None:
            self._ahead.end()
        self._executor.end()

    def _court(self, store: Store, trainer: Trainer, budget: Budget | None, closed: str | None = None) -> Court:
        options = self.options
        court = Court(options.tier, store, trainer, options.seed_offset, options.max_seeds, closed)
        if budget is not None:
            court.admit = partial(self._admit, budget)
        court.progress = budget.watching(self.progress) if budget else self.progress
        return court

    def beside_a_gpu(self, claim: Claim) -> bool:
        """Whether the runs of ``claim`` are trained and measured by the host's processors while a GPU trains those of others."""
        protocol = claim.protocol(self.options.tier)
        trained = self.court.closed is None and protocol is not None and isinstance(claim.effect, Effect)
        return trained and protocol is not None and all(map(self.trainer.beside_a_gpu, protocol.arms))

    def seconds_per_claim(self) -> dict[str, float]:
        """By the id of each claim, the estimated seconds per claim of its experiment: the order in which a budget is spent."""
        return agenda.seconds_per_claim(self.cases, self.options.tier, self._rates, self._priced)

    def _admit(self, budget: Budget, experiment: Experiment | Values, blocks: Sequence[Block]) -> None:
        """Raise Unavailable if ``budget`` has no time left to train and measure ``blocks`` of ``experiment``. A block that is
        trained and not yet measured counts as a whole, because the rates on record do not tell one from the other; of one that
        was cut short, the runs that are left count. How long values from elsewhere take to compute nobody knows, nor what blocks
        take on a cluster: they begin if any time is left, and stop when it is up."""
        if isinstance(experiment, Values) or self._executor.cluster is not None:
            budget.admit(0.0)
            return
        measures = experiment.protocol(self.options.tier).measures
        left = [(block.arm, self._executor.local.left(block)) for block in blocks]
        budget.admit(sum(self._rates.seconds([arm], measures, runs, self._priced) for arm, runs in left))

    @property
    def _priced(self) -> costs.Device:
        """The device whose rates on record tell what training costs here."""
        return "cpu" if self._executor.device == "cpu" else "GPU"

    def try_case(self, case: Case, timer: Timer) -> tuple[Judgement, contract.Claim, Outcome]:
        """Hear one case. Return the judgement on its claim, its entry in claims.json, and the outcome of its test.

        Raises ValueError if the entry is not valid in claims.json.
        """
        judgement = self.court.hear(case.claim, timer, after=self._undecided_after(case))
        new = self._entries.ruling(judgement, case)
        counted = case.ruled(self.book, self.options.tier)  # before this session may replace it
        if self.options.record_rulings and new is not None:
            self._enter(self._registers[case.rulings].record(new), case)
        old, subject = case.found(self.book, self.options.tier), case.subjects[self.options.tier]
        compare = rulings.replicated if self.options.replicate else rulings.beside
        outcome, ruling = compare(judgement.verdict.word, old, subject)
        if self.options.strict_rulings and new is not None:
            measure = counted or old  # a claim without a ruling that counts may have got one now
            outcome = rulings.strictly(rulings.beside(new.verdict, measure, subject)[0], new, measure)
        elif self.options.strict_rulings and judgement.verdict.word == "not run" and not self._silenced(case.claim):
            outcome = Outcome("failed", "not run, which --strict-rulings does not allow")
        entry = self._entries.entry(judgement, case, ruling, outcome)
        if self.options.variants:
            words_of = vary(self.court, judgement)
            entry["variants"] = [{"name": name, "verdict": word} for name, word in words_of]
        contract.check_claim(entry)  # an invalid entry costs this claim, not the whole report
        self._entries.written[case.claim.id] = entry
        return judgement, entry, outcome

    def _enter(self, recorded: Rulings, case: Case) -> None:
        """Put into the book what is on ``recorded`` in the rulings file of ``case``, and nothing that is not."""
        for ruling in recorded.values():
            self._entries.record(ruling, case)

    @property
    def unrecorded(self) -> int:
        """How many rulings of the session could not be put on record."""
        return sum(register.lost for register in self._registers.values())

    def _undecided_after(self, case: Case) -> int:
        """After how many seeds a claim was found inconclusive whose ruling this session continues; 0 if it does not."""
        ruling = case.ruled(self.book, self.options.tier) if self.options.record_rulings else None
        return ruling.seeds or 0 if ruling is not None and ruling.verdict in OPEN else 0

    def show(self, exhibit: Experiment | CrossReportFigure, topic: str, timer: Timer) -> str | None:
        """Train what the figures of ``exhibit`` show, under ``topic``. Return the reason if that cannot be trained here."""
        if self.court.closed is not None:
            return self.court.closed
        self._shown[exhibit] = topic
        try:
            for experiment in exhibit.experiments if isinstance(exhibit, CrossReportFigure) else (exhibit,):
                self.court.prepare(experiment, experiment.protocol(self.options.tier).arms, timer)
        except Unavailable as reason:
            return str(reason)
        except KeyboardInterrupt:  # its runs are not complete
            del self._shown[exhibit]
            raise
        return None

    def close(
        self,
        endings: Mapping[str, Ending | None],
        known: Known,
        exhibits: Sequence[schema.Exhibit] = (),
        shard: schema.Shard | None = None,
    ) -> contract.Document:
        """Draw the figures and return the document of this session's claims. ``write`` puts it into the report directory.

        ``endings`` maps the id of each claim to how its test ended (None: the session ended before it). A claim without a
        verdict is reported by its test's ending; so is the outcome of a claim whose test did not end as its verdict would have
        it. ``known`` are the claims of all files that were collected, ``exhibits`` the tests that judged nothing, and
        ``shard`` the part of a selection that was judged.
        """
        self._leave()
        cases = {case.rulings: case for case in self.cases}
        for path, register in self._registers.items():
            self._enter(register.close(self.options.report_dir), cases[path])
        claims = [self._entries.ended(case, endings.get(case.claim.id)) for case in self.cases]
        for case, claim in zip(self.cases, claims, strict=True):
            ending = endings.get(case.claim.id)
            claim["test"] = (ending.test if ending else "") or None
        for case, claim in zip(self.cases, claims, strict=True):  # by now all pilots that were to be recorded are
            claim["calibration"] = self._entries.calibration(case, claim["verdict"])
        self._known, self._idle = known, nothing_judged(claims)
        before = None
        with suppress(OSError):  # ``write`` raises it again
            before = earlier(self.options, self._known, self.progress.notice, idle=self._idle)
        shown: dict[Experiment | CrossReportFigure, str] = {}
        for case in self.cases:
            if case.claim.experiment is not None:
                shown.setdefault(case.claim.experiment, case.topic)
        for exhibit, topic in self._shown.items():
            shown.setdefault(exhibit, topic)
        drawing = Drawing(
            self.options.tier,
            self.court.records,
            self.court.results,
            self.options.report_dir,
            self.progress.notice,
            self.hurried,
            {figure["path"]: figure for figure in before.figures} if before else {},
            self.court.cut_short
            | {
                case.claim.experiment
                for case in self.cases
                if case.claim.experiment and endings.get(case.claim.id) is None
            },
            [case.claim for case in (*self.cases, *self.docket)],
        )
        return document.build(
            tier=self.options.tier,
            started=self._entries.started,
            seconds=time.perf_counter() - self._clock,
            seed_offset=self.options.seed_offset,
            environment=self._environment(),
            pack=self.pack,
            claims=claims,
            figures=drawing.draw(shown) if before else [],  # a report that is left keeps its own
            exhibits=exhibits,
            compared=self.compared,
            shard=shard,
        )

    def write(self, written: contract.Document) -> contract.Document | None:
        """Add ``written``, which ``close`` returned, to the report in the report directory. Return the whole document; None if
        nothing was judged and the report there, of another tier or other seeds, stays as it is.

        The report is read again under a lock, because another session may have added to it meanwhile. Raises OSError if it
        cannot be read or written.
        """
        with ExitStack() as stack:
            with suppress(OSError):  # if the folder cannot be locked, or a hung session holds the lock, go on without
                descriptor = os.open(self.options.report_dir, os.O_RDONLY)
                stack.callback(os.close, descriptor)
                lock(descriptor, PATIENCE)
            for folder in (self.options.report_dir, self.options.report_dir / "figures"):
                remove_abandoned(folder)  # by sessions that were killed
            before = earlier(self.options, self._known, lambda text: None, idle=self._idle)
            if before is None:
                return None
            whole = merge.added(before, written)
            report.write(whole, self.options.report_dir, session=written, notice=self.progress.notice)
        return whole

    def _silenced(self, claim: Claim) -> bool:
        return self.options.tier == "quick" and bool(pilots.silenced(claim))

    def _trained_by(self, claim: Claim) -> schema.Environment:
        """What trains the runs of ``claim``."""
        return {**claim.effect.trained_by} if isinstance(claim.effect, Values) else self.trainer.environment

    def _environment(self) -> dict[str, Any]:
        """What the session ran on; of what trained its runs only if it has runs."""
        made = self._executor.made
        trained = made.environment if made is not None else {}
        return {
            "python": platform.python_version(),
            **{name: trained[name] for name in ("torch", "device", "isa", "threads") if name in trained},
            "commit": _commit(self.cases[0].rulings.parent if self.cases else Path.cwd()),
            "hw1bench": hw1bench.__version__,
        }
