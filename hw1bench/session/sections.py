"""Sections of what a command prints, or writes into a page of the docs: a title, a sentence or two, and a table."""

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import fill

from hw1bench.report.plain import line
from hw1bench.session.tables import Cell, drawn, styled, width_of

_MARKUP = re.compile(r"[\\`*_\[\]<>|~]")


@dataclass(frozen=True)
class Section:
    """A table under ``title``: rows in groups, each with a title of its own ('' for none); ``otherwise`` is said if there are no
    rows, ``note`` before them. Columns named in ``numbers`` are aligned to the right; those in ``spare`` are left out, the first
    one first, if a terminal is too narrow."""

    title: str
    head: tuple[str, ...]
    groups: Sequence[tuple[str, Sequence[tuple[str, ...]]]]
    otherwise: str
    note: str = ""
    numbers: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    """One for each group, by which links to the page find it; the rows then have anchors too, their first cells."""

    @property
    def rows(self) -> list[tuple[str, ...]]:
        return [row for _, rows in self.groups for row in rows]

    def text(self, width: int | None, *, colour: bool) -> str:
        """The section for a terminal ``width`` characters wide; for a file if None, with lines as long as they need to be."""
        said = self.note if self.rows else self.otherwise
        lines = [styled(self.title, "bold", colour=colour)]
        lines += [fill(said, width) if width else said] if said else []
        lines += self._table(width, colour=colour) if self.rows else []
        return "\n".join(lines)

    def _table(self, width: int | None, *, colour: bool) -> list[str]:
        """The lines of the table, without spare columns if it would not fit into ``width``."""
        head, shown = self.head, list(range(len(self.head)))
        widths = [max(map(width_of, column)) + 2 for column in zip(head, *self.rows, strict=True)]
        for name in self.spare:
            if width is not None and sum(widths[index] for index in shown) > width:
                shown.remove(head.index(name))
        found: list[list[Cell]] = []
        for title, rows in self.groups:
            if title:
                found.append([(line(title), "bold")])
            for row in rows:
                first, *others = (line(row[index]) for index in shown)
                found.append([f"  {first}" if title else first, *others])
        return drawn([head[index] for index in shown], found, numbers=self.numbers, width=width, colour=colour)

    def markdown(self) -> str:
        """The section of a Markdown page."""
        parts = [f"## {escaped(self.title)}", escaped(self.note if self.rows else self.otherwise)]
        anchors = self.anchors or [""] * len(self.groups)
        for anchor, (title, rows) in zip(anchors, self.groups, strict=True):
            parts += [_anchor(anchor), f"### {escaped(title)}" if title else "", self._rows(rows) if rows else ""]
        return "\n\n".join(filter(None, parts))

    def _rows(self, rows: Sequence[Sequence[str]]) -> str:
        rule = ["---:" if name in self.numbers else "---" for name in self.head]
        cells = [[escaped(cell) for cell in row] for row in rows]
        if self.anchors:
            cells = [[_anchor(first) + first, *others] for first, *others in cells]
        return "\n".join(f"| {' | '.join(row)} |" for row in [self.head, rule, *cells])


def placed(page: str, mark: str, sections: Iterable[Section]) -> str:
    """The Markdown ``page`` with ``sections`` between its marks, ``<!-- mark: begin -->`` and ``<!-- mark: end -->``. Raises
    ValueError, in one line, if it lacks them."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"the page has no place for the tables: put {begin} and {end} on lines of their own")
    return "\n\n".join([before + begin, *(one.markdown() for one in sections), end + after])


def _anchor(name: str) -> str:
    return f'<a id="{html.escape(name)}"></a>' if name else ""


def escaped(said: str) -> str:
    """``said`` on one line, so that Markdown takes nothing in it for markup."""
    return _MARKUP.sub(r"\\\g<0>", line(said))
