import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import reference
from hw1bench.court.looks import plan
from hw1bench.court.verdict import decide, nothing_found, share_interval
from hw1bench.court.vocabulary import standing
from hw1bench.effects.telling import ON_BOUND, TIE
from hw1bench.support.number import NoFinding

QUICK, FULL, ONE = (8, 16), (8, 16, 32), (8,)


def effects(holds, seeds):
    return [1.0] * holds + [-1.0] * (seeds - holds)


@pytest.mark.parametrize(
    ("looks", "needed"), [(QUICK, {8: 8, 16: 13}), (FULL, {8: 8, 16: 13, 32: 23}), (ONE, {8: 8})], ids=str
)
def test_how_many_seeds_a_verdict_takes(looks, needed):
    for look, threshold in needed.items():
        for holds in range(look + 1):
            word = decide(effects(holds, look), looks).word
            expected = "supported" if holds >= threshold else "refuted" if look - holds >= threshold else "inconclusive"
            assert word == expected, (look, holds)


@pytest.mark.parametrize(("holds", "seeds", "level"), [(0, 8, 0.975), (13, 16, 0.975), (9, 32, 0.98), (8, 8, 0.95)])
def test_the_interval_is_that_of_clopper_and_pearson(holds, seeds, level):
    assert share_interval(holds, seeds, level) == pytest.approx(
        reference.clopper_pearson(holds, seeds, level), abs=1e-9
    )


def test_zero_and_undefined_effects_do_not_hold():
    verdict = decide([0.0] * 3 + [math.nan] * 3 + [-1.0] * 2, QUICK)
    assert (verdict.word, verdict.holds) == ("refuted", 0)
    assert decide([math.inf] * 8, QUICK).word == "supported"


@pytest.mark.parametrize("values", [[0.0] * 8, [0.0] * 5 + [math.nan] * 3, [math.nan] * 8])
def test_a_tie_in_every_seed_is_no_evidence(values):
    verdict = decide(values, QUICK, [-value for value in values])
    assert (verdict.word, verdict.how, verdict.holds) == ("no evidence", None, 0)
    assert decide([*values[:7], -1.0], QUICK).word == ("no evidence" if math.isnan(values[0]) else "refuted")


def test_a_refutation_is_reversed_only_if_the_opposite_is_supported():
    down = [-1.0] * 8
    assert decide(down, QUICK, [1.0] * 8).how == "reversed"
    assert decide(down, QUICK, [1.0] * 7 + [0.0]).how == "absent"
    assert decide(down, QUICK).how == "absent"
    assert decide([1.0] * 8, QUICK, [-1.0] * 8).how is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=16, max_size=16))
def test_median_and_its_interval_are_order_statistics(values):
    verdict = decide(values, QUICK)
    ranked = sorted(values)
    assert verdict.median == pytest.approx(np.median(values))
    low, high = verdict.interval
    assert low in ranked
    assert high in ranked
    assert low <= verdict.median <= high


@pytest.mark.parametrize("looks", [(2,), (5,), (8,), (8, 16), (8, 16, 32), (33,), (16, 100)], ids=str)
def test_the_medians_interval_is_that_of_scipys_quantile_test(looks):
    values = np.random.default_rng(0).standard_normal(looks[-1])
    verdict = decide(values, looks)
    low, high = stats.quantile_test(values, p=0.5).confidence_interval(confidence_level=verdict.level)
    expected = [-math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high]
    assert [*verdict.interval] == expected


def test_the_medians_interval_at_eight_seeds_is_the_range():
    # P(all 8 on one side) = 2 / 256 is below 1 - 0.975; for an interval one rank narrower it is not.
    assert decide([3.0, 1, 4, 1.5, 9, 2.6, 5, 3.5], QUICK).interval == (1.0, 9.0)


def test_infinite_effects_keep_their_place_in_the_median():
    verdict = decide([math.inf] * 5 + [1.0] * 3, QUICK)
    assert verdict.median == math.inf
    assert verdict.interval == (1.0, math.inf)


