"""Effects on the line between two arms: values by hand, ties, decimal alphas, losses that are not finite, opposites."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import ARM
from hw1bench import effects as fx
from hw1bench.effects import IN_ORDER
from hw1bench.effects.telling import ON_BOUND
from hw1bench.measures.line import grid
from hw1bench.records.runs import Result, Run
from hw1bench.specs.measurement import Interpolation

ENDS = ("p", "q")
TENTHS = np.arange(-10, 11) * 0.1  # 0.30000000000000004 and its like among them
EVEN = np.linspace(-1, 1, 21)  # other decimals: -0.09999999999999998
FEW = (-1.0, 0.0, 0.5, 1.0, 2.0)


def line(alphas, arms=ENDS, **mixed):
    """The arms "p" and "q", with the line of ``arms`` measured: ``mixed`` is the name of a value -> one number per alpha."""
    arrays = {
        "alphas": np.array(alphas),
        **{f"mixed_{name}": np.array(values, float) for name, values in mixed.items()},
    }
    assert all(len(values) == len(alphas) for values in arrays.values())
    result = Result(Interpolation(first=arms[0], second=arms[1], alphas=(0, 1)), arms, arrays)
    return {name: Run(replace(ARM, name=name), 0, {"train_loss": np.ones(2)}, {}, (result,)) for name in ENDS}


def at(alphas, elsewhere, **values):
    """``elsewhere`` at all ``alphas`` except named ones, such as ``a03=1`` for alpha 0.3 and ``b03=1`` for alpha -0.3."""
    found = np.full(len(alphas), float(elsewhere))
    for name, value in values.items():
        found[np.argmin(np.abs(alphas - (1 if name[0] == "a" else -1) * int(name[1:]) / 10))] = value
    return found


def between(accuracies, losses):
    """A line on which only the alphas from 0 to 1 have these values."""
    return line((-0.5, 0.0, 0.25, 0.5, 1.0, 1.5), test_accuracy=[9, *accuracies, 9], test_loss=[-9, *losses, -9])


PURE = fx.pure_is_best(*ENDS)
MIDDLE = fx.best_within(0.4, 0.5, *ENDS)
WORSE = fx.every(
    fx.falls_along(("test_accuracy",), *ENDS, over=((0, 1),)), fx.rises_along(("test_loss",), *ENDS, over=((0, 1),))
)
HALF, HALF_TRAIN = (fx.peaks_near(0.5, split, *ENDS, within=0.15) for split in ("test", "train"))
BARRIER = fx.barrier_above(0.02, *ENDS)
FALLS = fx.falls_along(("train_loss", "test_loss"), *ENDS, over=((-1, 0), (0, 0.5)))
RISES = fx.rises_along(("test_loss",), *ENDS, over=((1, 2),))
TO_HALF = (-1.0, -0.5, 0.0, 0.25, 0.5, 1.0)
BEYOND = (0.0, 1.0, 1.25, 1.5, 1.75, 2.0)
CASES = {
    "pure is best": (PURE, line(TENTHS, test_accuracy=at(TENTHS, 0.5, a00=0.9, a04=0.7, a08=0.8)), 0.1),
    "pure, near the ends and beyond is no mixture": (
        PURE,
        line(TENTHS, test_accuracy=at(TENTHS, 0.5, a00=0.9, a01=1, a09=1, a10=1, b05=1, b10=1)),
        0.4,
    ),
    "pure, a tie": (PURE, line(TENTHS, test_accuracy=at(TENTHS, 0.5, a00=0.9, a06=0.9)), 0),
    "pure, a mixture by another share": (
        fx.pure_is_best(*ENDS, share=0.1),
        line(TENTHS, test_accuracy=at(TENTHS, 0.5, a00=0.9, a09=1)),
        -0.1,
    ),
    **{
        f"pure, beaten at {where}, {name}": (PURE, line(alphas, test_accuracy=at(alphas, 0.5, **{where: 0.7})), -0.2)
        for where in ("a02", "a08", "a03")
        for name, alphas in (("tenths", TENTHS), ("even", EVEN), ("grid", grid(-1, 1, 21)))
    },
    "middle": (MIDDLE, line(TENTHS, train_accuracy=at(TENTHS, 0.5, a04=0.9, a03=0.8)), 0.1),
    "middle at its upper bound": (MIDDLE, line(TENTHS, train_accuracy=at(TENTHS, 0.5, a05=0.9, a06=0.8)), 0.1),
    "middle at its lower bound, even": (MIDDLE, line(EVEN, train_accuracy=at(EVEN, 0.5, a04=0.9)), 0.4),
    "middle, an end is better": (MIDDLE, line(TENTHS, train_accuracy=at(TENTHS, 0.5, a05=0.8, a00=0.9)), -0.1),
    "middle, beside it is better": (MIDDLE, line(TENTHS, train_accuracy=at(TENTHS, 0.5, a05=0.8, a03=0.9)), -0.1),
    "middle, a tie": (MIDDLE, line(TENTHS, train_accuracy=at(TENTHS, 0.5, a05=0.9, b07=0.9)), 0),
    "worse in both": (WORSE, between([0.9, 0.8, 0.7, 0.6], [1, 2, 3, 4]), 1 - IN_ORDER),
    "worse, the smaller of the two": (WORSE, between([0.9, 0.8, 0.7, 0.6], [1, 3, 2, 4]), 5 / 6 - IN_ORDER),
    "worse at the ends only": (WORSE, between([0.9, 0.1, 0.2, 0.6], [1, 2, 3, 4]), 3 / 6 - IN_ORDER),
    "worse in accuracy only": (WORSE, between([0.9, 0.8, 0.7, 0.6], [4, 3, 2, 1]), -IN_ORDER),
    "worse by divergence": (WORSE, between([0.9, 0.8, 0.7, 0.1], [1, 2, 3, np.nan]), 1 - IN_ORDER),
    "worse, all diverged": (WORSE, between([0.9, 0.8, 0.7, 0.6], [np.nan, np.inf, np.inf, np.nan]), math.nan),
    "peak at half": (HALF, line(TENTHS, test_accuracy=at(TENTHS, 0.5, a05=0.9)), 0.15),
    "peak beside it": (HALF, line(TENTHS, test_accuracy=at(TENTHS, 0.5, a04=0.9)), 0.05),
    "peak too far": (HALF, line(TENTHS, test_accuracy=at(TENTHS, 0.5, a03=0.9)), -0.05),
    "peak, two equal ends with a dip between": (HALF, line(TENTHS, test_accuracy=at(TENTHS, 0.5, a00=0.9, a10=0.9)), -0.35),
    "peak, of a tie the farthest": (HALF, line(TENTHS, test_accuracy=at(TENTHS, 0.5, a04=0.9, a05=0.9, a06=0.9)), 0.05),
    "peak, ties to one side": (HALF, line(TENTHS, test_accuracy=at(TENTHS, 0.5, a00=0.9, a04=0.9, a05=0.9)), -0.35),
    "peak, undefined": (HALF, line(FEW, test_accuracy=[0, 1, np.nan, 1, 0]), math.nan),
    "peak, all tie": (HALF, line(FEW, test_accuracy=np.ones(5)), math.nan),
    "peak exactly as near as allowed": (HALF, line((0.0, 0.35, 1.0), test_accuracy=[0, 1, 0]), ON_BOUND),
    "peak of training": (HALF_TRAIN, line(FEW, train_accuracy=[0, 0, 0, 0, 1], test_accuracy=[0, 0, 1, 0, 0]), -1.35),
    "falls": (FALLS, line(TO_HALF, train_loss=[9, 4, 3, 2, 1, 9], test_loss=[8, 7, 6, 5, 4, 9]), 1 - IN_ORDER),
    "falls, one loss not": (FALLS, line(TO_HALF, train_loss=[9, 4, 3, 2, 1, 9], test_loss=[8, 7, 6, 5, 5, 9]), 2 / 3 - IN_ORDER),
    "falls, one span not": (FALLS, line(TO_HALF, train_loss=[1, 2, 3, 2, 1, 0], test_loss=[8, 7, 6, 5, 4, 3]), -IN_ORDER),
    "falls from infinity": (
        FALLS,
        line(TO_HALF, train_loss=[np.nan, 4, 3, 2, 1, 9], test_loss=[np.inf, 7, 6, 5, 4, 9]),
        1 - IN_ORDER,
    ),
    "falls, infinities tie": (
        FALLS,
        line(TO_HALF, train_loss=[np.nan, np.inf, 3, 2, 1, 9], test_loss=[8, 7, 6, 5, 4, 9]),
        2 / 3 - IN_ORDER,
    ),
    "rises": (RISES, line(BEYOND, test_loss=[9, 1, 2, 3, 4, 5]), 1 - IN_ORDER),
    "rises by enough pairs": (RISES, line(BEYOND, test_loss=[9, 1, 2, 3, 5, 4]), 0.9 - IN_ORDER),
    "rises to infinity": (RISES, line(BEYOND, test_loss=[9, 1, 2, 3, 4, -np.inf]), 1 - IN_ORDER),
    "accuracy falls": (
        fx.falls_along(("test_accuracy", "train_accuracy"), *ENDS, over=((1, 2),)),
        line(BEYOND, test_accuracy=[0, 5, 4, 3, 2, 1], train_accuracy=[0, 5, 4, 3, 2, 2]),
        0.9 - IN_ORDER,
    ),
    "barrier": (BARRIER, line(FEW, test_accuracy=[0, 0.9, 0.5, 0.8, 0]), 0.33),
    "barrier, the highest inside": (BARRIER, line(TENTHS, test_accuracy=at(TENTHS, 0.9, a04=0.7, a06=0.6, b05=0)), 0.28),
    "barrier of exactly 2 points": (BARRIER, line(FEW, test_accuracy=[0, 0.9, 0.83, 0.8, 0]), ON_BOUND),
    "barrier of 3 points": (BARRIER, line(FEW, test_accuracy=[0, 0.9, 0.82, 0.8, 0]), 0.01),
    "no barrier": (BARRIER, line(FEW, test_accuracy=[0, 0.9, 0.95, 0.8, 0]), -0.12),
    "barrier, undefined": (BARRIER, line(FEW, test_accuracy=[0, 0.9, np.nan, 0.8, 0]), math.nan),
}  # fmt: skip


@pytest.mark.parametrize(("effect", "trained", "expected"), CASES.values(), ids=CASES)
def test_effects(effect, trained, expected):
    found = effect(trained)
    assert found == pytest.approx(expected, nan_ok=True)
    if expected in (0, ON_BOUND):
        assert found == expected  # a tie does not hold, and what is on its bound is none: no rounding may change that


@pytest.mark.parametrize("case", CASES)
def test_comparisons_and_orders_declare_an_opposite_and_tolerances_do_not(case):
    effect = CASES[case][0]
    assert (effect.opposite is not None) == case.startswith(("worse", "falls", "rises", "accuracy"))
    assert effect.arms == ENDS


OPPOSITES = {
    "better in both": (WORSE, between([0.6, 0.7, 0.8, 0.9], [4, 3, 2, 1]), 1 - IN_ORDER),
    "better in accuracy only": (WORSE, between([0.6, 0.7, 0.8, 0.9], [1, 2, 3, 4]), -IN_ORDER),
    "all diverged": (WORSE, between([0.6, 0.7, 0.8, 0.9], [np.nan, np.inf, np.inf, np.nan]), math.nan),
    "both rise on both": (FALLS, line(TO_HALF, train_loss=[1, 2, 3, 4, 5, 0], test_loss=[1, 2, 3, 4, 5, 0]), 1 - IN_ORDER),
    "one falls on one": (FALLS, line(TO_HALF, train_loss=[1, 2, 3, 4, 5, 0], test_loss=[3, 2, 1, 4, 5, 0]), -IN_ORDER),
    "it falls": (RISES, line(BEYOND, test_loss=[9, 5, 4, 3, 2, 1]), 1 - IN_ORDER),
}  # fmt: skip


def reversal(effect):
    """The opposite of ``effect``, computed as the court does."""
    return fx.Effect("", "", effect.opposite)


@pytest.mark.parametrize(("effect", "trained", "expected"), OPPOSITES.values(), ids=OPPOSITES)
def test_opposites(effect, trained, expected):
    assert reversal(effect)(trained) == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.9, np.nan]), min_size=5, max_size=5))
def test_an_effect_and_its_opposite_never_both_hold(values):
    alphas = [-1.0, 0.0, 0.25, 0.5, 1.0]
    trained = line(alphas, train_loss=values, test_loss=values, test_accuracy=np.nan_to_num(values))
    for effect in (WORSE, fx.falls_along(("train_loss", "test_loss"), *ENDS, over=((0, 1),))):
        assert not (effect(trained) > 0 and reversal(effect)(trained) > 0)


@pytest.mark.parametrize("effect", [PURE, MIDDLE, WORSE, HALF, BARRIER, FALLS, RISES], ids=lambda effect: effect.name)
def test_the_line_must_be_measured_from_the_first_arm_to_the_second(effect):
    for arms in (ENDS[::-1], ("p", "r")):
        with pytest.raises(
            ValueError, match="arms 'p' and 'q' have no result of Interpolation: add such a measurement"
        ):
            effect(line(TENTHS, arms, test_accuracy=TENTHS))
