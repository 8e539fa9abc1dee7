"""MNIST and CIFAR-10 in the files in which they are published; CIFAR-10's pickles by torchvision's own loader."""

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
from hw1bench.images.sets import CLASSES, MNIST, SPLITS, Form, Stack
from hw1bench.images.streams import take, unpacked
from hw1bench.images.vision import datasets
from hw1bench.support.files import opened

MNIST_MD5 = {  # of the files unpacked, for gzip packs them in more than one way; torchvision lists those of its own .gz
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
_LARGEST = 1 << 26  # bytes of a published file, unpacked: MNIST's images take 47 MB


Notice = Callable[[str], None]


class _Other(Exception):
    """A file that is whole and holds another set."""


@dataclass(frozen=True)
class File:
    """One of MNIST's files, wherever it lies: what errors call it, how it is opened, and what to do if it is wrong."""

    title: str
    open: Callable[[], BinaryIO]
    way_out: str


def again(form: Form, root: Path) -> str:
    """The way out for a file in the folder of data ``root``."""
    return f"`python -m hw1bench data {form.name} --data-dir {root}`"


def genuine(path: Path, digest: str) -> bool:
    """Whether a file, one of MNIST's unpacked, has the MD5 digest ``digest``. One that is not there has none."""
    total = hashlib.md5(usedforsecurity=False)
    try:
        with opened(path) as file:
            stream, left = unpacked(file, _LARGEST) if is_idx(path.name) else file, _LARGEST
            while left >= 0 and (piece := stream.read(1 << 18)):
                total.update(piece)
                left -= len(piece)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
        return False
    return left >= 0 and total.hexdigest() == digest


def digests(form: Form, folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file that the set takes, there or not, with the MD5 digest that it should have unpacked.

    Of MNIST any spelling of a file will do, plain or .gz: where several lie there, the one that is read.
    """
    if form is MNIST:
        for name, digest in MNIST_MD5.items():
            yield _lying(folder, name)[0], digest
    else:
        cifar = datasets().CIFAR10
        for name, digest in [*cifar.train_list, *cifar.test_list, (cifar.meta["filename"], cifar.meta["md5"])]:
            yield folder / name, digest


def missing(form: Form, folder: Path) -> list[str]:
    """The names of the set's files that are not in ``folder``, in any spelling."""
    if form is MNIST:
        return [name for name in MNIST_MD5 if not any((folder / place).is_file() for place in places(name))]
    return [path.name for path, _ in digests(form, folder) if not path.is_file()]


def _spelled(folder: Path, name: str) -> list[Path]:
    """One of MNIST's files in each spelling in ``folder``, plain ones first; where there is none, the path it should have."""
    paths = [folder / place for place in places(name)]
    there = [path for path in paths if os.path.lexists(path)]
    files = [path for path in there if not path.is_dir()]
    return files or there or paths[:1]


def _lying(folder: Path, name: str) -> list[Path]:
    """As `_spelled`, but with the published file before any other."""
    paths = _spelled(folder, name)
    if len(paths) > 1:
        paths.sort(key=lambda path: not genuine(path, MNIST_MD5[name]))
    return paths


def _idx(stream: BinaryIO, sides: tuple[int, ...], most: int) -> np.ndarray:
    """The uint8 array in an idx file, (n, *sides), n at most ``most``. Raises ValueError where it holds something else."""
    head = take(stream, 4)
    if head != bytes([0, 0, 8, 1 + len(sides)]):
        raise ValueError("it is no idx file of these bytes")
    dimensions = take(stream, 4 * (1 + len(sides)))
    if len(dimensions) < 4 * (1 + len(sides)):
        raise ValueError("it is cut short")
    number, *found = np.frombuffer(dimensions, ">u4").tolist()
    if tuple(found) != sides:
        raise _Other(f"holds images of {'x'.join(map(str, found))}, where MNIST has {'x'.join(map(str, sides))}")
    if number > most:
        raise _Other(f"says that it holds {number:,}, where MNIST has {most:,}")
    size = number * math.prod(sides)
    content = take(stream, size + 1)
    if len(content) != size:
        raise ValueError(f"it holds {'less' if len(content) < size else 'more'} than it says")
    return np.frombuffer(bytearray(content), np.uint8).reshape(number, *sides)


def _first(
    form: Form, files: Sequence[File], sides: tuple[int, ...], most: int, notice: Notice
) -> tuple[File, np.ndarray]:
    """The first of the files that can be read, and what it holds; a notice says why each before it is passed over."""
    errors: list[ValueError] = []
    for file in files:
        try:
            found = _loaded(form, file, sides, most)
        except ValueError as error:
            errors.append(error)
            continue
        for before in errors:
            notice(f"passed over for {file.title}: {before}")
        return file, found
    raise errors[0]


def _loaded(form: Form, file: File, sides: tuple[int, ...], most: int) -> np.ndarray:
    try:
        with file.open() as packed:
            return _idx(unpacked(packed, 4 * (2 + len(sides)) + most * math.prod(sides)), sides, most)
    except _Other as error:
        raise ValueError(f"{file.title} {error}: {file.way_out}") from None
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{file.title} cannot be read ({reason}): {file.way_out}") from error


def _checked(form: Form, split: str, stack: Stack, labels_in: str, way_out: str) -> Stack:
    """``stack`` if its labels are those of the set; else a ValueError that names their file."""
    found = np.unique(stack.labels)
    if not np.array_equal(found, np.arange(CLASSES)):
        raise ValueError(
            f"{labels_in} has the labels {', '.join(map(str, found[: CLASSES + 1]))} in {split}, where {form.title} has "
            f"0 to {CLASSES - 1}: {way_out}"
        )
    return stack


def mnist(form: Form, files: Callable[[str], Sequence[File]], notice: Notice) -> dict[str, Stack]:
    """Both splits, from the ``files`` of each name of `MNIST_FILES`, the first choice first. Raises ValueError as `read`."""
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


def _refuse(form: Form, folder: Path, root: Path) -> None:
    """Raises ValueError for the first file that is missing or has another digest than torchvision's."""
    for path, digest in digests(form, folder):
        if not os.path.lexists(path):
            raise ValueError(f"{path} is missing: {again(form, root)} fetches it")
        if not genuine(path, digest):
            raise ValueError(
                f"{path} has another MD5 digest than {digest}, so it is not opened: remove it and run {again(form, root)}"
            )


def _cifar10(form: Form, folder: Path, root: Path) -> dict[str, Stack]:
    _refuse(form, folder, root)
    stacks = {}
    for split in SPLITS:
        # Its constructor checks the digests once more, and unpickles only then.
        found = datasets().CIFAR10(folder.parent, train=split == "train")
        rank = np.argsort(np.argsort(found.classes))  # of each class name among the sorted ones
        stack = Stack(found.data.transpose(0, 3, 1, 2), rank[np.array(found.targets)].astype(np.int64))
        stacks[split] = _checked(form, split, stack, str(folder), f"remove it and run {again(form, root)}")
    return stacks


def read(form: Form, folder: Path, root: Path, notice: Notice) -> dict[str, Stack]:
    """Both splits in ``folder``, one of MNIST's files or CIFAR-10's ``cifar-10-batches-py``, in the data's folder ``root``.

    Of one of MNIST's files that lies there in several spellings the first that can be read is taken, with a ``notice``.
    Raises ValueError for a file that is missing, damaged or does not hold what the set is made of, without reading more than
    the set has; of CIFAR-10, whose files are pickles, for any whose MD5 digest is not the published one, before one is opened.
    """
    if form is not MNIST:
        assert folder.name == CIFAR10_BATCHES.name
        return _cifar10(form, folder, root)
    way_out = f"remove it and run {again(form, root)}"

    def files(name: str) -> list[File]:
        paths = _lying(folder, name)
        if not os.path.lexists(paths[0]):
            raise ValueError(f"{paths[0]} is missing: {again(form, root)} fetches it")
        first = _spelled(folder, name)[0]
        if first != paths[0]:
            notice(f"passed over: {first} is not the published file, as {paths[0]} is")
        return [File(str(path), partial(opened, path), way_out) for path in paths]

    return mnist(form, files, notice)
