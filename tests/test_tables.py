"""Tables on a terminal: alignment, titles, styles and folding."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench.session.tables import drawn, styled, width_of

HEAD = ("claim", "holds", "remark")


def test_columns_are_aligned_and_titles_move_none():
    rows = [["A title that is longer than what stands below it"], ["  a", "8/8", "fine"], ["  bcdefg", "16/16", ""]]
    assert drawn(HEAD, rows, numbers=("holds",)) == [
        "claim     holds  remark",
        "A title that is longer than what stands below it",
        "  a         8/8  fine",
        "  bcdefg  16/16",
    ]


def test_styles_are_shown_in_colour_alone_and_take_no_place():
    rows = [[("title", "bold")], [("a", "bold red"), ("1", "dim"), ("", "green")]]
    assert drawn(("x", "number", "y"), rows, numbers=("number",)) == ["x  number  y", "title", "a       1"]
    assert drawn(("x", "number", "y"), rows, numbers=("number",), colour=True) == [
        "\x1b[1mx\x1b[0m  \x1b[1mnumber\x1b[0m  \x1b[1my\x1b[0m",
        "\x1b[1mtitle\x1b[0m",
        "\x1b[1;31ma\x1b[0m       \x1b[2m1\x1b[0m",
    ]
    assert styled("", "bold", colour=True) == ""


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("", 0), ("深い", 4), ("e\u0301", 1)])
def test_characters_of_other_scripts_have_their_width(text, width):
    assert width_of(text) == width
    (_, line) = drawn(("ab", "c"), [[text, "|"]])
    assert line == text + " " * (max(width, 2) - width) + "  |"


def test_a_narrow_terminal_folds_the_widest_columns_but_the_first():
    rows = [["a first column", "twelve words", "one two three four five six"], ["b", "x", "y"]]
    assert drawn(HEAD, rows, width=43) == [
        "claim           holds         remark",
        "a first column  twelve words  one two three",
        "                              four five six",
        "b               x             y",
    ]


@given(st.lists(st.lists(st.text("abc d", max_size=30).map(str.strip), min_size=3, max_size=3)), st.integers(60, 120))
def test_no_line_is_wider_than_the_terminal_and_no_word_is_lost(rows, width):
    cells = [["x", *(re.sub(" +", " ", cell) for cell in row[1:])] for row in rows]
    wide, narrow = drawn(HEAD, cells), drawn(HEAD, cells, width=width)
    assert len(wide) == len(cells) + 1
    assert max(map(len, narrow)) <= width
    letters = sorted("".join("".join(row) for row in (HEAD, *cells)).replace(" ", ""))
    assert sorted("".join(narrow).replace(" ", "")) == letters
