"""Faults of collected claims that can be known before anything trains, a line for each.

A mistake in a specification ends the reading of its file, and is told by ``mistakes``; these are of files that were read.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hw1bench.court import rehearsal, rulings
from hw1bench.court.claim import Claim
from hw1bench.session.subjects import params, topic
from hw1bench.specs.experiment import TIERS, CrossReportFigure, Experiment, Tier
from hw1bench.specs.pack import Pack

_SUBJECTS = (Claim, Experiment, CrossReportFigure)


def in_tests(
    items: Sequence[pytest.Item],
    unknown: Iterable[str],
    known: Mapping[Path, Mapping[str, Claim]],
    *,
    both_tiers: bool,
) -> list[str]:
    """The mistakes in the tests ``items``, each once: claims that no test would judge, two claims with one id, reports and
    questions that are ``unknown``, rulings files that are malformed, and what a rehearsal finds, in the tier of each test or in
    ``both_tiers``. ``known`` has all claims of each file by id, whether selected or not."""
    tried = [(item, params(item)) for item in items if params(item)]
    subjects: dict[Tier, list[rehearsal.Subject]] = {tier: [] for tier in TIERS}
    for _, found in tried:
        for tier in TIERS if both_tiers else (found["tier"],):
            subjects[tier].append(found.get("claim") or found["exhibit"])
    lines = [
        *_unjudged(items),
        *twice((path, claim) for path, some in known.items() for claim in some.values()),
        *unknown,
        *_malformed({item.path.parent / rulings.FILE for item, _ in tried}),
        *(line for tier, some in subjects.items() for lines in rehearsal.faults(some, tier).values() for line in lines),
    ]
    return list(dict.fromkeys(lines))


def _unjudged(items: Iterable[pytest.Item]) -> Iterator[str]:
    """A line for each claim or exhibit that a test of the court has under another name."""
    for item in items:
        found: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        if params(item) or "court" not in getattr(item, "fixturenames", ()):
            continue
        test = f"{item.path.name}::{getattr(item, 'originalname', item.name)}"
        for name, value in found.items():
            right = "claim" if isinstance(value, Claim) else "exhibit"
            if isinstance(value, _SUBJECTS) and name != right:
                yield f"{test} has {_named(value)} as {name!r}, and would not judge it: parametrize it by {right!r}"


def _named(subject: rehearsal.Subject) -> str:
    return f"{'claim' if isinstance(subject, Claim) else 'exhibit'} {subject.id}"


def twice(claims: Iterable[tuple[Path, Claim]]) -> Iterator[str]:
    """A line for each id that two of ``claims``, given with their files, have. One claim may be tried by several tests, and in
    several files."""
    found: dict[str, dict[int, Path]] = {}
    for path, claim in claims:
        found.setdefault(claim.id, {}).setdefault(id(claim), path)
    for name, places in found.items():
        if len(places) > 1:
            files = list(dict.fromkeys(map(os.path.relpath, places.values())))
            yield f"two claims have the id {name!r}, in {' and '.join(files[:2])}: give each its own id"


def twice_in_a_file(items: Iterable[pytest.Item]) -> Iterator[str]:
    """A line for each id that two claims of one file have, given the tests ``items``."""
    by_file: dict[Path, list[tuple[Path, Claim]]] = {}
    for item in items:
        if "claim" in params(item):
            by_file.setdefault(item.path, []).append((item.path, params(item)["claim"]))
    for claims in by_file.values():
        yield from twice(claims)


def _malformed(paths: Iterable[Path]) -> Iterator[str]:
    for path in sorted(paths):
        try:
            rulings.load(path)
        except ValueError as error:
            yield str(error)


def unknown(pack: Pack, items: Iterable[pytest.Item]) -> Iterator[str]:
    """One line for each report that ``pack`` does not bring although it brings the topic of a test of that report, and for each
    question of a claim on such a topic.

    A topic that no pack brings may have any reports: they are shown by their ids.
    """
    asked = [question.id for question in pack.questions]
    topics, reports = {one.id for one in pack.topics}, [report.id for report in pack.reports]
    told: set[str] = set()
    for item in items:
        name, subject = topic(item.path), params(item).get("claim") or params(item)["exhibit"]
        if name not in topics:
            continue
        question = getattr(subject, "question", "")
        if question and question not in (*asked, *told):
            told.add(question)
            yield (
                f"{item.name} names question {question!r}, and there are {', '.join(asked) or 'none'}: name one of these, or "
                "bring the question with pytest_hw1bench_pack"
            )
        for one in (subject, getattr(subject, "experiment", None), *getattr(subject, "experiments", ())):
            report = getattr(one, "report", None)  # a figure across reports has none of its own
            if report is not None and report not in (*reports, *told):
                told.add(report)
                yield (
                    f"{item.name} names report {report!r}, and for topic {name!r} there are {', '.join(reports) or 'none'}: "
                    "name one of these, or bring the report with pytest_hw1bench_pack"
                )
