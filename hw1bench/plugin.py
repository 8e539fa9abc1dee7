"""The pytest plugin once it is awake: the court as tests see it, outcomes, and the summary.

It is an adapter over ``hw1bench.session.sitting``. ``pytest_hw1bench``, which pytest loads, calls ``begin`` if an option is
given, a pack is brought, or claims are collected: tests that take the ``court`` fixture and are parametrized by ``claim`` (or by
``exhibit``: an experiment, or a figure across reports, that is only trained and drawn).
"""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hw1bench.court import rulings
from hw1bench.court.register import Register
from hw1bench.images.printable import PrintableProgress
from hw1bench.report import compare, groups, quantities, replication
from hw1bench.report.merge import Known
from hw1bench.session import faults, mistakes, options, outlook, step_summary, summary, terminal
from hw1bench.session.bench import Bench
from hw1bench.session.budget import Budget
from hw1bench.session.endings import Endings
from hw1bench.session.interrupts import Interrupts, drop_lineless
from hw1bench.session.ruled import OnRecord
from hw1bench.session.selection import Reading, Selection
from hw1bench.session.shard import Shard
from hw1bench.session.subjects import params, topic
from hw1bench.session.timing import Stopwatch
from hw1bench.specs.experiment import Tier
from hw1bench.support.number import brief
from hw1bench.support.progress import TerminalProgress

if TYPE_CHECKING:
    from hw1bench.court.docket import Case
    from hw1bench.report import contract
    from hw1bench.session.sitting import Sitting

REPORT_LOST = 74
"""The exit status if the report or a ruling could not be written (EX_IOERR of sysexits.h), whatever the tests gave."""
_JUDGED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
_NAMED = 5  # claims that were not judged, before the rest is only counted
_FAULTS = 10  # faults of claims that are printed before the rest is only counted


def begin(config: pytest.Config, reading: Reading, *, early: bool) -> "Session":
    """Begin a session of the court in pytest's, ``early`` or when pytest collects.

    Raises pytest.UsageError, in one line, for a budget or a part that is none, and for packs that contradict each other.
    """
    selection = Selection(config, reading)
    if early:
        selection.take_packs()
    config.pluginmanager.register(selection, "hw1bench-selection")
    if options.chosen(config, "on-record"):
        config.pluginmanager.register(OnRecord(), "hw1bench-on-record")
    part = options.part(config)
    shard = Shard(part, selection) if part else None
    if shard is not None:
        config.pluginmanager.register(shard, "hw1bench-shard")  # last, to divide what the others leave
    session = Session(config, selection, reading.begun, shard)
    config.pluginmanager.register(session, "hw1bench-session")
    if not early:
        session.pytest_sessionstart()
    return session


