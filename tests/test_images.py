"""Sets, fingerprints, and the published files of MNIST and CIFAR-10."""

import hashlib
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from hw1bench import images
from hw1bench.images import vision
from hw1bench.images.sets import MNIST, SPLITS, Stack
from hw1bench.support.places import data_folder
from hw1bench.support.refusals import Unavailable
from image_sets import NAMES, batches, draw, idx, own_cache, publish, put_batches, put_idx, same, set_canonical  # noqa: F401

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def pairs(stack):
    return sorted((image.tobytes(), int(label)) for image, label in zip(stack.images, stack.labels, strict=True))


def test_digits_need_no_folder_and_are_always_split_alike():
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    found = images.read("digits", None)
    pixels, labels = load_digits(return_X_y=True)
    train, test, of_train, of_test = train_test_split(pixels, labels, test_size=360, stratify=labels, random_state=0)
    for stack, x, y in ((found.train, train, of_train), (found.test, test, of_test)):
        assert stack.images.dtype == np.uint8
        assert stack.labels.dtype == np.int64
        assert pairs(stack) == pairs(Stack(x.astype(np.uint8), y))
    assert found.train.images.shape == (1437, 1, 8, 8)
    assert found.test.images.shape == (360, 1, 8, 8)
    assert (found.name, found.title, found.levels, found.canonical) == ("digits", "digits", 16, True)
    assert found.fingerprint == "48a0b28d7b9dd68108e09a890230fff2"  # of the digits that every release has had


def test_the_fingerprint_equals_its_naive_twin(tmp_path):
    splits = draw("mnist")
    put_idx(tmp_path, splits)
    found = images.read("mnist", tmp_path)
    prints = []
    for split in SPLITS:
        rows = [
            (hashlib.sha256(image.tobytes() + int(label).to_bytes(8, "little")).digest(), image, label)
            for image, label in zip(splits[split].images, splits[split].labels, strict=True)
        ]
        rows.sort(key=lambda row: row[0])
        prints.append(hashlib.sha256(b"(1, 28, 28)" + b"".join(row[0] for row in rows)).hexdigest())
        assert np.array_equal(getattr(found, split).images, np.stack([row[1] for row in rows]))
        assert np.array_equal(getattr(found, split).labels, np.stack([row[2] for row in rows]))
    assert found.fingerprint == hashlib.sha256(" ".join(prints).encode()).hexdigest()[:32]
    assert (found.name, found.title, found.levels, found.canonical) == ("mnist", "MNIST", 255, False)


def test_a_swapped_label_changes_the_fingerprint(tmp_path):
    splits = draw("mnist")
    put_idx(tmp_path / "one", splits)
    labels = splits["train"].labels
    other = (labels != labels[0]).argmax()
    labels[[0, other]] = labels[[other, 0]]
    put_idx(tmp_path / "two", splits)
    prints = {images.read("mnist", tmp_path / name).fingerprint for name in ("one", "two")}
    assert len(prints) == 2


def test_packed_files_are_the_same_and_plain_ones_come_first(tmp_path):
    plain, packed, both = tmp_path / "plain", tmp_path / "packed", tmp_path / "both"
    put_idx(plain, draw("mnist"))
    put_idx(packed, draw("mnist"), packed=True)
    put_idx(both, draw("mnist"))
    put_idx(both, draw("mnist", seed=1), packed=True)
    found = images.read("mnist", plain)
    assert same(found, images.read("mnist", packed))
    assert same(found, images.read("mnist", both))


def test_a_copy_with_a_flipped_pixel_is_read_but_not_canonical(tmp_path, monkeypatch):
    raw = put_idx(tmp_path, draw("mnist"))
    set_canonical(monkeypatch, MNIST, images.read("mnist", tmp_path).fingerprint)
    assert images.read("mnist", tmp_path).canonical
    content = bytearray((raw / TRAIN_IMAGES).read_bytes())
    content[-1] ^= 1
    (raw / TRAIN_IMAGES).write_bytes(content)
    assert not images.read("mnist", tmp_path).canonical


def shrunk(content):
    return idx(np.frombuffer(content, np.uint8, offset=16).reshape(-1, 28, 28)[:, 1:])


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (TRAIN_IMAGES, lambda content: content[:-1], "cannot be read"),
        (TRAIN_IMAGES, lambda content: content + b"0", "cannot be read"),
        (TRAIN_IMAGES, lambda content: b"", "cannot be read"),
        (TRAIN_IMAGES, lambda content: b"\x89PNG" * 20, "cannot be read"),
        (TRAIN_IMAGES, shrunk, "holds images of 27x28, but MNIST has 28x28"),
        (TRAIN_IMAGES, lambda content: None, "is missing"),
        (TRAIN_LABELS, lambda content: content[:-1], "cannot be read"),
        (TRAIN_LABELS, lambda content: idx(np.arange(29) % 10), "holds 30 images"),
        (TRAIN_LABELS, lambda content: idx(np.arange(30) % 9), "has the labels 0, 1, 2, 3, 4, 5, 6, 7, 8 in train"),
        (TRAIN_LABELS, lambda content: idx(np.arange(30) % 11), "7, 8, 9, 10 in train, but MNIST has 0 to 9"),
    ],
)
def test_bad_raw_files_are_named_with_the_way_out(tmp_path, name, change, said):
    raw = put_idx(tmp_path, draw("mnist"))
    content = change((raw / name).read_bytes())
    (raw / name).unlink()
    if content is not None:
        (raw / name).write_bytes(content)
    with pytest.raises(ValueError, match="MNIST") as caught:
        images.read("mnist", tmp_path)
    text = str(caught.value)
    assert said in text
    assert name in text
    assert f"`python -m hw1bench data mnist --data-dir {tmp_path}`" in text
    assert "\n" not in text


