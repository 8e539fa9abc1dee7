"""What is to be put on record next, and in which order."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench import Model, Values
from hw1bench.court.agenda import TINY, Unit, fitting, next_look, seconds_per_claim, units
from hw1bench.court.costs import Kind, Rates
from hw1bench.effects import CountIs, Effect, lower_loss
from hw1bench.specs import work
from made_court import BASIS
from made_record import book, case, experiment, ruled

PER_RUN = 2.0  # seconds
RATES = Rates([(Kind("cpu", True, False, "whole", ()), PER_RUN / work.of_run(BASIS))])
OTHER, LONG = experiment("other"), experiment("long", replace(BASIS, epochs=200))
COUNT = case("T-count", CountIs(Model("[3]"), 10))
EXACT = dict.fromkeys(("holds", "seeds", "median", "interval", "environment", "seconds", "date"))
OPEN = {"verdict": "inconclusive", "holds": 4}


def agenda(cases, *on_record):
    return [(unit.name, unit.claims, unit.seconds) for unit in units(cases, book(*on_record), RATES, "cpu")]


@pytest.mark.parametrize(
    ("ruling", "look"),
    [
        ({}, None),
        ({"verdict": "refuted", "holds": 0}, None),
        ({"verdict": "no evidence", "holds": 0}, None),
        (OPEN, (16, 8)),
        ({**OPEN, "seeds": 16, "holds": 8}, (32, 16)),
        ({**OPEN, "seeds": 32, "holds": 16}, None),
        ({"experiment": "other"}, (8, 0)),
        ({"effect": "other", **OPEN}, (8, 0)),
    ],
)
def test_the_next_look_at_a_claim(ruling, look):
    assert next_look(case(), book(ruled(case(), **ruling))) == look


def test_a_claim_without_a_ruling_or_with_a_pilot_alone_needs_its_first_look_and_a_count_none():
    assert next_look(case(), {}) == next_look(case(), book(ruled(case(), "quick", "mixed", holds=4))) == (8, 0)
    assert next_look(COUNT, {}) == (None, 0)
    assert next_look(COUNT, book(ruled(COUNT, **EXACT))) is None


@pytest.mark.parametrize(
    ("of", "ruling", "look"),
    [
        (float, None, (8, 0)),
        (float, OPEN, (16, 8)),
        (float, {"verdict": "refuted", "holds": 0}, None),
        (dict.fromkeys(range(16), 1.0), OPEN, (16, 8)),
        (dict.fromkeys(range(15), 1.0), OPEN, None),
        ({}, None, (8, 0)),
    ],
)
def test_the_next_look_at_values_from_elsewhere(of, ruling, look):
    one = case("T-v", Values(of, name="gap"), of=None)
    assert next_look(one, {} if ruling is None else book(ruled(one, **ruling))) == look


def test_values_from_elsewhere_are_units_of_their_own_whose_time_is_unknown_if_a_function_computes_them():
    table, function = (case(f"T-{name}", Values(of, name="gap"), of=None) for name, of in (("t", {}), ("f", float)))
    found = units([table, function, COUNT], book(ruled(function, **OPEN)), RATES, "cpu")
    assert [(unit.name, unit.claims, unit.seconds, unit.unknown) for unit in found] == [
        ("values from elsewhere at 8 seeds", ("T-t",), 0.0, False),
        ("values from elsewhere at 16 seeds", ("T-f",), 0.0, True),
        ("exact counts", ("T-count",), 0.0, False),
    ]


def test_counts_come_first_and_then_looks_by_rulings_an_hour_whether_first_or_further():
    cases = [
        case("T-long", of=LONG),
        case("T-again"),
        case("T-a", of=OTHER),
        case("T-b", lower_loss("b", than="c"), of=OTHER),
        case("T-new"),
        COUNT,
    ]
    assert agenda(cases, ruled(cases[1], **OPEN)) == [
        ("exact counts", ("T-count",), 0.0),
        ("T-other at 8 seeds", ("T-a", "T-b"), pytest.approx(8 * 3 * PER_RUN)),  # 24 s a ruling
        ("T-x at 16 seeds", ("T-again",), pytest.approx(8 * 2 * PER_RUN)),  # 32 s: the first 8 seeds are stored
        ("T-x at 8 seeds", ("T-new",), pytest.approx(8 * 2 * PER_RUN)),
        ("T-long at 8 seeds", ("T-long",), pytest.approx(8 * 2 * 100 * PER_RUN)),
    ]


FINAL = [("supported", 8), ("inconclusive", 32)]
WORDS = st.sampled_from([None, ("inconclusive", 8), ("inconclusive", 16), *FINAL])


@given(st.lists(st.tuples(st.sampled_from([OTHER, LONG]), WORDS), max_size=12))
def test_each_claim_that_is_open_is_on_the_agenda_once(rows):
    cases = [case(f"T-{index}", of=of) for index, (of, _) in enumerate(rows)]
    on_record = [
        ruled(one, verdict=word[0], seeds=word[1], holds=word[1] // 2)
        for one, (_, word) in zip(cases, rows, strict=True)
        if word
    ]
    found = units(cases, book(*on_record), RATES, "cpu")
    opened = [one.claim.id for one, (_, word) in zip(cases, rows, strict=True) if word not in FINAL]
    assert sorted(name for unit in found for name in unit.claims) == sorted(opened)
    for unit in found:
        assert len({(one.claim.experiment.id, next_look(one, book(*on_record))) for one in unit.cases}) == 1
    paces = [unit.seconds / len(unit.cases) for unit in found]
    assert paces == sorted(paces)


def unit(name, seconds, seeds=8):
    return Unit((case(name, of=OTHER) if seeds else COUNT,), seeds, seconds)


def names(chosen):
    return [name for one in chosen for name in one.claims]


def test_tiny_units_of_one_look_share_a_session_with_counts():
    agenda = [unit("", 0.0, None), unit("T-a", 20), unit("T-b", 30, 16), unit("T-c", 50), unit("T-d", 30)]
    assert names(fitting(agenda, 1e9)) == ["T-count", "T-a", "T-d"]
    assert names(fitting(agenda[3:], 1e9)) == ["T-c"]


def test_a_long_unit_has_a_session_of_its_own():
    assert names(fitting([unit("T-a", 2 * TINY), unit("T-b", 1)], 1e9)) == ["T-a"]


def test_what_does_not_fit_into_the_time_is_passed_over():
    agenda = [unit("T-a", 100), unit("T-b", 20), unit("T-c", 20)]
    assert names(fitting(agenda, 99)) == ["T-b", "T-c"]
    assert names(fitting(agenda, 39)) == ["T-b"]
    assert fitting(agenda, 19) == []


@given(st.lists(st.tuples(st.floats(0, 200), st.sampled_from([8, 16])), max_size=8), st.floats(0, 300))
def test_what_is_chosen_fits_and_nothing_that_fits_is_left_waiting(rows, seconds):
    agenda = [unit(f"T-{index}", cost, look) for index, (cost, look) in enumerate(rows)]
    chosen = fitting(agenda, seconds)
    assert sum(one.seconds for one in chosen) <= seconds
    assert len(chosen) < 2 or sum(one.seconds for one in chosen) < TINY
    assert len({one.seeds for one in chosen}) <= 1
    assert bool(chosen) == any(one.seconds <= seconds for one in agenda)
    assert not chosen or chosen[0] == next(one for one in agenda if one.seconds <= seconds)


def test_a_claim_takes_its_share_of_the_first_look_of_its_experiment():
    cases = [
        case("T-long", of=LONG),
        case("T-a", of=OTHER),
        case("T-b", lower_loss("b", than="c"), of=OTHER),  # three arms between the two
        COUNT,
    ]
    found = seconds_per_claim(cases, "full", RATES, "cpu")
    expected = {"T-long": 8 * 2 * 100 * PER_RUN, "T-a": 8 * 3 * PER_RUN / 2, "T-b": 8 * 3 * PER_RUN / 2, "T-count": 0}
    assert found == pytest.approx(expected)
    assert list(found) == list(expected)
    quick = seconds_per_claim(cases[1:], "quick", RATES, "cpu")  # one epoch instead of two
    assert quick == pytest.approx({"T-a": 6 * PER_RUN, "T-b": 6 * PER_RUN, "T-count": 0})


def test_a_claim_on_which_no_pilot_may_speak_takes_nothing_and_shares_nothing():
    cases = [case("T-race", of=LONG), case("T-own", Effect("own", "", lambda runs: 1.0, ("a", "b")), of=LONG)]
    assert seconds_per_claim(cases, "quick", RATES, "cpu") == pytest.approx({"T-race": 0, "T-own": 8 * 2 * PER_RUN / 2})
    assert seconds_per_claim(cases, "full", RATES, "cpu") == pytest.approx(
        {"T-race": 800 * PER_RUN, "T-own": 800 * PER_RUN}
    )
