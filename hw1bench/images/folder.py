"""Image folders: ``train/<class>/*`` and ``test/<class>/*``, on disk or, in ``hw1bench.images.archive``, in an archive.

The names may also be ``training`` and ``testing``, in any case. Hidden files, files beside the class folders, and files in
them without an image suffix are passed over.
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
from hw1bench.images.unpacking import take
from hw1bench.support.files import open_regular

READER_VERSION = 3
"""Incremented when different images are read from the same bytes. Part of every identity, so that old caches are not used."""

_FORM = "train/<class>/* and test/<class>/*"
LARGEST = 1 << 20  # bytes of an image file: 32x32 pixels take 3 KiB unpacked
_MOST_CLASSES = 1_000
_MOST = 100_000  # image files of a folder: MNIST has 70,000
_MOST_NESTED = 1_000  # files of a folder inside a class folder
_SPLIT_NAMES = {"train": "train", "training": "train", "test": "test", "testing": "test"}
_IMAGE = re.compile(r".+\.(png|jpe?g|jpe|jfif|bmp|dib|gif|tiff?|webp|p[bgnp]m)", re.IGNORECASE | re.DOTALL)
# Files that desktops, network drives and Python leave beside images, in lower case; old tars leave PaxHeaders.
_LITTER = ("__macosx", "@eadir", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__pycache__")


def split_of(name: str) -> str | None:
    """Return the split that a folder of that name holds; None for any other name, such as "valid"."""
    return _SPLIT_NAMES.get(name.casefold())


def is_image(name: str) -> bool:
    return _IMAGE.fullmatch(name) is not None


def is_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether ``entry`` is a folder or a link to one; False for a broken link and for a link to itself."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_litter(name: str) -> bool:
    """Whether a file of that name is hidden, or was left by a desktop or another program."""
    small = name.casefold()
    return (name.startswith(".") and name != "..") or small in _LITTER or small.partition(".")[0] == "paxheaders"


class Entry(NamedTuple):
    """An image file: its split, its class, and its path in the folder."""

    split: str
    category: str
    path: str


class Folder(Protocol):
    """An image folder, on disk or in an archive. All methods raise ValueError, in one line, if it cannot be read or is damaged.

    title        its name in errors
    entries      its image files
    contents     the content of each entry, in that order
    passed_over  the files beside the images in the class folders
    """

    @property
    def title(self) -> str: ...
    def entries(self) -> Sequence[Entry]: ...
    def contents(self) -> Iterator[bytes]: ...
    @property
    def passed_over(self) -> "PassedOver": ...


@dataclass
class PassedOver:
    """Files passed over: their number, and the first of their paths in order."""

    count: int = 0
    first: str = ""

    def add(self, path: str) -> None:
        self.count += 1
        self.first = min(self.first or path, path)

    def __str__(self) -> str:
        files = "file without an image suffix is" if self.count == 1 else "files without an image suffix are"
        return f"{self.count:,} {files} passed over ({self.first!r})"


def digest(parts: Iterable[object]) -> str:
    """Return 32 hexadecimal digits over the texts of ``parts``."""
    text = "\0".join(map(str, parts))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]


def state(found: os.stat_result) -> tuple[int, ...]:
    """Return values that differ between files, even if one takes another's name, size and time by ``mv`` or ``touch -r``."""
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def unreadable(title: object, error: Exception) -> ValueError:
    """Return the error for a file that the system or a decompressor cannot read."""
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200] or type(error).__name__
    return ValueError(f"{title} cannot be read ({reason}): put an intact copy in its place")


def refuse_size(title: str, size: int) -> None:
    """Raise ValueError if a file is too large for a small image."""
    if size > LARGEST:
        raise ValueError(f"{title} has {size:,} bytes, too many for a small image: remove it")


def refuse_number(title: str, number: int) -> None:
    """Raise ValueError if there are more images than are read."""
    if number > _MOST:
        raise ValueError(
            f"{title} holds more than {_MOST:,} images, the most that are read: put a set of fewer images there"
        )


def largest(form: Form) -> int:
    """Return the most bytes that the pixels and labels of the images in a folder may take."""
    return _MOST * (math.prod(form.shape) + 8)


def refuse_synonyms(title: str, split: str, names: Collection[str]) -> None:
    """Raise ValueError if one split has two folders, such as train and training."""
    if len(names) > 1:
        raise ValueError(f"{title} has {' and '.join(sorted(names))}, which both hold the {split} split: keep one")


