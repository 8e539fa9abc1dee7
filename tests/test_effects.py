import math
from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from hw1bench import Arm, Function, Model, Optimizer
from hw1bench import effects as fx
from hw1bench.effects.telling import ON_BOUND, TIE
from hw1bench.measures import learning
from hw1bench.records.runs import Run

ARM = Arm(
    name="x",
    data=Function(name="sinc"),
    model=Model("[5]"),
    loss="mse",
    optimizer=Optimizer(name="adam", lr=1e-3),
    epochs=4,
)


def run(*losses, name="x", variance=1.0, arm=ARM, **histories):
    arrays = {"train_loss": np.array(losses, float), **{key: np.array(value) for key, value in histories.items()}}
    return Run(replace(arm, name=name, epochs=len(losses) - 1), 0, arrays, {"target_variance": variance})


def runs(**losses):
    return {name: run(*values, name=name) for name, values in losses.items()}


def test_epochs_to_counts_from_one_and_never_is_the_budget_plus_one():
    assert learning.epochs_to(run(0.01, 1, 0.5, 0.1, 0.2), 0.5) == 2  # before training does not count
    assert learning.epochs_to(run(1, 1, 0.5, 0.1, 0.2), 0.1) == 3
    assert learning.epochs_to(run(1, 1, 1, 1, 1), 0.1) == 5
    assert learning.epochs_to_share_of_variance(run(1, 3, 2, 1, 1, variance=20.0)) == 2


def test_the_stopping_rule_looks_every_hundred_epochs_from_the_thousandth():
    falling = np.linspace(3, 1, 2001)
    assert learning.stopping_epoch(falling) == 2001  # never
    flat = falling.copy()
    flat[1250:] = flat[1250]
    assert learning.stopping_epoch(flat) == 1400  # 1,300 still sees the fall from 1,200 to 1,250
    flat[:1250] = flat[1250]
    assert learning.stopping_epoch(flat) == 1000
    assert learning.stopping_epoch(np.full(2001, np.inf)) == 2001  # infinity minus infinity is not a small fall


def test_a_tie_does_not_hold_by_rounding():
    flat = np.linspace(3, 1, 2001)
    flat[1100:] = flat[1100]
    assert learning.stopping_epoch(flat) == 1200
    assert 0.2 - abs(1200 / 1000 - 1) > 0  # what the formula as written would give
    assert fx.stops_near(1000, arm="a", within=0.2)({"a": run(*flat)}) == ON_BOUND


def test_what_lies_exactly_on_its_bound_does_not_hold_and_is_no_tie():
    late = runs(a=[1] * 12 + [0.1])
    assert fx.reaches_near(0.1, arm="a", reported=10, within=0.2)(late) == ON_BOUND
    assert fx.order_margin([1, 3, 2, 5, 4], [0, 1, 2, 3, 4]) > 0
    assert fx.order_margin([1, 4, 3, 2, 5], [0, 1, 2, 3, 4]) == ON_BOUND  # 7 of 10
    assert fx.fails(fx.every(fx.reaches_near(0.1, arm="a", reported=10, within=0.2)))(late) > TIE


def test_variance_of_classes_is_refused():
    with pytest.raises(ValueError, match="its target has no variance"):
        learning.epochs_to_share_of_variance(Run(ARM, 0, {"train_loss": np.ones(3)}, {}))


def test_mean_log_loss_is_over_the_first_share():
    assert learning.mean_log_loss(run(9, math.e, math.e**3, 1, 1), 0.5) == pytest.approx(2)


def test_histories_are_named_and_losses_that_are_not_finite_are_infinite():
    one = run(1, np.nan, -np.inf, test_accuracy=[0.1, np.nan, 0.3])
    assert one.history("train_loss").tolist() == [1, np.inf, np.inf]
    assert one.history("test_accuracy")[2] == 0.3
    assert one.diverged
    with pytest.raises(ValueError, match="has no history 'test_loss': it has test_accuracy, train_loss"):
        one.history("test_loss")


