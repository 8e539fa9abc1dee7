import json
import math
import os
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench.court.rulings import (
    ELSEWHERE,
    RECORD,
    RECORD_ANEW,
    Outcome,
    beside,
    gone,
    load,
    number,
    outcome,
    save,
    strictly,
)
from hw1bench.court.vocabulary import PILOTS
from sample_ruling import ruling

TABLE = {  # verdict -> outcome without ruling, with the same, with inconclusive, with the opposite
    "supported": ["passed", "passed", "passed: stronger", "failed: contradicts"],
    "refuted": ["failed: refuted, no ruling yet", "xfailed", "xfailed: stronger", "failed: contradicts"],
    "inconclusive": ["skipped", "skipped", "skipped", "skipped: weaker"],
    "seen": ["passed", "passed", "passed: stronger", "failed: contradicts"],
    "not seen": ["failed: not seen, no ruling yet", "xfailed", "xfailed: stronger", "failed: contradicts"],
    "mixed": ["skipped", "skipped", "skipped", "skipped: weaker"],
    "no evidence": ["skipped", "skipped", "skipped: weaker", "skipped: weaker"],
    "error": ["failed: error"] * 4,
    "not run": ["skipped: not run"] * 4,
}
OPPOSITE = {"supported": "refuted", "refuted": "supported", "seen": "not seen", "not seen": "seen"}


@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize("word", TABLE)
def test_the_table_of_outcomes(word, column):
    same = word if word not in ("error", "not run") else "supported"
    undecided = "mixed" if word in PILOTS else "inconclusive"
    old = [None, same, undecided, OPPOSITE.get(word, "refuted")][column]
    kind, _, remark = TABLE[word][column].partition(": ")
    found = outcome(word, old)
    assert found.kind == kind
    assert found.remark.startswith(remark)
    assert bool(found.remark) == bool(remark)
    assert found.advice == (RECORD if remark.endswith("no ruling yet") else "")


def test_strict_fails_a_missing_ruling():
    found = strictly(Outcome("passed"), ruling(), None)
    assert found == Outcome("failed", "supported, no ruling on record", RECORD)


def test_strict_fails_a_weaker_verdict_only_in_the_same_environment():
    weak, plain = ruling(verdict="inconclusive"), Outcome("skipped", "weaker")
    assert strictly(plain, weak, ruling()).kind == "failed"
    assert strictly(plain, weak, ruling(environment={"isa": "AVX512", "threads": 2})) == plain
    assert strictly(plain, weak, ruling(verdict="inconclusive")) == plain
    assert strictly(Outcome("passed"), ruling(), ruling(verdict="inconclusive")) == Outcome("passed")


def test_no_evidence_is_weaker_than_an_undecided_verdict():
    assert outcome("inconclusive", "no evidence") == Outcome("skipped", "stronger than the ruling (no evidence)")
    assert outcome("seen", "no evidence") == Outcome("passed", "stronger than the ruling (no evidence)")
    assert outcome("no evidence", "no evidence") == Outcome("skipped")


@pytest.mark.parametrize("other", [{"experiment": "other"}, {"effect": "other"}, {"fidelity": "reduced"}])
def test_a_ruling_on_another_subject_does_not_count_and_is_mentioned(other):
    old = ruling(verdict="refuted", **other)
    words = ("supported", "refuted", "inconclusive", "no evidence", "error", "not run")
    assert {word: beside(word, old, ruling().subject) for word in words} == {
        "supported": (Outcome("passed", ELSEWHERE), None),
        "refuted": (Outcome("failed", f"refuted, {ELSEWHERE}", RECORD_ANEW), None),
        "inconclusive": (Outcome("skipped", ELSEWHERE), None),
        "no evidence": (Outcome("skipped", ELSEWHERE), None),
        "error": (Outcome("failed", "error"), None),
        "not run": (Outcome("skipped", "not run"), None),
    }
    found = strictly(Outcome("passed"), ruling(), old)
    assert found == Outcome("failed", f"supported, {ELSEWHERE}", RECORD_ANEW)
    assert beside("refuted", ruling(verdict="refuted"), ruling().subject) == (Outcome("xfailed"), "refuted")
    assert beside("supported", None, ruling().subject) == (Outcome("passed"), None)


def test_rulings_come_back_sorted_one_per_line(tmp_path):
    path = tmp_path / "rulings.json"
    exact = {"holds": None, "seeds": None, "median": None, "interval": None, "experiment": None, "environment": None}
    rulings = [ruling("B-fit-x", **exact), ruling("A-fit-x", tier="full", date=None), ruling("A-fit-x", how="absent")]
    save(path, rulings)
    assert load(path) == {one.place: one for one in rulings}
    found = json.loads(path.read_text())
    assert [one["claim"] for one in found["rulings"]] == ["A-fit-x", "A-fit-x", "B-fit-x"]
    assert sum(line.startswith("  {") for line in path.read_text().splitlines()) == 3
    assert load(tmp_path / "none.json") == {}


