"""What a session adds to the report that lies in its report directory already."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TypeVar

from hw1bench.report.contract import Claim, Document, Figure, Report, Topic
from hw1bench.report.outline import outline, reports, stem

Told = TypeVar("Told", Report, Topic)


@dataclass(frozen=True)
class Known:
    """The claims that a session collected, selected or not: id -> the key of its experiment, None for an exact count; and the
    topics of which it collected ``whole`` files, so that a claim of theirs that is not ``claims`` is gone."""

    claims: Mapping[str, str | None] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Earlier:
    """What still stands of an earlier document: its ``claims`` and ``figures``, and what it says of ``reports`` and ``topics``;
    ``left`` are the ids of claims that do not."""

    claims: Sequence[Claim] = ()
    figures: Sequence[Figure] = ()
    left: Sequence[str] = ()
    reports: Sequence[Report] = ()
    topics: Sequence[Topic] = ()


def earlier(document: Document, tier: str, seed_offset: int, known: Known) -> Earlier | None:
    """What still stands of ``document``; None if a session of ``tier`` from ``seed_offset`` cannot add to it.

    A claim that is gone by what is ``known``, or has another experiment now, is left behind, and the figures of its experiment
    with it.
    """
    if (document["tier"], document["seed_offset"]) != (tier, seed_offset):
        return None
    claims: list[Claim] = []
    left: list[Claim] = []
    for claim in document["claims"]:
        name = claim["id"]
        there = name in known.claims
        stands = known.claims[name] == claim["experiment"] if there else claim["topic"] not in known.whole
        (claims if stands else left).append(claim)
    gone = {stem(claim["figure"]) for claim in left if claim["figure"]}
    figures = [figure for figure in document["figures"] if stem(figure["path"]) not in gone]
    told = (document.get("reports", ()), document.get("topics", ()))
    return Earlier(claims, figures, [claim["id"] for claim in left], *told)


def added(before: Earlier, document: Document) -> Document:
    """``document`` of a session, with what stands from ``before``.

    A claim that the session judged replaces what stood there of it; one that it could not run does not. Of reports and topics
    it says what the session knows, else what was said before, and only of those that it shows.
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
    whole["reports"] = _told(document.get("reports", ()), before.reports, shown)
    whole["topics"] = _told(document.get("topics", ()), before.topics, {section.topic for section in sections})
    return whole


def _told(now: Sequence[Told], before: Sequence[Told], shown: Set[str]) -> list[Told]:
    """What is said of those ``shown``: ``now``, in its order, then what was said ``before`` of others."""
    told = {one["id"]: one for one in now}
    for one in before:
        told.setdefault(one["id"], one)
    return [one for name, one in told.items() if name in shown]
