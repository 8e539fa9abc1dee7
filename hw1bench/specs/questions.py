"""Questions that several reports answer: what each says, which claims try that, and the sentence that settles the question."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from types import MappingProxyType
from typing import Any

from hw1bench.specs.report import report_name
from hw1bench.support.checks import file_name, instance, label, reason, settle, shown, text, tuple_of

_NUMBER = re.compile(r"(?<![\w-])\d")
_LINK = re.compile(r"\[([^\[\]]+)\]\(([^()\s]+)\)")


@dataclass(frozen=True)
class Position:
    """What ``report`` says on a question, in a few words, and the id of the ``claim`` that tries it."""

    report: str
    says: str
    claim: str

    def __post_init__(self) -> None:
        settle(self, report=report_name, says=label(), claim=label())


@dataclass(frozen=True)
class Contrast:
    """Two claims, ``first`` and ``second`` by their ids, that contradict each other, or answer by two measures; ``settles`` says
    under which condition each is right, without numbers."""

    first: str
    second: str
    settles: str

    def __post_init__(self) -> None:
        settle(self, first=label(), second=label(), settles=reason())
        if self.first == self.second:
            raise ValueError(f"claim {self.first!r} is set against itself: name two claims")
        if _NUMBER.search(self.settles):
            raise ValueError(f"{shown(self.settles)} has a number: leave it to the two claims, which have theirs")


@dataclass(frozen=True)
class Question:
    """A question, its ``text``, and what settles it.

    ``answer`` is a sentence written by hand. What it takes from a ruling is a link to the claim, "[none of 8](claim-id)"; no
    other number stands in it. ``rests_on`` has the ruling of each such claim as it was when the sentence was written, "refuted
    0/8", so that a page can say that one has changed. Claims name the question that they bear on by its ``id``.

    Raises ValueError for an id that is not safe in files, for an answer with a number outside a link or a link to a claim that
    ``rests_on`` does not name, and for two positions with one claim.
    """

    id: str
    _: KW_ONLY
    text: str
    positions: tuple[Position, ...]
    answer: str = ""
    rests_on: Mapping[str, str] = field(default_factory=dict)
    contrasts: tuple[Contrast, ...] = ()

    def __post_init__(self) -> None:
        settle(
            self,
            id=file_name(without="()"),
            text=label(),
            positions=tuple_of(instance(Position)),
            answer=text(),
            rests_on=_rulings,
            contrasts=tuple_of(instance(Contrast)),
        )
        claims = [position.claim for position in self.positions]
        if len(set(claims)) < len(claims):
            raise ValueError(f"question {self.id!r}: two positions name one claim: give each its own")
        for said, claim in pieces(self.answer):
            if claim and claim not in self.rests_on:
                raise ValueError(f"question {self.id!r}: its answer links to {claim!r}: add its ruling to rests_on")
            if not claim and _NUMBER.search(said):
                raise ValueError(
                    f"question {self.id!r}: {shown(said)} has a number: link it to the claim that gives it"
                )


def pieces(answer: str) -> Iterator[tuple[str, str]]:
    """The parts of an answer in order, each with the id of the claim that it links to, or ''."""
    end = 0
    for link in _LINK.finditer(answer):
        if link.start() > end:
            yield answer[end : link.start()], ""
        yield link.group(1), link.group(2)
        end = link.end()
    if answer[end:]:
        yield answer[end:], ""


def _rulings(value: Any, what: str) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError(
            f"{what} is {shown(value)}: give a mapping from ids of claims to rulings such as 'refuted 0/8'"
        )
    return MappingProxyType({label()(claim, what): label()(ruling, what) for claim, ruling in value.items()})
