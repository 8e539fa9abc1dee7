"""Texts made harmless."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench.report.plain import clean, line, writable

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)


@given(ANY)
def test_no_control_no_override_and_no_half_character_is_left(text):
    for found in (clean(text), line(text)):
        found.encode()
        assert all(
            character in "\t\n" or unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
            for character in found
        )
        assert not {unicodedata.bidirectional(character) for character in found} & {
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "LRI",
            "RLI",
        }
    assert len(line(text).splitlines()) <= 1
    assert clean(clean(text)) == clean(text)
    assert writable(text).encode().decode() == writable(text)


@pytest.mark.parametrize("text", ["a\tb\nc", "µ-law é 深層学習 שלום", "👩‍🔬 ∞ – ½", "می‌خواهم", "~!@#$%^&*()<>|\\"])
def test_what_people_write_stays_as_it_is(text):
    assert clean(text) == text


def test_each_thing_that_acts_leaves_a_mark():
    assert clean("\x1b[31mred\x07 \x9b0m \u202eabc\u2066 \ud800 \0") == "�[31mred� �0m �abc� � �"
    assert line("a\r\nb\rc\td\u2028e") == "a b c d�e"
    assert line("verdict  A") == "verdict  A"  # columns stay
