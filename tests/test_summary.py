"""Verdicts on a terminal: failure messages, the closing table, and counts."""

import math
import re
from pathlib import Path

import pytest

from hw1bench.court.rulings import ELSEWHERE, Outcome
from hw1bench.report import groups, words
from hw1bench.session import summary
from sample_document import (
    DIGITS,
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

FAILED = Outcome("failed")


def test_a_failure_says_claim_evidence_assumptions_changes_data_and_figure():
    found = claim(dataset=DIGITS, changes=["digits stand in for MNIST", "widths divided by 4"])
    lines = summary.message(found, Outcome("failed", "contradicts the ruling"), Path("reports")).splitlines()
    assert lines[0] == "A-fit-sinc-shallow-first: contradicts the ruling"
    assert [line.split()[0] for line in lines[1:]] == [
        *("claimed", "seen", "effect", "per", "record", "assumed", "changed", "data", "figure")
    ]
    assert lines[7:] == [
        "changed  digits stand in for MNIST; widths divided by 4",
        "data     Judged on digits, 28x28, a stand-in that settles nothing about the real data set.",
        "figure   reports/figures/A-fit-sinc-loss.svg",
    ]


def test_a_failure_says_what_to_do_if_there_is_something():
    outcome = Outcome("failed", "supported, no ruling on record", "record it with --record-rulings")
    first = summary.message(claim(), outcome, Path("reports")).splitlines()[0]
    assert first == "A-fit-sinc-shallow-first: supported, no ruling on record (record it with --record-rulings)"


def test_the_counts_say_what_the_verdicts_rest_on():
    copy = {**DIGITS, "stand_in": False, "canonical": False}
    found = [
        claim(dataset=DIGITS),
        claim(dataset=DIGITS),
        claim(dataset=copy),
        claim(dataset=DIGITS, verdict="not run"),
        exact(),
    ]
    assert summary.counts({"claims": found}).splitlines()[1:] == [
        "Verdicts on stand-in data, which settle nothing about the real data set: 2.",
        "Judged on a non-canonical copy of the real data set: 1.",
    ]
    assert len(summary.counts({"claims": [exact()]}).splitlines()) == 1


def test_undefined_and_infinite_effects_are_told_apart():
    found = claim(**evidence([math.nan, -math.inf, *[math.inf] * 6]))
    assert "per seed undefined -infinity +infinity" in summary.message(found, FAILED, Path("reports"))
    assert "+infinity ln ratio" in summary.table(document(found), 120, colour=False)


def test_a_test_that_failed_without_a_verdict_is_counted_first():
    lost = unjudged("A-fit-x", "not run", outcome="failed", note="AssertionError: x")
    assert summary.counts(document(exact(), lost)).startswith("2 claims: 1 failed, 1 supported")


@pytest.mark.parametrize("colour", [False, True])
def test_no_text_of_a_claim_acts_on_the_terminal(colour):
    odd = "a\x1b[2J\r\n\x9b\u202e\ud800 [red]b[/red] [/] \\"
    found = claim(
        f"A-fit-{odd}", topic=odd, where=odd, says=odd, note=odd, assumptions=[odd], changes=[odd], report=odd
    )
    found["effect"] |= {"name": odd, "unit": odd}
    crashed = unjudged(f"A-fit-x{odd}", "error", topic=odd, note=odd, outcome="failed")
    table = summary.table(document(found, crashed), 400, colour=colour)
    said = [table, summary.one_line(crashed, odd), summary.message(found, Outcome("failed", odd), Path("reports"))]
    for text in said:
        assert not set("\r\x9b\u202e\ud800") & set(text)
        assert "\x1b[2J" not in text
        assert "[red]b[/red]" in text
    assert "\n" not in said[1]
    assert [line.split()[0] for line in said[2].splitlines()][1:] == [
        *("claimed", "seen", "effect", "per", "record", "assumed", "changed", "figure")
    ]
    assert len(table.splitlines()) == 5  # a head, a topic, two claims, and why one of them has no verdict


def test_a_failure_tells_its_effects_in_units_of_what_was_measured():
    found = claim()
    found["effect"]["told"] = "in every seed, 2 apples"
    assert "told     In every seed, 2 apples." in summary.message(found, FAILED, Path("reports")).splitlines()


def test_empty_fields_take_no_line():
    lines = summary.message(exact(), FAILED, Path("reports")).splitlines()
    assert [line.split()[0] for line in lines] == ["A-count-path:", "claimed", "seen", "record"]
    assert summary.message(exact(tier="full"), FAILED, Path("reports")).splitlines() == lines[:-1]


def test_numbers_that_are_not_finite_are_told_apart():
    effect = {
        **claim()["effect"],
        "median": None,
        "values": [None, 0.5, None, None],
        "not_finite": {"median": "+infinity", "0": "undefined", "2": "+infinity", "3": "-infinity"},
    }
    found = claim(effect=effect, remark="")
    assert "per seed undefined 0.5 +infinity -infinity" in summary.message(found, FAILED, Path("reports")).splitlines()
    assert "+infinity ln ratio" in summary.table({"claims": [found]}, 120, colour=False)


def test_the_table_says_that_a_ruling_is_on_something_else():
    found = [claim(remark=remark) for remark in (ELSEWHERE, f"refuted, {ELSEWHERE}", "stronger than the ruling")]
    lines = summary.table({"claims": found}, 120, colour=False).splitlines()
    assert [line.strip() == ELSEWHERE for line in lines[2:]] == [False, True, False, True, False]


def rows(*claims):
    """The table of claims of one topic, without its head and the title of the topic."""
    return summary.table({"claims": claims}, 120, colour=False).splitlines()[2:]


def test_a_pilot_stands_beside_the_record_in_words_of_its_own():
    (row,) = rows(pilot(record=on_record("supported")))
    said = "E-task-deep-lower pilot: seen 8/8 0.84 ln ratio supported 8/8, agrees 12.3 s"
    assert " ".join(row.split()) == said
    (row,) = rows(pilot(values=[-1.0] * 8))
    assert "pilot: not seen" in row
    assert row.split()[-3] == "-"
    assert "on record" not in summary.table({"claims": [claim(tier="full")]}, 120, colour=False)


def test_what_a_result_hangs_on_stands_below_it():
    doubted = claim(close=True, **readings("within 0.2", {"0.4": "refuted"}), ruling="inconclusive")
    assert [line.strip() for line in rows(doubted)][1:] == [
        "stronger than the ruling of the quick tier (inconclusive); fragile: hangs on within 0.2; one seed from its bound"
    ]
    silent = pilot(verdict="no evidence", note="No evidence: net 3 did not learn. Near chance.")
    assert [line.strip() for line in rows(silent)][1:] == ["net 3 did not learn"]
    waiting = unjudged("E-task-x", "not run", note=f"full tier only: {'0.99 belongs to the report ' * 7}")
    below = rows(waiting)[1:]
    assert len(below) == 2
    assert all(line.startswith("      ") and len(line) <= 120 for line in below)
    said = summary.message(doubted, FAILED, Path("reports")).splitlines()
    assert said[5:8] == [
        "record   Not on record in the full tier.",
        "readings within 0.2 (refuted with 0.4)",
        "doubts   fragile: hangs on within 0.2; one seed from its bound",
    ]


def test_no_pilot_has_the_colour_of_a_verdict():
    found = {one["id"]: one for one in everything()}
    lines = summary.table({"claims": list(found.values())}, 120, colour=True).splitlines()
    colours = {
        groups.kind(groups.group(found[name])): re.search(r"\x1b\[([0-9;]+)m[a-z]", line)[1]
        for line in lines
        for name in found
        if f" {name} " in line and words.verdict(found[name]) in ("supported", "pilot: seen", "error")
    }
    assert colours == {"ruled": "32", "pilot": "36", "unjudged": "1;31"}


def test_pilots_are_counted_apart_and_remarked_on_once():
    lines = summary.counts(document()).splitlines()
    assert lines[0] == (
        "15 claims: 4 supported, 2 refuted, 1 inconclusive, 1 no evidence; 1 seen, 1 not seen, 1 mixed, 1 no evidence (pilots); "
        "1 error, 1 full tier only, 1 not run"
    )
    assert [line.split()[0] for line in lines[1:]] == ["Pilots"]


def test_the_account_of_time_has_the_longest_first_and_sums_up_the_rest():
    spent = {f"T-x{n}": float(n) for n in range(1, 14)} | {"T-long": 3_000.0}
    lines = summary.times(spent, {}, 100.0, 4_000.0, colour=False).splitlines()
    assert lines == [
        "Training and measuring         time  share",
        "  T-long                 50 min 0 s   75 %",
        *(f"  T-x{n:<2}                    {n:>4}.0 s    0 %" for n in range(13, 4, -1)),
        "  4 more                     10.0 s    0 %",
        "Figures and report       1 min 40 s    2 %",
        "Everything else         13 min 29 s   20 %",
        "In all                    1 h 6 min  100 %",
    ]


@pytest.mark.parametrize("spent", [{}, {"T-x": 2.0, "T-y": 2.9}], ids=["nothing", "seconds"])
def test_a_few_seconds_need_no_account(spent):
    assert summary.times(spent, {}, 100.0, 4_000.0, colour=False) == ""


def test_what_the_session_did_not_wait_for_has_no_share_of_its_time():
    lines = summary.times({"T-x": 30.0, "T-y": 0.01}, {"T-y": 40.0}, 10.0, 50.0, colour=False).splitlines()
    assert lines[1:] == [
        "  T-y, on the host meanwhile  40.0 s",
        "  T-x                         30.0 s   60 %",
        "Figures and report            10.0 s   20 %",
        "Everything else               10.0 s   20 %",
        "In all                        50.0 s  100 %",
    ]


# The short form of the table.


def questioned(*claims, **changed):
    """A document with one question, which all ``claims`` answer."""
    positions = [{"report": one["report"], "says": "so", "claim": one["id"]} for one in claims[:2]]
    question = {
        "id": "q",
        "text": "Is it so?",
        "positions": positions,
        "answer": "Yes, in [8 of 8](x).",
        "contrasts": [],
    }
    question |= {"rests_on": [], **changed}
    return document(*({**one, "question": "q"} for one in claims), questions=[question])


def brief(found, width=120, encoding="utf-8"):
    return summary.brief(found, width, colour=False, encoding=encoding)


SAID = "  A: so ? inconclusive 5/8; B: so \u2713 supported 8/8 here"
MANY = [claim("A-fit-0", record=on_record("inconclusive", holds=5)), claim("B-fit-1")]
MANY += [claim(f"A-fit-{number}") for number in range(2, 40)]


def test_many_claims_are_summed_up_by_the_questions():
    assert brief(questioned(*MANY)).splitlines() == [
        "Questions, with the verdicts on record",
        "Is it so?",
        SAID,
        "",
        "-v lists all claims",
    ]


def test_what_reports_say_is_folded_and_its_signs_are_written_as_the_terminal_can():
    lines = brief(questioned(*MANY), 40).splitlines()[2:5]
    assert all(line.startswith("  ") and len(line) <= 40 for line in lines[:2])
    assert " ".join(line.strip() for line in lines).strip() == SAID.strip()
    assert "? inconclusive 5/8" in brief(questioned(*MANY), encoding="ascii")
    assert "+ supported" in brief(questioned(*MANY), encoding="ascii")


def test_reasons_that_differ_only_in_the_estimated_time_are_one():
    notes = ["no time left in --budget 3: about 9 s", "no time left in --budget 3: about 40 s", "another"]
    idle = [unjudged(f"A-fit-idle-{number}", "not run", note=note) for number, note in enumerate(notes)]
    found = brief(questioned(*MANY, *idle)).splitlines()
    assert "2 not run: no time left in --budget 3" in found
    assert "1 not run: another" in found


@pytest.mark.parametrize("number", [12, 13])
def test_few_claims_have_their_whole_table(number):
    found = questioned(*MANY[:number])
    whole = summary.table(found, 120, colour=False)
    assert (brief(found) == whole) == (number == 12)


def test_claims_without_questions_have_their_whole_table():
    for found in (document(*MANY), questioned(*MANY, positions=[])):
        assert brief(found) == summary.table(found, 120, colour=False)


def test_what_failed_or_changed_stands_below_the_questions():
    failed = [claim(f"A-fit-failed-{number}", outcome="failed", remark="why") for number in range(9)]
    odd = [claim("A-fit-stronger", ruling="inconclusive"), claim("A-fit-contrary", ruling="refuted")]
    idle = [unjudged(f"A-fit-idle-{number}", "not run", note=f"reason {max(number, 5)}") for number in range(10)]
    waiting = unjudged("A-fit-waiting", "not run", note="full tier only: 0.99 is foreign")
    rests_on = [{"claim": "A-fit-0", "ruling": "supported 8/8"}]
    text = brief(questioned(*MANY, *odd, *failed, *idle, waiting, rests_on=rests_on))
    lines = text.splitlines()[3:]
    assert (
        lines[0]
        == "an answer is out of date: A-fit-0 was supported 8/8 when this was written, and is inconclusive 5/8."
    )
    named = [line.split()[0] for line in lines if line.startswith("  A-fit-")]
    assert named == [*(f"A-fit-failed-{number}" for number in range(9)), "A-fit-contrary"]
    assert lines[-8:-1] == [
        "1 more claim failed or changed",
        "",
        "6 not run: reason 5",
        "1 not run: reason 6",
        "1 not run: reason 7",
        "2 not run for other reasons",
        "",
    ]


def test_no_text_acts_on_the_terminal_in_the_short_form():
    odd = "a\x1b[2J\r\n\x9b\u202e\ud800 [red]b[/red]"
    rests_on = [{"claim": "A-fit-0", "ruling": odd}]
    idle = unjudged("A-fit-idle", "not run", note=odd)
    positions = [{"report": odd, "says": odd, "claim": "A-fit-0"}]
    text = brief(questioned(*MANY, idle, text=odd, answer=odd, rests_on=rests_on, positions=positions), 400)
    assert not set("\r\x9b\x1b\u202e\ud800") & set(text)
