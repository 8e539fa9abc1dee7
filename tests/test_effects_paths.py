"""Effects on weight paths: values by hand, ties, opposites, and the required measurements."""

import math
from dataclasses import replace

import numpy as np
import pytest

from cases import ARM
from hw1bench import effects as fx
from hw1bench.records.runs import Result, Run
from hw1bench.specs.measurement import Paths


def runs(arms=("own", "other"), **measured):
    """The arms "own" and "other", with ``measured`` as the result of ``arms``."""
    arrays = {name: np.float64(value) for name, value in measured.items()}
    result = Result(Paths(own=arms[0], other=arms[1], mark_every=1), arms, arrays)
    return {
        name: Run(replace(ARM, name=name), 0, {"train_loss": np.ones(2)}, {}, (result,)) for name in ("own", "other")
    }


SEPARATES = fx.separates("own", "other")
WHOLE, LAYER1 = (fx.grows_closer("own", "other", part=part) for part in ("whole", "layer1"))
BEYOND = fx.beyond_random_walk("own", "other")
CASES = {
    "separate": (SEPARATES, runs(whole_separation=0.3), 0.3),
    "separate, by the whole model": (SEPARATES, runs(whole_separation=-0.3, layer1_separation=2), -0.3),
    "separate, a tie": (SEPARATES, runs(whole_separation=0), 0),
    "separate from a standstill": (SEPARATES, runs(whole_separation=math.inf), math.inf),
    "separate, diverged": (SEPARATES, runs(whole_separation=math.nan), math.nan),
    "whole converges": (WHOLE, runs(whole_relative_convergence=0.2, layer1_relative_convergence=-0.5), 0.2),
    "layer 1 converges": (LAYER1, runs(whole_relative_convergence=0.2, layer1_relative_convergence=-0.5), -0.5),
    "converges, a tie": (WHOLE, runs(whole_relative_convergence=0), 0),
    "converges, diverged": (LAYER1, runs(layer1_relative_convergence=math.nan), math.nan),
    "beyond a random walk": (BEYOND, runs(whole_own_share=0.75, whole_walk=0.5, layer1_own_share=0), 0.25),
    "within random walks": (BEYOND, runs(whole_own_share=0.5, whole_walk=0.625, layer1_walk=0), -0.125),
    "beyond, a tie": (BEYOND, runs(whole_own_share=0.78, whole_walk=0.78), 0),
    "beyond, diverged": (BEYOND, runs(whole_own_share=math.nan, whole_walk=math.nan), math.nan),
}


@pytest.mark.parametrize(("effect", "trained", "expected"), CASES.values(), ids=CASES)
def test_effects(effect, trained, expected):
    assert effect(trained) == pytest.approx(expected, nan_ok=True)
    if effect.opposite is not None:
        assert effect.opposite(trained) == pytest.approx(-expected, nan_ok=True)


def test_a_random_walk_is_a_threshold_and_the_others_are_comparisons():
    assert [effect.opposite is None for effect in (SEPARATES, WHOLE, LAYER1, BEYOND)] == [False, False, False, True]


@pytest.mark.parametrize("effect", [SEPARATES, WHOLE, LAYER1, BEYOND], ids=lambda effect: effect.name)
def test_both_arms_are_needed_and_the_measurement_of_both_in_this_order(effect):
    assert effect.arms == ("own", "other")
    for arms in (("other", "own"), ("own", "third")):
        with pytest.raises(ValueError, match=r"arms 'own' and 'other' have no result of Paths: add such a measurement"):
            effect(runs(arms))


def test_the_formula_says_which_part_of_the_weights():
    assert "whole model" in WHOLE.name
    assert "first layer" in LAYER1.name
