"""Numbers in effects that may be assumed: which they are, what else is tried for each, and effects made again with it."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench import effects as fx
from hw1bench.effects.assumed import ASSUMED, NAMED, Number, argument_names, numbers, shown
from test_effects_arguments import CONSTRUCTORS, arguments, make


def others(effect):
    """Number -> the texts of its other values, of the rule."""
    return {str(number): [shown(values) for values in rule(*number.values)] for number, rule in numbers(effect).items()}


def is_number(value):
    return isinstance(value, int | float) or (isinstance(value, tuple) and bool(value) and is_number(value[0]))


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_each_number_of_each_constructor_is_either_assumed_or_named_by_the_sentence(name):
    _, given = arguments(name)
    known = {argument for names in ASSUMED.get(name, {}) for argument in names if argument != "history"}
    assert not known & set(NAMED.get(name, ()))
    found = {argument for argument, value in given.items() if is_number(value)}
    assert found == known | set(NAMED.get(name, ())), "add it to ASSUMED or NAMED in effects/assumed.py"


def test_the_tables_name_constructors_only():
    assert {*ASSUMED, *NAMED} <= set(CONSTRUCTORS)


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (fx.never_reaches(3e-4, arm="a"), {"threshold 0.0003": ["0.0001", "0.0009"]}),
        (fx.faster("a", than="b", to=0.03), {"loss 0.03": ["0.01", "0.09"]}),
        (
            fx.faster("a", than="b"),
            {
                "loss 10 % of the target's variance": [
                    "3.33 % of the target's variance",
                    "30 % of the target's variance",
                ]
            },
        ),
        (fx.near("test_loss", 2.0, arm="a", within=0.2), {"within 0.2": ["0.1", "0.4"]}),
        (fx.norm_falls_late("a", blocks=10), {"blocks 10": ["5", "20"]}),
        (fx.falls_over_epochs("train_loss", arm="a"), {}),
        (fx.improves("a", factor=4), {"factor 4": ["2", "8"]}),
        (fx.u_shaped("test_loss", over="lr", factor=1.1), {"factor 1.1": ["1.05", "1.2"]}),
        (fx.accuracy_above(0.99, "a"), {"threshold 0.99": ["0.995", "0.98"]}),
        (fx.accuracy_below(0.15, "a"), {"threshold 0.15": ["0.125", "0.2"]}),
        (fx.above_at_largest("train_accuracy", 0.98, over="lr"), {"threshold 0.98": ["0.99", "0.96"]}),
        (fx.above_at_largest("train_loss", 0.3, over="lr"), {"threshold 0.3": ["0.1", "0.9"]}),
        (fx.above_at_largest("jacobian", 0.3, over="lr"), {"threshold 0.3": ["0.15", "0.6"]}),
        (
            fx.norm_moves_more("a", late=(0.5, 0.7), early=(0, 0.2)),
            {"late span 0.5 to 0.7": ["0.55 to 0.65", "0.4 to 0.8"], "early span 0 to 0.2": ["0 to 0.1", "0 to 0.4"]},
        ),
        (
            fx.norm_moves_more("a", late=(0.8, 1), early=(0.2, 0.4)),
            {"late span 0.8 to 1": ["0.9 to 1", "0.6 to 1"], "early span 0.2 to 0.4": ["0.25 to 0.35", "0.1 to 0.5"]},
        ),
        (fx.best_within(0.4, 0.5, "a", "b"), {"span 0.4 to 0.5": ["0.425 to 0.475", "0.35 to 0.55"]}),
        (fx.reaches(0.3, arm="a", within=8_000), {"threshold 0.3": ["0.1", "0.9"]}),
        (fx.faster("a", than="b", to=0.3, within=2_500), {"loss 0.3": ["0.1", "0.9"], "within 2500": ["1250", "5000"]}),
        (fx.approximates(0.03, arm="a"), {"share 0.03": ["0.01", "0.09"]}),
        (
            fx.falls_early("a", first_share=0.1, share=0.9),
            {"first share 0.1": ["0.05", "0.2"], "share 0.9": ["0.95", "0.8"]},
        ),
        (fx.lower_loss("a", than="b"), {}),
        (fx.Effect("mine", "", lambda runs: 1.0), {}),
    ],
)
def test_what_else_is_tried(effect, said):
    assert others(effect) == said


def test_parts_that_share_a_number_share_the_assumption():
    both = fx.every(
        fx.ahead("train_loss", "b", of="a", first_share=0.25),
        fx.fails(fx.ahead("train_loss", "c", of="a", first_share=0.25)),
        fx.ahead("train_loss", "c", of="a", first_share=0.1),
    )
    assert list(others(both)) == ["first share 0.25", "first share 0.1"]
    number = next(iter(numbers(both)))
    expected = fx.every(
        fx.ahead("train_loss", "b", of="a", first_share=0.5),
        fx.fails(fx.ahead("train_loss", "c", of="a", first_share=0.5)),
        fx.ahead("train_loss", "c", of="a", first_share=0.1),
    )
    again = number.replaced(both, (0.5,))
    assert (again.name, again.statement, again.clock) == (expected.name, expected.statement, expected.clock)
    assert argument_names(both) == {"effects", "effect", "history", "arm", "of", "first_share"}


def test_a_part_made_by_hand_stays_as_it_is():
    hand = fx.Effect("mine", "share", lambda runs: 1.0, ("a",))
    mixed = fx.every(hand, fx.loss_below(0.3, "a"))
    again = Number(("threshold",), (0.3,)).replaced(mixed, (0.1,))
    assert again.name == "min(mine, 0.1 - L of a)"
    assert again.made.arguments.arguments["effects"][0] is hand
    assert Number(("threshold",), (0.3,)).replaced(hand, (0.1,)) is hand


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_an_effect_made_again_is_the_same_effect(name):
    made = make(name)
    again = made.made.again({})
    assert (again.name, again.unit, again.arms, again.level, again.clock) == (
        made.name,
        made.unit,
        made.arms,
        made.level,
        made.clock,
    )
    assert again.statement == made.statement
    assert made.made.by is CONSTRUCTORS[name]
    assert set(made.made.arguments.arguments) == set(inspect.signature(CONSTRUCTORS[name]).parameters)


@given(st.floats(1e-6, 0.3))
def test_losses_are_tried_at_a_third_and_three_times_on_either_side(threshold):
    effect = fx.loss_below(threshold, "a")
    [(number, rule)] = numbers(effect).items()
    low, high = (number.replaced(effect, values).made.arguments.arguments["threshold"] for values in rule(threshold))
    assert low == pytest.approx(threshold / 3)
    assert high == pytest.approx(threshold * 3)


@given(st.floats(1.001, 100))
def test_a_factor_never_turns_the_comparison_round(factor):
    [rule] = ASSUMED["improves"].values()
    low, high = (value for (value,) in rule(factor))
    assert 1 < low < factor < high


@given(st.floats(0.11, 0.999))
def test_an_accuracy_stays_between_guessing_and_1(threshold):
    [rule] = ASSUMED["accuracy_above"].values()
    assert all(0 <= value <= 1 for (value,) in rule(threshold))


def test_a_share_of_the_variance_is_the_absolute_loss_that_it_stands_for():
    for one in (fx.faster("a", than="b"), fx.faster("a", than="b", to=fx.OfVariance(0.1))):
        assert "10 % of the target's variance" in one.name
        assert one.level == ""
    with pytest.raises(ValueError, match="OfVariance share is 0"):
        fx.OfVariance(0)
