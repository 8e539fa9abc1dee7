"""What stands on a claim's card."""

import math
import shlex

import pytest

from hw1bench.report import card
from hw1bench.report.contract import measured
from hw1bench.support.number import not_finite
from sample_document import DIGITS, claim, document, evidence, exact, on_record, pilot, unjudged

TOLD = "a loss of 0.1: in the median seed, CNN-1 needs 2.3 times as many epochs as CNN-0"
FIT = "claims/test_fit.py::test_fit[quick-A-fit-x]"
BOTH = ["quick", "full"]


def telling(found, told=TOLD):
    found["effect"]["told"] = told
    return found


def test_what_was_found_here_is_told_in_units_of_what_was_measured():
    (found,) = card.findings(telling(claim()))
    assert (found.heading, found.when) == ("Here, quick tier", "2026-01-31 on CPU")
    assert (found.word, found.rests_on) == ("supported", "true in 8 of 8 seeds")
    assert found.told == "A loss of 0.1: in the median seed, CNN-1 needs 2.3 times as many epochs as CNN-0."
    assert card.findings(claim())[0].told == "Median effect: 0.84 ln ratio."  # nobody has put it into words


def test_beside_it_stands_what_is_on_record():
    record = {**on_record("refuted", 8, 0, "absent"), "told": "in the median seed, never"}
    here, there = card.findings(telling(pilot(record=record)))
    assert (here.group, here.word, here.rests_on) == ("pilot: seen", "seen (pilot)", "true in 8 of 8 seeds")
    assert (there.heading, there.when) == ("On record, full tier", "2026-11-20 on CPU")
    assert (there.group, there.word, there.rests_on) == ("refuted", "refuted, absent", "true in 0 of 8 seeds")
    assert there.told == "In the median seed, never."
    waiting = unjudged("B-task-x", "not run", record={**on_record("refuted"), "date": None, "device": None})
    assert [(found.heading, found.when, found.told) for found in card.findings(waiting)] == [
        ("On record, full tier", "", "")
    ]


def recorded(shown, **changed):
    """``shown``, with what was found here on record in the full tier."""
    same = {name: shown[name] for name in ("verdict", "how", "holds", "seeds")}
    median = measured(shown["effect"])["median"]
    by_name = {"median": median if math.isfinite(median) else not_finite(median)}
    return {
        **shown,
        "record": {**on_record("supported"), **same, **by_name, "told": "in the median seed, so", **changed},
    }


def test_what_is_the_same_here_and_on_record_stands_once():
    (found,) = card.findings(recorded(telling(claim())))
    assert (found.heading, found.when) == ("Here and on record", "2026-01-31 on CPU; on record 2026-11-20 on CPU")
    assert (found.word, found.rests_on) == ("supported", "true in 8 of 8 seeds")
    assert found.told.startswith("A loss of 0.1: in the median seed, CNN-1")
    (undated,) = card.findings(recorded(claim(), date=None, device=None))
    assert undated.when == "2026-01-31 on CPU"
    nan = telling(claim(**evidence([math.nan] * 8)))
    assert len(card.findings(recorded(nan))) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"verdict": "inconclusive"},
        {"verdict": "refuted", "how": "absent"},
        {"holds": 7},
        {"seeds": 16},
        {"median": 0.5},
        {"median": "undefined"},
        {"median": None},
    ],
)
def test_what_differs_on_record_stands_beside_it(changed):
    headings = [found.heading for found in card.findings(recorded(claim(), **changed))]
    assert headings == ["Here, quick tier", "On record, full tier"]


def test_a_pilot_is_never_the_record():
    silent = recorded(pilot(verdict="no evidence", note="No evidence: net 3 did not learn."))
    assert [found.heading for found in card.findings(silent)] == ["Here, quick tier", "On record, full tier"]


def test_why_there_is_no_evidence_comes_before_what_the_nets_did():
    silent = telling(recorded(claim(verdict="no evidence", note="No evidence: net 3 did not learn. Near chance.")))
    (found,) = card.findings(silent)
    assert (found.word, found.rests_on) == ("no evidence", "net 3 did not learn")
    assert found.told.startswith("A loss of 0.1")
    here, there = card.findings({**silent, "note": "", "record": {**silent["record"], "holds": 1}})
    for without_reason in (here, there):
        assert (without_reason.word, without_reason.rests_on, without_reason.told) == ("no evidence", "", "")


def test_in_the_full_tier_and_of_a_count_there_is_one_result():
    assert [found.heading for found in card.findings(claim(tier="full", record=on_record("supported")))] == [
        "Here, full tier"
    ]
    counted = {**on_record("supported"), **dict.fromkeys(("holds", "seeds", "median", "interval"))}
    assert card.findings(exact(record=counted)) == []
    assert card.findings(unjudged("C-random-x", "error")) == []


