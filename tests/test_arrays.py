"""Files of arrays: written arrays come back, and anything else raises ``Damaged``, at little cost."""

import io
import os
import socket
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench.support.arrays import Damaged, load_arrays, read_arrays, save_arrays

ARRAYS = {
    "losses": np.arange(6.0).reshape(2, 3),
    "half": np.ones((2, 2), np.float16),
    "columns": np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3)),
    "reached": np.array([True, False]),
    "none": np.empty((0, 4)),
    "one": np.array(3.5),
    "text": np.array("näher"),
}
SMALL = {"loss": np.arange(3.0), "meta": np.array("{}")}


def same(found, wanted):
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "key.npz"


def test_arrays_come_back_bit_for_bit_and_numpy_reads_them_too(path):
    save_arrays(path, ARRAYS)
    same(load_arrays(path), ARRAYS)
    same(dict(np.load(path)), ARRAYS)


def test_every_flipped_bit_gives_the_same_arrays_or_is_noticed(path):
    save_arrays(path, SMALL)
    content = bytearray(path.read_bytes())
    said = set()
    for place in range(len(content)):
        for bit in range(8):
            content[place] ^= 1 << bit
            file = io.BytesIO(content)  # a disk takes milliseconds for each
            content[place] ^= 1 << bit
            try:
                same(read_arrays(file), SMALL)
            except Damaged as damage:
                said.add(str(damage))
    assert all("\n" not in text and 0 < len(text) <= 200 for text in said)


def test_every_shorter_file_is_noticed(path):
    save_arrays(path, SMALL)
    content = path.read_bytes()
    for length in range(len(content)):
        with pytest.raises(Damaged):
            read_arrays(io.BytesIO(content[:length]))


def member(header, content=b"", version=1):
    """A file of one array in numpy's format with the given ``header``."""
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + content


def archive(path, content, name="a.npy", **how):
    with zipfile.ZipFile(path, "w", **how) as file:
        file.writestr(name, content)


HEADERS = {
    "huge": b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}",
    "huge in all": b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999, 99999999999999)}",
    "huge and empty": b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 99999999999999999999999)}",
    "of nothing": b"{'descr': '<U0', 'fortran_order': False, 'shape': (4000000000,)}",
    "negative": b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}",
    "of objects": b"{'descr': '|O', 'fortran_order': False, 'shape': ()}",
    "of records": b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}",
    "of time": b"{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,)}",
    "deep": b"(" * 9000,
    "deep and closed": b"(" * 4500 + b")" * 4500,
    "deep signs": b"-" * 9000 + b"1",
    "escapes": b"{'\\q': 1}",
    "nul": b"{'a\0b': 1}",
    "no Python": b"\xff{'",
    "no header": b"[]",
    "long": b" " * 60_000,
}


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("version", [1, 2, 3, 9])
def test_odd_headers_are_refused_before_memory_is_taken(path, name, version):
    archive(path, member(HEADERS[name], bytes(8), version))
    tracemalloc.start()
    try:
        with pytest.raises(Damaged):
            load_arrays(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=200), st.sampled_from([1, 2]))
def test_any_header_is_read_or_refused(tmp_path_factory, header, version):
    path = tmp_path_factory.getbasetemp() / "any.npz"
    archive(path, member(header, bytes(8), version))
    with pytest.raises(Damaged):
        load_arrays(path)


def test_files_written_in_another_way_are_refused(path):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(10**6))
    archive(path, buffer.getvalue(), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(Damaged, match="it is compressed"):
        load_arrays(path)
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    archive(path, buffer.getvalue() + b"more")
    with pytest.raises(Damaged, match="does not fill its member"):
        load_arrays(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.npy", buffer.getvalue())
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("a.npy", buffer.getvalue())
    with pytest.raises(Damaged, match="one name twice"):
        load_arrays(path)


def test_arrays_that_share_bytes_are_refused(path):
    """A small file whose entries all point at the same bytes would fill the memory."""
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(10**4))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.npy", buffer.getvalue())
        first = file.infolist()[0]
        for other in "bcdef":
            copy = zipfile.ZipInfo(f"{other}.npy")
            for what in ("header_offset", "CRC", "file_size", "compress_size", "flag_bits"):
                setattr(copy, what, getattr(first, what))
            file.filelist.append(copy)
    with pytest.raises(Damaged, match="more bytes than it has"):
        load_arrays(path)


def test_a_missing_file_is_not_a_damaged_one(path):
    with pytest.raises(FileNotFoundError):
        load_arrays(path)
    path.symlink_to("nowhere")
    with pytest.raises(FileNotFoundError):
        load_arrays(path)
    (path.parent / "file").write_bytes(b"")
    with pytest.raises(FileNotFoundError):
        load_arrays(path.parent / "file" / "key.npz")


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device", "loop"])
def test_anything_but_a_regular_file_is_refused_at_once(path, kind, monkeypatch):
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        monkeypatch.chdir(path.parent)  # a socket's path is short
        with socket.socket(socket.AF_UNIX) as there:
            there.bind(path.name)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    with pytest.raises(Damaged):
        load_arrays(path)
