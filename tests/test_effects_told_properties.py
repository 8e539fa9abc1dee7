"""Whatever the values: an effect tells them in one line, names the right side, and says what somebody who knows the runs says."""

import math
import re
import statistics
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hw1bench import effects as fx
from hw1bench.effects.telling import ON_BOUND, TIE, Told, beside, bounding, name, number, ratio
from test_effects_arguments import CONSTRUCTORS, make
from test_effects_told import ARMS


@pytest.mark.parametrize("one", CONSTRUCTORS)
@settings(max_examples=20, deadline=None)
@given(values=st.lists(st.floats(), min_size=1, max_size=9), arms=st.sampled_from([{}, ARMS]))
@example(values=[0.0, -0.0, TIE, ON_BOUND, -TIE], arms=ARMS)
@example(values=[1e308, -1e308, 5e-324, -5e-324], arms=ARMS)
def test_any_values_are_told_in_one_line(one, values, arms):
    effect = make(one)
    assert effect.tell(values, arms)
    for said in (
        effect.tell(values, arms),
        *(effect.tell_median(value, arms, holds, 2) for value in values for holds in (0, 2)),
    ):
        assert said == " ".join(said.split())
        assert said.isprintable()
        assert len(said) < 900
        assert not re.search(r"\b(nan|inf)\b|\{|\}", said)


def _known(pair, never):
    """What somebody knows of the epochs of two runs, ``never`` being that of no arrival, who has their ratio alone, found by
    trying all pairs: (kind, the quicker run)."""
    if pair[0] == pair[1]:
        return "tie", ""
    every = range(1, never + 1)
    slow = [max(one, two) for one in every for two in every if one * pair[1] == two * pair[0]]
    kind = "only" if min(slow) == never else "bound" if max(slow) == never else "both"
    return kind, "a" if pair[0] < pair[1] else "b"


def _counted(said, seeds):
    """The clauses of what is ``said`` of so many seeds, with the number of seeds of each."""
    found = {}
    for part in said.split("; "):
        who, clause = part.split(", ", 1)
        count = re.search(r"other (\w+)|(\d+) of", who)
        found[clause] = int((count[1] or count[2]).replace("one", "1")) if count else seeds
    return found


@settings(max_examples=150, deadline=None)
@given(
    pairs=st.lists(st.tuples(st.integers(1, 13), st.integers(1, 13)), min_size=2, max_size=9),
    never=st.sampled_from([12, 13]),  # of the prime number 13 no ratio leaves a doubt
    denied=st.booleans(),
)
@example(pairs=[(3, 13), (4, 13)], never=13, denied=False)
@example(pairs=[(6, 12), (1, 12), (12, 2), (12, 12)], never=12, denied=True)
@example(pairs=[(2, 12), (3, 12), (1, 3)], never=12, denied=False)
def test_a_race_is_told_as_by_somebody_who_knows_both_epochs(pairs, never, denied):
    pairs = [(min(one, never), min(two, never)) for one, two in pairs]
    arms = {one: replace(ARMS["a"], name=one, epochs=never - 1) for one in "ab"}
    compared, sign, tie = (fx.not_faster, -1, TIE) if denied else (fx.faster, 1, 0.0)
    values = [sign * math.log(two / one) or tie for one, two in pairs]
    said = compared("a", than="b", to=0.1).tell(values, arms)
    found = _counted(said.removeprefix("a loss of 0.1: "), len(pairs))
    known = Counter(_known(pair, never) for pair in pairs)
    assert found.pop(f'neither of "a" and "b" is first to reach it in {never - 1} epochs', 0) == known["tie", ""]
    for quick in "ab":
        assert found.pop(f'only "{quick}" gets there in {never - 1} epochs', 0) == known["only", quick]
    # The rest have a median: of each direction, if it may hold a bound.
    rest = [pair for pair in pairs if _known(pair, never)[0] in ("both", "bound")]
    groups = [rest] if rest else []
    if any(kind == "bound" for kind, _ in known):
        groups = [group for quick in "ab" if (group := [pair for pair in rest if _known(pair, never)[1] == quick])]
    expected = {}
    for group in groups:
        middle = statistics.median(math.log(two / one) for one, two in group)
        quick, slow = '"a"', '"b"'
        if middle <= 0 and (middle < 0 or not denied):
            quick, slow = slow, quick
        bound = any(_known(pair, never)[0] == "bound" for pair in group)
        least, end = ("at least ", ", if it gets there at all") if bound else ("", "")
        times = ratio(middle, f"{{}} more epochs than {quick}", f"{{}} times as many epochs as {quick}")
        expected[f"{slow} needs {least}{times}{end}"] = len(group)
    assert found == expected


