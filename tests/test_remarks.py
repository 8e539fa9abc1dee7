from dataclasses import replace

import numpy as np

from cases import ARM
from hw1bench import Images, Model, Table
from hw1bench.court.remarks import diverged_where, left_out, near_chance, remarks
from hw1bench.records.runs import Result, Run
from hw1bench.specs.measurement import MinimalRatio


def test_nets_that_hardly_learn_are_named_with_the_verdict():
    images = Images(name="digits", size=8)
    arms = {name: replace(ARM, name=name, data=images, model=Model("64-10"), loss="cross_entropy") for name in "ab"}
    arms["c"] = replace(arms["a"], name="c", data=replace(images, random_labels=True))
    finals = {"a": 0.12, "b": 0.9, "c": 0.1}
    seeds = [
        {
            name: Run(arm, seed, {"train_accuracy": np.array([0.1, finals[name]])}, {"classes": 10})
            for name, arm in arms.items()
        }
        for seed in range(3)
    ]
    assert near_chance(seeds) == (
        "Near chance in training accuracy at the end: a (12%). Comparisons of such nets say little."
    )
    assert near_chance([{name: runs[name] for name in "bc"} for runs in seeds]) == ""


def test_near_chance_between_two_classes_is_not_out_of_reach():
    arm = replace(ARM, data=Table([1, 2], [0, 1], name="t"), model=Model("1-2"), loss="cross_entropy")
    for accuracy, named in ((0.52, True), (0.54, False)):
        run = Run(arm, 0, {"train_accuracy": np.array([0.5, accuracy])}, {"classes": 2})
        assert (near_chance([{"arm": run}]) != "") is named


def points(reached, ratios, loss=0.01):
    """A seed whose points are ``reached`` or not; the target's variance is 0.1."""
    measured = [
        {"reached": np.bool_(a), "norm_ratio": np.float64(b), "stationary_loss": np.float64(loss)}
        for a, b in zip(reached, ratios, strict=True)
    ]
    return {
        name: Run(replace(ARM, name=name), 0, {}, {"target_variance": 0.1}, (Result(MinimalRatio(), (name,), arrays),))
        for name, arrays in zip(("point 0", "point 1"), measured, strict=False)
    }


def test_points_that_did_not_reach_zero_gradient_are_counted():
    seeds = [points([True, False], [1e-5, 2e-3]), points([False, True], [4e-2, 1e-6])]
    assert left_out(seeds) == (
        "2 of 4 points reached almost zero gradient; the other 2 are left out: their gradient norm ended at 2.0e-03 to 4.0e-02 "
        "of its value at initialisation."
    )
    assert remarks([points([True], [1e-6])]) == "1 of 1 points reached almost zero gradient."


def test_constant_fits_are_counted():
    seeds = [points([True, False], [1e-6, 1e-2], loss=0.10001), points([True], [1e-6])]
    assert left_out(seeds) == (
        "2 of 3 points reached almost zero gradient; the other is left out: its gradient norm ended at 1.0e-02 of its value at "
        "initialisation. Constant fits among these: 1. Their units died in training, and their output is fixed."
    )


def test_norms_that_are_undefined_are_told_apart():
    assert "ended at 2.0e-03 of its value at initialisation, undefined in 1" in left_out(
        [points([False, False], [np.nan, 2e-3])]
    )
    assert "its gradient norm ended at undefined of its value" in left_out([points([False], [np.nan])])


def test_arms_that_diverged_are_counted_in_the_seeds_with_an_undefined_effect():
    fine, gone = (Run(ARM, 0, {"train_loss": np.array([1.0, end])}, {}) for end in (0.5, np.nan))
    seeds = [{"a": gone, "b": fine}, {"a": gone, "b": gone}, {"a": fine, "b": gone}]
    assert diverged_where([np.nan, np.nan, 1.0], seeds) == "; of those, arm a diverged in 2, arm b diverged in 1"
    assert diverged_where([1.0, 1.0, np.nan], [seeds[0], seeds[1], {"a": fine}]) == ""


def test_ordinary_runs_get_no_remark():
    assert remarks([{"net": Run(ARM, 0, {"train_loss": np.zeros(2)}, {})}]) == ""
