"""How effects tell their values in a reader's units."""

import math
from dataclasses import replace

import pytest

from hw1bench import effects as fx
from hw1bench.effects.effect import Effect
from hw1bench.effects.identity import identity
from hw1bench.effects.telling import ON_BOUND, TIE, Told
from hw1bench.effects.told import TOLD
from hw1bench.specs.experiment import Arm
from hw1bench.specs.ingredients import Function, Model, Optimizer
from test_effects_arguments import CONSTRUCTORS, make

ARM = Arm(
    name="a",
    data=Function(name="sinc"),
    model=Model("[3]"),
    loss="mse",
    optimizer=Optimizer(name="adam", lr=0.1),
    epochs=15_000,
)
ARMS = {one: replace(ARM, name=one) for one in ("a", "b", "c", "net 2, 1 layer")}
NAN, INF = math.nan, math.inf
LINE = (("test_loss",), "a", "b")

CASES = [
    # Epochs
    (
        fx.reaches(1e-4, arm="a", within=8_000),
        [*[8_000.5 - 15_001] * 12, -2_000.5, -3_000.5, -1_000.5, 0.5],
        'a loss of 0.0001 for "a": in 12 of 16 seeds, never reached in 15,000 epochs; in the median of the other 4, reached '
        "after 9,501 epochs; the claim needs 8,000 epochs or fewer",
    ),
    (
        fx.never_reaches(1e-4, arm="a"),
        [1.0, 1.0, -1.0],
        'a loss of 0.0001 for "a": in 2 of 3 seeds, never reached in 15,000 epochs; in the other one, reached',
    ),
    (
        fx.faster("a", than="b", to=1e-4),
        [math.log(3_000 / 1_300)] * 2,
        'a loss of 0.0001: in every seed, "b" needs 2.3 times as many epochs as "a"',
    ),
    (
        fx.faster("a", than="b"),  # 15,001 counts as never
        [math.log(15_001 / 1_000)] * 2,
        'a loss of 10 % of the target\'s variance: in every seed, only "a" gets there in 15,000 epochs',
    ),
    (
        fx.faster("a", than="b", to=0.1),  # 15,001 / 14 is 2,143 / 2, and the latter two epochs both are there
        [*[math.log(15_001 / 1_000)] * 3, math.log(15_001 / 14), math.log(2), math.log(0.2), math.log(1_000 / 15_001)],
        'a loss of 0.1: in 3 of 7 seeds, only "a" gets there in 15,000 epochs; in the median of 2 of 7 seeds, "b" needs at '
        'least 46 times as many epochs as "a", if it gets there at all; in 1 of 7 seeds, only "b" gets there in 15,000 '
        'epochs; in the other one, "a" needs 5 times as many epochs as "b"',
    ),
    (
        fx.faster("a", than="b", to=0.1),
        [math.log(3), math.log(0.5), 0.0, math.log(15_001 / 13)],
        'a loss of 0.1: in the median of 2 of 4 seeds, "b" needs 1.2 times as many epochs as "a"; in 1 of 4 seeds, neither '
        'of "a" and "b" is first to reach it in 15,000 epochs; in the other one, only "a" gets there in 15,000 epochs',
    ),
    (
        fx.not_faster("a", than="b", to=0.1),
        [math.log(15_001 / 13), math.log(13 / 15_001), math.log(15_001 / 7)],
        'a loss of 0.1: in 1 of 3 seeds, only "b" gets there in 15,000 epochs; in 1 of 3 seeds, only "a" gets there in '
        '15,000 epochs; in the other one, "a" needs at least 2,100 times as many epochs as "b", if it gets there at all',
    ),
    (
        fx.fails(fx.faster("a", than="b", to=0.1)),
        [math.log(15_001 / 13), math.log(7 / 15_001), math.log(2)],
        'a loss of 0.1: in 1 of 3 seeds, only "b" gets there in 15,000 epochs; in 1 of 3 seeds, "a" needs 2 times as many '
        'epochs as "b"; in the other one, "b" needs at least 2,100 times as many epochs as "a", if it gets there at all',
    ),
    (
        fx.every(fx.faster("a", than="b", to=0.1), fx.faster("a", than="c", to=0.1)),
        [math.log(15_001 / 13), 0.0, -0.1],
        "two conditions on the epochs to a loss of 0.1: in 2 of 3 seeds, not both met; in the other one, both met",
    ),
    (
        fx.faster("a", than="b", to=0.1, within=500),
        [0.0, math.log(0.5), math.log(0.5)],
        'a loss of 0.1: in 2 of 3 seeds, "a" needs 2 times as many epochs as "b"; in the other one, neither of "a" and "b" '
        "is first to reach it in 500 epochs",
    ),
    (
        fx.not_faster("a", than="b", to=0.1),
        [TIE, math.log(1.5), math.log(1.5)],
        'a loss of 0.1: in 2 of 3 seeds, "a" needs 1.5 times as many epochs as "b"; in the other one, neither of "a" and "b" '
        "is first to reach it in 15,000 epochs",
    ),
    (
        fx.in_order("a", "b", to=0.1),
        [math.log(0.97)],
        'a loss of 0.1 for "a" and "b": one net needs 3.1 % more epochs than the net that should come after it',
    ),
    (
        fx.in_order("a", "b", "c", to=0.1),
        [math.log(15_001 / 13), math.log(13 / 15_001), math.log(15_001 / 7), math.log(7 / 15_001), 0.0, 0.0],
        'a loss of 0.1 for "a", "b" and "c": in 2 of 6 seeds, two neighbours reach it at the same epoch, or neither does in '
        "15,000 epochs; in 1 of 6 seeds, all but the last get there in this order, and that one never does in 15,000 epochs; "
        "in 1 of 6 seeds, one net never gets there in 15,000 epochs, and the net that should come after it does; in 1 of 6 "
        "seeds, each net needs 2,100 times as many epochs as the net before it, or more, if the last gets there at all; in "
        "the other one, one net needs at least 2,100 times as many epochs as the net that should come after it, if it gets "
        "there at all",
    ),
    (
        fx.reaches_near(0.1, arm="a", reported=9_000, within=0.2),
        [-INF, -0.1],
        'a loss of 0.1 for "a": in 1 of 2 seeds, never reached in 15,000 epochs; in the other one, reached 30 % away from '
        "epoch 9,000; the claim allows less than 20 % away from epoch 9,000",
    ),
    (
        fx.stops_near(1_500, arm="a", within=0.2),
        [0.15, 0.05, 0.05],
        'in the median seed, the stopping rule ends "a" 15 % away from epoch 1,500; the claim allows less than 20 %',
    ),
    (
        fx.stops_near(1_500, arm="a", within=0.2),
        [*[0.2 - 13_501 / 1_500] * 2, 0.05],
        'in 2 of 3 seeds, the stopping rule never ends "a"; in the other one, the stopping rule ends "a" 15 % away from epoch '
        "1,500; the claim allows less than 20 %",
    ),
    (
        fx.stops_near(9_000, arm="a", within=0.2),
        [0.2 - 6_001 / 9_000],
        'the stopping rule ends "a" after 2,999 epochs, or never; the claim allows less than 20 %',
    ),
    (
        fx.stop_in_order("a", "b"),
        [1.0, -1.0, -1.0, 0.0],
        'the stopping rule ends "a" and "b", if at all: in 2 of 4 seeds, not in this order; in 1 of 4 seeds, in this order; '
        "in the other one, all at one epoch, or none",
    ),
    # Comparisons
    (
        fx.lower_loss("a", than="net 2, 1 layer"),
        [0.0, math.log(1.9), math.log(1.9)],
        'in 2 of 3 seeds, "net 2, 1 layer" ends with 1.9 times the training loss of "a"; in the other one, the two tie: losses '
        "within 1 % of each other, two perfect fits, or no fit at all",
    ),
    (
        fx.highest("test_accuracy", "CNN-2", among=("CNN-1", "CNN-3")),
        [-0.0182] * 8,
        "in every seed, the highest of the others ends with a test accuracy 1.8 points above CNN-2",
    ),
    (
        fx.highest("jacobian", "CNN-2", among=("CNN-1",)),
        [0.25],
        "CNN-2 ends with a norm of the input Jacobian 0.25 above CNN-1",
    ),
    (
        fx.ahead("train_loss", "CNN-2", of="CNN-1", first_share=0.25),
        [math.log(1.05)],
        "over the first 25 % of the epochs CNN-1 has a mean training loss 5 % above that of CNN-2",
    ),
    (
        fx.overfits("CNN-1"),
        [-math.log(1.2)],
        "the loss of CNN-1 is 1.2 times as high on the training set as on the test set",
    ),
    (fx.unbeaten("test_accuracy", "CNN-1", among=("CNN-2",)), [TIE] * 2, "in every seed, the two are equal"),
    # Orders
    (
        fx.falls_over_epochs("train_loss", arm="CNN-0"),
        [0.27, 0.21, 0.15],
        "in the median seed, the training loss of CNN-0 falls in 91 % of the pairs of epochs; the claim needs more than 70 % "
        "of pairs",
    ),
    (
        fx.rises("test_accuracy", over="parameters"),
        [-0.7, -0.7, ON_BOUND],
        "in 2 of 3 seeds, the two ends are not in order, which settles it; in the other one, test accuracy rises with the number "
        "of parameters in exactly 70 % of the pairs of nets; the claim needs more than 70 % of pairs",
    ),
    (
        fx.fails(fx.falls("test_loss", over="parameters")),
        [-0.28] * 3,
        "in every seed, test loss falls with the number of parameters in 98 % of the pairs of nets; the claim needs 70 % or "
        "less of pairs",
    ),
    (
        fx.no_trend_over_epochs("test_loss", arm="CNN-0"),
        [-0.2, -0.2, 0.7],
        "in 2 of 3 seeds, the test loss of CNN-0 goes the way from its first value to its last in 90 % of the pairs of epochs; "
        "in the other one, the test loss of CNN-0 ends where it began; the claim needs 70 % or less of pairs",
    ),
    (
        fx.rises_along(*LINE, over=((0, 1), (1, 2))),
        [0.27],
        "two orders (test loss rises from alpha 0 to 1; test loss rises from alpha 1 to 2): 97 % of the pairs agree in the "
        "weaker; the claim needs more than 70 % of pairs",
    ),
    # Bounds
    (
        fx.accuracy_above(0.995, "CNN-1"),
        [-0.002] * 2,
        "in every seed, the training accuracy of CNN-1 is 99.3 %; the claim needs more than 99.5 %",
    ),
    (
        fx.near("test_accuracy", 0.9803, arm="CNN-2", within=0.005),
        [-0.004] * 2,
        "in every seed, the test accuracy of CNN-2 is 0.9 points off 98.03 %; the claim allows less than 0.5 points",
    ),
    (
        fx.loss_below(0.01, "CNN-1", "CNN-2"),
        [-0.25],
        "the highest training loss of CNN-1 and CNN-2 is 0.26; the claim needs less than 0.01",
    ),
    (
        fx.approximates(0.05, arm="CNN-1"),
        [0.0037],
        "the training loss of CNN-1 ends 0.0037 below 5 % of the target's variance",
    ),
    (
        fx.improves("CNN-1", factor=4),
        [math.log(8.4) - math.log(4)],
        "training divides the loss of CNN-1 by 8.4; the claim needs more than 4",
    ),
    (
        fx.no_worse("CNN-1", than=("CNN-2",), factor=10),
        [math.log(10) - math.log(20)],
        "the training loss of CNN-1 is 20 times the loss of CNN-2; the claim needs less than 10",
    ),
    (
        fx.plateaus("test_loss", arm="CNN-1", after=0.2, within=0.02),
        [0.02 - math.log(1.3)],
        "at 20 % of the epochs the test loss of CNN-1 is 1.3 times the lowest after that; the claim needs less than 1.02",
    ),
    # The gradient, paths, curvature and lines
    (
        fx.norm_settles("CNN-1"),
        [math.log(1_300)],
        "the spread of the gradient's norm of CNN-1 is 1,300 times as large in the first 10 % of the epochs as in the last 10 "
        "% of the epochs",
    ),
    (
        fx.norm_calms_at_stop("CNN-1"),
        [NAN] * 2,
        "in every seed, the stopping rule would end training in the last two epochs or never, or the norm is undefined",
    ),
    (
        fx.grows_closer("a", "b", part="whole"),
        [-0.005],
        "the two runs end 0.5 % farther apart than they began, relative to the length of their weights",
    ),
    (
        fx.grows_closer("a", "b", part="layer1"),
        [0.0051],
        "the first layers of the two runs end 0.51 % closer together than they began, relative to the length of their weights",
    ),
    (
        fx.reaches(1e-4, arm="a", within=1),
        [0.5],
        'a loss of 0.0001 for "a": reached after 1 epoch; the claim needs 1 epoch or fewer',
    ),
    (
        fx.every(fx.never_reaches(0.1, arm="a"), fx.never_reaches(0.1, arm="b")),
        [1.0, -1.0],
        "two conditions on the epochs to a loss of 0.1: in 1 of 2 seeds, both met; in the other one, not both met",
    ),
    (
        fx.every(fx.fails(fx.falls("test_loss", over="lr")), fx.fails(fx.rises("test_loss", over="lr"))),
        [0.1],
        "two conditions (not: test loss falls with learning rate; not: test loss rises with learning rate): both met",
    ),
    (
        fx.mostly_positive(),
        [0.14, NAN],
        "in 1 of 2 seeds, it is undefined; in the other one, the share of positive eigenvalues is 14 points above the share of "
        "negative ones",
    ),
    (
        fx.peaks_near(0.5, "train", "a", "b", within=0.15),
        [-0.31],
        "the training accuracy is best at an alpha 0.46 away from 0.5; the claim allows less than 0.15",
    ),
    (
        fx.barrier_above(0.02, "a", "b"),
        [0.0281] * 2,
        "in every seed, the test error between the two nets rises 4.8 points above their mean test error; the claim needs "
        "more than 2 points",
    ),
    # Several conditions
    (
        fx.every(fx.lowest("train_loss", "a", among=("b",)), fx.highest("test_accuracy", "a", among=("b",))),
        [-0.1],
        "two conditions (training loss; test accuracy): not both met",
    ),
    (
        fx.every(fx.lowest("train_loss", "a", among=("b",)), fx.highest("test_accuracy", "a", among=("b",))),
        [-0.1, 0.1, 0.4],
        "two conditions (training loss; test accuracy): in 2 of 3 seeds, both met; in the other one, not both met",
    ),
    (
        fx.every(fx.accuracy_above(0.9, "a"), fx.accuracy_above(0.9, "b")),
        [ON_BOUND] * 2,
        "two conditions on training accuracy: in every seed, the weaker is exactly on its bound",
    ),
    (
        fx.saturates("a", "b", "c"),
        [-0.02],
        'two conditions (test accuracy rises from "a" to "b"; it rises less from there to "c"): the weaker is 2 points short',
    ),
    (
        fx.every(fx.accuracy_above(0.9, "a"), fx.accuracy_above(0.9, "b")),
        [0.01],
        "two conditions on training accuracy: the weaker is met with 1 point to spare",
    ),
    # Made by hand
    (
        Effect("x - 1", "parts", lambda runs: 1.0),
        [0.5, 0.25, INF],
        "in the median of 2 of 3 seeds, the effect is 0.375 parts; in the other one, it is infinitely far beyond what the "
        "claim needs; the claim needs more than 0",
    ),
    (
        Effect(
            "x", "", lambda runs: 1.0, told=Told(lambda value, arms: f"{value:g} apples", "needs some", "needs none")
        ),
        [2.0, 2.0],
        "in every seed, 2 apples; the claim needs some",
    ),
]


@pytest.mark.parametrize(("effect", "values", "said"), CASES, ids=lambda case: str(case)[:40])
def test_values_in_words(effect, values, said):
    assert effect.tell(values, ARMS) == said


def test_each_constructor_tells_its_values():
    assert set(TOLD) == set(CONSTRUCTORS)
    assert not [one for one in CONSTRUCTORS if make(one).told is None]


def test_how_an_effect_tells_its_values_is_no_part_of_its_identity():
    def compute(runs):
        return runs["a"]

    told = Told(lambda value, arms: "something")
    assert identity(Effect("x", "", compute, told=told)) == identity(Effect("x", "", compute))
    assert Effect("x", "", compute, told=told) == Effect("x", "", compute)
