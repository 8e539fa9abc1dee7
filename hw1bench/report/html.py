"""claims.json -> index.html: one page that works from disk, without a network.

No text of a document becomes markup: ``plain.clean`` cleans whatever the templates output, then they escape it.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from markupsafe import Markup

from hw1bench.report import card, changes, groups, origins, quantities, standings, words
from hw1bench.report.contract import IMAGES, Document, Figure, check, from_seeds
from hw1bench.report.dimensions import size
from hw1bench.report.outline import Section, outline, reports
from hw1bench.report.plain import clean
from hw1bench.report.questions import asked
from hw1bench.report.strip import strip
from hw1bench.support.files import open_regular

if TYPE_CHECKING:
    from jinja2 import Environment

_LARGEST = 16 * 2**20  # bytes of a figure; ours have a tenth of one
_LINES = re.compile(r"[\n\r\t]+")
_IN_A_URI = str.maketrans({character: f"%{ord(character):02X}" for character in '%#"&<>'})


def render(document: Document, report_dir: Path) -> str:
    """Render the page of a claims.json document, with the figures below ``report_dir`` inlined.

    Figures that are missing there are left out, which one line says. Raises ValueError if the document breaks the contract of
    claims.json, or if a figure lies outside ``report_dir``.
    """
    check(document)
    document, missing = present(document, report_dir)
    images = {figure["path"]: image(figure, report_dir) for figure in document["figures"]}
    sections = outline(document)
    template = _environment(document).get_template("page.html.j2")
    return template.render(
        document=document,
        sections=sections,
        reports=reports(sections),
        questions=asked(document),
        cells=_cells(sections),
        images=images,
        missing=missing,
        script=_script(),
        failed=groups.failed(document),
        changes=changes.found(document),
    )


@dataclass(frozen=True)
class Script:
    """The script of the page, and its digest, without which the page's security policy lets nothing run."""

    text: Markup
    digest: str


def _script() -> Script:
    text = files("hw1bench.report").joinpath("page.js").read_text(encoding="utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(f"\n{text}\n".encode()).digest()).decode()
    return Script(Markup(text), Markup(f"sha256-{digest}"))


def present(document: Document, report_dir: Path) -> tuple[Document, list[str]]:
    """``document`` without the figures that are missing below ``report_dir``, and their paths."""
    here = [figure for figure in document["figures"] if content(figure, report_dir) is not None]
    missing = [figure["path"] for figure in document["figures"] if figure not in here]
    return {**document, "figures": here}, missing


def _environment(document: Document) -> "Environment":
    from hw1bench.report.templates import made  # imports jinja2, which nothing but a page needs

    environment = made(_cleaned)
    environment.globals.update(
        groups=groups,
        words=words,
        cards=card,
        standings=standings,
        origins=origins,
        quantities=quantities,
        kinds=_kinds(document),
        anchor=Anchors(),
        strip=partial(strip, first_seed=document["seed_offset"]),
    )
    environment.filters["slug"] = slug
    environment.filters["state"] = state
    environment.tests["from_seeds"] = from_seeds
    environment.tests["described"] = lambda report: bool(words.about(report) or report["url"])
    return environment


def _cleaned(value: Any) -> Any:
    """Clean what a template is about to output, before it is escaped; markup is made of pieces that are clean already."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def slug(text: str) -> str:
    """``text`` as part of an anchor or a class: letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")


def state(choice: Mapping[str, str]) -> str:
    """A choice of claims, by report or topic, as the page's address says it: 'topic=fit&report=A'."""
    return urlencode({name: clean(value) for name, value in choice.items()})


class Anchors:
    """The ids of one page: ``anchor("claim", claim.id)`` is the same each time, and differs from all others."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, ...], str] = {}
        self._taken: set[str] = set()

    def __call__(self, *parts: str) -> str:
        if parts not in self._given:
            wanted = found = "-".join(map(slug, parts))
            number = 1
            while found in self._taken:
                number += 1
                found = f"{wanted}-{number}"
            self._given[parts] = found
            self._taken.add(found)
        return self._given[parts]


@dataclass(frozen=True)
class Image:
    """A figure for an ``img`` element: a data URI that is safe between double quotes, and its size in pixels, if it is known."""

    uri: Markup
    size: tuple[int, int] | None


def image(figure: Figure, report_dir: Path) -> Image | None:
    """A figure to embed, or None if ``content`` is None."""
    found = content(figure, report_dir)
    return None if found is None else Image(_uri(found, IMAGES[PurePath(figure["path"]).suffix]), size(found))


def _uri(found: bytes, kind: str) -> Markup:
    try:
        text = found.decode() if kind == "image/svg+xml" else None
    except UnicodeDecodeError:
        text = None
    if text is None:
        return Markup(f"data:{kind};base64,{base64.b64encode(found).decode()}")
    # Three quarters of base64. A URI loses its line breaks, which to XML are spaces.
    first, *lines = _LINES.split(text)  # an expression that takes the spaces around a break would try each space anew
    if lines:
        text = " ".join([first.rstrip(), *filter(None, map(str.strip, lines[:-1])), lines[-1].lstrip()])
    return Markup(f"data:{kind};charset=utf-8,{text.translate(_IN_A_URI)}")


def content(figure: Figure, report_dir: Path) -> bytes | None:
    """The content of a figure's file, or None if the file is missing, empty, larger than any figure, or cannot be read.

    Raises ValueError as ``place`` does.
    """
    try:
        with open_regular(place(figure, report_dir)) as file:
            found = file.read(_LARGEST + 1)
    except OSError:  # no permission to read it, not a file, a name too long
        return None
    return found if 0 < len(found) <= _LARGEST else None


def place(figure: Figure, report_dir: Path) -> Path:
    """Where the file of ``figure`` is. Raises ValueError if that is not in ``report_dir``, through a link for instance, and
    OSError if it leads nowhere."""
    try:
        path = (report_dir / figure["path"]).resolve()
    except RuntimeError as error:  # a cycle of links
        raise OSError(str(error)) from None
    if not path.is_relative_to(report_dir.resolve()):
        raise ValueError(f"figure {figure['path']!r} lies outside {report_dir}: put the file itself there")
    return path


def _kinds(document: Document) -> dict[str, list[str]]:
    """Heading -> the groups to count below it. Pilots have no place where there are none, and neither have failed tests."""
    found = groups.tally(document["claims"])
    kinds = {"Verdicts, as reported": list(groups.RULED_GROUPS)}
    if found.keys() & set(groups.PILOT_GROUPS):
        kinds["Pilots, on reduced protocols"] = list(groups.PILOT_GROUPS)
    kinds["Not judged"] = [word for word in groups.UNJUDGED_GROUPS if word != groups.FAILED or word in found]
    return kinds


def _cells(sections: Iterable[Section]) -> dict[tuple[str, str], dict[str, int]]:
    """(topic, report) -> the number of claims per group."""
    return {
        (section.topic, part.report): groups.tally(part.claims)
        for section in sections
        for part in section.parts
        if part.claims
    }
