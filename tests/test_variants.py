"""Variants of training: which apply to an experiment and to a claim, and what is said of a verdict under them."""

import json
from dataclasses import replace

import pytest

import test_pilots
from hw1bench import Claim, Experiment, Images, Interpolation, Model, Protocol, Table
from hw1bench import effects as fx
from hw1bench.court.hearing import Court
from hw1bench.court.variants import variants_of, vary
from hw1bench.records.store import Store
from hw1bench.report import words
from hw1bench.specs.variants import VARIANTS
from made_court import BASIS, EXPERIMENT, SWEEP, Made, claim

IMAGES = replace(test_pilots.IMAGES, name="a")
BY_NAME = {variant.name: variant for variant in VARIANTS}


def alone(arm):
    both = Protocol(arms=(arm,), looks=(8, 16))
    return Experiment(report="T", name="x", full=both, quick=both)


def names(experiment):
    return [variant.name for variant in VARIANTS if variant.of(experiment)]


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        (replace(BASIS, name="a"), ["batches of 16", "Keras's initialisation", "independent seeds"]),
        (
            replace(BASIS, name="a", batch_size=16, model=Model("[2]", init="keras"), independent=True),
            ["full batch", "torch's initialisation", "tied seeds"],
        ),
        (
            replace(BASIS, name="a", batch_size=1),
            ["full batch", "batches of 16", "Keras's initialisation", "independent seeds"],
        ),
        (
            replace(BASIS, name="a", model=Model("[2]", init="normal", deviation=0.1)),
            ["batches of 16", "torch's initialisation", "Keras's initialisation", "independent seeds"],
        ),
        (IMAGES, ["pixels in [-1, 1]", "Keras's initialisation", "independent seeds"]),
        (
            replace(IMAGES, data=Images(name="mnist", size=28, mean=(0.1307,), deviation=(0.3081,))),
            ["pixels in [0, 1]", "pixels in [-1, 1]", "Keras's initialisation", "independent seeds"],
        ),
        (
            replace(IMAGES, data=Images(name="mnist", size=28, standardize=True)),
            ["Keras's initialisation", "independent seeds"],
        ),
        (
            replace(BASIS, name="a", data=Table([1.0, 2.0], [1.0, 2.0], name="t"), batch_size=1),
            ["full batch", "batches of 16", "Keras's initialisation", "independent seeds"],
        ),
    ],
)
def test_each_assumption_about_training_is_made_the_other_way(arm, expected):
    assert names(alone(arm)) == expected


def test_a_variant_changes_one_thing_of_every_arm_in_both_tiers_and_trains_blocks_of_its_own():
    varied = BY_NAME["Keras's initialisation"].of(EXPERIMENT)
    for before, after in ((EXPERIMENT.full, varied.full), (EXPERIMENT.quick, varied.quick)):
        assert after == replace(
            before, arms=tuple(replace(arm, model=Model("[2]", init="keras")) for arm in before.arms)
        )
    assert (varied.id, varied.key("quick") == EXPERIMENT.key("quick")) == (EXPERIMENT.id, False)
    pixels = BY_NAME["pixels in [-1, 1]"].of(alone(IMAGES)).full.arms[0].data
    # (0 - 0.5) / 0.5 = -1 and (1 - 0.5) / 0.5 = 1
    assert (pixels.mean, pixels.deviation) == ((0.5,), (0.5,))


def test_a_variant_that_makes_two_arms_one_training_does_not_apply():
    sizes = alone(replace(BASIS, name="a"))
    two = [replace(BASIS, name="a"), replace(BASIS, name="b", batch_size=16)]
    sizes = Experiment(report="T", name="x", full=Protocol(arms=two, looks=(8,)), quick=None)
    assert names(sizes) == ["Keras's initialisation", "independent seeds"]


def test_a_variant_that_leaves_a_measurement_nothing_to_compare_does_not_apply():
    pair = tuple(replace(BASIS, name=name, independent=True) for name in "ab")
    line = Interpolation(first="a", second="b", alphas=(0.0, 0.5, 1.0))
    both = Protocol(arms=pair, looks=(8,), measures=(line,))
    assert "tied seeds" not in names(Experiment(report="T", name="x", full=both, quick=both))


