"""Image folders: ``train/<class>/*`` and ``test/<class>/*``, on disk or, in `hw1bench.images.archive`, in a tar.

Names that start with a dot are passed over; so are files beside the class folders.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

from hw1bench.images.sets import CLASSES, SPLITS

_FORM = "train/<class>/* and test/<class>/*"
_LARGEST = 1 << 20  # bytes of an image file: 32x32 pixels take 3 KiB unpacked


class Entry(NamedTuple):
    """An image file: its split, its class, and its path in the folder."""

    split: str
    category: str
    path: str


class Folder(Protocol):
    """An image folder, wherever it lies. All raise ValueError, in one line, where it cannot be read or is damaged.

    title     what errors call it
    identity  a digest of what identifies its content without reading it: resolved path, sizes, times of change
    entries   its image files
    contents  of each entry, in that order
    """

    @property
    def title(self) -> str: ...
    def identity(self) -> str: ...
    def entries(self) -> Sequence[Entry]: ...
    def contents(self) -> Iterator[bytes]: ...


def digest(parts: Iterable[object]) -> str:
    """32 hexadecimal digits over the texts of ``parts``."""
    text = "\0".join(map(str, parts))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]


def unreadable(title: object, error: Exception) -> ValueError:
    """The error for a file that the system, or what unpacks it, does not give."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ValueError(f"{title} cannot be read ({reason}): put a whole copy in its place")


def refuse_size(title: str, size: int) -> None:
    """Raises ValueError for a file too large to be a small image."""
    if size > _LARGEST:
        raise ValueError(f"{title} has {size:,} bytes, too many for a small image: remove it")


def classes(folder: Folder) -> list[str]:
    """The names of the classes, sorted. Raises ValueError where a split is missing, they are not 10, or the splits differ."""
    found = {split: {entry.category for entry in folder.entries() if entry.split == split} for split in SPLITS}
    for split, names in found.items():
        if not names:
            raise ValueError(f"{folder.title} has no images in {split}/<class>/: it needs {_FORM}")
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
    def _listing(self) -> list[tuple[Entry, os.stat_result]]:
        try:
            return list(self._files())
        except OSError as error:
            raise unreadable(error.filename or self._path, error) from error

    def _files(self) -> Iterator[tuple[Entry, os.stat_result]]:
        for split in SPLITS:
            if not (self._path / split).is_dir():
                continue  # a split without images: `classes` says so
            for category in _shown(self._path / split):
                if not category.is_dir():
                    continue
                for file in _shown(Path(category.path)):
                    if file.is_dir():
                        raise ValueError(f"{file.path} is a folder in a class folder: put its images beside it")
                    refuse_size(file.path, file.stat().st_size)
                    yield Entry(split, category.name, f"{split}/{category.name}/{file.name}"), file.stat()

    def identity(self) -> str:
        files = [part for entry, stat in self._listing for part in (entry.path, stat.st_size, stat.st_mtime_ns)]
        return digest(["tree", self._path.resolve(), *files])

    def entries(self) -> Sequence[Entry]:
        return [entry for entry, _ in self._listing]

    def contents(self) -> Iterator[bytes]:
        for entry, _ in self._listing:
            path = self._path / entry.path
            try:
                content = path.read_bytes()
            except OSError as error:
                raise unreadable(path, error) from error
            yield content


def _shown(folder: Path) -> list["os.DirEntry[str]"]:
    with os.scandir(folder) as found:
        return sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
