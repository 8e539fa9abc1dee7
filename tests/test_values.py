"""Values from elsewhere: what they take, what they refuse, what a ruling is bound to, and the rule by itself."""

import math
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench import Values, judge_values
from hw1bench.court.verdict import decide
from hw1bench.effects.identity import identity

LOOKS = (8, 16, 32)
GOOD = "seed,run,effect\n3,a,0.5\n1,b,-inf\n\n2,c,nan\n"


def gap(seed):
    return 1.0 if seed else -1.0


@pytest.fixture
def written(tmp_path):
    """Write a file of values and read it."""

    def read(content, **fields):
        path = tmp_path / "runs.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Values.csv(path, name="gap", **fields)

    return read


@pytest.mark.parametrize(
    "of",
    [{2: 0.5, 0: 1, 1: -1}, [(2, 0.5), (0, 1.0), (1, -1.0)], zip((0, 1, 2), np.float32([1, -1, 0.5]), strict=True)],
    ids=("mapping", "pairs", "iterator"),
)
def test_a_table_is_any_mapping_or_pairs_and_comes_by_ascending_seed(of):
    found = Values(of, name="gap")
    assert found.of == ((0, 1.0), (1, -1.0), (2, 0.5))
    assert (found.seeds(), found.seeds(1), found.value(2)) == ((0, 1, 2), (1, 2), 0.5)
    assert found == Values({0: 1.0, 1: -1.0, 2: 0.5}, name="gap")


def test_a_function_has_all_the_seeds_that_the_looks_need():
    found = Values(gap, name="gap", looks=(8, 16))
    assert (found.seeds(), found.seeds(100)) == (tuple(range(16)), tuple(range(100, 116)))
    assert (found.value(0), found.value(1)) == (-1.0, 1.0)


