"""Two rules by which a pilot may speak, of time: an effect that is tied to a clock, and a race."""

from dataclasses import replace

import numpy as np
import pytest

from hw1bench.court import pilots
from hw1bench.court.pilots import Silencing
from hw1bench.effects import (
    Effect,
    beaten,
    descending,
    every,
    fails,
    highest,
    highest_loss,
    lower_loss,
    lowest,
    never_reaches,
    no_worse,
    plateaus,
    rises,
    unbeaten,
)
from hw1bench.records.runs import Run
from made_pilots import FACTS, IMAGES, claim, court, experiment, falling, lower, small


def wiggling(arm, seed):
    """A test accuracy whose later rise above its middle is large only when the whole budget is seen."""
    loss, accuracy = falling(arm, 0.4, 0.9)
    accuracy[:] = 0.5
    accuracy[-1] = 0.9
    return loss, accuracy


def test_a_clock_needs_half_of_the_steps_or_one_sign_throughout(tmp_path):
    effect = plateaus("test_accuracy", arm="a", after=0.5, within=0.02)
    flat = lambda arm, seed: (falling(arm, 0.4, 0.9)[0], np.full(arm.epochs + 1, 0.9))  # noqa: E731
    assert court(tmp_path / "flat", flat).hear(claim(effect)).verdict.word == "seen"
    verdict = court(tmp_path / "wiggling", wiggling).hear(claim(effect)).verdict
    assert verdict.word == "no evidence"
    assert "tied to after 50% of the epochs, changes between 50, 75 and 100 % of the budget" in verdict.note
    # 100 epochs of 100 steps as reported; digits have 3 steps an epoch, so 1,667 epochs take half of them
    long = experiment(quick=[small(replace(IMAGES, name=name), epochs=1_667) for name in "ab"])
    assert court(tmp_path / "long", wiggling).hear(claim(effect, long)).verdict.word == "not seen"


def test_a_clock_on_a_measurement_cannot_be_told_at_half_of_the_budget(tmp_path):
    effect = Effect("last weight", "", lambda runs: runs["a"].arrays["weights"][0], ("a",), clock="late")
    runs = [{"a": Run(small(replace(IMAGES, name="a")), 0, {"weights": np.ones(1)}, FACTS)}]
    assert "tied to late, is not known at half of the budget" in pilots.clock_bound(claim(effect), runs)


def test_a_clock_on_an_epoch_after_half_of_the_budget_cannot_be_told_there(tmp_path):
    effect = Effect("loss", "", lambda runs: runs["a"].arrays["train_loss"][8], ("a",), clock="the last epoch")
    verdict = court(tmp_path, lambda arm, seed: falling(arm, 0.4, 0.9)).hear(claim(effect)).verdict
    assert verdict.word == "no evidence"
    assert "tied to the last epoch, is not known at half of the budget" in verdict.note


def test_never_is_a_clock_and_an_order_is_none():
    assert never_reaches(1e-4, arm="a").clock == "never"
    assert rises("test_loss", over="parameters").clock == ""
    assert every(lower("a", than="b"), plateaus("test_loss", arm="a", after=0.5, within=1.0)).clock


@pytest.mark.parametrize(("epochs", "perhaps"), [(99, ("trained", "no clock")), (100, ("trained",))])
def test_a_clock_of_a_protocol_called_as_reported_was_not_asked_under_half_of_the_steps(epochs, perhaps):
    short = [replace(IMAGES, name=name, epochs=epochs // 2) for name in "ab"]  # of the 100 epochs of the full protocol
    by_then = Effect("by then", "", lambda runs: 1.0, ("a",), clock="within 9 epochs")
    found = pilots.unexempted(claim(by_then, experiment(quick=short, as_reported="as it is")))
    assert found == Silencing({}, perhaps)


def test_a_run_until_a_share_of_its_budget():
    arm = small(replace(IMAGES, name="a"), epochs=5)
    arrays = {"train_loss": np.arange(6.0), "last_batch_norm": np.arange(5.0), "weights": np.ones(3)}
    half = Run(arm, 3, arrays, FACTS).until(0.5)
    assert (half.arm.epochs, half.seed, sorted(half.arrays)) == (3, 3, ["last_batch_norm", "train_loss"])
    assert half.arrays["train_loss"].tolist() == [0, 1, 2, 3]
    assert half.arrays["last_batch_norm"].tolist() == [0, 1, 2]
    steps = Run(
        replace(arm, gradient_norm="step"), 3, {"gradient_norm": np.arange(15.0), "step_loss": np.arange(15.0)}, FACTS
    )
    assert {name: len(array) for name, array in steps.until(0.75).arrays.items()} == {
        "gradient_norm": 12,
        "step_loss": 12,
    }
    epochs = Run(replace(arm, gradient_norm="epoch"), 3, {"gradient_norm": np.arange(6.0)}, FACTS)
    assert len(epochs.until(0.5).arrays["gradient_norm"]) == 4


RACES = {
    "lower loss": lower_loss("a", than="b"),
    "highest loss": highest_loss("a", among=["b"]),
    "lowest": lowest("test_accuracy", "a", among=["b"]),
    "highest": highest("test_accuracy", "a", among=["b"]),
    "no worse": no_worse("a", than=["b"], factor=10),
    "unbeaten": unbeaten("test_accuracy", "a", among=["b"]),
    "beaten": beaten("test_loss", "a", among=["b"], factor=1.02),
    "descending": descending("test_loss", "a", "b"),
    "one of several": every(rises("test_loss", over="parameters"), lower_loss("a", than="b")),
    "denied": fails(lower_loss("a", than="b")),
    "by hand": Effect("ahead", "", lambda runs: 1.0, ("a", "b"), race=True),
}


@pytest.mark.parametrize("effect", RACES.values(), ids=RACES)
def test_a_race_is_not_called_before_half_of_the_steps(effect):
    def why(epochs):
        arms = [replace(IMAGES, name=name) for name in "ab"]
        return pilots.silenced(claim(effect, experiment(arms, [replace(small(arm), epochs=epochs) for arm in arms])))

    half = -(-IMAGES.steps // (2 * small(IMAGES).steps_per_epoch(1437)))
    assert (
        why(half - 1)
        == "which arm is ahead at the end is not known from less than half of the report's steps (no race)"
    )
    assert why(half) == ""


def test_a_trend_is_no_race_and_a_race_called_as_reported_is_told():
    assert not rises("test_loss", over="parameters").race
    assert not fails(rises("test_loss", over="parameters")).race
    assert pilots.silenced(claim(lower_loss("a", than="b"), experiment(as_reported="as it is"))) == ""
    told = pilots.unexempted(claim(lower_loss("a", than="b"), experiment(as_reported="as it is")))
    assert list(told.known) == ["no race"]
