"""Where a set lies in a folder.

In this order, of which the first copy that is the canonical set is used, else the first that is such a set at all:

1. the published files: MNIST's ``train-images-idx3-ubyte`` and its three fellows (``.idx3`` for ``-idx3`` will do), plain or
   .gz, in ``MNIST/raw``, loose, in ``raw``, or in a folder named after the set; CIFAR-10's ``cifar-10-batches-py``, loose or
   in such a folder;
2. an image folder: ``train/<class>/*`` and ``test/<class>/*`` in the folder itself, where it is named after the set, or in
   a folder in it that is, by name (``mnist…``, ``cifar10…``, ``cifar-10…``, whatever the case), or up to two folders deeper;
3. an archive of such an image folder or of MNIST's files, named after the set, by name, here or in a folder that is.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

from hw1bench.images.folder import is_folder, is_litter, split_of
from hw1bench.images.hints import hints
from hw1bench.images.sets import MNIST, Form

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".zip")
MNIST_RAW = Path("MNIST", "raw")
MNIST_FILES = {  # split -> (images, labels)
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CIFAR10_BATCHES = Path("cifar-10-batches-py")
CIFAR10_ARCHIVE = "cifar-10-python.tar.gz"  # holds pickles, not images, though it is named after the set
_DEEP = 2  # folders between one named after the set and train/ and test/
_ROOMS = 200  # folders looked into for each that is named after the set


@dataclass(frozen=True)
class Source:
    """What may be a copy of a set: published ``files``, an image ``tree``, or an ``archive``, at ``path``."""

    kind: Literal["files", "tree", "archive"]
    path: Path


@dataclass(frozen=True)
class Found:
    """``sources`` in the order in which they are tried; ``others``: why each other thing named after the set is none;
    ``hints``: what else may be meant, where there is no source."""

    sources: tuple[Source, ...] = ()
    others: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


def spellings(name: str) -> tuple[str, ...]:
    """The names under which a file of MNIST is known, the first choice first."""
    dotted = name.replace("-idx", ".idx")
    return name, dotted, f"{name}.gz", f"{dotted}.gz"


def places(name: str) -> tuple[str, ...]:
    """Where in a folder a file of MNIST may lie: under one of its names, or, as one archive has it, in a folder of that name."""
    names = spellings(name)
    return (*names, *(f"{folder}/{each}" for folder in names for each in names))


_SPELLINGS = frozenset(spelling for pair in MNIST_FILES.values() for name in pair for spelling in spellings(name))


_PLACES = [place for pair in MNIST_FILES.values() for name in pair for place in places(name)]


def is_idx(name: str) -> bool:
    """Whether a file of that name is one of MNIST's."""
    return name in _SPELLINGS


def _named(form: Form, name: str) -> bool:
    return re.match(form.stem, name, re.IGNORECASE) is not None


def _rooms(place: Path) -> Iterator[Path]:
    """``place`` and the folders in it, the nearest first, each once; those of splits are not entered."""
    level, seen = [place], {os.path.realpath(place)}
    for depth in range(_DEEP + 1):
        yield from level
        deeper = sorted(path for room in level for path in _inside(room)) if depth < _DEEP else []
        level = []
        for path in deeper:
            real = os.path.realpath(path)
            if real not in seen and len(seen) < _ROOMS:
                seen.add(real)
                level.append(path)


def _inside(room: Path) -> list[Path]:
    with suppress(OSError), os.scandir(room) as entries:
        wanted = (entry for entry in entries if not is_litter(entry.name) and not split_of(entry.name))
        return [Path(entry.path) for entry in islice((entry for entry in wanted if is_folder(entry)), _ROOMS)]
    return []


def _is_files(form: Form, room: Path) -> bool:
    if form is MNIST:
        return not is_idx(room.name) and any(
            os.path.lexists(room / place) and not (room / place).is_dir() for place in _PLACES
        )
    with suppress(OSError):
        return room.name == CIFAR10_BATCHES.name and any(room.iterdir())
    return False


def _is_tree(room: Path) -> bool:
    with suppress(OSError), os.scandir(room) as entries:
        return any(split_of(entry.name) and is_folder(entry) for entry in entries)
    return False


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ARCHIVES) and path.name != CIFAR10_ARCHIVE and not path.is_dir()


def _why_none(form: Form, path: Path, root: Path) -> str:
    if path.is_dir():
        return f"{path} holds no train/<class>/ and test/<class>/"
    if path.name == CIFAR10_ARCHIVE:
        return f"{path} holds pickles: `python -m hw1bench data {form.name} --data-dir {root}` checks and unpacks it"
    return f"{path} is none of {', '.join(ARCHIVES)}"


def find(form: Form, folder: Path) -> Found:
    """What may be copies of the set in ``folder``, in the order above; nothing where there is no folder.

    They are told by their names, so reading one may say that it is damaged, not whole or no such set.
    Raises OSError for a folder that cannot be read.
    """
    if not folder.is_dir():
        return Found()
    here = folder.resolve()  # the name of "." is that of the folder that it is
    itself = [here if folder.name != here.name else folder] if _named(form, here.name) else []
    named = sorted(path for path in folder.iterdir() if _named(form, path.name))
    places = itself + [path for path in named if path.is_dir()]
    rooms = list(dict.fromkeys(room for place in places for room in _rooms(place)))
    first = [folder / MNIST_RAW, folder, folder / "raw"] if form is MNIST else [folder / CIFAR10_BATCHES]
    files = [room for room in dict.fromkeys([*first, *rooms]) if _is_files(form, room)]
    trees = [room for room in rooms if _is_tree(room)]
    inside = [path for place in places for path in _entries(place) if _named(form, path.name)]
    archives = [path for path in dict.fromkeys([*named, *inside]) if _is_archive(path)]
    used = [*files, *trees, *archives]
    more = [*rooms, folder / "raw", folder / MNIST_RAW, *_inside(folder)]
    return Found(
        hints=() if used else tuple(hints(form, folder, more, ARCHIVES)),
        sources=(
            *(Source("files", path) for path in files),
            *(Source("tree", path) for path in trees),
            *(Source("archive", path) for path in archives),
        ),
        others=tuple(
            _why_none(form, path, folder)
            for path in named
            if not (files and path.name == CIFAR10_ARCHIVE)  # they are unpacked from it
            and not any(path == other or path in other.parents for other in used)
        ),
    )


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []
