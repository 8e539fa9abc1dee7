"""The report of a session: claims.json, and what is rendered from it.

Nothing here trains, judges or imports torch: `hw1bench report FILE` renders again from the document alone.
"""

import json
from pathlib import Path

from hw1bench.files import replace
from hw1bench.report import html, junit, markdown
from hw1bench.report.contract import Document, check

__all__ = ["write"]


def write(document: Document, report_dir: Path) -> None:
    """Write claims.json, claims.md, index.html and junit.xml into `report_dir`, each whole or not at all.

    The figures that the document names are read from below `report_dir`. Raises ValueError, before anything is
    written, for a document that breaks the contract of claims.json.
    """
    check(document)
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    # The evidence first: should a renderer fail, the verdicts are on disk and can be rendered again.
    replace(report_dir / "claims.json", text.encode())
    replace(report_dir / "claims.md", markdown.render(document).encode())
    replace(report_dir / "index.html", html.render(document, report_dir).encode())
    replace(report_dir / "junit.xml", junit.render(document).encode())
