"""The ``court`` fixture: the court as a test sees it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from hw1bench.court.claim import Claim
from hw1bench.session import mistakes, summary
from hw1bench.session.subjects import topic
from hw1bench.session.timing import Stopwatch
from hw1bench.specs.experiment import CrossReportFigure, Experiment
from hw1bench.support.checks import shown
from hw1bench.support.number import NoFinding
from hw1bench.support.refusals import Unreadable

if TYPE_CHECKING:
    from hw1bench.court.docket import Case
    from hw1bench.session.sitting import Sitting


class Refuted(Exception):
    """The evidence refutes the claim, or a pilot does not see what it says."""


class Contradicts(Exception):
    """The verdict is at odds with the ruling on record, or, under --strict-rulings, has none to stand on."""


class Bench:
    """The court as a test sees it: verdicts become outcomes."""

    def __init__(
        self, request: pytest.FixtureRequest, sitting: "Sitting | None", case: "Case | None", stopwatch: Stopwatch
    ) -> None:
        self.called = False  # whether the test called the court as it must: to judge its claim, if it has one
        self._request = request
        self._sitting = sitting
        self._case = case
        self._stopwatch = stopwatch
        self._timed = False

    def judge(self, claim: Claim) -> None:
        """Judge ``claim``; pass, fail, skip or fail as expected (xfail), as the table of outcomes says."""
        __tracebackhide__ = True
        self.called = True
        sitting, case, item = self._sitting, self._case, self._request.node
        if sitting is None or case is None:
            pytest.fail(f"{item.nodeid} does not judge a collected claim: parametrize it by `claim`", pytrace=False)
        if getattr(claim, "id", None) != case.claim.id:
            pytest.fail(
                f"court.judge is given {shown(claim)}: give the test's own claim, {case.claim.id!r}", pytrace=False
            )
        judgement, entry, outcome = sitting.try_case(case, self._timer())
        if isinstance(judgement.error, Unreadable | NoFinding):
            pytest.fail(str(judgement.error), pytrace=False)
        if judgement.error is not None:
            self._shorten(judgement.error)
            raise judgement.error
        item.user_properties += [
            ("verdict", entry["verdict"]),
            ("effect", entry["effect"] and entry["effect"]["median"]),
            ("outcome", outcome.remark or outcome.kind),
        ]
        if outcome.kind == "skipped":
            pytest.skip(summary.one_line(entry, outcome.remark))
        message = summary.message(entry, outcome, sitting.options.report_dir)
        if outcome.kind == "xfailed":
            item.add_marker(
                pytest.mark.xfail(raises=Refuted, strict=True, reason=summary.one_line(entry, outcome.remark))
            )
            raise Refuted(message)
        if outcome.kind == "failed":
            raise (
                Refuted(message)
                if entry["ruling"] is None and entry["verdict"] in ("refuted", "not seen")
                else Contradicts(message)
            )

    def show(self, exhibit: Experiment | CrossReportFigure) -> None:
        """Train what the figures of an experiment, or a figure across reports, show. It judges no claim."""
        __tracebackhide__ = True
        self.called = self.called or self._case is None
        assert self._sitting is not None
        try:
            reason = self._sitting.show(exhibit, topic(self._request.path), self._timer())
        except Exception as error:
            self._shorten(error)
            raise
        if reason:
            pytest.skip(reason)

    def _shorten(self, error: Exception) -> None:
        """Take the calls of the court out of the traceback of ``error``, unless --full-trace asks for them."""
        if not self._request.config.option.fulltrace:
            error.__traceback__ = mistakes.shortened(error)

    def _timer(self) -> Callable[[str, Callable[[], None]], None]:
        def benchmark() -> Any:
            # The fixture warns if it is requested and not used, so it is requested only when there is something to time. It
            # times once per test: if a figure across reports trains several experiments, only the first has a row.
            config = self._request.config
            found = config.pluginmanager.hasplugin("benchmark") and not config.getoption("benchmark_skip")
            found, self._timed = found and not self._timed, True
            return self._request.getfixturevalue("benchmark") if found else None

        return lambda experiment, train: self._stopwatch.run(experiment, train, benchmark)

    def check_called(self) -> None:
        """Fail the test unless it called the court, which its author forgot."""
        if not self.called:
            what = (
                "judging its claim: call court.judge(claim)"
                if self._case
                else "showing its exhibit: call court.show(exhibit)"
            )
            pytest.fail(f"the test ended without {what}", pytrace=False)
