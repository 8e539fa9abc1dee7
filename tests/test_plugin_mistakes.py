"""What a session says of a file of claims that is not written as the plugin expects."""

SOURCE = """
import pytest
from hw1bench import Claim, Model
from hw1bench.effects import CountIs

CLAIM = Claim("T-count", report="T", where="1", says="It has 7.", effect=CountIs(Model("[2]"), 7))

@pytest.mark.parametrize("sentence", [CLAIM])
def test_mine(sentence, court):
    court.judge(sentence)
"""


def test_a_claim_under_another_name_is_not_judged_and_the_way_out_is_named(pytester, project):
    (pytester.path / "claims").mkdir()
    (pytester.path / "claims" / "test_mine.py").write_text(SOURCE)
    result = pytester.runpytest("claims/")
    result.assert_outcomes(failed=2)  # without a claim it has no tier either
    result.stdout.fnmatch_lines(["*judges no claim that was collected: parametrize it by `claim`*"])
