from dataclasses import replace

import numpy as np
import pytest
import torch

from hw1bench import Function, Images, images
from hw1bench.data import BUILT_IN, Library
from hw1bench.specs.experiment import digest
from hw1bench.support.arrays import fingerprint
from hw1bench.support.refusals import Unavailable

load = BUILT_IN.load


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
    from hw1bench.specs.functions import FUNCTIONS

    np.testing.assert_allclose(FUNCTIONS[name](np.array(x)), expected, atol=1e-12)


def test_a_function_is_sampled_on_an_even_grid():
    dataset = load(Function(name="sigmoid", points=5, low=-10, high=10))
    assert dataset.train.x.flatten().tolist() == [-10, -5, 0, 5, 10]
    assert dataset.train.x.shape == dataset.train.y.shape == (5, 1)
    assert (dataset.test, dataset.classes, dataset.stands_for) == (None, None, "")


DIGITS = Images(name="digits", size=8)


def test_digits_are_split_evenly():
    dataset = load(Images(name="digits", size=32, channels=3, stands_for="CIFAR-10"))
    assert (len(dataset.train), len(dataset.test)) == (1437, 360)
    assert dataset.train.x.shape[1:] == (3, 32, 32)
    assert torch.equal(dataset.train.x[:, 0], dataset.train.x[:, 2])
    assert (dataset.train.x.min(), dataset.train.x.max()) == (0, 1)
    assert (dataset.name, dataset.classes, dataset.stands_for) == ("digits, 32x32", 10, "CIFAR-10")
    shares = torch.bincount(dataset.test.y) / 360 - torch.bincount(dataset.train.y) / 1437
    assert shares.abs().max() < 0.002
    assert load(DIGITS).stands_for == ""


def test_digits_at_their_own_size_are_the_pixels():
    from sklearn.datasets import load_digits

    pixels = torch.from_numpy(load_digits().images / 16).float().reshape(-1, 64)
    known = {row.numpy().tobytes() for row in pixels}
    assert all(row.numpy().tobytes() in known for row in load(DIGITS).test.x.flatten(1))


def test_resizing_is_bilinear():
    small, large = load(DIGITS).test.x[:5], load(replace(DIGITS, size=16)).test.x[:5]
    # A pixel of the larger image lies a quarter of the way to the next of the smaller one.
    expected = (9 * small[..., 1, 1] + 3 * small[..., 1, 2] + 3 * small[..., 2, 1] + small[..., 2, 2]) / 16
    torch.testing.assert_close(large[..., 3, 3], expected)


def test_normalised_by_channel():
    plain = load(Images(name="digits", size=8, channels=3)).train.x
    spec = Images(name="digits", size=8, channels=3, mean=(0.1, 0.2, 0.3), deviation=(1.0, 2.0, 4.0))
    for channel, (mean, deviation) in enumerate(((0.1, 1), (0.2, 2), (0.3, 4))):
        torch.testing.assert_close(load(spec).train.x[:, channel], (plain[:, channel] - mean) / deviation)
    symmetric = load(replace(DIGITS, mean=(0.5,), deviation=(0.5,))).test.x
    assert (symmetric.min(), symmetric.max()) == (-1, 1)


def test_random_labels_hide_the_true_ones_of_the_training_set_alone():
    dataset = load(replace(DIGITS, random_labels=True))
    assert (dataset.train.y == -1).all()
    assert torch.equal(dataset.test.y, load(DIGITS).test.y)
    assert dataset.classes == 10


def made(title="MNIST", channels=1, canonical=True):
    generator = np.random.default_rng(0)
    stack = images.Stack(generator.integers(256, size=(20, channels, 8, 8), dtype=np.uint8), np.arange(20) % 10)
    return images.ImageSet("mnist", title, stack, stack, "print", canonical, 255)


def test_a_copy_that_is_not_the_known_one_is_named_so(monkeypatch):
    monkeypatch.setattr(images, "read", lambda *arguments: made(canonical=False))
    dataset = Library().load(Images(name="mnist", size=8))
    assert (dataset.name, dataset.canonical) == ("MNIST, 8x8", False)
    assert dataset.fingerprint == "print"
    assert load(DIGITS).canonical


def test_colour_does_not_fit_one_channel():
    with pytest.raises(ValueError, match="Images 'cifar10' channels is 1: give 3"):
        Images(name="cifar10", size=8)


def test_a_set_is_read_from_the_folder_once(monkeypatch, tmp_path):
    asked = []

    def read(*arguments):
        asked.append(arguments)
        return made()

    monkeypatch.setattr(images, "read", read)
    library = Library(tmp_path, None)
    one = library.load(Images(name="mnist", size=8))
    assert library.load(Images(name="mnist", size=8)) is one
    library.load(Images(name="mnist", size=16))
    assert asked == [("mnist", tmp_path, None)]


def test_what_is_not_there_is_unavailable():
    with pytest.raises(Unavailable, match="MNIST"):
        load(Images(name="mnist", size=28))