def stated(**changed):
    """A ruling as the file states it: its list says whether it was tried as reported."""
    return {name: value for name, value in asdict(ruling(**changed)).items() if name != "fidelity"}


def write(path, entry, name="rulings"):
    path.write_text(json.dumps({"schema": 3, "rulings": [], "pilots": [], name: [entry]}))


def test_pilots_are_kept_apart(tmp_path):
    path = tmp_path / "rulings.json"
    pilot = ruling("B-fit-x", fidelity="reduced", verdict="seen")
    rulings = [pilot, ruling("A-fit-x"), ruling("C-fit-x", fidelity="reduced", verdict="no evidence")]
    save(path, rulings)
    found = json.loads(path.read_text())
    assert {name: [one["claim"] for one in found[name]] for name in ("rulings", "pilots")} == {
        "rulings": ["A-fit-x"],
        "pilots": ["B-fit-x", "C-fit-x"],
    }
    assert load(path) == {one.place: one for one in rulings}


@pytest.mark.parametrize(("name", "verdict"), [("rulings", "seen"), ("pilots", "supported")])
def test_a_pilot_among_rulings_and_a_ruling_among_pilots_are_refused(tmp_path, name, verdict):
    path = tmp_path / "rulings.json"
    write(path, stated(verdict=verdict), name)
    refused(path, f"the ruling on 'A-fit-x' has verdict '{verdict}' in a list of ")


@given(st.lists(st.floats() | st.none(), min_size=3, max_size=3))
def test_numbers_come_back_whatever_they_are(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("book") / "rulings.json"
    median, low, high = map(number, values)
    save(path, [ruling(median=median, interval=(low, high))])
    (found,) = load(path).values()
    assert (found.median, found.interval) == (median, (low, high))


def test_numbers_that_are_not_finite_are_recorded_by_name():
    assert [number(value) for value in (math.nan, math.inf, -math.inf, 0.0, None)] == [
        *("undefined", "+infinity", "-infinity", 0.0, None)
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is malformed"),
        ("", "is malformed"),
        ("[]", "it has no list of rulings"),
        ("3", "it has no list of rulings"),
        ('{"schema": 2, "rulings": []}', "its schema is 2, not 3"),
        ('{"schema": {"2": 2}, "rulings": []}', "its schema is {'2': 2}, not 3"),
        ('{"rulings": []}', "its schema is None, not 3"),
        ('{"schema": 3}', "it has no list of rulings"),
        ('{"schema": 3, "rulings": {}}', "it has no list of rulings"),
        ('{"schema": 3, "rulings": []}', "it has no list of pilots"),
        ('{"schema": 3, "rulings": [3], "pilots": []}', "3 is not a ruling"),
        ('{"schema": 3, "rulings": [{"claim": "A-x"}], "pilots": []}', "the ruling on 'A-x' has no 'topic'"),
        ("[" * 100_000, "is malformed"),
        ("\x00", "is malformed"),
        ('{"schema": 3, "rulings": [], "rulings": [], "pilots": []}', "the key 'rulings' occurs twice"),
        ('{"schema": 3, "rulings": [NaN], "pilots": []}', "it holds NaN"),
        ('{"schema": 3, "rulings": ["\\ud800"], "pilots": []}', "half of a surrogate pair"),
    ],
)
def test_a_malformed_file_is_named_in_one_line(tmp_path, text, said):
    path = tmp_path / "rulings.json"
    path.write_text(text)
    refused(path, said)