def classes(folder: Folder, number: int | None = CLASSES) -> list[str]:
    """Return the class names, sorted. Raises ValueError if a split is missing or has other classes, and unless there are so many,
    or for None two or more."""
    found = {split: {entry.category for entry in folder.entries() if entry.split == split} for split in SPLITS}
    for split, names in found.items():
        if not names:
            passed_over = f" ({folder.passed_over})" if folder.passed_over.count else ""
            raise ValueError(f"{folder.title} has no images in {split}/<class>/{passed_over}: it needs {_FORM}")
    train = sorted(found["train"])
    if len(train) != number if number is not None else len(train) < 2:
        needed = "2 or more" if number is None else number
        raise ValueError(
            f"{folder.title} has {len(train)} classes in train ({', '.join(train[: CLASSES + 1])}), not {needed}: "
            f"it needs {_FORM}, one folder per class"
        )
    for name in sorted(found["train"] ^ found["test"]):
        here, there = ("train", "test") if name in found["train"] else ("test", "train")
        raise ValueError(
            f"{folder.title} has the class {name!r} in {here} but not in {there}: give both the same classes"
        )
    return train


class Tree:
    """An image folder on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.title = str(path)

    @cached_property
    def _listing(self) -> tuple[list[tuple[Entry, os.stat_result]], PassedOver]:
        passed_over = PassedOver()
        try:
            return list(self._files(passed_over)), passed_over
        except OSError as error:
            raise unreadable(error.filename or self._path, error) from error

    def _files(self, passed_over: PassedOver) -> Iterator[tuple[Entry, os.stat_result]]:
        number = 0
        within = [entry for entry in _visible(self._path) if split_of(entry.name) and is_folder(entry)]
        for split in SPLITS:
            folders = [entry.name for entry in within if split_of(entry.name) == split]
            refuse_synonyms(self.title, split, folders)
            for category in sorted(name for folder in folders for name in _folders(self._path / folder)):
                path = f"{folders[0]}/{category}"
                for name, found in self._images(path, passed_over):
                    number += 1
                    refuse_number(self.title, number)
                    yield Entry(split, category, f"{path}/{name}"), found

    def _images(self, folder: str, passed_over: PassedOver) -> list[tuple[str, os.stat_result]]:
        """Return the name and status of each image in a class folder, sorted by name."""
        images = []
        for file in _visible(self._path / folder):
            if is_folder(file):
                if file.is_symlink() or _holds_images(Path(file.path)):
                    raise ValueError(f"{file.path} is a folder inside a class folder: put its images beside it")
                continue
            if not is_image(file.name):
                passed_over.add(f"{folder}/{file.name}")
                continue
            found = file.stat()
            if not stat.S_ISREG(found.st_mode):
                raise ValueError(f"{file.path} is not a regular file: put the image itself in its place")
            refuse_size(file.path, found.st_size)
            images.append((file.name, found))
            refuse_number(self.title, len(images))
        return sorted(images, key=itemgetter(0))

    def identity(self) -> str:
        """Return a digest that changes with the content, without reading it: of the resolved path and each file's ``state``."""
        files = [part for entry, found in self._listing[0] for part in (entry.path, *state(found))]
        return digest(["tree", READER_VERSION, self._path.resolve(), *files])

    def entries(self) -> Sequence[Entry]:
        return [entry for entry, _ in self._listing[0]]

    @property
    def passed_over(self) -> PassedOver:
        return self._listing[1]

    def contents(self) -> Iterator[bytes]:
        for entry, found in self._listing[0]:
            path = self._path / entry.path
            try:
                with open_regular(path) as file:
                    content = take(file, found.st_size + 1)
            except OSError as error:
                raise unreadable(path, error) from error
            if len(content) != found.st_size:
                raise ValueError(f"{path} changed while it was read: run again")
            yield content


def _visible(folder: Path) -> Iterator["os.DirEntry[str]"]:
    with os.scandir(folder) as found:
        yield from (entry for entry in found if not is_litter(entry.name))


def _holds_images(folder: Path) -> bool:
    """Whether an image lies anywhere in a folder; also True if it holds too many files to look at."""
    seen = 0
    for _, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_litter(name)]
        seen += 1 + len(folders) + len(files)
        if seen > _MOST_NESTED or any(is_image(name) and not is_litter(name) for name in files):
            return True
    return False


def _folders(folder: Path) -> Iterator[str]:
    for number, entry in enumerate(entry for entry in _visible(folder) if is_folder(entry)):
        if number == _MOST_CLASSES:
            raise ValueError(f"{folder} holds more than {_MOST_CLASSES:,} folders: it needs {_FORM}")
        yield entry.name
