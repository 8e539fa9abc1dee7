"""The framework knows no report: it does not import or name ours, and nothing depends on the name of a report or topic."""

import ast
import json
import re
from pathlib import Path

import pytest

import hw1bench
from hw1bench.report import html, junit, markdown
from hw1bench.sources.pack import PACK
from sample_document import across, document, everything

ROOT = Path(hw1bench.__file__).parent
FRAMEWORK = [
    path
    for path in sorted(ROOT.rglob("*"))
    if path.suffix in (".py", ".j2", ".json", ".cpp", ".h") and path.relative_to(ROOT).parts[0] != "sources"
]
CODE = [path for path in FRAMEWORK if path.suffix == ".py"]
TOPICS = {topic.id for topic in PACK.topics}


def name(path):
    return str(path.relative_to(ROOT))


def trees(path):
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def imported(text, package="hw1bench.report"):
    """The full names that ``text``, the source of a module of ``package``, imports."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            whence = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{whence}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(
    "line",
    [
        "import hw1bench.sources.a",
        "from hw1bench import sources",
        "from hw1bench.sources.pack import PACK",
        "from .. import sources",
    ],
)
def test_an_import_of_the_reports_is_detected(line):
    assert any(found.startswith("hw1bench.sources") for found in imported(line))


@pytest.mark.parametrize("path", CODE, ids=name)
def test_the_framework_does_not_import_the_reports(path):
    package = ".".join(["hw1bench", *path.relative_to(ROOT).parent.parts])
    text = path.read_text(encoding="utf-8")
    assert [found for found in imported(text, package) if found.startswith("hw1bench.sources")] == []
    assert "hw1bench.sources" not in text  # nor by its name


@pytest.mark.parametrize("room", ["specs", "images", "support"])
def test_the_lowest_rooms_import_only_what_lies_below_them(room):
    below = ["support", "images", "specs"]
    allowed = tuple(f"hw1bench.{one}" for one in below[: below.index(room) + 1])
    for path in (ROOT / room).rglob("*.py"):
        package = ".".join(["hw1bench", *path.relative_to(ROOT).parent.parts])
        ours = [found for found in imported(path.read_text(encoding="utf-8"), package) if found.startswith("hw1bench")]
        assert [found for found in ours if not found.startswith(allowed)] == [], name(path)


@pytest.mark.parametrize("path", FRAMEWORK, ids=name)
def test_the_framework_names_no_report(path):
    text = path.read_text(encoding="utf-8")
    assert PACK.reports
    for report in PACK.reports:
        course = report.source.split(",")[0]
        topics = "|".join(TOPICS)
        for said in (
            rf"\b[Rr]eports? {report.id}\b",
            rf"\b{report.id}'s\b",
            rf"\b{report.id}-({topics})",
            re.escape(course),
        ):
            assert re.findall(said, text) == []


@pytest.mark.parametrize("path", CODE, ids=name)
def test_the_framework_lists_no_topics_and_no_titles(path):
    titles = {one.title for one in (*PACK.reports, *PACK.topics) if " " in one.title}  # single words are too common
    for node in trees(path):
        if isinstance(node, ast.Constant):
            assert node.value not in titles
        listed = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
        assert len(TOPICS & {one.value for one in listed if isinstance(one, ast.Constant)}) < 3


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(
    "render",
    [
        lambda found, folder: html.render(found, folder),
        lambda found, _: markdown.render(found),
        lambda found, _: junit.render(found),
    ],
    ids=["page", "markdown", "junit"],
)
def test_reports_and_topics_are_nothing_but_names(render, told, tmp_path):
    """If reports and topics are renamed, nothing else in the rendered report changes."""
    found = document(*everything())
    found["figures"].append(across())
    if not told:
        del found["reports"], found["topics"]
    topics, reports = {claim["topic"] for claim in found["claims"]}, "ABCDE"
    text = json.dumps(found)
    for topic in topics:
        text = re.sub(rf'("topic": "|"id": "|figures/[A-E]-|figures/across-){topic}(?=["-])', rf"\1zz{topic}", text)
    for report in reports:
        text = re.sub(rf'("report": "|"id": "|figures/){report}(?=["-])', rf"\1qq{report}", text)
    renamed = json.loads(text.replace('"A, B, E"', '"qqA, qqB, qqE"'))
    assert {claim["topic"] for claim in renamed["claims"]} == {f"zz{topic}" for topic in topics}
    assert {claim["report"] for claim in renamed["claims"]} == {f"qq{report}" for report in reports}
    assert render(renamed, tmp_path).replace("qq", "").replace("zz", "") == render(found, tmp_path)
