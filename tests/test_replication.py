"""Replication: claims judged on seeds never used before, compared with the record, and the table of it in a page."""

import json
import re
from dataclasses import replace

import pytest

from hw1bench.court import rulings
from hw1bench.report import replication
from hw1bench.report.replication import BEGIN, END, REPLICATION_OFFSET, main
from sample_document import claim, document, evidence, exact, unjudged
from sample_ruling import ruling

FOUND = "[claim('A-fit-same', 'supported'), claim('A-fit-turned', 'refuted'), claim('A-fit-weaker', 'inconclusive'),"
FOUND += " claim('A-fit-stronger', 'supported'), claim('A-fit-new', 'refuted'), count('B-count-x', 10)]"


def said(result):
    return " ".join(f"{result.stdout.str()}\n{result.stderr.str()}".split())


@pytest.fixture
def recorded(pytester, project):
    """A folder of claims with a record that says other things of some of them than their runs do."""
    folder = project(FOUND)
    pytester.runpytest("claims", "--record-rulings")
    path = folder / rulings.FILE
    book = rulings.load(path)
    words = {"A-fit-turned": "supported", "A-fit-weaker": "refuted", "A-fit-stronger": "inconclusive"}
    kept = [
        replace(one, verdict=words.get(one.claim, one.verdict)) for one in book.values() if one.claim != "A-fit-new"
    ]
    rulings.save(path, kept)
    return path


def test_a_replication_fails_on_a_contradiction_and_lists_what_is_weaker(pytester, recorded):
    before, reports = recorded.read_text(), pytester.path / "reports"
    first = (reports / "claims.json").read_text()
    result = pytester.runpytest("claims", "--replicate")
    result.assert_outcomes(failed=1, passed=3, skipped=2, deselected=6)
    assert recorded.read_text() == before
    assert (reports / "claims.json").read_text() == first  # the replication has a folder of its own
    found = json.loads((reports / "replication" / "claims.json").read_text())
    assert found["seed_offset"] == REPLICATION_OFFSET
    outcomes = {entry["id"]: (entry["outcome"], entry["remark"]) for entry in found["claims"]}
    assert outcomes == {
        "A-fit-same": ("passed", ""),
        "A-fit-turned": ("failed", "contradicts the ruling (supported)"),
        "A-fit-weaker": ("skipped", "weaker than the ruling (refuted)"),
        "A-fit-stronger": ("passed", "stronger than the ruling (inconclusive)"),
        "A-fit-new": ("skipped", "nothing on record to replicate"),
        "B-count-x": ("passed", ""),
    }
    lines = result.stdout.str().splitlines()
    start = lines.index(
        "replication on seeds from 1,000,000: of 4 on record 1 repeat, 1 contradicts, 1 weaker, 1 stronger; "
        "1 with nothing on record"
    )
    assert lines[start + 1 : start + 4] == [
        "  contradicts: A-fit-turned, supported on record, refuted in 0 of 8",
        "  weaker: A-fit-weaker, refuted on record, inconclusive in 8 of 16",
        "  stronger: A-fit-stronger, inconclusive on record, supported in 8 of 8",
    ]


def test_a_replication_trains_its_own_seeds(pytester, project):
    folder = project("[claim('A-fit-x', 'supported')]")
    path = folder / "test_fit.py"
    source = 'lambda runs: 1.0 if runs["net"].seed >= 1_000_000 else -1.0'
    path.write_text(path.read_text().replace('"supported": lambda runs: 1.0', f'"supported": {source}'))
    pytester.runpytest("claims", "--record-rulings").assert_outcomes(xfailed=1, deselected=1)
    pytester.runpytest("claims", "--replicate").assert_outcomes(failed=1, deselected=1)
    pytester.runpytest("claims", "--replicate", "--report-dir", "mine").assert_outcomes(failed=1, deselected=1)
    assert (pytester.path / "mine" / "claims.json").exists()


