"""Image folders: ``train/<class>/*`` and ``test/<class>/*``, on disk or, in `hw1bench.images.archive`, in an archive.

``training`` and ``testing`` will do, in any case. Passed over are hidden files, files beside the class folders, and files
in them whose suffix is none of an image.
"""

import hashlib
import math
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, Protocol

from hw1bench.images.sets import CLASSES, SPLITS, Form
from hw1bench.images.streams import take
from hw1bench.support.files import opened

RULES = 3
"""Counts up when other images are read from the same bytes: it is part of every identity, so that old caches do not count."""

_FORM = "train/<class>/* and test/<class>/*"
LARGEST = 1 << 20  # bytes of an image file: 32x32 pixels take 3 KiB unpacked
_MOST_CLASSES = 1_000
_MOST = 100_000  # image files of a folder: MNIST has 70,000
_MOST_INSIDE = 1_000  # files of a folder in a class folder
_WORDS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
_IMAGE = re.compile(r".+\.(png|jpe?g|jpe|jfif|bmp|dib|gif|tiff?|webp|p[bgnp]m)", re.IGNORECASE | re.DOTALL)
# What desktops, network drives and Python leave beside images, in small letters; PaxHeaders is left by old tars.
_LITTER = ("__macosx", "@eadir", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__pycache__")


def split_of(name: str) -> str | None:
    """The split that a folder of that name holds; None for any other, as "valid", which is neither."""
    return _WORDS.get(name.casefold())


def is_image(name: str) -> bool:
    return _IMAGE.fullmatch(name) is not None


def is_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a folder, or a link to one; a link that leads nowhere, or to itself, is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_litter(name: str) -> bool:
    """Whether it is there for the desktop's sake: hidden, or one of its own names."""
    small = name.casefold()
    return (name.startswith(".") and name != "..") or small in _LITTER or small.partition(".")[0] == "paxheaders"


class Entry(NamedTuple):
    """An image file: its split, its class, and its path in the folder."""

    split: str
    category: str
    path: str


class Folder(Protocol):
    """An image folder, wherever it lies. All raise ValueError, in one line, where it cannot be read or is damaged.

    title     what errors call it
    entries   its image files
    contents  of each entry, in that order
    others    the files beside the images in their class folders
    """

    @property
    def title(self) -> str: ...
    def entries(self) -> Sequence[Entry]: ...
    def contents(self) -> Iterator[bytes]: ...
    @property
    def others(self) -> "Others": ...


@dataclass
class Others:
    """Files passed over: how many, and the path of the first by name."""

    count: int = 0
    first: str = ""

    def add(self, path: str) -> None:
        self.count += 1
        self.first = min(self.first or path, path)

    def __str__(self) -> str:
        files = (
            "file that is no image by its suffix is"
            if self.count == 1
            else "files that are no images by their suffix are"
        )
        return f"{self.count:,} {files} passed over ({self.first!r})"


def digest(parts: Iterable[object]) -> str:
    """32 hexadecimal digits over the texts of ``parts``."""
    text = "\0".join(map(str, parts))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]


def state(found: os.stat_result) -> tuple[int, ...]:
    """What changes with a file. Its name, size and time may be another's, as after ``mv`` or ``touch -r``; these are not."""
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def unreadable(title: object, error: Exception) -> ValueError:
    """The error for a file that the system, or what unpacks it, does not give."""
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200] or type(error).__name__
    return ValueError(f"{title} cannot be read ({reason}): put a whole copy in its place")


def refuse_size(title: str, size: int) -> None:
    """Raises ValueError for a file too large to be a small image."""
    if size > LARGEST:
        raise ValueError(f"{title} has {size:,} bytes, too many for a small image: remove it")


def refuse_number(title: str, number: int) -> None:
    """Raises ValueError for more images than any set here has."""
    if number > _MOST:
        raise ValueError(
            f"{title} holds more than {_MOST:,} images, where the largest set has 70,000: put the set itself there"
        )


def largest(form: Form) -> int:
    """Bytes that the pixels and labels of a set may take, of as many images as a folder may hold."""
    return _MOST * (math.prod(form.shape) + 8)


def refuse_words(title: str, split: str, words: Collection[str]) -> None:
    """Raises ValueError for two folders of one split."""
    if len(words) > 1:
        raise ValueError(f"{title} has {' and '.join(sorted(words))}, which are both {split}: keep one")


