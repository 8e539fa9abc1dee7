"""Readings: which a claim has, how they are judged on the same runs, and which verdicts are fragile."""

from dataclasses import replace

import numpy as np
import pytest

import test_pilots
from hw1bench import Claim, Model, Reading
from hw1bench import effects as fx
from hw1bench.court.readings import readings_of, tried
from hw1bench.court.rehearsal import faults
from hw1bench.court.rulings import outcome
from hw1bench.report import document
from made_court import EXPERIMENT, claim, court


def texts(one):
    return [(reading.number, reading.reading) for reading in readings_of(one)]


def made(effect, **changed):
    return Claim("T-x", report="T", where="1", says="It is.", experiment=EXPERIMENT, effect=effect, **changed)


def test_a_number_that_the_report_states_is_not_read_otherwise():
    effect = fx.reaches(0.3, arm="a", within=2)
    assert texts(made(effect)) == [("threshold 0.3", "0.1"), ("threshold 0.3", "0.9")]
    assert texts(made(effect, stated=("threshold",))) == []


def test_readings_that_a_claim_gives_replace_those_of_the_rule_for_their_number_alone():
    effect = fx.every(fx.loss_below(0.3, "a"), fx.improves("a", factor=4))
    given = tried(effect, "threshold", 0.2, 0.25)
    assert [reading.effect.name.partition(" -")[0] for reading in given] == ["min(0.2", "min(0.25"]
    assert texts(made(effect, readings=given)) == [
        ("threshold 0.3", "0.2"),
        ("threshold 0.3", "0.25"),
        ("factor 4", "2"),
        ("factor 4", "8"),
    ]
    assert (
        texts(made(effect, readings=given, stated=("threshold", "factor"))) == texts(made(effect, readings=given))[:2]
    )


def test_an_effect_made_by_hand_has_the_readings_that_its_claim_gives():
    hand = fx.Effect("mine", "", lambda runs: 1.0, ("a",))
    other = Reading("half", "a third", fx.Effect("mine", "", lambda runs: -1.0, ("a",)))
    assert readings_of(made(hand)) == ()
    assert readings_of(made(hand, readings=[other])) == (other,)


def test_values_of_the_rule_that_a_constructor_refuses_or_that_change_nothing_are_left_out():
    assert texts(made(fx.flattest("a", among=["b"], first_share=0.8))) == [("first share 0.8", "0.4")]
    assert texts(made(fx.differ("train_loss", "a", "b", by=0))) == []
    assert texts(made(fx.falls_over_epochs("train_loss", arm="a", blocks=3))) == [("blocks 3", "6")]


def counted(relation, stated=20, **changed):  # the net has 7 parameters
    effect = fx.CountIs(Model("[2]"), stated, relation)
    return Claim("T-count", report="T", where="1", says="7.", effect=effect, **changed)


def test_of_exact_counts_only_what_about_allows_is_read_otherwise(tmp_path):
    assert [readings_of(counted(relation)) for relation in ("equal", "more than")] == [(), ()]
    judged = court(tmp_path, None).hear(counted("about", 6))  # 7 is 17 % more
    assert judged.verdict.word == "refuted"
    assert [(reading.number, reading.reading, word) for reading, word in judged.readings] == [
        ("within 0.1", "0.05", "refuted"),
        ("within 0.1", "0.2", "supported"),
    ]
    assert judged.fragile == ("within 0.1",)
    given = Reading("net", "[1]", fx.CountIs(Model("[1]"), 6, "about"))
    assert readings_of(counted("about", readings=[given])) == (given,)


def test_what_about_allows_may_be_stated():
    about, equal = (fx.CountIs(Model("[2]"), 6, relation) for relation in ("about", "equal"))
    said = {"report": "T", "where": "1", "says": "6, or 10 % less or more.", "stated": ["within"]}
    assert readings_of(Claim("T-count", effect=about, **said)) == ()
    with pytest.raises(ValueError, match="'within' to be stated, because an exact count assumes a number only if"):
        Claim("T-count", effect=equal, **said)


def test_a_reading_is_of_the_kind_of_the_effect():
    runs, count = fx.loss_below(0.1, "a"), fx.CountIs(Model("[1]"), 6)
    with pytest.raises(
        ValueError, match="reading 'x' of n is of another kind than its effect: give an effect on runs for"
    ):
        made(runs, readings=[Reading("n", "x", count)])
    with pytest.raises(ValueError, match="is of another kind"):
        counted("equal", readings=[Reading("n", "x", runs)])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"stated": ["treshold"]}, "its effect has no argument 'treshold' to be stated, only arms, threshold"),
        (
            {"readings": tried(fx.loss_below(0.1, "b"), "threshold", 0.2)},
            "reading '0.2' of threshold 0.1 needs other arms than its effect, which reads a: a reading is judged on the same",
        ),
        ({"readings": [Reading("all", "every arm", fx.falls("train_loss", over="lr"))]}, "needs other arms"),
    ],
)
def test_claims_refuse_what_cannot_be_read(changed, said):
    with pytest.raises(ValueError, match=said):
        made(fx.loss_below(0.1, "a"), **changed)


def test_a_number_that_an_effect_does_not_have_cannot_be_tried():
    with pytest.raises(ValueError, match=r"has 0 numbers 'factor' to read otherwise: it has threshold=0.1"):
        tried(fx.loss_below(0.1, "a"), "factor", 2)
    with pytest.raises(ValueError, match=r"has 0 numbers 'factor' .* it has none"):
        tried(fx.lower_loss("a", than="b"), "factor", 2)
    with pytest.raises(ValueError, match=r"has 0 numbers 'too' to read otherwise: it has to=0.1$"):
        tried(fx.faster("a", than="b", to=0.1), "too", 0.2)
    with pytest.raises(ValueError, match=r"no value to try for threshold: give one or more, or name it in stated="):
        tried(fx.loss_below(0.1, "a"), "threshold")
    with pytest.raises(ValueError, match=r"loss_below threshold is None"):
        tried(fx.loss_below(0.1, "a"), "threshold", None)


