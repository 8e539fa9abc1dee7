"""Reports, which make claims, and the topics that claims are sorted by.

A claim, an experiment and a figure name their report by its id alone, and a file of claims names its topic. A pack says the
rest, see ``hw1bench.specs.pack``: the report's title, source and link, and the topic's title.
"""

import re
from dataclasses import KW_ONLY, dataclass
from typing import Any

from hw1bench.support.checks import file_name, settle, shown, text

URL = r"^(https?://[^\s\"<>\\]+)?$"
"""Pattern of a link that a page may show, or ''."""


def report_name(value: Any, what: str) -> str:
    """Check the id of a report: safe for files, and for pytest, which reads a marker's name up to a parenthesis."""
    found: str = file_name(without="()")(value, what)
    if found.casefold() == "across":
        raise ValueError(f"{what} is {found!r}, which names the figures across reports: give a different id")
    return found


def _url(value: Any, what: str) -> str:
    found: str = text()(value, what)
    if not re.fullmatch(URL, found):
        raise ValueError(
            f"{what} is {shown(value)}: give a link such as https://example.org/report.pdf, or '' if none is known"
        )
    return found


@dataclass(frozen=True)
class Report:
    """A report that makes claims: the ``id`` by which claims and experiments name it; its ``title``; its ``source``, such as a
    course or a paper; and the ``url`` where it can be read. A field that is not known is ''.

    Raises ValueError for an id that is not safe as part of a file's name, and for a url that is not http or https.
    """

    id: str
    _: KW_ONLY
    title: str = ""
    source: str = ""
    url: str = ""

    def __post_init__(self) -> None:
        settle(self, id=report_name, title=text(), source=text(), url=_url)


@dataclass(frozen=True)
class Topic:
    """The topic of a file of claims: its ``id``, which is the file's name without ``test_`` and ``.py``, and its ``title``."""

    id: str
    title: str

    def __post_init__(self) -> None:
        settle(self, id=file_name(without="()"), title=text())