@pytest.mark.parametrize("change", [lambda c: c[:-9], lambda c: c[:-8] + bytes(4) + c[-4:], lambda c: b"\0" + c])
def test_bad_packed_files_are_named(tmp_path, change):
    path = put_idx(tmp_path, draw("mnist"), packed=True) / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=f"{TRAIN_IMAGES}.gz cannot be read") as caught:
        images.read("mnist", tmp_path)
    assert "\n" not in str(caught.value)


def test_published_batches(tmp_path, monkeypatch):
    splits, names = draw("cifar10"), NAMES["cifar10"]
    contents = batches(splits, names)
    publish(monkeypatch, contents)
    put_batches(tmp_path, contents)
    found = images.read("cifar10", tmp_path)
    for split in SPLITS:
        assert pairs(getattr(found, split)) == pairs(splits[split])
        assert getattr(found, split).labels.dtype == np.int64
    backwards = batches({s: Stack(splits[s].images, 9 - splits[s].labels) for s in SPLITS}, names[::-1])
    publish(monkeypatch, backwards)
    put_batches(tmp_path, backwards)
    assert same(found, images.read("cifar10", tmp_path))  # a label is the rank of its class's name


@pytest.mark.parametrize("place", [".", "cifar10", "CIFAR-10/data", "cifar-10-batches-py"])
def test_published_batches_in_a_folder_named_after_the_set(tmp_path, monkeypatch, place):
    contents = batches(draw("cifar10"), NAMES["cifar10"])
    publish(monkeypatch, contents)
    folder = put_batches(tmp_path if place == "cifar-10-batches-py" else tmp_path / place, contents)
    found = images.read("cifar10", folder if place == "cifar-10-batches-py" else tmp_path)
    assert len(found.train) == 30


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
def test_a_pickle_with_another_digest_is_not_opened(tmp_path, monkeypatch, name):
    contents = batches(draw("cifar10"), NAMES["cifar10"])
    publish(monkeypatch, contents)
    folder = put_batches(tmp_path, contents)
    (folder / name).write_bytes(pickle.dumps(Trap(tmp_path / "opened")))
    with pytest.raises(ValueError, match=f"{name} does not have the MD5 digest .*, so it is not opened") as caught:
        images.read("cifar10", tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "opened").exists()
    (folder / name).unlink()
    with pytest.raises(ValueError, match=f"{name} is missing"):
        images.read("cifar10", tmp_path)


def test_a_set_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(Unavailable) as caught:
        images.read("mnist", None)
    assert str(caught.value) == (
        f"MNIST is not in {data_folder()}: run `python -m hw1bench data mnist`, or give --data-dir (HW1BENCH_DATA) a folder "
        "that holds MNIST/raw, or an image folder or tar of it"
    )
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    (tmp_path / "cifar-10-batches-py").mkdir()
    for name, title in (("mnist", "MNIST"), ("cifar10", "CIFAR-10")):
        for folder in (tmp_path, tmp_path / "nowhere"):
            with pytest.raises(
                Unavailable, match=f"{title} is not in {folder}: run .* data {name} --data-dir {folder}`"
            ):
                images.read(name, folder)


def test_an_unknown_set_is_refused():
    with pytest.raises(
        ValueError, match="no set of images named 'fashion'; there are digits, mnist_5k, mnist, cifar10"
    ):
        images.read("fashion", None)


def test_torch_is_not_imported_before_it_is_needed():
    code = "import sys, hw1bench.images; print([m for m in ('torch', 'torchvision', 'PIL', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_torchvision_is_imported_silently_even_after_a_failed_attempt():
    code = (
        "try:\n import torchvision\nexcept RuntimeError:\n pass\n"
        "from hw1bench.images.vision import datasets\nassert datasets().MNIST.mirrors and datasets() is datasets()\n"
        "import torchvision\nassert torchvision._internally_replaced_utils  # a package half initialised lacks it"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def attempts(monkeypatch, *outcomes):
    """Let imports of torchvision end in ``outcomes``, one after the other; return how often schemas were defined."""
    defined, left = [], iter(outcomes)

    def imported():
        outcome = next(left)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(vision, "_imported", imported)
    monkeypatch.setattr(vision, "_defined", lambda: defined.append(1))
    return defined


def test_schemas_are_defined_only_if_they_are_missing(monkeypatch):
    assert not (attempts(monkeypatch, "datasets"), vision.datasets())[0]
    missing = RuntimeError("operator torchvision::nms does not exist")
    assert (attempts(monkeypatch, missing, "datasets"), vision.datasets()) == ([1], "datasets")


@pytest.mark.parametrize(
    "error", [RuntimeError("compiled with different CUDA\nversions"), ImportError("no torchvision")]
)
def test_a_failed_import_of_torchvision_is_reported_in_one_line(monkeypatch, error):
    defined = attempts(monkeypatch, error)
    with pytest.raises(Unavailable, match=r"^torchvision cannot be imported \((compiled|no torch).*\): install[^\n]*$"):
        vision.datasets()
    assert not defined
