import numpy as np
import pytest
import torch

from hw1bench import Digits, Function
from hw1bench.data import fingerprint, load


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("sinc", [0.0, 0.1, 0.2, -0.3], [1.0, 2 / np.pi, 0.0, -2 / (3 * np.pi)]),
        ("sgn", [0.1, 0.3, -0.1, -0.5], [1.0, -1.0, -1.0, -1.0]),
        ("sigmoid", [0.0, np.log(3), -np.log(3)], [0.5, 0.75, 0.25]),
        ("sawtooth", [0.0, 0.1, 0.19, 0.21, -0.1], [0.0, 0.5, 0.95, -0.95, -0.5]),
    ],
)
def test_functions(name, x, expected):
    from hw1bench.data import FUNCTIONS

    np.testing.assert_allclose(FUNCTIONS[name](np.array(x)), expected, atol=1e-12)


def test_a_function_is_sampled_on_an_even_grid():
    dataset = load(Function(name="sigmoid", points=5, low=-10, high=10))
    assert dataset.train.x.flatten().tolist() == [-10, -5, 0, 5, 10]
    assert dataset.train.x.shape == dataset.train.y.shape == (5, 1)
    assert (dataset.test, dataset.classes, dataset.stand_in) == (None, None, False)


def test_digits_are_split_evenly_and_marked_a_stand_in():
    dataset = load(Digits(size=32, channels=3))
    assert (len(dataset.train), len(dataset.test)) == (1437, 360)
    assert dataset.train.x.shape[1:] == (3, 32, 32)
    assert torch.equal(dataset.train.x[:, 0], dataset.train.x[:, 2])
    assert (dataset.train.x.min(), dataset.train.x.max()) == (0, 1)
    assert (dataset.classes, dataset.stand_in) == (10, True)
    shares = torch.bincount(dataset.test.y) / 360 - torch.bincount(dataset.train.y) / 1437
    assert shares.abs().max() < 0.002


def test_digits_at_their_own_size_are_the_pixels():
    from sklearn.datasets import load_digits

    images = torch.from_numpy(load_digits().images / 16).reshape(-1, 64)
    known = {row.numpy().tobytes() for row in images}
    assert all(row.numpy().tobytes() in known for row in load(Digits(size=8)).test.x.flatten(1))


def test_fingerprints_tell_contents_shapes_and_types_apart():
    a = np.arange(6.0)
    others = [a + 1, a.reshape(2, 3), a.astype(np.float32)]
    assert len({fingerprint(array) for array in [a, *others]}) == 4
    assert fingerprint(a) == fingerprint(a.copy())
    assert load(Function(name="sinc")).fingerprint != load(Function(name="sgn")).fingerprint


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (Function(name="cosine"), "no function named 'cosine'; there are sawtooth, sgn, sigmoid, sinc"),
        (Function(name="sinc", points=1), "1 points on"),
        (Function(name="sinc", low=1.0, high=1.0), "make no grid"),
    ],
)
def test_bad_specifications_are_named(spec, said):
    with pytest.raises(ValueError, match=said):
        load(spec)
