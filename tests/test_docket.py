"""Claims as they lie in files, and what is on record of each."""

from dataclasses import replace

import pytest

from hw1bench.effects import lower_loss
from made_record import book, case, experiment, ruled


def test_a_ruling_counts_only_for_the_protocol_and_the_effect_that_it_was_reached_with():
    one = case()
    now = ruled(one)
    assert one.ruled(book(now), "full") == now
    assert one.ruled(book(now), "quick") is None
    assert one.ruled({}, "full") is None
    for changed in ({"experiment": "other"}, {"effect": "other"}, {"fidelity": "reduced"}):
        old = replace(now, **changed)
        assert one.ruled(book(old), "full") is None
        assert one.found(book(old), "full") == old


@pytest.mark.parametrize(
    "other", [case(effect=lower_loss("b", than="a")), case(of=experiment("y")), case(of=experiment(quick_epochs=2))]
)
def test_another_effect_or_protocol_is_another_subject(other):
    assert other.subjects["quick"] != case().subjects["quick"]


def test_a_claim_has_a_subject_for_each_of_its_tiers():
    assert case().subjects.keys() == {"quick", "full"}
    assert case(full_only=True).subjects.keys() == {"full"}
    assert case(full_only=True).ruled(book(ruled(case(), "quick")), "quick") is None
    assert [case().subjects[tier][2] for tier in ("quick", "full")] == ["reduced", "as reported"]
