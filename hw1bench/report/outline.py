"""The order of a report: topics, figures across reports, each report, and its experiments with their figures and claims."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from hw1bench.report import words
from hw1bench.report.contract import Claim, Document, Figure, Report

ACROSS = "across-"
"""The start of the name of a figure across reports; its topic follows: 'figures/across-topic-memorising.svg'."""


@dataclass
class Group:
    """Claims of one experiment, and the figures that show it."""

    title: str | None
    figures: list[Figure] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """The claims and figures of one report on one topic."""

    about: Report
    groups: tuple[Group, ...]

    @property
    def report(self) -> str:
        return self.about["id"]

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
    title: str
    parts: tuple[Part, ...]
    across: tuple[Figure, ...] = ()

    @property
    def claims(self) -> tuple[Claim, ...]:
        return tuple(claim for part in self.parts for claim in part.claims)

    @property
    def figures(self) -> tuple[Figure, ...]:
        return (*self.across, *(figure for part in self.parts for figure in part.figures))


def stem(path: str) -> str:
    """The experiment's id in a figure's path: 'figures/x-sinc-loss.svg' -> 'x-sinc'."""
    name = PurePosixPath(path).stem
    return name.rpartition("-")[0] or name


def outline(document: Document) -> tuple[Section, ...]:
    """Every claim and every figure once, by topic, report and experiment.

    Topics come in the order in which the document lists them, others after them; claims in the document's order. A
    figure goes to the first experiment that shares its name or has a claim that points at it, otherwise to its report's
    part of its own topic. A figure across reports comes before all of these, whichever claims point at it.
    """
    across: dict[str, list[Figure]] = {}
    groups: dict[tuple[str, str, str], Group] = {}
    named: dict[str, Group] = {}
    for claim in document["claims"]:
        group = groups.setdefault((claim["topic"], claim["report"], claim["experiment"] or ""), Group(None))
        group.claims.append(claim)
        own = stem(claim["figure"]) if claim["figure"] and not _topic_across(claim["figure"]) else None
        group.title = group.title or own  # an experiment's key is a digest, not a title
        for name in filter(None, (own, claim["experiment"])):
            named.setdefault(name, group)
    for figure in document["figures"]:
        if topic := _topic_across(figure["path"]):
            across.setdefault(topic, []).append(figure)
            continue
        name = stem(figure["path"])
        if name not in named:
            place = (_topic(figure), figure["report"], f"figures of {name}")
            named[name] = groups.setdefault(place, Group(name))
        named[name].figures.append(figure)
    titles = words.topics(document)
    known = {report["id"]: report for report in document.get("reports", ())}
    return tuple(
        Section(
            topic,
            titles.get(topic, topic),
            tuple(
                Part(known.get(report, _plain(report)), _pick(groups, topic, report))
                for report in _reports(groups, topic)
            ),
            tuple(across.get(topic, ())),
        )
        for topic in _topics([*(topic for topic, _, _ in groups), *across], titles)
    )


def reports(sections: Iterable[Section]) -> tuple[Report, ...]:
    """The reports that the sections speak of, sorted by their ids."""
    found = {part.report: part.about for section in sections for part in section.parts}
    return tuple(found[report] for report in sorted(found))


def _plain(report: str) -> Report:
    """A report of which only the id is known."""
    return {"id": report, "title": "", "source": "", "url": ""}


def _topic(figure: Figure) -> str:
    """The topic of a figure whose experiment has no claim: its own, otherwise the first word of the experiment's name."""
    own = stem(figure["path"])
    return figure.get("topic") or own.removeprefix(f"{figure['report']}-").partition("-")[0] or own


def _topic_across(path: str) -> str:
    """The topic of a figure across reports; '' for any other figure."""
    name = PurePosixPath(path).stem
    return name.removeprefix(ACROSS).partition("-")[0] if name.startswith(ACROSS) else ""


def _topics(found: Sequence[str], known: Iterable[str]) -> list[str]:
    """The topics ``found``, each once: those that are ``known`` first, in that order."""
    return list(dict.fromkeys([*(topic for topic in known if topic in found), *found]))


def _reports(groups: Iterable[tuple[str, str, str]], topic: str) -> list[str]:
    return sorted({report for other, report, _ in groups if other == topic})


def _pick(groups: dict[tuple[str, str, str], Group], topic: str, report: str) -> tuple[Group, ...]:
    return tuple(group for (a, b, _), group in groups.items() if (a, b) == (topic, report))
