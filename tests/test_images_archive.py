"""Image folders in tars that are damaged or hold what none should."""

import gzip
import tarfile

import pytest

from hw1bench import images
from image_sets import draw, files, own_cache, put_tar  # noqa: F401

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
    with pytest.raises(ValueError, match="put a whole copy in its place") as caught:
        images.read("mnist", tmp_path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def members(*added):
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
        (members((FIRST, tarfile.REGTYPE, "")), f"{FIRST} is there twice"),
        (members(("train/3/x.png", tarfile.SYMTYPE, "/etc/passwd")), "train/3/x.png is no regular file"),
        (members(("train/3/x.png", tarfile.LNKTYPE, FIRST)), "train/3/x.png is no regular file"),
        (members(("train/3/x.png", tarfile.FIFOTYPE, "")), "train/3/x.png is no regular file"),
        (members(("more/train/3/x.png", tarfile.REGTYPE, "")), "holds more than one image folder (. and more)"),
    ],
)
def test_members_that_no_image_folder_has_are_refused(tmp_path, put, said):
    put(tmp_path / "mnist.tar")
    with pytest.raises(ValueError, match=r"mnist\.tar") as caught:
        images.read("mnist", tmp_path)
    assert said in str(caught.value)


def test_nothing_is_extracted(tmp_path):
    put_tar(tmp_path / "in" / "mnist.tar", FILES, top="../")
    before = sorted(tmp_path.rglob("*"))
    assert len(images.read("mnist", tmp_path / "in").train) == 30
    new = [path for path in tmp_path.rglob("*") if path not in before and path.is_file()]
    assert [path.suffix for path in new] == [".npz"]


def test_an_archive_that_changes_while_it_is_read(tmp_path, monkeypatch):
    path = put_tar(tmp_path / "mnist.tar", FILES)
    archive = images.reader.Archive(path)
    archive.entries()
    put_tar(path, {name.replace("0000", "other"): content for name, content in FILES.items()})
    with pytest.raises(ValueError, match="changed while it was read"):
        list(archive.contents())
