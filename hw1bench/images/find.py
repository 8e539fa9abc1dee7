"""Places of a set in a folder.

The first copy that is the canonical set is used; if there is none, the first copy that can be read. Copies are tried in this
order, in each group by name. A folder or archive is named after the set if its name starts with ``mnist``, ``cifar10`` or
``cifar-10``, in any case.

1. the published files: MNIST's ``train-images-idx3-ubyte`` and the three others (also with ``.idx3`` for ``-idx3``), plain or
   .gz, in ``MNIST/raw``, in the folder itself, in ``raw``, or in a folder named after the set; CIFAR-10's
   ``cifar-10-batches-py``, in the folder itself or in a folder named after the set;
2. an image folder, ``train/<class>/*`` and ``test/<class>/*``, in the folder itself if it is named after the set, or in a
   folder named after the set, or up to two folders deeper;
3. an archive named after the set that holds such an image folder or MNIST's files, in the folder itself or in a folder named
   after the set.
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
from hw1bench.images.sets import MNIST, KnownSet

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".zip")
MNIST_RAW = Path("MNIST", "raw")
MNIST_FILES = {  # split -> (images, labels)
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CIFAR10_BATCHES = Path("cifar-10-batches-py")
CIFAR10_ARCHIVE = "cifar-10-python.tar.gz"  # holds pickles, not images, though it is named after the set
_DEPTH = 2  # levels of folders below a folder named after the set in which train/ and test/ are looked for
_MOST_FOLDERS = 200  # folders looked into per folder named after the set


@dataclass(frozen=True)
class Source:
    """A possible copy of a set: published ``files``, an image ``tree``, or an ``archive``, at ``path``."""

    kind: Literal["files", "tree", "archive"]
    path: Path


@dataclass(frozen=True)
class Found:
    """Results of a search.

    sources   in the order in which they are tried
    rejected  for each other file or folder named after the set, why it is not a source
    hints     if there is no source, what else may be meant
    """

    sources: tuple[Source, ...] = ()
    rejected: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


def spellings(name: str) -> tuple[str, ...]:
    """Return the accepted names of one of MNIST's files, the first choice first."""
    dotted = name.replace("-idx", ".idx")
    return name, dotted, f"{name}.gz", f"{dotted}.gz"


def places(name: str) -> tuple[str, ...]:
    """Return the relative paths of one of MNIST's files: one of its names, or, as in one archive, inside a folder of such a
    name."""
    names = spellings(name)
    return (*names, *(f"{folder}/{file}" for folder in names for file in names))


_SPELLINGS = frozenset(spelling for pair in MNIST_FILES.values() for name in pair for spelling in spellings(name))
_PLACES = [place for pair in MNIST_FILES.values() for name in pair for place in places(name)]


def is_idx(name: str) -> bool:
    """Whether ``name`` is a name of one of MNIST's files."""
    return name in _SPELLINGS


def _named(form: KnownSet, name: str) -> bool:
    return re.match(form.stem, name, re.IGNORECASE) is not None


def _walk(place: Path) -> Iterator[Path]:
    """Yield ``place`` and the folders in it, the outermost first, each once; the folders of splits are not entered."""
    level, seen = [place], {os.path.realpath(place)}
    for depth in range(_DEPTH + 1):
        yield from level
        deeper = sorted(path for directory in level for path in _subfolders(directory)) if depth < _DEPTH else []
        level = []
        for path in deeper:
            real = os.path.realpath(path)
            if real not in seen and len(seen) < _MOST_FOLDERS:
                seen.add(real)
                level.append(path)


def _subfolders(directory: Path) -> list[Path]:
    with suppress(OSError), os.scandir(directory) as entries:
        wanted = (entry for entry in entries if not is_litter(entry.name) and not split_of(entry.name))
        return [Path(entry.path) for entry in islice((entry for entry in wanted if is_folder(entry)), _MOST_FOLDERS)]
    return []


def _has_files(form: KnownSet, directory: Path) -> bool:
    """Whether published files lie in ``directory``."""
    if form is MNIST:
        return not is_idx(directory.name) and any(
            os.path.lexists(directory / place) and not (directory / place).is_dir() for place in _PLACES
        )
    with suppress(OSError):
        return directory.name == CIFAR10_BATCHES.name and any(directory.iterdir())
    return False


def _has_splits(directory: Path) -> bool:
    with suppress(OSError), os.scandir(directory) as entries:
        return any(split_of(entry.name) and is_folder(entry) for entry in entries)
    return False


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ARCHIVES) and path.name != CIFAR10_ARCHIVE and not path.is_dir()


def _why_rejected(form: KnownSet, path: Path, root: Path) -> str:
    if path.is_dir():
        return f"{path} holds no train/<class>/ and test/<class>/"
    if path.name == CIFAR10_ARCHIVE:
        return f"{path} holds pickles: `python -m hw1bench data {form.name} --data-dir {root}` checks and unpacks it"
    return f"{path} is not one of {', '.join(ARCHIVES)}"


def find(form: KnownSet, folder: Path) -> Found:
    """Find the possible copies of the set in ``folder``, in the order above; none if there is no such folder.

    Only names are looked at, so a copy may turn out to be damaged, incomplete or another set when it is read.
    Raises OSError if the folder cannot be read.
    """
    if not folder.is_dir():
        return Found()
    here = folder.resolve()  # "." has the name of the folder that it stands for
    itself = [here if folder.name != here.name else folder] if _named(form, here.name) else []
    named = sorted(path for path in folder.iterdir() if _named(form, path.name))
    places = itself + [path for path in named if path.is_dir()]
    directories = list(dict.fromkeys(directory for place in places for directory in _walk(place)))
    first = [folder / MNIST_RAW, folder, folder / "raw"] if form is MNIST else [folder / CIFAR10_BATCHES]
    files = [directory for directory in dict.fromkeys([*first, *directories]) if _has_files(form, directory)]
    trees = [directory for directory in directories if _has_splits(directory)]
    inside = [path for place in places for path in _entries(place) if _named(form, path.name)]
    archives = [path for path in dict.fromkeys([*named, *inside]) if _is_archive(path)]
    used = [*files, *trees, *archives]
    more = [*directories, folder / "raw", folder / MNIST_RAW, *_subfolders(folder)]
    return Found(
        hints=() if used else tuple(hints(form, folder, more, ARCHIVES)),
        sources=(
            *(Source("files", path) for path in files),
            *(Source("tree", path) for path in trees),
            *(Source("archive", path) for path in archives),
        ),
        rejected=tuple(
            _why_rejected(form, path, folder)
            for path in named
            if not (files and path.name == CIFAR10_ARCHIVE)  # the files come from it
            and not any(path == other or path in other.parents for other in used)
        ),
    )


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []
