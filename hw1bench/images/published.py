"""MNIST and CIFAR-10 in their published files; CIFAR-10's pickles are read by torchvision's own loader."""

import hashlib
import lzma
import math
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from hw1bench.images.find import CIFAR10_BATCHES, MNIST_FILES, is_idx, places
from hw1bench.images.sets import CLASSES, MNIST, SPLITS, KnownSet, Stack
from hw1bench.images.unpacking import take, unpacked
from hw1bench.images.vision import datasets
from hw1bench.support.files import open_regular

MNIST_MD5 = {  # of the unpacked files, because gzip output varies; torchvision lists the digests of its own .gz files
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_LARGEST = 1 << 26  # bytes of a published file, unpacked: MNIST's images take 47 MB

Notice = Callable[[str], None]


class _OtherSet(Exception):
    """An intact file that holds another set."""


@dataclass(frozen=True)
class File:
    """One of MNIST's files, on disk or in an archive: its title in errors, its opener, and what to do if it is wrong."""

    title: str
    open: Callable[[], BinaryIO]
    way_out: str


def fetch_command(form: KnownSet, root: Path) -> str:
    """Return the command that fetches the set into the data folder ``root``."""
    return f"`python -m hw1bench data {form.name} --data-dir {root}`"


def genuine(path: Path, digest: str) -> bool:
    """Whether a file, unpacked if it is MNIST's, has the MD5 digest ``digest``; False if it is missing or unreadable."""
    total = hashlib.md5(usedforsecurity=False)
    try:
        with open_regular(path) as file:
            stream, left = unpacked(file, _LARGEST) if is_idx(path.name) else file, _LARGEST
            while left >= 0 and (piece := stream.read(1 << 18)):
                total.update(piece)
                left -= len(piece)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
        return False
    return left >= 0 and total.hexdigest() == digest


def digests(form: KnownSet, folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file of the set, existing or not, with the expected MD5 digest of its unpacked content.

    MNIST's files may have any accepted spelling, plain or .gz; of several in the folder the one that is read counts.
    """
    if form is MNIST:
        for name, digest in MNIST_MD5.items():
            yield _genuine_first(folder, name)[0], digest
    else:
        cifar = datasets().CIFAR10
        for name, digest in [*cifar.train_list, *cifar.test_list, (cifar.meta["filename"], cifar.meta["md5"])]:
            yield folder / name, digest


def missing(form: KnownSet, folder: Path) -> list[str]:
    """Return the names of the set's files that are not in ``folder`` in any spelling."""
    if form is MNIST:
        return [name for name in MNIST_MD5 if not any((folder / place).is_file() for place in places(name))]
    return [path.name for path, _ in digests(form, folder) if not path.is_file()]


def _existing(folder: Path, name: str) -> list[Path]:
    """Return the paths of one of MNIST's files in ``folder``, in any spelling, plain ones first; if there is none, the
    expected path."""
    paths = [folder / place for place in places(name)]
    there = [path for path in paths if os.path.lexists(path)]
    files = [path for path in there if not path.is_dir()]
    return files or there or paths[:1]


def _genuine_first(folder: Path, name: str) -> list[Path]:
    """Return the paths of ``_existing`` with the published file first."""
    paths = _existing(folder, name)
    if len(paths) > 1:
        paths.sort(key=lambda path: not genuine(path, MNIST_MD5[name]))
    return paths


def _idx(stream: BinaryIO, sides: tuple[int, ...], most: int) -> np.ndarray:
    """Read the uint8 array in an idx file, (n, *sides), n at most ``most``. Raises ValueError if it holds something else."""
    head = take(stream, 4)
    if head != bytes([0, 0, 8, 1 + len(sides)]):
        raise ValueError("it is not an idx file of the expected kind")
    dimensions = take(stream, 4 * (1 + len(sides)))
    if len(dimensions) < 4 * (1 + len(sides)):
        raise ValueError("it is cut short")
    number, *found = np.frombuffer(dimensions, ">u4").tolist()
    if tuple(found) != sides:
        raise _OtherSet(f"holds images of {'x'.join(map(str, found))}, but MNIST has {'x'.join(map(str, sides))}")
    if number > most:
        raise _OtherSet(f"claims to hold {number:,}, but MNIST has {most:,}")
    size = number * math.prod(sides)
    content = take(stream, size + 1)
    if len(content) != size:
        raise ValueError(f"it holds {'less' if len(content) < size else 'more'} than it claims")
    return np.frombuffer(bytearray(content), np.uint8).reshape(number, *sides)


def _first(
    form: KnownSet, files: Sequence[File], sides: tuple[int, ...], most: int, notice: Notice
) -> tuple[File, np.ndarray]:
    """Return the first file that can be read, and its array; a notice says why each file before it is passed over."""
    errors: list[ValueError] = []
    for file in files:
        try:
            found = _loaded(form, file, sides, most)
        except ValueError as error:
            errors.append(error)
            continue
        for before in errors:
            notice(f"passed over in favour of {file.title}: {before}")
        return file, found
    raise errors[0]


def _loaded(form: KnownSet, file: File, sides: tuple[int, ...], most: int) -> np.ndarray:
    try:
        with file.open() as packed:
            return _idx(unpacked(packed, 4 * (2 + len(sides)) + most * math.prod(sides)), sides, most)
    except _OtherSet as error:
        raise ValueError(f"{file.title} {error}: {file.way_out}") from None
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{file.title} cannot be read ({reason}): {file.way_out}") from error


def _checked(form: KnownSet, split: str, stack: Stack, labels_in: str, way_out: str) -> Stack:
    """Return ``stack`` if it has the set's labels. Raises ValueError otherwise, naming their file."""
    found = np.unique(stack.labels)
    if not np.array_equal(found, np.arange(CLASSES)):
        raise ValueError(
            f"{labels_in} has the labels {', '.join(map(str, found[: CLASSES + 1]))} in {split}, but {form.title} has "
            f"0 to {CLASSES - 1}: {way_out}"
        )
    return stack


def mnist(form: KnownSet, files: Callable[[str], Sequence[File]], notice: Notice) -> dict[str, Stack]:
    """Read both splits from ``files(name)``, the first choice first, for each name of ``MNIST_FILES``. Raises ValueError as
    ``read`` does."""
    stacks = {}
    for split, (images_name, labels_name) in MNIST_FILES.items():
        most = getattr(form, split)
        images_in, images = _first(form, files(images_name), form.shape[1:], most, notice)
        labels_in, read_labels = _first(form, files(labels_name), (), most, notice)
        labels = read_labels.astype(np.int64)
        if len(images) != len(labels):
            raise ValueError(
                f"{images_in.title} holds {len(images)} images, {labels_in.title} {len(labels)} labels: {images_in.way_out}"
            )
        stacks[split] = _checked(form, split, Stack(images[:, None], labels), labels_in.title, labels_in.way_out)
    return stacks


def _verify(form: KnownSet, folder: Path, root: Path) -> None:
    """Raise ValueError for the first file that is missing or does not have torchvision's digest."""
    for path, digest in digests(form, folder):
        if not os.path.lexists(path):
            raise ValueError(f"{path} is missing: {fetch_command(form, root)} fetches it")
        if not genuine(path, digest):
            raise ValueError(
                f"{path} does not have the MD5 digest {digest}, so it is not opened: "
                f"remove it and run {fetch_command(form, root)}"
            )


def _cifar10(form: KnownSet, folder: Path, root: Path) -> dict[str, Stack]:
    _verify(form, folder, root)
    stacks = {}
    for split in SPLITS:
        # The constructor checks the digests once more before it unpickles.
        found = datasets().CIFAR10(folder.parent, train=split == "train")
        rank = np.argsort(np.argsort(found.classes))  # of each class name in sorted order
        stack = Stack(found.data.transpose(0, 3, 1, 2), rank[np.array(found.targets)].astype(np.int64))
        stacks[split] = _checked(form, split, stack, str(folder), f"remove it and run {fetch_command(form, root)}")
    return stacks


def read(form: KnownSet, folder: Path, root: Path, notice: Notice) -> dict[str, Stack]:
    """Read both splits in ``folder``, which holds MNIST's files or is CIFAR-10's ``cifar-10-batches-py``, below ``root``.

    If one of MNIST's files exists in several spellings, the first that can be read is used, with a ``notice``.
    Raises ValueError if a file is missing, damaged or does not fit the set, without reading more than the set has. CIFAR-10's
    files are pickles: none is opened unless all have their published MD5 digests.
    """
    if form is not MNIST:
        assert folder.name == CIFAR10_BATCHES.name
        return _cifar10(form, folder, root)
    way_out = f"remove it and run {fetch_command(form, root)}"

    def files(name: str) -> list[File]:
        paths = _genuine_first(folder, name)
        if not os.path.lexists(paths[0]):
            raise ValueError(f"{paths[0]} is missing: {fetch_command(form, root)} fetches it")
        first = _existing(folder, name)[0]
        if first != paths[0]:
            notice(f"passed over: {first} is not the published file, but {paths[0]} is")
        return [File(str(path), partial(open_regular, path), way_out) for path in paths]

    return mnist(form, files, notice)
