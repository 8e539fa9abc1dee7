"""Image folders, and MNIST's files, in an archive.

A member's path only tells its split and its class, or which of MNIST's files it is. Leading directories are allowed, and each
that holds images or files of MNIST is told apart: what is wrong with one is said when that one is read.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from hw1bench.images.folder import (
    LARGEST,
    RULES,
    Entry,
    Others,
    classes,
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
from hw1bench.images.members import Member, members, short
from hw1bench.images.raw import Raw, within
from hw1bench.images.sets import MNIST, Form

_MOST_IDX = 1_000  # files named as MNIST's
_MOST_FOLDERS = 1_000  # with train/ or test/ in them
_MOST_IMAGES = 200_000  # of all folders together
_MOST_COPIES = 10  # each of which may be unpacked and decoded
_PICKLES = "data_batch_1"


class _Place(NamedTuple):
    """Where an image lies: in ``top``, in the ``word`` of a split there; ``deep`` in a folder in a class folder."""

    top: str
    word: str
    rest: tuple[str, ...]

    @property
    def deep(self) -> bool:
        return len(self.rest) > 2


def _place(member: Member) -> _Place | None:
    """None for what lies in no class folder. Where several directories are named as splits, the one around the class counts."""
    parts = member.path.split("/")
    if member.kind == "folder" or len(parts) < 3 or any(is_litter(part) for part in parts):
        return None
    at = next((n for n in range(len(parts) - 3, -1, -1) if split_of(parts[n])), None)
    return None if at is None else _Place("/".join(parts[:at]), parts[at], tuple(parts[at + 1 :]))


class Images:
    """The image folder in the directory ``top`` of an archive. What is wrong with it is raised when it is read."""

    def __init__(self, archive: Path, top: str, others: Others) -> None:
        self._archive, self._top = archive, top
        self.title = f"{archive}/{short(top)}" if top else str(archive)
        self.others = others
        self._entries: dict[str, Entry] = {}  # by the paths in the archive
        self._words: dict[str, set[str]] = {}
        self._refusal: ValueError | None = None

    def add(self, member: Member, place: _Place) -> None:
        if self._refusal is None:
            try:
                self._add(member, place)
            except ValueError as error:
                self._refusal = error
                self._entries.clear()

    def _add(self, member: Member, place: _Place) -> None:
        path = "/".join((place.word, *place.rest))
        title = f"{self.title}: {short(path)}"
        if place.deep:
            raise ValueError(f"{title} lies in a folder in a class folder: pack it beside the others")
        if member.path in self._entries:
            raise ValueError(f"{title} is there twice: pack each image once")
        if member.kind != "file":
            raise ValueError(f"{title} is no regular file: pack the images themselves, no links")
        refuse_size(title, member.size)
        split = split_of(place.word)
        assert split is not None
        words = self._words.setdefault(split, set())
        words.add(place.word)
        refuse_words(self.title, split, words)
        self._entries[member.path] = Entry(split, place.rest[0], path)
        refuse_number(self.title, len(self._entries))

    def whole(self) -> bool:
        """Whether it has the classes of a set, so that its images are worth decoding."""
        try:
            return bool(classes(self))
        except ValueError:
            return False

    def entries(self) -> Sequence[Entry]:
        if self._refusal is not None:
            raise self._refusal
        return list(self._entries.values())

    def contents(self) -> Iterator[bytes]:
        expected = iter(self._entries)
        left = len(self._entries)
        for member, content in members(self._archive, dict.fromkeys(self._entries, LARGEST)):
            place = _place(member)
            if place is None or place.top != self._top or not is_image(place.rest[-1]):
                continue
            if member.path != next(expected, None) or member.kind != "file" or len(content) != member.size:
                break
            yield content
            left -= 1
            if not left:  # the whole archive has been checked already
                return
        raise ValueError(f"{self._archive} changed while it was read: run again")


class _Listing(NamedTuple):
    """What lies in which directory."""

    images: dict[str, Images]
    raw: dict[str, Raw]
    others: Others


class Archive:
    """The archive at ``path``, of a form of `hw1bench.images.members`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.title = str(path)

    def identity(self) -> str:
        """A digest of what tells its content without reading it. Raises ValueError for an archive that is not there."""
        try:
            stat = self._path.stat()
        except OSError as error:
            raise unreadable(self._path, error) from error
        return digest(["archive", RULES, self._path.resolve(), *state(stat)])

    @cached_property
    def _listing(self) -> _Listing:
        found = _Listing({}, {}, Others())
        images = files = 0
        pickles = False
        for member, _ in members(self._path):
            folder, name = within(member.path)
            if name and member.kind == "file" and not any(is_litter(part) for part in member.path.split("/")):
                files += 1
                self._refuse(files, _MOST_IDX, "files named as MNIST's")
                found.raw.setdefault(folder, Raw(self._path, folder)).add(member, name)
            pickles |= member.path.rpartition("/")[2] == _PICKLES
            place = _place(member)
            if place is None:
                continue
            if not is_image(place.rest[-1]):
                if not place.deep:
                    found.others.add(member.path)
                continue
            images += 1
            self._refuse(images, _MOST_IMAGES, "images")
            if place.top not in found.images:
                found.images[place.top] = Images(self._path, place.top, found.others)
                self._refuse(len(found.images), _MOST_FOLDERS, "image folders")
            found.images[place.top].add(member, place)
        if pickles and not found.images:
            raise ValueError(f"{self.title} holds pickles, which are not opened in an archive: unpack it where it lies")
        return found

    def _refuse(self, number: int, most: int, what: str) -> None:
        if number > most:
            raise ValueError(f"{self.title} holds more than {most:,} {what}: pack the set itself")

    def copies(self, form: Form) -> list[Raw | Images]:
        """What may be copies of the set: MNIST's files, then image folders, those that lack something last.

        Raises ValueError for an archive that is damaged, or holds more of them than anyone packs.
        """
        raw = [raw for _, raw in sorted(self._listing.raw.items())] if form is MNIST else []
        tops = sorted(self._listing.images, key=lambda top: (top.count("/"), top))  # the nearest first
        images = [self._listing.images[top] for top in tops]
        both: list[Raw | Images] = [*raw, *images]
        whole = [copy for copy in both if copy.whole()]
        self._refuse(len(whole), _MOST_COPIES, f"copies of {form.title}")
        rest: list[Raw | Images] = [copy for copy in images if copy not in whole]
        rest += [copy for copy in raw if copy not in whole]
        return [*whole, *rest] or [Images(self._path, "", self._listing.others)]
