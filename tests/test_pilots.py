"""The five rules by which a pilot may speak, on claims made for them: dead, truncated and under-trained arms, levels, races."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from hw1bench import Model, Optimizer
from hw1bench.court import pilots
from hw1bench.court.pilots import Silencing
from hw1bench.court.rehearsal import faults
from hw1bench.effects import (
    Effect,
    accuracy_above,
    every,
    fails,
    faster,
    highest,
    loss_below,
    lowest,
    near,
    reaches,
    rises,
)
from hw1bench.records.runs import Run
from made_pilots import FACTS, IMAGES, claim, court, experiment, falling, learnt, lower, no_race, small


@pytest.mark.parametrize(
    ("ends", "word"), [({"a": 0.4, "b": 0.6}, "seen"), ({"a": 0.6, "b": 0.4}, "not seen")], ids=["seen", "not seen"]
)
def test_a_reduced_protocol_gives_a_pilot(tmp_path, ends, word):
    verdict = (
        court(tmp_path, lambda arm, seed: falling(arm, ends[arm.name], 0.9)).hear(claim(lower("a", than="b"))).verdict
    )
    assert (verdict.word, verdict.how, verdict.seeds) == (word, None, 8)


def test_a_pilot_that_leaves_both_sides_open_is_mixed(tmp_path):
    curve = lambda arm, seed: falling(arm, 0.4 if (arm.name == "a") == bool(seed % 2) else 0.6, 0.9)  # noqa: E731
    assert court(tmp_path, curve).hear(claim(lower("a", than="b"))).verdict.word == "mixed"


def test_as_reported_protocols_give_verdicts(tmp_path):
    effect = lower("a", than="b")
    assert court(tmp_path / "f", learnt, "full").hear(claim(effect)).verdict.word == "supported"
    same = experiment(quick=[replace(IMAGES, name="a"), replace(IMAGES, name="b")])
    assert court(tmp_path / "s", learnt).hear(claim(effect, same)).verdict.word == "supported"
    code = experiment(as_reported="the budget of the report's code")
    assert court(tmp_path / "c", learnt).hear(claim(effect, code)).verdict.word == "supported"


@pytest.mark.parametrize(
    ("end", "accuracy", "speaks"),
    [
        (0.6, 0.9, True),
        (0.6, 0.25, True),
        (0.6, 0.24, False),
        (1.83, 0.9, True),
        (1.85, 0.9, False),
        (math.nan, 0.9, False),
    ],
)
def test_every_compared_arm_must_have_learnt(tmp_path, end, accuracy, speaks):
    """2.5 times chance is 0.25; a fifth of 2.3 is lost at 1.84."""

    def curve(arm, seed):
        loss, right = falling(arm, 0.4, 0.9) if arm.name == "a" else falling(arm, 0.0, accuracy)
        if arm.name == "b":
            loss = np.linspace(2.3, end, arm.epochs + 1)
        return loss, right

    verdict = court(tmp_path, curve).hear(claim(lower("a", than="b"))).verdict
    assert verdict.word == ("seen" if speaks else "no evidence")
    assert verdict.note.startswith("" if speaks else "No evidence: b did not learn.")


@pytest.mark.parametrize(
    ("layout", "loss", "end", "learns"),
    [
        ("784-10 softmax", "cross_entropy", 2.13, True),  # a fifth of what lies between 2.3 and 1.46
        ("784-10 softmax", "cross_entropy", 2.14, False),
        ("784-10", "cross_entropy", 2.13, False),
        ("784-10 logsoftmax", "nll", 2.13, False),
    ],
)
def test_a_net_whose_loss_has_a_bottom_must_have_lost_a_fifth_down_to_it(layout, loss, end, learns):
    """Cross-entropy that takes the probabilities of a softmax for logits cannot fall below log(1 + 9 / e)."""
    arm = replace(IMAGES, name="a", model=Model(layout), loss=loss)
    losses, accuracy = falling(arm, end, 0.6)
    seeds = [{"a": Run(arm, seed, {"train_loss": losses, "train_accuracy": accuracy}, FACTS)} for seed in range(8)]
    assert torch.nn.functional.cross_entropy(torch.eye(10)[:1], torch.tensor([0])).item() == pytest.approx(
        math.log1p(9 / math.e)
    )
    why = pilots.untrained(claim(Effect("made up", "", lambda runs: 1.0, ("a",))), seeds)
    assert why == ("" if learns else "a did not learn")


@pytest.mark.parametrize(("dead", "of", "speaks"), [(1, 8, False), (1, 16, True), (2, 16, False)])
def test_nine_of_ten_seeds_must_have_learnt(dead, of, speaks):
    arm = small(replace(IMAGES, name="a"))
    seeds = []
    for seed in range(of):
        loss, accuracy = falling(arm, 2.29 if seed < dead else 0.4, 0.9)
        seeds.append({"a": Run(arm, seed, {"train_loss": loss, "train_accuracy": accuracy}, FACTS)})
    why = pilots.untrained(claim(Effect("made up", "", lambda runs: 1.0, ("a",))), seeds)
    assert why == ("" if speaks else "a did not learn")


def test_an_arm_that_is_not_compared_need_not_learn(tmp_path):
    three = experiment([replace(IMAGES, name=name) for name in "abc"])
    curve = lambda arm, seed: falling(arm, 2.3, 0.1) if arm.name == "c" else learnt(arm, seed)  # noqa: E731
    assert court(tmp_path, curve).hear(claim(lower("a", than="b"), three)).verdict.word == "seen"
    assert court(tmp_path, curve).hear(claim(lower("a", than="c"), three)).verdict.word == "no evidence"


def test_a_claim_about_not_training_needs_no_trained_arm(tmp_path):
    dead = lambda arm, seed: falling(arm, 2.3 if arm.name == "b" else 0.4, 0.1 if arm.name == "b" else 0.9)  # noqa: E731
    effect = no_race(highest("train_loss", "b", among=["a"]))
    assert court(tmp_path, dead).hear(claim(effect, about_not_training=True)).verdict.word == "seen"
    assert court(tmp_path, dead).hear(claim(effect)).verdict.word == "no evidence"


def test_image_nets_at_chance_are_no_evidence_as_reported_either(tmp_path):
    dead = lambda arm, seed: falling(arm, 2.3 if arm.name == "b" else 0.4, 0.1)  # noqa: E731
    assert court(tmp_path, dead, "full").hear(claim(lower("b", than="a"))).verdict.word == "no evidence"


def test_random_labels_as_reported_are_judged_whatever_was_learnt(tmp_path):
    arms = [replace(IMAGES, name=name, data=replace(IMAGES.data, random_labels=True)) for name in "ab"]
    curve = lambda arm, seed: falling(arm, 2.3 if arm.name == "b" else 2.29, 0.1)  # noqa: E731
    one = claim(lower("a", than="b"), experiment(arms))
    assert court(tmp_path / "full", curve, "full").hear(one).verdict.word == "supported"
    assert court(tmp_path / "quick", curve).hear(one).verdict.word == "no evidence"


def test_beside_a_net_on_random_labels_one_on_true_labels_must_learn_as_reported_too(tmp_path):
    arms = [replace(IMAGES, name="a"), replace(IMAGES, name="b", data=replace(IMAGES.data, random_labels=True))]
    one = claim(lower("a", than="b"), experiment(arms))
    for end, accuracy, word in ((0.4, 0.9, "supported"), (2.2, 0.1, "no evidence")):
        curve = lambda arm, seed: falling(arm, 2.3 if arm.name == "b" else end, accuracy)  # noqa: B023, E731
        found = court(tmp_path / word, curve, "full").hear(one).verdict
        assert found.word == word
        assert ("a did not learn" in found.note) == (word == "no evidence")


@pytest.mark.parametrize(("end", "speaks"), [(0.989 * math.log(10), True), (0.991 * math.log(10), False)])
def test_random_labels_are_learnt_one_percent_under_guessing(tmp_path, end, speaks):
    arms = [replace(IMAGES, name=name, data=replace(IMAGES.data, random_labels=True)) for name in "ab"]
    curve = lambda arm, seed: falling(arm, end - 0.01 * (arm.name == "a"), 0.12)  # noqa: E731
    verdict = court(tmp_path, curve).hear(claim(lower("a", than="b"), experiment(arms))).verdict
    assert verdict.word == ("seen" if speaks else "no evidence")


@pytest.mark.parametrize(
    ("effect", "level"),
    [
        (accuracy_above(0.98, "a"), "an accuracy of 0.98"),
        (loss_below(0.01, "a"), "a loss of 0.01"),
        (near("test_accuracy", 0.61, arm="a", within=0.02), "a test accuracy of 0.61"),
        (faster("a", than="b", to=1e-3), "a loss of 0.001"),
        (every(lower("a", than="b"), accuracy_above(0.5, "a")), "an accuracy of 0.5"),
        (fails(accuracy_above(0.98, "a")), "an accuracy of 0.98"),
        (reaches(1e-4, arm="a", within=5), "a loss of 0.0001"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_foreign_level_silences_the_pilot_before_anything_trains(tmp_path, effect, level):
    sitting = court(tmp_path, learnt)
    verdict = sitting.hear(claim(effect)).verdict
    assert (verdict.word, verdict.seeds) == ("not run", None)
    assert verdict.note == f"full tier only: {level} belongs to the report's data set and budget"
    assert sitting.trainer.trained == []


def test_a_level_of_its_own_and_no_level_are_not_foreign(tmp_path):
    own = claim(accuracy_above(0.15, "a"), own_level="guessing is right in 10 % on every set")
    assert court(tmp_path / "a", learnt).hear(own).verdict.word == "seen"
    assert pilots.foreign_level(claim(lower("a", than="b"))) == ""
    assert court(tmp_path / "b", learnt, "full").hear(claim(accuracy_above(0.8, "a"))).verdict.word == "supported"


ARMS = [replace(IMAGES, name=f"{size}", model=Model(f"784-{size}-10")) for size in (8, 16, 32)]


@pytest.mark.parametrize(
    ("quick", "why"),
    [
        ([small(arm) for arm in ARMS], ""),
        ([small(arm) for arm in ARMS[:2]], "leaves out 32"),
        ([small(arm) for arm in ARMS[::-1]], "arms in another order"),
        ([small(arm, model=Model("784-4-10")) for arm in ARMS], "orders its arms otherwise by parameters"),
        ([small(arm, batch_size=599) for arm in ARMS], "cuts the batch of 8 short"),
        ([small(arm, batch_size=None) for arm in ARMS], "cuts the batch of 8 short"),
        ([small(arm, batch_size=2_000) for arm in ARMS], ""),
        ([small(arm, optimizer=Optimizer(name="sgd", lr=0.1 * (i + 1))) for i, arm in enumerate(ARMS)], "by lr"),
    ],
)
def test_other_arms_silence_the_pilot(tmp_path, quick, why):
    sitting = court(tmp_path, learnt)
    one = claim(
        no_race(lowest("train_loss", "8", among=["16"])) if not why else rises("test_loss", over="parameters"),
        experiment(ARMS, quick),
    )
    note = sitting.hear(one).verdict.note
    assert note.startswith("full tier only: the reduced protocol" if why else "")
    assert why in note
    assert (sitting.trainer.trained == []) == bool(why)


def test_a_batch_larger_than_the_small_set_is_cut_short():
    """Digits leave 1,437 images to train on, and MNIST has 60,000."""
    arms = [replace(arm, batch_size=1_438) for arm in ARMS[:2]]
    one = claim(lower("8", than="16"), experiment(arms, [small(arm) for arm in arms]))
    assert pilots.silenced(one) == "the reduced protocol cuts the batch of 8 short"
    whole = [replace(arm, batch_size=1_437) for arm in ARMS[:2]]
    assert not pilots.silenced(claim(lower("8", than="16"), experiment(whole, [small(arm) for arm in whole])))


def test_a_compared_arm_that_the_reduced_protocol_leaves_out_silences_it():
    one = claim(lower("8", than="32"), experiment(ARMS, [small(arm) for arm in ARMS[:2]]))
    assert pilots.silenced(one) == "the reduced protocol leaves out 32"
    with pytest.raises(ValueError, match="has no arm '32'"):
        claim(
            lower("8", than="32"),
            experiment(ARMS, [small(arm) for arm in ARMS[:2]], as_reported="the code's arms"),
        )


def test_a_silent_pilot_is_not_rehearsed():
    """An order over two arms cannot be computed, and need not be: the claim is not run."""
    one = claim(rises("test_loss", over="parameters"), experiment(ARMS, [small(arm) for arm in ARMS[:2]]))
    assert faults([one], "quick") == faults([one], "full") == {}


def test_an_arm_left_out_that_is_not_compared_is_no_matter(tmp_path):
    one = claim(lower("8", than="16"), experiment(ARMS, [small(arm) for arm in ARMS[:2]]))
    assert pilots.silenced(one) == ""


def test_rules_that_exemptions_lift_are_told_from_specifications():
    own = claim(every(loss_below(0.1, "a"), loss_below(0.2, "b")), own_level="of every set")
    assert pilots.silenced(own) == ""
    assert [*pilots.unexempted(own).known] == ["no foreign level"]
    assert pilots.unexempted(claim(lower("a", than="b"), about_not_training=True)) == Silencing({}, ("trained",))
    assert pilots.unexempted(claim(lower("a", than="b"))) == Silencing({}, ())
    swapped = [small(replace(IMAGES, name=name)) for name in "ba"]
    other = pilots.unexempted(claim(lower("a", than="b"), experiment(quick=swapped, as_reported="as it is")))
    assert other == Silencing({"same arms": "the reduced protocol has its arms in another order"}, ("trained",))


def test_a_claim_that_the_quick_tier_does_not_train_has_no_exemptions():
    with pytest.raises(ValueError, match="claim T-x trains nothing in the quick tier: ask of a claim that does"):
        pilots.unexempted(claim(lower("a", than="b"), replace(experiment(), quick=None)))
