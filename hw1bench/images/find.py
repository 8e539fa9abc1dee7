"""Where a set lies in a folder.

In this order, and the first is used:

1. torchvision's own files: ``MNIST/raw/*-ubyte``, plain or .gz; ``cifar-10-batches-py/``;
2. an image folder: ``train/<class>/*`` and ``test/<class>/*`` in the folder itself, where it is named after the set, or in
   a folder in it that is, by name (``mnist…``, ``cifar10…``, ``cifar-10…``, whatever the case);
3. a .tar, .tar.gz or .tgz of such an image folder, named after the set, by name.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hw1bench.images.sets import CIFAR10, MNIST, SPLITS, Form

ARCHIVES = (".tar", ".tar.gz", ".tgz")
MNIST_RAW = Path("MNIST", "raw")
MNIST_FILES = {  # split -> (images, labels)
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CIFAR10_BATCHES = Path("cifar-10-batches-py")
CIFAR10_ARCHIVE = "cifar-10-python.tar.gz"  # holds pickles, not images, though it is named after the set


@dataclass(frozen=True)
class Source:
    """A copy of a set: torchvision's ``files``, an image ``tree``, or an ``archive`` of one, at ``path``."""

    kind: Literal["files", "tree", "archive"]
    path: Path


def _named(form: Form, path: Path) -> bool:
    return re.match(form.stem, path.name, re.IGNORECASE) is not None


def _files(form: Form, folder: Path) -> Path | None:
    if form is MNIST:
        raw = folder / MNIST_RAW
        files = [raw / f"{file}{end}" for pair in MNIST_FILES.values() for file in pair for end in ("", ".gz")]
        return raw if any(file.is_file() for file in files) else None
    batches = folder / CIFAR10_BATCHES
    return batches if form is CIFAR10 and batches.is_dir() and any(batches.iterdir()) else None


def find(form: Form, folder: Path) -> Source | None:
    """The first copy of the set in ``folder``, in the order above; None where there is none, or no folder.

    A copy that is not whole counts: reading it says what is missing. Raises OSError for a folder that cannot be read.
    """
    if not folder.is_dir():
        return None
    files = _files(form, folder)
    if files is not None:
        return Source("files", files)
    inside = sorted(path for path in folder.iterdir() if _named(form, path))
    itself = [folder] if _named(form, folder.resolve()) else []
    for path in itself + [path for path in inside if path.is_dir()]:
        if any((path / split).is_dir() for split in SPLITS):
            return Source("tree", path)
    for path in inside:
        if path.name.lower().endswith(ARCHIVES) and path.name != CIFAR10_ARCHIVE and path.is_file():
            return Source("archive", path)
    return None
