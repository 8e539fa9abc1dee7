"""One report of several: what they may differ in, what contradicts, and what the whole says of each."""

import json

import pytest

from hw1bench.__main__ import main
from hw1bench.report import merging
from hw1bench.report.merging import Source
from sample_document import STARTED, claim, document, exact, figure, unjudged

LATER = "2026-02-03T08:00:00+00:00"


def put(folder, *claims, **changes):
    """A report directory of ``claims``."""
    folder.mkdir()
    (folder / "claims.json").write_text(json.dumps({**document(*claims, figures=[]), **changes}))
    return folder


def merged(tmp_path, *documents):
    return merging.merged([Source(tmp_path / str(place), one) for place, one in enumerate(documents)])


def shard(number, claims, of=2):
    lists = {key: [] for key in ("figures", "exhibits", "reports", "topics", "questions")}
    return {"part": number, "of": of, "claims": claims, **lists}


def refused(capsys, *arguments):
    """The line with which ``hw1bench merge`` refuses ``arguments``."""
    assert main(["merge", *map(str, arguments)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    return output.err


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"verdict": "inconclusive"}, "has another verdict"),
        ({"effect": {**claim()["effect"], "values": [0.1, *claim()["effect"]["values"][1:]]}}, "has another effect"),
        ({"holds": 7}, "has another holds"),
        ({"effect_digest": "e5d1"}, "is tried by another effect_digest"),
        ({"experiment": "7c1f2a9be04e"}, "is tried by another experiment"),
    ],
)
def test_two_reports_that_rule_differently_on_a_claim_are_refused(tmp_path, capsys, changed, said):
    one, other = put(tmp_path / "one", claim("A-fit-x")), put(tmp_path / "other", claim("A-fit-x", **changed))
    line = refused(capsys, one, other, "--into", tmp_path / "all")
    assert line == f"hw1bench: claim A-fit-x {said} in {other} than in {one}: leave one of them out\n"
    assert not (tmp_path / "all").exists()


@pytest.mark.parametrize("changes", [{"tier": "full"}, {"seed_offset": 100}])
def test_reports_of_different_tiers_or_seeds_are_refused(tmp_path, capsys, changes):
    one, other = put(tmp_path / "one", exact("A-count-x")), tmp_path / "other"
    put(other, exact("A-count-y", **{key: value for key, value in changes.items() if key == "tier"}), **changes)
    line = refused(capsys, one, other, "--into", tmp_path / "all")
    assert f"{one} is of the " in line
    assert line.endswith("merge reports of one tier from one first seed\n")


def test_a_folder_that_holds_something_is_not_merged_into(tmp_path, capsys):
    one = put(tmp_path / "one", claim("A-fit-x"))
    assert "is not an empty folder: remove it, or merge into another" in refused(capsys, one, "--into", one)


def test_a_folder_without_a_report_is_refused(tmp_path, capsys):
    assert "cannot be read" in refused(capsys, tmp_path / "none", "--into", tmp_path / "all")


@pytest.mark.parametrize("text", ["{", "[]", '{"benchmarks": 1}'])
def test_timings_that_are_none_are_refused(tmp_path, capsys, text):
    one = put(tmp_path / "one", claim("A-fit-x"))
    (one / "benchmark.json").write_text(text)
    assert f"{one / 'benchmark.json'} is not what pytest-benchmark writes" in refused(
        capsys, one, "--into", tmp_path / "all"
    )


def test_an_entry_that_two_reports_have_is_there_once(tmp_path):
    slow = claim("A-fit-x", seconds=99.0, reused=True, judged=LATER)
    whole = merged(tmp_path, document(claim("A-fit-x")), document(slow, claim("A-fit-y"), started=LATER))
    assert [one["id"] for one in whole["claims"]] == ["A-fit-x", "A-fit-y"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_verdict_stands_before_a_claim_that_was_not_run(tmp_path, turned):
    documents = [document(claim("A-fit-x")), document(unjudged("A-fit-x", "not run"))]
    (found,) = merged(tmp_path, *(documents[::-1] if turned else documents))["claims"]
    assert found["verdict"] == "supported"


def test_two_verdicts_with_one_that_was_not_run_between_them_are_compared(tmp_path):
    documents = [unjudged("A-fit-x", "not run"), claim("A-fit-x"), claim("A-fit-x", verdict="error")]
    with pytest.raises(ValueError, match=r"has another verdict in .*2 than in .*1"):
        merged(tmp_path, *map(document, documents))


def test_parts_are_one_session_in_the_order_of_the_selection(tmp_path):
    names = ["A-fit-x", "A-fit-y", "A-fit-z"]
    first = document(
        claim("A-fit-z", judged=LATER), claim("A-fit-x", judged=LATER), started=LATER, shard=shard(1, names)
    )
    second = document(claim("A-fit-y"), shard=shard(2, names))
    whole = merged(tmp_path, first, second)
    assert [one["id"] for one in whole["claims"]] == names
    assert {one["judged"] for one in whole["claims"]} == {whole["started"]} == {STARTED}
    assert "shard" not in whole


def test_other_reports_keep_when_they_were_judged(tmp_path):
    whole = merged(tmp_path, document(claim("A-fit-x", judged=LATER), started=LATER), document(claim("A-fit-y")))
    assert [one["judged"] for one in whole["claims"]] == [LATER, STARTED]
    assert whole["started"] == LATER


def test_environments_that_differ_are_told(tmp_path):
    first, second = document(claim("A-fit-x")), document(claim("A-fit-y"))
    second["environment"] = {**second["environment"], "isa": "avx512", "threads": 4}
    found = merged(tmp_path, first, second)["environment"]
    assert found == {**first["environment"], "isa": "avx2, avx512", "threads": "2, 4"}


def test_of_two_figures_of_one_path_the_one_with_more_runs_is_kept(tmp_path):
    few = figure("A", "1", "Loss", "figures/A-fit-loss.svg")
    many = {**few, "runs": 16}
    for name, one in (("few", few), ("many", many), ("again", many)):
        folder = put(tmp_path / name, claim("A-fit-x", figure=one["path"]), figures=[one])
        (folder / "figures").mkdir()
        (folder / one["path"]).write_text(f"<svg>{name}</svg>")
    whole = merging.write([tmp_path / name for name in ("few", "many", "again")], tmp_path / "all")
    assert [one["runs"] for one in whole["figures"]] == [16]
    assert (tmp_path / "all" / many["path"]).read_text() == "<svg>many</svg>"


def test_what_a_part_was_compared_with_is_left_out(tmp_path):
    other = {"tier": "quick", "started": STARTED, "seconds": 1.0, "seed_offset": 0, "environment": {}, "claims": []}
    assert "compared" not in merged(tmp_path, document(claim("A-fit-x"), compared=other), document(claim("A-fit-y")))
