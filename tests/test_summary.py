"""Verdicts on a terminal: what a failing test says."""

from pathlib import Path

from hw1bench import summary
from sample_document import DIGITS, claim, exact


def test_a_failure_says_claim_evidence_assumptions_changes_data_and_figure():
    found = claim(dataset=DIGITS, changes=["digits stand in for MNIST", "widths divided by 4"])
    lines = summary.message(found, "contradicts the ruling", Path("reports")).splitlines()
    assert lines[0] == "A-fit-sinc-shallow-first: contradicts the ruling"
    assert [line.split()[0] for line in lines[1:]] == [
        *("claimed", "seen", "effect", "a", "assumed", "changed", "data", "figure")
    ]
    assert lines[6:] == [
        "changed  digits stand in for MNIST; widths divided by 4",
        "data     Judged on digits, 28x28, a stand-in: settles nothing about the real data set.",
        "figure   reports/figures/A-fit-sinc-loss.svg",
    ]


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
        "Verdicts on data that stand in for the real set, and settle nothing about it: 2.",
        "Verdicts on a non-canonical copy of the real set: 1.",
    ]
    assert len(summary.counts({"claims": [exact()]}).splitlines()) == 1


def test_what_there_is_nothing_of_takes_no_line():
    lines = summary.message(exact(), "", Path("reports")).splitlines()
    assert [line.split()[0] for line in lines] == ["A-count-path:", "claimed", "seen"]
