"""How many verdicts may be false by chance."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hw1bench.court.chance import Result, by_chance, false_discovery_rates
from hw1bench.court.looks import false_probability, p_value, word

QUICK, FULL, ONE = (8, 16), (8, 16, 32), (8,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_false_discovery_rates_are_scipys(p_values):
    np.testing.assert_allclose(false_discovery_rates(p_values), stats.false_discovery_control(p_values), atol=1e-12)


def test_what_chance_may_have_done_by_hand():
    found = by_chance([Result(8, 8, FULL), Result(3, 16, FULL), Result(10, 16, QUICK), Result(8, 8, ONE)])
    assert (found.claims, found.decided) == (4, 3)
    assert found.expected == pytest.approx(2 * false_probability(FULL) + false_probability(QUICK) + 2 / 256)
    # The largest p-value of the three that are decided, times 4 claims over 3: the fourth, inconclusive, has a p-value of 0.46.
    assert found.rate == pytest.approx(p_value(3, 16, FULL) * 4 / 3)


def test_nothing_decided_has_no_rate():
    found = by_chance([Result(8, 16, QUICK)])
    assert (found.decided, found.expected) == (0, false_probability(QUICK))
    assert math.isnan(found.rate)
    assert by_chance([]).claims == 0


def test_plans_of_claims_without_evidence_count_in_what_to_expect():
    found = by_chance([Result(8, 8, FULL)], [QUICK])
    assert (found.claims, found.decided) == (1, 1)
    assert found.expected == false_probability(FULL) + false_probability(QUICK)


def test_what_to_expect_is_no_less_than_the_truth_if_the_evidence_depends_on_the_effects():
    """Claims of one look, whose effect is positive with probability 1/2 and else undefined: one holds in all 8 seeds, by chance,
    or in 5 to 7, which is inconclusive, or has no evidence."""
    chances = stats.binom.pmf(range(9), 8, 0.5)
    expected = sum(
        chance * (by_chance([Result(holds, 8, ONE)]) if holds > 4 else by_chance([], [ONE])).expected
        for holds, chance in enumerate(chances)
    )
    assert expected >= chances[8]


def test_a_court_of_claims_that_hold_in_half_of_all_seeds_errs_as_often_as_expected():
    """Claims of three plans, each true in exactly half of all seeds, so that every decision is false."""
    rng = np.random.default_rng(1)
    plans = [QUICK, FULL, ONE] * 1000
    results = []
    for looks in plans:
        holding = rng.random(looks[-1]) < 0.5
        for seeds in looks:
            result = Result(int(holding[:seeds].sum()), seeds, looks)
            if word(result.holds, seeds, looks) != "inconclusive":
                break
        results.append(result)
    found = by_chance(results)
    assert found.decided == pytest.approx(found.expected, abs=4 * math.sqrt(found.expected))
    assert found.rate > 0.5  # as it must be where there is nothing to discover