E5 = math.log(5)
CASES = {
    "reaches": (fx.reaches(0.1, arm="a", within=3), {"a": [1, 1, 0.1, 1, 1]}, 1.5),
    "reaches at the last allowed": (fx.reaches(0.1, arm="a", within=3), {"a": [1, 1, 1, 0.1, 1]}, 0.5),
    "reaches never, with time left": (fx.reaches(0.1, arm="a", within=100), {"a": [1, 1, 1]}, -0.5),
    "reaches too late": (fx.reaches(0.1, arm="a", within=3), {"a": [1, 1, 1, 1, 0.1]}, -0.5),
    "never reaches": (fx.never_reaches(0.1, arm="a"), {"a": [1, 1, 1]}, 1),
    "reaches in the last epoch": (fx.never_reaches(0.1, arm="a"), {"a": [1, 1, 0.1]}, -1),
    "loss below": (fx.loss_below(0.5, "a", "b"), {"a": [1, 0.1], "b": [1, 0.2]}, 0.3),
    "loss above": (fx.loss_above(0.5, "a"), {"a": [1, 0.7]}, 0.2),
    "stops near": (fx.stops_near(1500, arm="a", within=0.2), {"a": [*np.linspace(2, 1, 1401), *[1.0] * 500]}, 0.2),
    "stops late": (fx.stops_near(1000, arm="a", within=0.2), {"a": [*np.linspace(2, 1, 1401), *[1.0] * 500]}, -0.3),
    "never stops": (fx.stops_near(1000, arm="a", within=0.2), {"a": np.linspace(2, 1, 1401)}, -0.201),
    "reaches near": (
        fx.reaches_near(0.1, arm="a", reported=4, within=0.5),
        {"a": [1, 1, 1, 0.1, 1]},
        0.25,
    ),
    "reaches near the budget's end, but never": (
        fx.reaches_near(0.1, arm="a", reported=4, within=0.5),
        {"a": [1, 1, 1, 1]},
        -math.inf,
    ),
    "approximates": (fx.approximates(0.2, arm="a"), {"a": [1, 0.05]}, 0.15),
    "falls early": (fx.falls_early("a", first_share=0.25, share=0.5), {"a": [9, 2, 1.5, 1.2, 1]}, 7 / 8 - 0.5),
    "falls late": (fx.falls_early("a", first_share=0.25, share=0.9), {"a": [9, 8, 7, 6, 1]}, 1 / 8 - 0.9),
    "falls not": (fx.falls_early("a", first_share=0.25, share=0.9), {"a": [1, 0.5, 0.7, 0.9, 1]}, math.nan),
    "falls early and diverges": (fx.falls_early("a", first_share=0.25, share=0.9), {"a": [9, 1, np.nan]}, math.nan),
    "stop in order": (fx.stop_in_order("a", "b"), {"a": [1.0] * 1401, "b": np.linspace(2, 1, 1401)}, 1),
    "stop together": (fx.stop_in_order("a", "b"), {"a": [1.0] * 1401, "b": [1.0] * 1401}, 0),
    "stop in reverse": (fx.stop_in_order("a", "b"), {"a": np.linspace(2, 1, 1401), "b": [1.0] * 1401}, -1),
    "stop never": (fx.stop_in_order("a", "b"), {"a": np.linspace(2, 1, 1401), "b": np.linspace(3, 1, 1401)}, 0),
    "stop after the common epochs": (
        fx.stop_in_order("a", "b"),
        {"a": np.linspace(2, 1, 1401), "b": [*np.linspace(2, 1, 1501), *[1.0] * 500]},
        0,
    ),
    "improves": (fx.improves("a", factor=4), {"a": [20, 9, 1]}, E5),
    "no worse": (fx.no_worse("a", than=["b", "c"], factor=10), {"a": [1, 1], "b": [1, 1], "c": [1, 3]}, math.log(20)),
    "no worse, far better": (fx.no_worse("a", than=["b"], factor=10), {"a": [1, 0.01], "b": [1, 1]}, math.log(1000)),
    "no worse, both perfect": (fx.no_worse("a", than=["b"], factor=10), {"a": [1, 5e-7], "b": [1, 0]}, math.log(10)),
    "worse": (fx.no_worse("a", than=["b"], factor=10), {"a": [1, 1], "b": [1, 0.01]}, -math.log(10)),
    "faster": (fx.faster("a", than="b", to=0.1), {"a": [1, 0.1, 1, 1, 1], "b": [1, 1, 1, 1, 0.1]}, math.log(4)),
    "faster, both never": (fx.faster("a", than="b", to=0.1), {"a": [1, 1], "b": [1, 1]}, 0),
    "faster, both never, with other budgets": (fx.faster("a", than="b", to=0.1), {"a": [1, 1], "b": [1] * 9}, 0),
    "faster, after the common epochs": (fx.faster("a", than="b", to=0.1), {"a": [1] * 9 + [0.1], "b": [1, 1]}, 0),
    "faster, one never": (fx.faster("a", than="b", to=0.1), {"a": [1, 0.1, 1], "b": [1] * 9}, math.log(3)),
    "faster within": (
        fx.faster("a", than="b", to=0.1, within=2),
        {"a": [1, 0.1, 1, 1, 1], "b": [1, 1, 1, 0.1, 1]},
        math.log(3),
    ),
    "faster, after so many": (fx.faster("a", than="b", to=0.1, within=1), {"a": [1, 1, 0.1], "b": [1, 1, 1]}, 0),
    "not faster": (fx.not_faster("a", than="b", to=0.1), {"a": [1, 1, 1, 0.1], "b": [1, 0.1, 1, 1]}, math.log(3)),
    "not faster, a tie": (fx.not_faster("a", than="b", to=0.1), {"a": [1, 0.1], "b": [1, 0.1]}, TIE),
    "not faster, both never": (fx.not_faster("a", than="b"), {"a": [1, 1], "b": [1] * 9}, TIE),
    "not faster, faster": (fx.not_faster("a", than="b"), {"a": [1, 0.1, 1], "b": [1, 1, 0.1]}, -math.log(2)),
    "faster to a tenth of the variance": (fx.faster("a", than="b"), {"a": [1, 0.1, 1], "b": [1, 1, 0.1]}, math.log(2)),
    "in order": (
        fx.in_order("a", "b", "c", to=0.1),
        {"a": [1, 0.1, 0, 0, 0], "b": [1, 1, 0.1, 0, 0], "c": [1, 1, 1, 1, 1]},
        math.log(2),
    ),
    "in order, the slower two never": (
        fx.in_order("a", "b", "c", to=0.1),
        {"a": [1, 0.1, 1], "b": [1, 1, 1], "c": [1] * 9},
        0,
    ),
    "lower loss": (fx.lower_loss("a", than="b"), {"a": [1, 1], "b": [1, 5]}, E5),
    "highest loss": (fx.highest_loss("a", among=["b", "c"]), {"a": [1, 5], "b": [1, 1], "c": [1, 0.1]}, E5),
    "flattest": (fx.flattest("a", among=["b", "c"]), {"a": [1, 5, 0], "b": [1, 1, 9], "c": [1, 0.1, 9]}, E5),
    "diverged is never lower": (fx.lower_loss("a", than="b"), {"a": [1, np.nan], "b": [1, 5]}, -math.inf),
    "both diverged is undefined": (fx.lower_loss("a", than="b"), {"a": [1, np.nan], "b": [1, np.inf]}, math.nan),
    "lower loss, a perfect fit": (fx.lower_loss("a", than="b"), {"a": [1, 0.0], "b": [1, 5]}, math.log(5e6)),
    "lower loss, both perfect": (fx.lower_loss("a", than="b"), {"a": [1, 1e-9], "b": [1, 9e-7]}, 0),
    "lower loss, by less than 1 %": (fx.lower_loss("a", than="b"), {"a": [1, 1], "b": [1, 1.0099]}, 0),
    **{
        f"lowest loss, {what}": (
            fx.lowest("train_loss", "a", among=("b", "c")),
            {"a": [1, one], "b": [1, two], "c": [1, 5]},
            gap,
        )
        for what, one, two, gap in (
            ("by less than 1 %", 1, 1.0099, 0),
            ("both perfect", 1e-9, 9e-7, 0),
            ("by more", 1, 1.0101, math.log(1.0101)),
        )
    },
    "lower loss of each, a tie": (fx.descending("train_loss", "a", "b"), {"a": [1, 1.0099], "b": [1, 1]}, 0),
    "lower loss, by more than 1 %": (fx.lower_loss("a", than="b"), {"a": [1, 1], "b": [1, 1.0101]}, math.log(1.0101)),
    "highest of all, a tie with one": (
        fx.highest_loss("a", among=["b", "c"]),
        {"a": [1, 5], "b": [1, 5.01], "c": [1, 0.1]},
        0,
    ),
    "flattest of two, a tie": (fx.flattest("a", among=["b"]), {"a": [1, 5, 0], "b": [1, 5.01, 9]}, 0),
    "no worse than a diverged net": (
        fx.no_worse("a", than=["b"], factor=10),
        {"a": [1, 1], "b": [1, np.nan]},
        math.inf,
    ),
    "no worse, diverged": (fx.no_worse("a", than=["b"], factor=10), {"a": [1, np.nan], "b": [1, 1]}, -math.inf),
    "improves by divergence": (fx.improves("a", factor=4), {"a": [20, np.nan]}, -math.inf),
}