def test_fingerprints_tell_contents_shapes_and_types_apart():
    a = np.arange(6.0)
    others = [a + 1, a.reshape(2, 3), a.astype(np.float32)]
    assert len({fingerprint(array) for array in [a, *others]}) == 4
    assert fingerprint(a) == fingerprint(a.copy())
    assert load(Function(name="sinc")).fingerprint != load(Function(name="sgn")).fingerprint


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "cosine"}, "no function named 'cosine'; there are sinc, sgn, sigmoid, sawtooth"),
        ({"points": 1}, "1 points on"),
        ({"low": 1.0}, "make no grid"),
        ({"low": -1e308, "high": 1e308}, "make no grid"),
    ],
)
def test_bad_specifications_are_named(fields, said):
    with pytest.raises(ValueError, match=said):
        Function(**{"name": "sinc", **fields})


@pytest.mark.parametrize("classes", [(), (7, 3)])
def test_a_part_is_the_first_images_of_its_classes(classes):
    whole, part = load(DIGITS), load(replace(DIGITS, first=50, classes=classes))
    labels = sorted(classes) or list(range(10))
    rows = [row for row, label in enumerate(whole.train.y.tolist()) if label in labels]
    assert torch.equal(part.train.x, whole.train.x[rows[:50]])
    assert [labels[label] for label in part.train.y] == whole.train.y[rows[:50]].tolist()
    rows = [row for row, label in enumerate(whole.test.y.tolist()) if label in labels]
    assert torch.equal(part.test.x, whole.test.x[rows])
    assert [labels[label] for label in part.test.y] == whole.test.y[rows].tolist()
    assert (part.classes, part.canonical, part.fingerprint) == (len(labels), True, whole.fingerprint)


@pytest.mark.parametrize("name", ["digits", "mnist_5k"])
def test_published_numbers_of_samples_are_those_of_the_sets(name):
    whole = load(Images(name=name, size=8))
    counts = torch.bincount(whole.train.y).tolist()
    assert [Images(name=name, size=8, classes=(label, (label + 1) % 10)).samples for label in range(10)] == [
        counts[label] + counts[(label + 1) % 10] for label in range(10)
    ]
    assert Images(name=name, size=8).samples == len(whole.train)


def test_a_part_is_named_and_the_whole_is_one_specification():
    mnist = Images(name="mnist", size=28)
    parts = {
        "first 10,000 images of MNIST": replace(mnist, first=10_000),
        "classes 0 and 1 of MNIST": replace(mnist, classes=[1, 0, 1]),
        "first 500 images of classes 0, 1 and 9 of MNIST": replace(mnist, first=500, classes=(0, 1, 9)),
    }
    assert [part.title for part in parts.values()] == list(parts)
    assert [(part.samples, part.targets) for part in parts.values()] == [(10_000, 10), (12_665, 2), (500, 3)]
    assert len({digest(part) for part in (mnist, *parts.values())}) == 4
    assert replace(mnist, first=60_000, classes=range(10)[::-1]) == mnist
    assert load(replace(DIGITS, first=50)).name == "first 50 images of digits, 8x8"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"first": 1438}, "Images 'digits' first is 1,438: give at most 1,437"),
        ({"first": 300, "classes": (0, 1)}, "Images 'digits' first is 300: give at most 288"),
        ({"first": 0}, "Images 'digits' first is 0: give an integer, 1 or more"),
        ({"classes": (3,)}, r"Images 'digits' classes is \(3,\): give two or more"),
        ({"classes": (3, 10)}, r"Images 'digits' classes\[1\] is 10: give at most 9"),
        ({"standardize": True, "mean": (0.5,)}, r"standardized images have mean \(0.5,\) .*: leave both out"),
    ],
)
def test_a_part_or_form_that_does_not_fit_is_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        replace(DIGITS, **fields)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_is_standardised_by_itself(channels):
    spec = replace(DIGITS, channels=channels)
    plain, found = load(spec).train.x.double(), load(replace(spec, standardize=True)).train.x
    for image, expected in zip(found[:20].double(), plain[:20], strict=True):
        deviation = (expected - expected.mean()).square().mean().sqrt()
        torch.testing.assert_close(image, (expected - expected.mean()) / deviation, rtol=1e-5, atol=1e-6)


def test_an_image_of_one_colour_stays_finite(monkeypatch):
    stack = images.Stack(np.full((2, 1, 4, 4), 200, np.uint8), np.arange(2))
    stack.images[1, 0, 0, 0] = 201
    monkeypatch.setattr(
        images, "read", lambda *arguments: images.ImageSet("mnist", "MNIST", stack, stack, "", True, 255)
    )
    found = Library().load(Images(name="mnist", size=4, standardize=True)).train.x
    assert (found[0] == 0).all()
    assert found[1].max() == pytest.approx((1 - 1 / 16) / 255 * 4)  # its deviation is less than 1 / sqrt(16)