@pytest.mark.parametrize(
    ("values", "median", "interval"),
    [
        ([math.nan] * 3 + [-math.inf] * 5, -math.inf, (math.nan, -math.inf)),
        ([-math.inf] * 3 + [math.nan] * 3 + [1.0, 2.0], -math.inf, (math.nan, 2.0)),
        ([-math.inf] * 4 + [math.inf] * 4, math.nan, (-math.inf, math.inf)),
        ([math.nan] * 7 + [1.0] * 9, 1.0, (math.nan, 1.0)),
        ([1.7e308] * 4 + [1.79e308] * 4, 1.745e308, (1.7e308, 1.79e308)),
    ],
    ids=str,
)
def test_undefined_is_not_minus_infinity(values, median, interval):
    verdict = decide(values, QUICK)
    np.testing.assert_equal([verdict.median, *verdict.interval], [median, *interval])


def test_too_few_seeds_for_the_level_give_an_infinite_interval():
    assert decide([1.0] * 8, tuple(range(8, 64, 8))).interval == (-math.inf, math.inf)


@pytest.mark.parametrize(("undefined", "seeds"), [(4, 8), (8, 8), (8, 16), (16, 16)])
def test_an_effect_undefined_in_half_of_the_seeds_is_no_evidence(undefined, seeds):
    values = [math.nan] * undefined + [1.0] * (seeds - undefined)
    verdict = decide(values, QUICK)
    assert (verdict.word, verdict.how, verdict.close) == ("no evidence", None, False)
    assert nothing_found(values) == f"its effect is undefined in {undefined} of {seeds} seeds"
    fewer = [math.nan] * (seeds // 2 - 1) + [1.0] * (seeds // 2 + 1)
    assert decide(fewer, QUICK).word == "inconclusive"
    assert nothing_found(fewer) == ""


def test_why_ties_are_no_evidence():
    assert nothing_found([0.0] * 8) == "its effect is a tie in every seed"
    assert nothing_found([0.0] * 5 + [math.nan] * 3) == "its effect is a tie or undefined in every seed"
    assert nothing_found([TIE] * 7 + [0.0]) == "its effect is a tie in every seed"
    assert nothing_found([0.0] * 7 + [1.0]) == ""
    assert nothing_found([ON_BOUND] * 8) == ""


@pytest.mark.parametrize("value", ["3", True, None, 1j, [1.0]], ids=str)
def test_an_effect_must_be_a_number(value):
    with pytest.raises(NoFinding, match="is not a real number"):
        decide([*[1.0] * 7, value], QUICK)
    with pytest.raises(NoFinding, match="is not a real number"):
        decide([-1.0] * 8, QUICK, [*[1.0] * 7, value])


def test_a_look_that_was_not_planned_is_refused():
    with pytest.raises(ValueError, match="no look is planned at 9 seeds"):
        decide([1.0] * 9, QUICK)
    with pytest.raises(ValueError, match="3 opposite effects for 8 seeds"):
        decide([1.0] * 8, QUICK, [1.0] * 3)


def test_the_level_is_that_of_the_look_at_which_the_court_stopped():
    sequence = [decide(effects(look // 2, look), FULL) for look in FULL]
    assert [verdict.level for verdict in sequence] == [look.level for look in plan(FULL)]
    assert [verdict.share for verdict in sequence] == [
        share_interval(n // 2, n, v.level) for n, v in zip(FULL, sequence, strict=True)
    ]


@given(st.lists(st.floats(-5, 5), min_size=16, max_size=16))
def test_a_claim_is_supported_if_and_only_if_the_interval_of_its_median_is_above_0(values):
    verdict = decide(values, FULL)
    assert (verdict.word == "supported") == (verdict.interval[0] > 0)


def test_a_verdict_compares_with_a_ruling_by_its_strength():
    stands = {
        ("supported", None): "unruled",
        ("inconclusive", "inconclusive"): "same",
        ("inconclusive", "refuted"): "weaker",
        ("refuted", "inconclusive"): "stronger",
        ("supported", "refuted"): "contrary",
    }
    assert {pair: standing(*pair) for pair in stands} == stands
