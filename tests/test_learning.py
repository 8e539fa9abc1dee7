"""Values at the epoch whose weights a run keeps, sensitivities among them, and the orders over a sweep that rest on them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import ARM, DIGITS
from hw1bench import Model
from hw1bench import effects as fx
from hw1bench.effects import IN_ORDER
from hw1bench.measures import learning
from hw1bench.records.runs import Result, Run
from hw1bench.specs.measurement import JacobianNorm

CLASSIFIER = replace(ARM, name="net", data=DIGITS, model=Model("64-10"), loss="cross_entropy")


def run(test_accuracy, keep="best", arm=CLASSIFIER, jacobian=1.0, **arrays):
    """Losses fall by 1 per epoch from 10; the norm of epoch k's last batch is 100 k."""
    epochs = len(test_accuracy) - 1
    found = {
        "test_accuracy": np.array(test_accuracy, float),
        "train_loss": 10.0 - np.arange(epochs + 1),
        "last_batch_norm": 100.0 * np.arange(1, epochs + 1),
        **arrays,
    }
    norm = Result(JacobianNorm(), (arm.name,), {"jacobian": np.float64(jacobian)})
    return Run(replace(arm, epochs=epochs, keep=keep), 0, found, {}, (norm,))


BEST = {
    "the best is inside": ([0.1, 0.5, 0.9, 0.7], 2),
    "the best is the last": ([0.1, 0.5, 0.7, 0.9], 3),
    "the first of the best": ([0.1, 0.9, 0.5, 0.9], 1),
    "before training does not count": ([0.99, 0.1, 0.3, 0.2], 2),
    "one epoch": ([0.9, 0.1], 1),
}


@pytest.mark.parametrize(("accuracies", "epoch"), BEST.values(), ids=BEST)
def test_the_kept_epoch_is_the_first_of_the_best_test_accuracy(accuracies, epoch):
    assert run(accuracies).kept_epoch == epoch
    assert run(accuracies, keep="last").kept_epoch == len(accuracies) - 1


@given(st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=2, max_size=8))
def test_no_epoch_is_better_than_the_kept_one_and_no_earlier_one_is_as_good(accuracies):
    kept = run(accuracies).kept_epoch
    assert accuracies[kept] == max(accuracies[1:])
    assert accuracies[kept] not in accuracies[1:kept]


def test_final_values_are_from_the_kept_epoch():
    best, last = (run([0.1, 0.5, 0.9, 0.7], keep) for keep in ("best", "last"))
    assert (learning.final(best), learning.final(last)) == (8, 7)
    assert (learning.final(best, "test_accuracy"), learning.final(last, "test_accuracy")) == (0.9, 0.7)
    assert (learning.final(best, "reported"), learning.final(last, "reported")) == (200, 300)


def test_the_jacobian_is_measured_with_the_kept_weights_already():
    one = run([0.1, 0.5, 0.9, 0.7], jacobian=4.5)
    assert learning.final(one, "jacobian") == 4.5
    assert isinstance(learning.final(one, "jacobian"), float)


def test_the_missing_input_of_a_sensitivity_is_named():
    arrays = {"train_loss": np.ones(3)}
    bare = Run(replace(CLASSIFIER, epochs=2), 0, arrays, {})
    with pytest.raises(ValueError, match="arm 'net' has no result of JacobianNorm: add such a measurement"):
        learning.final(bare, "jacobian")
    with pytest.raises(ValueError, match="arm 'net' has no sensitivity 'reported': let the arm record the grad"):
        learning.final(bare, "reported")
    with pytest.raises(ValueError, match="arm 'net' has no history 'sharpness': it has train_loss"):
        learning.final(bare, "sharpness")


def sweep(jacobians=(3, 2, 1), losses=((0, 1, 9), (0, 2, 9), (0, 3, 9)), best=(1, 1, 1)):
    """Arms of batch 16, 64, 256 and learning rate 1e-3, 1e-2, 1e-1, given out of order; ``losses`` of the test set, one
    row per arm, and the epochs ``best`` that are kept."""
    found = {}
    for index in (1, 2, 0):
        accuracies = np.zeros(3)
        accuracies[best[index]] = 0.9
        optimizer = replace(CLASSIFIER.optimizer, lr=10.0 ** (index - 3))
        arm = replace(CLASSIFIER, name=f"n{index}", batch_size=4 ** (index + 2), optimizer=optimizer)
        found[arm.name] = run(accuracies, arm=arm, jacobian=jacobians[index], test_loss=np.array(losses[index], float))
    return found


BY_BATCH, BY_RATE = fx.falls("jacobian", over="batch_size"), fx.rises("test_loss", over="lr")
REPORTED = fx.falls("reported", over="batch_size")
DIVERGED = ((0, 1, 9), (0, 2, 9), (0, math.nan, 9))
ORDERS = {
    "jacobian falls": (BY_BATCH, sweep(), 1),
    "jacobian does not fall by one pair": (BY_BATCH, sweep((3, 1, 2)), 2 / 3),
    "jacobian rises": (BY_BATCH, sweep((1, 2, 3)), 0),
    "jacobian, a tie": (BY_BATCH, sweep((3, 2, 2)), 2 / 3),
    "jacobian, one diverged": (BY_BATCH, sweep((3, 2, math.nan)), 1 / 3),
    "reported falls": (REPORTED, sweep(best=(2, 2, 1)), 2 / 3),
    "loss at the kept epoch rises": (BY_RATE, sweep(), 1),
    "loss at the kept epoch does not": (BY_RATE, sweep(best=(2, 1, 1)), 1 / 3),
    "loss rises to infinity": (BY_RATE, sweep(losses=DIVERGED), 1),
}


@pytest.mark.parametrize(("effect", "runs", "share"), ORDERS.values(), ids=ORDERS)
def test_orders_over_a_sweep(effect, runs, share):
    assert effect(runs) == pytest.approx(share - IN_ORDER)


def test_the_opposite_of_an_order_of_sensitivities_is_the_other_way():
    assert BY_BATCH.opposite(sweep((1, 2, 3))) == pytest.approx(1 - IN_ORDER)
    assert BY_RATE.opposite(sweep(losses=((0, 3, 9), (0, 2, 9), (0, 1, 9)))) == pytest.approx(1 - IN_ORDER)
    assert BY_BATCH.arms is None


@pytest.mark.parametrize(
    ("classes", "times", "expected"),
    [(10, 2.5, 0.25), (10, 1.5, 0.15), (2, 2.5, 7 / 12), (100, 2.5, 0.175), (2, 10, 1)],
)
def test_a_level_over_guessing_is_as_far_on_the_way_to_1_for_any_number_of_classes(classes, times, expected):
    assert learning.over_guessing(classes, times) == pytest.approx(expected, rel=1e-15)
    assert learning.over_guessing(10, times) == times / 10
