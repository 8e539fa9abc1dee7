"""Image folders and MNIST's files in an archive.

A member's path only gives its split and class, or which of MNIST's files it is. Leading directories are allowed. Each
directory that holds images or files of MNIST is a copy of its own, and its errors are raised when that copy is read.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from hw1bench.images.folder import (
    LARGEST,
    READER_VERSION,
    Entry,
    PassedOver,
    classes,
    digest,
    is_image,
    is_litter,
    refuse_number,
    refuse_size,
    refuse_synonyms,
    split_of,
    state,
    unreadable,
)
from hw1bench.images.members import Member, members, short
from hw1bench.images.raw import Raw, within
from hw1bench.images.sets import MNIST, KnownSet

_MOST_IDX = 1_000  # files with the names of MNIST's files
_MOST_FOLDERS = 1_000  # folders with train/ or test/ in them
_MOST_IMAGES = 200_000  # images in all folders together
_MOST_COPIES = 10  # copies, because each may be unpacked and decoded
_PICKLES = "data_batch_1"


class _Place(NamedTuple):
    """Place of an image: the directory ``top``, the split's ``folder`` in it, and the path below; ``nested`` if it is in a
    folder inside a class folder."""

    top: str
    folder: str
    rest: tuple[str, ...]

    @property
    def nested(self) -> bool:
        return len(self.rest) > 2


def _place(member: Member) -> _Place | None:
    """Return the place of ``member``, None outside a class folder. Of several directories with a split's name the innermost
    counts."""
    parts = member.path.split("/")
    if member.kind == "folder" or len(parts) < 3 or any(is_litter(part) for part in parts):
        return None
    at = next((n for n in range(len(parts) - 3, -1, -1) if split_of(parts[n])), None)
    return None if at is None else _Place("/".join(parts[:at]), parts[at], tuple(parts[at + 1 :]))


class Images:
    """The image folder in the directory ``top`` of an archive. Its errors are raised when it is read."""

    def __init__(self, archive: Path, top: str, passed_over: PassedOver) -> None:
        self._archive, self._top = archive, top
        self.title = f"{archive}/{short(top)}" if top else str(archive)
        self.passed_over = passed_over
        self._entries: dict[str, Entry] = {}  # by path in the archive
        self._synonyms: dict[str, set[str]] = {}  # names of the folders of each split
        self._refusal: ValueError | None = None

    def add(self, member: Member, place: _Place) -> None:
        if self._refusal is None:
            try:
                self._add(member, place)
            except ValueError as error:
                self._refusal = error
                self._entries.clear()

    def _add(self, member: Member, place: _Place) -> None:
        path = "/".join((place.folder, *place.rest))
        title = f"{self.title}: {short(path)}"
        if place.nested:
            raise ValueError(f"{title} is in a folder inside a class folder: pack it beside the others")
        if member.path in self._entries:
            raise ValueError(f"{title} occurs twice: pack each image once")
        if member.kind != "file":
            raise ValueError(f"{title} is not a regular file: pack the images themselves, not links")
        refuse_size(title, member.size)
        split = split_of(place.folder)
        assert split is not None
        names = self._synonyms.setdefault(split, set())
        names.add(place.folder)
        refuse_synonyms(self.title, split, names)
        self._entries[member.path] = Entry(split, place.rest[0], path)
        refuse_number(self.title, len(self._entries))

    def complete(self) -> bool:
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
            if not left:  # the rest of the archive has been checked already
                return
        raise ValueError(f"{self._archive} changed while it was read: run again")


class _Listing(NamedTuple):
    """Contents of an archive by directory."""

    images: dict[str, Images]
    raw: dict[str, Raw]
    passed_over: PassedOver


class Archive:
    """The archive at ``path``, in a format of ``hw1bench.images.members``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.title = str(path)

    def identity(self) -> str:
        """Return a digest that changes with the content, without reading it. Raises ValueError if the archive is missing."""
        try:
            stat = self._path.stat()
        except OSError as error:
            raise unreadable(self._path, error) from error
        return digest(["archive", READER_VERSION, self._path.resolve(), *state(stat)])

    @cached_property
    def _listing(self) -> _Listing:
        found = _Listing({}, {}, PassedOver())
        images = files = 0
        pickles = False
        for member, _ in members(self._path):
            folder, name = within(member.path)
            if name and member.kind == "file" and not any(is_litter(part) for part in member.path.split("/")):
                files += 1
                self._refuse(files, _MOST_IDX, "files with names of MNIST's files")
                found.raw.setdefault(folder, Raw(self._path, folder)).add(member, name)
            pickles |= member.path.rpartition("/")[2] == _PICKLES
            place = _place(member)
            if place is None:
                continue
            if not is_image(place.rest[-1]):
                if not place.nested:
                    found.passed_over.add(member.path)
                continue
            images += 1
            self._refuse(images, _MOST_IMAGES, "images")
            if place.top not in found.images:
                found.images[place.top] = Images(self._path, place.top, found.passed_over)
                self._refuse(len(found.images), _MOST_FOLDERS, "image folders")
            found.images[place.top].add(member, place)
        if pickles and not found.images:
            raise ValueError(
                f"{self.title} holds pickles, which are not opened in an archive: unpack it in the same folder"
            )
        return found

    def _refuse(self, number: int, most: int, what: str) -> None:
        if number > most:
            raise ValueError(f"{self.title} holds more than {most:,} {what}: pack the set itself")

    def copies(self, form: KnownSet) -> list[Raw | Images]:
        """Return the possible copies of the set: MNIST's files, then image folders, incomplete ones last.

        Raises ValueError if the archive is damaged or holds too many copies.
        """
        raw = [raw for _, raw in sorted(self._listing.raw.items())] if form is MNIST else []
        tops = sorted(self._listing.images, key=lambda top: (top.count("/"), top))  # the outermost first
        images = [self._listing.images[top] for top in tops]
        both: list[Raw | Images] = [*raw, *images]
        complete = [copy for copy in both if copy.complete()]
        self._refuse(len(complete), _MOST_COPIES, f"copies of {form.title}")
        rest: list[Raw | Images] = [copy for copy in images if copy not in complete]
        rest += [copy for copy in raw if copy not in complete]
        return [*complete, *rest] or [Images(self._path, "", self._listing.passed_over)]
