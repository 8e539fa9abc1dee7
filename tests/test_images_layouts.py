"""Data in the layouts that people have: those that are read, and those that are passed over with a reason."""

import gzip
import itertools
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench import images
from hw1bench.__main__ import main
from hw1bench.images.folder import is_image, is_litter, split_of
from hw1bench.images.sets import MNIST
from hw1bench.support.refusals import Unavailable
from image_sets import (  # noqa: F401
    RecordingProgress,
    draw,
    files,
    idx,
    own_cache,
    put,
    put_idx,
    put_tar,
    put_tree,
    raw_files,
    same,
    set_canonical,
)

SPLITS = draw("mnist")
FILES = files("mnist", SPLITS)
RAW, PACKED = raw_files(SPLITS), raw_files(SPLITS, packed=True)


def under(top, contents=FILES):
    return {f"{top}{path}": content for path, content in contents.items()}


def dotted(contents):
    return {path.replace("-idx", ".idx"): content for path, content in contents.items()}


def words(train, test, contents=FILES):
    return {
        path.replace("train/", f"{train}/").replace("test/", f"{test}/"): content for path, content in contents.items()
    }


LITTER = {
    "README.md": b"",
    "train/labels.csv": b"",
    "train/Thumbs.db": b"",
    "train/3/Thumbs.db": b"",
    "train/3/desktop.ini": b"",
    "test/3/Icon\r": b"",
    "test/3/.DS_Store": b"",
    "train/3/._0001.png": b"no image",
    "train/.ipynb_checkpoints/0001.png": b"no image",
    "__MACOSX/train/3/._0001.png": b"no image",
    "__MACOSX/train/3/0001.png": b"no image",
    "valid/3/0001.png": b"no image",
}


@pytest.fixture
def reference(tmp_path):
    put_idx(tmp_path / "reference", SPLITS)
    return images.read("mnist", tmp_path / "reference")


@pytest.mark.parametrize(
    ("place", "contents"),
    [
        ("", RAW),
        ("", dotted(RAW)),
        ("", PACKED),
        ("", dotted(PACKED)),
        ("raw", RAW),
        ("mnist", RAW),
        ("mnist", dotted(RAW) | {f"{name}/{name}": b"" for name in RAW}),  # as one well known archive unpacks
        ("mnist/MNIST/raw", PACKED),
        ("Mnist data", words("Train", "TEST")),
        ("mnist_png", words("training", "testing")),
        ("mnist", under("mnist_png/", words("training", "testing"))),
        ("mnist", under("data/mnist_png/")),
        ("mnist", FILES | LITTER),
    ],
)
def test_a_folder_is_read(tmp_path, reference, place, contents):
    put_tree(tmp_path / "data" / place, contents)
    assert same(images.read("mnist", tmp_path / "data"), reference)


@pytest.mark.parametrize(
    "name", ["MNIST.tar", "mnist.tar.gz", "mnist.tgz", "mnist.tar.bz2", "mnist.tar.xz", "Mnist.zip"]
)
@pytest.mark.parametrize(
    "contents",
    [
        under("MNIST/raw/", RAW),
        under("MNIST/raw/", RAW | dict.fromkeys(PACKED, b"no gzip")),
        under("./", dotted(PACKED)),
        under("one/two/three/", words("training", "testing")),
        FILES | LITTER,
        under("mnist/", FILES | LITTER),
    ],
)
def test_an_archive_is_read(tmp_path, reference, name, contents):
    put(tmp_path / "data" / name, contents)
    for _ in range(2):  # decoded, then from the cache
        assert same(images.read("mnist", tmp_path / "data"), reference)


def test_an_archive_is_known_by_its_content_not_by_its_name(tmp_path, reference):
    packed = put_tar(tmp_path / "packed" / "mnist.tar.gz", FILES)
    plain = put_tar(tmp_path / "plain" / "mnist.tar", FILES)
    packed.rename(packed.with_name("mnist.tar"))  # as browsers save them
    plain.rename(plain.with_name("mnist.tar.gz"))
    assert same(images.read("mnist", packed.parent), reference)
    assert same(images.read("mnist", plain.parent), reference)


