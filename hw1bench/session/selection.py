"""Which claims a pytest session judges: tiers, markers, and which files were collected in full."""

import os
import re
from collections.abc import Iterable, Iterator, Set
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Protocol

import pytest

from hw1bench.court import rulings
from hw1bench.court.claim import Claim
from hw1bench.court.docket import Case
from hw1bench.report import reading
from hw1bench.session import faults, mistakes, options
from hw1bench.session.subjects import claims, params, topic
from hw1bench.specs.experiment import TIERS, CrossReportFigure, Experiment, Tier
from hw1bench.specs.pack import Pack, merged
from hw1bench.support.checks import shown


def brought(config: pytest.Config) -> Pack:
    """All packs that pytest knows so far as one, in the order in which they were registered.

    Raises pytest.UsageError, in one line, for a hook that does not return a pack, and for packs that contradict each other.
    """
    try:
        packs = config.hook.pytest_hw1bench_pack()[::-1]  # pytest asks the last one first
    except Exception as error:
        said = mistakes.told(error, config.invocation_params.dir)
        if said is None:
            raise
        raise pytest.UsageError(said) from None
    for pack in packs:
        if not isinstance(pack, Pack):
            raise pytest.UsageError(f"pytest_hw1bench_pack returned {shown(pack)}: return a hw1bench.Pack")
    try:
        return merged(packs)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def _within(roots: Set[Path], path: Path) -> bool:
    """Whether ``path`` is one of the files and folders ``roots``, or lies in one."""
    return not roots.isdisjoint((path, *path.parents))


FULL = "gpu"
"""The marker of the full tier."""
_WORDS = {"and", "or", "not"}  # of an expression of -m


class Markers:
    """The markers of reports and topics. If another plugin has a marker of the same name, such as "timeout", that plugin would
    act on the claims: the marker is then called "claims_timeout". So is that of a topic whose name selects something else, such
    as "gpu", or nothing."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._ours: set[str] = set()  # lines as in the ini file
        self._reports: set[str] = set()
        self.instead: dict[str, str] = {}  # name -> why it is not the marker, and which one is used instead
        self._register(FULL, "full tier, as in the reports (CUDA, or --device cpu)")

    def register(self, pack: Pack) -> None:
        """Register the markers of the reports and topics of ``pack``, each once."""
        for report in pack.reports:
            about = f": {report.title}" if report.title else ""
            self._reports.add(name := f"report_{report.id.lower()}")
            self._register(name, f"claims of report {report.id}{about}")
        for one in pack.topics:
            self._register(self._of_topic(one.id)[0], f"claims of the topic {one.title or one.id}")

    def _register(self, name: str, what: str) -> None:
        line = f"{name}: {what}"
        if line not in self._ours:
            self._ours.add(line)
            self._config.addinivalue_line("markers", line)

    def report(self, report: str) -> str:
        """The marker of the report with the id ``report``, registered if it was not yet."""
        self._reports.add(name := f"report_{report.lower()}")
        return self._registered(name, *self._free(name))

    def topic(self, name: str) -> str:
        """The marker of the topic ``name``, registered if it was not yet. The reports are known by then."""
        return self._registered(name, *self._of_topic(name))

    def _of_topic(self, name: str) -> tuple[str, str]:
        """The marker of a topic, and why it is not the topic's ``name``; '' if it is."""
        if name == FULL:
            return f"claims_{name}", "is that of the full tier"
        if name in self._reports:
            return f"claims_{name}", "is that of a report"
        if name in _WORDS or name.startswith("_"):
            return f"claims_{name}", "is not possible"
        return self._free(name)

    def _free(self, name: str) -> tuple[str, str]:
        theirs = {self._name(line) for line in self._config.getini("markers") if line not in self._ours}
        return (f"claims_{name}", "belongs to another plugin") if name in theirs else (name, "")

    def _registered(self, name: str, marker: str, why: str) -> str:
        if why:
            self.instead[name] = f"marker {name!r} {why}: select these claims with -m {marker}"
        if marker not in map(self._name, self._config.getini("markers")):
            self._register(marker, "claims of this report or topic")
        return marker

    def allow(self, expression: str) -> None:
        """Register the names in the ``expression`` of -m, which files that could not be collected may have been about to give."""
        known = {self._name(line) for line in self._config.getini("markers")}
        for name in set(re.findall(r"[^\W\d]\w*", expression)) - known - _WORDS:
            self._register(name, "not known, as there were errors")

    @staticmethod
    def _name(line: str) -> str:
        return re.split(r"[:(]", line, maxsplit=1)[0].strip()