@pytest.mark.parametrize(
    ("changed", "commands"),
    [
        ({"test": None}, []),
        ({}, []),
        ({"test": FIT}, [f'pytest "{FIT}"']),
        (
            {"test": FIT, "tiers": BOTH},
            [
                f'pytest "{FIT}"',
                'pytest -m gpu "claims/test_fit.py::test_fit[full-A-fit-x]"',
                'pytest -m gpu --device cpu "claims/test_fit.py::test_fit[full-A-fit-x]"',
            ],
        ),
        (
            {"test": "t.py::TestX::test_x[full-quick-full-x]", "tier": "full", "tiers": BOTH},
            [
                'pytest "t.py::TestX::test_x[quick-quick-full-x]"',
                'pytest -m gpu "t.py::TestX::test_x[full-quick-full-x]"',
                'pytest -m gpu --device cpu "t.py::TestX::test_x[full-quick-full-x]"',
            ],
        ),
        ({"test": "t.py::test_x[other]", "tiers": BOTH}, ['pytest "t.py::test_x[other]"']),
        ({"test": "t.py::test_x[quick-$(rm x)]"}, ["pytest 't.py::test_x[quick-$(rm x)]'"]),
        ({"test": "t.py::test_x[quick-a\nb]"}, []),
    ],
)
def test_commands_are_of_the_test_in_the_tiers_that_can_judge_it(changed, commands):
    found = card.commands(claim(**changed))
    assert [command.text for command in found] == commands
    for command in found:
        assert shlex.split(command.text)[-1] == changed["test"].replace(
            *("[quick-", "[full-") if command.where.startswith("full") else ("[full-", "[quick-"), 1
        )
    assert [command.where for command in found] in ([], ["quick tier"], WHERE)


WHERE = ["quick tier", "full tier, on a GPU", "full tier, on a CPU"]


def test_a_count_is_the_same_in_any_tier():
    (command,) = card.commands(exact(test="claims/test_counts.py::test_count[quick-A-count-path]", tiers=BOTH))
    assert (command.where, command.text) == (
        "any tier",
        'pytest "claims/test_counts.py::test_count[quick-A-count-path]"',
    )


@pytest.mark.parametrize(
    ("test", "source"), [(FIT, "claims/test_fit.py::test_fit"), ("a.py::b", "a.py::b"), (None, "")]
)
def test_the_source_is_the_function_of_the_test(test, source):
    assert card.source(claim(test=test)) == source


def test_the_card_has_findings_commands_and_the_rest_folded(page):
    shown = telling(
        pilot(
            test=FIT,
            tiers=BOTH,
            changes=["widths divided by 4"],
            record={**on_record("supported"), "told": "in the median seed, it is so"},
            dataset=DIGITS,
        )
    )
    found = page(document(shown, figures=[]))
    sections = [" ".join(one["text"].split()) for one in found.find("section", inside="claim-E-task-deep-lower")]
    assert sections == [
        "Here, quick tier 2026-01-31 on CPU Seen (pilot): true in 8 of 8 seeds A loss of 0.1: in the median seed, CNN-1 needs "
        "2.3 times as many epochs as CNN-0.",
        "On record, full tier 2026-11-20 on CPU Supported: true in 8 of 8 seeds In the median seed, it is so.",
    ]
    codes = [one["text"] for one in found.find("code", inside="claim-E-task-deep-lower")]
    assert codes == [*(command.text for command in card.commands(shown)), "claims/test_fit.py::test_fit"]
    buttons = found.find("button", type="button", class_="copy")
    assert len(buttons) == 3
    assert all("hidden" in button["attributes"] for button in buttons)  # until the script can copy
    (more,) = found.find("details", class_="more")
    assert "open" not in more["attributes"]
    for folded in ("Effect: log epochs", "Under 2 assumptions", "97.5 % interval", "test passed", "data: digits"):
        assert folded in " ".join(more["text"].split())
    assert "widths divided by 4" not in more["text"]
    (listed,) = [one for one in found.find("ul") if one["text"].split() == ["full", "batch", "300", "points"]]
    assert listed


def test_why_there_is_no_evidence_is_not_folded(page):
    silent = telling(pilot(verdict="no evidence", note="No evidence: net 3 did not learn. Near chance."))
    found = page(document(silent, figures=[]))
    (section,) = found.find("section", inside="claim-E-task-deep-lower")
    text = " ".join(section["text"].split())
    assert "No evidence (pilot): net 3 did not learn A loss of 0.1: in the median seed" in text
    assert "true in" not in text
    assert [one["text"] for one in found.find("p", class_="remark")] == ["Near chance."]


def test_the_strip_says_on_which_side_a_claim_is_true(page):
    found = page(document(claim()))
    labels = [one["text"] for one in found.find("text", inside="claim-A-fit-sinc-shallow-first")]
    assert labels == ["-2.50", "0", "2.50", "\u2190 false", "ln ratio", "true \u2192"]


def test_hostile_texts_on_a_card_stay_text(page):
    odd = "<script>alert(1)</script>'\"&"
    shown = telling(claim(test=f"t.py::t[quick-{odd}]", record={**on_record("refuted"), "told": odd}), odd)
    found = page(document(shown))
    assert len(found.find("script")) == 1  # the page's own
    text = found.text("claim-A-fit-sinc-shallow-first")
    assert text.count("<script>alert(1)</script>") == 3
