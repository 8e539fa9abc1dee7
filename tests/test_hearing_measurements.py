"""A court takes the measurements that claims need: once, block by block, with results of their own."""

from dataclasses import replace

import numpy as np
import pytest

from hw1bench import Experiment
from hw1bench.court.hearing import Court
from hw1bench.effects import Effect, falls, loss_below, separates
from hw1bench.records.runs import Block
from hw1bench.records.store import Store
from hw1bench.specs.measurement import Paths
from hw1bench.support.snapshots import ARRAYS
from made_court import APART, PAIR, PATH, SWEEP, Made, claim, court


def above_b(arm, seed):
    return {"a": 0.9, "b": 0.1}[arm]


def by_turns(arm, seed):
    return {"a": 0.5, "b": 0.1 if seed % 2 else 0.9}[arm]


def arrays_in_memory(sitting):
    return {name for records in (sitting.records, sitting.results) for one in records.values() for name in one.arrays}


def test_a_pair_is_measured_block_by_block_into_separate_results(tmp_path):
    sitting = court(tmp_path, by_turns)
    judged = sitting.hear(APART)
    assert (judged.verdict.word, judged.verdict.holds, judged.verdict.seeds) == ("inconclusive", 8, 16)
    assert sitting.trainer.measured == ["Paths a-0 b-0", "Paths a-8 b-8"]
    assert not any("whole_separation" in record.arrays for record in sitting.records.values())
    for of, record in sitting.results.items():
        assert (of.measurement, of.arms) == (PATH.measures[0], ("a", "b"))
        expected = [0.5 - by_turns("b", seed) for seed in of.blocks[0].seeds]
        np.testing.assert_allclose(record.arrays["whole_separation"], expected)


def test_a_second_claim_measures_nothing_again(tmp_path):
    sitting = court(tmp_path, above_b)
    first, second = sitting.hear(APART), sitting.hear(APART)
    assert sitting.trainer.measured == ["Paths a-0 b-0"]
    assert (first.reused, second.reused) == (False, True)
    assert second.verdict == first.verdict
    assert first.seconds == second.seconds == 2 * 0.5 + 0.25  # the measurement is part of it


def test_the_next_session_reads_measurements_back(tmp_path):
    first = court(tmp_path, above_b).hear(APART)
    sitting = court(tmp_path, lambda arm, seed: 1 / 0)
    again = sitting.hear(APART)
    assert (sitting.trainer.trained, sitting.trainer.measured) == ([], [])
    assert (again.verdict, again.reused, again.seconds) == (first.verdict, True, first.seconds)
    assert again.verdict.word == "supported"
    fresh = Court("quick", Store(tmp_path, fresh=True), Made(above_b))
    fresh.hear(APART)
    assert fresh.trainer.measured == ["Paths a-0 b-0"]


def test_blocks_that_were_trained_but_not_measured_are_only_measured(tmp_path):
    sitting = court(tmp_path, above_b)
    sitting.hear(APART)
    sitting.store.path("Paths a-0 b-0").unlink()
    after = court(tmp_path, above_b)
    judged = after.hear(APART)
    assert (after.trainer.trained, after.trainer.measured, judged.reused) == ([], ["Paths a-0 b-0"], False)
    assert judged.verdict.word == "supported"


def test_arrays_that_only_measurements_need_are_stored_but_not_kept_in_memory(tmp_path):
    sitting = court(tmp_path, above_b)
    sitting.hear(APART)
    assert set(ARRAYS) <= set(sitting.store.get("a-0").arrays)
    again = court(tmp_path, above_b)
    again.hear(APART)
    assert arrays_in_memory(sitting) == arrays_in_memory(again) == {"train_loss", "whole_separation"}


def test_pairs_that_share_their_first_arm_have_separate_results(tmp_path):
    arms = (*PATH.arms, replace(PATH.arms[0], name="c"))
    pairs = [Paths(own="a", other=name, mark_every=1) for name in "bc"]
    both = replace(PATH, arms=arms, measures=pairs)
    experiment = Experiment(report="T", name="path", full=both, quick=both)
    sitting = court(tmp_path, lambda arm, seed: {"a": 0.9, "b": 0.5, "c": 0.2}[arm])
    for name, expected in (("b", 0.4), ("c", 0.7)):
        judged = sitting.hear(claim(separates("a", name), experiment=experiment))
        assert judged.verdict.median == pytest.approx(expected), judged.verdict.note
    assert sitting.trainer.trained == ["a-0", "b-0", "c-0"]
    assert sitting.trainer.measured == ["Paths a-0 b-0", "Paths a-0 c-0"]
    assert not set(ARRAYS) & arrays_in_memory(sitting)  # the first arm's snapshots served both


