"""A figure of several claims' rulings: a row per claim, with a dot per seed, filled where the claim holds."""

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from hw1bench.court.docket import Case
from hw1bench.court.rulings import Ruling
from hw1bench.report import words
from hw1bench.report.figures import SETTINGS, save
from hw1bench.report.plain import line

_WIDTH = 8.8  # inches
_SENTENCE = 62  # characters in a line of a sentence
_LINE, _PAD = 0.17, 0.16  # inches
_COLOURS = {"supported": "#0072B2", "refuted": "#D55E00", "inconclusive": "#777777", "no evidence": "#777777"}
_DOTS_FROM, _DOT = 0.57, 0.105  # where the dots begin (share of the width); from one to the next (inches)
_IN_ROW = 16  # dots


@dataclass(frozen=True)
class _Row:
    lines: list[str]
    ruling: Ruling
    dots: int  # rows of dots

    @property
    def height(self) -> float:
        return max(len(self.lines), self.dots) * _LINE + _PAD


def draw(rulings: Sequence[tuple[Case, Ruling]], path: Path) -> None:
    """Draw the rulings as an SVG to ``path``. Claims without seeds, whose verdict is exact, have their verdict and no dots.

    Equal rulings give an equal file. Raises ValueError if there are none.
    """
    if not rulings:
        raise ValueError(f"there are no rulings to draw in {path.name}: name claims that have one")
    times = Counter((case.claim.report, case.claim.says) for case, _ in rulings)
    rows = []
    for case, ruling in rulings:
        # Equal sentences, tried on different nets, are told apart by their claims.
        which = f" ({case.claim.id})" if times[case.claim.report, case.claim.says] > 1 else ""
        sentence = textwrap.wrap(
            line(f"{case.claim.report}: {case.claim.says}{which}"), _SENTENCE, break_on_hyphens=False
        )
        rows.append(_Row(sentence, ruling, -(-(ruling.seeds or 0) // _IN_ROW)))
    height = sum(row.height for row in rows)
    with matplotlib.rc_context(SETTINGS):
        figure = Figure(figsize=(_WIDTH, height))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, _WIDTH), ylim=(height, 0))
        axes.set_axis_off()
        top = 0.0
        for place, row in enumerate(rows):
            if place % 2 == 0:
                axes.axhspan(top, top + row.height, color="#f4f4f4", linewidth=0)
            middle = top + row.height / 2
            colour = _COLOURS[row.ruling.verdict]
            _text(axes, 0.08, middle, "\n".join(row.lines), color="black")
            _dots(axes, row, middle, colour)
            said = words.ruled(row.ruling.verdict, row.ruling.how, row.ruling.seeds)
            count = f"  {row.ruling.holds}/{row.ruling.seeds}" if row.ruling.seeds else ""
            _text(axes, _DOTS_FROM * _WIDTH + (_IN_ROW + 0.7) * _DOT, middle, said + count, color=colour)
            top += row.height
        save(figure, path)


def _text(axes: Any, x: float, y: float, said: str, **look: Any) -> None:
    axes.text(x, y, said, va="center", linespacing=1.25, parse_math=False, **look)


def _dots(axes: Any, row: _Row, middle: float, colour: str) -> None:
    """The seeds in rows of ``_IN_ROW``, those in which the claim holds first and filled."""
    seeds, holds = row.ruling.seeds or 0, row.ruling.holds or 0
    for seed in range(seeds):
        x = _DOTS_FROM * _WIDTH + (seed % _IN_ROW) * _DOT
        y = middle + (seed // _IN_ROW - (row.dots - 1) / 2) * _LINE * 0.8
        face = colour if seed < holds else "white"
        axes.plot(x, y, "o", markersize=5.2, markeredgewidth=0.9, markeredgecolor=colour, markerfacecolor=face)
