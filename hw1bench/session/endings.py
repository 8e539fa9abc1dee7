"""How pytest ended the test of each claim, including tests without a verdict and tests that ended unexpectedly."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hw1bench.court.vocabulary import OutcomeWord

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Ending:
    """pytest's own word for how a test ended, and why, in one line ('' if it passed). "error" is a failure outside the test
    itself: in a fixture, before or after it."""

    kind: OutcomeWord
    reason: str = ""
    test: str = field(default="", compare=False)
    """The node id of the test; '' if it never ran."""


def ending(reports: "Sequence[pytest.TestReport]") -> Ending:
    """The ending of a test, given the ``reports`` of its setup, call and teardown: the worst of them."""
    failed = [report for report in reports if report.failed]
    if failed:
        said = [_crash(one) if one.when == "call" else f"failed in {one.when}: {_crash(one)}" for one in failed]
        return Ending("failed" if failed[0].when == "call" else "error", "; ".join(said))
    for report in reports:
        if report.skipped:
            expected = getattr(report, "wasxfail", None)
            return Ending("skipped", _skip(report)) if expected is None else Ending("xfailed", _line(expected))
    return Ending("passed")


def _line(text: object) -> str:
    return " ".join(str(text).split())


def _crash(report: "pytest.TestReport") -> str:
    """The line that names a failure."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return _line(crash.message.splitlines()[0] if crash.message else "")
    lines = str(report.longrepr or "").strip().splitlines()
    return _line(lines[-1]) if lines else "no reason given"


def _skip(report: "pytest.TestReport") -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return _line(str(reason).removeprefix("Skipped: "))


_RANK: tuple[OutcomeWord, ...] = ("passed", "xfailed", "skipped", "failed", "error")


class Endings:
    """Reports of tests by node id; a test that is run again replaces its earlier reports."""

    def __init__(self) -> None:
        self._reports: dict[str, list[pytest.TestReport]] = {}
        self._deselected: set[str] = set()

    def add(self, report: "pytest.TestReport") -> None:
        """Add a report of any test."""
        if report.when == "setup":
            self._reports[report.nodeid] = []
        self._reports.setdefault(report.nodeid, []).append(report)

    def deselect(self, node: str) -> None:
        """Note that the test ``node`` was taken out of the session after it had begun."""
        self._deselected.add(node)

    def of(self, nodes: Iterable[str]) -> Ending | None:
        """How the worst of the tests ``nodes`` of one claim ended; None if the session ended before them."""
        ended = [found for node in nodes if (found := self._of(node)) is not None]
        return max(ended, key=lambda one: _RANK.index(one.kind), default=None)

    def _of(self, node: str) -> Ending | None:
        reports = self._reports.get(node, [])
        if reports and reports[-1].when == "teardown":  # otherwise it was interrupted
            return replace(ending(reports), test=node)
        return Ending("skipped", "deselected by another plugin") if node in self._deselected else None
