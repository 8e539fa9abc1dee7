"""An image folder in a tar, plain or packed by gzip, read as a stream.

Nothing is extracted, and no path is followed: a member's path only tells its split and its class. One leading directory
is allowed.
"""

import gzip
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO

from hw1bench.images.folder import Entry, digest, refuse_size, unreadable
from hw1bench.images.sets import SPLITS

_BLOCK = 512  # bytes, tar's unit


class _Watched:
    """A stream that remembers how long it was, and where its last byte that is not zero was."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size = self.content = 0

    def read(self, size: int) -> bytes:
        chunk = self._stream.read(size)
        content = len(chunk.rstrip(b"\0"))
        if content:
            self.content = self.size + content
        self.size += len(chunk)
        return chunk


class Archive:
    """An image folder in the tar at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.title = str(path)

    def identity(self) -> str:
        try:
            stat = self._path.stat()
        except OSError as error:
            raise unreadable(self._path, error) from error
        return digest(["archive", self._path.resolve(), stat.st_size, stat.st_mtime_ns])

    @cached_property
    def _listing(self) -> list[Entry]:
        listing, tops, names = [], set(), set()
        for member, _ in self._members(read=False):
            entry, top = self._entry(member)
            if entry is None:
                continue
            if member.name in names:
                raise ValueError(f"{self.title}: {member.name} is there twice: pack each image once")
            if not member.isreg():
                raise ValueError(
                    f"{self.title}: {member.name} is no regular file: pack the images themselves, no links"
                )
            refuse_size(f"{self.title}: {member.name}", member.size)
            names.add(member.name)
            tops.add(top)
            if len(tops) > 1:
                raise ValueError(
                    f"{self.title} holds more than one image folder ({' and '.join(sorted(tops))}): pack one"
                )
            listing.append(entry)
        return listing

    def entries(self) -> Sequence[Entry]:
        return self._listing

    def contents(self) -> Iterator[bytes]:
        expected = iter(self._listing)
        for member, content in self._members(read=True):
            entry, _ = self._entry(member)
            if entry is not None:
                if entry != next(expected, None):
                    raise ValueError(f"{self.title} changed while it was read: run again")
                yield content

    def _entry(self, member: tarfile.TarInfo) -> tuple[Entry | None, str]:
        """The image that a member is, None where it is none, and the leading directory that it lies in."""
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        start = next((n for n, part in enumerate(parts[:2]) if part in SPLITS), None)
        if start is None or member.isdir():
            return None, ""
        split, *rest = parts[start:]
        if len(rest) < 2 or any(part.startswith(".") for part in rest):
            return None, ""
        if len(rest) > 2:
            raise ValueError(
                f"{self.title}: {member.name} lies in a folder in a class folder: pack it beside the others"
            )
        return Entry(split, rest[0], "/".join(parts)), "/".join(parts[:start]) or "."

    def _members(self, *, read: bool) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
        """Each member and, if ``read``, the content of a regular file. At the end the whole stream has been read, and checked."""
        last = "its start"
        opened = gzip.open if self._path.name.lower().endswith("gz") else open
        try:
            with opened(self._path, "rb") as stream:
                watched = _Watched(stream)  # type: ignore[arg-type]  # of gzip or a file: no common type
                with tarfile.open(fileobj=watched, mode="r|") as tar:  # type: ignore[call-overload]  # it only reads
                    while (member := tar.next()) is not None:
                        last = member.name
                        content = tar.extractfile(member) if read and member.isreg() else None
                        yield member, content.read() if content else b""
                        tar.members.clear()  # 60,000 of them take as much memory as the images
                    end = tar.offset
                while watched.read(1 << 20):  # gzip checks its sum at the end
                    pass
        except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
            raise unreadable(f"{self.title}, after {last},", error) from error
        # tarfile takes a damaged header, and the end of a file cut short between two members, for the end of the archive.
        if watched.size < end + _BLOCK or watched.content > end:
            raise ValueError(f"{self.title} is cut short or damaged after {last}: put a whole copy in its place")
