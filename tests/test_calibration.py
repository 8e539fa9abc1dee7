"""How often pilots agree with the record, by kind."""

import pytest

from hw1bench import Model
from hw1bench.court.calibration import Calibration, calibrations, constructor, kind, pairs
from hw1bench.effects import CountIs, Effect, every, falls, lower_loss
from made_record import LOWER, book, case, ruled

WORDS = {  # pilot, record -> whether the pilot agrees; None: it is not compared
    ("seen", "supported"): True,
    ("seen", "refuted"): False,
    ("not seen", "refuted"): True,
    ("not seen", "supported"): False,
    ("mixed", "supported"): None,
    ("no evidence", "refuted"): None,
    ("seen", "inconclusive"): None,
    ("not seen", "no evidence"): None,
}


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_pilot_is_compared_if_it_and_the_record_decide(words):
    pilot, record = words
    one = case()
    found = pairs([one], book(ruled(one, "quick", pilot), ruled(one, "full", record)))
    assert [pair.agrees for pair in found] == ([] if WORDS[words] is None else [WORDS[words]])


def test_only_rulings_on_the_present_subject_are_compared():
    one = case()
    pilot, record = ruled(one, "quick", "seen"), ruled(one)
    assert len(pairs([one], book(pilot, record))) == 1
    assert pairs([one], book(pilot)) == pairs([one], book(record)) == []
    for changed in ({"experiment": "other"}, {"effect": "other"}):
        assert pairs([one], book(ruled(one, "quick", "seen", **changed), record)) == []
        assert pairs([one], book(pilot, ruled(one, **changed))) == []


def test_a_verdict_of_the_quick_tier_is_no_pilot():
    count = case(effect=CountIs(Model("[3]"), 10))
    assert pairs([count], book(ruled(count, "quick"), ruled(count))) == []


def test_the_kind_is_the_topic_and_the_constructor_of_the_effect():
    own = Effect("made by hand", "parts", lambda runs: 1.0)
    effects = {
        LOWER: "lower_loss",
        every(LOWER, LOWER): "every",
        falls("train_loss", over="depth"): "falls",
        own: "own effect",
    }
    assert [constructor(case(effect=effect).claim) for effect in effects] == list(effects.values())
    assert kind(case(topic="size")) == "size, lower_loss"


def test_pilots_are_counted_by_kind():
    judged = {  # case -> pilot, record
        case("T-a"): ("seen", "supported"),
        case("T-b", lower_loss("b", than="a")): ("seen", "refuted"),
        case("T-c", topic="size"): ("not seen", "refuted"),
        case("T-d", falls("train_loss", over="depth")): ("mixed", "supported"),
    }
    on_record = [
        ruled(one, tier, word)
        for one, words in judged.items()
        for tier, word in zip(("quick", "full"), words, strict=True)
    ]
    found = pairs(judged, book(*on_record))
    assert list(calibrations(found).values()) == [
        Calibration("fit, lower_loss", agree=1, of=2),
        Calibration("size, lower_loss", agree=1, of=1),
    ]
    assert calibrations(found, lambda one: constructor(one.claim)) == {"lower_loss": Calibration("lower_loss", 2, 3)}
    assert calibrations([]) == {}