def refused(path, said):
    with pytest.raises(ValueError, match="is malformed") as caught:
        load(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 500


def test_a_file_larger_than_any_session_writes_is_refused_unread(tmp_path):
    path = tmp_path / "rulings.json"
    with path.open("wb") as file:
        file.truncate(2**40)  # sparse
    refused(path, "it is larger than 64 MiB")


@pytest.mark.parametrize("kind", ["folder", "pipe", "bytes"])
def test_a_rulings_file_that_is_not_a_text_file_is_named_in_one_line(tmp_path, kind):
    path = tmp_path / "rulings.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"\xff\xfe")
    refused(path, "byte 0 is not UTF-8" if kind == "bytes" else "it is not a regular file")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(name, value) for name in ("claim", "topic", "tier", "effect") for value in (None, 3, "", ["a"])],
        *[("verdict", value) for value in ("perhaps", "error", None, ["supported"], 3)],
        *[("how", value) for value in ("sideways", 3, True, {})],
        *[(name, value) for name in ("holds", "seeds") for value in (-1, 2.5, "8", True)],
        ("holds", 9),
        ("holds", None),
        ("seeds", 10_001),
        *[("median", value) for value in ("3", True, [])],
        *[("interval", value) for value in (3, [1], [1, 2, 3], [1, "2"], {"low": 1}, [True, 1], "12")],
        *[("experiment", value) for value in (3, "", [])],
        *[("environment", value) for value in ("here", [], 3)],
        *[("seconds", value) for value in (-1, "4", True, 5e-324, 1e308)],
        *[("date", value) for value in ("yesterday", "2026-02-30", "20260131", 20260131, "2026-01-31T00:00:00")],
        ("more", 3),
    ],
)
def test_every_field_of_a_ruling_is_checked(tmp_path, field, value):
    path = tmp_path / "rulings.json"
    write(path, {**stated(), field: value})
    refused(path, field if field not in ("holds", "seeds") else "holds in" if value in (9, None) else field)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("threads", value) for value in ("two", [2], 0, -1, 2.5, True, {})],
        *[("device", value) for value in (3, "", ["cpu"])],
        *[("isa", value) for value in (["avx2"], {"avx": 2})],
    ],
)
def test_what_an_environment_names_is_checked(tmp_path, name, value):
    path = tmp_path / "rulings.json"
    write(path, {**stated(), "environment": {"torch": "2.13", name: value}})
    refused(path, f"the ruling on 'A-fit-x' has {name!r} {value!r} in its environment, not a")


def test_an_environment_may_name_anything_plain(tmp_path):
    for named in (
        {},
        {"threads": None, "device": None},
        {"odd": 2.5, "more": True, "none": None, "text": "", "whole": 3},
    ):
        save(tmp_path / "rulings.json", [ruling(environment=named)])
        assert [one.environment for one in load(tmp_path / "rulings.json").values()] == [named]


@pytest.mark.parametrize("refuses", ["file", "folder"])
def test_a_file_that_may_not_be_read_is_not_called_malformed(tmp_path, monkeypatch, refuses):
    path = tmp_path / "rulings.json"
    save(path, [ruling()])

    def refuse(self, *arguments, **more):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("hw1bench.support.json_file.open_regular", refuse)
    if refuses == "folder":  # one that may not be entered
        monkeypatch.setattr("pathlib.Path.exists", refuse)
    with pytest.raises(ValueError, match="cannot be read") as caught:
        load(path)
    assert str(caught.value) == f"rulings file {path} cannot be read (Permission denied): make it readable"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["median", "seconds"])
def test_a_number_that_is_not_finite_is_no_json(tmp_path, field, value):
    path = tmp_path / "rulings.json"
    write(path, {**stated(), field: value})
    refused(path, f"it holds {json.dumps(value)}, which is not JSON")
    path.write_text(path.read_text().replace(json.dumps(value), "1e999"))
    refused(path, f"has {field} inf")


def test_a_long_name_of_several_lines_is_shortened(tmp_path):
    path = tmp_path / "rulings.json"
    write(path, {**stated(claim="x" * 10_000 + "\n" + "x"), "verdict": "perhaps"})
    refused(path, "has verdict 'perhaps', not one of supported, refuted, inconclusive")


def test_a_field_that_is_left_out_is_named(tmp_path):
    path = tmp_path / "rulings.json"
    for name in stated():
        write(path, {key: value for key, value in stated().items() if key != name})
        refused(path, f"has no {name!r}")


def test_double_entries_are_refused(tmp_path):
    path = tmp_path / "rulings.json"
    save(path, [ruling(), replace(ruling(), topic="grad")])
    refused(path, "'A-fit-x' has two rulings for the quick tier")


def test_rulings_on_missing_claims_and_tiers_are_gone():
    rulings = {
        one.place: one
        for one in (
            ruling("here"),
            ruling("here", tier="full"),
            ruling("here", tier="fulll"),
            ruling("moved", topic="removed"),
            ruling("gone"),
            ruling("gone", tier="full"),
            ruling("elsewhere", topic="not collected"),
            ruling("elsewhere", topic="not collected", tier="\x1b[31m"),
        )
    }
    known = {"here": ("quick",), "moved": ("quick", "full")}
    assert list(gone(rulings, known, lambda topic: topic != "not collected")) == [
        ("here", "full"),
        ("here", "fulll"),
        ("gone", "quick"),
        ("gone", "full"),
        ("elsewhere", "\x1b[31m"),
    ]
    assert gone({}, {}, lambda topic: True) == {}
