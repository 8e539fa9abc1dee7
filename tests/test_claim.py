from dataclasses import replace

import pytest

from hw1bench import Arm, Claim, Experiment, Figure, Function, Model, Optimizer, Reading, Values, both_tiers
from hw1bench.court import pilots
from hw1bench.effects import CountIs, loss_below

ARMS = [
    Arm(
        name="one",
        data=Function(name="sinc"),
        model=Model("[2]"),
        loss="mse",
        optimizer=Optimizer(name="sgd", lr=0.1),
        epochs=1,
    )
]
EXPERIMENT = Experiment(report="T", name="x", **both_tiers(ARMS), assumptions=("full batch",))
BASIS = {"report": "T", "where": "1", "says": "It is."}
VALUES = Values({0: 1.0}, name="gap")


def other(effect):
    return Reading(number="margin 0", reading="1", effect=effect)


def test_assumptions_of_experiment_and_claim_add_up():
    claim = Claim("T-x", **BASIS, experiment=EXPERIMENT, effect=loss_below(1, "one"), assumptions=("low: 1",))
    assert claim.everything_assumed() == ("full batch", "low: 1")
    assert claim.tiers == ("quick", "full")


def test_a_claim_on_values_from_elsewhere_is_as_reported_in_both_tiers():
    claim = Claim("T-x", **BASIS, effect=VALUES, assumptions=("one",), readings=[other(Values({0: -1.0}, name="gap"))])
    assert (claim.tiers, claim.everything_assumed()) == (("quick", "full"), ("one",))
    for tier in claim.tiers:
        assert (claim.protocol(tier), claim.key(tier), claim.fidelity(tier)) == (None, None, "as reported")
    assert pilots.silenced(claim) == ""


def test_a_full_only_experiment_makes_a_full_only_claim():
    full = Experiment(report="T", name="x", full=EXPERIMENT.full, quick=None)
    assert Claim("T-x", **BASIS, experiment=full, effect=loss_below(1, "one")).tiers == ("full",)


def test_a_claim_on_an_experiment_that_says_why_is_listed_in_the_quick_tier_and_tried_by_the_full_one():
    full = Experiment(report="T", name="x", full=EXPERIMENT.full, quick=None, full_tier_only="too slow")
    claim = Claim("T-x", **BASIS, experiment=full, effect=loss_below(1, "one"))
    assert claim.tiers == ("quick", "full")
    assert (claim.protocol("quick"), claim.key("quick"), claim.fidelity("quick")) == (None, None, "reduced")
    assert (claim.protocol("full"), claim.key("full")) == (EXPERIMENT.full, full.key("full"))
    assert pilots.silenced(claim) == "too slow"
    assert replace(claim, full_only=True).tiers == ("full",)


FIGURES = tuple(Figure(number="1", title="It", kind=kind) for kind in ("loss", "losses", "curves"))


@pytest.mark.parametrize(("figures", "shown"), [((), ""), (FIGURES[1:2], "losses"), (FIGURES, "loss")])
def test_a_claim_shows_the_only_figure_or_the_loss(figures, shown):
    claim = Claim("T-x", **BASIS, experiment=replace(EXPERIMENT, figures=figures), effect=loss_below(1, "one"))
    assert claim.figure == shown


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("T x", {"experiment": EXPERIMENT, "effect": loss_below(1, "one")}, "claim id 'T x'"),
        ("T-x", {"effect": loss_below(1, "one")}, "needs an experiment"),
        ("T-x", {"experiment": EXPERIMENT, "effect": CountIs(Model("[2]"), 7)}, "an exact count takes none"),
        (
            "T-x",
            {
                "experiment": replace(EXPERIMENT, figures=FIGURES[1:]),
                "effect": loss_below(1, "one"),
            },
            "claim T-x: figure '' is not one of losses, curves: name one of them",
        ),
        (
            "T-x",
            {
                "experiment": replace(EXPERIMENT, figures=FIGURES),
                "effect": loss_below(1, "one"),
                "figure": "accuracies",
            },
            "claim T-x: figure 'accuracies' is not one of loss, losses, curves: name one of them",
        ),
        ("T-x", {"experiment": EXPERIMENT, "effect": VALUES}, "neither do values from elsewhere"),
        (
            "T-x",
            {"effect": VALUES, "stated": ("to",)},
            "no argument 'to' to be stated, because values from elsewhere have none",
        ),
        (
            "T-x",
            {"effect": VALUES, "readings": [other(loss_below(1, "one"))]},
            "of another kind than its effect: give an",
        ),
        (
            "T-x",
            {"effect": VALUES, "readings": [other(CountIs(Model("[2]"), 7))]},
            "give values from elsewhere for values",
        ),
        (
            "T-x",
            {"effect": CountIs(Model("[2]"), 7), "readings": [other(VALUES)]},
            "give values from elsewhere for values",
        ),
        (
            "T-x",
            {"effect": VALUES, "readings": [other(Values({1: 1.0}, name="x"))]},
            "has other seeds or looks than its",
        ),
        (
            "T-x",
            {"effect": VALUES, "readings": [other(Values({0: 1.0}, name="x", looks=(8,)))]},
            "other seeds or looks",
        ),
        ("T-x", {"effect": VALUES, "readings": [other(Values(float, name="x"))]}, "other seeds or looks"),
        (
            "T-x",  # a seed beyond the last look, which a session that begins at another seed needs
            {
                "effect": Values(dict.fromkeys(range(33), 1.0), name="x"),
                "readings": [other(Values(dict.fromkeys(range(32), 1.0), name="x"))],
            },
            "other seeds or looks",
        ),
        ("T-x", {"experiment": EXPERIMENT, "effect": loss_below(1, "two")}, r"T-x has no arm 'two', only \['one'\]"),
    ],
)
def test_inconsistent_claims_are_refused(name, changes, said):
    with pytest.raises(ValueError, match=said):
        Claim(name, **BASIS, **changes)