class Session:
    """One pytest session of the court: from the claims that were selected to the report."""

    def __init__(self, config: pytest.Config, selection: Selection, begun: float, shard: Shard | None) -> None:
        self.config = config
        self.cases: dict[str, Case] = {}  # by node id
        self.exhibits: dict[str, str] = {}  # node id -> topic
        self._benches: dict[str, Bench] = {}  # node id -> what its test takes as ``court``
        self.sitting: Sitting | None = None
        self.stopwatch = Stopwatch()
        self._selection = selection
        self._shard = shard
        self._begun = begun
        self._reporting = 0.0  # seconds that the report took
        try:
            self._budget = Budget.of(options.chosen(config, "budget"))
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
        self._endings = Endings()
        self._interrupts = Interrupts()
        self._leave_terminal: Callable[[], None] = lambda: None
        self._refused = False  # whether claims were collected under pytest-xdist
        self._written: contract.Document | None = None
        self._place = ""  # the line that says where the report is, or why there is none

    @property
    def _empty(self) -> bool:
        """Whether claims were selected, and all of them are in other parts."""
        return self._shard is not None and self._shard.empty

    @pytest.hookimpl(tryfirst=True)  # before the header is printed
    def pytest_sessionstart(self) -> None:
        self._leave_terminal = terminal.forgiving(self.config)  # as it was, if there are no claims

    def bench(self, request: pytest.FixtureRequest) -> Bench:
        """Return the court for the test that makes ``request``."""
        node = request.node.nodeid
        found = self._benches[node] = Bench(request, self.sitting, self.cases.get(node), self.stopwatch)
        return found

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Give the claims of a test function their tiers."""
        self._selection.parametrize(metafunc)

    def tell(self, report: pytest.CollectReport, error: BaseException) -> None:
        """Shorten the ``report`` of a file that could not be collected, if its ``error`` is a mistake in the file."""
        if not self.config.option.fulltrace:
            report.longrepr = mistakes.told(error, self.config.invocation_params.dir) or report.longrepr

    def refuse(self) -> None:
        """Note that claims were collected under pytest-xdist."""
        self._refused = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        drop_lineless(excinfo)

    @pytest.hookimpl(tryfirst=True)  # not at the end of collection: that hook is called even if collection failed
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        option = self.config.option
        asked = self._selection.collected or any("court" in getattr(item, "fixturenames", ()) for item in session.items)
        if not asked or hasattr(self.config, "workerinput"):
            self._leave_terminal()
            return
        if session.testsfailed and not option.continue_on_collection_errors and not option.collectonly:
            return
        self._check(session.items)
        if session.testsfailed and not option.continue_on_collection_errors:
            return
        if not session.items and not self._empty:
            raise self._selection.nothing()
        items = [item for item in session.items if params(item)]
        if option.collectonly:
            self._place = outlook.summary(items)
        # With --setup-only and --setup-plan no test is called.
        if (items or self._empty) and not option.collectonly and not option.setuponly and not option.setupplan:
            self._sit(items, self._selection.tier(self._shard.selected if self._shard else items))
            session.items.sort(key=self._can_wait if self._budget is None else self._by_rulings_an_hour())

    def _by_rulings_an_hour(self) -> Callable[[pytest.Item], tuple[bool, float]]:
        """The turn of a test if there is a budget: first those that train nothing, last exhibits, on which nothing is ruled."""
        assert self.sitting is not None
        seconds = self.sitting.seconds_per_claim()

        def turn(item: pytest.Item) -> tuple[bool, float]:
            found = params(item)
            return "exhibit" in found, seconds[found["claim"].id] if "claim" in found else 0.0

        return turn

    def _can_wait(self, item: pytest.Item) -> bool:
        """Whether ``item`` judges a claim whose runs are made meanwhile, beside those of the other claims."""
        case = self.cases.get(item.nodeid)
        return case is not None and self.sitting is not None and self.sitting.beside_a_gpu(case.claim)

    def _check(self, items: Sequence[pytest.Item]) -> None:
        """Raise pytest.UsageError, with a line for each mistake that can be known before anything trains. --collect-only tells
        all of them, of both tiers; a session the first ten of its own tier."""
        option, selection = self.config.option, self._selection
        everything = option.collectonly
        if everything and not option.keyword and not option.markexpr:
            items = [*items, *selection.left_to_full]  # some claims have no other tier
        found = faults.in_tests(items, selection.unknown, selection.known, both_tiers=everything)
        if len(found) > _FAULTS and not everything:
            found[_FAULTS:] = [f"and {len(found) - _FAULTS} more such faults: --collect-only -q lists all"]
        if found:
            raise pytest.UsageError(*found)

    def _sit(self, items: Iterable[pytest.Item], tier: Tier) -> None:
        from hw1bench.session.sitting import Sitting

        docket = self._selection.docket()
        cases: dict[str, Case] = {}
        for item in items:
            claim = params(item).get("claim")
            if claim is None:
                self.exhibits[item.nodeid] = topic(item.path)
            else:
                case = self.cases[item.nodeid] = docket[item.path, claim.id]
                cases.setdefault(claim.id, case)  # one claim may be tried more than once
        handling = ExitStack()
        handling.enter_context(self._interrupts.handled())
        self.config.add_cleanup(handling.close)
        try:
            progress = PrintableProgress(TerminalProgress(terminal.uncaptured(self.config)))
            given = options.of_session(self.config, tier, self._budget)
            given.check()  # before a ruling is removed
            compared = given.compared(cases)
            paths = sorted({path.parent / rulings.FILE for path in self._selection.known})
            book = {path: self._rulings(path, progress.notice) for path in paths}
            self.sitting = Sitting(
                given,
                list(cases.values()),
                list(docket.values()),
                book,
                progress,
                self._selection.pack,
                lambda: self._interrupts.hurried,
                compared,
            )
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None

    def _rulings(self, path: Path, notice: Callable[[str], None]) -> rulings.Rulings:
        """The rulings in ``path`` without those on claims or tiers that no longer exist, which are named, or removed from the
        file with --prune-rulings.

        Raises ValueError if the file is malformed, or cannot be written.
        """
        found = rulings.load(path)
        tiers: dict[str, tuple[Tier, ...]] = {}
        for source, claims in self._selection.known.items():
            if source.parent == path.parent:
                tiers |= {name: claim.tiers for name, claim in claims.items()}
        gone = rulings.gone(found, tiers, lambda name: self._selection.whole(path.parent, name))
        if gone:
            names = [brief(f"{claim} ({tier})") for claim, tier in gone]
            said = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            if options.chosen(self.config, "prune-rulings"):
                Register(path, notice).remove(gone)
                notice(f"rulings file {path}: removed rulings on claims or tiers that are gone: {said}")
            else:
                notice(
                    f"rulings file {path} has rulings on claims or tiers that are gone: {said}: "
                    "--prune-rulings removes them"
                )
        return {place: ruling for place, ruling in found.items() if place not in gone}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        self._interrupts.rearm()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        found = yield
        if pyfuncitem.nodeid in self.cases or pyfuncitem.nodeid in self.exhibits:
            self._benches[pyfuncitem.nodeid].check_called()
        return found

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._endings.add(report)

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        for item in items:
            self._endings.deselect(item.nodeid)

    @pytest.hookimpl(wrapper=True)  # registered late, so it wraps pytest-benchmark's own
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        if self._refused:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        if self._empty and session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = pytest.ExitCode.OK
        if self.sitting is not None:
            start = time.perf_counter()
            self._close(self.sitting, session)
            if lost := self.sitting.unrecorded:
                many = f"{quantities.plural(lost, 'ruling')} {'is' if lost == 1 else 'are'}"
                self._place += f"\nERROR: {many} not on record, for the reason told above"
                self._lose(session)
            self._reporting = time.perf_counter() - start
        with self.stopwatch.quiet():
            return (yield)

    def _close(self, sitting: "Sitting", session: pytest.Session) -> None:
        """Write the report. If it cannot be written, one line says why, and the exit status is ``REPORT_LOST``."""
        self._interrupts.disarm()
        nodes: dict[str, list[str]] = {}
        for node, one in self.cases.items():
            nodes.setdefault(one.claim.id, []).append(node)
        tier = sitting.options.tier
        subjects = {case.claim.id: case.subjects[tier] for case in sitting.docket if tier in case.subjects}
        known = Known(subjects, self._selection.collected_whole())
        folder = sitting.options.report_dir
        try:
            endings = {name: self._endings.of(some) for name, some in nodes.items()}
            shard = self._shard.described(sitting.pack) if self._shard else None
            self._written = sitting.close(endings, known, list(self._exhibits()), shard)
            whole = sitting.write(self._written)
        except Exception as error:
            reason = (
                error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
            )
            self._place = f"ERROR: the report in {folder} could not be written ({' '.join(reason.split())})"
            self._place += ": run again once this is fixed"
            self._lose(session)
            return
        left = whole is None
        if whole is None:
            whole, self._place = self._written, f"no report of this session: {folder / 'index.html'} is as it was"
        else:
            earlier = len(whole["claims"]) - len(self._written["claims"])
            more = f" ({earlier} more from earlier sessions)" if earlier else ""
            self._place = f"report: {folder / 'index.html'}{more}"
        if sitting.options.compare_with is not None:
            self._place += f"\n{compare.against(str(sitting.options.compare_with), whole)}"
        if self._shard is None and (said := step_summary.append(whole)):  # the parts have one when they are merged
            self._place += f"\n{said}"
        try:
            if not left:
                self.stopwatch.write(self.config, folder / "benchmark.json")
        except OSError as error:
            self._place += f"\nthe timings could not be written ({error.filename}: {error.strerror})"
        idle = [claim["id"] for claim in self._written["claims"] if groups.group(claim) == groups.NOT_RUN]
        if sitting.options.strict_rulings and idle and session.exitstatus in _JUDGED:
            more = f" and {len(idle) - _NAMED} more" if idle[_NAMED:] else ""
            many = f"{quantities.plural(len(idle), 'claim')} {'was' if len(idle) == 1 else 'were'}"
            self._place += f"\n--strict-rulings: {many} not judged: {', '.join(idle[:_NAMED])}{more}"
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @staticmethod
    def _lose(session: pytest.Session) -> None:
        if session.exitstatus in _JUDGED:
            session.exitstatus = REPORT_LOST

    def _exhibits(self) -> "Iterator[contract.Exhibit]":
        """The tests of exhibits that ran."""
        for node, of in self.exhibits.items():
            ending = self._endings.of([node])
            if ending is not None and ending.test:
                yield {"test": node, "topic": of, "outcome": ending.kind, "reason": ending.reason}

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # the verdicts come last, below pytest-benchmark's table
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        yield
        if self._refused:
            terminalreporter.write_line(
                "ERROR: claims do not run under pytest-xdist: leave out -n, as training uses all cores by itself",
                red=True,
            )
        if self._written is not None and not self._empty:
            terminalreporter.section("claims")
            width, colour = terminalreporter._tw.fullwidth, terminalreporter.hasmarkup
            if self.config.get_verbosity() > 0:
                text = summary.table(self._written, width, colour=colour)
            else:
                encoding = getattr(terminalreporter._tw._file, "encoding", None) or "ascii"
                text = summary.brief(self._written, width, colour=colour, encoding=encoding)
            for line in text.splitlines():  # pytest escapes the whole of what it cannot encode
                terminalreporter.write_line(line)
            if self.sitting is not None:
                whole = time.perf_counter() - self._begun
                spent = self.sitting.court.spent
                account = summary.times(spent, self.sitting.meanwhile, self._reporting, whole, colour=colour)
                for line in f"\n{account}".split("\n") if account else ():
                    terminalreporter.write_line(line)
            terminalreporter.write_line(summary.counts(self._written))
            if self._shard is not None:
                terminalreporter.write_line(self._shard.told)
            if self.sitting is not None and self.sitting.options.variants:
                terminalreporter.write_line("\n".join(summary.variants(self._written)))
            if self.sitting is not None and self.sitting.options.replicate:
                terminalreporter.write_line("\n".join(replication.lines(self._written)))
        for line in self._place.splitlines():
            terminalreporter.write_line(line, red=line.startswith("ERROR"))
