"""The pytest plugin of hw1bench as pytest loads it in every session: its options and fixtures, and nothing else.

It imports nothing of hw1bench, which would take half a second of every suite on the machine, and changes nothing until there is
something to do: an option of ours is given, a pack is brought, or a claim is collected. Then it wakes ``hw1bench.plugin``. Only
an error in printing, which may not end a session of claims, waits in every suite until the tests are collected. It is a module
beside the package because Python runs the package's own file, the public list, before any module in it.

An installed hw1bench names it as an entry point. From a source tree, a root ``conftest.py`` says
``pytest_plugins = ["pytest_hw1bench"]``, or the command line ``-p pytest_hw1bench``.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

if TYPE_CHECKING:
    from hw1bench.plugin import Session
    from hw1bench.session.bench import Bench
    from hw1bench.specs.pack import Pack

# Name -> arguments for argparse. Each option is called --claims-NAME, which no other plugin has, and --NAME if that is free.
_OPTIONS: dict[str, dict[str, Any]] = {
    "device": {"default": "auto", "help": "auto (CPU in the quick tier, CUDA in the full one), cpu or cuda"},
    "precision": {"default": "default", "help": "default or strict: no TF32 in convolutions on CUDA; a CPU has none"},
    "executor": {
        "default": "local",
        "help": "where to train: local, ray (a cluster on this machine) or ray://HOST:PORT (the one there)",
    },
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
    "shard": {
        "metavar": "N/OF",
        "help": "judge one of so many parts of the selected claims, such as 2/5; hw1bench merge makes one report of them",
    },
    "fresh": {"action": "store_true", "help": "ignore stored blocks: train everything anew"},
    "record-rulings": {"action": "store_true", "help": "put the verdicts on record beside the claims"},
    "strict-rulings": {"action": "store_true", "help": "fail on a weaker verdict, a missing ruling, a claim not run"},
    "on-record": {"action": "store_true", "help": "judge only claims that have a ruling for the tier"},
    "replicate": {
        "action": "store_true",
        "help": "judge on seeds from 1,000,000 and compare with the record (report: reports/replication)",
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
_ASLEEP = "hw1bench-asleep"


class Hooks:
    """The hooks that this plugin adds to pytest, for other plugins and for ``conftest.py`` files to implement."""

    @pytest.hookspec
    def pytest_hw1bench_pack(self) -> "Pack | None":
        """Return the reports and topics of a collection of claims, which pages then show with title, source and link.

        The hook is called when pytest starts and again once claims are collected, for files that are read only then; it must
        return the same each time. The packs of several hooks are merged: two different reports, or topics, with one id end the
        session.
        """


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    # If a conftest.py names this plugin, the hook below has begun without it; that conftest.py has added its own options before.
    files = (getattr(plugin, "__file__", None) for plugin in pluginmanager.get_plugins())
    if any(Path(file or "").name == "conftest.py" for file in files):
        _add_options(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser) -> Generator[None]:
    """Add the options last, so that every other plugin and ``conftest.py`` has taken the names that it wants."""
    try:
        yield
    except Exception as error:  # in a conftest.py
        said = _mistake(error, early_config)
        if said is None:
            raise
        raise pytest.UsageError(said) from None
    _add_options(parser)


def _mistake(error: Exception, config: pytest.Config) -> str | None:
    """The line that tells ``error`` in a conftest.py if that is a mistake in what it gives to hw1bench, else None."""
    if "hw1bench" not in sys.modules:
        return None
    from hw1bench.session import mistakes

    return mistakes.told(error, config.invocation_params.dir)


def _add_options(parser: pytest.Parser) -> None:
    group = parser.getgroup("hw1bench", "claims")
    for name, attributes in _OPTIONS.items():
        ours = {**attributes, "dest": _destination(name)}
        try:
            group.addoption(f"--{name}", f"--claims-{name}", **ours)
        except (ValueError, argparse.ArgumentError):  # another plugin, or a conftest, has the short name
            group.addoption(f"--claims-{name}", **ours)


def _destination(name: str) -> str:
    return f"claims_{name.replace('-', '_')}"


def _given(config: pytest.Config, name: str) -> bool:
    return config.getoption(_destination(name)) not in (_OPTIONS[name].get("default"), False)


def pytest_configure(config: pytest.Config) -> None:
    asleep = Asleep(config)
    config.pluginmanager.register(asleep, _ASLEEP)
    if any(_given(config, name) for name in _OPTIONS) or config.hook.pytest_hw1bench_pack.get_hookimpls():
        asleep.session(early=True)


@pytest.fixture
def tier(request: pytest.FixtureRequest) -> str:
    """The tier of a claim's test: "quick" or "full"."""
    found: str = request.param
    return found


