"""``--shard`` and ``hw1bench merge`` as a user sees them: parts that machines judge apart give the report of one session."""

import json
import shutil

import pytest

from hw1bench.court import rulings

CLAIMS = (
    "[claim('A-fit-x', 'supported'), count('B-fit-z', 10), claim('A-fit-w', 'refuted', experiment('second', 40)),"
    " claim('A-fit-y', 'inconclusive'), claim('A-fit-v', 'supported', experiment('third', 7)), count('B-fit-u', 11)]"
)
EXHIBITS = """
@pytest.mark.parametrize("exhibit", [experiment("shown", 5), experiment("second", 40)], ids=["shown", "second"])
def test_exhibit(exhibit, court):
    court.show(exhibit)
"""
ACROSS = """
from hw1bench import CrossReportFigure

FIGURE = CrossReportFigure(topic="fit", title="Loss", kind="loss", experiments=(TOY, experiment("third", 7)))

@pytest.mark.parametrize("exhibit", [FIGURE])
def test_across(exhibit, court):
    court.show(exhibit)
"""


def read(folder):
    return json.loads((folder / "claims.json").read_text())


def ids(folder):
    return {one["id"] for one in read(folder)["claims"]}


def timeless(document):
    """The document without what depends on when and how fast it was made."""
    claims = [
        {name: value for name, value in one.items() if name not in ("judged", "seconds")} for one in document["claims"]
    ]
    return {**document, "claims": claims, "started": "", "seconds": 0}


@pytest.fixture
def parts(pytester, project):
    """Judges the claims of a project in so many parts, each with a report and blocks of its own: the folders of the reports."""

    def judge(of, *arguments):
        folders = []
        for number in range(1, of + 1):
            folders.append(pytester.path / f"part-{number}")
            result = pytester.runpytest(
                "claims", f"--report-dir={folders[-1]}", "--shard", f"{number}/{of}", *arguments
            )
            assert result.ret in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        return folders

    return judge


def test_merged_parts_are_the_report_of_one_session(parts, pytester, project, command):
    project(CLAIMS, EXHIBITS)
    project("[count('C-size-a', 10), claim('A-size-b', 'supported', experiment('fourth', 6))]", topic="size")
    pytester.runpytest("claims", "--report-dir=whole")
    folders = parts(3)
    assert sorted(name for folder in folders for name in ids(folder)) == sorted(ids(pytester.path / "whole"))
    assert all(ids(folder) for folder in folders)
    assert [read(folder)["shard"]["part"] for folder in folders] == [1, 2, 3]
    done = command(pytester.path, "merge", *folders[::-1], "--into", "all")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "report: all/index.html")
    whole, merged = (read(pytester.path / name) for name in ("whole", "all"))
    assert timeless(merged) == timeless(whole)
    assert merged["started"] == min(read(folder)["started"] for folder in folders)
    assert {one["judged"] for one in merged["claims"]} == {merged["started"]}
    assert merged["seconds"] == pytest.approx(sum(read(folder)["seconds"] for folder in folders))
    for name in ("claims.md", "junit.xml", "index.html", "benchmark.json", "claims-details.md"):
        assert (pytester.path / "all" / name).exists()
    for figure in whole["figures"]:
        there, here = (pytester.path / folder / figure["path"] for folder in ("whole", "all"))
        assert there.read_bytes() == here.read_bytes()
    counted = [(pytester.path / folder / "junit.xml").read_text().count("<testcase") for folder in ("whole", "all")]
    assert counted == [len(whole["claims"]) + 2] * 2
    timed = [
        {
            row["extra_info"]["experiment"]
            for row in json.loads((pytester.path / folder / "benchmark.json").read_text())["benchmarks"]
        }
        for folder in ("whole", "all")
    ]
    assert timed[0] == timed[1] == {"A-toy", "A-second", "A-third", "A-fourth", "A-shown"}


def test_the_blocks_of_all_parts_put_the_whole_on_record(parts, pytester, project):
    project(CLAIMS)
    for folder in parts(2):
        shutil.copytree(folder / "blocks", pytester.path / "all" / "blocks", dirs_exist_ok=True)
    pytester.runpytest("claims", "--record-rulings", "--report-dir=all")
    assert all(one["reused"] for one in read(pytester.path / "all")["claims"] if one["seeds"])
    assert len(rulings.load(pytester.path / "claims" / rulings.FILE)) == 6


