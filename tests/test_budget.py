"""The time of a budget: values, what fits in, and work that stops when it is up."""

import re

import pytest

from hw1bench.session import budget
from hw1bench.session.budget import Budget
from hw1bench.support.refusals import Unavailable
from test_local import Shown


@pytest.fixture
def clock(monkeypatch):
    """A list with the time in seconds."""
    now = [1_000.0]
    monkeypatch.setattr(budget, "monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "--budget 0 is no number of minutes above 0: give one, such as 60"),
        ("-1.5", "--budget -1.5 is no number of minutes above 0: give one, such as 60"),
        ("nan", "--budget nan is no number of minutes above 0: give one, such as 60"),
        ("inf", "--budget inf is no number of minutes above 0: give one, such as 60"),
        ("1h", "--budget '1h' is not a number: give minutes, such as 60"),
        ("", "--budget '' is not a number: give minutes, such as 60"),
    ],
)
def test_no_number_of_minutes_is_refused_in_one_line(text, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        Budget.of(text)


def test_without_a_text_there_is_no_budget_and_with_one_its_time_passes(clock):
    assert Budget.of(None) is None
    one = Budget.of("1.5")
    assert one.left == 90
    clock[0] += 100
    assert one.left == -10


def test_what_does_not_fit_into_what_is_left_is_refused_with_its_cost(clock):
    one = Budget(30)
    one.admit(1_800)
    clock[0] += 1_200
    one.admit(600)
    with pytest.raises(Unavailable, match=r"^no time left in --budget 30: about 12 min 5 s$"):
        one.admit(725)
    one.admit(30)


def test_work_of_which_nobody_knows_how_long_it_takes_begins_while_time_is_left_and_stops_with_it(clock):
    one = Budget(1)
    watching = one.watching(Shown())
    one.admit(50)
    one.admit(0)
    watching.start("a", 2)
    clock[0] += 61
    said = "no time left in --budget 1: stopped before its end, what is trained is kept"
    with pytest.raises(Unavailable, match=f"^{said}$"):
        watching.advance(1)
    with pytest.raises(Unavailable, match=r"^no time left in --budget 1$"):
        one.admit(0)


def test_work_stops_when_the_time_is_up_unless_its_last_step_is_done(clock):
    one, shown = Budget(1), Shown()
    watching = one.watching(shown)
    one.admit(50)
    watching.start("a", 10)
    watching.advance(4)
    clock[0] += 60
    said = "no time left in --budget 1: stopped before its end, about 50.0 s in all, what is trained is kept"
    with pytest.raises(Unavailable, match=f"^{said}$"):
        watching.advance(5)
    watching.finish()
    watching.start("b", 10)
    watching.advance(10)
    watching.finish()
    watching.notice("so it is")
    assert shown.calls == [("a", 10), 4, 5, "finish", ("b", 10), 10, "finish", "so it is"]