def test_different_measurements_of_the_same_arms_have_separate_results(tmp_path):
    twice = replace(PATH, measures=[*PATH.measures, replace(PATH.measures[0], mark_every=2)])
    experiment = Experiment(report="T", name="path", full=twice, quick=twice)

    def of_the_second(runs):
        with pytest.raises(
            ValueError, match="arms 'a' and 'b' have 2 results of Paths: ask for one by its measurement"
        ):
            runs["a"].result(Paths, "a", "b")
        assert {result.measurement for result in runs["b"].results} == set(twice.measures)
        return float(runs["b"].result(twice.measures[1], "a", "b")["whole_separation"])

    own = Effect("of the second", "log ratio", of_the_second, ("a", "b"))
    sitting = court(tmp_path, above_b)
    keys = sitting.trainer.keys
    sitting.trainer.keys = lambda of, known: [
        name if isinstance(of, Block) else f"{name} {of.measurement.mark_every}" for name in keys(of, known)
    ]
    judged = sitting.hear(claim(own, experiment=experiment))
    assert judged.verdict.median == pytest.approx(0.8), judged.verdict.note
    assert len(sitting.trainer.measured) == 2


def test_an_effect_sees_only_the_results_of_its_own_arms(tmp_path):
    seen = []
    own = Effect("own", "loss", lambda runs: seen.append(runs["a"].results) or 1.0, ("a",))
    sitting = court(tmp_path, above_b)
    sitting.hear(APART)
    sitting.hear(claim(own, experiment=PAIR))
    assert seen == [()] * 8


def test_a_claim_on_one_arm_does_not_measure_a_pair_and_the_next_claim_does(tmp_path):
    sitting = court(tmp_path, above_b)
    judged = sitting.hear(claim(loss_below(0.5, "b"), experiment=PAIR))
    assert (sitting.trainer.trained, sitting.trainer.measured, judged.seconds) == (["b-0"], [], 0.5)
    sitting.hear(APART)
    assert (sitting.trainer.trained, sitting.trainer.measured) == (["b-0", "a-0"], ["Paths a-0 b-0"])


def test_a_measurement_of_single_arms_is_taken_only_of_arms_that_a_claim_names(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: {"a": 0.9, "b": 0.5, "c": 0.1}[arm])
    sitting.hear(claim(loss_below(0.6, "b"), experiment=SWEEP))
    assert sitting.trainer.measured == ["JacobianNorm b-0"]
    judged = sitting.hear(claim(falls("jacobian", over="batch_size"), experiment=SWEEP))
    assert judged.verdict.word == "supported"
    assert sorted(sitting.trainer.measured) == ["JacobianNorm a-0", "JacobianNorm b-0", "JacobianNorm c-0"]
    assert judged.seconds == 3 * 0.75


def test_a_measurement_that_fails_is_an_error_and_keeps_the_trained_blocks(tmp_path):
    def broken(one, trained, name):
        raise ValueError("no snapshots")

    sitting = court(tmp_path, above_b)
    sitting.trainer.measure = broken
    judged = sitting.hear(APART)
    assert (judged.verdict.word, judged.verdict.note) == ("error", "ValueError: no snapshots")
    assert sitting.hear(claim(loss_below(0.5, "b"), experiment=PAIR)).verdict.word == "supported"
    after = court(tmp_path, above_b)
    assert after.hear(APART).verdict.word == "supported"
    assert (after.trainer.trained, after.trainer.measured) == ([], ["Paths a-0 b-0"])


def test_a_killed_session_keeps_every_finished_measurement(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: {"a": 0.9, "b": 0.5, "c": 0.1}[arm])
    finished = sitting.trainer.measure

    def killed(one, trained, name):
        if one.arms == ("b",):
            raise KeyboardInterrupt
        return finished(one, trained, name)

    sitting.trainer.measure = killed
    with pytest.raises(KeyboardInterrupt):
        sitting.prepare(SWEEP, SWEEP.quick.arms)
    after = court(tmp_path, sitting.trainer.final)
    after.prepare(SWEEP, SWEEP.quick.arms)
    assert (after.trainer.trained, after.trainer.measured) == ([], ["JacobianNorm b-0", "JacobianNorm c-0"])


def test_measuring_is_timed_with_training_and_by_itself(tmp_path):
    calls = []

    def timer(experiment, work):
        calls.append(experiment)
        work()

    sitting = court(tmp_path, above_b)
    sitting.hear(APART, timer)
    sitting.hear(APART, timer)
    assert calls == ["T-path"]
    sitting.store.path("Paths a-0 b-0").unlink()
    after = court(tmp_path, above_b)
    after.hear(APART, timer)
    assert calls == ["T-path", "T-path"]
    assert after.trainer.trained == []


def test_blocks_that_are_not_measured_are_admitted_again(tmp_path):
    asked = []
    sitting = court(tmp_path, lambda arm, seed: seed, admit=lambda _, blocks: asked.append(len(blocks)))
    sitting.trainer.measure = lambda one, trained, name: 1 / 0
    sitting.hear(APART)
    sitting.trainer.measure = Made.measure.__get__(sitting.trainer)
    sitting.hear(APART)
    assert asked == [2, 2]
    assert sitting.trainer.trained == ["a-0", "b-0"]
