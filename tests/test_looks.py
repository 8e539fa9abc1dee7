"""The plan of looks: its bounds and levels, how often it errs, p-values, and verdicts that are one seed from their bound."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from hw1bench.court.looks import bounds, false_probability, is_close, outcome_probabilities, p_value, plan
from hw1bench.court.verdict import decide
from hw1bench.court.vocabulary import ALPHA

QUICK, FULL, ONE = (8, 16), (8, 16, 32), (8,)
PLANS = st.lists(st.integers(1, 60), min_size=1, max_size=6, unique=True).map(lambda looks: tuple(sorted(looks)))
SHARES = st.floats(0, 1)


def effects(holds, seeds):
    return [1.0] * holds + [-1.0] * (seeds - holds)


@pytest.mark.parametrize(("looks", "found"), [(QUICK, (8, 13)), (FULL, (8, 13, 23)), (ONE, (8,))], ids=str)
def test_the_bounds(looks, found):
    assert bounds(looks) == found


def exact_plan(looks):
    """The levels and bounds in exact fractions, path by path of the seeds' counts at the looks."""
    found, spent, open_paths = [], Fraction(0), {0: 1}
    seen = 0
    for number, seeds in enumerate(looks, start=1):
        allowance = Fraction(5, 100) * number / len(looks) - spent
        tails = [Fraction(sum(math.comb(seeds, k) for k in range(h, seeds + 1)), 2**seeds) for h in range(seeds + 1)]
        bound = next((h for h in range(seeds + 1) if 2 * tails[h] < allowance), seeds + 1)
        after = {}
        for (holds, paths), more in itertools.product(open_paths.items(), range(seeds - seen + 1)):
            after[holds + more] = after.get(holds + more, 0) + paths * math.comb(seeds - seen, more)
        decided = {holds for holds in after if holds >= bound or seeds - holds >= bound}
        spent += Fraction(sum(after[holds] for holds in decided), 2**seeds)
        open_paths = {holds: paths for holds, paths in after.items() if holds not in decided}
        found.append((seeds, 1 - allowance, bound))
        seen = seeds
    return found, spent


@settings(max_examples=60, deadline=None)
@given(PLANS)
def test_levels_and_bounds_are_those_of_exact_fractions(looks):
    expected, spent = exact_plan(looks)
    assert [(look.seeds, look.bound) for look in plan(looks)] == [(seeds, bound) for seeds, _, bound in expected]
    assert [look.level for look in plan(looks)] == pytest.approx([float(level) for _, level, _ in expected], abs=1e-12)
    assert false_probability(looks) == pytest.approx(float(spent), abs=1e-12)


@settings(max_examples=12, deadline=None)
@given(PLANS)
def test_the_bound_is_the_least_number_whose_interval_is_above_one_half(looks):
    for look in plan(looks):
        assert 1 - ALPHA <= look.level < 1
        above = [
            holds
            for holds in range(look.seeds + 1)
            if reference.clopper_pearson(holds, look.seeds, look.level)[0] > 0.5
        ]
        assert min(above, default=look.seeds + 1) == look.bound


@settings(max_examples=100, deadline=None)
@given(PLANS, SHARES)
def test_any_plan_errs_with_a_probability_of_at_most_alpha_at_any_share(looks, share):
    exact = outcome_probabilities(share, looks)
    assert sum(exact.values()) == pytest.approx(1)
    at_half = false_probability(looks)
    assert at_half <= ALPHA
    if share <= 0.5:
        assert exact["supported"] <= at_half / 2 + 1e-12
    if share >= 0.5:
        assert exact["refuted"] <= at_half / 2 + 1e-12


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


@pytest.mark.parametrize(("looks", "rate"), [(QUICK, 0.02625), (FULL, 0.04034), (ONE, 0.00781)], ids=str)
def test_how_often_a_plan_errs(looks, rate):
    assert false_probability(looks) == pytest.approx(rate, abs=5e-6)
    if looks != FULL:  # 9 x 9 x 17 paths through the real code would be slow and add nothing
        assert false_rate_by_enumeration(looks) == pytest.approx(false_probability(looks), abs=1e-12)