def test_a_ruling_on_another_subject_is_nothing_to_replicate(pytester, project):
    folder = project("[claim('A-fit-x', 'refuted')]")
    rulings.save(folder / rulings.FILE, [ruling("A-fit-x")])
    result = pytester.runpytest("claims", "--replicate", "-rs")
    result.assert_outcomes(skipped=1, deselected=1)
    assert rulings.ELSEWHERE in said(result)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (
            ["--record-rulings"],
            "--replicate compares with the record: leave out --record-rulings, which would change it",
        ),
        (["--prune-rulings"], "--replicate compares with the record: leave out --prune-rulings, which would change it"),
        (["--seed-offset", "0"], "--replicate has its own seeds, from 1,000,000: leave out --seed-offset"),
        (["--seed-offset", "64"], "--replicate has its own seeds, from 1,000,000: leave out --seed-offset"),
        (["--strict-rulings"], "--replicate lists weaker verdicts: leave out --strict-rulings, which fails on them"),
    ],
    ids=" ".join,
)
def test_what_does_not_go_with_a_replication_is_refused_in_one_line(pytester, project, arguments, why):
    project("[claim('A-fit-x', 'supported')]")
    result = pytester.runpytest("claims", "--replicate", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.stderr.str().splitlines() if line.startswith("ERROR")] == [f"ERROR: {why}"]


def test_a_refused_replication_removes_no_ruling(pytester, project):
    path = project("[claim('A-fit-x', 'supported')]") / rulings.FILE
    rulings.save(path, [ruling("A-fit-gone")])
    before = path.read_text()
    assert pytester.runpytest("claims", "--replicate", "--prune-rulings").ret == pytest.ExitCode.USAGE_ERROR
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("found", "record", "stands"),
    [
        ("seen", "not seen", "contrary"),
        ("not seen", "seen", "contrary"),
        ("seen", "seen", "same"),
        ("mixed", "seen", "weaker"),
        ("no evidence", "mixed", "weaker"),
        ("seen", "mixed", "stronger"),
        ("refuted", None, "unruled"),
    ],
)
def test_how_pilots_and_verdicts_stand_to_the_record(found, record, stands):
    assert [one for _, one in replication.standings([claim(verdict=found, ruling=record)])] == [stands]


CLAIMS = [
    claim("A-fit-x", ruling="supported"),
    claim("A-fit-y", **evidence([1.0, -1.0] * 8), ruling="refuted"),
    claim("A-fit-z", verdict="seen", ruling="seen", fidelity="reduced"),
    exact(ruling="supported"),
    unjudged("A-fit-u", "error"),
]
TABLE = """\
2026-01-31, quick tier, seeds from 1,000,000: of 2 on record 1 repeat, 1 weaker.

| claim | on record | on new seeds | |
|---|---|---|---|
| `A-fit-x` | supported | supported in 8 of 8 | repeats |
| `A-fit-y` | refuted | inconclusive in 8 of 16 | weaker |"""


def written(folder, **changed):
    (folder / "claims.json").write_text(json.dumps(document(*CLAIMS, seed_offset=REPLICATION_OFFSET, **changed)))
    return folder


def test_the_table_goes_between_the_lines_of_a_page_and_is_written_again(tmp_path):
    page = tmp_path / "method.md"
    page.write_text(f"# Method\n\n{BEGIN}\n{END}\n\nThe end.\n")
    for _ in range(2):
        assert main([str(written(tmp_path)), str(page)]) == 0
        assert page.read_text() == f"# Method\n\n{BEGIN}\n\n{TABLE}\n\n{END}\n\nThe end.\n"


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_a_page_without_a_place_for_the_table_is_refused(page, tmp_path, capsys):
    path = tmp_path / "method.md"
    path.write_text(page)
    assert main([str(written(tmp_path)), str(path)]) == 2
    assert re.fullmatch(r".*method\.md: it needs one line .*\n", capsys.readouterr().err)
    assert path.read_text() == page


def test_a_report_that_is_no_replication_is_refused(tmp_path, capsys):
    (tmp_path / "claims.json").write_text(json.dumps(document(*CLAIMS)))
    assert main([str(tmp_path), str(tmp_path / "method.md")]) == 2
    assert "is no replication: run `pytest claims/ --replicate` first\n" in capsys.readouterr().err
