"""Where the dots of a claim go: one for every seed's effect, on a symmetric axis around zero."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hw1bench.report.words import number

WIDTH = 340
RADIUS = 4.0
_MARGIN = 12  # to the left and right of the axis, so that its end labels fit
_APART = 44  # what the dots without a finite value take, left of the axis
_STEP = 2 * RADIUS + 1  # between dots of one stack
_TALLEST = 84  # of a stack; taller ones overlap like coins


@dataclass(frozen=True)
class Dot:
    """One seed: its centre (pixels), 'holds', 'fails' or 'apart' (not finite), and what a reader is told of it."""

    x: float
    y: float
    kind: str
    text: str


@dataclass(frozen=True)
class Strip:
    """A drawing of width x height pixels; `base` is the y of the axis, which ends at +-`limit` effect units."""

    width: int
    height: float
    left: float
    right: float
    zero: float
    base: float
    limit: str
    dots: tuple[Dot, ...]
    median: float | None
    interval: tuple[float, float] | None
    apart: float | None
    text: str


def strip(effect: Mapping[str, Any], first_seed: int) -> Strip:
    """Lay out a claim's effect; `first_seed` is the seed of the first value (the session's offset)."""
    values: list[float | None] = effect["values"]
    finite = [value for value in values if value is not None]
    median = effect["median"]
    limit = max(map(abs, finite), default=0.0) or 1.0
    left = float(_MARGIN + (_APART if len(finite) < len(values) else 0))
    right = float(WIDTH - _MARGIN)

    def across(value: float) -> float:
        clipped = max(-limit, min(limit, value))
        return round((left + right) / 2 + clipped / limit * (right - left) / 2, 1)

    places = [_MARGIN + 12.0 if value is None else across(value) for value in values]
    levels = _stack(places)
    step = min(_STEP, _TALLEST / max(*levels, 1))
    base = round(max(levels, default=0) * step + 2 * RADIUS + 4, 1)
    dots = tuple(
        Dot(x, round(base - RADIUS - 3 - level * step, 1), _kind(value), _text(first_seed + index, value, effect))
        for index, (x, level, value) in enumerate(zip(places, levels, values, strict=True))
    )
    bounds = effect["interval"]
    interval = None
    if bounds is not None:
        low, high = bounds
        interval = (left if low is None else across(low), right if high is None else across(high))
    return Strip(
        width=WIDTH,
        height=base + 32,
        left=left,
        right=right,
        zero=(left + right) / 2,
        base=base,
        limit=number(limit),
        dots=dots,
        median=None if median is None else across(median),
        interval=interval,
        apart=None if len(finite) == len(values) else _MARGIN + 12.0,
        text=f"Effect of each seed ({effect['unit'] or 'no unit'}): " + "; ".join(dot.text for dot in dots),
    )


def _stack(places: list[float]) -> list[int]:
    """The level of each dot: the lowest at which it touches none of those before it."""
    levels = [0] * len(places)
    last: list[float] = []  # of each level, the place of its dot that lies farthest to the right
    for index in sorted(range(len(places)), key=places.__getitem__):
        free = (level for level, place in enumerate(last) if places[index] - place >= 2 * RADIUS)
        levels[index] = next(free, len(last))
        last[levels[index] : levels[index] + 1] = [places[index]]
    return levels


def _kind(value: float | None) -> str:
    if value is None:
        return "apart"
    return "holds" if value > 0 else "fails"


def _text(seed: int, value: float | None, effect: Mapping[str, Any]) -> str:
    return f"seed {seed}: " + ("not finite" if value is None else f"{number(value)} {effect['unit']}".strip())
