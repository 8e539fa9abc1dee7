"""The strip of dots."""

import itertools
import math

import pytest

from hw1bench.report.strip import RADIUS, WIDTH, strip
from sample_document import finite, not_finite


def effect(*values, median=0.0, interval=(0.0, 0.0)):
    return {
        "name": "e",
        "unit": "",
        "values": [finite(value) for value in values],
        "median": finite(median),
        "interval": [finite(end) for end in interval] if interval else None,
        "not_finite": not_finite(median, interval or (0.0, 0.0), values),
    }


def test_dots_lie_by_value_on_a_symmetric_axis():
    found = strip(effect(-2.0, 1.0, 2.0, 0.0, median=0.5, interval=(-1.0, math.inf)), 0)
    low, mid, high, zero = (dot.x for dot in found.dots)
    assert (low, zero, high) == (found.left, found.zero, found.right)
    assert mid == pytest.approx((found.zero + found.right) / 2)
    assert found.limit == "2.00"
    assert found.median == pytest.approx(found.zero + (found.right - found.zero) / 4)
    assert found.interval == (pytest.approx((found.left + found.zero) / 2), found.right)
    assert [dot.kind for dot in found.dots] == ["fails", "holds", "holds", "fails"]
    assert found.apart == {}


def test_dots_name_the_seeds_from_the_first_on_or_those_of_the_effect():
    assert [dot.text for dot in strip(effect(1.0, 2.0), 8).dots] == ["seed 8: 1.00", "seed 9: 2.00"]
    named = {**effect(1.0, 2.0), "seeds": [3, 42]}
    assert [dot.text for dot in strip(named, 0).dots] == ["seed 3: 1.00", "seed 42: 2.00"]


def test_undefined_and_infinite_dots_lie_apart_from_the_axis_and_from_each_other():
    found = strip(effect(1.0, math.nan, math.nan, -math.inf, math.inf), 3)
    _, undefined, again, below, above = found.dots
    assert [dot.kind for dot in found.dots] == ["holds", "apart", "apart", "fails", "holds"]
    assert undefined.x == again.x
    assert undefined.x + RADIUS < below.x - RADIUS
    assert below.x + RADIUS < found.left < found.right < above.x - RADIUS
    assert above.x + RADIUS < WIDTH
    assert found.apart == {"undefined": undefined.x, "-infinity": below.x, "+infinity": above.x}
    assert [dot.text for dot in found.dots] == [
        *("seed 3: 1.00", "seed 4: undefined", "seed 5: undefined", "seed 6: -infinity", "seed 7: +infinity"),
    ]
    assert [dot.text in found.text for dot in found.dots] == [True] * 5


@pytest.mark.parametrize(
    ("median", "interval", "shown", "bar"),
    [
        (math.inf, (1.0, math.inf), "right", True),
        (-math.inf, (-math.inf, 1.0), "left", True),
        (math.nan, (math.nan, 1.0), None, False),
        (0.0, None, "zero", False),
    ],
)
def test_a_median_without_a_place_has_no_tick(median, interval, shown, bar):
    found = strip(effect(1.0, -1.0, median=median, interval=interval), 0)
    assert found.median == (None if shown is None else getattr(found, shown))
    assert (found.interval is not None) == bar


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_an_effect_without_any_number_is_drawn(value):
    found = strip(effect(*[value] * 8, median=value, interval=(value, value)), 0)
    assert (len(found.dots), len(found.apart), found.limit) == (8, 1, "1.00")


@pytest.mark.parametrize("count", [8, 16, 32])
def test_dots_of_equal_value_are_stacked_so_that_each_is_seen(count):
    found = strip(effect(*[1.0] * count), 0)
    heights = sorted(dot.y for dot in found.dots)
    gaps = [after - before for before, after in itertools.pairwise(heights)]
    assert min(gaps) > 2.5
    assert heights[0] - RADIUS > 0
    assert heights[-1] + RADIUS < found.base
    assert found.height < 140


def test_dots_that_do_not_touch_lie_on_the_axis():
    found = strip(effect(-1.0, -0.5, 0.0, 0.5, 1.0), 0)
    assert len({dot.y for dot in found.dots}) == 1