def classes(folder: Folder) -> list[str]:
    """The names of the classes, sorted. Raises ValueError where a split is missing, they are not 10, or the splits differ."""
    found = {split: {entry.category for entry in folder.entries() if entry.split == split} for split in SPLITS}
    for split, names in found.items():
        if not names:
            others = f" ({folder.others})" if folder.others.count else ""
            raise ValueError(f"{folder.title} has no images in {split}/<class>/{others}: it needs {_FORM}")
    train = sorted(found["train"])
    if len(train) != CLASSES:
        raise ValueError(
            f"{folder.title} has {len(train)} classes in train ({', '.join(train[: CLASSES + 1])}), not {CLASSES}: "
            f"it needs {_FORM}, a folder a class"
        )
    for name in sorted(found["train"] ^ found["test"]):
        here, there = ("train", "test") if name in found["train"] else ("test", "train")
        raise ValueError(
            f"{folder.title} has the class {name!r} in {here} and not in {there}: give both the same classes"
        )
    return train


class Tree:
    """An image folder on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.title = str(path)

    @cached_property
    def _listing(self) -> tuple[list[tuple[Entry, os.stat_result]], Others]:
        others = Others()
        try:
            return list(self._files(others)), others
        except OSError as error:
            raise unreadable(error.filename or self._path, error) from error

    def _files(self, others: Others) -> Iterator[tuple[Entry, os.stat_result]]:
        number = 0
        within = [entry for entry in _shown(self._path) if split_of(entry.name) and is_folder(entry)]
        for split in SPLITS:
            words = [entry.name for entry in within if split_of(entry.name) == split]
            refuse_words(self.title, split, words)
            for category in sorted(name for word in words for name in _folders(self._path / word)):
                path = f"{words[0]}/{category}"
                for name, found in self._images(path, others):
                    number += 1
                    refuse_number(self.title, number)
                    yield Entry(split, category, f"{path}/{name}"), found

    def _images(self, folder: str, others: Others) -> list[tuple[str, os.stat_result]]:
        """Name and state of each image in a class folder, sorted by name."""
        images = []
        for file in _shown(self._path / folder):
            if is_folder(file):
                if file.is_symlink() or _holds_images(Path(file.path)):
                    raise ValueError(f"{file.path} is a folder in a class folder: put its images beside it")
                continue
            if not is_image(file.name):
                others.add(f"{folder}/{file.name}")
                continue
            found = file.stat()
            if not stat.S_ISREG(found.st_mode):
                raise ValueError(f"{file.path} is no regular file: put the image itself in its place")
            refuse_size(file.path, found.st_size)
            images.append((file.name, found))
            refuse_number(self.title, len(images))
        return sorted(images, key=itemgetter(0))

    def identity(self) -> str:
        """A digest of what tells its content without reading it: resolved path, and of each file what changes with it."""
        files = [part for entry, found in self._listing[0] for part in (entry.path, *state(found))]
        return digest(["tree", RULES, self._path.resolve(), *files])

    def entries(self) -> Sequence[Entry]:
        return [entry for entry, _ in self._listing[0]]

    @property
    def others(self) -> Others:
        return self._listing[1]

    def contents(self) -> Iterator[bytes]:
        for entry, found in self._listing[0]:
            path = self._path / entry.path
            try:
                with opened(path) as file:
                    content = take(file, found.st_size + 1)
            except OSError as error:
                raise unreadable(path, error) from error
            if len(content) != found.st_size:
                raise ValueError(f"{path} changed while it was read: run again")
            yield content


def _shown(folder: Path) -> Iterator["os.DirEntry[str]"]:
    with os.scandir(folder) as found:
        yield from (entry for entry in found if not is_litter(entry.name))


def _holds_images(folder: Path) -> bool:
    """Whether an image lies in a folder, however deep; True, too, for one that holds too much to tell."""
    seen = 0
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_litter(name)]
        seen += 1 + len(folders) + len(files)
        if seen > _MOST_INSIDE or any(is_image(name) and not is_litter(name) for name in files):
            return True
    return False


def _folders(folder: Path) -> Iterator[str]:
    for number, entry in enumerate(entry for entry in _shown(folder) if is_folder(entry)):
        if number == _MOST_CLASSES:
            raise ValueError(f"{folder} holds more than {_MOST_CLASSES:,} folders: it needs {_FORM}, {CLASSES} classes")
        yield entry.name
