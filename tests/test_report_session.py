"""From a claim to its report and back: hostile texts, and effects that are no numbers."""

import pytest

from hw1bench.__main__ import main
from hw1bench.report.reading import read

MORE = r"""
import math

ODD = "\x1b[2J\u202e<b>$x$ \ud800\r\n| `now`"
VALUES = [math.nan, -math.inf, *[math.inf] * 6]
effect = Effect(ODD, ODD, lambda runs: VALUES[runs["net"].seed % 8], ("net",))
CLAIMS += [Claim("A-fit-odd", report="A", where=ODD, says=ODD, experiment=TOY, effect=effect, assumptions=(ODD,))]
"""


@pytest.fixture
def session(pytester, project):
    file = project("[count('B-count-x', 10)]") / "test_fit.py"
    head, mark, tail = file.read_text().partition("@pytest.mark.parametrize")
    file.write_text(head + MORE + mark + tail)
    return pytester.runpytest("claims")


def test_a_session_with_odd_claims_leaves_a_report_that_can_be_read_rendered_and_compared(session, pytester, capsys):
    session.assert_outcomes(skipped=1, passed=1)
    assert not set("\x1b\r\u202e\ud800") & set(session.stdout.str())
    folder = pytester.path / "reports"
    document = read(folder)[0]
    (odd,) = [claim for claim in document["claims"] if claim["id"] == "A-fit-odd"]
    values = odd["effect"]["values"]
    kinds = odd["effect"]["not_finite"]
    assert len(values) == odd["seeds"] == 16
    assert values == [None] * 16
    assert [kinds[str(seed)] for seed in range(9)] == [
        *("undefined", "-infinity", *["+infinity"] * 6, "undefined"),
    ]
    before = (folder / "claims.json").read_bytes()
    assert main(["report", str(folder)]) == 0
    assert main(["compare", str(folder), str(folder)]) == 0
    assert (folder / "claims.json").read_bytes() == before
    for name in ("claims.json", "claims.md", "index.html", "junit.xml"):
        text = (folder / name).read_text(encoding="utf-8")
        assert not set("\x1b\ud800") & set(text)
        assert "<b>$x$" not in text or name == "claims.json"
