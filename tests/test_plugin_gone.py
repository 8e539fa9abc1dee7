"""Claims that are gone leave the report, and those that a session did not look for stay."""

import json
import shutil

import pytest

EMPTY = (
    "import pytest\n\n\n@pytest.mark.parametrize('claim', [])\ndef test_claim(claim, court):\n    court.judge(claim)\n"
)
SKIPS = "import pytest\npytest.importorskip('not_installed_here')\n"


@pytest.fixture
def three(pytester, project):
    """A report of three claims, each of its own file, one of them in a folder below."""
    folder = project("[claim('A-fit-x', 'supported')]")
    project("[claim('A-task-y', 'supported')]", topic="task")
    (folder / "below").mkdir()
    source = (folder / "test_task.py").read_text().replace("A-task-y", "A-size-z")
    (folder / "below" / "test_size.py").write_text(source)
    pytester.runpytest("claims").assert_outcomes(passed=3, deselected=3)
    assert reported(pytester) == ["A-size-z", "A-fit-x", "A-task-y"]
    return folder


def reported(pytester):
    """The ids of the claims in the report, all of which the page and the lists have too."""
    reports = pytester.path / "reports"
    found = [claim["id"] for claim in json.loads((reports / "claims.json").read_text())["claims"]]
    for name in ("claims.md", "claims-details.md", "index.html"):
        text = (reports / name).read_text()
        assert [one for one in ("A-size-z", "A-fit-x", "A-task-y") if one in text] == found
    return found


def test_claims_of_a_file_that_is_gone_leave_the_report(pytester, three):
    (three / "test_task.py").unlink()
    result = pytester.runpytest("claims", "-k", "fit-x")
    result.stdout.fnmatch_lines(["*claims that are gone or have changed, which are now left out: A-task-y"])
    assert reported(pytester) == ["A-size-z", "A-fit-x"]


def test_claims_of_a_folder_that_is_gone_leave_the_report(pytester, three):
    shutil.rmtree(three / "below")
    pytester.runpytest("claims")
    assert reported(pytester) == ["A-fit-x", "A-task-y"]


@pytest.mark.parametrize("text", ["", EMPTY])
def test_claims_of_a_file_that_has_none_any_more_leave_the_report(pytester, three, text):
    (three / "test_task.py").write_text(text)
    pytester.runpytest("claims")
    assert reported(pytester) == ["A-size-z", "A-fit-x"]


def test_claims_of_a_file_that_is_renamed_stay(pytester, three):
    (three / "test_task.py").rename(three / "test_loss.py")
    pytester.runpytest("claims", "-k", "fit-x")
    assert reported(pytester) == ["A-size-z", "A-fit-x", "A-task-y"]
    pytester.runpytest("claims")
    assert reported(pytester) == ["A-size-z", "A-fit-x", "A-task-y"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["claims/test_fit.py"],
        ["claims/below"],
        ["claims/test_fit.py::test_claim[quick-A-fit-x]"],
        ["claims", "--ignore", "claims/test_more.py"],
        ["claims"],
    ],
    ids=["file", "folder", "test", "--ignore", "skipped"],
)
def test_claims_stay_that_may_be_in_what_was_not_collected(pytester, three, arguments):
    (three / "test_task.py").rename(three / "test_more.py")
    (three / "test_more.py").write_text(SKIPS + (three / "test_more.py").read_text())
    pytester.runpytest(*arguments)
    assert reported(pytester) == ["A-size-z", "A-fit-x", "A-task-y"]


def test_claims_of_a_topic_with_a_file_in_another_folder_stay_until_both_are_collected(pytester, three):
    """A file of the same topic says nothing of the claims of the other."""
    source = (three / "below" / "test_size.py").read_text()
    (three / "test_size.py").write_text(source.replace("A-size-z", "A-size-more"))
    pytester.runpytest("claims/test_size.py")
    assert "A-size-z" in (pytester.path / "reports" / "claims.md").read_text()
    (three / "below" / "test_size.py").unlink()
    pytester.runpytest("claims")
    assert "A-size-z" not in (pytester.path / "reports" / "claims.md").read_text()


def test_a_session_of_exhibits_alone_drops_no_claim_that_is_there(pytester, three):
    more = "\n@pytest.mark.parametrize('exhibit', [TOY])\ndef test_exhibit(exhibit, court):\n    court.show(exhibit)\n"
    (three / "test_shown.py").write_text((three / "test_task.py").read_text().partition("CLAIMS =")[0] + more)
    pytester.runpytest("claims/test_shown.py").assert_outcomes(passed=1, deselected=1)
    assert reported(pytester) == ["A-size-z", "A-fit-x", "A-task-y"]