class Reading(Protocol):
    """What pytest has collected so far: the files and folders that it read in full, those with an error or skipped, whether there
    was an error, and when it began, by ``time.perf_counter``."""

    begun: float
    read: set[Path]
    partial: set[Path]
    failed: bool


class Selection:
    """The plugin's part in collection: each claim gets its tiers and markers, and the tier not asked for is left out."""

    def __init__(self, config: pytest.Config, reading: Reading) -> None:
        self._config = config
        self._reading = reading
        self.pack = Pack()
        self._markers = Markers(config)
        self.collected = False  # whether there were claims at all
        self.known: dict[Path, dict[str, Claim]] = {}  # test file -> all its claims, selected or not
        self.tests: list[pytest.Item] = []  # those of the court, in each of their tiers, selected or not
        self.left_to_full: list[pytest.Item] = []  # tests of the full tier, which was not asked for
        self.unknown: list[str] = []  # what claims name and no pack brings, and ids given twice in a file, a line each

    def take_packs(self) -> None:
        """Take the packs that pytest knows by now, and register their markers."""
        self.pack = brought(self._config)
        self._markers.register(self.pack)

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Give the claims of a test function their tiers. A value that is no claim fails its file, in one line."""
        for mark in metafunc.definition.iter_markers("parametrize"):
            try:
                found, said = [*claims(mark)], ""
            except ValueError as error:
                found, said = [], f"{metafunc.definition.nodeid}: {error}"
            if said:
                pytest.fail(said, pytrace=False)
            for claim in found:
                self.known.setdefault(metafunc.definition.path, {})[claim.id] = claim
        metafunc.parametrize(
            "tier", [pytest.param("quick"), pytest.param("full", marks=pytest.mark.gpu)], indirect=True
        )

    @pytest.hookimpl(tryfirst=True)  # before -m is applied
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        kept: list[pytest.Item] = []
        out: list[pytest.Item] = []
        named = FULL in re.findall(
            r"[\w:+\-.\[\]\\/]+", config.option.markexpr or ""
        )  # a topic may be called gpu-memory
        if self._reading.failed:  # pytest would end with a word on a marker, not with the error
            self._markers.allow(config.option.markexpr or "")
        tried = [item for item in items if params(item)]
        if tried and not hasattr(config, "workerinput"):
            self.take_packs()  # by now every conftest.py is read
            self.unknown = [*faults.twice_in_a_file(tried), *faults.unknown(self.pack, tried)]
        for item in tried:
            for report in self._reports_of(item):
                self._markers.report(report)
        for item in items:
            found = params(item)
            if not found:
                kept.append(item)
                continue
            subject: Claim | Experiment | CrossReportFigure = found.get("claim") or found["exhibit"]
            self.collected = True
            if isinstance(subject, Claim):  # even if no mark of the test lists it
                self.known.setdefault(item.path, {})[subject.id] = subject
            listed = subject.tiers if isinstance(subject, Claim) else TIERS
            if isinstance(subject, Experiment) and subject.full_tier_only:
                listed = ("full",)
            if found["tier"] not in listed:
                out.append(item)
                continue
            self.tests.append(item)
            for marker in (*map(self._markers.report, self._reports_of(item)), self._markers.topic(topic(item.path))):
                item.add_marker(marker)
            full = found["tier"] == "full" and not named and not any(item.name in argument for argument in config.args)
            (out if full else kept).append(item)
            if full:
                self.left_to_full.append(item)
        if hasattr(config, "workerinput"):  # a worker of pytest-xdist: its controller explains why claims are not run
            config.workeroutput["hw1bench_claims"] = self.collected  # type: ignore[attr-defined]  # set by pytest-xdist
            kept = [item for item in kept if not params(item)]
        if out:
            config.hook.pytest_deselected(items=out)
        items[:] = kept

    def pytest_report_collectionfinish(self) -> list[str]:
        return [*self._markers.instead.values()]

    @staticmethod
    def _reports_of(item: pytest.Item) -> tuple[str, ...]:
        """The id of the report that a test of the court belongs to; a figure across reports has none of its own."""
        subject: Claim | Experiment | CrossReportFigure = params(item).get("claim") or params(item)["exhibit"]
        return () if isinstance(subject, CrossReportFigure) else (subject.report,)

    @staticmethod
    def tier(items: Iterable[pytest.Item]) -> Tier:
        """The tier of the tests ``items``. Raises pytest.UsageError, in one line, if they have both tiers."""
        tiers: set[Tier] = {params(item)["tier"] for item in items}
        if len(tiers) > 1:
            raise pytest.UsageError(
                "one tier per session: select the quick tier or, with -m gpu, the full one, not both"
            )
        return tiers.pop()

    def whole(self, folder: Path, name: str) -> bool:
        """Whether all claims of topic ``name`` in ``folder`` are known: all its files were collected, in full and without
        errors. If the topic has no file, all files of the folder must be, because its claims may have moved to another."""
        config = self._config
        files = set(filter(self._is_of_tests, folder.glob("*.py")))
        files |= {path for path in self.known if path.parent == folder}
        roots = self._roots()
        return not getattr(config.option, "lf", False) and all(
            path in self._reading.read - self._reading.partial and _within(roots, path)
            for path in {path for path in files if topic(path) == name} or {folder, *files}
        )

    def _roots(self) -> set[Path]:
        """The files and folders that pytest was asked for as a whole."""
        named = [self._config.invocation_params.dir / one for one in self._config.args if "::" not in one]
        return {Path(os.path.abspath(path)) for path in named}

    def missed(self) -> list[Path]:
        """What pytest was asked for and did not collect, or not in full: files and folders that have an error, were skipped or
        were ignored. A folder in which pytest never looks for tests, such as ``.git``, is not missed."""
        roots, read = self._roots(), self._reading.read
        if getattr(self._config.option, "lf", False):  # which counts files as collected without a look at them
            return sorted(roots)
        found = {path for path in self._reading.partial if _within(roots, path)} | (roots - read)
        for folder in read:
            if folder.is_dir() and _within(roots, folder):
                found |= {path for path in folder.iterdir() if path not in read and self._has_tests(path)}
        return sorted(found)

    def _has_tests(self, path: Path) -> bool:
        """Whether pytest would take the file at ``path`` for one of tests, or find one in the folder, if nothing forbade it."""
        if path.is_dir():
            return not self._passed_by(path) and any(map(self._is_of_tests, path.rglob("*.py")))
        return self._is_of_tests(path)

    def _is_of_tests(self, file: Path) -> bool:
        return file.suffix == ".py" and any(map(file.match, self._config.getini("python_files")))

    def _passed_by(self, folder: Path) -> bool:
        """Whether pytest looks for no tests in ``folder`` because of its name, or because it is a virtual environment."""
        names = ("__pycache__", *self._config.getini("norecursedirs"))
        return any(fnmatch(folder.name, name) for name in names) or (folder / "pyvenv.cfg").exists()

    def docket(self) -> dict[tuple[Path, str], Case]:
        """All claims of the files that were collected, selected or not, by file and id; topics in the order of the pack."""
        order = [one.id for one in self.pack.topics]
        paths = sorted(self.known, key=lambda path: order.index(topic(path)) if topic(path) in order else len(order))
        return {
            (path, name): Case(claim, topic(path), path.parent / rulings.FILE)
            for path in paths
            for name, claim in self.known[path].items()
        }

    def collected_whole(self) -> frozenset[str]:
        """The topics whose files were all collected in full, among them those that only the report in the report directory has,
        of files that are gone or have no claims any more. Claims of a folder that is gone may be in any other now."""
        folders: dict[str, set[Path]] = {}
        for path in self.known:
            folders.setdefault(topic(path), set()).add(path.parent)
        here = {path.parent for path in self.known}
        for name, test in self._reported():
            places, folder = folders.setdefault(name, set()), (self._config.rootpath / test.partition("::")[0]).parent
            if test and folder.is_dir():
                places.add(folder)
        found = {name: places or here for name, places in folders.items()}
        return frozenset(name for name, some in found.items() if some and all(self.whole(one, name) for one in some))

    def _reported(self) -> Iterator[tuple[str, str]]:
        """The topic and the test of each claim in the report in the report directory; '' if it does not name the test."""
        with suppress(ValueError):  # there is none, or none that can be read
            document, _ = reading.read(options.of_session(self._config, "quick", None).report_dir)
            for claim in document["claims"]:
                yield claim["topic"], claim.get("test") or ""

    def nothing(self) -> pytest.UsageError:
        """The error to raise if no test at all was selected."""
        asked = {"-m": self._config.option.markexpr, "-k": self._config.option.keyword}
        said = " and ".join(f"{flag} {text!r}" for flag, text in asked.items() if text)
        topics = ", ".join(sorted(topic(path) for path in self.known))
        return pytest.UsageError(f"{said or 'this'} selects no claim: collected topics are {topics}; see --markers")
