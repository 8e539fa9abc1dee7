"""The order of a report: topics, their reports, and the experiments with their figures and claims."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from hw1bench.report.contract import Claim, Document, Figure
from hw1bench.report.words import TOPICS


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
    def claims(self) -> tuple[Claim, ...]:
        return tuple(claim for group in self.groups for claim in group.claims)


@dataclass(frozen=True)
class Section:
    """One topic."""

    topic: str
    parts: tuple[Part, ...]

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
    report's section of the topic that its name says (`fit` where it says none).
    """
    groups: dict[tuple[str, str, str], Group] = {}
    named: dict[str, Group] = {}
    for claim in document["claims"]:
        group = groups.setdefault((claim["topic"], claim["report"], claim["experiment"] or ""), Group(None))
        group.claims.append(claim)
        own = stem(claim["figure"]) if claim["figure"] else claim["experiment"]
        group.title = group.title or own
        for name in filter(None, (own, claim["experiment"])):
            named.setdefault(name, group)
    for figure in document["figures"]:
        name = stem(figure["path"])
        if name not in named:
            key = (_topic(name), figure["report"], f"figures of {name}")
            named[name] = groups.setdefault(key, Group(name))
        named[name].figures.append(figure)
    return tuple(
        Section(topic, tuple(Part(report, _pick(groups, topic, report)) for report in _reports(groups, topic)))
        for topic in _topics(groups)
    )


def reports(sections: Iterable[Section]) -> tuple[str, ...]:
    """The reports that the sections speak of, sorted."""
    return tuple(sorted({part.report for section in sections for part in section.parts}))


def _topic(name: str) -> str:
    words = name.split("-")
    return words[1] if len(words) > 1 and words[1] in TOPICS else "fit"


def _topics(groups: Iterable[tuple[str, str, str]]) -> list[str]:
    found = list(dict.fromkeys(topic for topic, _, _ in groups))
    return [topic for topic in TOPICS if topic in found] + [topic for topic in found if topic not in TOPICS]


def _reports(groups: Iterable[tuple[str, str, str]], topic: str) -> list[str]:
    return sorted({report for other, report, _ in groups if other == topic})


def _pick(groups: dict[tuple[str, str, str], Group], topic: str, report: str) -> tuple[Group, ...]:
    return tuple(group for (a, b, _), group in groups.items() if (a, b) == (topic, report))
