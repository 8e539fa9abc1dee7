"""Text in a chart: its size, its room, and numbers as readers write them."""

import math
from collections.abc import Sequence
from functools import cache
from itertools import takewhile

SIZE = 12.0
"""Points of all text, the smallest of a chart. A chart is ``WIDTH`` points wide and as many pixels on a page of 1,280 pixels, so
that one point is one pixel there."""
TITLE_SIZE = 13.0
WIDTH = 334.8
LINE = 15.0
"""From one line of text to the next, points."""
INK, FAINT = "#333333", "#595959"
"""The colours of text: what names things, and what explains them. Both are readable on white (7 to 1 and more)."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@cache
def width(text: str, size: float = SIZE) -> float:
    """How wide a line of ``text`` is, in points."""
    # Imported here because the arrays of charts, whose names are shortened by a function below, are read without it.
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    return float(text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0])


def wrapped(text: str, room: float, size: float = SIZE) -> list[str]:
    """``text`` in lines of at most ``room`` points, broken between words and at its own line breaks. A longer word has a line
    of its own."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if line and width(longer, size) > room:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def without_shared(names: Sequence[str]) -> list[str]:
    """``names`` without the parts, up to a comma, with which all of them begin: 'sinc, 7 layers' and 'sinc, 1 layer' as
    '7 layers' and '1 layer'. A single name stays as it is."""
    parts = [name.split(", ") for name in names]
    if len(parts) < 2 or len(set(names)) < len(names):
        return list(names)
    shared = sum(1 for _ in takewhile(lambda same: len(set(same)) == 1, zip(*parts, strict=False)))
    shared = min(shared, min(map(len, parts)) - 1)
    return [", ".join(part[shared:]) for part in parts]


def power(value: float) -> str:
    """A power of ten as '10⁻⁶', and 1 and 10 as they are; another number as ``plain``."""
    exponent = round(math.log10(value))
    if exponent in (0, 1) or not math.isclose(value, 10.0**exponent):
        return plain(value)
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}"


def plain(value: float) -> str:
    """A number on an axis: '15,000', '0.05'; a power of ten beyond four digits as '10⁻⁶'."""
    if value and math.isfinite(value) and not 1e-4 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.2e}".split("e")
        factor = f"{float(mantissa):g}"
        power = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
        return power if factor == "1" else f"{factor}·{power}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}".replace("-", "−")
