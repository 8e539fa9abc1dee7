"""Fingerprints of arrays, and named arrays in a file, one ``.npz`` without compression or pickles; any damaged file raises
``Damaged``.

Anything may lie on a disk: half a file, a file with a flipped bit, a pipe, another program's output. So the cost of reading
is bounded by the size of the file, in memory and in time.
"""

import hashlib
import math
import os
import warnings
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import IO, BinaryIO, NoReturn

import numpy as np

from hw1bench.support.files import open_regular, writing

_SUFFIX = ".npy"
_KINDS = "biufU"  # numpy's kinds of the arrays that are stored: booleans, numbers and text
_END = 22  # bytes of an archive's last record, which holds the number of members
_PIECE = 2**20  # bytes per read


class Damaged(ValueError):
    """A file that exists but does not hold the arrays that were written; the message says why in a few words."""


def fingerprint(*arrays: np.ndarray) -> str:
    """Return 32 hexadecimal digits over the shapes, types and bytes of ``arrays``."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:32]


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write ``arrays`` to ``path``, whole or not at all. Raises OSError if the disk refuses."""
    with writing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub mistakes an array for its flag


def load_arrays(path: Path, most: int | None = None, *, only: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Load the arrays that ``save_arrays`` wrote to ``path``, or ``only`` those of some names; a file of more than ``most`` bytes
    is not read.

    Raises FileNotFoundError if nothing is there or a link is broken, and ``Damaged`` for anything else that is not such a
    file, without waiting for a pipe, loading a pickle, or taking more memory than the file has bytes.
    """
    try:
        file = open_regular(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(error.errno, error.strerror, str(path)) from None
    except OSError as error:
        raise Damaged(error.strerror or str(error)) from None
    with file:
        return read_arrays(file, most, only=only)


def read_arrays(
    file: BinaryIO, most: int | None = None, *, only: Collection[str] | None = None
) -> dict[str, np.ndarray]:
    """Read arrays from a ``file`` that can seek, as ``load_arrays`` does from a path. Raises ``Damaged``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python and numpy warn about odd headers
            size = file.seek(0, os.SEEK_END)
            if most is not None and size > most:
                _refuse(f"it has {size:,} bytes, more than {most:,}")
            return _members(file, size, only)
    except Damaged:
        raise
    # For bytes that are not theirs zipfile, numpy and numpy's tokenizer raise, among others, RuntimeError (encryption),
    # NotImplementedError, SyntaxError, struct.error, OverflowError and RecursionError.
    except Exception as error:
        raise Damaged(" ".join(str(error).split())[:200] or type(error).__name__) from error


def _members(file: BinaryIO, size: int, only: Collection[str] | None) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        file.seek(-_END, os.SEEK_END)
        if int.from_bytes(file.read(_END)[10:12], "little") != len(members):  # zipfile does not check
            _refuse("it does not hold the number of arrays that it claims")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            _refuse("it is compressed")
        if sum(member.file_size for member in members) > size:
            _refuse("its arrays claim more bytes than it has")
        names = [member.filename.removesuffix(_SUFFIX) for member in members]
        if len(set(names)) < len(names):
            _refuse("it holds one name twice")
        arrays = {}
        for name, member in zip(names, members, strict=True):
            if only is not None and name not in only:
                continue
            with archive.open(member) as stream:
                arrays[name] = _array(stream, member.file_size)
        return arrays


def _array(stream: IO[bytes], size: int) -> np.ndarray:
    """The array in a member of ``size`` bytes."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, by_columns, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        _refuse(f"it is in version {version} of numpy's format")
    if dtype.kind not in _KINDS or not dtype.itemsize:
        _refuse(f"it holds an array of type {dtype}")
    if math.prod(shape) * dtype.itemsize != size - stream.tell() or min(shape, default=0) < 0:
        _refuse(f"an array of shape {shape} does not fill its member")
    array = np.empty(shape, dtype, order="F" if by_columns else "C")
    content, done = array.reshape(-1, order="A").view(np.uint8).data, 0
    while done < len(content):
        piece = stream.read(min(_PIECE, len(content) - done))
        if not piece:
            _refuse("it ends before its arrays do")
        content[done : done + len(piece)] = piece
        done += len(piece)
    if stream.read(1):  # zipfile compares the checksum at the end
        _refuse("an array continues past its end")
    return array


def _refuse(why: str) -> NoReturn:
    raise Damaged(why)
