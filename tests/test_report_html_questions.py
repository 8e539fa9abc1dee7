"""The first screen of the page: the questions, what each report says, how it stands, and where reports disagree."""

import pytest

from hw1bench.report import standings, words
from sample_document import asking, claim, document, everything, exact, on_record, pilot, unjudged

FIRST = "A-fit-sinc-shallow-first"


def test_the_questions_come_first_with_positions_marks_and_answers(page):
    found = asking(document(*everything()))
    found["claims"][0]["record"] = on_record("supported", 16, 13)
    shown = page(found)
    assert [head["text"] for head in shown.find("h1")] == ["Which of these sentences are true?"]
    (row,) = shown.find("th", scope="row", inside="questions")
    assert " ".join(row["text"].split()) == "Is deeper faster? In 13 of 16 or all."
    first = found["claims"][0]["id"]
    (position, number) = sorted(
        shown.find("a", inside="questions", href=f"#claim-{first}"), key=lambda link: -len(link["text"])
    )
    assert " ".join(position["text"].split()) == "yes supported 13/16"
    assert number["text"] == "13 of 16"
    (mark,) = [span for span in shown.find("span", inside="questions") if "mark" in span["attributes"]["class"].split()]
    assert mark["attributes"]["class"].split() == ["mark", "ruled", "supported"]
    assert len(shown.find("td", inside="questions")) == len(shown.find("th", scope="col", inside="questions")) - 1
    assert not shown.find("p", class_="changed")


def test_who_the_reports_are_stands_above_their_columns(page):
    shown = page(asking(document(*everything())))
    heads = [" ".join(head["text"].split()) for head in shown.find("th", scope="col", inside="questions")]
    known = {report["id"]: report for report in document()["reports"]}
    assert heads[0] == "question, and what settles it"
    for head in heads[1:]:
        name, _, about = head.partition(" ")
        report = known.get(name)
        said = [report["title"], report["source"]] if report else []
        assert about == "; ".join(filter(None, said))


def test_an_answer_whose_ruling_has_changed_says_so(page):
    found = asking(document(*everything()))
    found["claims"][0]["record"] = on_record("refuted", 16, 2, "absent")
    (said,) = page(found).find("p", class_="changed")
    assert (
        said["text"].split()
        == (
            f"This answer needs rewriting: {found['claims'][0]['id']} was supported 13/16 when this was written, and is "
            "refuted 2/16."
        ).split()
    )


def test_claims_at_odds_stand_side_by_side(page):
    found = asking(document(*everything()))
    (pair,) = page(found).find("article", class_="pair")
    text = " ".join(pair["text"].split())
    for one in found["claims"][:2]:
        assert " ".join(one["says"].split()) in text
        assert standings.known(one)[1] in text
    assert text.endswith("One is.")


def test_without_questions_the_page_has_no_such_part(page):
    shown = page(document(*everything()))
    assert [head["text"] for head in shown.find("h1")] == ["Deep-learning folklore, replicated"]
    assert not shown.find("section", id="questions")
    assert not shown.find("section", id="disagreements")


def test_a_link_leads_past_the_questions(page):
    shown = page(asking(document(*everything())))
    (skip,) = shown.find("a", class_="skip")
    assert shown.find("section", id=skip["attributes"]["href"][1:], inside="main")


SIGNS = {"supported": "\u2713", "refuted": "\u2717", "inconclusive": "?", "no evidence": "\u2013"}
MIDDLE_DOT = "\u00b7"


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (claim(record=on_record("inconclusive", 16, 9)), ("inconclusive", "inconclusive 9/16")),
        (claim(record=on_record("no evidence", 8, 0)), ("no evidence", "no evidence")),
        (claim(record=on_record("refuted", 16, 3, "absent")), ("refuted", "refuted 3/16")),
        (claim(record=on_record("supported", 0, 0)), ("supported", "supported")),
        (claim(), ("supported", "supported 8/8 here")),
        (exact(), ("supported", "supported here")),
        (claim(fragile=["within 0.2"]), ("supported", "supported 8/8 here, fragile")),
        (claim(fragile=["by 1"], record=on_record("supported", 16, 13)), ("supported", "supported 13/16, fragile")),
        (claim(fragile=["by 1"], record=on_record("refuted", 16, 3)), ("refuted", "refuted 3/16")),
        (pilot(fragile=["by 1"], record=on_record("supported")), ("supported", "supported 8/8")),
        (pilot(), ("pilot: seen", "pilot: seen")),
        (unjudged("B-task-order", "not run", note="full tier only: too large"), ("full tier only", "not on record")),
        (unjudged("B-task-order", "error"), ("error", "error")),
    ],
    ids=str,
)
def test_what_is_known_of_a_claim(one, said):
    if one["record"] is not None and not one["record"]["seeds"]:
        one["record"]["seeds"] = None
    assert standings.known(one) == said
    assert standings.mark(one) == f"{SIGNS.get(said[0], MIDDLE_DOT)} {said[1]}"


def test_the_line_above_the_questions_says_what_was_judged_how():
    one = pilot("T-one", record=on_record("supported"), agreement="agrees")
    two = pilot("T-two", record=on_record("refuted", 8, 0, "absent"), agreement="differs")
    whole = document(claim("T-three"), one, two, unjudged("T-four", "not run", note="full tier only: too large"))
    assert words.judged(whole) == (
        "1 claim was judged as reported; 2 by reduced protocols, as pilots, of which 2 decide what the record decides too, and "
        "1 agree with it; 1 need the full tier."
    )
    assert words.judged(document(unjudged("T-five", "error"))) == ""


def test_the_line_above_says_up_to_when_the_record_goes():
    one, two = (
        claim("T-one", record=on_record("supported")),
        claim("T-two", record=on_record("refuted", 8, 0, "absent")),
    )
    one["record"]["date"], two["record"]["date"] = "2026-11-20", "2026-11-09"
    said = "A mark is the full tier's ruling on record, up to 2026-11-20; without one, what was found here."
    assert standings.as_of(document(one, two, claim("T-three"))) == said
    assert standings.as_of(document(claim("T-three"))) == "Nothing is on record: marks are what was found here."