@pytest.fixture
def court(request: pytest.FixtureRequest, tier: str) -> "Bench":
    """The court: ``court.judge(claim)`` judges a claim; ``court.show(experiment)`` only trains what its figures show."""
    asleep: Asleep = request.config.pluginmanager.getplugin(_ASLEEP)
    return asleep.session().bench(request)


class Undecided:
    """The stream of a terminal while nobody knows yet whether there are claims, which are judged even if the reader of the output
    has gone away: what ``stream`` refuses is dropped, and the ``error`` kept for suites that have none."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.error: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write ``text``, or drop it."""
        self._try(self.stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flush, if nothing has been refused."""
        self._try(self.stream.flush)

    def _try(self, act: Callable[..., Any], *given: str) -> None:
        try:
            if self.error is None:
                act(*given)
        except OSError as error:
            self.error = error


class Asleep:
    """What notices in a session of pytest that there is something to do, and what happened before."""

    def __init__(self, config: pytest.Config) -> None:
        self.begun = time.perf_counter()
        self.read: set[Path] = set()  # files and folders that were collected
        self.partial: set[Path] = set()  # files and folders that could not be collected, or not in full
        self.failed = False  # whether one of them has an error
        self._config = config
        self._session: Session | None = None
        self._undecided: Undecided | None = None

    @pytest.hookimpl(tryfirst=True)  # before the header is printed
    def pytest_sessionstart(self) -> None:
        if self._session is None and self._config.pluginmanager.hasplugin("terminalreporter"):
            writer = self._config.get_terminal_writer()
            self._undecided = writer._file = Undecided(writer._file)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        error = self._decided()
        if error is not None and self._session is None:
            raise error

    def _decided(self) -> OSError | None:
        """Give the terminal its stream back, and return the error that ``Undecided`` has kept."""
        if self._undecided is None:
            return None
        found, self._undecided = self._undecided, None
        self._config.get_terminal_writer()._file = found.stream
        return found.error

    def session(self, *, early: bool = False) -> "Session":
        """Return the session of the court; it begins with the first call. ``early`` is before pytest has begun its own."""
        if self._session is None:
            from hw1bench import plugin

            self._decided()
            self._session = plugin.begin(self._config, self, early=early)
        return self._session

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        (self.read if report.passed else self.partial).add(collector.path)
        self.failed = self.failed or report.failed
        return report

    def pytest_exception_interact(
        self, node: Any, call: pytest.CallInfo[Any], report: pytest.CollectReport | pytest.TestReport
    ) -> None:
        """Tell a mistake in a file of claims, or in a folder's ``conftest.py``, in one line."""
        if isinstance(report, pytest.CollectReport) and call.excinfo is not None:
            file = node.path / "conftest.py" if isinstance(node, pytest.Directory) else node.path
            if _is_ours(file):
                self.session().tell(report, call.excinfo.value)

    @pytest.hookimpl(tryfirst=True)  # before the claims' own parametrization, so that the id begins with the tier
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        found = metafunc.definition._fixtureinfo.name2fixturedefs.get("court", ())
        if found and found[-1].func.__module__ == __name__:  # another plugin may have a fixture of this name
            self.session().parametrize(metafunc)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        if getattr(node, "workeroutput", {}).get("hw1bench_claims", False):
            self.session().refuse()


def _is_ours(path: Path) -> bool:
    """Whether the file at ``path``, which could not be collected, imports hw1bench."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"^\s*(from|import)\s+hw1bench\b", text, re.MULTILINE) is not None
