"""A court hears claims: looks, verdicts, stored blocks, errors, exact counts."""

import numpy as np
import pytest

from hw1bench import Claim, Model
from hw1bench.court.counts import judge_count
from hw1bench.court.hearing import Court
from hw1bench.effects import CountIs, CountsEqual, Effect, LayersAre, faster, loss_below, lower_loss
from hw1bench.records.store import Store
from hw1bench.support.refusals import Unavailable
from made_court import APART, EXPERIMENT, SWEEP, Made, claim, court


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


def test_a_claim_that_was_inconclusive_is_decided_by_later_looks_alone(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: 0.1)
    one = claim(loss_below(0.5, "a"))
    assert sitting.hear(one).verdict.seeds == 8
    assert sitting.hear(one, after=8).verdict.seeds == 16
    assert sitting.hear(one, after=16).verdict.seeds == 8  # no look is left: all of it is judged anew
    sitting.max_seeds = 8
    found = sitting.hear(one, after=8).verdict
    assert (found.word, found.seeds, found.holds) == ("inconclusive", 8, 8)


def test_a_decided_claim_ignores_seeds_trained_later_for_a_neighbour(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: {"a": 0.1, "b": 0.1 if seed % 2 else 0.9}[arm] if seed < 8 else 0.9)
    first = sitting.hear(claim(loss_below(0.5, "a")))
    sitting.hear(claim(loss_below(0.5, "a", "b")))
    again = sitting.hear(claim(loss_below(0.5, "a")))
    assert sitting.trainer.trained == ["a-0", "b-0", "a-8", "b-8"]
    assert again.verdict == first.verdict
    assert again.reused


def test_refutations_are_reversed_or_absent(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: {"a": 0.9, "b": 0.1, "c": 0.6}[arm])
    assert sitting.hear(claim(lower_loss("a", than="b"))).verdict.how == "reversed"
    assert sitting.hear(claim(loss_below(0.5, "a"))).verdict.how == "absent"
    nobody_gets_there = sitting.hear(claim(faster("a", than="b", to=0.01))).verdict
    assert (nobody_gets_there.word, nobody_gets_there.how) == ("no evidence", None)  # a tie, not a refutation


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
    sitting = Court("quick", store, Made(lambda arm, seed: {"a": 0.9, "b": 0.1, "c": 0.6}[arm]))
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
    assert any("it holds block 'b-0'" in line for line in said)
    assert any("it holds block 'a-0'" in line for line in said)


def test_a_judgement_tells_its_effects(tmp_path):
    judged = court(tmp_path, lambda arm, seed: 0.1).hear(claim(loss_below(0.5, "a")))
    assert judged.told == 'in every seed, the training loss of "a" is 0.1; the claim needs less than 0.5'


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


def test_an_interrupt_that_an_error_hides_is_an_interrupt(tmp_path):
    def leave(runs):
        try:
            raise KeyboardInterrupt
        finally:
            raise RuntimeError("its end fails")

    with pytest.raises(KeyboardInterrupt):
        court(tmp_path, lambda arm, seed: 0.1).hear(claim(Effect("left", "", leave, ("a",))))


def test_an_effect_undefined_in_half_of_the_seeds_is_no_evidence_and_says_where(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: np.nan if seed % 2 and arm == "a" else 0.1)

    def undefined(runs):
        return np.nan if runs["a"].diverged else 1.0

    verdict = sitting.hear(claim(Effect("made up", "parts", undefined, ("a", "b")))).verdict
    assert (verdict.word, verdict.seeds, verdict.holds) == ("no evidence", 8, 4)
    assert verdict.note == "No evidence: its effect is undefined in 4 of 8 seeds; of those, arm a diverged in 4."
    verdict = sitting.hear(claim(Effect("made up", "parts", lambda runs: np.nan))).verdict
    assert verdict.note.startswith("No evidence: its effect is undefined in 8 of 8 seeds; ")


def test_a_tie_in_every_seed_is_no_evidence_and_no_refutation(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: 0.1)
    verdict = sitting.hear(claim(lower_loss("a", than="b"))).verdict
    assert (verdict.word, verdict.how, verdict.holds) == ("no evidence", None, 0)
    assert verdict.note == "No evidence: its effect is a tie in every seed."


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


