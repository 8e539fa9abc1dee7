"""What changed, against the record or another document: which changes are told, in which order, and on which pages."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw1bench.report import compare
from hw1bench.report.changes import against_other, found
from hw1bench.report.markdown import LIMIT, render
from sample_document import HELD, claim, document, evidence, exact, on_record, pilot, unjudged

FALLS = evidence([-1.0] * 8)
MIXED = evidence([0.3, -0.2] * 8)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp; `|[x](y)\x1b[2J\u202e"


def since(old, new):
    """The document ``new`` with ``old`` to compare it with."""
    return {**new, "compared": compare.facts(old)}


def blocks(whole):
    """Title -> (name, old, new) of each change since the other document."""
    changes = against_other(whole)
    assert changes is not None
    return {block.title: [(row.name, row.old, row.new) for row in block.rows] for block in changes.blocks}


# What is told.


def test_verdicts_and_pilots_come_first_and_contradictions_before_weaker_and_stronger_ones():
    old = document(
        claim("A-fit-stronger", **MIXED),
        claim("A-fit-weaker"),
        claim("A-fit-gone"),
        claim("A-fit-contrary"),
        pilot("E-task-contrary"),
        claim("A-fit-same", seconds=1.0),
    )
    new = document(
        claim("A-fit-stronger"),
        claim("A-fit-weaker", **MIXED),
        unjudged("A-fit-gone", "not run", outcome="skipped"),
        claim("A-fit-contrary", **FALLS),
        pilot("E-task-contrary", [-1.0] * 8),
        claim("A-fit-same", seconds=9.0),
    )
    told = blocks(since(old, new))
    assert list(told.items())[:4] == [
        (
            "Contradicts what was found before",
            [
                ("A-fit-contrary", "supported 8/8", "refuted, reversed 0/8"),
                ("E-task-contrary", "pilot: seen 8/8", "pilot: not seen 0/8"),
            ],
        ),
        ("Weaker than before", [("A-fit-weaker", "supported 8/8", "inconclusive 8/16")]),
        ("No verdict or pilot now", [("A-fit-gone", "supported 8/8", "not run")]),
        ("Stronger than before", [("A-fit-stronger", "inconclusive 8/16", "supported 8/8")]),
    ]
    assert told["Training time"][-1] == ("A-fit-same", "1.0 s", "9.0 s")
    assert "Median effect left its earlier interval or changed its kind" not in told
    names = [change.name for change in compare.compare(old, new).verdicts]
    assert names == ["A-fit-contrary", "A-fit-weaker", "A-fit-gone", "A-fit-stronger"]


@pytest.mark.parametrize(
    ("old", "new", "shift"),
    [
        (pilot("E-task-x"), claim("E-task-x"), "stronger"),
        (claim("E-task-x"), pilot("E-task-x"), "weaker"),
        (claim("E-task-x"), claim("E-task-x", **evidence([0.0] * 8)), "weaker"),
        (unjudged("E-task-x", "not run"), claim("E-task-x", **MIXED), "stronger"),
        (unjudged("E-task-x", "not run"), unjudged("E-task-x", "error"), "gone"),
        (pilot("E-task-x"), unjudged("E-task-x", "error", fidelity="reduced"), "gone"),
    ],
)
def test_a_verdict_is_stronger_than_a_pilot_and_either_than_none(old, new, shift):
    (before,) = compare.facts(document(old))["claims"]
    assert compare.shift(before, new) == shift


@pytest.mark.parametrize(
    ("values", "left"),
    [
        (HELD, False),
        ([2.5] * 8, False),  # on the upper end of [0.2, 2.5]
        ([2.51] * 8, True),
        ([0.2] * 8, False),
        ([0.19] * 8, True),
        ([1.0, 2.0, *[math.inf] * 6], True),
    ],
)
def test_an_effect_is_told_if_its_median_left_the_old_interval_or_changed_its_kind(values, left):
    told = blocks(since(document(claim()), document(claim(**evidence(values)))))
    rows = told.get("Median effect left its earlier interval or changed its kind", [])
    assert [row[0] for row in rows] == ["A-fit-sinc-shallow-first"] * left
    assert [row[1] for row in rows] == ["0.84 ln ratio [0.20, 2.50]"] * left


def test_a_median_that_reads_the_same_has_not_left_an_interval_without_width():
    old, new = (document(claim(**evidence([value] * 8))) for value in (2.5, 2.5004))
    assert blocks(since(old, new)) == {}


def test_the_median_of_another_effect_is_another_number():
    told = blocks(since(document(claim()), document(claim(**evidence([9.0] * 8, unit="epochs")))))
    assert list(told) == ["Tried by another experiment or effect"]


@settings(deadline=None)
@given(st.lists(st.floats(), min_size=16, max_size=16))
def test_no_median_leaves_its_own_interval_whatever_the_values(values):
    same = document(claim(**evidence(values)))
    assert compare.differences(compare.facts(same), same).effects == ()


def test_claims_of_one_document_alone_are_counted_and_are_no_error():
    old = document(claim("A-fit-a"), claim("A-fit-b"), claim("A-fit-c"))
    whole = since(old, document(claim("A-fit-a"), claim("A-fit-d")))
    changes = against_other(whole)
    assert changes.summary == (
        "No verdict or pilot changed: 1 verdict as before. 1 claim was added. "
        "2 claims of that session are not in this report."
    )
    assert blocks(whole) == {
        "Added": [("A-fit-d", "", "")],
        "Not in this report": [("A-fit-b", "", ""), ("A-fit-c", "", "")],
    }


def test_that_nothing_changed_is_said_with_counts():
    (changes,) = found(since(document(exact(), pilot()), document(exact(), pilot())))
    assert changes.title == "Against the session of 2026-01-31 12:00"
    assert (changes.summary, changes.blocks) == ("Nothing changed: 1 verdict and 1 pilot as before.", [])
    assert found(document(exact(), pilot())) == []


def test_without_another_document_the_record_is_compared_with():
    shown = [
        claim("A-fit-same", ruling="supported"),
        claim("A-fit-weaker", **MIXED, ruling="supported"),
        pilot("E-task-stronger", ruling="mixed"),
        claim("A-fit-full", **FALLS, record=on_record("supported", 16, 15)),
        claim("A-fit-contrary", ruling="refuted"),
    ]
    (changes,) = found(document(*shown))
    assert (changes.title, changes.summary) == ("Against the record", "4 results are not as on record.")
    assert [(block.title, [(row.name, row.old, row.new) for row in block.rows]) for block in changes.blocks] == [
        (
            "Contradicts the record",
            [
                ("A-fit-full", "supported 15/16 in the full tier", "refuted, reversed 0/8"),
                ("A-fit-contrary", "refuted", "supported 8/8"),
            ],
        ),
        ("Weaker than on record", [("A-fit-weaker", "supported", "inconclusive 8/16")]),
        ("Stronger than on record", [("E-task-stronger", "pilot: mixed", "pilot: seen 8/8")]),
    ]
    assert [one.title for one in found(since(document(*shown), document(*shown)))][1:] == ["Against the record"]


# The page.


def test_the_page_shows_old_and_new_with_links_between_failures_and_claims(page):
    shown = page(since(document(claim(), exact()), document(claim(**FALLS, outcome="failed"), exact(), seconds=1.0)))
    text = shown.text("changes")
    assert text.startswith(
        "What changed Against the session of 2026-01-31 12:00 1 verdict changed, 1 did not. Contradicts what was found before: 1 "
        "The third net gets there before the 7-layer net. A-fit-sinc-shallow-first supported 8/8 → refuted, reversed 0/8"
    )
    (link,) = shown.find("a", inside="changes")
    (target,) = [one for one in shown.elements if f"#{one['attributes'].get('id')}" == link["attributes"]["href"]]
    assert "A-fit-sinc-shallow-first" in target["text"]
    uses = [use["attributes"]["href"] for use in shown.find("use", inside="changes")]
    assert uses == ["#v-supported", "#v-refuted"]
    order = [element["text"].split(":")[0] for element in shown.find("h2")]
    assert order.index("Tests that failed") < order.index("What changed") < order.index("All claims")


def test_the_page_has_no_section_if_nothing_changed_and_nothing_was_asked(page):
    assert not page(document(claim(), exact())).find("section", id="changes")
    text = page(since(document(exact()), document(exact()))).text("changes")
    assert text == "What changed Against the session of 2026-01-31 12:00 Nothing changed: 1 verdict as before."


def test_what_changes_no_claim_is_folded_away(page):
    old, new = document(claim(seconds=1.0), exact()), document(claim(seconds=9.0), exact("A-count-new"))
    new["environment"] = {**new["environment"], "isa": None}
    shown = page(since(old, new))
    folded = [one["text"] for one in shown.find("summary", inside="changes")]
    assert folded == ["Added: 1", "Not in this report: 1", "Training time: 1", "Environment and settings: 1"]
    assert "isa avx2 → –" in shown.text("changes")
    assert not [one for one in shown.find("details", inside="changes") if "open" in one["attributes"]]


def test_the_record_stands_on_the_page_without_another_document(page):
    text = page().text("changes")
    assert text.startswith("What changed Against the record 1 result is not as on record. Weaker than on record: 1")


# Texts of the other document.


def hostile():
    """A document whose every text would act on a page if it could."""
    old = document(claim("A-fit-x"), {**claim(), "id": HOSTILE}, environment={HOSTILE: HOSTILE, "torch": HOSTILE})
    for one in old["claims"]:
        one["experiment"] = HOSTILE
        one["effect"] = {**one["effect"], "name": HOSTILE, "unit": HOSTILE}
    return old


def test_hostile_texts_of_the_other_document_stay_texts(page):
    new = document(claim("A-fit-x", **evidence([9.0] * 8)))
    moved = hostile()
    moved["claims"][0]["experiment"] = new["claims"][0]["experiment"]
    moved["claims"][0]["effect"]["name"] = new["claims"][0]["effect"]["name"] = HOSTILE
    new["claims"][0]["effect"]["unit"] = HOSTILE
    for old in (hostile(), moved):
        whole = since(old, new)
        shown = page(whole)
        assert len(shown.find("script")) == 1  # the page's own
        assert not shown.find("img", inside="changes")
        assert not [name for element in shown.elements for name in element["attributes"] if name.startswith("on")]
        assert shown.text("changes").count("<script>alert(1)</script>") >= 3
        text = render(whole)
        assert not set("\x1b\u202e") & set(text + shown.text("changes"))
        assert not re.search(r"(?<![\\`])<script", text.replace("`<script", ""))
        assert "[x](y)" not in re.sub("`[^`]*`", "", text)
    assert "\x1b" not in compare.against(HOSTILE, whole)


# claims.md.


def test_claims_md_tells_changes_before_the_counts_and_links_claims():
    old = document(claim(), exact(), claim("A-fit-other", seconds=1.0))
    text = render(since(old, document(claim(**FALLS), exact(), claim("A-fit-other", seconds=9.0))))
    head = text.partition("3 claims: ")[0]
    assert head == (
        "# Claims and verdicts\n\n"
        "**Against the session of 2026-01-31 12:00:** 1 verdict changed, 2 did not.\n\n"
        "- Contradicts what was found before: 1\n"
        "  - [`A-fit-sinc-shallow-first`](claims-details.md#claim-1): supported 8/8 → refuted, reversed 0/8. "
        "*The third net gets there before the 7-layer net.*\n"
        "- Training time: 1\n"
        "  - [`A-fit-other`](claims-details.md#claim-3): 1.0 s → 9.0 s\n\n"
    )
    assert "Against the session" not in render(document(claim()))
    assert "Nothing changed: 1 verdict as before." in render(since(document(exact()), document(exact())))


def test_few_of_many_times_are_listed_in_claims_md():
    names = [f"A-fit-{number}" for number in range(40)]
    old, new = (document(*(claim(name, seconds=seconds) for name in names)) for seconds in (1.0, 9.0))
    text = render(since(old, new))
    assert "- Training time: 40\n" in text
    assert "  - and 35 more\n" in text
    assert text.count(" → ") == 5
    added = render(since(document(claim("A-fit-0")), new))
    assert "and 19 more)" in added


@pytest.mark.parametrize("changed", [FALLS, evidence([9.0] * 8)], ids=["verdicts", "effects"])
def test_two_thousand_changes_fit_into_claims_md(changed):
    odd = "`|*_<b>[x](y)&$~\U0001f600" * 40
    old, new = claim(says=odd), claim(says=odd, **changed)
    names = [f"A-fit-{number} {odd}" for number in range(2_000)]
    whole = since(
        document(*({**old, "id": name} for name in names)),
        document(*({**new, "id": name} for name in names), environment={f"{odd}{n}": odd for n in range(100)}),
    )
    text = render(whole)
    assert len(text) <= LIMIT
    assert re.search(r"\n\n[0-9,]+ lines more, in \[index\.html\]\(index\.html\)\.\n", text)
    assert len(text.split("\n\n2,000 claims: ")[0]) < 7_000
    assert re.search(r"lines more, in `index.html` of the report", render(whole, linked=False))
