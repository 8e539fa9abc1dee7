"""How large a figure is, from its file alone."""

import io
import math
import re
from collections.abc import Mapping
from xml.etree import ElementTree

_PNG = b"\x89PNG\r\n\x1a\n"
_LENGTH = re.compile(r"([0-9]{0,9}\.?[0-9]{1,9}(?:[eE][-+]?[0-9]{1,3})?)(px|pt|pc|in|cm|mm|)")
_PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4}
"""Unit -> CSS pixels."""
_HEAD = 2**16  # bytes in which the root element of an SVG begins
_MOST = 100_000.0  # pixels: a larger figure is none


def size(content: bytes) -> tuple[int, int] | None:
    """Width and height of the SVG or PNG in ``content``, in CSS pixels; None if it does not say them.

    A PNG says them in its header. An SVG says them by ``width`` and ``height``, and where one is missing or relative, such as
    100 %, by the shape of its ``viewBox`` (SVG 2, sections 8.2 and 8.9).
    """
    if content.startswith(_PNG):
        # After the signature come the length and the name of the first chunk, which is IHDR: PNG specification, 11.2.1.
        if len(content) < 24 or content[12:16] != b"IHDR":
            return None
        return _whole(float(int.from_bytes(content[16:20])), float(int.from_bytes(content[20:24])))
    try:
        _, root = next(ElementTree.iterparse(io.BytesIO(content[:_HEAD]), events=("start",)))
    except (ElementTree.ParseError, StopIteration, LookupError, ValueError):  # not XML, empty, an unknown encoding
        return None
    return _of_svg(root.attrib) if root.tag in ("svg", "{http://www.w3.org/2000/svg}svg") else None


def _of_svg(attributes: Mapping[str, str]) -> tuple[int, int] | None:
    width, height = (_pixels(attributes.get(name, "")) for name in ("width", "height"))
    box = [_pixels(part) for part in re.split(r"[\s,]+", attributes.get("viewBox", "").strip())[2:]]
    if (width is None or height is None) and len(box) == 2:
        across, up = box
        if across is not None and up is not None:
            shape = across / up
            if width is None:
                width = across if height is None else height * shape
            if height is None:
                height = width / shape
    return None if width is None or height is None else _whole(width, height)


def _pixels(length: str) -> float | None:
    """A length above 0 in pixels; None for one that is relative, or none at all."""
    found = _LENGTH.fullmatch(length.strip())
    pixels = float(found[1]) * _PIXELS[found[2]] if found else 0.0
    return pixels if 0 < pixels < math.inf else None


def _whole(width: float, height: float) -> tuple[int, int] | None:
    if not (0 < width <= _MOST and 0 < height <= _MOST):
        return None
    return max(1, round(width)), max(1, round(height))
