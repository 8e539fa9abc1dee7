from dataclasses import replace

import numpy as np
import pytest

from hw1bench import Arm, Claim, Experiment, Function, Model, Optimizer, both_tiers
from hw1bench.court.hearing import Court, judge_count
from hw1bench.court.verdict import Verdict
from hw1bench.effects import CountIs, CountsEqual, Effect, falls, faster, loss_below, lower_loss, separates
from hw1bench.records.runs import Record
from hw1bench.records.store import Store
from hw1bench.specs.experiment import Protocol
from hw1bench.specs.measurement import JacobianNorm, Paths
from hw1bench.support.number import NoFinding
from hw1bench.support.refusals import Unavailable
from hw1bench.support.snapshots import ARRAYS

BASIS = Arm(
    name="",
    data=Function(name="sinc"),
    model=Model("[2]"),
    loss="mse",
    optimizer=Optimizer(name="sgd", lr=0.1),
    epochs=2,
)
EXPERIMENT = Experiment(report="T", name="x", **both_tiers([replace(BASIS, name=name) for name in "abc"]))
PATH = Protocol(
    arms=tuple(replace(BASIS, name=name, independent=True, snapshots="epoch") for name in "ab"),
    looks=(8, 16),
    measures=(Paths(own="a", other="b", mark_every=1),),
)
PAIR = Experiment(report="T", name="path", full=PATH, quick=PATH)
SWEPT = Protocol(
    arms=tuple(replace(BASIS, name=name, batch_size=size) for name, size in (("a", 1), ("b", 2), ("c", 3))),
    looks=(8, 16),
    measures=(JacobianNorm(),),
)
SWEEP = Experiment(report="T", name="sweep", full=SWEPT, quick=SWEPT)
FACTS = {"dataset": "made up", "fingerprint": "0", "stand_in": False, "target_variance": 1.0}


class Made:
    """A trainer whose final losses are a function of arm and seed; so are the weights at the start of a path.

    The separation of two arms is the difference of these weights; the Jacobian norm of an arm is its final loss.
    """

    def __init__(self, final):
        self.final = final
        self.trained = []
        self.measured = []

    def key(self, block):
        return f"{block.arm.name}-{block.first_seed}"

    def train(self, blocks, done):
        for block in blocks:
            self.trained.append(self.key(block))
            losses = [[2.0, 1.5, self.final(block.arm.name, seed)] for seed in block.seeds]
            arrays = {"train_loss": np.array(losses)}
            if block.arm.snapshots:
                arrays |= dict.fromkeys(ARRAYS, arrays["train_loss"][:, -1:])
            done(block, Record(arrays, FACTS, 0.5))

    def measurement_key(self, measurement, blocks):
        return " ".join([type(measurement).__name__, *map(self.key, blocks)])

    def measure(self, measurement, trained):
        self.measured.append(self.measurement_key(measurement, [block for block, _ in trained]))
        if isinstance(measurement, Paths):
            (_, own), (_, other) = trained
            arrays = {"whole_separation": own.arrays["snapshot_start"][:, 0] - other.arrays["snapshot_start"][:, 0]}
        else:
            arrays = {"jacobian": trained[0][1].arrays["train_loss"][:, -1]}
        return Record(arrays, FACTS, 0.25)


def claim(effect, name="T-x", experiment=EXPERIMENT):
    return Claim(name, report="T", where="1", says="It is.", experiment=experiment, effect=effect)


def court(tmp_path, final, **options):
    return Court("quick", Store(tmp_path), Made(final), **options)


def test_a_clear_claim_takes_one_look_at_the_arms_it_names(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: {"a": 0.1, "b": 0.2, "c": 0.3}[arm])
    judged = sitting.hear(claim(lower_loss("a", than="b")))
    assert (judged.verdict.word, judged.verdict.holds, judged.verdict.seeds) == ("supported", 8, 8)
    assert sorted(sitting.trainer.trained) == ["a-0", "b-0"]
    assert (judged.seconds, judged.reused, judged.diverged) == (1.0, False, 0)
    assert judged.facts["dataset"] == "made up"