@pytest.mark.parametrize(("effect", "losses", "expected"), CASES.values(), ids=CASES)
def test_effects(effect, losses, expected):
    assert effect(runs(**losses)) == pytest.approx(expected, nan_ok=True)


OPPOSED = ["faster", "not faster", "in order", "lower loss", "flattest of two, a tie"]
REVERSIBLE = (*OPPOSED, "stop", "diverged", "both diverged")


@pytest.mark.parametrize("case", CASES)
def test_comparisons_and_orders_declare_an_opposite_and_nothing_else_does(case):
    effect = CASES[case][0]
    compares = effect.opposite is not None
    assert compares == (case.startswith(REVERSIBLE) and not case.startswith("stops"))
    if compares and CASES[case][2] == 0:
        assert effect.opposite(runs(**CASES[case][1])) <= 0  # a tie does not hold either way


@pytest.mark.parametrize("case", OPPOSED)
@given(finals=st.lists(st.floats(1e-3, 10), min_size=9, max_size=9))
def test_an_effect_and_its_opposite_never_both_hold(case, finals):
    effect, losses, _ = CASES[case]
    trained = runs(**{name: [1, *finals[3 * i : 3 * i + 3]] for i, name in enumerate(losses)})
    assert not (effect(trained) > 0 and effect.opposite(trained) > 0)


