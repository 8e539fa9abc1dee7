"""Files made to start a program, to hang, or to exhaust the machine: one line each, in little memory and time."""

import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib

import pytest

from hw1bench.images.members import members
from image_sets import chunk, draw, files, own_cache, png, put_idx, put_tar, put_tree, put_zip, raw_files  # noqa: F401

SPLITS = draw("mnist")
FILES = files("mnist", SPLITS)
FIRST = next(iter(FILES))  # train/<class>/0000.png
IMAGE = FILES[FIRST]
MIB = 1 << 20
BOMB = 300  # MiB: more than the reader may have

READER = """
import json, resource, signal, sys
from pathlib import Path
from hw1bench import images
def alarm(*_):
    raise BaseException("it took too long")
signal.signal(signal.SIGALRM, alarm)
root, said = Path(sys.argv[1]), {}
images.read("mnist", root / "whole")  # imports what there is to import
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (160 << 20),) * 2)
for folder in sorted(root.iterdir()):
    signal.alarm(30)
    try:
        said[folder.name] = f"read {len(images.read('mnist', folder).train)}"
    except BaseException as error:
        said[folder.name] = f"{type(error).__name__}: {error}"
    signal.alarm(0)
print(json.dumps(said))
"""


def zeros(mebibytes):
    """``mebibytes`` MiB of zeros as part of a deflate stream."""
    packer = zlib.compressobj(9, wbits=-15)
    return (packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)) * mebibytes


def gzipped(*parts):
    """The content of a gzip file of ``parts``, each bytes or a number of MiB of zeros."""
    packed, check, size, block = b"", 0, 0, bytes(MIB)
    for part in parts:
        if isinstance(part, bytes):
            packer = zlib.compressobj(wbits=-15)
            packed += packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH)
            check, size = zlib.crc32(part, check), size + len(part)
        else:
            packed += zeros(part)
            for _ in range(part):
                check = zlib.crc32(block, check)
            size += part * MIB
    head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    return head + packed + b"\3\0" + struct.pack("<II", check, size & 0xFFFFFFFF)


def header(name, size, kind=b"0", **fields):
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    for field, value in fields.items():
        setattr(member, field, value)
    return member.tobuf(tarfile.GNU_FORMAT)


def padded(content):
    return content + bytes(-len(content) % 512)


BODY = b"".join(header(path, len(content)) + padded(content) for path, content in FILES.items())
END = bytes(1024)


def summed(head):
    """A header with its checksum corrected."""
    head = bytearray(head)
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


def records(*pairs):
    content = b""
    for key, value in pairs:
        length = len(key) + len(value) + 3
        while length != len(text := b"%d %s=%s\n" % (length, key, value)):
            length = len(text)
        content += text
    return header("records", len(content), b"x") + padded(content)


def sparse_chain():
    head = bytearray(header("train/3/x.png", 0, b"S"))
    head[482] = 1  # it goes on
    return summed(head) + (b"00000000001\0" * 42 + b"\1" + bytes(7)) * 100_000


def inflated(kind, head):
    """An image with a chunk that unpacks to 200 MiB."""
    return IMAGE[:33] + chunk(kind, head + zlib.compress(bytes(200 * MIB), 1)) + IMAGE[33:]


def tree(make):
    return lambda folder: put_tree(folder / "mnist", FILES | {FIRST: make()})


def linked(target):
    def make(folder):
        path = put_tree(folder / "mnist", FILES) / FIRST
        path.unlink()
        path.symlink_to(target) if target else os.mkfifo(path)

    return make


def archive(name, *parts):
    def make(folder):
        folder.mkdir()
        if name.endswith("gz"):
            (folder / name).write_bytes(gzipped(*parts))
            return
        with (folder / name).open("wb") as file:
            for part in parts:
                file.write(part) if isinstance(part, bytes) else file.seek(part * MIB, os.SEEK_CUR)

    return make


