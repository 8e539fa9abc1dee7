"""Decoded images are kept, and checked when they are used again."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hw1bench import images
from hw1bench.images import cache
from hw1bench.images.sets import MNIST
from hw1bench.support import files as whole_files
from hw1bench.support.arrays import Damaged
from image_sets import RecordingProgress, draw, files, own_cache, png, put_tar, put_tree, same  # noqa: F401


@pytest.fixture
def source(tmp_path):
    return put_tar(tmp_path / "data" / "mnist.tar.gz", files("mnist", draw("mnist")))


def read(source):
    told = RecordingProgress()
    return images.read("mnist", source.parent, told), told


def kept(tmp_path):
    (path,) = (tmp_path / "cache" / "hw1bench").iterdir()
    return path


def test_images_are_decoded_once_with_progress(source, tmp_path):
    first, told = read(source)
    assert told.bars == [[f"decoding the images of {source}", 50, 50, "closed"]]
    again, silent = read(source)
    assert (silent.bars, silent.notices, told.notices) == ([], [], [])
    assert same(first, again)
    assert kept(tmp_path).name.startswith("mnist-")
    assert not list((tmp_path / "temporary").iterdir())


def test_progress_ends_if_decoding_fails(tmp_path):
    contents = files("mnist", draw("mnist"))
    contents[next(iter(contents))] = b"no image"
    told = RecordingProgress()
    put_tree(tmp_path / "mnist", contents)
    with pytest.raises(ValueError, match="not an image file"):
        images.read("mnist", tmp_path, told)
    assert told.bars[0][3] == "closed"


def test_a_source_that_changes_is_decoded_again(source, tmp_path):
    first, _ = read(source)
    put_tar(source, files("mnist", draw("mnist", seed=1)))
    second, _ = read(source)
    assert not same(first, second)
    os.utime(source, ns=(1, 1))
    third, told = read(source)
    assert told.bars
    assert same(second, third)


def test_a_tree_in_which_a_file_changes_is_decoded_again(tmp_path):
    contents = files("mnist", draw("mnist"))
    tree = put_tree(tmp_path / "mnist", contents)
    first = images.read("mnist", tmp_path)
    path = tree / next(iter(contents))
    path.write_bytes(png(np.zeros((1, 28, 28), np.uint8)))
    assert not same(first, images.read("mnist", tmp_path))
    told = RecordingProgress()
    os.utime(path, ns=(1, 1))
    images.read("mnist", tmp_path, told)
    assert told.bars


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def rewrite(**changes):
    def change(path):
        with np.load(path) as stored:
            arrays = {**stored, **{name: new(stored[name]) if callable(new) else new for name, new in changes.items()}}
        np.savez(path, **{name: array for name, array in arrays.items() if array is not None})

    return change


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no archive"),
        lambda path: (path.unlink(), path.mkdir()),
        flip,
        rewrite(train_images=np.zeros((30, 1, 28, 28), np.uint8)),
        rewrite(train_images=np.zeros((29, 1, 28, 28), np.uint8)),
        rewrite(train_images=lambda images: images.view(np.int8)),
        rewrite(train_labels=np.zeros(30)),
        rewrite(train_labels=lambda labels: labels.astype(np.int32)),
        rewrite(train_labels=lambda labels: labels[:, None]),
        rewrite(test_images=np.zeros((0, 1, 28, 28), np.uint8), test_labels=np.zeros(0, np.int64)),
        rewrite(fingerprint=None),
        rewrite(fingerprint=np.array([{}])),  # a pickle
    ],
)
def test_a_damaged_cache_is_noticed_and_rewritten(source, tmp_path, damage):
    first, _ = read(source)
    path = kept(tmp_path)
    damage(path)
    second, told = read(source)
    assert same(first, second)
    assert told.bars
    assert f"cached images {path} are damaged" in told.notices[0]
    assert told.notices[0].endswith("they are decoded again")
    if path.is_file():
        assert not read(source)[1].bars


def spans(path):
    """Offsets of the headers of a cached set: of all bytes except the pixels and the labels."""
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        starts = [member.header_offset for member in archive.infolist()]
        ends = [*starts[1:], archive.start_dir]
        large = {member.header_offset: member.file_size - 128 for member in archive.infolist()}  # 128: numpy's header
    for start, end in zip(starts, ends, strict=True):
        yield from range(start, end - large[start])
    yield from range(ends[-1], len(content))


def test_a_flipped_bit_of_any_header_is_noticed_or_changes_nothing(source, tmp_path):
    first, _ = read(source)
    path = kept(tmp_path)
    content, noticed = path.read_bytes(), []
    places = list(spans(path))
    for n, at in enumerate(places):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << n % 8]) + content[at + 1 :])
        try:
            assert same(cache._load(MNIST, path), first)
        except Damaged as error:
            noticed.append(str(error))
    assert 900 < len(places) < 2000
    assert len(noticed) > len(places) // 2
    assert all(noticed)
    assert not any("\n" in text for text in noticed)


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path)]
)
def test_a_pipe_or_a_device_in_the_cache_is_overwritten(source, tmp_path, make):
    first, _ = read(source)
    path = kept(tmp_path)
    path.unlink()
    make(path)
    second, told = read(source)
    assert same(first, second)
    assert f"cached images {path} are damaged" in told.notices[0]
    assert not read(source)[1].bars


def test_temporary_files_of_killed_processes_are_removed_when_images_are_cached(source, tmp_path):
    place = tmp_path / "cache" / "hw1bench"
    place.mkdir(parents=True)
    with whole_files.writing(place / "mnist-of-another.npz") as file:
        file.write(b"half")
        (alive,) = place.iterdir()
        left = alive.with_name(f"{alive.name.removesuffix('.tmp')}0.tmp")
        left.write_bytes(b"half")
        read(source)
        assert alive.is_file()
        assert not left.exists()


def test_a_cache_in_another_order_is_put_in_order(source, tmp_path):
    first, _ = read(source)
    with np.load(kept(tmp_path)) as stored:
        turned = {f"train_{kind}": stored[f"train_{kind}"][::-1] for kind in ("images", "labels")}
    rewrite(**turned)(kept(tmp_path))
    second, told = read(source)
    assert same(first, second)
    assert not told.bars


def block(tmp_path, *names):
    """A file in the place of a folder, which stops even a superuser."""
    for name in names:
        path = tmp_path / name
        if path.is_dir():
            path.rmdir()
        path.write_text("")


def test_a_cache_that_cannot_be_written_gives_way_to_temporary_files(source, tmp_path):
    block(tmp_path, "cache")
    first, told = read(source)
    (folder,) = (tmp_path / "temporary").iterdir()
    assert told.notices == [
        f"{tmp_path / 'cache' / 'hw1bench'} cannot be written (Not a directory): decoded images are kept in {folder}"
    ]
    assert folder.stat().st_mode & 0o777 == 0o700
    again, silent = read(source)
    assert same(first, again)
    assert (silent.bars, silent.notices) == ([], [])


def test_without_any_place_images_are_decoded_each_time(source, tmp_path):
    block(tmp_path, "cache", "temporary")
    for _ in range(2):
        found, told = read(source)
        assert len(found.train) == 30
        assert told.bars
        assert told.notices[0].endswith("images will be decoded again next time")


def test_a_temporary_folder_of_another_user_is_left_alone(source, tmp_path, monkeypatch):
    block(tmp_path, "cache")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "temporary" / f"hw1bench-{os.getuid()}").symlink_to(tmp_path / "foreign")
    _, told = read(source)
    assert told.notices[0].endswith("decoded again next time")
    assert not list((tmp_path / "foreign").iterdir())


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache._home() == tmp_path / "cache" / "hw1bench"
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache._home() == tmp_path / ".cache" / "hw1bench"
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert cache._home() is None


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "file"
    whole_files.write_whole(path, b"old")

    def fail():
        with whole_files.writing(path) as file:
            file.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def swap(one, other):
    """Swap the names of two files, as ``mv`` does: sizes and times stay with the files."""
    spare = one.with_name("spare")
    one.rename(spare)
    other.rename(one)
    spare.rename(other)


def test_files_that_swap_places_are_another_set(tmp_path):
    contents = {
        path.replace("png", "bmp"): png_to_bmp(content) for path, content in files("mnist", draw("mnist")).items()
    }
    tree = put_tree(tmp_path / "mnist", contents)
    for path in contents:
        os.utime(tree / path, ns=(1, 1))
    first = images.read("mnist", tmp_path)
    one = next(path for path in contents if path.startswith("train/3/"))
    other = next(path for path in contents if path.startswith("train/4/"))
    swap(tree / one, tree / other)
    assert not same(first, images.read("mnist", tmp_path))


def png_to_bmp(content):
    return png(np.asarray(Image.open(io.BytesIO(content)))[None], format="bmp")


def test_an_archive_in_the_place_of_another_of_its_size_and_time_is_another_set(tmp_path):
    contents = files("mnist", draw("mnist"))
    one, other = (next(path for path in contents if path.startswith(f"train/{n}/")) for n in (3, 4))
    turned = contents | {one: contents[other], other: contents[one]}
    source = put_tar(tmp_path / "data" / "mnist.tar", contents)
    new = put_tar(tmp_path / "new.tar", turned)
    for path in (source, new):
        os.truncate(path, 200_000)  # zeros, as tar pads
        os.utime(path, ns=(1, 1))
    first, _ = read(source)
    new.rename(source)
    second, told = read(source)
    assert told.bars
    assert not same(first, second)


def test_a_damaged_cache_is_repaired_from_a_good_copy(source, tmp_path):
    block(tmp_path, "cache")
    first, _ = read(source)
    (good,) = (tmp_path / "temporary").glob("*/*.npz")
    (tmp_path / "cache").unlink()
    path = tmp_path / "cache" / "hw1bench" / good.name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no archive")
    second, told = read(source)
    assert same(first, second)
    assert not told.bars
    (notice,) = told.notices
    assert notice.startswith(f"cached images {path} are damaged (")
    assert notice.endswith(f"the good copy {good} is put in their place")
    assert path.read_bytes() == good.read_bytes()
    assert read(source)[1].notices == []
    path.unlink()
    path.mkdir()
    _, told = read(source)
    (notice,) = told.notices
    assert "is used, because they cannot be overwritten (Is a directory)" in notice


def test_a_cache_larger_than_any_set_is_not_read(source, tmp_path):
    read(source)
    os.truncate(kept(tmp_path), 2 << 30)
    _, told = read(source)
    assert "it has 2,147,483,648 bytes, more than 79,265,536" in told.notices[0]
    assert told.bars