def test_readings_are_judged_on_the_same_runs_and_fragile_numbers_named(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: 0.2)
    judged = sitting.hear(claim(fx.every(fx.loss_below(0.3, "a"), fx.improves("a", factor=4))))
    assert judged.verdict.word == "supported"
    assert [(reading.number, reading.reading, word) for reading, word in judged.readings] == [
        ("threshold 0.3", "0.1", "refuted"),
        ("threshold 0.3", "0.9", "supported"),
        ("factor 4", "2", "supported"),
        ("factor 4", "8", "supported"),
    ]
    assert judged.fragile == ("threshold 0.3",)
    assert sitting.trainer.trained == ["a-0"]


def test_a_reading_has_the_word_of_the_look_at_which_the_verdict_stopped(tmp_path):
    sitting = court(tmp_path, lambda arm, seed: 0.05 if seed % 2 else 0.2)
    judged = sitting.hear(claim(fx.loss_below(0.3, "a")))
    assert (judged.verdict.word, judged.verdict.seeds) == ("supported", 8)
    assert [word for _, word in judged.readings] == ["inconclusive", "supported"]
    assert sitting.trainer.trained == ["a-0"]


def test_a_reading_that_leaves_nothing_to_judge_is_no_evidence(tmp_path):
    hand = fx.Effect("mine", "", lambda runs: 1.0, ("a",))
    nothing = Reading("half", "none", fx.Effect("none", "", lambda runs: np.nan, ("a",)))
    judged = court(tmp_path, lambda arm, seed: 0.2).hear(made(hand, readings=[nothing]))
    assert [word for _, word in judged.readings] == ["no evidence"]
    assert judged.fragile == ("half",)


def test_a_reading_of_the_rule_is_left_out_where_the_runs_are_too_short_and_one_of_the_claim_is_an_error(tmp_path):
    effect = fx.falls_over_epochs("train_loss", arm="a", blocks=3)  # of two epochs
    sitting = court(tmp_path, lambda arm, seed: 0.2)
    base = fx.Effect("mine", "", lambda runs: 1.0, ("a",))
    assert sitting.hear(made(base, readings=[])).readings == ()
    broken = made(base, readings=[Reading("blocks", "3", effect)])
    judged = sitting.hear(broken)
    assert judged.verdict.word == "error"
    assert "2 values do not make 3 block means" in judged.verdict.note
    assert judged.readings == ()


def blocks_of(epochs, **changed):
    arms = [replace(test_pilots.IMAGES, name=name, epochs=epochs) for name in "ab"]
    both = test_pilots.experiment(arms, arms)
    return test_pilots.claim(fx.falls_over_epochs("train_loss", arm="a", blocks=10), of=both, **changed)


def learns(arm, seed):
    return test_pilots.falling(arm, 0.1, 0.99)


def test_a_reading_of_the_rule_that_needs_longer_runs_is_left_out(tmp_path):
    long, short = (test_pilots.court(tmp_path / str(n), learns).hear(blocks_of(n)) for n in (20, 12))
    assert [reading.reading for reading, _ in long.readings] == ["5", "20"]
    assert [reading.reading for reading, _ in short.readings] == ["5"]
    assert short.verdict.word == "supported"


def test_pilots_are_read_in_words_of_pilots_and_only_where_a_pilot_may_speak(tmp_path):
    effect = fx.ahead("train_loss", "a", of="b", first_share=0.5)
    given = [Reading("first share 0.5", "a level", fx.every(effect, fx.loss_below(0.3, "a")))]

    def curve(arm, seed):
        return test_pilots.falling(arm, 0.1 if arm.name == "a" else 0.3, 0.99)

    judged = test_pilots.court(tmp_path, curve).hear(test_pilots.claim(effect))
    assert judged.verdict.word == "seen"
    assert [word for _, word in judged.readings] == ["seen", "seen"]
    assert test_pilots.court(tmp_path, curve).hear(test_pilots.claim(effect, readings=given)).readings == ()


def test_a_reading_that_a_claim_gives_is_rehearsed_before_anything_trains():
    hand = fx.Effect("mine", "", lambda runs: 1.0, ("a",))
    broken = Reading(
        "over", "test loss", fx.Effect("mine", "", lambda runs: runs["a"].history("test_loss")[-1], ("a",))
    )
    assert faults([made(hand)], "quick") == {}
    (said,) = faults([made(hand, readings=[broken])], "quick")["T-x"]
    assert said.startswith("claim T-x: its reading 'test loss' of over cannot be computed from what is recorded: ")
    # The rule may ask for more block means than there are epochs: that is not the author's mistake.
    assert faults([blocks_of(12)], "quick") == {}


def test_the_document_has_the_word_under_each_reading(tmp_path):
    judged = court(tmp_path, lambda arm, seed: 0.2).hear(claim(fx.loss_below(0.3, "a")))
    subject, started = ("7c1f", "e5d0", "as reported"), "2026-01-31T12:00:00+00:00"
    entry = document.entry(judged, "t", subject, {}, None, None, outcome("supported", None), started)
    assert entry["readings"] == [
        {"number": "threshold 0.3", "reading": "0.1", "verdict": "refuted"},
        {"number": "threshold 0.3", "reading": "0.9", "verdict": "supported"},
    ]
    assert entry["fragile"] == ["threshold 0.3"]