def test_the_opposite_of_an_order_is_the_reversed_order():
    losses = {"a": [1, 1, 1, 1, 1], "b": [1, 1, 0.1, 0, 0], "c": [1, 0.1, 0, 0, 0]}
    effect = fx.in_order("a", "b", "c", to=0.1)
    assert effect(runs(**losses)) < 0 < effect.opposite(runs(**losses))


def test_effects_name_the_arms_they_need():
    assert CASES["in order"][0].arms == ("a", "b", "c")
    assert CASES["no worse"][0].arms == ("a", "b", "c")
    assert set(CASES["lower loss"][0].arms) == {"a", "b"}
    assert fx.falls("train_loss", over="lr").arms is None


FIT = [1.0, 0.1, -0.1, 1.0]
CONSTANT = [0.3, 0.3, 0.3, 0.3009]  # 0.0009 of the target's standard deviation


@pytest.mark.parametrize("effect", [fx.lower_loss("a", than="b"), fx.flattest("b", among=["a"])], ids=["end", "early"])
@pytest.mark.parametrize(
    ("one", "other", "tie"), [(CONSTANT, CONSTANT, True), (CONSTANT, FIT, False), (FIT, FIT, False)]
)
def test_two_dead_nets_tie(effect, one, other, tie):
    dead = {"a": run(1, 1, 1, name="a", prediction=one), "b": run(1, 3, 3, name="b", prediction=other)}
    assert effect(dead) == pytest.approx(0 if tie else math.log(3))


