"""What README shows is true of the code."""

import json
import re
from pathlib import Path

import pytest

from hw1bench.sources.pack import PACK

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_claim_of_ones_own_runs_as_shown(pytester, project):
    (source,) = re.findall(r"```python\n(.*?)```", README, re.S)
    folder = pytester.path / "claims"
    folder.mkdir()
    (folder / "test_mine.py").write_text(source.replace("epochs=1_000", "epochs=50"))
    result = pytester.runpytest("claims/", "-m", "mine")
    assert sum(result.parseoutcomes().get(kind, 0) for kind in ("passed", "failed", "skipped")) == 1
    (claim,) = json.loads((pytester.path / "reports" / "claims.json").read_text())["claims"]
    assert claim["verdict"] in ("supported", "refuted", "inconclusive")
    assert (claim["id"], claim["topic"]) == ("mine-larger-rate-lower-loss", "mine")
    assert claim["figure"] == "figures/mine-rates-loss.svg"


def test_the_pack_of_ones_own_is_taken_as_shown(pytester, project):
    (source,) = [
        block for block in re.findall(r"\n\n```\n(.*?)\n```", README, re.S) if "def pytest_hw1bench_pack" in block
    ]
    one = "Claim('mine-x', report='mine', where='1', says='It has 10.', effect=CountIs(Model('[3]'), 10))"
    (project(f"[{one}]", topic="mine") / "conftest.py").write_text(source)
    pytester.runpytest("claims", "-m", "report_mine").assert_outcomes(passed=1, deselected=1)
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    assert found["reports"] == [
        {
            "id": "mine",
            "title": "Notes on learning rates",
            "source": "my course",
            "url": "https://example.org/notes.pdf",
        }
    ]
    assert found["topics"] == [{"id": "mine", "title": "Learning rates"}]


def test_every_option_is_explained(pytester, project):
    text = pytester.runpytest("--help").stdout.str()
    options = re.findall(r"^  (--[a-z-]+)", text[text.index("\nclaims:") :].split("\n\n")[0], re.M)
    assert len(options) == 9
    for option in options:
        assert f"`{option}" in README, option


@pytest.mark.parametrize("report", PACK.reports, ids=lambda report: report.id)
def test_the_reports_are_those_of_the_pack(report):
    assert f"| {report.id} | {report.source} | {report.title} |" in README


@pytest.mark.parametrize("topic", [topic.id for topic in PACK.topics])
def test_the_number_of_claims_is_right(topic):
    from importlib import util

    path = Path(__file__).parent.parent / "claims" / f"test_{topic}.py"
    spec = util.spec_from_file_location(f"claims_{topic}", path)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert f"| {topic} | {len(module.CLAIMS)} " in README
