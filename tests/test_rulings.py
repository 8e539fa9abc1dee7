import json

import pytest

from hw1bench.rulings import Outcome, Ruling, load, outcome, save, strictly

HERE = {"isa": "AVX2", "threads": 2}


def ruling(claim="A-fit-x", verdict="supported", experiment="key", environment=HERE, tier="quick"):
    return Ruling(claim, "fit", tier, verdict, None, 8, 8, experiment, environment)


TABLE = {  # verdict -> outcome without ruling, with the same, with inconclusive, with the opposite
    "supported": ["passed", "passed", "passed: stronger", "failed: contradicts"],
    "refuted": ["failed: refuted, no ruling yet", "xfailed", "xfailed: stronger", "failed: contradicts"],
    "inconclusive": ["skipped", "skipped", "skipped", "skipped: weaker"],
    "error": ["failed: error"] * 4,
    "not run": ["skipped: not run"] * 4,
}
OPPOSITE = {"supported": "refuted", "refuted": "supported"}


@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize("word", TABLE)
def test_the_table_of_outcomes(word, column):
    same = word if word in ("supported", "refuted", "inconclusive") else "supported"
    old = [None, same, "inconclusive", OPPOSITE.get(word, "refuted")][column]
    kind, _, remark = TABLE[word][column].partition(": ")
    found = outcome(word, old)
    assert found.kind == kind
    assert found.remark.startswith(remark)
    assert bool(found.remark) == bool(remark)


def test_strict_fails_a_missing_ruling():
    assert strictly(Outcome("passed"), ruling(), None) == Outcome("failed", "supported, no ruling on record")


def test_strict_fails_a_weaker_verdict_only_where_it_must_repeat():
    weak, plain = ruling(verdict="inconclusive"), Outcome("skipped", "weaker")
    assert strictly(plain, weak, ruling()).kind == "failed"
    assert strictly(plain, weak, ruling(environment={"isa": "AVX512", "threads": 2})) == plain
    assert strictly(plain, weak, ruling(experiment="other")) == plain
    assert strictly(plain, weak, ruling(verdict="inconclusive")) == plain
    assert strictly(Outcome("passed"), ruling(), ruling(verdict="inconclusive")) == Outcome("passed")


def test_rulings_come_back_sorted_one_a_line(tmp_path):
    path = tmp_path / "rulings.json"
    rulings = [ruling("B-fit-x"), ruling("A-fit-x", tier="full"), ruling("A-fit-x")]
    save(path, rulings)
    assert load(path) == {(one.claim, one.tier): one for one in rulings}
    lines = path.read_text().splitlines()
    assert len(lines) == 5
    assert [json.loads(line.rstrip(","))["claim"] for line in lines[1:-1]] == ["A-fit-x", "A-fit-x", "B-fit-x"]
    assert load(tmp_path / "none.json") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is malformed"),
        ("[]", "is malformed"),
        ('{"schema": 2, "rulings": []}', "schema 2 is not 1"),
        ('{"schema": 1}', "no 'rulings'"),
        ('{"schema": 1, "rulings": [{"claim": "A-x"}]}', "is malformed"),
    ],
)
def test_a_malformed_file_is_named_in_one_line(tmp_path, text, said):
    path = tmp_path / "rulings.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=said) as caught:
        load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("twice", [True, False])
def test_wrong_words_and_double_entries_are_refused(tmp_path, twice):
    path = tmp_path / "rulings.json"
    save(path, [ruling(), ruling()] if twice else [ruling(verdict="perhaps")])
    with pytest.raises(ValueError, match="two rulings" if twice else "verdict 'perhaps'"):
        load(path)
