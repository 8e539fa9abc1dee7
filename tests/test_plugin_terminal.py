"""What a session shows on a terminal: progress while it trains, and what it closes with."""

import os
import pty
from pathlib import Path
from select import select

import forked
from hw1bench.report import reading

ONE = "[claim('A-fit-x', 'supported')]"


def test_progress_is_shown_on_a_terminal_while_the_tests_output_is_captured(pytester, project, monkeypatch):
    project(ONE)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    leader, follower = pty.openpty()
    session = forked.begin(pytester.path, "claims", output=Path(os.ttyname(follower)))
    text = b""
    while select([leader], [], [], 0.05)[0] or session.spent is not None:
        if select([leader], [], [], 0)[0]:
            text += os.read(leader, 4096)
    for end in (leader, follower):
        os.close(end)
    assert session.ended() == 0
    assert b"A-toy, net, seeds 0-7" in text


def test_without_a_terminal_no_progress_is_left(pytester, project, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    project(ONE)
    result = pytester.runpytest("claims")
    result.assert_outcomes(passed=1, deselected=1)
    text = result.stdout.str() + result.stderr.str()
    assert "seeds 0-7" not in text
    assert "\x1b" not in text  # nothing that moves or hides a cursor


def test_a_letter_that_the_terminal_cannot_show_costs_its_line_and_no_other(pytester, project, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    folder = project(ONE, topic="üben")
    text = (folder / "test_üben.py").read_text()
    (folder / "test_üben.py").write_text(text.replace("It is supported.", "Es wird geübt."))
    result = pytester.runpytest_subprocess("claims", "-v")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["*\\xfcben*", "*A-fit-x *supported *"])
    assert "\\n" not in result.stdout.str()


def test_why_a_claim_was_not_run_is_in_the_closing_table(pytester, project, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    project(ONE)
    result = pytester.runpytest("claims", "-m", "gpu")
    result.stdout.fnmatch_lines(
        ["  A-fit-x*not run*", "      no CUDA device here: give --device cpu*", "1 claim: 1 not run"]
    )


def test_many_claims_that_answer_questions_are_summed_up_unless_all_are_wanted(pytester, project):
    one = "Claim(f'A-fit-{n}', report='B', where='', says='', question='q', effect=CountIs(Model('[3]'), 10))"
    claims = f"[{one} for n in range(13)]"
    folder = project(claims)
    (folder / "conftest.py").write_text(
        "from hw1bench import Pack, Position, Question\n\n\n"
        "def pytest_hw1bench_pack():\n"
        "    asked = Question('q', text='Is it so?', positions=(Position('B', 'it is', 'A-fit-0'),))\n"
        "    return Pack(questions=(asked,))\n"
    )
    result = pytester.runpytest("claims")
    result.stdout.fnmatch_lines(
        ["Is it so?", "  B: it is * supported here", "-v lists all claims", "13 claims: 13 supported"]
    )
    result.stdout.no_fnmatch_line("  A-fit-12 *")
    result = pytester.runpytest("claims", "-v")
    result.stdout.fnmatch_lines(["  A-fit-0 *supported*", "  A-fit-12 *supported*", "13 claims: 13 supported"])
    result.stdout.no_fnmatch_line("Is it so?*")


def test_an_output_that_refuses_every_word_costs_no_claim_and_ends_other_suites_as_ever(pytester, project):
    project(ONE)
    pytester.makepyfile(test_theirs="def test_it():\n    open('ran', 'w').close()\n")
    options = ("-v", "-p", "no:hypothesispytest", "-p", "no:benchmark")
    refusing = Path("/dev/full")
    assert forked.begin(pytester.path, "test_theirs.py", *options, output=refusing).ended() == 1
    assert not (pytester.path / "ran").exists()
    assert forked.begin(pytester.path, ".", *options, output=refusing).ended() == 0
    assert (pytester.path / "ran").exists()
    document, _ = reading.read(pytester.path / "reports")
    assert [claim["verdict"] for claim in document["claims"]] == ["supported"]
