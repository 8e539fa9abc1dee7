"""What effects tell of a median alone."""

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw1bench import effects as fx
from hw1bench.effects.telling import TIE
from test_effects_told import ARMS

NAN, INF = math.nan, math.inf


RISES = "test accuracy rises with the number of parameters in 90 % of the pairs of nets; the claim needs more than 70 % of pairs"


@pytest.mark.parametrize(
    ("effect", "median", "holds", "said"),
    [
        (fx.accuracy_above(0.9, "a"), -0.1, 1, 'the training accuracy of "a" is 80 %; the claim needs more than 90 %'),
        (fx.accuracy_above(0.9, "a"), 0.05, 4, ""),  # the mean of a value above 0 and of one below
        (fx.accuracy_above(0.9, "a"), NAN, 1, ""),
        (fx.accuracy_above(0.9, "a"), -INF, 1, ""),  # the mean of minus infinity and any number
        (
            fx.reaches(1e-4, arm="a", within=8_000),
            8_000.5 - 15_001,
            1,
            'a loss of 0.0001 for "a": {}, never reached in 15,000 epochs; the claim needs 8,000 epochs or fewer',
        ),
        (
            fx.reaches(1e-4, arm="a", within=8_000),
            8_000.5 - 14_000,
            1,
            "",
        ),  # perhaps the mean of 12,999 epochs and never
        (
            fx.reaches(1e-4, arm="a", within=8_000),
            8_000.5 - 7_000,
            5,
            'a loss of 0.0001 for "a": {}, reached after 7,000 epochs; the claim needs 8,000 epochs or fewer',
        ),
        (fx.faster("a", than="b"), 1.0, 8, ""),
        (fx.not_faster("a", than="b"), TIE, 8, ""),
        (fx.in_order("a", "b", "c"), -1.0, 0, ""),
        (fx.stop_in_order("a", "b"), -0.5, 0, ""),
        (fx.stops_near(1_500, arm="a", within=0.2), -0.1, 0, ""),
        (fx.lower_loss("a", than="b"), math.log(2), 5, '"b" ends with 2 times the training loss of "a"'),
        (fx.lower_loss("a", than="b"), -math.log(2), 3, ""),  # perhaps the mean of a tie and of a factor of 4
        (fx.lower_loss("a", than="b"), 0.0, 3, fx.lower_loss("a", than="b").tell([0.0], ARMS)),
        (fx.lowest("train_loss", "a", among=("b",)), -math.log(2), 3, '"a" ends with 2 times the training loss of "b"'),
        (fx.rises("test_accuracy", over="parameters"), 0.2, 5, RISES),
        (fx.rises("test_accuracy", over="parameters"), -0.2, 3, ""),  # perhaps 30 % and two ends out of order
        (
            fx.rises("test_accuracy", over="parameters"),
            -0.7,
            0,
            "the two ends are not in order, which settles it; the claim needs more than 70 % of pairs",
        ),
        (fx.fails(fx.rises("test_accuracy", over="parameters")), 0.2, 5, ""),
        (
            fx.fails(fx.rises("test_accuracy", over="parameters")),
            -0.2,
            3,
            f"{RISES.partition('needs')[0]}needs 70 % or less of pairs",
        ),
        (
            fx.every(fx.lowest("train_loss", "a", among=("b",)), fx.highest("test_accuracy", "a", among=("b",))),
            0.1,
            5,
            "two conditions (training loss; test accuracy): {}, both met",
        ),
    ],
)
def test_the_median_alone_is_told_if_it_says_something(effect, median, holds, said):
    """Of eight seeds: the median is the mean of two."""
    told = said.format("in the median seed") if "{}" in said else f"in the median seed, {said}" if said else ""
    assert effect.tell_median(median, ARMS, holds, 8) == told


NOT_MEASURED = {
    "never": (fx.reaches(1e-4, arm="a", within=8_000), [8_000.5 - 15_001], lambda epoch: 8_000.5 - epoch, 14_999),
    "a tie": (fx.lower_loss("a", than="b"), [0.0], lambda part: (part - 7_500) / 1_000 or 1.0, 14_999),
    "ends out of order": (fx.falls("test_loss", over="lr"), [-0.7], lambda part: 0.3 - part / 15_000, 10_400),
    "the denial": (fx.fails(fx.falls("test_loss", over="lr")), [0.7], lambda part: part / 15_000 - 0.3, 10_400),
    "the stop": (
        fx.stops_near(9_000, arm="a", within=0.2),
        [0.2 - 6_001 / 9_000],
        lambda part: 0.2 - part / 9_000,
        5_999,
    ),
}


@pytest.mark.parametrize("which", NOT_MEASURED)
@settings(max_examples=200, deadline=None)
@given(data=st.data(), seeds=st.sampled_from([2, 8]), silent=st.integers(0, 8))
def test_a_median_that_mixes_a_measurement_with_none_is_not_told(which, data, seeds, silent):
    effect, stand_ins, measured, most = NOT_MEASURED[which]
    parts = data.draw(st.lists(st.integers(1, most), min_size=max(seeds - silent, 0), max_size=max(seeds - silent, 0)))
    values = sorted([*map(measured, parts), *stand_ins * min(silent, seeds)])
    middle = values[seeds // 2 - 1 : seeds // 2 + 1]
    said = effect.tell_median(statistics.mean(middle), ARMS, sum(value > 0 for value in values), seeds)
    assert not said or middle[0] == middle[1] or not set(middle) & set(stand_ins)
