"""Effects on losses and accuracies of classifiers: values by hand, ties, opposites."""

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from hw1bench import Arm, Images, Model, Optimizer
from hw1bench import effects as fx
from hw1bench.effects import IN_ORDER
from hw1bench.effects.telling import ON_BOUND, TIE
from hw1bench.measures import learning
from hw1bench.records.runs import Run

ARM = Arm(
    name="x",
    data=Images(name="digits", size=8),
    model=Model("64-10"),
    loss="cross_entropy",
    optimizer=Optimizer(name="adam", lr=1e-3),
    epochs=4,
    batch_size=64,
)


def runs(**arms):
    """Arm name -> {history: its values, index 0 before training}, or one list: the test accuracy."""
    found = {}
    for index, (name, histories) in enumerate(arms.items()):
        arrays = {
            key: np.array(value, float)
            for key, value in (histories if isinstance(histories, dict) else {"test_accuracy": histories}).items()
        }
        arrays.setdefault("train_loss", np.ones(2))
        arm = replace(ARM, name=name, model=Model(f"64-{index + 1}-10"))
        found[name] = Run(arm, 0, arrays, {})
    return found


def finals(history, *values):
    return runs(**{f"n{index}": {history: [0.5, value]} for index, value in enumerate(values)})


def gaps(*losses):
    """Nets of rising size with these pairs of training and test loss."""
    return {f"n{k}": {"train_loss": [0, train], "test_loss": [0, test]} for k, (train, test) in enumerate(losses)}


