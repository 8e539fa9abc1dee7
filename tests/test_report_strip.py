"""The strip of dots."""

import itertools

import pytest

from hw1bench.report.strip import RADIUS, strip


def effect(*values, median=None, interval=None):
    return {"name": "e", "unit": "", "values": list(values), "median": median, "interval": interval}


def test_dots_lie_by_value_on_a_symmetric_axis():
    found = strip(effect(-2.0, 1.0, 2.0, 0.0, median=0.5, interval=[-1.0, None]), 0)
    low, mid, high, zero = (dot.x for dot in found.dots)
    assert (low, zero, high) == (found.left, found.zero, found.right)
    assert mid == pytest.approx((found.zero + found.right) / 2)
    assert found.limit == "2.00"
    assert found.median == pytest.approx(found.zero + (found.right - found.zero) / 4)
    assert found.interval == (pytest.approx((found.left + found.zero) / 2), found.right)
    assert [dot.kind for dot in found.dots] == ["fails", "holds", "holds", "fails"]


def test_dots_that_are_not_finite_lie_apart_from_the_axis():
    found = strip(effect(1.0, None, None), 0)
    assert all(dot.x + RADIUS < found.left - RADIUS for dot in found.dots[1:])
    assert found.apart == found.dots[1].x
    assert strip(effect(1.0), 0).apart is None


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
