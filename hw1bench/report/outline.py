"""The order of a report: topics, what contrasts reports, each report, and its experiments with their figures and claims."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from hw1bench.report.contract import Claim, Document, Figure
from hw1bench.report.words import TOPICS

ACROSS = "across-"
"""How the name of a figure across reports starts; its topic follows: 'figures/across-random-memorising.svg'."""


@dataclass
class Group:
    """Claims of one experiment, and the figures that show it."""

    title: str | None
    figures: list[Figure] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """What one report says on one topic."""

    report: str
    groups: tuple[Group, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        return tuple(figure for group in self.groups for figure in group.figures)

    @property
    def claims(self) -> tuple[Claim, ...]:
        return tuple(claim for group in self.groups for claim in group.claims)


@dataclass(frozen=True)
class Section:
    """One topic: the figures across reports, then what each report says."""

    topic: str
    parts: tuple[Part, ...]
    across: tuple[Figure, ...] = ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        return tuple(claim for part in self.parts for claim in part.claims)


def stem(path: str) -> str:
    """The experiment's name in a figure's path: 'figures/A-fit-sinc-loss.svg' -> 'A-fit-sinc'."""
    name = PurePosixPath(path).stem
    return name.rpartition("-")[0] or name


def outline(document: Document) -> tuple[Section, ...]:
    """Every claim and every figure once, by topic, report and experiment.

    Topics come in their usual order, a reader's own ones after them; claims in the document's order. A figure
    goes to the first experiment that shares its name, or has a claim that points at it; without one, to its
    report's section of the topic that its name says (`fit` where it says none). A figure across reports stands
    before all of these, whichever claims point at it.
    """
    across: dict[str, list[Figure]] = {}
    groups: dict[tuple[str, str, str], Group] = {}
    named: dict[str, Group] = {}
    for claim in document["claims"]:
        group = groups.setdefault((claim["topic"], claim["report"], claim["experiment"] or ""), Group(None))
        group.claims.append(claim)
        own = stem(claim["figure"]) if claim["figure"] and not _topic_across(claim["figure"]) else None
        group.title = group.title or own  # an experiment's key is no title: it is a digest
        for name in filter(None, (own, claim["experiment"])):
            named.setdefault(name, group)
    for figure in document["figures"]:
        if topic := _topic_across(figure["path"]):
            across.setdefault(topic, []).append(figure)
            continue
        name = stem(figure["path"])
        if name not in named:
            place = (_topic(name), figure["report"], f"figures of {name}")
            named[name] = groups.setdefault(place, Group(name))
        named[name].figures.append(figure)
    return tuple(
        Section(
            topic,
            tuple(Part(report, _pick(groups, topic, report)) for report in _reports(groups, topic)),
            tuple(across.get(topic, ())),
        )
        for topic in _topics([*(topic for topic, _, _ in groups), *across])
    )


def reports(sections: Iterable[Section]) -> tuple[str, ...]:
    """The reports that the sections speak of, sorted."""
    return tuple(sorted({part.report for section in sections for part in section.parts}))


def _topic(name: str) -> str:
    words = name.split("-")
    return words[1] if len(words) > 1 and words[1] in TOPICS else "fit"


def _topic_across(path: str) -> str:
    """The topic of a figure across reports, '' for another."""
    name = PurePosixPath(path).stem
    return name.removeprefix(ACROSS).partition("-")[0] if name.startswith(ACROSS) else ""


def _topics(topics: Iterable[str]) -> list[str]:
    found = list(dict.fromkeys(topics))
    return [topic for topic in TOPICS if topic in found] + [topic for topic in found if topic not in TOPICS]


def _reports(groups: Iterable[tuple[str, str, str]], topic: str) -> list[str]:
    return sorted({report for other, report, _ in groups if other == topic})


def _pick(groups: dict[tuple[str, str, str], Group], topic: str, report: str) -> tuple[Group, ...]:
    return tuple(group for (a, b, _), group in groups.items() if (a, b) == (topic, report))
