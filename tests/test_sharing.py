"""How processors are shared among pieces of work that wait for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench.support.sharing import share

SIZE = st.integers(0, 10**15)  # multiply-adds of a run, say


@pytest.mark.parametrize(
    ("work", "waiting", "processors", "largest", "expected"),
    [
        (30, 40, 4, 4, 3),
        (31, 40, 4, 4, 4),  # no less than its share
        (10, 40, 4, 4, 1),
        (1, 1000, 64, 64, 1),
        (99, 100, 64, 64, 8),  # it has eight runs
        (99, 100, 8, 2, 2),  # it runs on one node
        (40, 40, 1, 1, 1),
        (0, 40, 4, 4, 1),
        (0, 0, 4, 4, 1),
        (7.5, 10.0, 4, 4, 3),
    ],
)
def test_work_gets_its_share_of_the_processors(work, waiting, processors, largest, expected):
    assert share(work, waiting, processors, largest, runs=8) == expected


@given(SIZE, SIZE, st.lists(st.integers(1, 64), min_size=1, max_size=9), st.integers(1, 8))
def test_it_takes_the_fewest_processors_that_are_no_bottleneck(work, others, nodes, runs):
    """It is done within the time in which all processors would do all that waits, unless it has as many as it can use; and with
    one processor fewer it would not be."""
    waiting, processors, largest = work + others, sum(nodes), max(nodes)
    found = share(work, waiting, processors, largest, runs)
    assert 1 <= found <= min(runs, largest)
    enough = work * processors <= found * waiting * (1 + 1e-15)  # the quotient is rounded
    assert enough or found == min(runs, largest)
    assert found == 1 or work * processors > (found - 1) * waiting