def test_an_unclear_claim_goes_on_to_the_last_look(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: 0.1 if seed % 2 else 0.9)
    judged = sitting.hear(claim(loss_below(0.5, "a")))
    assert (judged.verdict.word, judged.verdict.holds, judged.verdict.seeds) == ("inconclusive", 8, 16)
    assert sitting.trainer.trained == ["a-0", "a-8"]


def test_a_decided_claim_ignores_seeds_trained_later_for_a_neighbour(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: {"a": 0.1, "b": 0.1 if seed % 2 else 0.9}[arm] if seed < 8 else 0.9)
    first = sitting.hear(claim(loss_below(0.5, "a")))
    sitting.hear(claim(loss_below(0.5, "a", "b")))
    again = sitting.hear(claim(loss_below(0.5, "a")))
    assert sitting.trainer.trained == ["a-0", "b-0", "a-8", "b-8"]
    assert again.verdict == first.verdict
    assert again.reused


def test_refutations_are_reversed_or_absent(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: {"a": 0.9, "b": 0.1, "c": 0.5}[arm])
    assert sitting.hear(claim(lower_loss("a", than="b"))).verdict.how == "reversed"
    assert sitting.hear(claim(loss_below(0.5, "a"))).verdict.how == "absent"
    assert sitting.hear(claim(faster("a", than="b", to=0.01))).verdict.how == "absent"


def test_the_next_session_reuses_the_store_and_fresh_does_not(tmp_path):
    judged = [
        court(tmp_path, lambda arm, seed: 0.1).hear(claim(loss_below(0.5, "a"))),
        court(tmp_path, lambda arm, seed: 0.9).hear(claim(loss_below(0.5, "a"))),
    ]
    assert [one.reused for one in judged] == [False, True]
    assert judged[1].verdict == judged[0].verdict
    fresh = Court("quick", Store(tmp_path, fresh=True), Made(lambda arm, seed: 0.9))
    assert fresh.hear(claim(loss_below(0.5, "a"))).verdict.word == "refuted"


def test_a_killed_session_keeps_every_finished_block(tmp_path):
    def final(arm, seed):
        if arm == "b":
            raise KeyboardInterrupt
        return 0.1

    with pytest.raises(KeyboardInterrupt):
        court(tmp_path, final).hear(claim(loss_below(0.5, "a", "b", "c")))
    after = court(tmp_path, lambda arm, seed: 0.1)
    after.hear(claim(loss_below(0.5, "a", "b", "c")))
    assert after.trainer.trained == ["b-0", "c-0"]


def test_a_store_that_cannot_be_written_costs_one_line_and_no_verdict(tmp_path):
    said = []
    (tmp_path / "blocks").write_text("a file is in the way")
    store = Store(tmp_path / "blocks", notice=said.append)
    sitting = Court("quick", store, Made(lambda arm, seed: {"a": 0.9, "b": 0.1, "c": 0.5}[arm]))
    claims = [claim(loss_below(0.5, "b")), claim(lower_loss("b", than="a")), claim(loss_below(0.5, "c")), APART]
    words = [sitting.hear(one).verdict.word for one in claims]
    assert words == ["supported", "supported", "refuted", "supported"]
    assert [sitting.hear(one).verdict.word for one in reversed(claims)] == words[::-1]
    assert sorted(sitting.trainer.trained) == ["a-0", "a-0", "b-0", "b-0", "c-0"]  # two experiments have arms a and b
    assert sitting.trainer.measured == ["Paths a-0 b-0"]
    assert len(said) == 1
    assert "cannot be written" in said[0]


def test_exchanged_blocks_are_noticed_and_trained_again(tmp_path):
    def final(arm, seed):
        return {"a": 0.9, "b": 0.1, "c": 0.5}[arm]

    sitting = court(tmp_path, final)
    before = [sitting.hear(one).verdict for one in (claim(loss_below(0.5, "a", "b")), APART)]
    a, b = (sitting.store.path(key) for key in ("a-0", "b-0"))
    contents = a.read_bytes(), b.read_bytes()
    b.write_bytes(contents[0])
    a.write_bytes(contents[1])
    said = []
    after = Court("quick", Store(tmp_path, notice=said.append), Made(final))
    assert [after.hear(one).verdict for one in (claim(loss_below(0.5, "a", "b")), APART)] == before
    assert {"a-0", "b-0"} <= set(after.trainer.trained)
    assert any("it holds block b-0" in line for line in said)
    assert any("it holds block a-0" in line for line in said)


