"""The pytest plugin: options, markers, the ``court`` fixture, outcomes, and the summary. An adapter over `hw1bench.sitting`.

It is registered in one place, a root ``conftest.py`` with ``pytest_plugins = ["hw1bench.plugin"]``, and does nothing unless
claims are collected: tests that take the ``court`` fixture and are parametrized by ``claim`` (or by ``exhibit``, an experiment,
or a contrast of several, of which only the figures are wanted).
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from hw1bench import rulings, summary
from hw1bench.claim import Claim
from hw1bench.experiment import Contrast, Experiment, Tier
from hw1bench.progress import TerminalProgress
from hw1bench.runs import Unreadable
from hw1bench.timing import Stopwatch

if TYPE_CHECKING:
    from hw1bench.sitting import Docket, Options, Sitting

REPORTS = "ABCDE"
TOPICS = ("counts", "fit", "task", "path", "grad", "minratio", "random", "size", "interp", "sensitivity")


class Refuted(Exception):
    """The evidence refutes the claim."""


class Contradicts(Exception):
    """The verdict is at odds with the ruling on record, or, under --strict-rulings, has none to stand on."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hw1bench", "claims")
    group.addoption("--device", default="auto", help="auto (CPU in the quick tier, CUDA in the full one), cpu or cuda")
    group.addoption("--data-dir", metavar="DIR", help="where MNIST and CIFAR-10 lie (default: $HW1BENCH_DATA)")
    group.addoption("--report-dir", default="reports", metavar="DIR", help="where the report is written (reports)")
    group.addoption("--seed-offset", default="0", metavar="N", help="first seed (0)")
    group.addoption("--max-seeds", metavar="N", help="drop the planned looks above N seeds; the level stays")
    group.addoption("--fresh", action="store_true", help="ignore stored blocks: train everything anew")
    group.addoption("--record-rulings", action="store_true", help="put the verdicts on record beside the claims")
    group.addoption("--strict-rulings", action="store_true", help="fail on a weaker verdict and on a missing ruling")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gpu: full tier, as the reports did it (CUDA, or --device cpu)")
    for letter in REPORTS:
        config.addinivalue_line("markers", f"report_{letter.lower()}: claims of report {letter}")
    for topic in TOPICS:
        config.addinivalue_line("markers", f"{topic}: claims of this topic")
    config.pluginmanager.register(_Session(config), "hw1bench-session")


