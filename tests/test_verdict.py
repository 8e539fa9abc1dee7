import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from hw1bench.court.verdict import ALPHA, decide, level_for, nothing_found, outcome_probabilities, share_interval
from hw1bench.court.vocabulary import standing
from hw1bench.support.number import NoFinding

QUICK, FULL, ONE = (8, 16), (8, 16, 32), (8,)


def effects(holds, seeds):
    return [1.0] * holds + [-1.0] * (seeds - holds)


@pytest.mark.parametrize(
    ("looks", "needed"), [(QUICK, {8: 8, 16: 13}), (FULL, {8: 8, 16: 14, 32: 24}), (ONE, {8: 8})], ids=str
)
def test_how_many_seeds_a_verdict_takes(looks, needed):
    for look, threshold in needed.items():
        for holds in range(look + 1):
            word = decide(effects(holds, look), looks).word
            expected = "supported" if holds >= threshold else "refuted" if look - holds >= threshold else "inconclusive"
            assert word == expected, (look, holds)


@pytest.mark.parametrize(
    ("holds", "seeds", "level"), [(0, 8, 0.975), (13, 16, 0.975), (9, 32, 1 - 0.05 / 3), (8, 8, 0.95)]
)
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
    assert decide([math.nan] * undefined + [1.0] * (seeds - undefined), QUICK).word == "no evidence"
    assert nothing_found([math.nan] * undefined + [1.0] * (seeds - undefined)) == (
        f"its effect is undefined in {undefined} of {seeds} seeds"
    )
    fewer = [math.nan] * (seeds // 2 - 1) + [1.0] * (seeds // 2 + 1)
    assert decide(fewer, QUICK).word == "inconclusive"


@pytest.mark.parametrize("value", ["3", True, None, 1j, [1.0]], ids=str)
def test_an_effect_must_be_a_number(value):
    with pytest.raises(NoFinding, match="is not a real number"):
        decide([*[1.0] * 7, value], QUICK)
    with pytest.raises(NoFinding, match="is not a real number"):
        decide([-1.0] * 8, QUICK, [*[1.0] * 7, value])


@pytest.mark.parametrize(
    "looks", [(16, 8), (8, 8), (8, 16, 16), (0, 8), (-8, 8), (), (8.0,), (True, 8), ("8",)], ids=str
)
def test_looks_that_do_not_increase_are_refused(looks):
    with pytest.raises(ValueError, match="looks must be increasing numbers of seeds"):
        decide([1.0] * 8, looks)
    with pytest.raises(ValueError, match="looks must be increasing numbers of seeds"):
        outcome_probabilities(0.5, looks)


def false_rate_by_enumeration(looks):
    """Probability of a false verdict at a share of 1/2, where both "supported" and "refuted" are false: the sum over all paths
    of counts at the looks of their binomial probabilities."""
    steps = [looks[0], *(later - sooner for sooner, later in itertools.pairwise(looks))]
    total = 0.0
    for path in itertools.product(*(range(step + 1) for step in steps)):
        weight = math.prod(math.comb(step, k) * 0.5**step for step, k in zip(steps, path, strict=True))
        for look, holds in zip(looks, itertools.accumulate(path), strict=True):
            if decide(effects(holds, look), looks).word != "inconclusive":
                total += weight
                break
    return total


@pytest.mark.parametrize(("looks", "rate"), [(QUICK, 0.026), (FULL, 0.017), (ONE, 0.008)], ids=str)
def test_false_verdicts_are_rarer_than_alpha(looks, rate):
    exact = outcome_probabilities(0.5, looks)
    assert exact["supported"] + exact["refuted"] == pytest.approx(rate, abs=6e-4)
    assert exact["supported"] + exact["refuted"] < ALPHA
    if looks != FULL:  # 9 x 9 x 17 paths through the real code would be slow and add nothing
        assert false_rate_by_enumeration(looks) == pytest.approx(exact["supported"] + exact["refuted"], abs=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.49, 0.5, 0.51, 0.7, 0.9])
@pytest.mark.parametrize("looks", [QUICK, FULL, ONE], ids=str)
def test_a_false_verdict_is_at_most_as_probable_as_alpha_for_any_share(looks, share):
    exact = outcome_probabilities(share, looks)
    assert sum(exact.values()) == pytest.approx(1)
    false = (exact["supported"] if share <= 0.5 else 0) + (exact["refuted"] if share >= 0.5 else 0)
    assert false <= ALPHA


@pytest.mark.parametrize(
    ("looks", "power_80", "power_95"), [(QUICK, 0.608, 0.993), (FULL, 0.836, 1.000), (ONE, 0.168, 0.663)], ids=str
)
def test_power(looks, power_80, power_95):
    assert outcome_probabilities(0.8, looks)["supported"] == pytest.approx(power_80, abs=5e-4)
    assert outcome_probabilities(0.95, looks)["supported"] == pytest.approx(power_95, abs=5e-4)


def by_looking(draws, looks):
    for look in looks:
        verdict = decide(draws[:look], looks)
        if verdict.word != "inconclusive":
            break
    return verdict.word


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_simulation_through_the_real_code_agrees_with_enumeration(share):
    rng = np.random.default_rng(0)
    # A heavy-tailed, skewed effect whose median is not zero: only its sign matters.
    draws = rng.pareto(0.5, (3000, 16)) * np.where(rng.random((3000, 16)) < share, 1, -1)
    words = [by_looking(row, QUICK) for row in draws]
    for word, probability in outcome_probabilities(share, QUICK).items():
        assert words.count(word) / len(words) == pytest.approx(probability, abs=4 * (0.25 / 3000) ** 0.5)


def test_a_look_that_was_not_planned_is_refused():
    with pytest.raises(ValueError, match="no look is planned at 9 seeds"):
        decide([1.0] * 9, QUICK)
    with pytest.raises(ValueError, match="3 opposite effects for 8 seeds"):
        decide([1.0] * 8, QUICK, [1.0] * 3)


def test_the_level_of_a_look():
    assert level_for(QUICK) == 0.975


def test_a_verdict_compares_with_a_ruling_by_its_strength():
    stands = {
        ("supported", None): "unruled",
        ("inconclusive", "inconclusive"): "same",
        ("inconclusive", "refuted"): "weaker",
        ("refuted", "inconclusive"): "stronger",
        ("supported", "refuted"): "contrary",
    }
    assert {pair: standing(*pair) for pair in stands} == stands
