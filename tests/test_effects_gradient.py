"""Effects on the gradient's norm: values by hand, opposites, and the required recordings of a run."""

import math

import numpy as np
import pytest

from cases import ARM
from hw1bench import effects as fx
from hw1bench.effects import IN_ORDER
from hw1bench.effects.telling import ON_BOUND
from hw1bench.measures import gradient_norm as measured
from hw1bench.records.runs import Run


def run(**arrays):
    found = {name: np.array(values, float) for name, values in arrays.items()}
    found.setdefault("train_loss", np.ones(len(found.get("gradient_norm", [1]))))
    return {"a": Run(ARM, 0, found, {})}


E = math.e
WAVES = [*([1, 3] * 5), *([2, 2.5] * 5)]  # 20 values: standard deviations 1 and 0.25
STOPPED = np.concatenate([np.linspace(2, 1, 1001), np.ones(100)])  # report B's rule stops it at epoch 1,100
CASES = {
    "settles": (
        fx.norm_settles("a", share=0.5),
        run(gradient_norm=[99, *WAVES]),
        math.log(4),
    ),
    "calms at stop": (
        fx.norm_calms_at_stop("a"),
        run(train_loss=np.r_[STOPPED, np.ones(100)], gradient_norm=[*([1, 3] * 550), 2, *([2, 2.5] * 50)]),
        math.log(np.std([*([1, 3] * 550), 2]) / 0.25),
    ),
    "never stopped": (
        fx.norm_calms_at_stop("a"),
        run(train_loss=np.linspace(2, 1, 1201), gradient_norm=np.ones(1201)),
        math.nan,
    ),
    "never zero": (fx.norm_never_zero("a"), run(gradient_norm=[2, 5, 1e-30]), 1e-30),
    "zero": (fx.norm_never_zero("a"), run(gradient_norm=[2, 5, 0, 1]), ON_BOUND),
    "stands still": (fx.stands_still("a", within=0.1), run(coasted=0.04), 0.06),
    "moves more": (
        fx.norm_moves_more("a", late=(0.5, 1), early=(0, 0.5)),
        run(gradient_norm=[1, E, E, 1, E**3, 1]),
        math.log(3),
    ),
    "falls then slows": (
        fx.norm_falls_then_slows(0.5, arm="a", blocks=3),
        run(gradient_norm=[E**0.6, E**0.5, E**0.4, E**0.3, E**0.3]),
        0.1 - 0.05,
    ),
    "falls, the order is the smaller": (
        fx.norm_falls_then_slows(0.5, arm="a", blocks=3),
        run(gradient_norm=[E**4, E**2, E, 1, E**0.5]),
        1 - IN_ORDER,
    ),
    "falls faster, but rises between": (
        fx.norm_falls_then_slows(0.5, arm="a", blocks=3),
        run(gradient_norm=[E**4, E**5, E, 1, E**0.5]),
        2 / 3 - IN_ORDER,
    ),
    "falls, then faster": (
        fx.norm_falls_then_slows(0.5, arm="a", blocks=3),
        run(gradient_norm=[E**5, E**4.9, E**4.8, E**2, 1]),
        0.1 - 2.4,
    ),
    "high early": (
        fx.high_early("a", first=0.25, last=0.5),
        run(gradient_norm=[8, 1, 2, 2], step_loss=[2, 9, 1, 1]),
        math.log(2),
    ),
    "fluctuates while the loss falls": (
        fx.fluctuates_while_loss_falls("a", least=0.25, blocks=3),
        run(gradient_norm=[0, 0, 0, *([1, 3] * 3), 0, 0, 0], step_loss=[0, 0, 0, 6, 5, 4, 3, 2, 1, 0, 0, 0]),
        0.25,
    ),
    "fluctuates, the loss does not fall": (
        fx.fluctuates_while_loss_falls("a", least=0.25, blocks=3),
        run(gradient_norm=[0, 0, 0, *([1, 3] * 3), 0, 0, 0], step_loss=[0, 0, 0, 1, 1, 1, 1, 1, 2, 0, 0, 0]),
        -IN_ORDER,
    ),
    "norm falls late": (
        fx.norm_falls_late("a", blocks=3),
        run(gradient_norm=[0, 0, 0, 5, 4, 3]),
        1 - IN_ORDER,
    ),
    "loss stabilises": (fx.loss_stabilises("a", last=0.5, within=0.3), run(train_loss=[9, 5, 1.8, 1.4, 1]), 0.2),
    "loss goes on": (fx.loss_stabilises("a", last=0.5, within=0.1), run(train_loss=[9, 5, 1.8, 1.4, 1]), ON_BOUND),
    "loss rises": (fx.loss_stabilises("a", last=0.5, within=0.1), run(train_loss=[1, 1.5, 2, 5, 10]), math.nan),
}
OPPOSED = ("settles", "calms", "never stopped", "moves", "norm falls")


@pytest.mark.parametrize(("effect", "runs", "expected"), CASES.values(), ids=CASES)
def test_effects(effect, runs, expected):
    assert effect(runs) == pytest.approx(expected, rel=1e-6, abs=0, nan_ok=True)


@pytest.mark.parametrize("case", CASES)
def test_comparisons_and_orders_declare_an_opposite_and_thresholds_do_not(case):
    effect, runs, expected = CASES[case]
    assert (effect.opposite is not None) == case.startswith(OPPOSED)
    if effect.opposite is not None and expected > 0:
        assert effect.opposite(runs) < 0


def test_a_run_that_never_stopped_is_no_reversal_either():
    effect, runs, _ = CASES["never stopped"]
    assert math.isnan(effect.opposite(runs))


def test_high_early_needs_norm_and_loss():
    effect = fx.high_early("a", first=0.25, last=0.5)
    assert effect(run(gradient_norm=[1, 1, 2, 2], step_loss=[4, 9, 1, 1])) == pytest.approx(-math.log(2))


def test_what_was_not_recorded_is_named():
    with pytest.raises(ValueError, match="arm 'arm' recorded no 'gradient_norm'"):
        measured.norms(run(train_loss=[1, 1])["a"])
    with pytest.raises(ValueError, match="arm 'arm' recorded no 'step_loss'"):
        measured.step_losses(run(train_loss=[1, 1])["a"])
    with pytest.raises(ValueError, match="3 values have none between 0% and 10%"):
        measured.part(np.ones(3), 0, 0.1)


def test_the_error_for_an_arm_that_did_not_coast_says_what_to_do():
    with pytest.raises(ValueError, match="recorded no 'coasted': give the arm coast=True"):
        measured.coasted(run(gradient_norm=[1, 2])["a"])
