"""A folder of labelled images of one's own."""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from hw1bench.images import own
from hw1bench.specs.images import ImageForm, check_own_name
from hw1bench.support.checks import integer, label, settle, shown
from hw1bench.support.progress import Silent


@dataclass(frozen=True)
class ImageFolder(ImageForm):
    """The labelled images in the folder ``path``, ``train/<class>/*`` and ``test/<class>/*``, and the form in which a net gets
    them.

    All images must be square and of one size. ``size`` 0 leaves them as they are, and ``channels`` 0 gives them as many as the
    first one has, 1 or 3; what else they and the other fields mean is said at ``Images``. Classes are numbered from 0 in the
    sorted order of their names. ``name`` is what readers know the set by: the folder's name, unless one is given.

    The images are read, and the first time decoded, where the specification is written: their ``fingerprint`` decides keys and
    digests, and the path does not. ``samples`` is the number of training images, and ``targets`` that of classes.

    Raises ValueError, in one line that names the file, for a folder that is missing or has another form and for an image that
    cannot be read, and for the name of a known set and fields that do not fit.
    """

    path: Path = field(compare=False)
    name: str = field(default="", kw_only=True)
    size: int = field(default=0, kw_only=True)
    channels: int = field(default=0, kw_only=True)
    fingerprint: str = field(init=False)
    samples: int = field(init=False)
    targets: int = field(init=False)

    def __post_init__(self) -> None:
        settle(self, path=_path, name=label(least=0))
        if not self.name:
            object.__setattr__(self, "name", self.path.resolve().name)
        settle(self, name=label(), size=integer(least=0), channels=integer(least=0))
        check_own_name("ImageFolder", self.name)
        if self.channels not in (0, 1, 3):
            raise ValueError(
                f"ImageFolder {self.name!r} channels is {self.channels}: give 1 or 3, or leave it out for the images' own"
            )
        found = _read(self.path, self.channels, own.identity(self.path))
        object.__setattr__(self, "size", self.size or found.size)
        object.__setattr__(self, "channels", found.channels)
        for name in ("fingerprint", "samples", "targets"):
            object.__setattr__(self, name, getattr(found, name))
        self._settle()

    @property
    def title(self) -> str:
        """The set as readers see it."""
        return self.name

    @property
    def described(self) -> str:
        """The set in a line: "leaves, 1,200 images"."""
        return f"{self.name}, {self.samples:,} images"


def _path(value: Any, what: str) -> Path:
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise ValueError(f"{what} is {shown(value)}: give the path of a folder")
    return Path(value)


@dataclass(frozen=True)
class _Found:
    """What the images in a folder are, without their pixels."""

    size: int
    channels: int
    samples: int
    targets: int
    fingerprint: str


@lru_cache(maxsize=16)  # an experiment makes many specifications of one folder, by ``replace``
def _read(path: Path, channels: int, identity: str) -> _Found:
    """Read the folder at ``path``, whose content ``identity`` stands for."""
    found = own.read(path, channels, Silent())
    _, channels, _, size = found.train.images.shape
    return _Found(size, channels, len(found.train), int(found.train.labels.max()) + 1, found.fingerprint)