def _whole(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        raise pytest.UsageError(f"{name} {text!r} is no whole number") from None


def _options(config: pytest.Config, tier: Tier) -> "Options":
    from hw1bench.sitting import Options, default_data_dir  # torch, from here on

    named = config.getoption("data_dir")
    return Options(
        tier=tier,
        device=config.getoption("device"),
        data_dir=Path(named) if named else default_data_dir(),
        report_dir=Path(config.getoption("report_dir")),
        seed_offset=_whole("--seed-offset", config.getoption("seed_offset")) or 0,
        max_seeds=_whole("--max-seeds", config.getoption("max_seeds")),
        fresh=config.getoption("fresh"),
        record_rulings=config.getoption("record_rulings"),
        strict_rulings=config.getoption("strict_rulings"),
    )


def _params(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    params: dict[str, Any] = callspec.params if callspec else {}
    return params if "tier" in params and "court" in getattr(item, "fixturenames", ()) else {}


def _topic(path: Path) -> str:
    return path.stem.removeprefix("test_")


@pytest.fixture
def tier(request: pytest.FixtureRequest) -> Tier:
    """The tier of a claim's test: "quick" or "full"."""
    found: Tier = request.param
    return found


@pytest.fixture
def court(request: pytest.FixtureRequest, tier: Tier) -> "Bench":
    """Judges claims: ``court.judge(claim)``; ``court.show(experiment)`` only trains what its figures show."""
    session: _Session = request.config.pluginmanager.getplugin("hw1bench-session")
    return Bench(request, session)


class Bench:
    """The court as a test sees it: verdicts become outcomes."""

    def __init__(self, request: pytest.FixtureRequest, session: "_Session") -> None:
        self._request = request
        self._session = session
        self._timed = False

    def judge(self, claim: Claim) -> None:
        """Judge ``claim``; pass, fail, skip or fail as expected, as the table of outcomes has it."""
        __tracebackhide__ = True
        sitting, item = self._session.sitting, self._request.node
        if sitting is None or item.nodeid not in self._session.docket:
            pytest.fail(f"{item.nodeid} judges no claim that was collected: parametrize it by `claim`", pytrace=False)
        judgement, entry, outcome = sitting.judge(self._session.docket[item.nodeid], self._timer())
        if isinstance(judgement.error, Unreadable):
            pytest.fail(str(judgement.error), pytrace=False)
        if judgement.error is not None:
            raise judgement.error
        item.user_properties += [
            ("verdict", entry["verdict"]),
            ("effect", entry["effect"] and entry["effect"]["median"]),
            ("outcome", outcome.remark or outcome.kind),
        ]
        if outcome.kind == "skipped":
            pytest.skip(summary.one_line(entry, outcome.remark))
        message = summary.message(entry, outcome.remark, sitting.options.report_dir)
        if outcome.kind == "xfailed":
            item.add_marker(
                pytest.mark.xfail(raises=Refuted, strict=True, reason=summary.one_line(entry, outcome.remark))
            )
            raise Refuted(message)
        if outcome.kind == "failed":
            raise (
                Refuted(message) if entry["ruling"] is None and entry["verdict"] == "refuted" else Contradicts(message)
            )

    def show(self, exhibit: Experiment | Contrast) -> None:
        """Train what the figures of an experiment, or of a contrast of several, show."""
        __tracebackhide__ = True
        assert self._session.sitting is not None
        reason = self._session.sitting.show(exhibit, self._timer())
        if reason:
            pytest.skip(reason)

    def _timer(self) -> Callable[[str, Callable[[], None]], None]:
        def benchmark() -> Any:
            # The fixture warns where it is taken and not used, so it is taken only when there is something to time. It
            # times once a test: of a contrast whose experiments nothing trained before, the first has a row.
            found = self._request.config.pluginmanager.hasplugin("benchmark") and not self._timed
            self._timed = True
            return self._request.getfixturevalue("benchmark") if found else None

        return lambda experiment, train: self._session.stopwatch.run(experiment, train, benchmark)


class _Session:
    """What one pytest session knows of its claims."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.docket: dict[str, Docket] = {}  # node id -> claim
        self.sitting: Sitting | None = None
        self.stopwatch = Stopwatch()
        self._known: dict[Path, set[str]] = {}  # test file -> ids of all its claims, selected or not
        self._collected = False
        self._refused = False  # claims met workers of pytest-xdist
        self._written: dict[str, Any] | None = None

    @pytest.hookimpl(tryfirst=True)  # before the claims' own parametrization, so that the id begins with the tier
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "court" not in metafunc.fixturenames:
            return
        for mark in metafunc.definition.iter_markers("parametrize"):
            if mark.args[0] == "claim":
                ids = {claim.id for claim in mark.args[1] if isinstance(claim, Claim)}
                self._known.setdefault(metafunc.definition.path, set()).update(ids)
        metafunc.parametrize(
            "tier", [pytest.param("quick"), pytest.param("full", marks=pytest.mark.gpu)], indirect=True
        )

    @pytest.hookimpl(tryfirst=True)  # before -m is applied
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        kept: list[pytest.Item] = []
        out: list[pytest.Item] = []
        named = re.search(r"\bgpu\b", config.option.markexpr or "") is not None
        for item in items:
            params = _params(item)
            subject = params.get("claim") or params.get("exhibit")
            if subject is None:
                kept.append(item)
                continue
            self._collected = True
            if isinstance(subject, Claim) and params["tier"] not in subject.tiers:
                out.append(item)
                continue
            reports = () if isinstance(subject, Contrast) else (f"report_{subject.report.lower()}",)
            for name in (*reports, _topic(item.path)):
                if not any(line.startswith(f"{name}:") for line in config.getini("markers")):
                    config.addinivalue_line("markers", f"{name}: claims of this report or topic")
                item.add_marker(name)
            full = params["tier"] == "full" and not named and not any(item.name in argument for argument in config.args)
            (out if full else kept).append(item)
        if hasattr(config, "workerinput"):  # a worker of pytest-xdist: its controller says why, see below
            config.workeroutput["hw1bench_claims"] = self._collected  # type: ignore[attr-defined]  # set by pytest-xdist
            kept = [item for item in kept if not _params(item)]
        if out:
            config.hook.pytest_deselected(items=out)
        items[:] = kept

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._refused = self._refused or getattr(node, "workeroutput", {}).get("hw1bench_claims", False)

    @pytest.hookimpl(tryfirst=True)  # not at the end of collection: that hook is also called when collection failed
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        if not self._collected or hasattr(self.config, "workerinput"):
            return
        if session.testsfailed and not self.config.option.continue_on_collection_errors:
            return
        if not session.items:
            chosen = {"-m": self.config.option.markexpr, "-k": self.config.option.keyword}
            said = " and ".join(f"{flag} {text!r}" for flag, text in chosen.items() if text)
            topics = ", ".join(sorted(_topic(path) for path in self._known))
            raise pytest.UsageError(f"{said or 'this'} selects no claim: collected topics are {topics}; see --markers")
        items = [item for item in session.items if _params(item)]
        tiers = sorted({_params(item)["tier"] for item in items})
        if not items or self.config.option.collectonly:
            return
        if len(tiers) > 1:
            raise pytest.UsageError("one tier a session: select the quick tier or, with -m gpu, the full one, not both")
        self._sit(items, tiers[0])

    def _sit(self, items: Iterable[pytest.Item], tier: Tier) -> None:
        from hw1bench.sitting import Docket, Sitting

        for item in items:
            claim = _params(item).get("claim")
            if claim is not None:
                self.docket[item.nodeid] = Docket(claim, _topic(item.path), item.path.parent / rulings.FILE)
        ids = [docket.claim.id for docket in self.docket.values()]
        twice = {name for name in ids if ids.count(name) > 1}
        if twice:
            raise pytest.UsageError(f"two claims have the id {min(twice)!r}: give each its own")
        try:
            book = {path: self._rulings(path) for path in {path.parent / rulings.FILE for path in self._known}}
            progress = TerminalProgress(self._uncaptured())
            self.sitting = Sitting(_options(self.config, tier), list(self.docket.values()), book, progress)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None

    def _uncaptured(self) -> TextIO:
        """The terminal itself: what tests print is captured while they run, and progress would be with it."""
        terminal: TextIO = self.config.get_terminal_writer()._file
        try:
            descriptor = os.dup(terminal.fileno())
        except (OSError, ValueError):  # no file of the system: a session inside another
            return terminal
        stream = open(descriptor, "w", encoding=terminal.encoding, buffering=1)  # noqa: SIM115  # closed at the end of the session
        self.config.add_cleanup(stream.close)
        return stream

    def _rulings(self, path: Path) -> rulings.Rulings:
        """The rulings in ``path``; raises ValueError where one names a claim that does not exist."""
        found = rulings.load(path)
        for ruling in found.values():
            source = path.parent / f"test_{ruling.topic}.py"
            if not source.exists() or ruling.claim not in self._known.get(source, {ruling.claim}):
                raise ValueError(
                    f"rulings file {path} names {ruling.claim!r}, which {source.name} does not have: remove it"
                )
        return found

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._refused:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        if self.sitting is not None:
            self._written = self.sitting.close()
            self.stopwatch.write(self.config, self.sitting.options.report_dir / "benchmark.json")

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # the verdicts come last, below pytest-benchmark's table
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        yield
        if self._refused:
            terminalreporter.write_line(
                "ERROR: claims do not run under pytest-xdist: leave out -n, training uses all cores by itself", red=True
            )
        if self._written is not None and self.sitting is not None:
            terminalreporter.section("claims")
            text = summary.table(self._written, terminalreporter._tw.fullwidth, colour=terminalreporter.hasmarkup)
            terminalreporter.write(text)
            terminalreporter.write_line(summary.counts(self._written))
            terminalreporter.write_line(f"report: {self.sitting.options.report_dir / 'index.html'}")
