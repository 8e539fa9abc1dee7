"""Image folders of one's own: their images, what is refused, and that content decides, not the path."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import reference
from cases import ARM
from hw1bench import ImageFolder, Images, Model
from hw1bench.data import BUILT_IN, Library
from hw1bench.images import own
from hw1bench.images.sets import in_order
from hw1bench.records.runs import Block
from hw1bench.specs.experiment import digest
from hw1bench.support.refusals import Unreadable
from hw1bench.training import engine
from image_sets import Stack, own_cache, png, put_tree  # noqa: F401

CLASSES = ("ash", "birch", "oak")
COUNTS = {"train": 31, "test": 8}


def drawn(channels=1, size=8, seed=0):
    random = np.random.default_rng(seed)
    return {
        split: Stack(random.integers(0, 256, (n, channels, size, size), np.uint8), np.arange(n) % len(CLASSES))
        for split, n in COUNTS.items()
    }


def put(folder, splits):
    contents = {
        f"{split}/{CLASSES[label]}/{n:03}.png": png(image)
        for split, stack in splits.items()
        for n, (image, label) in enumerate(zip(stack.images, stack.labels, strict=True))
    }
    return put_tree(folder, contents)


@pytest.fixture
def leaves(tmp_path):
    return put(tmp_path / "leaves", drawn())


def test_a_folder_holds_its_images(leaves):
    spec = ImageFolder(leaves)
    assert (spec.name, spec.shape, spec.samples, spec.targets) == ("leaves", (1, 8, 8), 31, 3)
    dataset = BUILT_IN.load(spec)
    assert (dataset.name, dataset.classes, dataset.canonical, dataset.stands_for) == ("leaves, 8x8", 3, True, "")
    for split, found in (("train", dataset.train), ("test", dataset.test)):
        stack, _ = in_order(drawn()[split])
        np.testing.assert_array_equal(found.x, (stack.images / np.float32(255)))
        np.testing.assert_array_equal(found.y, stack.labels)


def test_a_folder_has_the_forms_of_images(leaves):
    spec = ImageFolder(leaves, size=4, channels=3, mean=(0.5,), deviation=(0.5,), random_labels=True)
    dataset = BUILT_IN.load(spec)
    assert dataset.train.x.shape == (31, 3, 4, 4)
    assert (dataset.train.y == -1).all()
    grey = BUILT_IN.load(ImageFolder(leaves, size=4)).train.x
    torch.testing.assert_close(dataset.train.x.mean(), (grey.mean() - 0.5) / 0.5)
    assert BUILT_IN.load(ImageFolder(leaves, standardize=True)).train.x.mean((1, 2, 3)).abs().max() < 1e-6


def test_colours_are_kept_unless_grey_is_asked_for(tmp_path):
    spec = ImageFolder(put(tmp_path / "colours", drawn(channels=3)))
    assert spec.channels == 3
    assert ImageFolder(spec.path, channels=1).shape == (1, 8, 8)
    assert ImageFolder(spec.path, channels=1).fingerprint != spec.fingerprint


def test_content_decides_and_the_path_does_not(leaves, tmp_path):
    spec = ImageFolder(leaves)
    moved = shutil.copytree(leaves, tmp_path / "elsewhere" / "renamed")
    same = ImageFolder(str(moved), name="leaves")
    assert (same, hash(same), digest(same)) == (spec, hash(spec), digest(spec))
    (moved / "train" / "ash" / "000.png").write_bytes(png(np.zeros((1, 8, 8), np.uint8)))
    other = ImageFolder(moved, name="leaves")
    assert other != spec
    assert digest(other) != digest(spec)
    assert digest(replace(spec, name="trees")) != digest(spec)
    arms = [
        replace(ARM, data=data, model=Model("64-3"), loss="cross_entropy", epochs=1) for data in (spec, same, other)
    ]
    one, two, three = (engine.key(Block("T", "x", arm, 0), torch.device("cpu")) for arm in arms)
    assert one == two != three


def test_a_folder_trains_as_the_naive_loop_and_repeats_it(leaves):
    arm = replace(
        ARM,
        data=ImageFolder(leaves, augment=True, standardize=True),
        model=Model("C(1-3,3,pool2) 27-3"),
        loss="cross_entropy",
        epochs=2,
        batch_size=10,
    )
    block, cpu = Block("T", "own", arm, 0), torch.device("cpu")
    record, again = engine.train(block, cpu), engine.train(block, cpu)
    losses, weights = reference.train("T", "own", arm, 5)
    np.testing.assert_allclose(record.arrays["train_loss"][5], losses, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(record.arrays["weights"][5], weights, rtol=1e-7, atol=1e-9)
    for name, array in record.arrays.items():
        assert array.tobytes() == again.arrays[name].tobytes()


def test_images_are_decoded_once(leaves, monkeypatch):
    ImageFolder(leaves)
    monkeypatch.setattr(own, "decode", None)
    assert len(Library().load(ImageFolder(leaves, size=4)).train) == 31


def test_images_that_change_after_collection_are_not_trained_on(leaves):
    spec = ImageFolder(leaves)
    (leaves / "train" / "ash" / "000.png").write_bytes(png(np.zeros((1, 8, 8), np.uint8)))
    with pytest.raises(
        Unreadable, match=r"the images in .*leaves have changed since the claims were collected: run again"
    ):
        Library().load(spec)
    shutil.rmtree(leaves)
    with pytest.raises(Unreadable, match="leaves is not a folder"):
        Library().load(spec)


@pytest.mark.parametrize(
    ("harm", "said"),
    {
        "no folder": (shutil.rmtree, "leaves is not a folder: give one that holds train/<class>"),
        "no test set": (lambda path: shutil.rmtree(path / "test"), "leaves has no images in test/<class>/"),
        "one class": (
            lambda path: [shutil.rmtree(path / split / name) for split in COUNTS for name in CLASSES[:2]],
            r"leaves has 1 classes in train \(oak\), not 2 or more",
        ),
        "another class": (
            lambda path: (path / "test" / "oak").rename(path / "test" / "elm"),
            "has the class 'elm' in test",
        ),
        "no image": (
            lambda path: (path / "train" / "oak" / "002.png").write_bytes(b"no image"),
            r"train/oak/002.png cannot be decoded \(it is not an image file\)",
        ),
        "no first image": (
            lambda path: (path / "train" / "ash" / "000.png").write_bytes(b"no image"),
            r"train/ash/000.png cannot be decoded \(it is not an image file\)",
        ),
        "another size": (
            lambda path: (path / "test" / "oak" / "002.png").write_bytes(png(np.zeros((1, 6, 6), np.uint8))),
            "test/oak/002.png is 6x6, but .*leaves has 8x8",
        ),
        "not square": (
            lambda path: (path / "train" / "ash" / "000.png").write_bytes(png(np.zeros((1, 6, 8), np.uint8))),
            "train/ash/000.png is 8x6: make all images square, of one size",
        ),
        "empty": (
            lambda path: [shutil.rmtree(path / split) for split in COUNTS],
            "leaves has no images: it needs train/<class>",
        ),
    }.values(),
)
def test_a_folder_that_cannot_be_used_is_one_line_where_it_is_named(harm, said, leaves):
    harm(leaves)
    with pytest.raises(ValueError, match=said) as error:
        ImageFolder(leaves)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "CIFAR-10"}, "ImageFolder name is 'CIFAR-10', which is a known set"),
        ({"channels": 2}, "ImageFolder 'leaves' channels is 2: give 1 or 3"),
        ({"augment": True, "size": 4}, "images 4 pixels wide cannot be padded"),
        ({"size": -1}, "ImageFolder 'leaves' size is -1: give an integer, 0 or more"),
        ({"path": 7}, "ImageFolder path is 7: give the path of a folder"),
    ],
)
def test_fields_that_do_not_fit_are_refused(fields, said, leaves):
    with pytest.raises(ValueError, match=said):
        ImageFolder(**{"path": leaves, **fields})


def test_a_folder_named_after_a_known_set_needs_another_name(tmp_path):
    path = put(tmp_path / "mnist", drawn())
    with pytest.raises(
        ValueError, match="name is 'mnist', which is a known set: give another name, such as 'my mnist'"
    ):
        ImageFolder(path)
    assert ImageFolder(path, name="sketches").title == "sketches"
    assert digest(ImageFolder(path, name="sketches")) != digest(Images(name="mnist", size=8))
