"""The members of an archive, .tar (plain or packed by gzip, bzip2 or xz) or .zip, each with its path and its size.

Nothing is extracted, no path is followed, and what nobody asked for is passed over unread: in a plain tar and a zip by
seeking, in a packed tar in bounded memory.
"""

import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from hw1bench.images.folder import unreadable
from hw1bench.images.streams import drain_zeros, take, unpacked
from hw1bench.support.files import opened

_BLOCK = 512  # bytes, tar's unit
_TYPE = 156  # where in a header the type of a member is
_HEADERS = 1 << 20  # bytes that may describe one member: long names, extended attributes
_HEADERS_EACH = 1 << 12  # bytes that may describe each of many
_MOST = 1_000_000  # members
_PATH = 1 << 10  # characters of a member's path
_SHOWN = 200  # of them that an error names
_EXTENDED = (b"x", b"g", b"X")  # types of headers that hold records, of one member or of all that follow
_RECORD = re.compile(rb"(\d{1,9}) [^=]+=", re.DOTALL)
_DIGITS = re.compile(rb"\d{64}")
_ZIP = (b"PK\3\4", b"PK\5\6")  # the start of a zip, and of an empty one
_DIRECTORY = 1 << 25  # bytes of a zip's list of members: 70,000 images take 10 MB
_UNPACKED = 1 << 32  # bytes to which a small packed tar may unpack; a large one, to more


class Member(NamedTuple):
    """``path`` without ``.`` and doubled slashes; ``kind`` is "other" for links, devices and files with holes."""

    path: str
    kind: Literal["file", "folder", "other"]
    size: int


class _Torn(Exception):
    """An archive that ends where it should not, or a header in it that is none."""


def _refuse_records(content: bytes) -> None:
    """Raises ValueError for records of an extended header on which tarfile would spend the square of their length.

    It follows a length without looking whether a record ends there, and looks for digits from each digit on.
    """
    at, end = 0, len(content.rstrip(b"\0"))
    while at < end:
        length = int(found[1]) if (found := _RECORD.match(content, at)) else 0
        if found is None or at + length > end or found.end() >= at + length or content[at + length - 1] != ord("\n"):
            raise ValueError("an extended header is damaged")
        at += length
    if _DIGITS.search(content):
        raise ValueError("an extended header holds a number of more than 63 digits")


class _Tape:
    """What tarfile reads headers from: forwards only, and a limited number of bytes a member, for it holds them in memory."""

    def __init__(self, stream: BinaryIO, *, seekable: bool) -> None:
        self._stream, self._seekable = stream, seekable
        self._at, self._left = 0, _HEADERS
        self.last = b""

    def allow(self) -> None:
        self._left = min(_HEADERS, self._left + _HEADERS_EACH)

    def read(self, size: int) -> bytes:
        self._left -= size
        if size < 0 or self._left < 0:
            raise ValueError(f"the headers of a member take more than {_HEADERS:,} bytes")
        extended = len(self.last) == _BLOCK and self.last[_TYPE : _TYPE + 1] in _EXTENDED
        found = self.content(size)
        if extended:
            _refuse_records(found)
        self.last = b"" if extended else found
        return found

    def content(self, size: int) -> bytes:
        found = take(self._stream, size)
        self._at += len(found)
        return found

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int) -> None:
        if offset < self._at:
            raise ValueError("a member lies before the one before it")
        if self._seekable:
            self._stream.seek(offset)
            self._at = offset
        while self._at < offset and (piece := self._stream.read(min(1 << 16, offset - self._at))):
            self._at += len(piece)