def test_losses_of_classes_do_not_tie():
    close = {name: Run(replace(ARM, name=name), 0, {"train_loss": np.array([1, end])}, {}) for name, end in
             (("a", 1e-9), ("b", 1.001e-9))}  # fmt: skip
    assert fx.lower_loss("a", than="b")(close) == pytest.approx(math.log(1.001))


LOSSES = st.lists(st.sampled_from([1.0, 0.5, 0.1, 0.01]), min_size=2, max_size=9)


@given(LOSSES, LOSSES, st.none() | st.integers(1, 9))
def test_epochs_compared_equal_their_naive_twin(one, other, within):
    trained = runs(a=[2, *one], b=[2, *other])
    expected = reference.faster([2, *one], [2, *other], 0.1, within)
    assert fx.faster("a", than="b", to=0.1, within=within)(trained) == pytest.approx(expected)
    if within is None:
        holds = fx.not_faster("b", than="a", to=0.1)(trained) > 0
        assert holds == (expected >= 0)


@given(st.floats(1e-9, 10), st.floats(1e-9, 10), st.floats(0.01, 10))
def test_losses_compared_equal_their_naive_twin(one, other, variance):
    trained = {name: run(1, end, name=name, variance=variance) for name, end in (("a", one), ("b", other))}
    expected = reference.lower_loss(one, other, variance)
    assert fx.lower_loss("a", than="b")(trained) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "agree"), [([1, 2, 3], 3), ([1, 2, 4, 3], 5), ([1, 2, 3, 5, 4], 9), ([2, 2, 3], 2), ([3, 2, 1], 0)]
)
def test_share_in_order_counts_pairs(values, agree):
    pairs = len(values) * (len(values) - 1) / 2
    assert fx.share_in_order(values, list(range(len(values)))) == pytest.approx(agree / pairs)


@pytest.mark.parametrize(("arms", "needed"), [(3, 3), (4, 5), (5, 8), (6, 11), (7, 15), (10, 32), (11, 39)])
def test_the_threshold_of_an_order_agrees_with_the_catalogue(arms, needed):
    pairs = arms * (arms - 1) // 2
    assert needed / pairs > fx.IN_ORDER >= (needed - 1) / pairs


MARGINS = {
    "three of three": ([1, 2, 3], [0, 1, 2], 1 - fx.IN_ORDER),
    "two of three": ([1, 3, 2], [0, 1, 2], 2 / 3 - fx.IN_ORDER),
    "three, the ends reversed": ([2, 3, 1], [0, 1, 2], 1 / 3 - fx.IN_ORDER),
    "exactly 0.70": ([1, 2, 5, 4, 3], [0, 1, 2, 3, 4], ON_BOUND),
    "eight of ten": ([1, 2, 5, 3, 4], [0, 1, 2, 3, 4], 0.8 - fx.IN_ORDER),
    "21 of 28, the ends alike": ([1, 1, 2, 3, 4, 5, 6, 1], list(range(8)), -fx.IN_ORDER),
    "the ends by the setting": ([2, 1, 3, 4], [1, 0, 2, 3], 1 - fx.IN_ORDER),
    "two values at one end, both below": ([1, 2, 3, 4], [0, 0, 1, 2], 5 / 6 - fx.IN_ORDER),
    "two values at one end, one above": ([1, 9, 3, 4, 5, 6, 7, 8], [0, 0, 1, 2, 3, 4, 5, 6], -fx.IN_ORDER),
    "an end is undefined": ([1, 2, 3, 4, 5, 6, 7, np.nan], list(range(8)), -fx.IN_ORDER),
    "up to infinity": ([1, 2, 3, np.inf], [0, 1, 2, 3], 1 - fx.IN_ORDER),
    "a setting is undefined": ([1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 2, 3, 4, 5, 6, np.nan], 21 / 28 - fx.IN_ORDER),
    "one value": ([2, 2, 2, 2], [0, 1, 2, 3], math.nan),
    "one setting": ([1, 2, 3, 4], [0, 0, 0, 0], math.nan),
    "no value": ([np.nan] * 4, [0, 1, 2, 3], math.nan),
    "no setting": ([0, 1, 2, 3], [np.nan] * 4, math.nan),
}


