"""Image folders in tars that are damaged or hold unexpected members."""

import gzip
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw1bench import images
from hw1bench.images.members import members
from hw1bench.images.sets import MNIST
from image_sets import draw, files, own_cache, put, put_tar, raw_files  # noqa: F401

FILES = files("mnist", draw("mnist"))
FIRST = next(iter(FILES))  # train/<class>/0000.png


def repacked(change):
    return lambda content: gzip.compress(change(gzip.decompress(content)))


def damaged_header(content):
    at = content.index(b"train/", 20_000) // 512 * 512
    return content[: at + 148] + b"0000000\0" + content[at + 156 :]


def boundary(content):
    return content[: content.index(b"test/") // 512 * 512]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c[: len(c) // 2], "cannot be read"),
        (lambda c: c[:-8] + bytes([c[-8] ^ 1]) + c[-7:], "cannot be read (CRC check failed"),
        (lambda c: c[:-9], "cannot be read"),
        (lambda c: b"no gzip", "cannot be read"),
        (repacked(lambda c: b"no tar"), "cannot be read"),
        (repacked(lambda c: c[: len(c) // 2]), "after train/"),
        (repacked(damaged_header), "is cut short or damaged after train/"),
        (repacked(boundary), "is cut short or damaged after train/"),
        (repacked(lambda c: c[: c.index(b"test/") + 100]), "is cut short or damaged after train/"),
    ],
)
def test_a_damaged_archive_is_named(tmp_path, change, said):
    path = put_tar(tmp_path / "mnist.tar.gz", FILES)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match="put an intact copy in its place") as caught:
        images.read("mnist", tmp_path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def tar_with(*added):
    """A tar of MNIST's files and of further members (name, type, link)."""

    def put(path):
        put_tar(path, FILES)
        with tarfile.open(path, "a") as tar:
            for name, kind, link in added:
                member = tarfile.TarInfo(name)
                member.type, member.linkname = kind, link
                tar.addfile(member)

    return put


@pytest.mark.parametrize(
    ("put", "said"),
    [
        (tar_with((FIRST, tarfile.REGTYPE, "")), f"{FIRST} occurs twice"),
        (tar_with(("train/3/x.png", tarfile.SYMTYPE, "/etc/passwd")), "train/3/x.png is not a regular file"),
        (tar_with(("train/3/x.png", tarfile.LNKTYPE, FIRST)), "train/3/x.png is not a regular file"),
        (tar_with(("train/3/x.png", tarfile.FIFOTYPE, "")), "train/3/x.png is not a regular file"),
    ],
)
def test_members_that_no_image_folder_has_are_refused(tmp_path, put, said):
    put(tmp_path / "mnist.tar")
    with pytest.raises(ValueError, match=r"mnist\.tar") as caught:
        images.read("mnist", tmp_path)
    assert said in str(caught.value)


def small(name):
    """An archive of a few members, and its content."""
    contents = {path: content for path, content in FILES.items() if "/0/" in path or "/1/" in path}
    with tempfile.TemporaryDirectory() as folder:
        return put(Path(folder) / name, contents).read_bytes(), contents


SMALL = {name: small(name) for name in ("x.tar", "x.tar.gz", "x.tar.xz", "x.zip")}


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(SMALL)),
    block=st.integers(0, 1 << 16),
    within=st.sampled_from([0, 100, 124, 135, 136, 148, 156, 157, 257, 345, 482]) | st.integers(0, 511),
    new=st.sampled_from(b"\0xgLKSX0125\xff") | st.integers(0, 255),
    summed=st.booleans(),
    cut=st.none() | st.integers(0, 1 << 16),
)
def test_a_changed_archive_gives_a_one_line_error_or_its_content(name, block, within, new, summed, cut):
    content, contents = SMALL[name]
    changed = bytearray(content)
    start = block * 512 % len(changed) // 512 * 512
    changed[min(start + within, len(changed) - 1)] = new
    if summed and name == "x.tar":  # a header that says what it says on purpose
        head = changed[start : start + 512]
        head[148:156] = b" " * 8
        changed[start + 148 : start + 156] = b"%06o\0 " % sum(head)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(changed[: None if cut is None else cut % len(changed)])
        try:
            found = list(members(path, dict.fromkeys(contents, 1 << 20)))
        except ValueError as error:
            said = str(error)
        else:
            assert sum(len(content) for _, content in found) <= sum(map(len, contents.values()))
            return
    assert said.startswith(str(path))
    assert said.endswith(": put an intact copy in its place")
    assert "\n" not in said


def test_nothing_is_extracted(tmp_path):
    put_tar(tmp_path / "in" / "mnist.tar", FILES, top="../")
    before = sorted(tmp_path.rglob("*"))
    assert len(images.read("mnist", tmp_path / "in").train) == 30
    new = [path for path in tmp_path.rglob("*") if path not in before and path.is_file()]
    assert [path.suffix for path in new] == [".npz"]


def test_an_archive_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = put_tar(tmp_path / "mnist.tar", FILES)
    archive = images.reader.Archive(path)
    (copy,) = archive.copies(MNIST)
    copy.entries()
    put_tar(path, {name.replace("0000", "other"): content for name, content in FILES.items()})
    with pytest.raises(ValueError, match="changed while it was read"):
        list(copy.contents())


def test_an_archive_of_mnist_files_that_changes_while_it_is_read(tmp_path):
    path = put_tar(tmp_path / "mnist.tar", raw_files(draw("mnist")))
    archive = images.reader.Archive(path)
    (copy,) = archive.copies(MNIST)
    (file,) = copy.files("train-images-idx3-ubyte")
    put_tar(path, FILES)
    with pytest.raises(ValueError, match="changed while it was read"):
        file.open()
