"""The words of pilots, of the record beside them, and of what a verdict or pilot hangs on."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench.court.vocabulary import PILOTS, RULED
from hw1bench.report import groups, standings, words
from sample_document import (
    COPY,
    DIGITS,
    HELD,
    claim,
    document,
    everything,
    evidence,
    exact,
    on_record,
    pilot,
    readings,
    unjudged,
)

MIXED = [0.3, -0.2] * 8
SILENT = "No evidence: lr 0.1, net 3 did not learn."


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            pilot(),
            "Seen on digits, 8 of 8 seeds (pilot; 97.5 % interval of the share 0.58 to 1.00); median effect 0.84 ln ratio "
            "[0.20, 2.50].",
        ),
        (
            pilot(dataset=DIGITS | {"name": "5,000 images of MNIST, 28x28"}),
            "Seen on 5,000 images of MNIST, 8 of 8 seeds (pilot; 97.5 % interval of the share 0.58 to 1.00); median effect 0.84 "
            "ln ratio [0.20, 2.50].",
        ),
        (
            pilot(values=[-1.0] * 8),
            "Not seen on digits, 0 of 8 seeds (pilot; 97.5 % interval of the share 0.00 to 0.42); median effect -1.00 ln "
            "ratio [-1.00, -1.00].",
        ),
        (
            pilot(values=MIXED),
            "Mixed on digits, 8 of 16 seeds (pilot; 95.8 % interval of the share 0.24 to 0.76), which leaves both sides of 1/2 "
            "open; median effect 0.050 ln ratio [-0.20, 0.30].",
        ),
        (
            pilot(verdict="no evidence", note=f"{SILENT} Near chance."),
            "No evidence: lr 0.1, net 3 did not learn (pilot on digits, 8 seeds; the effect is above 0 in 8 of them; median "
            "effect 0.84 ln ratio [0.20, 2.50]).",
        ),
        (
            claim(**evidence([0.0] * 8), note="No evidence: its effect is a tie in every seed."),
            "No evidence: its effect is a tie in every seed (8 seeds; the effect is above 0 in 0 of them; median effect 0 ln "
            "ratio [0, 0]).",
        ),
        (
            claim(**evidence([0.0] * 8)),
            "No evidence (8 seeds; the effect is above 0 in 0 of them; median effect 0 ln ratio [0, 0]).",
        ),
        (
            unjudged("A-task-x", "not run", fidelity="reduced", note="full tier only: the arms are others"),
            "Not run, full tier only: the arms are others.",
        ),
    ],
)
def test_a_pilot_and_a_lack_of_evidence_have_sentences_of_their_own(found, text):
    assert words.sentence(found) == text


def test_no_pilot_is_supported_refuted_or_inconclusive_in_any_words():
    for found in (pilot(), pilot(values=[-1.0] * 8), pilot(values=MIXED), pilot(verdict="no evidence", note=SILENT)):
        said = [
            words.verdict(found),
            words.sentence(found),
            groups.group(found),
            standings.record(found),
            words.standing(found),
        ]
        assert not re.search("supported|refuted|inconclusive|reversed|absent|stand-in", " ".join(said))
        assert words.verdict(found).startswith("pilot: ")


def test_what_a_note_says_beyond_the_reason_stands_apart():
    assert words.note(pilot(verdict="no evidence", note=f"{SILENT} Near  chance: a.\nThey say little.")) == (
        "Near chance: a. They say little."
    )
    assert words.note(pilot(verdict="no evidence", note=SILENT)) == ""
    assert words.note(pilot(verdict="no evidence", note="ends early")) == "ends early"
    assert words.note(pilot(note="budget 1/10")) == "budget 1/10"
    assert words.note(exact()) == ""  # its note is its sentence


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (claim(), "Not on record in the full tier."),
        (pilot(), "Not on record in the full tier."),
        (claim(tier="full", record=on_record("supported")), ""),
        (
            exact(record={**dict.fromkeys(on_record("supported")), "verdict": "supported", "date": "2026-11-20"}),
            "On record: supported, 2026-11-20.",
        ),
        (
            claim(record=on_record("supported")),
            "On record: supported, 8 of 8 seeds, median 0.42 ln ratio [0.20, +infinity], 2026-11-20, CPU.",
        ),
        (
            claim(
                record={**on_record("refuted", how="absent", holds=1), "interval": None, "date": None, "device": "H100"}
            ),
            "On record: refuted, absent, 1 of 8 seeds, median 0.42 ln ratio, H100. The verdict here contradicts it.",
        ),
        (
            claim(record={**on_record("inconclusive", 32, 16), "median": "undefined", "interval": [None, 1.0]}),
            "On record: inconclusive, 16 of 32 seeds, median undefined ln ratio [unknown, 1.00], 2026-11-20, CPU.",
        ),
        (
            unjudged("A-task-x", "not run", record={**on_record("supported"), "interval": None}),
            "On record: supported, 8 of 8 seeds, median 0.42, 2026-11-20, CPU.",
        ),
    ],
)
def test_the_record_is_told_with_its_numbers(found, text):
    assert standings.record(found) == text


@pytest.mark.parametrize(
    ("values", "recorded", "said"),
    [
        (HELD, "supported", "The pilot agrees."),
        (HELD, "refuted", "The pilot differs."),
        (HELD, "inconclusive", "The record does not decide."),
        (MIXED, "supported", "The pilot does not decide."),
        ([0.0] * 8, "supported", "The pilot does not decide."),
    ],
)
def test_a_pilot_says_whether_it_agrees_with_the_record(values, recorded, said):
    found = pilot(values=values, record=on_record(recorded))
    assert standings.record(found).endswith(f"CPU. {said}")
    column = {"The pilot agrees.": ", agrees", "The pilot differs.": ", differs"}
    assert standings.on_record(found) == f"{recorded} 8/8{column.get(said, '')}"


@pytest.mark.parametrize(
    ("agree", "of", "told"), [(3, 5, True), (8, 9, True), (0, 1, True), (9, 10, False), (10, 10, False), (89, 99, True)]
)
def test_pilots_whose_kind_agrees_in_fewer_than_nine_of_ten_say_so(agree, of, told):
    kind = {"kind": "task, highest", "agree": agree, "of": of}
    said = f"Pilots of this kind (task, highest) agree with the record in {agree} of {of}."
    assert (said in standings.record(pilot(calibration=kind))) == told
    assert (said in standings.record(pilot(calibration=kind, record=on_record("supported")))) == told


def test_readings_are_told_by_number_and_a_fragile_claim_names_what_it_hangs_on():
    found = claim(**readings("within 0.2", {"0.1": "supported", "0.4": "refuted"}))
    found["readings"] += readings("by 1e-3", {"3e-3": "inconclusive"})["readings"]
    found["fragile"] += ["by 1e-3"]
    assert words.readings(found) == [
        "within 0.2 (supported with 0.1, refuted with 0.4)",
        "by 1e-3 (inconclusive with 3e-3)",
    ]
    assert words.fragile(found) == "fragile: hangs on within 0.2 and on by 1e-3"
    assert (words.readings(claim()), words.fragile(claim()), words.close(claim())) == ([], "", "")
    assert words.close(claim(close=True)) == "one seed from its bound"


@pytest.mark.parametrize(
    ("chance", "text"),
    [
        (None, ""),
        (1 / 120, "Without a trend, the claim would hold by chance in about 1 of 120 seeds."),
        (1 / 5040, "Without a trend, the claim would hold by chance in about 1 of 5,040 seeds."),
        (0.5, "Without a trend, the claim would hold by chance in about 1 of 2 seeds."),
        (0.625, "Without a trend, the claim would hold by chance in 62.5 % of seeds."),
        (0.0, "Without a trend, the claim would hold by chance in no seed."),
    ],
)
def test_how_often_an_order_comes_about_by_chance(chance, text):
    assert words.chance(claim(chance=chance)) == text


def test_a_known_truth_says_what_would_have_to_be_different():
    assert words.trivial(claim()) == ""
    found = claim(trivial="training would have to diverge")
    assert words.trivial(found) == "A known truth. For it to fail: training would have to diverge."


def test_verdicts_pilots_and_the_rest_are_counted_apart():
    found = groups.tally(everything())
    assert found["no evidence"] == found["pilot: no evidence"] == 1
    assert (found["full tier only"], found["not run"]) == (1, 1)
    assert groups.counted({"failed": 2, "pilot: mixed": 1, "error": 3}) == "2 failed; 1 mixed (pilots); 3 error"
    assert groups.counted({"pilot: seen": 1, "pilot: not seen": 2}) == "1 seen, 2 not seen (pilots)"
    assert groups.counted({}) == ""


@given(st.dictionaries(st.sampled_from(groups.GROUPS), st.integers(1, 10**6)))
def test_a_tally_in_words_counts_every_group_once(tally):
    said = groups.counted({group: tally[group] for group in groups.GROUPS if group in tally})
    assert sorted(map(int, re.findall(r"\d+", said))) == sorted(tally.values())
    assert ("(pilots)" in said) == any(groups.kind(group) == "pilot" for group in tally)


def test_every_group_has_a_kind_and_the_short_word_of_its_kind():
    kinds = {group: groups.kind(group) for group in groups.GROUPS}
    assert [groups.short(group) for group, kind in kinds.items() if kind == "ruled"] == list(RULED)
    assert [groups.short(group) for group, kind in kinds.items() if kind == "pilot"] == list(PILOTS)
    assert [group for group, kind in kinds.items() if kind == "unjudged"] == [
        "failed",
        "error",
        "full tier only",
        "not run",
    ]
    assert len(set(kinds)) == 12


def test_a_pilot_is_compared_with_the_pilot_on_record():
    assert words.standing(pilot()) == "no pilot on record"
    assert words.standing(pilot(ruling="seen")) == "same as the pilot on record (seen)"
    assert words.standing(pilot(ruling="not seen")) == "contradicts the pilot on record (not seen)"
    assert words.standing(pilot(ruling="mixed")) == "stronger than the pilot on record (mixed)"
    silent = unjudged("E-task-x", "not run", fidelity="reduced", ruling="seen")
    assert words.standing(silent) == "pilot on record: seen"


def test_pilots_have_one_remark_for_all_and_none_on_stand_ins():
    (said,) = words.data_remarks(document(pilot("E-task-a"), pilot("E-task-b")))
    assert said.startswith("Pilots come from reduced protocols")
    assert words.judged_on(pilot()) == "Tried on digits, 28x28."
    assert words.unlike_the_real(pilot()) == ""
    copy = pilot(dataset=COPY)
    assert (words.unlike_the_real(copy), len(words.data_remarks(document(copy)))) == ("non-canonical", 2)
    assert words.data_remarks(document(claim(dataset=DIGITS)))[0].startswith("Verdicts on stand-in data")


def test_what_a_reader_of_one_line_must_know():
    assert words.in_short(claim()) == []
    doubtful = claim(fragile=["within 0.2"], trivial="It would have to.", origin="ours", dataset=COPY)
    assert words.in_short(doubtful) == ["fragile", "known truth", "ours", "non-canonical data"]
    assert words.in_short(claim(dataset=DIGITS)) == ["stand-in data"]
    assert words.in_short(pilot()) == []
