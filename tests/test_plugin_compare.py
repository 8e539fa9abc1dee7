"""--compare-with: what a session says of another report, and what it refuses before anything trains."""

import json

import pytest

from hw1bench.__main__ import main
from hw1bench.report import contract
from parsed_page import Page

BEFORE = "[claim('A-fit-x', 'supported'), claim('A-fit-y', 'supported'), count('B-count-z', 10)]"
AFTER = BEFORE.replace("'supported')", "'refuted')", 1)


def whole(pytester, folder="reports"):
    found = json.loads((pytester.path / folder / "claims.json").read_text())
    contract.check(found)
    return found


def test_a_session_says_what_changed_on_the_terminal_on_the_page_and_in_claims_md(pytester, project):
    project(BEFORE)
    pytester.runpytest("claims", "--report-dir", "before")
    project(AFTER)
    result = pytester.runpytest("claims", "--compare-with", "before")
    result.stdout.fnmatch_lines(
        ["report: reports/index.html", "against before: 1 verdict changed, 2 did not; see the report"]
    )
    page = Page((pytester.path / "reports" / "index.html").read_text())
    assert "Contradicts what was found before: 1 It is refuted. A-fit-x supported 8/8" in page.text("changes")
    assert "supported 8/8 → refuted, absent 0/8" in (pytester.path / "reports" / "claims.md").read_text()
    assert [one["verdict"] for one in whole(pytester)["compared"]["claims"]] == ["supported"] * 3
    assert "compared" not in (pytester.path / "reports" / "junit.xml").read_text()


def test_a_session_can_be_compared_with_the_report_that_it_adds_to(pytester, project):
    project(BEFORE)
    pytester.runpytest("claims")
    project(AFTER)
    result = pytester.runpytest("claims", "-k", "A-fit-x", "--compare-with", "reports/claims.json")
    result.stdout.fnmatch_lines(["against reports/claims.json: 1 verdict changed, 2 did not; see the report"])
    assert len(whole(pytester)["claims"]) == 3


def test_a_part_of_the_claims_is_counted_and_the_next_session_compares_with_nothing(pytester, project):
    project(BEFORE)
    pytester.runpytest("claims", "--report-dir", "before")
    result = pytester.runpytest("claims", "-k", "A-fit-x", "--compare-with", "before")
    result.stdout.fnmatch_lines(["against before: 0 verdicts changed, 1 did not; see the report"])
    said = "No verdict or pilot changed: 1 verdict as before. 2 claims of that session are not in this report."
    assert said in (pytester.path / "reports" / "claims.md").read_text()
    # Claims that a session adds are compared too; without the option the comparison ends.
    result = pytester.runpytest("claims", "-k", "A-fit-y", "--compare-with", "before")
    result.stdout.fnmatch_lines(["against before: 0 verdicts changed, 2 did not; see the report"])
    result = pytester.runpytest("claims", "-k", "A-fit-y")
    result.stdout.no_fnmatch_line("against *")
    assert "compared" not in whole(pytester)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--compare-with", "nowhere"],
            "ERROR: --compare-with: nowhere cannot be read (No such file or directory): name *",
        ),
        (["--compare-with", ""], "ERROR: --compare-with '' does not name a report: give one, or leave it out"),
        (
            ["--compare-with", "."],
            "ERROR: --compare-with: claims.json cannot be read (No such file or directory): name *",
        ),
        (["--compare-with", "text.json"], "ERROR: --compare-with: text.json: it is not JSON *"),
        (
            ["--compare-with", "before", "-k", "B-count"],
            "ERROR: --compare-with: before/claims.json has none of the 1 claim to compare with it: name a report *",
        ),
        (
            ["--compare-with", "before", "-m", "gpu"],
            "ERROR: --compare-with: before/claims.json is of the quick tier, and * of the full tier: name one of this tier",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line_before_anything_trains(pytester, project, options, message):
    project(BEFORE)
    pytester.runpytest("claims", "--report-dir", "before", "-k", "A-fit")
    (pytester.path / "text.json").write_text("{")
    result = pytester.runpytest("claims", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    assert not (pytester.path / "reports").exists()


def test_the_report_command_compares_too(pytester, project, capsys):
    project(BEFORE)
    pytester.runpytest("claims", "--report-dir", "before")
    project(AFTER)
    pytester.runpytest("claims")
    capsys.readouterr()
    assert main(["report", "reports", "--compare-with", "before"]) == 0
    assert capsys.readouterr().out == (
        "report: reports/index.html\nagainst before: 1 verdict changed, 2 did not; see the report\n"
    )
    assert main(["report", "reports", "--compare-with", "nowhere"]) == 2
    assert capsys.readouterr().err.startswith("hw1bench: nowhere cannot be read")
