"""Adding a session to the report that is already in its report directory."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TypeVar

from hw1bench.court.rulings import Subject
from hw1bench.report.contract import Claim, Document, Figure, Question, Report, Topic
from hw1bench.report.outline import outline, reports, stem

Described = TypeVar("Described", Report, Topic, Question)


@dataclass(frozen=True)
class Known:
    """The ``claims`` that a session collected, selected or not: id -> what a ruling on it is bound to; and the topics whose
    files it collected ``whole``, so that a claim on them that is not in ``claims`` is gone."""

    claims: Mapping[str, Subject] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Earlier:
    """The ``claims`` and ``figures`` of an earlier document that still stand, and how it describes ``reports``, ``topics`` and
    ``questions``; ``left`` are the ids of the claims that do not stand."""

    claims: Sequence[Claim] = ()
    figures: Sequence[Figure] = ()
    left: Sequence[str] = ()
    reports: Sequence[Report] = ()
    topics: Sequence[Topic] = ()
    questions: Sequence[Question] = ()


def earlier(document: Document, tier: str, seed_offset: int, known: Known) -> Earlier | None:
    """The part of ``document`` that still stands; None if a session of ``tier`` from ``seed_offset`` cannot add to it.

    A claim that is gone, or has another experiment or effect now, by what is ``known``, is left out, together with the figures
    of its experiment. So is one whose entry does not name its effect, because nothing shows that it is the present one.
    """
    if (document["tier"], document["seed_offset"]) != (tier, seed_offset):
        return None
    claims: list[Claim] = []
    left: list[Claim] = []
    for claim in document["claims"]:
        name = claim["id"]
        there = name in known.claims
        subject = (claim["experiment"], claim.get("effect_digest"), claim["fidelity"])
        stands = known.claims[name] == subject if there else claim["topic"] not in known.whole
        (claims if stands else left).append(claim)
    gone = {stem(claim["figure"]) for claim in left if claim["figure"]}
    figures = [figure for figure in document["figures"] if stem(figure["path"]) not in gone]
    described = (document.get("reports", ()), document.get("topics", ()), document.get("questions", ()))
    return Earlier(claims, figures, [claim["id"] for claim in left], *described)


def added(before: Earlier, document: Document) -> Document:
    """``document`` of a session, with what still stands from ``before``.

    A claim that the session judged replaces its earlier entry; a claim that it could not run does not. Reports, topics and
    questions are described as in the session, otherwise as before, and only if they are shown.
    """
    new = {claim["id"]: claim for claim in document["claims"]}
    claims = []
    for claim in before.claims:
        again = new.pop(claim["id"], claim)
        lost = again["verdict"] == "not run" and claim["verdict"] != "not run"
        claims.append(claim if lost else again)
    drawn = {figure["path"] for figure in document["figures"]}
    figures = [*document["figures"], *(figure for figure in before.figures if figure["path"] not in drawn)]
    whole: Document = {**document, "claims": [*claims, *new.values()], "figures": figures}
    sections = outline(whole)
    shown = {report["id"] for report in reports(sections)}
    whole["reports"] = _descriptions(document.get("reports", ()), before.reports, shown)
    whole["topics"] = _descriptions(document.get("topics", ()), before.topics, {section.topic for section in sections})
    asked = {claim["question"] for claim in whole["claims"] if "question" in claim}
    whole["questions"] = _descriptions(document.get("questions", ()), before.questions, asked)
    return whole


def _descriptions(now: Sequence[Described], before: Sequence[Described], shown: Set[str]) -> list[Described]:
    """Descriptions of those ``shown``: from ``now``, in its order, then others from ``before``."""
    found = {one["id"]: one for one in now}
    for one in before:
        found.setdefault(one["id"], one)
    return [one for name, one in found.items() if name in shown]
