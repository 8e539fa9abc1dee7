"""Effects on the minimal ratio: values by hand, points that are left out, ties, opposites."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from cases import ARM
from hw1bench import effects as fx
from hw1bench.effects import IN_ORDER
from hw1bench.records.runs import Result, Run
from hw1bench.specs.measurement import MinimalRatio

POSITIVE, FALLS = fx.mostly_positive(), fx.ratio_falls_with_loss()


def points(*rows):
    """A seed with a point for each of ``rows``: its shares of eigenvalues above and below 1e-6 of the largest, its loss, and
    whether it was reached. The shares at the other tolerances would give the opposite."""
    found = {}
    for above, below, loss, *reached in rows:
        name = f"point {len(found)}"
        arrays = {
            "above": np.array([1 - above, above, 1 - above]),
            "below": np.array([1 - below, below, 1 - below]),
            "stationary_loss": np.float64(loss),
            "reached": np.bool_(not reached or reached[0]),
        }
        found[name] = Run(replace(ARM, name=name), 0, {}, {}, (Result(MinimalRatio(), (name,), arrays),))
    return found


def ordered(*ratios):
    """Points with these ratios, each with a higher loss than the one before."""
    return points(*((ratio, 0.1, loss) for loss, ratio in enumerate(ratios)))


ROUNDED = [(0.3, 0.2, 1), (0.4, 0.2, 1), (0.1, 0.4, 1)]  # in floating point 0.1 + 0.2 - 0.3 is above 0
LEFT_OUT = (0.0, 1.0, 99.0, False)  # it would turn any of the effects around
CASES = {
    "positive": (POSITIVE, points(*[(0.5, 0.25, 1)] * 7), 0.25),
    "positive, a mean": (POSITIVE, points(*[(0.5, 0.25, 1)] * 4, *[(0, 0.5, 1)] * 4), -0.125),
    "positive, a tie": (POSITIVE, points(*[(0.5, 0.5, 1)] * 7), 0),
    "positive, a tie by rounding": (POSITIVE, points(*ROUNDED, *[(0.5, 0.5, 1)] * 4), 0),
    "positive, points left out": (POSITIVE, points(*[(0.5, 0.25, 1)] * 7, *[LEFT_OUT] * 6), 0.25),
    "positive, too few left": (POSITIVE, points(*[(0.5, 0.25, 1)] * 6, *[LEFT_OUT] * 7), math.nan),
    "falls": (FALLS, ordered(0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1), 1 - IN_ORDER),
    "falls by most pairs": (FALLS, ordered(0.7, 0.6, 0.5, 0.4, 0.1, 0.2, 0.3), 18 / 21 - IN_ORDER),
    "rises": (FALLS, ordered(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), -IN_ORDER),
    "falls, ties in the ratio": (FALLS, ordered(*[0.7] * 4, 0.3, 0.2, 0.1), 15 / 21 - IN_ORDER),
    "falls, one ratio": (FALLS, ordered(*[0.5] * 7), math.nan),
    "falls, ties in the loss": (FALLS, points(*[(0.1 * k, 0, 1) for k in range(7)]), math.nan),
    "falls, points left out": (FALLS, ordered(*np.linspace(1, 0, 7)) | {"x": points(LEFT_OUT)["point 0"]}, 1 - IN_ORDER),
    "falls, too few left": (FALLS, ordered(0.6, 0.5, 0.4, 0.3, 0.2, 0.1), math.nan),
    "falls, none left": (FALLS, points(*[LEFT_OUT] * 13), math.nan),
}  # fmt: skip


@pytest.mark.parametrize(("effect", "trained", "expected"), CASES.values(), ids=CASES)
def test_effects(effect, trained, expected):
    found = effect(trained)
    assert found == pytest.approx(expected, nan_ok=True)
    if expected == 0:
        assert found == 0  # a tie does not hold: no rounding may lift it


def test_the_opposite_is_more_negative_than_positive():
    assert POSITIVE.opposite(points(*[(0.25, 0.5, 1)] * 7)) == 0.25
    assert FALLS.opposite(ordered(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)) == pytest.approx(1 - IN_ORDER)


@pytest.mark.parametrize("case", [case for case in CASES if case.endswith(("few left", "none left"))])
def test_with_too_few_points_the_opposite_does_not_hold_either(case):
    effect, trained, _ = CASES[case]
    assert math.isnan(effect.opposite(trained))


@pytest.mark.parametrize("effect", [POSITIVE, FALLS], ids=["positive", "falls"])
def test_all_points_are_read_and_must_be_measured(effect):
    assert effect.arms is None
    unmeasured = points(*[(0.5, 0.25, 1)] * 7) | {
        "net": Run(replace(ARM, name="net"), 0, {"train_loss": np.ones(2)}, {})
    }
    with pytest.raises(ValueError, match="arm 'net' has no result of MinimalRatio: add such a measurement to"):
        effect(unmeasured)


SHARES = st.floats(0, 1).map(lambda value: round(value, 2))
ROWS = st.lists(st.tuples(SHARES, SHARES, st.integers(0, 9), st.booleans()), min_size=7, max_size=13)


@given(ROWS)
def test_only_points_that_were_reached_count(rows):
    reached = [row for row in rows if row[3]]
    found = POSITIVE(points(*rows)), FALLS(points(*rows))
    if len(reached) < 7:
        assert all(map(math.isnan, found))
    else:
        shares = [above - below for above, below, *_ in reached]
        order = reference.order_margin([-above for above, *_ in reached], [loss for _, _, loss, _ in reached], IN_ORDER)
        assert found == pytest.approx((sum(shares) / len(shares), order), nan_ok=True)


@pytest.mark.parametrize("effect", [POSITIVE, FALLS], ids=["positive", "falls"])
@given(rows=ROWS)
def test_an_effect_and_its_opposite_never_both_hold(effect, rows):
    trained = points(*rows)
    assert not (effect(trained) > 0 and effect.opposite(trained) > 0)