def test_variants_of_a_claim_are_those_of_the_arms_that_its_effect_compares():
    other = [replace(BASIS, name="a"), replace(BASIS, name="b", batch_size=16)]
    both = Protocol(arms=other, looks=(8,))
    mixed = Experiment(report="T", name="x", full=both, quick=both)
    of_b = [name for name, _ in variants_of(claim(fx.loss_below(1, "b"), experiment=mixed), "quick")]
    of_a = [name for name, _ in variants_of(claim(fx.loss_below(1, "a"), experiment=alone(other[0])), "quick")]
    assert of_b == ["Keras's initialisation", "independent seeds"]
    assert of_a == ["batches of 16", "Keras's initialisation", "independent seeds"]


def test_an_effect_that_a_variant_leaves_uncomputable_has_no_such_variant():
    of = claim(fx.falls("train_loss", over="batch_size"), experiment=replace(SWEEP, full=UNMEASURED, quick=UNMEASURED))
    assert [name for name, _ in variants_of(of, "quick")] == ["Keras's initialisation", "independent seeds"]
    both = claim(fx.Effect("size", "", lambda runs: runs["a"].arm.setting("batch_size"), ("a",)), experiment=ONE_BY_ONE)
    assert "full batch" not in [name for name, _ in variants_of(both, "quick")]
    assert "batches of 16" in [name for name, _ in variants_of(both, "quick")]


UNMEASURED = replace(SWEEP.full, measures=())
ONE_BY_ONE = alone(replace(BASIS, name="a", batch_size=1))


def test_counts_and_reduced_protocols_have_no_variants():
    count = Claim("T-count", report="T", where="1", says="7.", effect=fx.CountIs(Model("[2]"), 7))
    assert list(variants_of(count, "quick")) == []
    reduced = test_pilots.claim(fx.lower_loss("a", than="b"))
    assert list(variants_of(reduced, "quick")) == []
    assert [name for name, _ in variants_of(reduced, "full")] == [
        "pixels in [-1, 1]",
        "Keras's initialisation",
        "independent seeds",
    ]


class Trained(Made):
    """A trainer whose final loss depends on how the net is initialised, and whose keys on the whole arm."""

    def name(self, block):
        return f"{block.arm}-{block.first_seed}"

    def train(self, block, name):
        self.final = lambda _, seed: 0.9 if block.arm.model.init == "keras" else 0.1
        return super().train(block, name)


def test_a_verdict_is_tried_under_each_variant_and_stays_what_it_is(tmp_path):
    sitting = Court("quick", Store(tmp_path), Trained(None))
    judged = sitting.hear(claim(fx.loss_below(0.5, "a")))
    found = vary(sitting, judged)
    assert found == (
        ("batches of 16", "supported"),
        ("Keras's initialisation", "refuted"),
        ("independent seeds", "supported"),
    )
    assert judged.verdict.word == "supported"
    assert len(sitting.trainer.trained) == 4
    assert vary(sitting, sitting.hear(claim(fx.Effect("none", "", lambda runs: "text")))) == ()


def test_a_verdict_says_in_how_many_variants_it_stands():
    found = [{"name": name, "verdict": word} for name, word in (("one", "supported"), ("two", "inconclusive"))]
    assert words.stands("supported", found[:1]) == "stands in 1 of 1 variants of training"
    assert words.stands("supported", found) == "stands in 1 of 2 variants of training: two inconclusive"
    closed = [*found, {"name": "three", "verdict": "not run"}]
    assert words.stands("supported", closed) == (
        "stands in 1 of 2 variants of training: two inconclusive, three not run"
    )


def test_variants_are_told_on_the_terminal_and_in_the_document_and_put_nothing_on_record(pytester, project):
    project("[claim('A-fit-x', 'supported'), count('B-count-z', 10)]")
    plain = pytester.runpytest("claims", "--record-rulings")
    rulings = pytester.path / "claims" / "rulings.json"
    before = json.loads(rulings.read_text())
    result = pytester.runpytest("claims", "--variants", "--record-rulings")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["A-fit-x (supported) stands in 3 of 3 variants of training"])
    plain.stdout.no_fnmatch_line("*stands in*")
    found = {one["id"]: one for one in json.loads((pytester.path / "reports" / "claims.json").read_text())["claims"]}
    assert [one["verdict"] for one in found["A-fit-x"]["variants"]] == ["supported"] * 3
    assert found["B-count-z"]["variants"] == []
    assert {name: before[name] for name in ("rulings", "pilots")} == {
        name: json.loads(rulings.read_text())[name] for name in ("rulings", "pilots")
    }


def test_a_session_without_variants_says_so(pytester, project):
    project("[count('B-count-z', 10)]")
    pytester.runpytest("claims", "--variants").stdout.fnmatch_lines(
        ["no claim was trained in variants in this session: *"]
    )
