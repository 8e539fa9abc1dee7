"""Questions: each number of an answer is on record, and an answer whose rulings have changed says so."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

import hw1bench
from hw1bench import Contrast, Pack, Position, Question
from hw1bench.report.findings import faults
from hw1bench.report.questions import asked
from hw1bench.report.standings import counted, known, ruling
from hw1bench.sources.pack import PACK
from hw1bench.specs.pack import merged
from hw1bench.specs.questions import pieces
from sample_document import asking, claim, document, everything

DEPTH = Question(
    "depth",
    text="Is deeper faster?",
    positions=(Position("A", "yes", "A-deep"), Position("B", "no", "B-deep")),
    answer="In [13 of 16](A-deep) seeds, on CIFAR-10.",
    rests_on={"A-deep": "supported 13/16"},
    contrasts=(Contrast("A-deep", "B-deep", "A is right."),),
)


def test_the_numbers_of_the_answers_are_on_record(collected_claims):
    page = "\n\n".join(
        f"## {question.text}\n\n"
        + "".join(f"[{said}](record.md#{claim})" if claim else said for said, claim in pieces(question.answer))
        for question in PACK.questions
    )
    assert faults(page, collected_claims.cases, collected_claims.book) == []


def test_the_answers_rest_on_the_rulings_as_they_are(collected_claims):
    cases, book, *_ = collected_claims
    by_id = {case.claim.id: case for case in cases}
    for question in PACK.questions:
        for name, was in question.rests_on.items():
            found = by_id[name].ruled(book, "full")
            assert was == counted(found.verdict, found.holds, found.seeds), name


def test_each_claim_of_a_question_bears_on_it_and_reports_agree(collected_claims):
    bears = {case.claim.id: (case.claim.report, case.claim.question) for case in collected_claims.cases}
    for question in PACK.questions:
        for position in question.positions:
            assert bears[position.claim] == (position.report, question.id)
        named = set(question.rests_on)
        named |= {claim for one in question.contrasts for claim in (one.first, one.second)}
        assert {bears[claim][1] for claim in named} <= {question.id}
    assert {question for _, question in bears.values()} - {""} == {question.id for question in PACK.questions}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answer": "In 13 seeds."}, "'In 13 seeds.' has a number: link it to the claim that gives it"),
        ({"answer": "In [13](B-deep)."}, "its answer links to 'B-deep': add its ruling to rests_on"),
        ({"rests_on": ["A-deep"]}, "give a mapping from ids of claims to rulings such as 'refuted 0/8'"),
        (
            {"positions": (Position("A", "yes", "A-deep"), Position("A", "no", "A-deep"))},
            "two positions name one claim",
        ),
        ({"positions": ("A",)}, "positions"),
        ({"id": "a/b"}, "leave out '/'"),
        ({"text": ""}, "text"),
    ],
)
def test_what_a_question_cannot_be(changes, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        replace(DEPTH, **changes)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("A-deep", "A-deep", "Both."), "is set against itself: name two claims"),
        (("A-deep", "B-deep", "True of 3 layers."), "has a number: leave it to the two claims"),
        (("A-deep", "B-deep", " "), "say it in words"),
    ],
)
def test_what_a_contrast_cannot_be(given, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Contrast(*given)


def test_an_answer_in_pieces():
    assert list(pieces(DEPTH.answer)) == [("In ", ""), ("13 of 16", "A-deep"), (" seeds, on CIFAR-10.", "")]
    assert list(pieces("")) == []


def test_packs_bring_each_question_once():
    assert merged([Pack(questions=[DEPTH]), Pack(questions=[DEPTH])]).questions == (DEPTH,)
    with pytest.raises(ValueError, match="two questions have the id 'depth'"):
        merged([Pack(questions=[DEPTH]), Pack(questions=[replace(DEPTH, text="Or not?")])])


def test_a_question_has_what_the_document_has_on_it():
    found = asking(document(*everything()))
    first, second = found["claims"][:2]
    [question] = asked(found)
    assert question.claims == [first]
    assert [(stand.report, stand.says, stand.claim) for stand in question.stands] == [("A", "yes", first)]
    assert [(pair.first, pair.second) for pair in question.pairs] == [(first, second)]
    assert question.answer == [("In ", None), ("13 of 16", first), (" or ", None), ("all", None), (".", None)]


@pytest.mark.parametrize(
    ("record", "now"),
    [
        ({"verdict": "supported", "holds": 13, "seeds": 16}, ""),
        ({"verdict": "inconclusive", "holds": 21, "seeds": 32}, "inconclusive 21/32"),
        ({"verdict": "supported", "holds": None, "seeds": None}, "supported"),
        ({"verdict": "no evidence", "holds": 0, "seeds": 8}, "no evidence"),  # 0/8 would read like a refutation
        (None, "not on record"),
    ],
)
def test_a_ruling_that_has_changed_is_flagged(record, now):
    found = asking(document(*everything()))
    claim = found["claims"][0]
    claim["record"] = record
    assert ruling(claim) == (now or "supported 13/16")
    [question] = asked(found)
    said = f"{claim['id']} was supported 13/16 when this was written, and is {now}."
    assert question.changed == ([said] if now else [])


def test_without_evidence_no_mark_has_a_number_of_seeds():
    silent = claim(verdict="no evidence", how=None, holds=0, seeds=8, record=None)
    assert known(silent) == ("no evidence", "no evidence here")
    assert known(claim()) == ("supported", "supported 8/8 here")


def test_the_question_in_the_docs_is_one():
    page = (Path(hw1bench.__file__).parents[1] / "docs" / "claims.md").read_text(encoding="utf-8")
    (source,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.S) if "Question(" in block]
    names = {}
    exec(source, names)
    assert Pack(questions=[names["QUESTION"]]).questions[0].id == "rates"
