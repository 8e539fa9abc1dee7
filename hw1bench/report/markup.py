"""Markdown that takes nothing in a text of a document for markup."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from hw1bench.report.plain import line

_MARKUP = re.compile(r"[\\`*_|<>\[\]#~&$@]|:(?=//)|(?<=\bmailto):|(?<=\bxmpp):|(?<=\bwww)\.", re.IGNORECASE)
_LEADING = re.compile(
    r"^(?:[-+](?=[ -]|$)|=|[0-9]{1,9}(?=[.)](?: |$)))"
)  # of a list, a rule, an underline of a heading
_MORE = "..."
_AHEAD = 4  # how much of a text is read for each character that is shown, because spaces may be dropped


def text(value: object, most: int | None = None) -> str:
    """``value`` on one line, escaped so that Markdown takes nothing in it for markup, not even a bare address; shortened to
    ``most`` characters before it is escaped."""
    return _marked(str(value), most)


@lru_cache(maxsize=10_000)  # a page tells the texts of a claim several times, and tries how much of them fits
def _marked(whole: str, most: int | None) -> str:
    escaped = _MARKUP.sub(_escaped, _shortened(whole, most))
    found = _LEADING.match(escaped)
    if found is None:
        return escaped
    mark = found.group()
    return f"{mark}\\{escaped[len(mark) :]}" if mark.isdigit() else f"\\{escaped}"


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}"  # twice as fast as a template


def code(value: object, most: int | None = None) -> str:
    """``value`` for a code span, without backticks, which would end the span, and bars, which would end a table's cell."""
    return _shortened(str(value), most).replace("`", "'").replace("|", "/")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table of escaped texts: its head, the rule below it, and its rows."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def _shortened(whole: str, most: int | None) -> str:
    start = whole if most is None else whole[: _AHEAD * most]  # a text of a megabyte is not cleaned for its first line
    found = " ".join(line(start).split())
    if most is None or (len(found) <= most and len(start) == len(whole)):
        return found
    return found[: most - len(_MORE)].rstrip() + _MORE
