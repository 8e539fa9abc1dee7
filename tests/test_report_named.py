"""The numbers that claims name, read from their effects."""

from dataclasses import replace

import pytest

import made_court
from hw1bench import Claim, effects
from hw1bench.effects import OfVariance
from hw1bench.report.charts.mark import Mark
from hw1bench.report.named import _MARKS, marks


def of(effect):
    return marks(
        [Claim("T-a", report="T", where="x", says="It is so.", experiment=made_court.EXPERIMENT, effect=effect)]
    )


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (effects.reaches(1e-4, arm="a", within=8000), [Mark("train_loss", x=8000.0, y=1e-4, arm="a")]),
        (effects.never_reaches(1e-4, arm="a"), [Mark("train_loss", y=1e-4)]),
        (effects.loss_above(0.5, "a"), [Mark("train_loss", y=0.5)]),
        (effects.approximates(0.05, arm="a"), [Mark("train_loss", y=0.05, of_variance=True)]),
        (
            effects.reaches_near(1e-4, arm="a", reported=9000, within=0.2),
            [Mark("train_loss", y=1e-4), Mark("train_loss", x=9000.0, y=1e-4, arm="a", claimed=True)],
        ),
        (
            effects.stops_near(1500, arm="a", within=0.2),
            [Mark("stop", x=1500.0, arm="a", within=0.2, claimed=True)],
        ),
        (
            effects.faster("a", than="b", within=2500),
            [Mark("train_loss", y=0.1, of_variance=True), Mark("epoch", x=2500.0)],
        ),
        (effects.in_order("a", "b", to=1e-4), [Mark("train_loss", y=1e-4)]),
        (effects.not_faster("a", than="b", to=OfVariance(0.2)), [Mark("train_loss", y=0.2, of_variance=True)]),
        (effects.accuracy_above(0.99, "a"), [Mark("train_accuracy", y=0.99)]),
        (effects.below_on_test(0.1, "a"), [Mark("test_accuracy", y=0.1)]),
        (
            effects.near("test_accuracy", 0.98, arm="a", within=0.005),
            [Mark("test_accuracy", y=0.98, arm="a", within=0.005, claimed=True)],
        ),
        (effects.highest("test_accuracy", "a", among=["b"]), [Mark("test_accuracy", arm="a")]),
        (effects.flattest("a", among=["b"]), [Mark("epoch", span=(0.0, 0.5), of_budget=True)]),
        (
            effects.norm_settles("a", share=0.1),
            [Mark("epoch", span=(0.0, 0.1), of_budget=True), Mark("epoch", span=(0.9, 1.0), of_budget=True)],
        ),
        (
            effects.plateaus("test_accuracy", arm="a", after=0.5, within=0.01),
            [Mark("epoch", span=(0.5, 1.0), of_budget=True)],
        ),
        (
            effects.peaks_near(0.5, "test", "a", "b", within=0.25),
            [Mark("alpha", x=0.5), Mark("alpha", span=(0.25, 0.75))],
        ),
        (effects.pure_is_best("a", "b", share=0.25), [Mark("alpha", span=(0.25, 0.75))]),
        (effects.barrier_above(0.02, "a", "b"), [Mark("barrier", y=0.02)]),
        (effects.lower_loss("a", than="b"), []),
        (effects.norm_never_zero("a"), []),
        (effects.norm_calms_at_stop("a"), [Mark("rule", arm="a")]),
    ],
)
def test_an_effect_names_its_numbers(effect, expected):
    assert list(of(effect)) == expected


def test_every_name_in_the_table_is_a_constructor_of_effects():
    assert {name for name in _MARKS if not callable(getattr(effects, name, None))} == set()


def test_parts_of_an_effect_name_theirs_and_equal_marks_are_one():
    below, above = effects.never_reaches(1e-4, arm="a"), effects.accuracy_above(0.99, "a")
    assert of(effects.every(below, effects.fails(above), below)) == (
        Mark("train_loss", y=1e-4),
        Mark("train_accuracy", y=0.99),
    )


def test_an_effect_made_by_hand_and_a_count_name_nothing():
    assert of(replace(effects.never_reaches(1e-4, arm="a"), name="mine")) == ()
