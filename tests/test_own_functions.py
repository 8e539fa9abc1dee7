"""Functions of one's own, points of one's own or at random, and test points."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import reference
from cases import ARM
from hw1bench import Evaluation, Function
from hw1bench.data import BUILT_IN
from hw1bench.records.runs import Block, recorded
from hw1bench.specs.experiment import canonical, digest
from hw1bench.training import engine, sequential
from hw1bench.training.kernels import binaries

CPU = torch.device("cpu")


@pytest.fixture
def uncompiled(monkeypatch):
    monkeypatch.setattr(engine, "compiler_works", lambda: False)


def square(x):
    return x**2


def load(**fields):
    return BUILT_IN.load(Function(**fields))


def test_a_function_is_sampled_where_its_points_are():
    dataset = load(of=square, points=np.array([2.0, -1.0, 0.5]), test=[3, 0])
    assert dataset.name == "square, 3 points on [-1, 2]"
    assert dataset.train.x.tolist() == [[-1.0], [0.5], [2.0]]
    assert dataset.train.y.tolist() == [[1.0], [0.25], [4.0]]
    assert dataset.test.x.tolist() == [[0.0], [3.0]]
    assert dataset.test.y.tolist() == [[0.0], [9.0]]
    even = load(of=lambda x: 3 * x, name="line", points=3, test=5)
    assert even.test.y.flatten().tolist() == [-3.0, -1.5, 0.0, 1.5, 3.0]
    assert load(of=lambda x: x > 0, name="step", points=3).train.y.flatten().tolist() == [0.0, 0.0, 1.0]


@given(st.integers(2, 50), st.integers(2, 50), st.floats(-5, 5), st.floats(0.1, 9))
def test_fewer_random_points_are_a_part_of_more_and_no_test_point_is_one(some, more, low, length):
    few, many = sorted((some, more))
    sets = [Function(name="sinc", points=n, test=n, spacing="random", low=low, high=low + length) for n in (few, many)]
    (x, _), (all_x, _) = (one.train for one in sets)
    assert set(x) <= set(all_x)
    assert not set(all_x) & set(sets[1].held_out.x)
    assert (np.diff(x) >= 0).all()
    assert ((low <= x) & (x <= low + length)).all()


def test_random_points_are_the_same_everywhere_and_uniform():
    few = Function(name="sgn", points=3, test=2, spacing="random", low=0, high=1)
    np.testing.assert_allclose(few.train.x, [0.049777431797102034, 0.7124200693929208, 0.9049699241490623], rtol=1e-15)
    np.testing.assert_allclose(few.held_out.x, [0.4860583279358276, 0.9833653290683201], rtol=1e-15)
    x, _ = Function(name="sgn", points=10_000, spacing="random", low=0, high=1).train
    assert np.abs(np.arange(10_000) / 10_000 - x).max() < 0.02  # a share of 1e-3 of uniform draws is further off


def key(function):
    return digest(function), engine.key(Block("T", "own", replace(ARM, data=function), 0), CPU)


def test_values_and_name_decide_keys_and_code_does_not():
    of = Function(of=square, name="mine", points=40)
    same = Function(of=lambda x: x * x, name="mine", points=40)
    assert (of, hash(of), key(of)) == (same, hash(same), key(same))
    others = [
        Function(of=lambda x: x**2 + 1e-3 * (x > 0.9), name="mine", points=40),
        replace(of, name="yours"),
        replace(of, points=41),
        replace(of, test=7),
        replace(of, spacing="random"),
        replace(of, high=2),
    ]
    for place in (0, 1):
        assert len({key(one)[place] for one in (of, *others)}) == 7
    beyond = replace(of, points=40, test=[5.0, 6.0]), Function(of=lambda x: x**2 + (x > 5.5), name="mine", points=40)
    assert digest(beyond[0]) != digest(replace(beyond[1], test=[5.0, 6.0]))


def test_last_digits_decide_stored_blocks_and_not_digests():
    exact = Function(of=square, name="mine", points=40)
    near = Function(of=lambda x: x**2 + 1e-12 * np.sign(x), name="mine", points=40)
    assert digest(exact) == digest(near)
    assert np.abs(exact.train.y - near.train.y).max() > 0
    assert digest(Function(of=lambda x: 0 * x, name="zero")) != digest(exact)


def test_named_functions_keep_their_digest():
    assert canonical(Function(name="sinc", points=40)) == {"is": "Function", "name": "sinc", "points": 40}


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize("kind", ["eager", "sequential"])
def test_test_points_give_a_test_loss(batch_size, kind, uncompiled):
    data = Function(of=square, points=24, spacing="random", test=[-0.9, 0.3, 1.7])
    arm = replace(ARM, data=data, batch_size=batch_size, epochs=6)
    block = Block("T", "twin", arm, 0)
    assert engine.backend(arm, CPU) == "eager"
    dataset = BUILT_IN.load(data)
    sequentially = kind == "sequential"
    arrays = sequential.train(block, dataset, lambda _: None) if sequentially else engine.train(block, CPU).arrays
    assert {name: array.shape[1:] for name, array in arrays.items()} == recorded(arm)
    losses, weights = reference.train("T", "twin", arm, 3)
    np.testing.assert_allclose(arrays["train_loss"][3], losses, rtol=1e-7, atol=1e-10)
    net = reference.network(arm.model).double()
    torch.nn.utils.vector_to_parameters(torch.from_numpy(weights), net.parameters())
    expected = ((net(dataset.test.x) - dataset.test.y) ** 2).mean().item()
    np.testing.assert_allclose(arrays["test_loss"][3, -1], expected, rtol=1e-7)
    assert arrays["test_loss"].shape == (8, 7)


@pytest.mark.skipif(not binaries.isa(), reason="no kernels")
def test_the_kernel_trains_functions_and_points_of_ones_own():
    arm = replace(ARM, data=Function(of=square, points=[-1, 0, 0.2, 1]))
    assert engine.backend(arm, CPU) == "fit_kernel"
    losses, weights = reference.train("T", "twin", arm, 5)
    found = engine.train(Block("T", "twin", arm, 0), CPU).arrays
    np.testing.assert_allclose(found["train_loss"][5], losses, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(found["weights"][5], weights, rtol=1e-7, atol=1e-10)
    assert found["prediction"].shape == (8, 4)


def test_a_test_set_may_be_evaluated_less_often(uncompiled):
    data = Function(name="sinc", points=20, test=20)
    found = engine.train(Block("T", "x", replace(ARM, data=data, evaluation=Evaluation(test="ends")), 0), CPU)
    assert np.isfinite(found.arrays["test_loss"]).sum() == 8 * 2
    with pytest.raises(ValueError, match="which has no test set to evaluate 'ends'"):
        replace(ARM, evaluation=Evaluation(test="ends"))


FAULTS = {
    "raises": ({"of": lambda x: 1 / 0, "name": "f"}, r"Function 'f' of raises ZeroDivisionError: division by zero: give a"),
    "raises lines": ({"of": lambda x: [][len("a\nb")], "name": "f"}, "Function 'f' of raises IndexError: "),
    "shape": ({"of": lambda x: x[:, None], "name": "f"}, r"'f' of gives shape \(300, 1\) for points \(300,\): give one"),
    "one number": ({"of": lambda x: 1.0, "name": "f"}, r"'f' of gives shape \(\) for points \(300,\): give one number per"),
    "complex": ({"of": lambda x: x + 1j, "name": "f"}, "'f' of gives complex128: give real numbers"),
    "NaN": ({"of": np.log, "low": -1}, "'log' of gives nan at -1: give a finite number at every point"),
    "infinite": ({"of": lambda x: 1 / x, "name": "f", "points": 3}, "'f' of gives inf at 0: give a finite number"),
    "other values": (
        {"of": lambda x: np.random.default_rng().random(len(x)), "name": "f"},
        "'f' of gives other values when it is called again: seed what it draws",
    ),
    "NaN in the test set": ({"of": np.sqrt, "points": [1, 2], "test": [0, -1]}, "'sqrt' of gives nan at -1"),
    "no name": ({"of": lambda x: x}, "Function of is <function .*, which has no name: give name="),
    "another's name": ({"of": np.sin, "name": "sinc"}, "Function 'sinc' of is <ufunc 'sin'>: give another name, or leave"),
    "no function": ({"of": "sinc"}, "Function of is 'sinc': give a function"),
    "no name and no function": ({}, "no function named ''; there are sinc"),
    "points": ({"name": "sinc", "points": "many"}, "points is 'many': give a number of points, or the points themselves"),
    "an infinite point": ({"name": "sinc", "points": [0, np.inf]}, r"points\[1\] is inf: give a finite number"),
    "one point": ({"name": "sinc", "points": [0.5]}, r"has points \(0.5,\): give 2 or more"),
    "one test point": ({"name": "sinc", "test": 1}, "1 points on .* make no grid"),
    "an interval besides": ({"name": "sinc", "points": [0, 1], "low": 0}, "has points of its own: leave out low, high and"),
    "spacing": ({"name": "sinc", "spacing": "odd"}, "no spacing named 'odd'; there are even, random"),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "said"), FAULTS.values(), ids=FAULTS)
def test_faults_are_one_line_where_the_function_is_given(fields, said):
    with pytest.raises(ValueError, match=said) as caught:
        Function(**fields)
    assert "\n" not in str(caught.value)
