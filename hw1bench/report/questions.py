"""The questions of a document: what each report says, how that stands on record, and whether the answer still rests on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hw1bench.report.contract import Claim, Document, Question
from hw1bench.report.standings import ruling
from hw1bench.specs import questions


@dataclass(frozen=True)
class Stand:
    """What ``report`` says on a question, in a few words, and the ``claim`` of the document that tries it."""

    report: str
    says: str
    claim: Claim


@dataclass(frozen=True)
class Pair:
    """Two claims of the document that contradict each other, or answer by two measures, and what ``settles`` it."""

    first: Claim
    second: Claim
    settles: str


@dataclass(frozen=True)
class Asked:
    """A question with what the document has on it: the ``stands`` of the reports, the ``claims`` that bear on it, and the
    ``pairs`` of claims at odds. The ``answer`` is in pieces, each with the claim of the document that it links to, or None."""

    id: str
    text: str
    answer: Sequence[tuple[str, Claim | None]]
    stands: Sequence[Stand]
    claims: Sequence[Claim]
    pairs: Sequence[Pair]
    changed: Sequence[str]
    """One sentence for each ruling that has changed since the answer was written."""


def asked(document: Document) -> list[Asked]:
    """The questions that claims of the document bear on, in its order."""
    claims = {claim["id"]: claim for claim in document["claims"]}
    found = [_asked(question, claims) for question in document.get("questions", ())]
    return [question for question in found if question.claims]


def _asked(question: Question, claims: Mapping[str, Claim]) -> Asked:
    here = [one for one in question["positions"] if one["claim"] in claims]
    both = [one for one in question["contrasts"] if one["first"] in claims and one["second"] in claims]
    return Asked(
        question["id"],
        question["text"],
        [(text, claims.get(claim)) for text, claim in questions.pieces(question["answer"])],
        [Stand(one["report"], one["says"], claims[one["claim"]]) for one in here],
        [claim for claim in claims.values() if claim.get("question") == question["id"]],
        [Pair(claims[one["first"]], claims[one["second"]], one["settles"]) for one in both],
        [
            f"{one['claim']} was {one['ruling']} when this was written, and is {now}."
            for one in question["rests_on"]
            if one["claim"] in claims and (now := ruling(claims[one["claim"]])) != one["ruling"]
        ],
    )