_NUMBER = re.compile(r"-?[\d,]+(?:\.\d+)?(?:e-?\d+)?")


def _side(clause, needs, other):
    """Whether the number in ``clause``, the one that is not in the clause ``other`` of another value, meets ``needs``."""
    numbers = [float(text.replace(",", "")) for text in _NUMBER.findall(clause)]
    same = [float(text.replace(",", "")) for text in _NUMBER.findall(other)]
    (found,) = {one for one, two in zip(numbers, same, strict=True) if one != two}
    (bound,) = {float(text.replace(",", "")) for text in _NUMBER.findall(needs)[:1]}
    if "more than" in needs:
        return found > bound
    if "less than" in needs:
        return found < bound
    return found >= bound if "or more" in needs else found <= bound


@pytest.mark.parametrize("one", CONSTRUCTORS)
@settings(max_examples=20, deadline=None)
@given(size=st.floats(1e-6, 1e3))
def test_the_side_of_the_bound_is_named(one, size):
    """What is said of a value above 0, at which the claim holds, is never said of one below; a number that the claim needs is met
    above 0 alone."""
    told = make(one).told
    above, below = (told.found(value, ARMS) for value in (size, -size))
    if told.needs:
        assert _side(above, told.needs, below)
        assert not _side(below, told.needs, above)
    else:
        assert above != below  # in words, as the two margins are of one size
    assert bool(told.needs) == bool(told.denied)


@given(bound=st.floats(-1e3, 1e3), margin=st.floats(-1e3, 1e3), unit=st.sampled_from(["", " %", " points"]))
@example(bound=0.7, margin=1e-9, unit=" %")
@example(bound=0.995, margin=-1e-15, unit=" %")
def test_a_number_beside_its_bound_shows_on_which_side_it_lies(bound, margin, unit):
    said = beside(bound, margin, unit)
    if margin in (0.0, TIE, ON_BOUND):
        assert said == f"exactly {bounding(bound, unit)}"
    elif said.startswith("just"):
        assert said.split()[1] == ("above" if margin > 0 else "below")
    else:
        shown = float(_NUMBER.match(said).group().replace(",", ""))
        edge = float(_NUMBER.match(bounding(bound, unit)).group().replace(",", ""))
        assert (shown > edge) == (margin > 0)
        assert shown != edge


@given(st.floats(-700, 700).filter(lambda value: abs(value) > 1e-3))
def test_a_ratio_is_within_a_digit_of_its_logarithm(logarithm):
    said = ratio(logarithm, "{} more", "{} times")
    shown = float(_NUMBER.search(said).group().replace(",", ""))
    times = 1 + shown / 100 if said.endswith("more") else shown
    assert math.log(times) == pytest.approx(min(abs(logarithm), 690.0), abs=0.06)


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (1_286, "1,290"), (9_999_999, "10,000,000"), (2.5e7, "2.5e7"), (0.00368, "0.00368"), (1.2e-7, "1.2e-7")],
)
def test_numbers(value, said):
    assert number(value) == said


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ("CNN-1", "CNN-1"),
        ("batch 64", "batch 64"),
        *((odd, f'"{odd}"') for odd in ("a", "7 layers", "net 2, 1 layer", "1e-4", "784-256-10")),
    ],
)
def test_a_name_that_would_not_be_read_as_one_is_quoted(arm, said):
    assert name(arm) == said


@pytest.mark.parametrize(
    "wrong",
    [
        {"found": "text"},
        {"found": print, "needs": 1},
        {"found": print, "apart": None},
        {"found": print, "bound": print},
        {"found": print, "least": print},
        {"found": print, "stands_in": frozenset({"beside"})},
    ],
)
def test_what_cannot_tell_is_refused(wrong):
    with pytest.raises(ValueError, match="give"):
        Told(**wrong)
