"""Calibration: how often pilots, which reduced protocols give, show what the full tier's rulings on record say.

A pilot and a ruling are compared if both decide, and if both were reached with the claim's present protocols and effect. Pilots
are sorted by kind, the topic of the claim and the constructor of its effect, because what a reduced protocol can show depends
on what is trained and on what is compared.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hw1bench.court.claim import Claim
from hw1bench.court.docket import Book, Case
from hw1bench.court.rulings import Ruling
from hw1bench.court.vocabulary import agreement
from hw1bench.effects import Effect

OWN = "own effect"
"""The kind of every effect that no constructor of this package made."""


@dataclass(frozen=True)
class Pair:
    """A claim that its pilot and the full tier's ruling both decide, and whether the pilot ``agrees``."""

    case: Case
    pilot: Ruling
    record: Ruling
    agrees: bool


@dataclass(frozen=True)
class Calibration:
    """How many pilots of a ``kind`` agree with the record, out of those that can be compared (``of``, at least 1)."""

    kind: str
    agree: int
    of: int


def constructor(claim: Claim) -> str:
    """The name of the constructor that made the claim's effect; ``OWN`` for an effect made by hand."""
    statement = claim.effect.statement if isinstance(claim.effect, Effect) else None
    return str(statement["is"]) if statement else OWN


def kind(case: Case) -> str:
    """The kind of the claim's pilots, such as "size, falls"."""
    return f"{case.topic}, {constructor(case.claim)}"


def pairs(cases: Iterable[Case], book: Book) -> list[Pair]:
    """The claims of ``cases`` that both a pilot and the full tier's ruling in ``book`` decide."""
    found = []
    for case in cases:
        pilot, record = case.ruled(book, "quick"), case.ruled(book, "full")
        if pilot is not None and record is not None:
            stands = agreement(pilot.verdict, record.verdict)  # type: ignore[arg-type]  # the full tier gives no pilots
            if stands is not None:
                found.append(Pair(case, pilot, record, stands == "agrees"))
    return found


def calibrations(found: Iterable[Pair], kind_of: Callable[[Case], str] = kind) -> dict[str, Calibration]:
    """The calibration of each kind that has a pair, by ``kind_of`` its claim, in the order of ``found``."""
    kinds: dict[str, list[bool]] = {}
    for pair in found:
        kinds.setdefault(kind_of(pair.case), []).append(pair.agrees)
    return {name: Calibration(name, sum(agrees), len(agrees)) for name, agrees in kinds.items()}
