"""Tables for a terminal: aligned columns, styles of cells, and cells that are folded if the terminal is narrow."""

import textwrap
from collections.abc import Collection, Sequence
from itertools import zip_longest
from unicodedata import combining, east_asian_width

Cell = str | tuple[str, str]
"""The text of a cell, or its text and its style, one of ``STYLES``."""
STYLES = {"": "", "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold red": "1;31"}
"""Style -> parameters of the control sequence that begins it."""
_GAP = "  "
_LEAST = 8  # characters to which a column is folded at most


def width_of(text: str) -> int:
    """The columns of a terminal that ``text`` takes: East Asian wide characters take two, combining ones none."""
    return sum(0 if combining(each) else 1 + (east_asian_width(each) in "WF") for each in text)


def styled(text: str, style: str, *, colour: bool) -> str:
    """``text`` in ``style``, if ``colour`` is on and there is any text."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if colour and style and text else text


def drawn(
    head: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    numbers: Collection[str] = (),
    width: int | None = None,
    colour: bool = False,
) -> list[str]:
    """The lines of a table under ``head``. A row of one cell is a title over the rows below it, and moves no column.

    Columns named in ``numbers`` are aligned to the right. If the table is wider than ``width`` (None: never), all columns but the
    first are folded, the widest first; otherwise each row is one line.
    """
    cells = [[(cell, "") if isinstance(cell, str) else cell for cell in row] for row in rows]
    cells.insert(0, [(name, "bold") for name in head])
    widths = [max(width_of(text) for text, _ in column) for column in zip(*_whole(cells, head), strict=True)]
    while width is not None and sum(widths) + len(_GAP) * (len(head) - 1) > width and max(widths[1:]) > _LEAST:
        widths[1 + widths[1:].index(max(widths[1:]))] -= 1
    lines = []
    for row in cells:
        if len(row) < len(head):
            lines.append(styled(*row[0], colour=colour))
            continue
        folded = [_folded(text, size) for (text, _), size in zip(row, widths, strict=True)]
        for part in zip_longest(*folded, fillvalue=""):
            shown = [
                _padded(text, styled(text, style, colour=colour), size, right=name in numbers)
                for text, (_, style), size, name in zip(part, row, widths, head, strict=True)
            ]
            lines.append(_GAP.join(shown).rstrip())
    return lines


def _whole(cells: Sequence[list[tuple[str, str]]], head: Sequence[str]) -> list[list[tuple[str, str]]]:
    """The rows that are no titles."""
    return [row for row in cells if len(row) == len(head)]


def _folded(text: str, size: int) -> list[str]:
    return [text] if width_of(text) <= size else textwrap.wrap(text, size)


def _padded(text: str, shown: str, size: int, *, right: bool) -> str:
    """``shown``, which is ``text`` in its style, with as many spaces as it lacks."""
    spaces = " " * (size - width_of(text))
    return spaces + shown if right else shown + spaces
