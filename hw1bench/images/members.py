"""The members of an archive, .tar (plain or packed by gzip, bzip2 or xz) or .zip, each with its path and its size.

Nothing is extracted, no path is followed, and unwanted content is skipped unread: in a plain tar and a zip by seeking, in a
packed tar in bounded memory.
"""

import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from hw1bench.images.folder import unreadable
from hw1bench.images.unpacking import drain_zeros, take, unpacked
from hw1bench.support.files import open_regular

_BLOCK = 512  # bytes of a block of a tar
_TYPE = 156  # offset of the type of a member in its header
_HEADERS = 1 << 20  # bytes that may describe one member: long names, extended attributes
_HEADERS_EACH = 1 << 12  # bytes that may describe each of many members on average
_MOST = 1_000_000  # members
_PATH = 1 << 10  # characters of a member's path
_SHOWN = 200  # characters of a path in an error
_EXTENDED = (b"x", b"g", b"X")  # types of headers that hold records, for one member or for all that follow
_RECORD = re.compile(rb"(\d{1,9}) [^=]+=", re.DOTALL)
_DIGITS = re.compile(rb"\d{64}")
_ZIP = (b"PK\3\4", b"PK\5\6")  # first bytes of a zip, and of an empty zip
_DIRECTORY = 1 << 25  # bytes of a zip's list of members: 70,000 images take 10 MB
_UNPACKED = 1 << 32  # bytes to which a small packed tar may unpack; a large one may unpack to more


class Member(NamedTuple):
    """A member: its ``path`` without ``.`` and doubled slashes; ``kind`` is "other" for links, devices and sparse files."""

    path: str
    kind: Literal["file", "folder", "other"]
    size: int


class _Truncated(Exception):
    """An archive that ends too early or has an invalid header."""


def _refuse_records(content: bytes) -> None:
    """Raise ValueError for records of an extended header on which tarfile would spend quadratic time.

    It follows a length without checking that a record ends there, and searches for digits from every digit on.
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
    """File from which tarfile reads headers: forwards only, and with bounded bytes per member, which tarfile keeps in memory."""

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
            raise ValueError("a member lies before the previous one")
        if self._seekable:
            self._stream.seek(offset)
            self._at = offset
        while self._at < offset and (piece := self._stream.read(min(1 << 16, offset - self._at))):
            self._at += len(piece)


class _Bounded:
    """File that gives at most ``_DIRECTORY`` bytes at once, because zipfile reads the whole list of members."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > _DIRECTORY:
            raise ValueError(f"its list of members takes {size:,} bytes")
        return self._file.read(size if size >= 0 else _DIRECTORY)


def short(path: str) -> str:
    """Return as much of ``path`` as errors show."""
    return path if len(path) <= _SHOWN else f"{path[:_SHOWN]}…"


def _path(name: str) -> str:
    if len(name) > _PATH:
        raise ValueError(f"a member's path has {len(name):,} characters, more than {_PATH:,}")
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _complete(content: bytes, member: Member) -> bytes:
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
                content = _complete(tape.content(member.size), member)
            yield member, content
            tar.members.clear()  # type: ignore[attr-defined]  # 60,000 members take as much memory as the images
            tar.pax_headers.clear()  # type: ignore[attr-defined]  # headers of the whole archive, which could grow without bound
            tape.allow()
    # tarfile mistakes a damaged header, or a file that ends between two members, for the end of the archive.
    if len(tape.last) < _BLOCK or tape.last.strip(b"\0") or not drain_zeros(stream):  # gzip's checksum is at its end
        raise _Truncated


def _zip(file: BinaryIO, wanted: Mapping[str, int]) -> Iterator[tuple[Member, bytes]]:
    with zipfile.ZipFile(_Bounded(file)) as archive:
        for found in archive.infolist():
            kind: Literal["file", "folder", "other"] = "file"
            if found.is_dir():
                kind = "folder"
            elif stat.S_IFMT(found.external_attr >> 16) not in (0, stat.S_IFREG):
                kind = "other"
            # Some Windows programs write backslashes, which the format does not allow.
            member = Member(_path(found.filename.replace("\\", "/")), kind, found.file_size)
            content = b""
            if member.path in wanted and kind == "file" and member.size <= wanted[member.path]:
                if found.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    # The memory that the other methods take is not bounded.
                    raise ValueError(f"{short(member.path)} is neither stored nor packed by deflate")
                with archive.open(found) as stream:
                    content = _complete(take(stream, member.size + 1), member)
            yield member, content


def members(path: Path, wanted: Mapping[str, int] | None = None) -> Iterator[tuple[Member, bytes]]:
    """Yield each member of the archive at ``path``, in order, with its content if it is a ``wanted`` file, otherwise b"".

    ``wanted``: path -> the most bytes to read; a larger file is not read.
    Raises ValueError, in one line that names the archive and the last member, if the archive is damaged, or a header or the
    whole is larger than in any honest archive. A tar is checked to its end once all members have been yielded.
    """
    last = "its start"
    try:
        with open_regular(path) as file:
            form = _zip if file.read(4) in _ZIP else _tar
            for number, (member, content) in enumerate(form(file, wanted or {})):
                if number == _MOST:
                    raise ValueError(f"it has more than {_MOST:,} members")
                last = short(member.path)
                yield member, content
    except _Truncated:
        raise ValueError(f"{path} is cut short or damaged after {last}: put an intact copy in its place") from None
    # For bytes that are not an archive tarfile and zipfile raise, beside their own errors, RuntimeError, RecursionError,
    # NotImplementedError, UnicodeError, OverflowError, struct.error and more.
    except Exception as error:
        raise unreadable(f"{path}, after {last},", error) from error
