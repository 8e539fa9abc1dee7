"""An image folder, or MNIST's files, in an archive.

A member's path only tells its split and its class, or which of MNIST's files it is. Leading directories are allowed.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from hw1bench.images.find import MNIST_FILES, is_idx, spellings
from hw1bench.images.folder import (
    LARGEST,
    RULES,
    Entry,
    Others,
    digest,
    is_image,
    is_litter,
    refuse_number,
    refuse_size,
    refuse_words,
    split_of,
    state,
    unreadable,
)
from hw1bench.images.members import Member, members

_LARGEST_IDX = 1 << 26  # bytes: MNIST's training images take 47 MB
_LEADING = 4  # directories that may lie around train/ and test/
_PICKLES = "data_batch_1"


class _Listing(NamedTuple):
    entries: list[Entry]
    others: Others
    idx: set[str]
    """The paths of MNIST's files."""


class Archive:
    """The archive at ``path``, of a form of `hw1bench.images.members`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.title = str(path)

    def identity(self) -> str:
        try:
            stat = self._path.stat()
        except OSError as error:
            raise unreadable(self._path, error) from error
        return digest(["archive", RULES, self._path.resolve(), *state(stat)])

    @cached_property
    def _listing(self) -> _Listing:
        found = _Listing([], Others(), set())
        tops: set[str] = set()
        names: set[str] = set()
        words: dict[str, set[str]] = defaultdict(set)
        pickles = False
        for member, _ in members(self._path):
            name = member.path.rpartition("/")[2]
            if is_idx(name) and member.kind == "file" and not _hidden(member):
                self._refuse_idx(member, found.idx)
                found.idx.add(member.path)
            pickles |= name == _PICKLES
            entry, top = self._entry(member, found.others)
            if entry is None:
                continue
            if entry.path in names:
                raise ValueError(f"{self.title}: {entry.path} is there twice: pack each image once")
            if member.kind != "file":
                raise ValueError(f"{self.title}: {entry.path} is no regular file: pack the images themselves, no links")
            refuse_size(f"{self.title}: {entry.path}", member.size)
            names.add(entry.path)
            tops.add(top)
            if len(tops) > 1:
                raise ValueError(
                    f"{self.title} holds more than one image folder ({' and '.join(sorted(tops))}): pack one"
                )
            words[entry.split].add(entry.path.removeprefix(f"{top}/").partition("/")[0])
            refuse_words(self.title, entry.split, words[entry.split])
            found.entries.append(entry)
            refuse_number(self.title, len(found.entries))
        if pickles and not found.entries:
            raise ValueError(f"{self.title} holds pickles, which are not opened in an archive: unpack it where it lies")
        return found

    def _refuse_idx(self, member: Member, listed: set[str]) -> None:
        if member.path in listed:
            raise ValueError(f"{self.title}: {member.path} is there twice: pack each file once")
        if member.size > _LARGEST_IDX:
            raise ValueError(
                f"{self.title}: {member.path} has {member.size:,} bytes, too many for a file of MNIST: pack the set itself"
            )

    def entries(self) -> Sequence[Entry]:
        return self._listing.entries

    @property
    def others(self) -> Others:
        return self._listing.others

    def contents(self) -> Iterator[bytes]:
        entries = self._listing.entries
        expected = iter(entries)
        left = len(entries)
        for member, content in members(self._path, {entry.path: LARGEST for entry in entries}):
            entry, _ = self._entry(member, Others())
            if entry is None:
                continue
            if entry != next(expected, None) or len(content) != member.size:
                raise self._changed()
            yield content
            left -= 1
            if not left:  # the whole archive has been checked already
                return

    def mnist(self) -> dict[str, tuple[str, bytes]] | None:
        """MNIST's files, name -> path and content, of the first directory that holds all four; None where none does."""
        listed = self._listing.idx
        for folder in sorted({path.rpartition("/")[0] for path in listed}):
            inside = {name: _spelled(folder, name, listed) for pair in MNIST_FILES.values() for name in pair}
            if all(inside.values()):
                contents = {
                    member.path: content
                    for member, content in members(self._path, dict.fromkeys(inside.values(), _LARGEST_IDX))
                    if member.path in inside.values()
                }
                if len(contents) < len(inside):
                    raise self._changed()
                return {name: (path, contents[path]) for name, path in inside.items()}
        if listed and not self._listing.entries:
            raise ValueError(
                f"{self.title} holds {min(listed)} without MNIST's other files: it needs all four, in one folder"
            )
        return None

    def _changed(self) -> ValueError:
        return ValueError(f"{self.title} changed while it was read: run again")

    def _entry(self, member: Member, others: Others) -> tuple[Entry | None, str]:
        """The image that a member is, None where it is none, and the leading directories that it lies in."""
        parts = member.path.split("/")
        start = next((n for n, part in enumerate(parts[: _LEADING + 1]) if split_of(part)), None)
        if start is None or member.kind == "folder" or _hidden(member):
            return None, ""
        word, *rest = parts[start:]
        if len(rest) < 2:
            return None, ""
        if not is_image(rest[-1]):
            others.add(member.path)
            return None, ""
        if len(rest) > 2:
            raise ValueError(
                f"{self.title}: {member.path} lies in a folder in a class folder: pack it beside the others"
            )
        split = split_of(word)
        assert split is not None
        return Entry(split, rest[0], member.path), "/".join(parts[:start]) or "."


def _hidden(member: Member) -> bool:
    return any(is_litter(part) for part in member.path.split("/"))


def _spelled(folder: str, name: str, listed: set[str]) -> str:
    """The path of a file of MNIST in a directory, as it is spelled there; "" where it is not there."""
    paths = [f"{folder}/{spelling}".lstrip("/") for spelling in spellings(name)]
    return next((path for path in paths if path in listed), "")