def test_what_is_not_admitted_is_not_trained_and_what_is_there_is_judged_without_being_asked(tmp_path):
    asked = []

    def admit(experiment, blocks):
        asked.append((experiment.id, [f"{block.arm.name}-{block.first_seed}" for block in blocks]))
        if len(asked) > 2:
            raise Unavailable("no time")

    sitting = court(tmp_path, lambda arm, seed: 0.1 if seed % 2 or arm == "a" else 0.9, admit=admit)
    assert sitting.hear(claim(loss_below(0.5, "a"))).verdict.word == "supported"
    undecided = sitting.hear(claim(loss_below(0.5, "a", "b"))).verdict
    assert (undecided.word, undecided.note) == (
        "not run",
        "open after 8 seeds, no time",
    )  # no verdict on half of its seeds
    assert sitting.hear(claim(loss_below(0.5, "c"))).verdict.note == "no time"
    assert asked == [("T-x", ["a-0"]), ("T-x", ["b-0"]), ("T-x", ["a-8", "b-8"]), ("T-x", ["c-0"])]
    assert sitting.hear(claim(loss_below(0.5, "a"))).reused
    assert sitting.trainer.trained == ["a-0", "b-0"]
    assert sitting.cut_short == {EXPERIMENT}


def test_the_seconds_of_an_experiment_are_those_of_all_that_was_trained_and_measured(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("hw1bench.court.hearing.time.perf_counter", lambda: now[0])

    def final(arm, seed):
        now[0] += 1.0
        if arm == "c" and seed == 3:
            raise KeyboardInterrupt
        return 0.1

    sitting = court(tmp_path, final)
    sitting.hear(claim(loss_below(0.5, "a")))
    sitting.hear(claim(loss_below(0.5, "a", "b")))
    assert sitting.spent == {"T-x": 16.0}
    with pytest.raises(KeyboardInterrupt):
        sitting.hear(claim(loss_below(0.5, "c")))
    assert sitting.spent == {"T-x": 20.0}
    assert sitting.cut_short == set()


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
    sitting.prepare(EXPERIMENT, EXPERIMENT.quick.arms, timer)
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
        (
            LayersAre(Model("C(3-8-10,3,p1,pool2) 640-20-10"), 2, 2),
            "supported",
            "the layout has 2 convolutions and 2 dense layers; stated 2 convolutions and 2 dense layers",
        ),
        (LayersAre(Model("C(3-8-10,3,p1,pool2) 640-20-10"), 3, 2), "refuted", "stated 3 convolutions and 2 dense"),
        (LayersAre(Model("C(3-8-10,3,p1,pool2) 640-20-10"), 2, 1), "refuted", "stated 2 convolutions and 1 dense"),
    ],
)
def test_counts_are_exact_and_show_their_sum(effect, word, note):
    verdict = judge_count(effect)
    assert (verdict.word, verdict.seeds) == (word, None)
    assert note in verdict.note


def test_an_unknown_relation_is_refused():
    with pytest.raises(ValueError, match="no relation 'nearly' of counts"):
        judge_count(CountIs(Model("[2]"), 7, "nearly"))


def damages(content):
    """``content`` with one bit of each byte flipped, and cut at each byte."""
    for place in range(len(content)):
        yield content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]
        yield content[:place]


def test_whatever_byte_of_a_record_is_damaged_or_missing_it_is_made_again_or_was_the_same(quick_disk):
    said = []
    sitting = Court("quick", Store(quick_disk, notice=said.append), Made(lambda arm, seed: 0.1))
    arms = SWEEP.quick.arms[:1]
    assert sitting.prepare(SWEEP, arms) == 2
    [expected] = sitting.results.values()
    [path] = quick_disk.glob("JacobianNorm*")  # smaller than that of a trained block, which is read in the same way
    content, noticed = path.read_bytes(), 0
    for damaged in damages(content):
        path.write_bytes(damaged)
        sitting.results.clear()
        assert sitting.prepare(SWEEP, arms) == len(said)  # what was noticed was made again
        [found] = sitting.results.values()
        assert (found.facts, found.seconds) == (expected.facts, expected.seconds)
        assert {name: array.tobytes() for name, array in found.arrays.items()} == {
            name: array.tobytes() for name, array in expected.arrays.items()
        }
        if said:
            assert path.read_bytes() == content
            noticed += 1
            said.clear()
    assert noticed > 1.5 * len(content)
