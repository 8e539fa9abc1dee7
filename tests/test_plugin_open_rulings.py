"""Rulings and verdicts that leave a claim open: how they are continued, and what they do not replace."""

import pytest

from hw1bench.court import rulings
from test_plugin_rulings import entries, said

MOSTLY = "1 1 1 1 1 1 -1 -1 1 1 1 1 1 1 1 1"  # 6 of the first 8 seeds, 14 of 16


@pytest.fixture
def by_seed(pytester, project, monkeypatch):
    """A claim whose effects are told session by session: ``by_seed(MOSTLY, "--record-rulings")``. Gives the session's result, the
    claim's entry and the ruling on record."""
    effect = """Effect("by seed", "", lambda runs: float(os.environ["EFFECTS"].split()[runs["net"].seed % 16]))"""
    folder = project("[replace(claim('A-fit-x', 'supported'), effect=BY_SEED)]")
    path = folder / "test_fit.py"
    path.write_text(f"import os\n{path.read_text()}".replace("\nCLAIMS = ", f"\nBY_SEED = {effect}\nCLAIMS = "))

    def session(effects, *options):
        monkeypatch.setenv("EFFECTS", effects)
        result = pytester.runpytest("claims", *options)
        found = rulings.load(folder / rulings.FILE).get(("A-fit-x", "quick"))
        return result, entries(pytester)[0], found and (found.verdict, found.holds, found.seeds)

    return session


def test_a_ruling_that_was_inconclusive_is_continued_by_its_later_looks_alone(by_seed):
    """On another machine the runs are others, and the looks that left it open would be one more chance to be wrong."""

    def judged(effects, *options):
        _, entry, _ = by_seed(effects * 8, "-m", "gpu", "--device", "cpu", *options)
        return entry["verdict"], entry["seeds"]

    assert judged("1 -1 ", "--record-rulings", "--max-seeds", "8") == ("inconclusive", 8)
    assert judged("1 1 ") == ("supported", 8)
    assert judged("1 1 ", "--record-rulings") == ("supported", 16)
    assert judged("1 1 ", "--record-rulings") == ("supported", 8)  # a new judgement: nothing was left open


KEPT = (
    "A-fit-x: inconclusive 6/8 does not replace the ruling on more seeds, {}: leave out --max-seeds to record it anew"
)


@pytest.mark.parametrize(
    ("effects", "ruled"),
    [
        (MOSTLY, ("supported", 14, 16)),
        (" ".join(("1 1 1 1 1 1 -1 -1 " * 2).split()), ("inconclusive", 12, 16)),
    ],
    ids=["decided", "undecided"],
)
def test_an_open_verdict_on_fewer_seeds_replaces_no_ruling(by_seed, effects, ruled):
    assert by_seed(effects, "--record-rulings")[2] == ruled
    result, entry, found = by_seed(effects, "--record-rulings", "--max-seeds", "8")
    assert found == ruled
    assert KEPT.format(f"{ruled[0]} {ruled[1]}/16") in said(result)
    assert (entry["verdict"], entry["seeds"], entry["ruling"], entry["outcome"]) == (
        *("inconclusive", 8, ruled[0], "skipped"),
    )
    result, _, found = by_seed("1 1 1 1 1 1 -1 -1 " * 2, "--record-rulings")  # all looks: a judgement of equal weight
    assert found == ("inconclusive", 12, 16)
    assert "does not replace" not in said(result)


def test_an_open_verdict_replaces_a_ruling_that_does_not_count_any_more(by_seed, pytester):
    by_seed(MOSTLY, "--record-rulings")
    path = pytester.path / "claims" / "test_fit.py"
    path.write_text(path.read_text().replace("by seed", "by another effect"))
    result, _, found = by_seed(MOSTLY, "--record-rulings", "--max-seeds", "8")
    assert found == ("inconclusive", 6, 8)
    assert "does not replace" not in said(result)


def test_strict_rulings_measure_by_the_record_as_it_was_before_the_session(by_seed):
    both = ("--record-rulings", "--strict-rulings")
    result, _, found = by_seed(MOSTLY, *both)  # it had none, and has one now
    assert (result.ret, found) == (0, ("supported", 14, 16))
    result, entry, found = by_seed("1 1 1 1 1 1 -1 -1 " * 2, *both)
    assert (result.ret, found) == (1, ("inconclusive", 12, 16))
    assert entry["remark"] == "weaker than the ruling (supported) in the ruling's own environment"
    by_seed(MOSTLY, "--record-rulings")
    result, entry, found = by_seed("-1 " * 16, *both)
    assert (result.ret, found) == (1, ("refuted", 0, 8))
    assert entry["remark"] == "contradicts the ruling (supported)"


def test_strict_rulings_do_not_fail_a_claim_that_max_seeds_leaves_open(by_seed):
    by_seed(MOSTLY, "--record-rulings")
    few = ("--max-seeds", "8", "--strict-rulings")
    result, entry, _ = by_seed(MOSTLY, *few)
    result.assert_outcomes(skipped=1, deselected=1)
    assert (result.ret, entry["remark"]) == (0, "weaker than the ruling (supported), on 8 seeds instead of its 16")
    assert by_seed("1 " * 16, *few)[0].ret == 0
    assert by_seed("-1 " * 16, *few)[0].ret == 1  # contradicts it
    by_seed("1 " * 16, "--record-rulings")
    result, entry, _ = by_seed(MOSTLY, *few)  # ruled on as many
    assert (result.ret, entry["remark"]) == (1, "weaker than the ruling (supported) in the ruling's own environment")
