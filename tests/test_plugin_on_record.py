"""``--on-record`` as a user sees it: a session of what is on record, under which nothing that changed can hide."""

import json

import pytest

from hw1bench.court import rulings

TWO = "[claim('A-fit-x', 'supported'), claim('A-fit-y', 'refuted')]"
FULL = ("claims", "-m", "gpu", "--device", "cpu")
STRICT = (*FULL, "--on-record", "--strict-rulings")


@pytest.fixture
def half(pytester, project):
    """A project of two claims, one of which is on record in the full tier."""
    project(TWO)
    pytester.runpytest(*FULL, "-k", "fit-x", "--record-rulings").assert_outcomes(passed=1, deselected=3)
    return project


def test_what_is_not_on_record_is_left_out_and_counted(half, pytester):
    pytester.runpytest(*FULL, "--strict-rulings").assert_outcomes(passed=1, failed=1, deselected=2)
    result = pytester.runpytest(*STRICT)
    result.assert_outcomes(passed=1, deselected=3)
    result.stdout.fnmatch_lines(["not on record in the full tier and left out: 1 claim", "1 claim: 1 supported"])
    # Only what was selected is counted.
    pytester.runpytest(*STRICT, "-k", "fit-x").stdout.no_fnmatch_line("not on record*")


def test_a_claim_with_another_effect_than_its_ruling_is_not_left_out(half, pytester):
    half(TWO.replace("'supported'", "'supported', experiment('toy', epochs=4)"))
    result = pytester.runpytest(*STRICT)
    result.assert_outcomes(failed=1, deselected=3)
    result.stdout.fnmatch_lines(["*A-fit-x: supported, ruled on another experiment*"])


def test_a_ruling_of_one_tier_puts_nothing_on_record_in_the_other(half, pytester):
    result = pytester.runpytest("claims", "--on-record")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "no claim that is selected has a ruling: leave out --on-record" in result.stderr.str()


def test_exhibits_are_left_out_and_other_tests_are_not(half, pytester):
    more = """
@pytest.mark.parametrize("exhibit", [experiment("shown")])
def test_exhibit(exhibit, court):
    court.show(exhibit)

@pytest.mark.gpu
def test_other():
    pass
"""
    half(TWO, more)
    pytester.runpytest(*STRICT).assert_outcomes(passed=2, deselected=5)
    document = json.loads((pytester.path / "reports" / "claims.json").read_text())
    assert [claim["id"] for claim in document["claims"]] == ["A-fit-x"]


def test_a_malformed_rulings_file_gets_one_line(half, pytester):
    (pytester.path / "claims" / rulings.FILE).write_text("{")
    result = pytester.runpytest(*STRICT)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "is malformed" in result.stderr.str()
