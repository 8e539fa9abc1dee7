"""Claims collected by pytest for a command that judges nothing: as a session would collect them, from the same files."""

import contextlib
import io
import re
import sys
import sysconfig
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

import hw1bench
from hw1bench.court import rulings
from hw1bench.court.docket import Book, Case
from hw1bench.session import faults
from hw1bench.session.outlook import Outlook, outlooks
from hw1bench.session.selection import Selection
from hw1bench.session.subjects import params
from hw1bench.specs.pack import Pack

_OURS = Path(hw1bench.__file__).parent
_STANDARD = Path(sysconfig.get_path("stdlib"))
EITHER_TIER = "(gpu or not gpu)"
"""What selects both tiers, as an expression of -m."""


class Collected(NamedTuple):
    """The claims of some files, the rulings beside them, their pack, by the claims' ids the ``tests`` that judge them in the
    full tier, as arguments for pytest, and what each tier would train: for the tests that were selected, and ``in_all`` for all
    that were collected. ``missed`` are the files and folders that were not collected, or not in full."""

    cases: list[Case]
    book: Book
    pack: Pack
    tests: Mapping[str, str]
    outlooks: Sequence[Outlook] = ()
    in_all: Sequence[Outlook] = ()
    missed: Sequence[Path] = ()


class _Reader:
    """A plugin that keeps what pytest collected, and ends the session there."""

    def __init__(self, way_out: str) -> None:
        self._way_out = way_out
        self.faults: list[str] = []
        self.refused = ""  # why pytest or a plugin did not select among what was collected
        self.tests: dict[str, str] = {}
        self.selection: Selection | None = None
        self.outlooks: list[Outlook] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            last = report.longreprtext.strip().splitlines()[-1].removeprefix("E").strip()
            told = last.startswith(f"{report.nodeid}:")  # a mistake, with the line and the way out
            self.faults.append(last if told else f"{report.nodeid} ({last}) cannot be collected: {self._way_out}")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: Sequence[pytest.Item]) -> Generator[None]:
        there = any(map(params, items))
        try:
            yield
        except pytest.UsageError as error:  # pytest would end here, but calls the hook below first
            if there:  # else that there are no claims is said
                self.refused = _refusal(str(error))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.selection = session.config.pluginmanager.getplugin("hw1bench-selection")
        for item in session.items:
            found = params(item)
            if "claim" in found and found["tier"] == "full":
                self.tests.setdefault(found["claim"].id, f"{item.path}::{item.nodeid.partition('::')[2]}")
        self.outlooks = outlooks(filter(params, session.items))
        pytest.exit("collected", returncode=0)


def _refusal(said: str) -> str:
    """What pytest ``said`` of its options, in one line; of an expression, with a way out and as the user gave it."""
    wrong = re.fullmatch(r"Wrong expression passed to '(-[mk])': (.*): at column \d+: (.*)", said, re.DOTALL)
    if wrong is None:
        return " ".join(said.split())
    option, text, why = wrong.groups()
    own = text.removeprefix(f"{EITHER_TIER} and (").removesuffix(")") if text.startswith(EITHER_TIER) else text
    return f"{option} {own!r} is no expression ({why}): join names by and, or, not, as in 'fit and not task'"


def read_rulings(cases: Sequence[Case]) -> Book:
    """The rulings beside ``cases`` as they are now. Raises ValueError, in one line, if a rulings file is malformed."""
    return {path: rulings.load(path) for path in sorted({case.rulings for case in cases})}


@contextlib.contextmanager
def forgetting() -> Iterator[None]:
    """Forget the user's modules that are imported meanwhile, and where Python looked for them: files of another repository, which
    are collected next, may have the same names. What is to be known of the sources of claims must be asked for meanwhile."""
    before, places = set(sys.modules), [*sys.path]
    try:
        yield
    finally:
        sys.path[:] = places
        for name in set(sys.modules) - before:
            if _is_theirs(sys.modules[name]):
                del sys.modules[name]


def _is_theirs(module: ModuleType) -> bool:
    """Whether ``module`` is of Python files that are neither installed nor ours. A package without a file has only a path."""
    file = getattr(module, "__file__", None)
    places = [Path(file)] if file else [Path(folder, "__init__.py") for folder in getattr(module, "__path__", ())]
    return any(
        place.suffix == ".py"
        and {_STANDARD, _OURS}.isdisjoint(place.parents)
        and {"site-packages", "dist-packages"}.isdisjoint(place.parts)
        and place != _OURS.with_name("pytest_hw1bench.py")
        for place in places
    )


def collected(paths: Sequence[Path], marks: str = "gpu", keywords: str = "") -> Collected:
    """The claims in files and folders ``paths``, with what belongs to them. ``marks`` and ``keywords`` select tests, as pytest's
    -m and -k do.

    Raises ValueError, in one line, if a path does not exist or cannot be collected, if an expression cannot be read, if there are
    no claims, if two claims have one id, and if a rulings file is malformed.
    """
    absent = next((path for path in paths if not path.exists()), None)
    if absent is not None:
        raise ValueError(f"{absent} does not exist: name a folder or a file of claims")
    way_out = f"see pytest --collect-only {' '.join(map(str, paths))}"
    reader, said = _Reader(way_out), io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        # No assertions are rewritten, because this package, which brings a plugin and so is rewritten too, is imported already:
        # pytest warns of that.
        chosen = ["--assert=plain", "-p", "pytest_hw1bench", "-m", marks, "-k", keywords]
        pytest.main(["--collect-only", *chosen, "--", *map(str, paths)], plugins=[reader])
    if reader.faults or reader.refused:
        raise ValueError([*reader.faults, reader.refused][0])
    if reader.selection is None:
        why = " ".join(said.getvalue().split())
        raise ValueError(f"no claims can be collected{f' ({why})' if why else ''}: {way_out}")
    if reader.selection.unknown:
        raise ValueError(f"{reader.selection.unknown[0]}: {way_out}")
    docket = reader.selection.docket()
    shared = next(faults.twice((path, docket[path, name].claim) for path, name in docket), None)
    if shared is not None:
        raise ValueError(shared)
    cases = list(docket.values())
    if not cases:
        raise ValueError(f"there are no claims in {', '.join(map(str, paths))}: name a folder or a file of claims")
    book, selection = read_rulings(cases), reader.selection
    in_all = outlooks(selection.tests)
    return Collected(cases, book, selection.pack, reader.tests, reader.outlooks, in_all, selection.missed())
