"""Tables of one's own: what they hold, what is refused, and that content decides which is which."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cases import ARM
from hw1bench import Evaluation, Model, Table
from hw1bench.data import BUILT_IN
from hw1bench.records.runs import Block
from hw1bench.specs.experiment import digest
from hw1bench.training import engine

CPU = torch.device("cpu")
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(50, 3))
NUMBERS = np.stack([X @ [1.0, -2.0, 0.5], np.sin(X[:, 0])], axis=1)
LABELS = np.digitize(X[:, 0], [-0.5, 0.5])
PIXELS = RANDOM.random((50, 2, 6, 6))

REGRESSION = Table(X, NUMBERS, name="numbers")
TESTED = Table(X, NUMBERS[:, 0], name="number", test=(X[:20] + 0.1, NUMBERS[:20, 0]))
CLASSES = Table(X, LABELS, name="kinds", test=(X[:20] + 0.1, LABELS[:20]))
IMAGES = Table(PIXELS, LABELS, name="pictures")


def arm(data, layout, **changes):
    loss = "mse" if data.regression else "cross_entropy"
    return replace(ARM, **{"data": data, "model": Model(layout), "loss": loss, "epochs": 3} | changes)


def test_a_table_holds_numbers_as_nets_take_them():
    dataset = BUILT_IN.load(REGRESSION)
    assert (dataset.train.x.dtype, dataset.train.y.dtype) == (torch.float64, torch.float64)
    np.testing.assert_array_equal(dataset.train.x, X)
    np.testing.assert_array_equal(dataset.train.y, NUMBERS)
    assert (dataset.name, dataset.classes, dataset.test, dataset.canonical) == ("numbers, 50 samples", None, None, True)
    assert (REGRESSION.shape, REGRESSION.samples, REGRESSION.targets) == ((3,), 50, 2)
    dataset = BUILT_IN.load(CLASSES)
    assert dataset.classes == CLASSES.targets == 3
    np.testing.assert_array_equal(dataset.test.x, X[:20] + 0.1)
    np.testing.assert_array_equal(dataset.test.y, LABELS[:20])
    pictures = BUILT_IN.load(IMAGES).train.x
    assert (pictures.dtype, pictures.shape) == (torch.float32, (50, 2, 6, 6))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([[1], [2], [3]], [0, 1, 1]),
        ([1, 2, 3], np.array([0, 1, 1], np.uint8)),
        (torch.tensor([1.0, 2.0, 3.0], requires_grad=True), torch.tensor([5, 7, 7])),
        (np.array([1, 2, 3], ">f4"), ["cat", "dog", "dog"]),
        (np.array([[1, 2, 3]], np.float16).T, np.array([False, True, True])),
        (np.asfortranarray([[1.0], [2.0], [3.0]]), np.array(["cat", "dog", "dog"], object)),
    ],
    ids=["lists", "one feature", "tensors", "big-endian", "half", "objects"],
)
def test_the_same_numbers_are_the_same_table_whatever_holds_them(x, y):
    table = Table([1.0, 2.0, 3.0], [0, 1, 1], name="t")
    other = Table(x, y, name="t")
    assert (other, hash(other), digest(other)) == (table, hash(table), digest(table))


def test_a_digest_is_the_same_on_any_machine():
    assert digest(Table([0.5, -0.0], [1.5, 2.5], name="t")) == "c2cf88eb21b805cb38c2a6890e44186a"
    assert digest(Table([0.5, 0.0], [1.5, 2.5], name="t")) == "c2cf88eb21b805cb38c2a6890e44186a"


@given(
    arrays.arrays(np.float64, (4, 2), elements=st.floats(-9, 9)),
    st.integers(0, 3),
    st.integers(0, 1),
    st.floats(10, 99),
)
def test_another_number_is_another_table(x, row, column, changed):
    other = x.copy()
    other[row, column] = changed
    one, two = (Table(each, [0, 1, 0, 1], name="t") for each in (x, other))
    assert one != two
    assert digest(one) != digest(two)
    assert one == Table(x.copy(), [0, 1, 0, 1], name="t")


def test_targets_order_name_and_test_part_decide_too():
    tables = [
        Table([1, 2, 3], [0, 1, 1], name="t"),
        Table([1, 2, 3], [0, 1, 0], name="t"),
        Table([1, 2, 3], [0.0, 1.0, 1.0], name="t"),
        Table([2, 1, 3], [1, 0, 1], name="t"),
        Table([1, 2, 3], [0, 1, 1], name="u"),
        Table([1, 2, 3], [0, 1, 1], name="t", test=([1], [0])),
        Table([1, 2, 3], [0, 1, 1], name="t", random_labels=True),
    ]
    assert len(set(tables)) == len({digest(table) for table in tables}) == len(tables)
    keys = {engine.key(Block("T", "x", arm(table, f"1-{table.targets}"), 0), CPU) for table in tables}
    assert len(keys) == len(tables)


def test_a_table_is_not_changed_by_its_array_and_survives_copies():
    x = X.copy()
    table = Table(x, NUMBERS, name="numbers")
    x[:] = 0
    assert table == REGRESSION
    with pytest.raises(ValueError, match="read-only"):
        table.x.array[0] = 1
    for copy in (pickle.loads(pickle.dumps(table)), replace(table), replace(CLASSES, name="kinds")):
        assert copy in (REGRESSION, CLASSES)
    assert "\n" not in repr(table)
    assert len(repr(table)) < 300


def table(x=(1, 2, 3), y=(0, 1, 1), **fields):
    return lambda: Table(list(x), list(y), **{"name": "t"} | fields)


@pytest.mark.parametrize(
    ("make", "said"),
    {
        "no table": (
            lambda: Table(None, [1, 2], name="t"),
            "Table 't' x is None: give an array, a tensor, or lists of",
        ),
        "uneven lists": (table([[1], [2, 3]], [0, 1]), "Table 't' x is .*: give an array, a tensor, or lists of one"),
        "words": (table(["a", "b", "c"]), "Table 't' x holds <U1: give numbers"),
        "a cube": (
            lambda: Table(np.ones((3, 2, 2)), [0, 1, 1], name="t"),
            r"x has the shape \(3, 2, 2\): give \(samples,\)",
        ),
        "no feature": (lambda: Table(np.ones((3, 0)), [0, 1, 1], name="t"), r"x has the shape \(3, 0\)"),
        "lengths": (table(y=[0, 1]), "Table 't' has 3 samples in x and 2 in y: give one y for each x"),
        "one sample": (table([1], [0.5]), "Table 't' has too few samples, 1: give 2 or more"),
        "a gap": (table([1, 2, float("nan")]), r"Table 't' x\[2, 0\] is nan: give finite numbers"),
        "a gap in y": (table(y=[1.0, float("inf"), 2.0]), r"Table 't' y\[1, 0\] is inf: give finite numbers"),
        "too large for images": (
            lambda: Table(np.full((2, 1, 1, 1), 1e300), [0, 1], name="t"),
            r"Table 't' x\[0, 0, 0, 0\] is inf: give finite numbers",
        ),
        "one class": (table(y=[1, 1, 1]), "Table 't' y has too few classes, 1: give 2 or more"),
        "one number": (table(y=[0.5, 0.5, 0.5]), r"Table 't' y is \[0.5\] in every sample: give targets that differ"),
        "one-hot": (
            table(y=[[0, 1], [1, 0], [1, 0]]),
            r"y has the shape \(3, 2\): give classes as \(samples,\), or floats",
        ),
        "objects": (table(y=[{}, 1, 2]), "Table 't' y holds objects: give classes as integers or text, or floats"),
        "no pair": (
            table(test=[[1, 2, 3]]),
            r"Table 't' test is \[\[1, 2, 3\]\]: give a pair \(x, y\), or leave it out",
        ),
        "test features": (
            table(test=([[1, 2]], [0])),
            r"Table 't' test x is \(1, 2\) but x is \(3, 1\): give samples of one shape",
        ),
        "test targets": (table(y=[1.0, 2.0, 3.0], test=([1], [[1.0, 2.0]])), r"Table 't' test y is \(1, 2\) but y is"),
        "test class": (table(test=([1], [2])), "Table 't' test y has the class 2, which no training sample has: leave"),
        "test type": (
            table(test=([1], [0.0])),
            "Table 't' test y holds float64, but the classes are int64: give one type",
        ),
        "empty test": (table(test=([], [])), "Table 't' test has too few samples, 0: give 1 or more"),
        "known set": (
            table(name="MNIST"),
            "Table name is 'MNIST', which is a known set: give another name, such as 'my MNIST'",
        ),
        "no name": (lambda: Table([1, 2], [0, 1]), "name"),
        "flat augmented": (table(augment=True), "leave out augment, which is for images"),
        "narrow augmented": (
            lambda: Table(np.ones((2, 1, 4, 4)), [0, 1], name="t", augment=True),
            "images 4 pixels wide cannot be padded by 4 reflected pixels",
        ),
        "oblong augmented": (
            lambda: Table(np.ones((2, 1, 8, 6)), [0, 1], name="t", augment=True),
            "images of 8 x 6 pixels cannot be augmented: give square ones",
        ),
        "random numbers": (
            table(y=[1.0, 2.0, 3.0], random_labels=True),
            "holds numbers to regress: leave out random_labels",
        ),
        "outputs": (lambda: arm(CLASSES, "3-2"), "layout '3-2' has 2 outputs for 3 classes: end it with 3"),
        "inputs": (lambda: arm(CLASSES, "4-3"), "arm .*4"),
        "loss": (lambda: arm(CLASSES, "3-3", loss="mse"), "learns classes, and its loss is mse"),
        "loss of numbers": (
            lambda: arm(REGRESSION, "3-2", loss="cross_entropy"),
            "learns numbers of 'numbers', and its loss is cross_entropy: give mse",
        ),
        "best of none": (lambda: arm(IMAGES, "72-3", keep="best"), "which has no test accuracy: leave out keep='best'"),
        "test of none": (
            lambda: arm(IMAGES, "72-3", evaluation=Evaluation(test="ends")),
            "learns classes, which has no test set to evaluate 'ends'",
        ),
        "for nothing": (
            lambda: arm(REGRESSION, "3-2", evaluation=Evaluation(train="ends")),
            "trains on the whole set at once, so that each step computes its loss",
        ),
    }.values(),
)
def test_mistakes_are_one_line_where_they_are_made(make, said):
    with pytest.raises((ValueError, TypeError), match=said) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_table_from_csv(tmp_path):
    (tmp_path / "train.csv").write_text("length,kind,width\n1,a,2\n3,b,4.5\n")
    (tmp_path / "test.csv").write_text("kind,width,length\nb,6,5\n")
    found = Table.csv(tmp_path / "train.csv", target="kind", name="t", test=tmp_path / "test.csv")
    assert found == Table([[1, 2], [3, 4.5]], ["a", "b"], name="t", test=([[5, 6]], ["b"]))
    whole = tmp_path / "whole.csv"
    whole.write_text("x,y\n1,0\n2,1\n")
    assert Table.csv(whole, target="y", name="t") == Table([1, 2], [0, 1], name="t")
    whole.write_text("x,y\n1,0\n2,1.5\n")
    assert Table.csv(whole, target="y", name="t") == Table([1, 2], [0, 1.5], name="t")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"cannot be read \(No such file or directory\): give its path"),
        ("x,z\n1,0\n", "needs one column 'y', and its first line has 'x', 'z': rename one"),
        ("x,y\n1,0\n2\n", "line 3 has 1 cells, and the first line 2: give one per column"),
        ("x,y\n1,0\n,1\n", "line 3: x is '': write a number, or leave the line out"),
        ("x,y\n", "Table 't' y has too few classes, 0: give 2 or more"),
    ],
)
def test_a_file_that_is_no_table_is_one_line(content, said, tmp_path):
    path = tmp_path / "data.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=said) as error:
        Table.csv(path, target="y", name="t")
    assert "\n" not in str(error.value)