def raw(name, content, *, size=0):
    """MNIST's files, one of them ``content``, and a hole up to ``size``; a link or a pipe if ``content`` is text or None."""

    def make(folder):
        path = put_idx(folder, SPLITS, packed=name.endswith("gz")) / name
        path.unlink()
        if content is None:
            os.mkfifo(path)
        elif isinstance(content, str):
            path.symlink_to(content)
        else:
            path.write_bytes(content)
        if size:
            os.truncate(path, size)

    return make


def special(name, target):
    def make(folder):
        folder.mkdir()
        (folder / name).symlink_to(target) if target else os.mkfifo(folder / name)

    return make


def zipped(change=lambda content: content, **members):
    def make(folder):
        path = put_zip(folder / "mnist.zip", FILES)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as opened:
            for name, mebibytes in members.items():
                with opened.open(name.replace("__", "."), "w") as file:
                    for _ in range(mebibytes):
                        file.write(bytes(MIB))
        path.write_bytes(change(path.read_bytes()))

    return make


def far_list(folder):
    """A zip that claims that its list of members is as long as the hole in it."""
    path = put_zip(folder / "mnist.zip", FILES)
    content = path.read_bytes()
    at = content.rindex(b"PK\5\6")
    with path.open("wb") as file:
        file.write(content[:at])
        file.seek(3 << 30)
        file.write(content[at : at + 12] + struct.pack("<II", (3 << 30) - 4096, 4096) + b"\0\0")


