"""Packs, which bring to a session what is known of the reports, topics and questions of a collection of claims. Nothing else in
the framework knows of any report."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hw1bench.specs.questions import Question
from hw1bench.specs.report import Report, Topic
from hw1bench.support.checks import instance, settle, tuple_of


@dataclass(frozen=True, kw_only=True)
class Pack:
    """The reports of a collection of claims, their topics in the order in which a page shows them, and the questions that the
    reports share.

    Raises ValueError for two different reports, topics or questions with one id.
    """

    reports: tuple[Report, ...] = ()
    topics: tuple[Topic, ...] = ()
    questions: tuple[Question, ...] = ()

    def __post_init__(self) -> None:
        kinds = {"reports": Report, "topics": Topic, "questions": Question}
        settle(self, **{name: tuple_of(instance(kind)) for name, kind in kinds.items()})
        for name in kinds:
            object.__setattr__(self, name, _each_once(name.removesuffix("s"), getattr(self, name)))


def merged(packs: Iterable[Pack]) -> Pack:
    """One pack of all that ``packs`` bring, in their order and without duplicates.

    Raises ValueError for two different reports, topics or questions with one id.
    """
    every = list(packs)
    return Pack(
        reports=tuple(report for pack in every for report in pack.reports),
        topics=tuple(topic for pack in every for topic in pack.topics),
        questions=tuple(question for pack in every for question in pack.questions),
    )


def _each_once(what: str, given: tuple[Any, ...]) -> tuple[Any, ...]:
    found: dict[str, Any] = {}
    for one in given:
        # Ids that differ only in case would share their markers and, on some disks, their files.
        other = found.setdefault(one.id.casefold(), one)
        if other != one:
            raise ValueError(f"two {what}s have the id {one.id!r}, {other} and {one}: give one of them a different id")
    return tuple(found.values())