def test_a_file_has_a_column_of_seeds_and_one_of_effects(written):
    (first, second, third) = written(GOOD).of
    assert (first, second[0], third) == ((1, -math.inf), 2, (3, 0.5))
    assert math.isnan(second[1])
    assert written(f"\ufeff{GOOD}".replace("\n", "\r\n")).source == written(GOOD).source  # as a spreadsheet saves it


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", r"runs\.csv needs one column 'seed', and its first line has none: rename one$"),
        ("seed,gap\n1,2\n", r"needs one column 'effect', and its first line has 'seed', 'gap': rename one$"),
        ("seed;effect\n1;2\n", r"needs one column 'seed', and its first line has 'seed;effect'"),
        ("seed,effect,effect\n1,2,3\n", r"needs one column 'effect'"),
        (
            "seed,effect\n1,2\n2,high\n",
            r"runs\.csv, line 3: effect is 'high': write a number, or nan if it is undefined$",
        ),
        ("seed,effect\n1,\n", r"line 2: effect is '': write a number, or nan"),
        ("seed,effect\n1.0,2\n", r"line 2: seed is '1\.0': write an integer$"),
        ("seed,effect\n-1,2\n", r"seed is -1: give an integer, 0 or more$"),
        ("seed,effect\n1\n", r"line 2 has 1 cells, and the first line 2: give one per column$"),
        ("seed,effect\n1,2\n1,3\n", r"Values 'gap' has seed 1 twice: give one effect per seed$"),
        (b"seed,effect\n1,\xff\n", r"runs\.csv is not a CSV file in UTF-8 \(.*\): save it as one$"),
        ('seed,effect\n1,"2\n', r"runs\.csv is not a CSV file in UTF-8 \(unexpected end of data\)"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_one_line(written, content, said):
    with pytest.raises(ValueError, match=said) as refused:
        written(content)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named_in_full(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ValueError, match=rf"^{tmp_path}/runs\.csv cannot be read \(No such file or directory\): give its"
    ):
        Values.csv("runs.csv", name="gap")
    with pytest.raises(ValueError, match=rf"^{tmp_path} cannot be read"):
        Values.csv(tmp_path, name="gap")


@pytest.mark.parametrize(
    ("of", "fields", "said"),
    [
        (3, {}, "Values 'gap' of is 3: give a function of a seed, or a mapping from seeds to effects"),
        ("runs.csv", {}, "'runs.csv': give a function of a seed, or a mapping"),
        (lambda: 1.0, {}, "give a function that takes a seed and nothing else"),
        (lambda seed, rate: 1.0, {}, "give a function that takes a seed and nothing else"),
        ([0.1, 0.2], {}, "Values 'gap': entry 0 is 0.1: give a seed and its effect"),
        ([(1, 2.0), (1, 3.0)], {}, "Values 'gap' has seed 1 twice: give one effect per seed"),
        ({1: "high"}, {}, "Values 'gap': the effect of seed 1: 'high' .str. is not a real number: give one, NaN if"),
        ({1: True}, {}, "True .bool. is not a real number"),
        ({"one": 1.0}, {}, "Values 'gap': seed is 'one': give an integer, 0 or more"),
        ({2**53 + 1: 1.0}, {}, "give at most 9,007,199,254,740,992"),
        ({}, {"looks": (16, 8)}, "Values 'gap': looks must be increasing numbers of seeds"),
        ({}, {"looks": ()}, "Values 'gap': looks must be increasing numbers of seeds"),
        (
            {},
            {"looks": (3, 5)},
            "Values 'gap': looks at .3, 5. can never decide.*: plan a last look at 6 seeds or more",
        ),
        ({}, {"looks": (20_000,)}, "looks must be at 10,000 seeds or fewer"),
        ({}, {"version": 2}, "Values 'gap' version is 2: give text"),
        ({}, {"environment": " "}, "environment is ' ': say it in words, or leave it out"),
        ({}, {"opposite": "none"}, "opposite is 'none': give a function"),
    ],
)
def test_a_mistake_is_one_line(of, fields, said):
    with pytest.raises(ValueError, match=said) as refused:
        Values(of, name="gap", **fields)
    assert "\n" not in str(refused.value)


def test_a_function_must_return_a_number():
    with pytest.raises(
        ValueError, match=r"values 'gap', seed 4: None \(NoneType\) is not a real number: return one per seed"
    ):
        Values(lambda seed: None, name="gap").value(4)


@pytest.mark.parametrize(
    ("of", "fields"),
    [
        ({1: 2.0, 2: math.nan}, {}),
        ({1: 2.0}, {"name": "other"}),
        ({1: 2.0}, {"version": "2"}),
        ({1: 2.0}, {"unit": "nats"}),
        ({1: 2.0}, {"looks": (8,)}),
        ({1: 2.0}, {"opposite": None}),
        ({1: 2.0}, {"opposite": lambda value: -value - 1}),
        ({1: 2.0 + 1e-15}, {}),
        (gap, {}),
        (lambda seed: 2.0, {}),
    ],
)
def test_a_ruling_is_bound_to_everything_that_decides_it(of, fields):
    assert identity(Values(of, **{"name": "gap", **fields})) != identity(Values({1: 2.0}, name="gap"))


def test_a_ruling_is_not_bound_to_words_and_types():
    told = Values({np.int64(1): np.float32(2)}, name="gap", environment="jax on a TPU")
    assert identity(told) == identity(Values([(1, 2)], name="gap"))
    assert identity(Values(partial(gap), name="gap")) != identity(Values(gap, name="gap"))


def test_what_a_ruling_is_bound_to_is_read_once():
    table = {1: 2.0}
    found = Values(lambda seed: table[seed], name="gap")
    before = found.source, identity(found)
    table[1] = 3.0
    assert (found.source, identity(found)) == before
    assert Values(found.of, name="gap").source != found.source


def test_the_rule_by_itself_needs_neither_pytest_nor_torch():
    code = (
        "import sys; from hw1bench.court import judge_values; print(judge_values([0.1] * 8).word); "
        "print(sorted({'pytest', '_pytest', 'torch'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["supported", "[]"]


@given(st.lists(st.sampled_from([-1.0, 0.0, 2.0, math.nan]), max_size=40))
def test_the_rule_stops_at_the_first_look_that_decides(values):
    found = judge_values(values, LOOKS)
    words = []
    for look in LOOKS:
        if look > len(values):
            break
        words.append(decide(values[:look], LOOKS, [-value for value in values[:look]]))
        if words[-1].word != "inconclusive":
            break
    if not words:
        assert (found.word, found.values) == ("not run", None)
        assert found.note == f"{len(values)} seed{'s' * (len(values) != 1)} of the 8 that the first look needs"
        return
    assert (found.word, found.how, found.seeds, found.holds) == (
        words[-1].word,
        words[-1].how,
        words[-1].seeds,
        words[-1].holds,
    )
    waits = found.word == "inconclusive" and len(values) < 32
    assert found.note == (
        f"{len(values)} seeds of the {16 if len(words) == 1 else 32} that the next look needs" if waits else ""
    )


def test_the_rule_takes_a_mapping_by_ascending_seed():
    values = {seed: -1.0 if seed >= 100 else 1.0 for seed in (*range(100, 108), *range(8))}
    assert judge_values(values).word == "supported"
    assert judge_values([*values.values()]).word == "refuted"


def test_the_rule_refutes_as_reversed_unless_there_is_no_opposite():
    down = [-1.0] * 8
    assert judge_values(down).how == "reversed"
    assert judge_values(down, opposite=None).how == "absent"
    assert judge_values(down, opposite=lambda value: -value - 2).how == "absent"


@pytest.mark.parametrize(
    ("values", "looks", "said"),
    [
        ([0.1, "high"], LOOKS, r"values\[1\]: 'high' \(str\) is not a real number"),
        ({9: "high", 4: 0.1}, LOOKS, r"values\[9\]: 'high' \(str\) is not a real number"),
        ([0.1] * 8, (16, 8), "looks must be increasing"),
        ([0.1] * 8, (5,), "can never decide"),
    ],
)
def test_the_rule_refuses_in_one_line(values, looks, said):
    with pytest.raises(ValueError, match=said):
        judge_values(values, looks)
