"""Named arrays in a file, one ``.npz`` without compression or pickles; a file with any damage is refused, in one way.

What lies on a disk may be anything: half a file, a file with a flipped bit, a pipe, what another program left. So the file
alone decides what it costs to read: no more memory than it has bytes, and no time but theirs.
"""

import math
import os
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, BinaryIO, NoReturn

import numpy as np

from hw1bench.support.files import opened, writing

_SUFFIX = ".npy"
_KINDS = "biufU"  # truth values, numbers and text: what is stored
_END = 22  # bytes of an archive's last record, which says how many members there are
_PIECE = 2**20  # bytes read at once


class Damaged(ValueError):
    """A file that is there and does not hold the arrays that were written; the text says why, in a few words."""


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write ``arrays`` to ``path``, whole or not at all. Raises OSError where the disk refuses."""
    with writing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub takes them for its flag


def load_arrays(path: Path, most: int | None = None) -> dict[str, np.ndarray]:
    """What `save_arrays` wrote to ``path``, of at most so many bytes if that is given: a larger file is not read.

    Raises FileNotFoundError where there is nothing (at the end of a link, too), and `Damaged` for all else that is not such
    a file, whatever is wrong with it, without waiting for a pipe, loading a pickle, or taking more memory than the file.
    """
    try:
        file = opened(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(error.errno, error.strerror, str(path)) from None
    except OSError as error:
        raise Damaged(error.strerror or str(error)) from None
    try:
        with file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python and numpy warn of odd headers
            size = os.fstat(file.fileno()).st_size
            if most is not None and size > most:
                _refuse(f"it has {size:,} bytes, where at most {most:,} can be wanted")
            return _members(file, size)
    except Damaged:
        raise
    # What zipfile, numpy and the tokenizer below it raise for bytes that are not theirs is no closed list: among others
    # RuntimeError (encryption), NotImplementedError, SyntaxError, struct.error, OverflowError, RecursionError.
    except Exception as error:
        raise Damaged(" ".join(str(error).split())[:200] or type(error).__name__) from error


def _members(file: BinaryIO, size: int) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        file.seek(-_END, os.SEEK_END)
        if int.from_bytes(file.read(_END)[10:12], "little") != len(members):  # zipfile does not look
            _refuse("it holds another number of arrays than it says")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            _refuse("it is compressed")
        if sum(member.file_size for member in members) > size:
            _refuse("its arrays claim more bytes than it has")
        names = [member.filename.removesuffix(_SUFFIX) for member in members]
        if len(set(names)) < len(names):
            _refuse("it holds a name twice")
        arrays = {}
        for name, member in zip(names, members, strict=True):
            with archive.open(member) as stream:
                arrays[name] = _array(stream, member.file_size)
        return arrays


def _array(stream: IO[bytes], size: int) -> np.ndarray:
    """The array of a member of so many bytes."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, by_columns, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        _refuse(f"it is in version {version} of numpy's format")
    if dtype.kind not in _KINDS or not dtype.itemsize:
        _refuse(f"an array of type {dtype} is not what is stored")
    if math.prod(shape) * dtype.itemsize != size - stream.tell() or min(shape, default=0) < 0:
        _refuse(f"an array of shape {shape} does not fill its place")
    array = np.empty(shape, dtype, order="F" if by_columns else "C")
    content, done = array.reshape(-1, order="A").view(np.uint8).data, 0
    while done < len(content):
        piece = stream.read(min(_PIECE, len(content) - done))
        if not piece:
            _refuse("it ends before its arrays do")
        content[done : done + len(piece)] = piece
        done += len(piece)
    if stream.read(1):  # at its end the checksum is compared
        _refuse("an array goes on behind its end")
    return array


def _refuse(why: str) -> NoReturn:
    raise Damaged(why)
