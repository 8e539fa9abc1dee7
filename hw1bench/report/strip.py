"""The layout of a claim's dots: one per seed for its effect, on a symmetric axis around zero."""

import math
from dataclasses import dataclass

from hw1bench.report.contract import Effect, measured
from hw1bench.report.quantities import number, quantity

WIDTH = 340
RADIUS = 4.0
_MARGIN = 12  # to the left and right of the axis, so that its end labels fit
_APART = {
    "undefined": 56,
    "-infinity": 50,
    "+infinity": 50,
}  # the width of the dots that are not finite, beside the axis
_STEP = 2 * RADIUS + 1  # between dots of one stack
_TALLEST = 84  # of a stack; taller ones overlap like coins


@dataclass(frozen=True)
class Dot:
    """One seed: the centre of its dot (pixels), 'holds', 'fails' or 'apart' (undefined), and its label."""

    x: float
    y: float
    kind: str
    text: str


@dataclass(frozen=True)
class Strip:
    """A drawing of width x height pixels; ``base`` is the y of the axis, which ends at +-``limit`` effect units.

    ``apart`` holds the x of each stack beside the axis: 'undefined' and '-infinity' on its left, '+infinity' on its right.
    """

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
    apart: dict[str, float]
    text: str


def strip(effect: Effect, first_seed: int) -> Strip:
    """Lay out a claim's effect; ``first_seed`` is the seed of the first value (the session's offset), if the effect does not
    name its seeds."""
    found = measured(effect)
    seeds = effect.get("seeds") or range(first_seed, first_seed + len(effect["values"]))
    values = [found[str(index)] for index in range(len(effect["values"]))]
    limit = max((abs(value) for value in values if math.isfinite(value)), default=0.0) or 1.0
    left, right, apart = _columns({number(value) for value in values if not math.isfinite(value)})

    def across(value: float) -> float:
        clipped = max(-limit, min(limit, value))
        return round((left + right) / 2 + clipped / limit * (right - left) / 2, 1)

    places = [across(value) if math.isfinite(value) else apart[number(value)] for value in values]
    levels = _stack(places)
    step = min(_STEP, _TALLEST / max(*levels, 1))
    base = round(max(levels, default=0) * step + 2 * RADIUS + 4, 1)
    dots = tuple(
        Dot(
            x,
            round(base - RADIUS - 3 - level * step, 1),
            _kind(value),
            f"seed {seed}: {quantity(value, effect['unit'])}",
        )
        for seed, x, level, value in zip(seeds, places, levels, values, strict=True)
    )
    ends = [found[end] for end in ("low", "high") if end in found]
    return Strip(
        width=WIDTH,
        height=base + 43,
        left=left,
        right=right,
        zero=(left + right) / 2,
        base=base,
        limit=number(limit),
        dots=dots,
        median=None if math.isnan(found["median"]) else across(found["median"]),
        interval=None if not ends or any(map(math.isnan, ends)) else (across(ends[0]), across(ends[1])),
        apart=apart,
        text=f"Effect per seed ({effect['unit'] or 'no unit'}): " + "; ".join(dot.text for dot in dots),
    )


def _columns(kinds: set[str]) -> tuple[float, float, dict[str, float]]:
    """The ends of the axis, and the x of the stack of each of ``kinds`` beside it."""
    left, right = float(_MARGIN), float(WIDTH - _MARGIN)
    apart: dict[str, float] = {}
    for kind in ("undefined", "-infinity"):
        if kind in kinds:
            apart[kind] = left + _APART[kind] / 2 - _MARGIN / 2
            left += _APART[kind]
    if "+infinity" in kinds:
        apart["+infinity"] = right - _APART["+infinity"] / 2 + _MARGIN / 2
        right -= _APART["+infinity"]
    return left, right, apart


def _stack(places: list[float]) -> list[int]:
    """The level of each dot: the lowest at which it touches no dot before it."""
    levels = [0] * len(places)
    last: list[float] = []  # for each level, the place of its rightmost dot
    for index in sorted(range(len(places)), key=places.__getitem__):
        free = (level for level, place in enumerate(last) if places[index] - place >= 2 * RADIUS)
        levels[index] = next(free, len(last))
        last[levels[index] : levels[index] + 1] = [places[index]]
    return levels


def _kind(value: float) -> str:
    if math.isnan(value):
        return "apart"
    return "holds" if value > 0 else "fails"