@pytest.mark.parametrize(
    ("looks", "power_80", "power_95"), [(QUICK, 0.608, 0.993), (FULL, 0.919, 1.000), (ONE, 0.168, 0.663)], ids=str
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
    draws = rng.pareto(0.5, (800, 32)) * np.where(rng.random((800, 32)) < share, 1, -1)
    words = [by_looking(row, FULL) for row in draws]
    for word, probability in outcome_probabilities(share, FULL).items():
        assert words.count(word) / len(words) == pytest.approx(probability, abs=4 * (0.25 / 800) ** 0.5)


@pytest.mark.parametrize(
    "looks", [(16, 8), (8, 8), (8, 16, 16), (0, 8), (-8, 8), (), (8.0,), (True, 8), ("8",)], ids=str
)
def test_looks_that_do_not_increase_are_refused(looks):
    plan((8,)), plan((1, 8))  # equal, in Python, to (8.0,) and (True, 8)
    with pytest.raises(ValueError, match="looks must be increasing numbers of seeds"):
        decide([1.0] * 8, looks)
    with pytest.raises(ValueError, match="looks must be increasing numbers of seeds"):
        outcome_probabilities(0.5, looks)


def test_a_look_at_too_many_seeds_is_refused():
    with pytest.raises(ValueError, match=r"looks must be at 10,000 seeds or fewer, not at 1,000,000"):
        plan((8, 1_000_000))


def test_a_look_that_nothing_decides_only_goes_on():
    four = plan((4, 8))[0]
    assert (four.bound, [four.word(holds) for holds in range(5)]) == (5, ["inconclusive"] * 5)
    assert outcome_probabilities(1.0, (4,)) == {"supported": 0, "refuted": 0, "inconclusive": 1}


def test_p_values_by_hand():
    assert p_value(8, 8, QUICK) == p_value(0, 8, QUICK) == 2 / 256
    assert p_value(7, 8, ONE) == 18 / 256
    # 13 of 16: all that decides; less is farther still from it.
    assert p_value(13, 16, QUICK) == pytest.approx(false_probability(QUICK))
    assert p_value(8, 16, QUICK) == pytest.approx(1)


@settings(max_examples=60, deadline=None)
@given(PLANS, st.data())
def test_a_p_value_is_small_no_more_often_than_it_says(looks, data):
    """Over all results of a plan at a share of 1/2, the probability of a p-value of at most p is at most p."""
    results = []
    open_paths, seen = {0: 1.0}, 0
    for look in plan(looks):
        after = {}
        for (holds, weight), more in itertools.product(open_paths.items(), range(look.seeds - seen + 1)):
            step = look.seeds - seen
            after[holds + more] = after.get(holds + more, 0.0) + weight * math.comb(step, more) / 2**step
        ends = {holds for holds in after if look.word(holds) != "inconclusive" or look.seeds == looks[-1]}
        results += [(p_value(holds, look.seeds, looks), after[holds]) for holds in ends]
        open_paths = {holds: weight for holds, weight in after.items() if holds not in ends}
        seen = look.seeds
    assert sum(weight for _, weight in results) == pytest.approx(1)
    level, _ = data.draw(st.sampled_from(results))
    assert sum(weight for p, weight in results if p <= level + 1e-12) == pytest.approx(level)


@given(PLANS, st.data())
def test_the_p_value_of_a_verdict_is_at_most_what_its_plan_spends(looks, data):
    look = data.draw(st.sampled_from(plan(looks)))
    holds = data.draw(st.integers(0, look.seeds))
    found = p_value(holds, look.seeds, looks)
    assert found == p_value(look.seeds - holds, look.seeds, looks)
    if look.word(holds) != "inconclusive":
        assert found <= false_probability(looks) + 1e-12
    elif look.seeds == looks[-1]:
        assert found > false_probability(looks)


@pytest.mark.parametrize(
    ("close", "looks", "seeds", "holds"),
    [
        (True, QUICK, 16, (3, 4, 12, 13)),
        (False, QUICK, 16, (0, 2, 5, 8, 11, 14, 16)),
        (False, QUICK, 8, (0, 8)),  # no seed is against it, and there would have been another look
        (True, QUICK, 8, (1, 7)),  # the court stops there only under --max-seeds 8
        (True, FULL, 16, (3, 13)),
        (False, FULL, 16, (2, 14)),
        (True, FULL, 32, (9, 10, 22, 23)),
        (False, FULL, 32, (8, 11, 21, 24)),
        (True, ONE, 8, (0, 1, 7, 8)),
        (False, ONE, 8, (2, 4, 6)),
    ],
    ids=str,
)
def test_which_verdicts_are_one_seed_from_their_bound(close, looks, seeds, holds):
    assert [is_close(one, seeds, looks) for one in holds] == [close] * len(holds)
    assert [decide(effects(one, seeds), looks).close for one in holds] == [close] * len(holds)


@pytest.mark.parametrize(("holds", "seeds"), [(9, 8), (-1, 8), (4, 9)])
def test_a_result_that_no_look_can_have_is_refused(holds, seeds):
    for ask in (p_value, is_close):
        with pytest.raises(ValueError, match=rf"{holds} of {seeds} seeds is no result of looks at \(8, 16\)"):
            ask(holds, seeds, QUICK)