@pytest.mark.parametrize(("values", "over", "margin"), MARGINS.values(), ids=MARGINS)
def test_the_margin_of_an_order(values, over, margin):
    found = fx.order_margin(values, over)
    assert found == pytest.approx(margin, nan_ok=True)
    if margin == ON_BOUND:
        assert found == ON_BOUND


@pytest.mark.parametrize("n", range(3, 8))
def test_the_chance_of_an_order_is_the_share_of_permutations_that_hold(n):
    held = sum(fx.order_margin(values, range(n)) > 0 for values in permutations(range(n)))
    assert fx.chance_of_order(n) == Fraction(held, math.factorial(n))


def test_the_chance_of_an_order_of_many_values():
    assert [round(float(fx.chance_of_order(n)), 4) for n in (3, 4, 5, 10)] == [0.1667, 0.1667, 0.1167, 0.0531]
    # Of 13 values or more, 70 % of the pairs can be in order without the ends.
    drawn = np.random.default_rng(0).permuted(np.tile(np.arange(16), (8_000, 1)), axis=1)
    held = np.mean([fx.order_margin(values, range(16)) > 0 for values in drawn])
    assert held == pytest.approx(float(fx.chance_of_order(16)), abs=5 * math.sqrt(0.01 / 8_000))
    with pytest.raises(ValueError, match="an order needs three or more values, not 2"):
        fx.chance_of_order(2)


FINITE = st.lists(st.floats(-10, 10).map(lambda value: round(value, 1)), min_size=3, max_size=12)


@given(FINITE, st.randoms())
def test_share_in_order_equals_its_naive_twin(values, random):
    over = [random.randrange(5) for _ in values]
    assert fx.share_in_order(values, over) == pytest.approx(reference.share_in_order(values, over))
    expected = reference.order_margin(values, over, fx.IN_ORDER)
    assert fx.order_margin(values, over) == pytest.approx(expected, nan_ok=True)


def test_share_in_order_of_infinities_and_nan():
    assert fx.share_in_order([1, np.inf, np.inf], [0, 1, 2]) == pytest.approx(2 / 3)
    assert fx.share_in_order([1, np.nan, 2], [0, 1, 2]) == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="needs three or more"):
        fx.share_in_order([1, 2], [1, 2])


def sweep(finals):
    rates = [1e-1, 1e-2, 1e-3]
    arms = [replace(ARM, optimizer=Optimizer(name="adam", lr=rate)) for rate in rates]
    return {
        str(rate): run(1, final, name=str(rate), arm=arm) for rate, arm, final in zip(rates, arms, finals, strict=True)
    }


def test_rises_and_falls_over_a_setting():
    rising = fx.rises("train_loss", over="lr")
    assert rising(sweep([3, 2, 1])) == pytest.approx(1 - fx.IN_ORDER)
    assert rising(sweep([3, 1, 2])) < 0
    falling = fx.falls("train_loss", over="lr")
    assert falling(sweep([1, 2, 3])) > 0
    assert rising.opposite(sweep([1, 2, 3])) == falling(sweep([1, 2, 3]))
    assert falling.opposite(sweep([3, 2, 1])) == rising(sweep([3, 2, 1]))
    assert "falls over lr" in falling.name


def test_sweeps_of_too_few_arms_say_how_many_they_need():
    with pytest.raises(ValueError, match="3 arms over lr: give 4 or more"):
        fx.rises_then_plateaus("train_loss", over="lr", by=0.1, within=0.1)(sweep([1, 2, 3]))
    with pytest.raises(ValueError, match="2 arms over lr: give 3 or more"):
        fx.u_shaped("train_loss", over="lr", factor=2)(dict(list(sweep([1, 2, 3]).items())[:2]))