@pytest.mark.skipif(shutil.which("tar") is None, reason="there is no tar")
@pytest.mark.parametrize("form", ["gnu", "posix", "ustar", "v7"])
def test_tars_of_another_program_are_read(tmp_path, reference, form):
    top = "a-long-name-" * 7 if form in ("gnu", "posix") else "short"
    put_tree(tmp_path / top / "inside", FILES)
    (tmp_path / "data").mkdir()
    subprocess.run(
        ["tar", f"--format={form}", "-cf", tmp_path / "data" / "mnist.tar", "-C", tmp_path, f"./{top}"], check=True
    )
    assert same(images.read("mnist", tmp_path / "data"), reference)


def test_windows_separators_in_a_zip(tmp_path, reference):
    path = put(tmp_path / "data" / "mnist.zip", FILES)
    content = path.read_bytes()
    for folder in (b"train", b"test"):
        content = content.replace(folder + b"/", folder + b"\\")
    path.write_bytes(content)
    assert same(images.read("mnist", path.parent), reference)


def test_a_folder_named_after_the_set_may_be_given_itself(tmp_path, reference, monkeypatch):
    put_tree(tmp_path / "mnist" / "png", FILES)
    assert same(images.read("mnist", tmp_path / "mnist"), reference)
    monkeypatch.chdir(tmp_path / "mnist")
    assert same(images.read("mnist", images.reader.Path()), reference)


@pytest.mark.parametrize("name", ["mnist", "mnist.tar", "mnist.zip"])
def test_files_without_an_image_suffix_are_passed_over_and_counted(tmp_path, name):
    told = RecordingProgress()
    put(tmp_path / name, FILES | LITTER | {"train/3/labels.csv": b"", "test/4/film.mp4": b""})
    assert len(images.read("mnist", tmp_path, told).train) == 30
    (notice,) = told.notices
    assert notice.startswith(f"{tmp_path / name}: 2 files without an image suffix are passed over ('t")


def test_images_without_a_suffix_are_mentioned(tmp_path):
    put_tree(tmp_path / "mnist", {path.removesuffix(".png"): content for path, content in FILES.items()})
    with pytest.raises(ValueError, match=r"no images in train/<class>/ \(50 files without an image suffix"):
        images.read("mnist", tmp_path)


@pytest.mark.parametrize("name", ["mnist", "mnist.tar", "mnist.zip"])
def test_two_folders_of_one_split_are_refused(tmp_path, name):
    put(tmp_path / name, FILES | {"training/3/x.png": b""})
    with pytest.raises(ValueError, match=f"{name} has train and training, which both hold the train split: keep one"):
        images.read("mnist", tmp_path)


BAD = {
    "MNIST/raw/train-images-idx3-ubyte": b"no idx",
    "mnist/train/0/0.png": b"",
    "mnist-a.tar": b"no tar",
    "mnist-b.tar.gz": gzip.compress(bytes(2048)),
    "mnist-c.zip": b"PK\3\4 no zip",
    "mnist-d.tar.xz": b"\xfd7zXZ\0 no xz",
}


@pytest.mark.parametrize("good", ["mnist-png", "mnist-z.tar", "mnist-z.tar.bz2", "mnist-z.zip"])
def test_a_copy_is_not_hidden_by_those_before_it(tmp_path, reference, good):
    put_tree(tmp_path / "data", BAD)
    put(tmp_path / "data" / good, FILES)
    told = RecordingProgress()
    assert same(images.read("mnist", tmp_path / "data", told), reference)
    passed = [notice for notice in told.notices if notice.startswith("passed over: ")]
    assert len(passed) == (2 if good == "mnist-png" else 6)
    assert all("\n" not in notice for notice in passed)


