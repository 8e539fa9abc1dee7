"""claims.json -> index.html: one page that works from disk, without a network."""

import base64
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from hw1bench.report import words
from hw1bench.report.contract import IMAGES, VERDICTS, Document, Figure, check
from hw1bench.report.outline import Section, outline, reports
from hw1bench.report.strip import strip


def render(document: Document, report_dir: Path) -> str:
    """The page of a claims.json document, with the figures below `report_dir` inlined.

    A figure that is missing there is named in its place. Raises ValueError for a document that breaks the
    contract of claims.json, or a figure that lies outside `report_dir`.
    """
    check(document)
    sections = outline(document)
    template = _environment(document, report_dir).get_template("page.html.j2")
    return template.render(
        document=document,
        sections=sections,
        reports=reports(sections),
        cells=_cells(sections),
        figures={figure["path"] for figure in document["figures"]},
        failed=[claim for claim in document["claims"] if claim["outcome"] == "failed"],
    )


def _environment(document: Document, report_dir: Path) -> Environment:
    environment = Environment(
        loader=PackageLoader("hw1bench.report", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals.update(
        words=words,
        verdicts=VERDICTS,
        strip=partial(strip, first_seed=document["seed_offset"]),
        image=partial(image, report_dir=report_dir),
    )
    environment.filters["slug"] = slug
    return environment


def slug(text: str) -> str:
    """`text` as an anchor: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")


def image(figure: Figure, report_dir: Path) -> str | None:
    """A figure as a data URI, or None where the file is missing.

    Raises ValueError when the path leads out of `report_dir`, through a link for instance.
    """
    path = (report_dir / figure["path"]).resolve()
    if not path.is_relative_to(report_dir.resolve()):
        raise ValueError(f"figure {figure['path']!r} lies outside {report_dir}: put the file there itself")
    if not path.is_file():
        return None
    return f"data:{IMAGES[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _cells(sections: Iterable[Section]) -> dict[tuple[str, str], dict[str, int]]:
    """(topic, report) -> the number of claims a verdict."""
    return {
        (section.topic, part.report): words.tally(part.claims)
        for section in sections
        for part in section.parts
        if part.claims
    }
