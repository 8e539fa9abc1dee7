"""Image folders, on disk and in tars."""

import io
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hw1bench import images
from hw1bench.images.decode import pixels
from hw1bench.images.sets import MNIST
from image_sets import draw, files, own_cache, png, put_idx, put_tar, put_tree, same  # noqa: F401

SPLITS = {name: draw(name) for name in ("mnist", "cifar10")}
FILES = {name: files(name, splits) for name, splits in SPLITS.items()}
FIRST = next(iter(FILES["mnist"]))  # train/<class>/0000.png


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_the_container_changes_nothing(tmp_path, name):
    contents = FILES[name]
    put_tree(tmp_path / "tree" / f"{name}-images", contents)
    put_tree(tmp_path / name, contents)
    for place, file in (("tar", f"{name}.tar"), ("gz", f"{name}-png.tar.gz"), ("tgz", f"{name}.tgz")):
        put_tar(tmp_path / place / file, contents)
    put_tar(tmp_path / "top" / f"{name}.tar", contents, top=f"./{name}-png/")
    places = ["tree", name, "tar", "gz", "tgz", "top"]
    if name == "mnist":
        put_idx(tmp_path / "idx", SPLITS[name])
        places.append("idx")
    first, *others = [images.read(name, tmp_path / place) for place in places * 2]  # decoded, then from the cache
    assert all(same(first, other) for other in others)
    assert not first.canonical


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(sorted(FILES["mnist"])), renamed=st.booleans())
def test_neither_order_nor_names_of_files_matter(order, renamed):
    contents = {}
    for n, path in enumerate(order):
        split, category, file = path.split("/")
        contents[f"{split}/{category}/{f'{n}.PNG' if renamed else file}"] = FILES["mnist"][path]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        put_tar(Path(one, "mnist.tar"), contents)
        put_idx(Path(two), SPLITS["mnist"])
        assert same(images.read("mnist", Path(one)), images.read("mnist", Path(two)))


def test_the_first_copy_in_order_is_used(tmp_path):
    """Each step adds a copy that comes before all earlier ones."""
    seeds = {seed: draw("mnist", seed) for seed in range(6)}

    def seen():
        found = images.read("mnist", tmp_path).train
        return next(
            s
            for s, d in seeds.items()
            if {x.tobytes() for x in d["train"].images} == {x.tobytes() for x in found.images}
        )

    put_tar(tmp_path / "mnist-z.tar.gz", files("mnist", seeds[0]))
    assert seen() == 0
    put_tar(tmp_path / "MNIST-png.tar", files("mnist", seeds[1]))
    assert seen() == 1
    put_tree(tmp_path / "mnist_png", files("mnist", seeds[2]))
    assert seen() == 2
    put_tree(tmp_path / "Mnist", files("mnist", seeds[3]))
    assert seen() == 3
    put_idx(tmp_path, seeds[4], packed=True)
    assert seen() == 4


def test_other_sets_and_the_published_archive_are_not_copies(tmp_path):
    for name in ("cifar100-png.tar.gz", "my-cifar10.tar", "cifar-10-python.tar.gz", "cifar10.tar.part", "mnist.tar"):
        (tmp_path / name).write_bytes(b"no tar at all")
    put_tree(tmp_path / "cifar-100", FILES["cifar10"])
    (tmp_path / "cifar10" / "documents").mkdir(parents=True)
    with pytest.raises(images.reader.Unavailable, match="CIFAR-10 is not in"):
        images.read("cifar10", tmp_path)
    put_tar(tmp_path / "CIFAR-10.tar", FILES["cifar10"])
    assert len(images.read("cifar10", tmp_path).train) == 30


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_grey_pixels_are_the_same_in_any_mode(mode):
    image = SPLITS["mnist"]["train"].images[0]
    assert np.array_equal(pixels(png(image, mode), MNIST, "it"), image)


def test_black_and_white():
    image = SPLITS["mnist"]["train"].images[0] // 128 * 255
    assert np.array_equal(pixels(png(image, "1"), MNIST, "it"), image)


def damaged_chunk(content):
    """The same pixels with a wrong checksum."""
    at = content.index(b"IDAT") - 4
    length = int.from_bytes(content[at : at + 4], "big")
    return content[: at + 8 + length] + bytes(4) + content[at + 12 + length :]


