"""Parts of a selection: every name in one part, what belongs together in the same, and about as much in each."""

from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench.court.parts import Part, split, together

COSTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.integers(0, 1_000), max_size=7)


@pytest.mark.parametrize("text", ["0/5", "6/5", "a", "2", "", "2/0", "-1/5", "1/5/2", "1 / 5", "²/5", "01/5"])
def test_what_is_no_part_is_refused_in_one_line(text):
    with pytest.raises(ValueError, match="is no part of a whole: give one such as 2/5, the second of five") as error:
        Part.parse(text)
    assert "\n" not in str(error.value)
    assert repr(text) in str(error.value)


def test_a_part_is_read_as_it_is_written():
    assert Part.parse("2/5") == Part(2, 5)
    assert str(Part.parse("10/10")) == "10/10"


@given(COSTS, st.integers(1, 4), st.randoms())
def test_the_split_is_the_same_in_whichever_order_names_come(costs, of, random):
    names = list(costs)
    random.shuffle(names)
    found = split(costs, of)
    assert found.keys() == costs.keys()
    assert set(found.values()) <= set(range(1, of + 1))
    assert split({name: costs[name] for name in names}, of) == found


@given(COSTS, st.integers(1, 3))
def test_no_part_costs_more_than_four_thirds_of_the_best_possible(costs, of):
    def longest(parts):
        return max(
            sum(cost for cost, part in zip(costs.values(), parts, strict=True) if part == each) for each in range(of)
        )

    best = min(longest(parts) for parts in product(range(of), repeat=len(costs)))
    found = split(costs, of)
    assert longest([found[name] - 1 for name in costs]) <= 4 / 3 * best


def test_the_costly_come_first_and_ties_go_by_name():
    assert split({"b": 5, "a": 5, "c": 3, "d": 2}, 2) == {"a": 1, "b": 2, "c": 1, "d": 2}


@given(st.lists(st.frozensets(st.sampled_from("abcdefgh"), min_size=1, max_size=3), max_size=8))
def test_sets_that_share_a_name_are_united_and_no_others(names):
    found = together(names)
    assert frozenset().union(*found) == frozenset().union(*names)
    assert all(a.isdisjoint(b) for a, b in combinations(found, 2))
    linked = {name: {name} for some in names for name in some}  # the naive closure: link until nothing changes
    for _ in names:
        for some in names:
            joint = set().union(*(linked[name] for name in some))
            for name in joint:
                linked[name] = linked[name] | joint
    assert {frozenset(some) for some in linked.values()} == set(found)
