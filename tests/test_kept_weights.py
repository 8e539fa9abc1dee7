"""Weights are kept only where a measurement of the protocol reads them, and trained again where one comes to read them."""

from dataclasses import replace

import numpy as np
import pytest

from cases import ARM, DIGITS, first
from hw1bench import Claim, Effect, Experiment, Network, both_tiers, measure
from hw1bench.court.hearing import Court
from hw1bench.court.rehearsal import faults
from hw1bench.effects import loss_below
from hw1bench.executors.local import LocalTrainer
from hw1bench.records.runs import FOR_MEASURES, Block, blocks
from hw1bench.records.store import Store
from hw1bench.specs.measurement import Interpolation, JacobianNorm, Paths
from hw1bench.support.arrays import load_arrays
from hw1bench.support.progress import Silent
from networks import normed

FITS = [replace(ARM, name=name, epochs=3, independent=True) for name in "ab"]
NETS = [replace(arm, data=DIGITS, model=Network(normed), loss="cross_entropy", batch_size=64) for arm in FITS]


@measure(gives="length")
def length(network, data, generator):
    return {"length": float(sum(weight.detach().square().sum() for weight in network.parameters()))}


def claim(*measures, effect=None):
    experiment = Experiment(report="T", name="x", **both_tiers(FITS, measures=measures))
    effect = effect or loss_below(1e9, "a")
    return Claim("T-x", report="T", where="1", says="It is.", experiment=experiment, effect=effect)


def judged(folder, of):
    """What is made for a claim in a new session, its judgement, and what is said."""

    class Counting(LocalTrainer):
        def make(self, work, known, done):
            made.extend("trained" if isinstance(one, Block) else "measured" for one in work)
            super().make(work, known, done)

    made, said = [], []
    found = Court("quick", Store(folder, notice=said.append), Counting("cpu", Silent())).hear(of)
    return made, found, said


def stored(folder):
    return [set(load_arrays(path)) for path in folder.iterdir()]


def test_a_protocol_that_comes_to_measure_weights_is_trained_again_with_one_line(tmp_path):
    made, found, said = judged(tmp_path, claim())
    assert (made, said) == (["trained"], [])
    assert all("train_loss" in arrays and not arrays & set(FOR_MEASURES) for arrays in stored(tmp_path))

    own = Effect("length", "", lambda runs: float(runs["a"].result(length)["length"]), ("a",))
    made, measured, said = judged(tmp_path, claim(length, effect=own))
    assert (made, measured.verdict.word) == (["trained", "measured"], "supported")
    (line,) = said
    assert "cannot be used (it lacks weights): it is trained again" in line
    assert sum("weights" in arrays for arrays in stored(tmp_path)) == 1
    assert judged(tmp_path, claim(length, effect=own))[0] == []

    # What has more than is needed serves too.
    made, again, said = judged(tmp_path, claim())
    assert (made, said, again.verdict) == ([], [], found.verdict)


@pytest.mark.parametrize("arms", [FITS, NETS], ids=["layout", "network with buffers"])
def test_a_trainer_leaves_out_the_weights_alone(arms):
    (whole,) = (Block("T", "x", arm, 0) for arm in arms[:1])
    found = []
    for block in (whole, replace(whole, weights=False)):
        LocalTrainer("cpu", Silent(), first(130)).make([block], {}, lambda _, record: found.append(record))
    left_out = set(found[0].arrays) - set(found[1].arrays)
    assert left_out == set(FOR_MEASURES) & set(found[0].arrays)
    assert "weights" in left_out
    assert found[0].name == found[1].name
    for name, array in found[1].arrays.items():
        np.testing.assert_array_equal(array, found[0].arrays[name])


READ = {  # measurements -> the arms, of a, b and c, that keep their weights
    "none": ((), ""),
    "each arm": ((JacobianNorm(),), "abc"),
    "a function": ((length,), "abc"),
    "a pair": ((Interpolation(first="a", second="c", alphas=(0, 1)),), "ac"),
    "snapshots alone": ((Paths(own="a", other="b", mark_every=1),), ""),
}


@pytest.mark.parametrize(("measures", "expected"), READ.values(), ids=READ)
def test_weights_are_kept_of_arms_whose_weights_are_read(measures, expected):
    arms = [replace(NETS[0], name=name, snapshots="epoch") for name in "abc"]
    experiment = Experiment(report="T", name="x", **both_tiers(arms, measures=measures))
    found = blocks(experiment, "quick", arms, 8)
    assert [block.arm for block in found] == arms
    assert "".join(block.arm.name for block in found if block.weights) == expected


def test_an_effect_that_reads_weights_which_nothing_measures_is_a_fault_with_the_way_out():
    def last(runs):
        return float(runs["a"].arrays["weights"].sum())

    effect = Effect("last", "", last, ("a",))
    (line,) = faults([claim(effect=effect)], "quick")["T-x"]
    assert "there is no 'weights'" in line
    assert line.endswith("kept only where a measurement of the protocol reads them: take what you need by @measure")
    assert faults([claim(length, effect=effect)], "quick") == {}
