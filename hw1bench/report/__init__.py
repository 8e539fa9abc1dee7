"""The report of a session: claims.json, and what is rendered from it.

Nothing here trains, judges or imports torch: ``hw1bench report FILE`` renders again from the document alone.
"""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from hw1bench.report import compare, details, html, markdown
from hw1bench.report.contract import Document, check
from hw1bench.report.plain import writable
from hw1bench.report.reading import NAME, read
from hw1bench.support.files import write_whole

__all__ = ["again", "write"]


def write(
    document: Document,
    report_dir: Path,
    *,
    session: Document | None = None,
    notice: Callable[[str], None] = lambda text: None,
) -> None:
    """Write claims.json, claims.md with its details, index.html and junit.xml into ``report_dir``, each whole or not at all.

    junit.xml holds the claims that ``session`` judged; ``document`` may hold more claims, or older verdicts. By default they
    are the claims that were judged when ``document`` says it started. Without the package junitparser there is no junit.xml,
    and ``notice`` is told.

    The figures that the document names are read from below ``report_dir``. Raises ValueError, before anything is
    written, if the document breaks the contract of claims.json.
    """
    check(document)
    # The evidence first: should a renderer fail, the verdicts are on disk and can be rendered again.
    write_whole(report_dir / NAME, _content(document))
    _render(document, report_dir, session or document, notice)


def again(source: Path, notice: Callable[[str], None] = lambda text: None, other: Path | None = None) -> Path:
    """Render a report again, without training, and return the folder with the pages. ``notice`` is told as by ``write``.

    ``source`` is a report directory or its claims.json, and the pages are written there. A document with another name,
    ``old.json``, gets a report directory of its own beside it, ``old``, with copies of the document and its figures: the files
    beside it may be the report of another session. If the report is to say what changed since ``other``, a report directory or
    a claims.json, the claims.json beside the pages then holds what was found there, so that they still follow from it.

    Raises ValueError, in one line, if ``source`` is not a document, if it cannot be compared with ``other``, if the folder
    ``old`` holds anything else, leads elsewhere, or cannot be written.
    """
    document, path = read(source)
    content = path.read_bytes()
    if other is not None:
        names = [claim["id"] for claim in document["claims"]]
        document = {**document, "compared": compare.other(other, document["tier"], names)}
        content = _content(document)
    folder = path.parent
    try:
        if path.name != NAME:
            folder = path.with_suffix("") if path.suffix.lower() == ".json" else path.with_name(f"{path.name}.report")
            _copy(document, content, path, folder)
        elif other is not None:
            write_whole(path, content)
        _render(document, folder, document, notice)
    except OSError as error:
        raise ValueError(
            f"{folder} cannot be written ({error.strerror or error}): copy {path} and its figures to another folder"
        ) from error
    return folder


def _content(document: Document) -> bytes:
    return (writable(json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)) + "\n").encode()


def _copy(document: Document, content: bytes, path: Path, folder: Path) -> None:
    """Make ``folder`` the report directory of the ``document`` at ``path``, with the ``content`` of its claims.json, unless it
    holds something else already."""
    empty = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not empty and not _is_of(document, folder / NAME):
        raise ValueError(f"{folder} exists and holds something other than the report of {path}: rename one of them")
    figures = [(html.place(figure, folder), html.content(figure, path.parent)) for figure in document["figures"]]
    write_whole(folder / NAME, content)
    for place, drawn in figures:
        if drawn is not None:
            write_whole(place, drawn)


def _is_of(document: Document, path: Path) -> bool:
    """Whether the file at ``path`` is ``document``, whatever the two are compared with."""
    try:
        there, _ = read(path)
    except ValueError:
        return False
    return {**there, "compared": None} == {**document, "compared": None}


def _render(document: Document, report_dir: Path, session: Document, notice: Callable[[str], None]) -> None:
    here, _ = html.present(document, report_dir)  # Markdown would link figures that are missing
    write_whole(report_dir / details.NAME, details.render(here).encode())  # before what links to it
    write_whole(report_dir / "claims.md", markdown.render(here).encode())
    write_whole(report_dir / "index.html", html.render(document, report_dir).encode())
    path = report_dir / "junit.xml"
    if find_spec("junitparser") is None:
        path.unlink(missing_ok=True)  # another session's
        notice("junit.xml is left out: the package junitparser is not installed")
        return
    from hw1bench.report import junit

    write_whole(path, junit.render(session).encode())