def huge(content):
    """The head of an image so large that Pillow warns about it."""
    head = b"IHDR" + (10_000).to_bytes(4, "big") * 2 + content[24:29]
    return content[:12] + head + zlib.crc32(head).to_bytes(4, "big") + content[33:]


IMAGES = [
    (lambda c: c[: len(c) // 2], "cannot be decoded"),
    (lambda c: b"GIF? no", "cannot be decoded (it is not an image file)"),
    (lambda c: b"", "cannot be decoded (it is not an image file)"),
    (damaged_chunk, "cannot be decoded (broken PNG file"),
    (lambda c: png(np.zeros((1, 28, 27), np.uint8)), "is 27x28, but MNIST has 28x28"),
    (huge, "is 10000x10000, but MNIST has 28x28"),
    (lambda c: bytes(2**20 + 1), "1,048,577 bytes, too many"),
]


@pytest.mark.parametrize("container", ["tree", "tar"])
@pytest.mark.parametrize(("change", "said"), IMAGES)
def test_a_bad_image_is_named(tmp_path, container, change, said):
    contents = {**FILES["mnist"], FIRST: change(FILES["mnist"][FIRST])}
    place = put_tree(tmp_path / "mnist", contents) if container == "tree" else put_tar(tmp_path / "mnist.tar", contents)
    with pytest.raises(ValueError, match=FIRST) as caught:
        images.read("mnist", tmp_path)
    assert said in str(caught.value)
    assert str(place) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_deep_pixels_are_refused():
    file = io.BytesIO()
    Image.fromarray(np.zeros((28, 28), np.uint16)).save(file, "png")
    with pytest.raises(ValueError, match="it has pixels of Pillow's mode I;16: make it grey or RGB with 8 bits"):
        pixels(file.getvalue(), MNIST, "it")


def renamed(**changes):
    """The files with folders renamed, or left out for None."""
    moves = {old.replace("_", "/"): new for old, new in changes.items()}
    found = {}
    for path, content in FILES["mnist"].items():
        start = next((old for old in moves if path.startswith(f"{old}/")), "")
        if not start or moves[start] is not None:
            found[moves[start] + path.removeprefix(start) if start else path] = content
    return found


@pytest.mark.parametrize("container", ["tree", "tar"])
@pytest.mark.parametrize(
    ("contents", "said"),
    [
        (renamed(test=None), "has no images in test/<class>/"),
        (renamed(train=None), "has no images in train/<class>/"),
        (renamed(train_9=None), "has 9 classes in train (0, 1, 2, 3, 4, 5, 6, 7, 8), not 10"),
        ({**FILES["mnist"], "train/ten/0.png": b""}, "has 11 classes in train"),
        (renamed(test_3="test/three"), "has the class '3' in train but not in test"),
        ({**FILES["mnist"], "test/ten/0.png": b""}, "has the class 'ten' in test but not in train"),
        ({**FILES["mnist"], "train/3/more/0.png": b""}, "inside a class folder"),
    ],
)
def test_a_folder_of_another_layout_is_refused(tmp_path, container, contents, said):
    place = put_tree(tmp_path / "mnist", contents) if container == "tree" else put_tar(tmp_path / "mnist.tar", contents)
    with pytest.raises(ValueError, match="mnist") as caught:
        images.read("mnist", tmp_path)
    assert said in str(caught.value)
    assert str(place) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("container", ["tree", "tar"])
def test_hidden_files_and_files_beside_the_classes_are_passed_over(tmp_path, container):
    stray = (
        "README",
        "train/labels.txt",
        "train/.DS_Store",
        "train/3/._0001.png",
        "train/.hidden/0.png",
        "valid/3/0.png",
    )
    contents = {**FILES["mnist"], **dict.fromkeys(stray, b"no image")}
    (put_tree if container == "tree" else put_tar)(tmp_path / f"mnist{'.tar' * (container == 'tar')}", contents)
    put_idx(tmp_path / "idx", SPLITS["mnist"])
    assert same(images.read("mnist", tmp_path), images.read("mnist", tmp_path / "idx"))


def test_a_file_of_a_tree_that_vanishes(tmp_path):
    tree = images.reader.Tree(put_tree(tmp_path / "mnist", FILES["mnist"]))
    tree.entries()
    (tmp_path / "mnist" / FIRST).unlink()
    with pytest.raises(ValueError, match=f"{FIRST} cannot be read .No such file"):
        list(tree.contents())
