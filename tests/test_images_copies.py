"""Several copies in one archive or folder, good and bad: none hides another, and each one passed over is named."""

import gzip
import os

import pytest

from hw1bench import images
from hw1bench.__main__ import main
from hw1bench.images.sets import MNIST
from image_sets import RecordingProgress, draw, files, own_cache, put, put_idx, put_tree, raw_files, same, set_canonical  # noqa: F401

SPLITS = draw("mnist")
FILES, RAW, PACKED = files("mnist", SPLITS), raw_files(SPLITS), raw_files(SPLITS, packed=True)
OTHER = raw_files(draw("mnist", seed=1))
IMAGES = "train-images-idx3-ubyte"


def under(top, contents):
    return {f"{top}/{path}": content for path, content in contents.items()}


@pytest.fixture
def reference(tmp_path):
    put_idx(tmp_path / "reference", SPLITS)
    return images.read("mnist", tmp_path / "reference")


def cut(contents):
    return {path: content[: len(content) // 2] for path, content in contents.items()}


NAMES = ["mnist.tar", "mnist.tar.gz", "mnist.zip"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "contents",
    [
        under("FashionMNIST/raw", OTHER) | under("MNIST/raw", RAW),
        under("FashionMNIST/raw", OTHER) | under("MNIST/raw", PACKED),
        under("a", files("mnist", draw("mnist", seed=1))) | under("b", FILES),
        under("a", OTHER) | under("b", FILES),
        under("a", files("mnist", draw("mnist", seed=1))) | RAW,
    ],
)
def test_the_canonical_set_in_an_archive_comes_before_another(tmp_path, reference, monkeypatch, name, contents):
    set_canonical(monkeypatch, MNIST, reference.fingerprint)
    put(tmp_path / "data" / name, contents)
    told = RecordingProgress()
    assert same(images.read("mnist", tmp_path / "data", told), reference)
    named = [notice for notice in told.notices if "is not the canonical MNIST, but " in notice]
    assert len(named) == (0 if "train-images-idx3-ubyte" in contents else 1)


JUNK = dict.fromkeys(RAW, b"junk")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("contents", "passed"),
    [
        (under("a", cut(FILES)) | under("b", FILES), 1),
        (under("a", JUNK) | under("b", FILES), 1),
        (JUNK | under("b", JUNK) | FILES, 2),
        (under("MNIST/raw", RAW) | {"mnist_png/train/0/sub/x.png": b""}, 0),
        (under("MNIST/raw", RAW) | {"one/train/0/x.png": b"", "two/test/0/x.png": b""}, 0),
        (under("MNIST/raw", RAW) | {"fig/train/0/x.png": bytes(2 << 20)}, 0),
        (under("mnist", FILES) | {"docs/test/figs/a.png": b""}, 0),
        (under("mnist", FILES) | {"docs/test/figs/deep/a.png": b"", "b/train/a/a.png": b"", "b/Train/a/b.png": b""}, 0),
        (FILES | {f"old/{IMAGES}": bytes((1 << 20) + 1)}, 0),
        (RAW | {f"{IMAGES}.gz": bytes((1 << 20) + 1)}, 0),
        (RAW | {f"{IMAGES}.gz": b""}, 0),
        (PACKED | {IMAGES: b""}, 1),
        (PACKED | {IMAGES.replace("-idx", ".idx"): RAW[IMAGES][:-1]}, 1),
        (under("a/b/c/d/e/f", FILES), 0),
        (under("home/me/work/projects/data/mnist", RAW), 0),
        (under("training/mnist", FILES), 0),
        (under("test/mnist/png", FILES), 0),
        ({f"x/{name}/{name}": content for name, content in RAW.items()}, 0),
        (FILES | {"train/0/__pycache__/a.png": b"", "train/0/PaxHeaders.12/b.png": b"", "train/0/more/b.pyc": b""}, 0),
    ],
)
def test_errors_in_one_directory_do_not_hide_another(tmp_path, monkeypatch, reference, name, contents, passed):
    monkeypatch.setattr("hw1bench.images.raw._LARGEST", 1 << 20)
    put(tmp_path / "data" / name, contents)
    told = RecordingProgress()
    assert same(images.read("mnist", tmp_path / "data", told), reference)
    assert len([notice for notice in told.notices if "passed over" in notice]) == passed


def test_if_no_directory_can_be_used_each_is_named_with_its_reason(tmp_path):
    path = put(
        tmp_path / "mnist.tar",
        under("a", JUNK) | under("b", cut(FILES)) | {"docs/test/a/b.png": b"", f"d/{IMAGES}": b""},
    )
    with pytest.raises(ValueError, match=f"no copy of MNIST in {path} can be used: ") as caught:
        images.read("mnist", tmp_path)
    for reason in (
        f"a/{IMAGES} cannot be read",
        "mnist.tar/b: train/",
        "/docs has no images in train",
        f"d/{IMAGES} without",
    ):
        assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_of_many_copies_is_refused(tmp_path):
    put(tmp_path / "mnist.tar", {path: c for n in range(11) for path, c in under(str(n), RAW).items()})
    with pytest.raises(ValueError, match="holds more than 10 copies of MNIST: pack the set itself"):
        images.read("mnist", tmp_path)


@pytest.mark.parametrize("bad", [b"", b"junk", RAW[IMAGES][:-1], None])
@pytest.mark.parametrize("spelling", [IMAGES, IMAGES.replace("-idx", ".idx")])
def test_a_damaged_plain_file_does_not_hide_the_packed_one(tmp_path, reference, bad, spelling):
    folder = put_idx(tmp_path / "data", SPLITS, packed=True)
    os.mkfifo(folder / spelling) if bad is None else (folder / spelling).write_bytes(bad)
    told = RecordingProgress()
    assert same(images.read("mnist", tmp_path / "data", told), reference)
    (notice,) = told.notices
    assert notice.startswith(f"passed over in favour of {folder / IMAGES}.gz: {folder / spelling} cannot be read")


def test_the_published_file_comes_before_an_altered_one(tmp_path, reference, monkeypatch, capsys):
    import hashlib

    set_canonical(monkeypatch, MNIST, reference.fingerprint)
    monkeypatch.setattr(
        "hw1bench.images.published.MNIST_MD5", {name: hashlib.md5(content).hexdigest() for name, content in RAW.items()}
    )
    folder = put_idx(tmp_path / "data", SPLITS, packed=True)
    (folder / IMAGES).write_bytes(OTHER[IMAGES])
    told = RecordingProgress()
    assert images.read("mnist", tmp_path / "data", told).canonical
    assert told.notices == [f"passed over: {folder / IMAGES} is not the published file, but {folder / IMAGES}.gz is"]
    assert main(["data", "mnist", "--data-dir", str(tmp_path / "data")]) == 0
    assert f"{IMAGES}.gz  ok" in capsys.readouterr().out


def test_a_folder_for_each_file_is_read(tmp_path, reference):
    put_tree(tmp_path / "data" / "mnist", {f"{name}/{name}": content for name, content in RAW.items()})
    assert same(images.read("mnist", tmp_path / "data"), reference)


def test_litter_in_a_class_folder_is_passed_over(tmp_path, reference):
    litter = {"train/0/__pycache__/a.png": b"", "train/0/PaxHeaders.12/b.png": b"", "train/0/more/b.pyc": b""}
    tree = put_tree(tmp_path / "data" / "mnist", FILES | litter)
    (tree / "test" / "1" / "empty").mkdir()
    assert same(images.read("mnist", tmp_path / "data"), reference)


def test_things_that_are_not_copies_are_named_even_if_a_copy_is_found(tmp_path, reference):
    data = put_tree(tmp_path / "data", under("mnist", FILES) | {"mnist.npz": b"", "mnist-notes/a.txt": b""})
    told = RecordingProgress()
    assert same(images.read("mnist", data, told), reference)
    assert [notice.split(" ")[2] for notice in told.notices] == [str(data / "mnist-notes"), str(data / "mnist.npz")]


HOSTILE = "mnist\n\x1b[2J"


def test_file_names_cannot_control_a_terminal(tmp_path, capsys):
    """In errors, in notices, and in the output of the command."""
    data = tmp_path / "data"
    put(data / f"{HOSTILE}.tar", under("a", JUNK) | under("b", FILES | {"train/3/\x9b.txt": b""}))
    put_tree(data, {f"{HOSTILE}.xyz": b"", f"{HOSTILE}\u202e/a.txt": b"", f"{HOSTILE}-a.tar": b"no tar"})
    told = RecordingProgress()
    images.read("mnist", data, told)
    assert len(told.notices) >= 4
    assert all(text.isprintable() for text in (*told.notices, *(label for label, *_ in told.bars)))
    assert main(["data", "mnist", "--data-dir", str(data)]) == 1
    assert "\x1b" not in "".join(capsys.readouterr())
    (data / f"{HOSTILE}.tar").unlink()
    (data / f"{HOSTILE}-a.tar").unlink()
    with pytest.raises(images.reader.Unavailable) as caught:
        images.read("mnist", data)
    assert str(caught.value).isprintable()
    assert r"mnist\n\x1b[2J.xyz is not one of" in str(caught.value)


def test_a_file_packed_twice(tmp_path, reference):
    put(tmp_path / "data" / "mnist.tar", {name: gzip.compress(content) for name, content in RAW.items()})
    assert same(images.read("mnist", tmp_path / "data"), reference)


@pytest.mark.parametrize(
    ("name", "contents", "said"),
    [
        (
            "mnist",
            {f"{name}.bz2": b"" for name in RAW},
            "t10k-images-idx3-ubyte.bz2 has another name or form than MNIST's published files",
        ),
        (
            "mnist",
            {f"mnist/{name}.zip": b"" for name in RAW},
            "mnist/t10k-images-idx3-ubyte.zip has another name or form than",
        ),
        ("mnist", {name.upper(): b"" for name in RAW}, "T10K-IMAGES-IDX3-UBYTE has another name or form than"),
        (
            "mnist",
            {f"some/{name.upper()}": b"" for name in RAW},
            "some/T10K-IMAGES-IDX3-UBYTE has another name or form than",
        ),
        ("mnist", FILES, "test is not in a folder named after the set: put it into"),
        (
            "mnist",
            {"archive.zip": b""},
            "archive.zip is not named after a set: if it holds MNIST, start its name with mnist",
        ),
        (
            "cifar10",
            {"cifar10/data_batch_1": b""},
            "is not in a folder of the published name: call it cifar-10-batches-py",
        ),
        ("cifar10", {"batches/data_batch_1": b""}, "batches/data_batch_1 is not in a folder of the published name"),
    ],
)
def test_hints_say_what_may_be_meant(tmp_path, name, contents, said):
    data = put_tree(tmp_path / "data", contents)
    with pytest.raises(images.reader.Unavailable) as caught:
        images.read(name, data)
    assert f"(passed over: {data}/" in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