RISE = [0.1, 0.2, 0.3, 0.4]
LOSSES = {"train_loss": [9, 1, 1, 2], "test_loss": [9, 1, 1, 4]}
ACC = "train_accuracy"
ONE = {"a": {ACC: [0, 0.9]}}
CASES = {
    "accuracy above": (fx.accuracy_above(0.85, "a"), ONE, 0.05),
    "accuracy above, on its bound": (fx.accuracy_above(0.9, "a"), ONE, ON_BOUND),
    "accuracy below": (fx.accuracy_below(0.95, "a"), ONE, 0.05),
    "below on test": (fx.below_on_test(0.15, "a"), {"a": {ACC: [0, 0.9], "test_accuracy": [0, 0.11]}}, 0.04),
    "below on test, on its bound": (fx.below_on_test(0.15, "a"), {"a": [0, 0.15]}, ON_BOUND),
    "near an accuracy": (fx.near(ACC, 0.92, arm="a", within=0.03), ONE, 0.01),
    "near an accuracy, on its bound": (fx.near(ACC, 0.93, arm="a", within=0.03), ONE, ON_BOUND),
    "near a loss": (fx.near("test_loss", 5.0, arm="a", within=0.5), {"a": LOSSES}, 0.3),
    "alike": (fx.alike(ACC, "a", "b", within=0.02), {"a": {ACC: [0, 0.9]}, "b": {ACC: [0, 0.89]}}, 0.01),
    "alike, on its bound": (fx.alike(ACC, "a", "b", within=0.02), {"a": {ACC: [0, 0.9]}, "b": {ACC: [0, 0.88]}}, ON_BOUND),
    "differ": (fx.differ(ACC, "a", "b", by=0.02), {"a": {ACC: [0, 0.9]}, "b": {ACC: [0, 0.8]}}, 0.08),
    "plateaus": (fx.plateaus("test_accuracy", arm="a", after=0.25, within=0.1), {"a": [0, 0.5, 0.4, 0.54, 0.5]}, 0.06),
    "goes on rising": (fx.plateaus("test_accuracy", arm="a", after=0.25, within=0.1), {"a": [0, *RISE]}, -0.2),
    "plateaus, falling": (fx.plateaus("test_accuracy", arm="a", after=0.5, within=0.1), {"a": [0, 1, 1, 0.5, 0.6]}, 0.5),
    "loss plateaus": (
        fx.plateaus("test_loss", arm="a", after=0.25, within=0.1),
        {"a": {"test_loss": [9, 1, 2, math.exp(-0.04), 3]}},
        0.06,
    ),
    "loss goes on falling": (
        fx.plateaus("test_loss", arm="a", after=0.25, within=0.1),
        {"a": {"test_loss": [9, 1, 0.5, math.exp(-1), 3]}},
        -0.9,
    ),
    "loss plateaus, rising": (
        fx.plateaus("test_loss", arm="a", after=0.25, within=0.1),
        {"a": {"test_loss": [9, 1, math.e, 3, 4]}},
        1.1,
    ),
    "saturates": (fx.saturates("a", "b", "c"), {"a": [0, 0.5], "b": [0, 0.8], "c": [0, 0.9]}, 0.2),
    "saturates, falling first": (fx.saturates("a", "b", "c"), {"a": [0, 0.5], "b": [0, 0.4], "c": [0, 0.1]}, -0.1),
    "u-shaped": (fx.u_shaped("test_loss", over="parameters", factor=2), finals("test_loss", 6, 1, 4), math.log(2)),
    "no u": (fx.u_shaped("test_loss", over="parameters", factor=2), finals("test_loss", 6, 2, 1), -math.log(2)),
    "u-shaped, one diverged": (
        fx.u_shaped("test_loss", over="parameters", factor=2),
        finals("test_loss", math.inf, 1, 4),
        math.log(2),
    ),
    "rises, then plateaus": (
        fx.rises_then_plateaus("test_accuracy", over="parameters", by=0.1, within=0.05),
        finals("test_accuracy", 0.5, 0.8, 0.82, 0.7, 0.6),
        0.03,
    ),
    "rises to the end": (
        fx.rises_then_plateaus("test_accuracy", over="parameters", by=0.1, within=0.05),
        finals("test_accuracy", 0.5, 0.6, 0.7, 0.8, 0.9),
        -0.25,
    ),
    "above at the largest": (
        fx.above_at_largest(ACC, 0.9, over="parameters"),
        finals(ACC, 0.99, 0.2, 0.95),
        0.05,
    ),
    "well above by": (fx.overfits_by(0.5, "a"), {"a": LOSSES}, 1.5),
    "well above, on its bound": (fx.overfits_by(2, "a"), {"a": LOSSES}, ON_BOUND),
    "beaten": (
        fx.beaten("test_loss", "a", among=("b", "c"), factor=2),
        {name: {"test_loss": [9, loss]} for name, loss in (("a", 6), ("b", 1), ("c", 9))},
        math.log(3),
    ),
    "beaten by too little": (
        fx.beaten("test_loss", "a", among=("b", "c"), factor=2),
        {name: {"test_loss": [9, loss]} for name, loss in (("a", 6), ("b", 6), ("c", 9))},
        -math.log(2),
    ),
    "higher accuracy than one": (fx.highest("test_accuracy", "a", among=("b",)), {"a": [0, 0.9], "b": [1, 0.8]}, 0.1),
    "lower accuracy than one": (fx.lowest("test_accuracy", "a", among=("b",)), {"a": [0, 0.5], "b": [1, 0.8]}, 0.3),
    "unbeaten": (
        fx.unbeaten("test_accuracy", "a", among=("b", "c")),
        {"a": [0, 0.9], "b": [1, 0.8], "c": [1, 0.7]},
        0.1,
    ),
    "unbeaten, a tie": (
        fx.unbeaten("test_accuracy", "a", among=("b", "c")),
        {"a": [0, 0.9], "b": [1, 0.9], "c": [1, 0.7]},
        TIE,
    ),
    "unbeaten, not": (
        fx.unbeaten("test_accuracy", "a", among=("b", "c")),
        {"a": [0, 0.9], "b": [1, 0.7], "c": [1, 0.95]},
        -0.05,
    ),
    "highest accuracy": (
        fx.highest("test_accuracy", "a", among=("b", "c")),
        {"a": [0, 0.9], "b": [1, 0.8], "c": [1, 0.7]},
        0.1,
    ),
    "lowest accuracy": (
        fx.lowest("test_accuracy", "a", among=("b", "c")),
        {"a": [0, 0.5], "b": [1, 0.8], "c": [1, 0.7]},
        0.2,
    ),
    "lowest loss": (
        fx.lowest("test_loss", "a", among=("b",)),
        {"a": {"test_loss": [9, 1]}, "b": {"test_loss": [9, math.e]}},
        1,
    ),
    "descending": (
        fx.descending("test_accuracy", "a", "b", "c"),
        {"a": [0, 0.9], "b": [0, 0.8], "c": [0, 0.5]},
        0.1,
    ),
    "ahead in loss": (
        fx.ahead("train_loss", "a", of="b", first_share=0.5),
        {"a": {"train_loss": [9, 1, 1, 9, 9]}, "b": {"train_loss": [1, 1, math.e**2, 5, 5]}},
        1,
    ),
    "ahead in accuracy": (
        fx.ahead(ACC, "a", of="b", first_share=0.5),
        {"a": {ACC: [0, 0.5, 0.7, 0, 0]}, "b": {ACC: [1, 0.1, 0.3, 1, 1]}},
        0.4,
    ),
    "overfits": (fx.overfits("a"), {"a": LOSSES}, math.log(2)),
    "falls over epochs": (
        fx.falls_over_epochs("train_loss", arm="a"),
        {"a": {"train_loss": [0, 4, 3, 3, 1]}},
        5 / 6 - IN_ORDER,
    ),
    "rises over block means": (
        fx.rises_over_epochs("test_accuracy", arm="a", blocks=3),
        {"a": [9, 1, 0, 2, 1, 5, 2]},
        1 - IN_ORDER,
    ),
    "accuracy falls over loss": (
        fx.falls("test_accuracy", over="test_loss"),
        {name: {"test_accuracy": [0, y], "test_loss": [0, x]} for name, y, x in (("a", 3, 1), ("b", 2, 2), ("c", 1, 9))},
        1 - IN_ORDER,
    ),
    "rises over size": (
        fx.rises("loss_gap", over="parameters"),
        gaps((5, 6), (3, 5), (1, 4)),
        1 - IN_ORDER,
    ),
    "rises over size, two diverged": (
        fx.rises("loss_gap", over="parameters"),
        gaps((5, 6), (3, math.inf), (math.nan, math.inf)),
        1 / 3 - IN_ORDER,
    ),
    "no trend": (
        fx.no_trend_over_epochs("test_loss", arm="a"),
        {"a": {"test_loss": [0, 1, 3, 2, 1]}},
        IN_ORDER,
    ),
    "no trend, but falls": (
        fx.no_trend_over_epochs("test_loss", arm="a"),
        {"a": {"test_loss": [0, 4, 3, 2, 1]}},
        IN_ORDER - 1,
    ),
    "no trend, but rises by block means": (
        fx.no_trend_over_epochs("test_accuracy", arm="a", blocks=3),
        {"a": [9, 1, 0, 2, 1, 5, 2]},
        IN_ORDER - 1,
    ),
    "fails in a tie": (fx.fails(fx.highest(ACC, "a", among=("b",))), {"a": {ACC: [0, 1]}, "b": {ACC: [0, 1]}}, TIE),
    "fails, of a denial, in a tie": (
        fx.fails(fx.unbeaten(ACC, "a", among=("b",))),
        {"a": {ACC: [0, 1]}, "b": {ACC: [0, 1]}},
        0,
    ),
    "fails": (fx.fails(fx.overfits("a")), {"a": LOSSES}, -math.log(2)),
    "every": (
        fx.every(fx.accuracy_above(0.5, "a"), fx.accuracy_above(0.7, "b")),
        {"a": {ACC: [0, 0.8]}, "b": {ACC: [0, 0.9]}},
        0.2,
    ),
    "every, undefined": (
        fx.every(fx.accuracy_above(0.5, "a"), fx.accuracy_above(0.7, "b")),
        {"a": {ACC: [0, 0.8]}, "b": {ACC: [0, math.nan]}},
        math.nan,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("effect", "arms", "expected"), CASES.values(), ids=CASES)
def test_effects(effect, arms, expected):
    given = arms if all(isinstance(one, Run) for one in arms.values()) else runs(**arms)
    found = effect(given)
    assert found == pytest.approx(expected, nan_ok=True)
    if expected in (0, ON_BOUND):
        assert found == expected  # a tie does not hold, and what is on its bound is none: no rounding may change that


@pytest.mark.parametrize(
    "effect",
    [
        *(best("test_accuracy", "a", among=("b", "c")) for best in (fx.highest, fx.lowest, fx.unbeaten)),
        fx.descending("test_accuracy", "a", "b", "c"),
        fx.alike("test_accuracy", "a", "b", "c", within=0.5),
        fx.differ("test_accuracy", "a", "b", "c", by=0.05),
        fx.saturates("a", "b", "c"),
    ],
    ids=lambda effect: effect.statement["is"],
)
def test_a_number_that_is_undefined_leaves_an_effect_undefined_whichever_arm_has_it(effect):
    for values in permutations((0.5, 0.6, math.nan)):
        assert math.isnan(effect(runs(**{name: [0, value] for name, value in zip("abc", values, strict=True)})))


OPPOSED = (
    *("higher", "lowest loss", "lower", "rises over", "descending", "ahead", "overfits", "falls", "accuracy falls", "fails"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_comparisons_and_orders_declare_an_opposite_and_thresholds_do_not(case):
    assert (CASES[case][0].opposite is not None) == case.startswith(OPPOSED)


@pytest.mark.parametrize(
    "case",
    ["higher accuracy than one", "lower accuracy than one", "lowest loss", "descending", "ahead in loss", "overfits"],
)
def test_the_opposite_of_the_mirrored_case_holds_as_much(case):
    effect, arms, _ = CASES[case]
    mirrored = {
        name: {key: 1 / np.array(values) if key.endswith("loss") else 1 - np.array(values) for key, values in histories.items()}
        if isinstance(histories, dict)
        else 1 - np.array(histories)
        for name, histories in arms.items()
    }  # fmt: skip
    with np.errstate(divide="ignore"):
        assert effect.opposite(runs(**mirrored)) == pytest.approx(effect(runs(**arms)))


def test_every_has_an_opposite_if_each_part_has_one():
    parts = fx.highest("test_accuracy", "a", among=("b",)), fx.lowest("test_loss", "a", among=("b",))
    both = fx.every(*parts)
    assert both.arms == ("a", "b")
    reversed_ = runs(
        a={"test_accuracy": [0, 0.1], "test_loss": [0, 2]}, b={"test_accuracy": [0, 0.4], "test_loss": [0, 1]}
    )
    assert both(reversed_) < 0 < both.opposite(reversed_)
    mixed = runs(a={"test_accuracy": [0, 0.9], "test_loss": [0, 2]}, b={"test_accuracy": [0, 0.4], "test_loss": [0, 1]})
    assert max(both(mixed), both.opposite(mixed)) < 0
    assert fx.every(parts[0], fx.accuracy_above(0.5, "a")).opposite is None
    assert fx.every(fx.rises("test_loss", over="parameters"), parts[0]).arms is None


@pytest.mark.parametrize(
    ("effect", "level"),
    [
        (fx.below_on_test(0.15, "a"), "a test accuracy of 0.15"),
        (fx.overfits_by(0.05, "a"), "a gap of 0.05 between test and training loss"),
        (fx.beaten("test_loss", "a", among=("b",), factor=1.02), ""),
        (fx.unbeaten("test_accuracy", "a", among=("b",)), ""),
        (fx.no_trend_over_epochs("test_loss", arm="a"), ""),
    ],
)
def test_which_effects_compare_with_a_level_of_a_set(effect, level):
    assert effect.level == level


def test_budgets_too_short_are_refused():
    with pytest.raises(ValueError, match="1 epochs leave none after 20%"):
        learning.gain_after(runs(a=[0, 1])["a"], "test_accuracy", 0.2)
    with pytest.raises(ValueError, match="2 values do not make 10 block means"):
        learning.block_means(np.ones(2), 10)
    assert learning.early(runs(a=[9, 1, 2, 3])["a"], "test_accuracy", 0.1).tolist() == [1]
    assert learning.block_means(np.arange(6.0), 3).tolist() == [0.5, 2.5, 4.5]