def loops(folder):
    put_tree(folder / "mnist" / "deep", FILES)
    for name in "ab":
        (folder / "mnist" / name).symlink_to(".")
    (folder / "mnist" / "deep" / "train" / "3" / "x.txt").symlink_to("x.txt")


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n%%EndComments\nshowpage\n"
HEAD = bytes([0, 0, 8, 3])
LONG = "the headers of a member take more than 1,048,576 bytes"
CASES = {
    "eps": (tree(lambda: EPS), "it is not an image file"),
    "png-ztxt": (tree(lambda: inflated(b"zTXt", b"k\0\0")), "cannot be decoded"),
    "png-iccp": (tree(lambda: inflated(b"iCCP", b"k\0\0")), "cannot be decoded"),
    "link-zero": (linked("/dev/zero"), f"{FIRST} is not a regular file: put the image itself"),
    "link-fifo": (linked(None), f"{FIRST} is not a regular file: put the image itself"),
    "link-self": (linked("0000.png"), "cannot be read"),
    "link-folder": (linked("/"), "is a folder inside a class folder"),
    "loops": (loops, "read 30"),
    "raw-fifo": (raw("train-images-idx3-ubyte", None), "it is not a regular file"),
    "raw-zero": (raw("train-labels-idx1-ubyte", "/dev/zero"), "it is not a regular file"),
    "raw-bomb": (
        raw("train-images-idx3-ubyte.gz", gzipped(HEAD + struct.pack(">III", 60_000, 28, 28), BOMB)),
        "it unpacks to more than 47,040,016 bytes",
    ),
    "raw-number": (raw("train-images-idx3-ubyte", HEAD + b"\xff" * 4 + struct.pack(">II", 28, 28)), "4,294,967,295"),
    "raw-one-more": (raw("t10k-labels-idx1-ubyte", bytes([0, 0, 8, 1]) + struct.pack(">I", 10_001)), "10,001"),
    "raw-sides": (raw("train-images-idx3-ubyte", HEAD + b"\xff" * 12), "holds images of 4294967295x4294967295"),
    "raw-hole": (
        raw("train-images-idx3-ubyte", raw_files(SPLITS)["train-images-idx3-ubyte"], size=1 << 34),
        "more than",
    ),
    "raw-padding": (raw("t10k-images-idx3-ubyte.gz", gzipped(b""), size=1 << 34), "cannot be read"),
    "tar-fifo": (special("mnist.tar", None), "it is not a regular file"),
    "tar-zero": (special("mnist.tgz", "/dev/zero"), "it is not a regular file"),
    "tar-dangling": (special("mnist.tar.xz", "nowhere"), "cannot be read"),
    "tar-film": (archive("mnist.tar", header("train/3/film.mp4", BOMB * MIB), BOMB, BODY, END), "read 30"),
    "tgz-film": (archive("mnist.tgz", header("film.mp4", BOMB * MIB), BOMB, BODY, END), "read 30"),
    "tgz-other": (archive("mnist.tgz", header("other", BOMB * MIB, b"Z"), BOMB, BODY, END), "read 30"),
    "tar-image": (archive("mnist.tar", BODY, header("train/3/x.png", BOMB * MIB), BOMB, END), "x.png has 314,572,800"),
    "tgz-image": (archive("mnist.tgz", header("train/3/x.png", BOMB * MIB), BOMB, BODY, END), "x.png has 314,572,800"),
    "tgz-after": (archive("mnist.tgz", BODY, END, BOMB), "more than 67,108,864 zeros follow its end"),
    "tgz-chain": (archive("mnist.tgz", records((b"k", b"v")) * 900, BODY, END), "cannot be read"),
    "tgz-sparse": (archive("mnist.tgz", sparse_chain(), BODY, END), LONG),
    "tgz-digits": (archive("mnist.tgz", records((b"k", b"1" * 1_000_000)), BODY, END), "more than 63 digits"),
    "tgz-square": (
        archive("mnist.tgz", header("x", 500_000, b"x") + padded(b"2 " * 249_999 + b"=\n"), BODY, END),
        "an extended header is damaged",
    ),
    "tgz-back": (
        archive("mnist.tgz", records((b"size", b"-51200")) + header("x", 0), BODY, END),
        "a member lies before the previous one",
    ),
    "tgz-far": (archive("mnist.tgz", records((b"size", b"9" * 30)) + header("x", 0), BODY, END), "cannot be read"),
    "tgz-holes": (
        archive("mnist.tgz", records((b"GNU.sparse.map", b"0,99999999999")) + header("train/3/x.png", 512), END),
        "x.png is not a regular file",
    ),
    "tar-line": (
        archive("mnist.tar", records((b"path", b"train/3/a\nb\xff.png")) + header("x", 0), BODY, END),
        r"train/3/a\nb\udcff.png cannot be decoded",
    ),
    "zip-film": (zipped(film__mp4=BOMB), "read 30"),
    "zip-image": (zipped(**{"train/3/x__png": BOMB}), "x.png has 314,572,800 bytes"),
    "zip-lie": (
        zipped(lambda c: c.replace(struct.pack("<I", 100 * MIB), struct.pack("<I", 99)), **{"train/3/x__png": 100}),
        "cannot be read",
    ),
    "zip-list": (far_list, "its list of members takes 3,221,221,376 bytes"),
    "whole": (lambda folder: put_tree(folder / "mnist", FILES), "read 30"),
}
for kind in (b"x", b"g", b"L", b"K"):
    CASES[f"tar-{kind.decode()}"] = (archive("mnist.tar", header("x", BOMB * MIB, kind), BOMB, BODY, END), LONG)
    CASES[f"tgz-{kind.decode()}"] = (archive("mnist.tgz", header("x", BOMB * MIB, kind), BOMB, BODY, END), LONG)


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Messages from reading each case, in a process that may take 160 MiB more than for a good set."""
    root = tmp_path_factory.mktemp("hostile")
    for name, (make, _) in CASES.items():
        make(root / name)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", READER, root],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache")), "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_file_costs_little_and_gives_one_line(said, name):
    expected = CASES[name][1]
    assert expected in said[name]
    assert "\n" not in said[name]
    assert said[name].isprintable()
    if not expected.startswith("read"):
        assert re.fullmatch(rf"ValueError: .*{re.escape(name)}/.*: (put|pack|remove|make) .*", said[name])


@pytest.mark.parametrize("path", [f"./{FIRST}", FIRST.replace("/", "//"), f"/{FIRST}", f"././/{FIRST}"])
@pytest.mark.parametrize("name", ["mnist.tar", "mnist.zip"])
def test_two_spellings_of_one_path(tmp_path, path, name):
    from hw1bench import images

    make = put_tar if name.endswith("tar") else put_zip
    make(tmp_path / name, FILES | {path: IMAGE})
    with pytest.raises(ValueError, match=f"{name}: {FIRST} occurs twice: pack each image once"):
        images.read("mnist", tmp_path)


def test_names_that_differ_in_case_are_two_images(tmp_path):
    from hw1bench import images

    path = FIRST.replace("0000.png", "0000.PNG")
    put_tar(tmp_path / "mnist.tar", FILES | {path: IMAGE})
    assert len(images.read("mnist", tmp_path).train) == 31


def test_limits_on_numbers(tmp_path, monkeypatch):
    from hw1bench import images

    monkeypatch.setattr("hw1bench.images.folder._MOST", 40)
    for make, name in ((put_tree, "mnist"), (put_tar, "mnist-a.tar")):
        make(tmp_path / name, FILES)
        with pytest.raises(ValueError, match=f"{name} holds more than 40 images"):
            images.read("mnist", tmp_path)
    monkeypatch.setattr("hw1bench.images.members._MOST", 49)
    with pytest.raises(ValueError, match="it has more than 49 members"):
        list(members(tmp_path / "mnist-a.tar"))
    (tmp_path / "big.tar.gz").write_bytes(gzipped(header("x", MIB), 1, END))
    monkeypatch.setattr("hw1bench.images.members._UNPACKED", 1000)
    with pytest.raises(ValueError, match=r"it unpacks to more than [0-9,]* bytes"):
        list(members(tmp_path / "big.tar.gz"))


def test_the_window_of_xz_is_bounded(tmp_path):
    import lzma

    content = lzma.compress(BODY + END, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": MIB}])
    end = 12 + (content[12] + 1) * 4  # of the block's header, in which the size of the window is one byte
    head = bytearray(content[12 : end - 4])
    head[head.index(b"\x21\x01") + 2] = 40  # 4 GiB
    path = tmp_path / "mnist.tar.xz"
    path.write_bytes(content[:12] + head + struct.pack("<I", zlib.crc32(head)) + content[end:])
    with pytest.raises(ValueError, match="Memory usage limit exceeded"):
        list(members(path))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, None])
@pytest.mark.parametrize("stem", ["train/3/", "x" * 1000 + "/", "./" * 600])
def test_the_length_of_a_path_is_bounded(tmp_path, form, stem):
    def put(name):
        with zipfile.ZipFile(path, "w") if form is None else tarfile.open(path, "w", format=form) as archive:
            if form is None:
                archive.writestr(name, b"")
            else:
                archive.addfile(tarfile.TarInfo(name))

    path = tmp_path / "mnist.tar"
    put(stem.ljust(1025, "y"))
    with pytest.raises(
        ValueError, match=r"a member's path has 1,\d\d\d characters, more than 1,024\): put an intact copy"
    ) as caught:
        list(members(path))
    assert len(str(caught.value)) < 500
    put("train/3/".ljust(1024, "y"))
    assert len(list(members(path))) == 1
    path.write_bytes(path.read_bytes()[: -10 if form is None else 2560])
    with pytest.raises(ValueError, match="put an intact copy") as caught:
        list(members(path))
    assert len(str(caught.value)) < 500


def test_the_number_of_files_with_mnist_names_is_bounded(tmp_path):
    from hw1bench import images

    put_tar(tmp_path / "mnist.tar", {f"{n}/train-images-idx3-ubyte": b"" for n in range(1001)})
    with pytest.raises(
        ValueError, match="holds more than 1,000 files with names of MNIST's files: pack the set itself"
    ):
        images.read("mnist", tmp_path)