def test_an_effect_cannot_alter_the_runs_of_the_next(tmp_path):
    def alters(runs):
        runs["a"].arrays["train_loss"].fill(7)

    sitting = court(tmp_path, lambda arm, seed: 0.1)
    assert sitting.hear(claim(Effect("alters", "", alters))).verdict.word == "error"
    assert sitting.hear(claim(loss_below(0.5, "a"))).verdict.word == "supported"


def test_seed_offset_moves_the_seeds(tmp_path):
    seen = []
    sitting = court(tmp_path, lambda arm, seed: seen.append(seed) or 0.1, seed_offset=100)
    sitting.hear(claim(loss_below(0.5, "a")))
    assert seen == list(range(100, 108))


def test_max_seeds_drops_looks_but_not_the_level(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: 0.1 if seed % 2 else 0.9, max_seeds=12)
    verdict = sitting.hear(claim(loss_below(0.5, "a"))).verdict
    assert (verdict.word, verdict.seeds, verdict.looks, verdict.level) == ("inconclusive", 8, (8, 16), 0.975)
    with pytest.raises(ValueError, match="--max-seeds 7 is below the first look of T-x: use 8 or more"):
        court(tmp_path, lambda arm, seed: 0.1, max_seeds=7).looks(EXPERIMENT)


def test_a_crash_is_an_error_and_leaves_the_other_claims(tmp_path):
    def broken(runs):
        raise ZeroDivisionError("no epochs")

    sitting = court(tmp_path, lambda arm, seed: 0.1)
    judged = sitting.hear(claim(Effect("broken", "", broken)))
    assert judged.verdict.word == "error"
    assert judged.verdict.note == "ZeroDivisionError: no epochs"
    assert isinstance(judged.error, ZeroDivisionError)
    assert sitting.hear(claim(loss_below(0.5, "a"))).verdict.word == "supported"


def test_an_effect_undefined_in_half_of_the_seeds_is_an_error_that_says_where(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: np.nan if seed % 2 and arm == "a" else 0.1)

    def undefined(runs):
        return np.nan if runs["a"].diverged else 1.0

    judged = sitting.hear(claim(Effect("made up", "parts", undefined, ("a", "b"))))
    assert judged.verdict == Verdict(
        "error",
        note="effect 'made up' is undefined (NaN) in 4 of 8 seeds: half or more leave no finding; "
        "of those, arm a diverged in 4",
    )
    assert isinstance(judged.error, NoFinding)
    judged = sitting.hear(claim(Effect("made up", "parts", lambda runs: np.nan)))
    assert judged.verdict.note.startswith("effect 'made up' is undefined (NaN) in 8 of 8 seeds")


@pytest.mark.parametrize("opposite", [False, True])
def test_an_effect_that_is_not_a_number_is_an_error_that_names_it(tmp_path, opposite):
    sitting = court(tmp_path, lambda arm, seed: 0.1)
    made = (lambda runs: -1.0, None, lambda runs: "3") if opposite else (lambda runs: True,)
    judged = sitting.hear(claim(Effect("made up", "parts", *made)))
    assert judged.verdict.word == "error"
    assert judged.verdict.note == (
        "effect 'opposite of made up': '3' (str) is not a real number: return one per seed"
        if opposite
        else "effect 'made up': True (bool) is not a real number: return one per seed"
    )


def test_infinite_effects_hold_or_not(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: 0.1)
    assert sitting.hear(claim(Effect("up", "", lambda runs: np.inf))).verdict.word == "supported"
    assert sitting.hear(claim(Effect("down", "", lambda runs: -np.inf))).verdict.word == "refuted"