def test_experiments_that_a_figure_compares_are_in_one_part(parts, project):
    project(CLAIMS, EXHIBITS + ACROSS)
    first, second = parts(2)
    (together,) = (folder for folder in (first, second) if "A-fit-x" in ids(folder))
    assert {"A-fit-x", "A-fit-y", "A-fit-v"} <= ids(together)
    assert any(figure["path"] == "figures/across-fit-loss.svg" for figure in read(together)["figures"])


def test_what_is_on_record_decides_what_a_part_costs(parts, pytester, project):
    """By specification the experiments cost next to nothing; one that took an hour has a part for itself."""
    project(CLAIMS)
    assert [len(ids(folder)) for folder in parts(2)] == [3, 3]
    pytester.runpytest("claims", "--record-rulings", "--report-dir=whole")
    path = pytester.path / "claims" / rulings.FILE
    found = json.loads(path.read_text())
    for ruling in found["rulings"]:
        if ruling["claim"] == "A-fit-v":
            ruling["seconds"] = 3_600.0
    path.write_text(json.dumps(found))
    for number, judged in ((1, 1), (2, 5)):
        result = pytester.runpytest("claims", f"--shard={number}/2", "--collect-only", "-q")
        assert ("quick-A-fit-v" in result.stdout.str()) is (number == 1)
        result.stdout.fnmatch_lines([f"part {number}/2: {judged} of 6 claims, *% of the time"])


def test_a_part_without_claims_passes_with_one_line(pytester, project, command):
    project("[claim('A-fit-x', 'supported'), claim('A-fit-y', 'supported')]")
    told = "part 2/2 has no claims, because there are fewer experiments than parts"
    for extra in ((), ("--collect-only",), ("--strict-rulings",)):
        result = pytester.runpytest("claims", "--shard=2/2", "--report-dir=none", *extra)
        assert result.ret == pytest.ExitCode.OK
        assert result.stdout.lines.count(told) == 1
        result.stdout.no_fnmatch_line("0 claims*")
    pytester.runpytest("claims", "--shard=1/2", "--report-dir=both").assert_outcomes(passed=2, deselected=2)
    assert command(pytester.path, "merge", "none", "both", "--into", "all").returncode == 0
    assert ids(pytester.path / "all") == {"A-fit-x", "A-fit-y"}


def test_claims_of_other_parts_are_not_missed_by_strict_rulings(pytester, project):
    project("[count('B-fit-x', 10), count('B-fit-y', 10)]")
    pytester.runpytest("claims", "--record-rulings").assert_outcomes(passed=2, deselected=2)
    result = pytester.runpytest("claims", "--shard=1/2", "--strict-rulings", "--report-dir=part")
    result.assert_outcomes(passed=1, deselected=3)
    result.stdout.fnmatch_lines(["part 1/2: 1 of 2 claims, 50% of the time", "1 claim: 1 supported"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--shard=6/5",), "--shard '6/5' is no part of a whole: give one such as 2/5, the second of five"),
        (("--claims-shard", "2"), "--shard '2' is no part of a whole"),
        (("--shard=1/2", "--record-rulings"), "leave out --record-rulings, which changes that"),
        (("--shard=1/2", "-k", "nothing"), "-k 'nothing' selects no claim"),
    ],
)
def test_a_part_that_cannot_be_judged_is_refused_in_one_line(pytester, project, arguments, said):
    project("[count('B-fit-x', 10)]")
    result = pytester.runpytest("claims", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if line.strip()]
    assert said in line


def test_a_part_that_is_missing_is_named_and_the_rest_is_merged(parts, pytester, project, command):
    project("[count('B-fit-x', 10), count('B-fit-y', 10), count('B-fit-z', 10)]")
    folders = parts(3)
    shutil.rmtree(folders[1])
    done = command(pytester.path, "merge", folders[0], folders[2], "--into", "all")
    assert done.returncode == 0
    assert "claims that were selected and are in no report: B-fit-y\n" in done.stdout
    assert ids(pytester.path / "all") == {"B-fit-x", "B-fit-z"}


def test_only_the_merged_report_goes_into_the_summary_of_a_step(parts, pytester, project, command, monkeypatch):
    project("[count('B-fit-x', 10), count('B-fit-y', 10)]")
    path = pytester.path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    folders = parts(2)
    assert not path.exists()
    command(pytester.path, "merge", *folders, "--into", "all")
    assert path.read_text().count("# Claims and verdicts") == 1
