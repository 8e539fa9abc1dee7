"""The summary of a step of CI: appended if there is one, and never in the way."""

import os
import re

import pytest

from hw1bench.report.markdown import render
from hw1bench.session import step_summary
from sample_document import document


@pytest.fixture
def step(tmp_path, monkeypatch):
    path = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def test_the_page_is_appended_to_what_is_there(step):
    step.write_text("before\n")
    found = document()
    assert step_summary.append(found) == step_summary.append(found) == ""
    page = render(found, linked=False)
    assert step.read_text(encoding="utf-8") == f"before\n{page}\n{page}\n"


def test_without_a_step_nothing_is_written(step, monkeypatch):
    for value in ("", None):
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", "") if value == "" else monkeypatch.delenv("GITHUB_STEP_SUMMARY")
        assert step_summary.append(document()) == ""
    assert not step.exists()


def test_a_summary_that_cannot_be_written_is_one_line(step):
    step.mkdir()
    assert step_summary.append(document()) == (
        f"the summary could not be written to GITHUB_STEP_SUMMARY ({step}: Is a directory)"
    )


def test_a_session_appends_its_page_and_outlives_a_summary_that_cannot_be_written(pytester, project, step):
    project("[claim('A-fit-x', 'supported')]")
    pytester.runpytest("claims").assert_outcomes(passed=1, deselected=1)
    text = step.read_text(encoding="utf-8")
    assert re.search(r"\| supported 8/8 \|.*\| `A-fit-x` \|\n", text)
    os.unlink(step)
    step.mkdir()
    result = pytester.runpytest("claims")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["report: reports/index.html", "the summary could not be written to GITHUB_STEP_SUMMARY (*"]
    )