class _Bounded:
    """A file that gives no more than `_DIRECTORY` bytes at once: zipfile reads the list of members whole."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > _DIRECTORY:
            raise ValueError(f"its list of members takes {size:,} bytes")
        return self._file.read(size if size >= 0 else _DIRECTORY)


def short(path: str) -> str:
    """As much of a path as an error names."""
    return path if len(path) <= _SHOWN else f"{path[:_SHOWN]}…"


def _path(name: str) -> str:
    if len(name) > _PATH:
        raise ValueError(f"a member's path has {len(name):,} characters, more than {_PATH:,}")
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _whole(content: bytes, member: Member) -> bytes:
    if len(content) != member.size:
        raise EOFError(f"{short(member.path)} is cut short")
    return content


def _tar(file: BinaryIO, wanted: Mapping[str, int]) -> Iterator[tuple[Member, bytes]]:
    size = file.seek(0, 2)
    file.seek(0)
    stream = unpacked(file, _UNPACKED + 2 * size)
    tape = _Tape(stream, seekable=stream is file)
    with tarfile.TarFile(fileobj=tape) as tar:  # type: ignore[arg-type]  # it only reads
        while (found := tar.next()) is not None:
            kind: Literal["file", "folder", "other"] = "other"
            if found.isdir():
                kind = "folder"
            elif found.isreg() and found.sparse is None:
                kind = "file"
            member = Member(_path(found.name), kind, found.size)
            content = b""
            if member.path in wanted and kind == "file" and member.size <= wanted[member.path]:
                tape.seek(found.offset_data)
                content = _whole(tape.content(member.size), member)
            yield member, content
            tar.members.clear()  # type: ignore[attr-defined]  # 60,000 of them take as much memory as the images
            tar.pax_headers.clear()  # type: ignore[attr-defined]  # of the whole archive, which may be added to without end
            tape.allow()
    # tarfile takes a damaged header, and the end of a file cut short between two members, for the end of the archive.
    if len(tape.last) < _BLOCK or tape.last.strip(b"\0") or not drain_zeros(stream):  # at its end gzip checks its sum
        raise _Torn


def _zip(file: BinaryIO, wanted: Mapping[str, int]) -> Iterator[tuple[Member, bytes]]:
    with zipfile.ZipFile(_Bounded(file)) as archive:
        for found in archive.infolist():
            kind: Literal["file", "folder", "other"] = "file"
            if found.is_dir():
                kind = "folder"
            elif stat.S_IFMT(found.external_attr >> 16) not in (0, stat.S_IFREG):
                kind = "other"
            # Some programs of Windows write its own separator, which the format does not know.
            member = Member(_path(found.filename.replace("\\", "/")), kind, found.file_size)
            content = b""
            if member.path in wanted and kind == "file" and member.size <= wanted[member.path]:
                if found.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    # What the others take of memory is not bounded.
                    raise ValueError(f"{short(member.path)} is packed neither plain nor by deflate")
                with archive.open(found) as stream:
                    content = _whole(take(stream, member.size + 1), member)
            yield member, content


def members(path: Path, wanted: Mapping[str, int] | None = None) -> Iterator[tuple[Member, bytes]]:
    """Each member of the archive at ``path``, in its order, with its content if it is a ``wanted`` file, else b"".

    ``wanted``: path -> the most bytes that it may have, to be read; a larger one is not.
    Raises ValueError, in one line that names the archive and the last member, for one that is damaged, or whose
    description of a member or whole length no honest archive has. A tar is checked to its end when all are taken.
    """
    last = "its start"
    try:
        with opened(path) as file:
            form = _zip if file.read(4) in _ZIP else _tar
            for number, (member, content) in enumerate(form(file, wanted or {})):
                if number == _MOST:
                    raise ValueError(f"it has more than {_MOST:,} members")
                last = short(member.path)
                yield member, content
    except _Torn:
        raise ValueError(f"{path} is cut short or damaged after {last}: put a whole copy in its place") from None
    # For bytes that are no archive tarfile and zipfile raise, beside their own, RuntimeError, RecursionError,
    # NotImplementedError, UnicodeError, OverflowError, struct.error and more.
    except Exception as error:
        raise unreadable(f"{path}, after {last},", error) from error
