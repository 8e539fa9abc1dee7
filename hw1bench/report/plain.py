"""Texts from elsewhere, made safe to show: a claim's words, a file's name, the last line of a crash.

A control character can recolour a terminal or forge a line of it, a bidirectional override shows text in an order other than
the one it is read in, and half a surrogate pair cannot be written at all. Each becomes U+FFFD, so that a reader sees that
something was there. Markup is another matter: each renderer escapes what its own format takes for markup.
"""

import re

# Control characters except tab and newline (C0, delete, C1 with its one-byte escape), line and paragraph separators,
# marks that reorder text, invisible ones, halves of surrogate pairs, and noncharacters (XML allows none of these).
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_HALVES = re.compile("[\ud800-\udfff]")
_BREAKS = re.compile(r"\r\n|[\t\n\r\v\f]")


def clean(text: str) -> str:
    """``text`` with U+FFFD in place of what could act on a screen or break a file; tabs and newlines stay."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def writable(text: str) -> str:
    """``text`` with U+FFFD in place of halves of surrogate pairs, which no file can hold."""
    return _HALVES.sub("\N{REPLACEMENT CHARACTER}", text)


def line(text: str) -> str:
    """``text`` as one line: clean, with a space in place of each tab and newline."""
    return clean(_BREAKS.sub(" ", text))