def test_a_closed_court_runs_nothing_but_counts(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: 0.1, closed="no CUDA device here")
    judged = sitting.hear(claim(loss_below(0.5, "a")))
    assert (judged.verdict.word, judged.verdict.note) == ("not run", "no CUDA device here")
    exact = Claim("T-count", report="T", where="1", says="7.", effect=CountIs(Model("[2]"), 7))
    assert sitting.hear(exact).verdict.word == "supported"


def test_unavailable_training_is_not_run_and_leaves_the_other_claims(tmp_path):
    def final(arm, seed):
        if arm == "b":
            raise Unavailable("no kernels")
        return 0.1

    sitting = court(tmp_path, final)
    judged = sitting.hear(claim(loss_below(0.5, "a", "b")))
    assert (judged.verdict.word, judged.verdict.note) == ("not run", "no kernels")
    assert sitting.hear(claim(loss_below(0.5, "a"))).verdict.word == "supported"


def test_diverged_seeds_are_counted_and_do_not_hold(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: np.nan if seed < 3 else 0.1)
    judged = sitting.hear(claim(loss_below(0.5, "a")))
    assert judged.diverged == 3
    assert judged.verdict.holds == 13


def test_training_is_timed_once_per_look_and_not_when_reused(tmp_path):
    calls = []

    def timer(experiment, train):
        calls.append(experiment)
        train()

    sitting = court(tmp_path, lambda arm, seed: 0.1 if seed % 2 else 0.9)
    sitting.hear(claim(loss_below(0.5, "a")), timer)
    sitting.hear(claim(loss_below(0.5, "a")), timer)
    sitting.show(EXPERIMENT, timer)
    assert calls == ["T-x", "T-x", "T-x"]
    assert sitting.trainer.trained == ["a-0", "a-8", "b-0", "c-0"]


@pytest.mark.parametrize(
    ("effect", "word", "note"),
    [
        (
            CountIs(Model("784-10-10"), 7_960),
            "supported",
            "Linear(784, 10) 7,850 + Linear(10, 10) 110 = 7,960; stated 7,960",
        ),
        (CountIs(Model("784-10-10"), 7_961), "refuted", "= 7,960; stated 7,961"),
        (CountIs(Model("784-10-10"), 7_240, "about"), "supported", "stated about 7,240, 10 % allowed"),
        (CountIs(Model("784-10-10"), 7_230, "about"), "refuted", "= 7,960; stated about 7,230"),
        (CountIs(Model("784-10-10"), 7_959, "more than"), "supported", "stated more than 7,959"),
        (CountIs(Model("784-10-10"), 7_960, "more than"), "refuted", "stated more than 7,960"),
        (
            CountsEqual((("a", Model("[2]")), ("b", Model("2-2-1-1")))),
            "refuted",
            "a: Linear(1, 2) 4 + Linear(2, 1) 3 = 7; b: ",
        ),
        (CountsEqual((("a", Model("[2]")), ("b", Model("6-1")))), "supported", "b: Linear(6, 1) 7 = 7"),
    ],
)
def test_counts_are_exact_and_show_their_sum(effect, word, note):
    verdict = judge_count(effect)
    assert (verdict.word, verdict.seeds) == (word, None)
    assert note in verdict.note


def test_an_unknown_relation_is_refused():
    with pytest.raises(ValueError, match="no relation 'nearly' of counts"):
        judge_count(CountIs(Model("[2]"), 7, "nearly"))


APART = claim(separates("a", "b"), experiment=PAIR)


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
    sitting.trainer.measurement_key = lambda of, blocks: f"{of.mark_every} {[*map(sitting.trainer.key, blocks)]}"
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
    def broken(measurement, trained):
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

    def killed(measurement, trained):
        if trained[0][0].arm.name == "b":
            raise KeyboardInterrupt
        return finished(measurement, trained)

    sitting.trainer.measure = killed
    with pytest.raises(KeyboardInterrupt):
        sitting.show(SWEEP)
    after = court(tmp_path, sitting.trainer.final)
    after.show(SWEEP)
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