def test_if_no_copy_can_be_used_every_reason_is_given_in_one_line(tmp_path):
    put_tree(tmp_path, BAD)
    with pytest.raises(ValueError, match=r"no copy of MNIST in .* can be used: ") as caught:
        images.read("mnist", tmp_path)
    for place in (
        "MNIST/raw/",
        "mnist has no images in test",
        "mnist-a.tar",
        "mnist-b.tar.gz",
        "mnist-c.zip",
        "mnist-d.tar.xz",
    ):
        assert f"{tmp_path}/{place}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_things_named_after_the_set_that_are_not_copies_are_named(tmp_path):
    put_tree(
        tmp_path, {"mnist.npz": b"", "mnist_train.csv": b"", "mnist-notes/a.txt": b"", "cifar-10-python.tar.gz": b""}
    )
    with pytest.raises(Unavailable) as caught:
        images.read("mnist", tmp_path)
    assert f"(passed over: {tmp_path}/mnist-notes holds no train/<class>/" in str(caught.value)
    assert f"{tmp_path}/mnist.npz is not one of .tar, " in str(caught.value)
    with pytest.raises(Unavailable, match=r"holds pickles: `python -m hw1bench data cifar10 --data-dir .*` checks"):
        images.read("cifar10", tmp_path)


def test_many_rejected_things_make_a_short_line(tmp_path):
    put_tree(tmp_path, {f"mnist{n}x.csv": b"" for n in range(10, 40)} | {f"mnist-{n}.csv": b"" for n in range(30)})
    with pytest.raises(Unavailable, match="; and 25 more"):
        images.read("mnist", tmp_path)


def test_the_canonical_copy_comes_before_another(tmp_path, reference, monkeypatch):
    put_tree(tmp_path / "data" / "mnist-a", files("mnist", draw("mnist", seed=1)))
    put_tree(tmp_path / "data" / "mnist-b", FILES)
    told = RecordingProgress()
    assert not same(images.read("mnist", tmp_path / "data", told), reference)
    assert not told.notices
    set_canonical(monkeypatch, MNIST, reference.fingerprint)
    assert same(images.read("mnist", tmp_path / "data", told), reference)
    a, b = tmp_path / "data" / "mnist-a", tmp_path / "data" / "mnist-b"
    assert told.notices == [f"passed over: {a} is not the canonical MNIST, but {b} is"]


def test_the_command_uses_the_same_order(tmp_path, reference, monkeypatch, capsys):
    set_canonical(monkeypatch, MNIST, reference.fingerprint)
    put_tree(tmp_path / "data", BAD)
    put_tar(tmp_path / "data" / "mnist-z.tar.gz", under("MNIST/raw/", RAW))
    assert main(["data", "mnist", "--data-dir", str(tmp_path / "data")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"MNIST in {tmp_path}/data/mnist-z.tar.gz\n")
    assert len(err.splitlines()) == 6


def test_files_of_mnist_in_an_archive_are_checked(tmp_path):
    short = idx(np.arange(29) % 10)
    for change, said in [
        ({"train-labels-idx1-ubyte": short}, "mnist.tar: train-images-idx3-ubyte holds 30 images"),
        ({"train-images-idx3-ubyte": b"junk"}, "mnist.tar: train-images-idx3-ubyte cannot be read"),
        ({"train-images-idx3-ubyte": None}, "holds t10k-images-idx3-ubyte without MNIST's other files"),
    ]:
        put_tar(tmp_path / "mnist.tar", {name: c for name, c in (RAW | change).items() if c is not None})
        with pytest.raises(ValueError, match=said):
            images.read("mnist", tmp_path)


def test_published_pickles_in_an_archive_are_not_opened(tmp_path):
    put_tar(tmp_path / "cifar10.tar.gz", {"cifar-10-batches-py/data_batch_1": b"a pickle"})
    with pytest.raises(
        ValueError, match="holds pickles, which are not opened in an archive: unpack it in the same folder"
    ):
        images.read("cifar10", tmp_path)


@given(st.text(max_size=20))
def test_a_name_is_one_thing(name):
    assert not (is_image(name) and is_litter(name) and not name.startswith("."))
    assert split_of(name) in (None, *SPLITS)
    assert split_of(name.upper()) == split_of(name.lower()) or not name.isascii()


def test_no_synonym_of_validation():
    for name in ("val", "valid", "validation", "dev", "trainval", "train2", "test.bak", "tests", "trains"):
        assert split_of(name) is None
    for word, case in itertools.product(("train", "training"), (str.upper, str.title)):
        assert split_of(case(word)) == "train"
