"""MNIST and CIFAR-10 in the files in which they are published, read by torchvision's own loaders."""

import gzip
import hashlib
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hw1bench.images.find import CIFAR10_BATCHES, MNIST_FILES
from hw1bench.images.sets import CLASSES, MNIST, Form, Stack
from hw1bench.images.vision import datasets

MNIST_MD5 = {  # of the files unpacked, for gzip packs them in more than one way; torchvision lists those of its own .gz
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def again(form: Form, path: Path) -> str:
    """The way out for a file in a folder of published files."""
    folder = path.parent.parent.parent if form is MNIST else path.parent.parent
    return f"`python -m hw1bench data {form.name} --data-dir {folder}`"


def genuine(path: Path, digest: str) -> bool:
    """Whether a file, unpacked if it ends in .gz, has the MD5 digest ``digest``. Raises OSError if it is not there."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == digest
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return False


def digests(form: Form, folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file that the set takes, there or not, with the MD5 digest that it should have unpacked.

    Of MNIST either form of a file, plain or .gz, will do: the plain one where both lie there, as when it is read.
    """
    if form is MNIST:
        for name, digest in MNIST_MD5.items():
            yield _either(folder / name), digest
    else:
        cifar = datasets().CIFAR10
        for name, digest in [*cifar.train_list, *cifar.test_list, (cifar.meta["filename"], cifar.meta["md5"])]:
            yield folder / name, digest


def _either(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    return packed if packed.is_file() and not path.is_file() else path


def _loaded(load: Callable[[str], Any], path: Path) -> np.ndarray:
    """What torchvision's loader finds in an idx file, which may be packed by gzip."""
    try:
        if path.suffix != ".gz":
            return np.asarray(load(str(path)).numpy())
        with tempfile.TemporaryDirectory() as folder:
            plain = Path(folder, path.stem)
            plain.write_bytes(gzip.decompress(path.read_bytes()))
            return np.asarray(load(str(plain)).numpy())
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing: {again(MNIST, path)} fetches it") from error
    except (OSError, EOFError, zlib.error, ValueError, TypeError, RuntimeError, AssertionError) as error:
        reason = (str(error) or "it is no idx file").splitlines()[0]
        raise ValueError(f"{path} cannot be read ({reason}): remove it and run {again(MNIST, path)}") from error


def _checked(form: Form, split: str, stack: Stack, images_in: Path, labels_in: Path) -> Stack:
    """``stack`` if it is what the set is made of; else a ValueError that names the file."""
    if stack.images.shape[1:] != form.shape:
        *_, height, width = stack.images.shape
        raise ValueError(
            f"{images_in} holds images of {height}x{width}, where {form.title} has {form.size}x{form.size}: "
            f"remove it and run {again(form, images_in)}"
        )
    if len(stack.images) != len(stack.labels):
        raise ValueError(
            f"{images_in} holds {len(stack.images)} images, {labels_in.name} {len(stack.labels)} labels: "
            f"remove both and run {again(form, images_in)}"
        )
    found = np.unique(stack.labels)
    if not np.array_equal(found, np.arange(CLASSES)):
        raise ValueError(
            f"{labels_in} has the labels {', '.join(map(str, found[: CLASSES + 1]))} in {split}, where {form.title} has "
            f"0 to {CLASSES - 1}: remove it and run {again(form, labels_in)}"
        )
    return stack


def _mnist(form: Form, folder: Path) -> Iterator[Stack]:
    loaders = datasets().mnist
    for split, (images_name, labels_name) in MNIST_FILES.items():
        images_in, labels_in = _either(folder / images_name), _either(folder / labels_name)
        images = _loaded(loaders.read_image_file, images_in)[:, None]
        labels = _loaded(loaders.read_label_file, labels_in)
        yield _checked(form, split, Stack(images, labels), images_in, labels_in)


def _refuse(form: Form, folder: Path) -> None:
    """Raises ValueError for the first file that is missing or has another digest than torchvision's."""
    for path, digest in digests(form, folder):
        if not path.is_file():
            raise ValueError(f"{path} is missing: {again(form, path)} fetches it")
        if not genuine(path, digest):
            raise ValueError(
                f"{path} has another MD5 digest than {digest}, so it is not opened: remove it and run {again(form, path)}"
            )


def _cifar10(form: Form, folder: Path) -> Iterator[Stack]:
    _refuse(form, folder)
    for split in ("train", "test"):
        # Its constructor checks the digests once more, and unpickles only then.
        found = datasets().CIFAR10(folder.parent, train=split == "train")
        rank = np.argsort(np.argsort(found.classes))  # of each class name among the sorted ones
        stack = Stack(found.data.transpose(0, 3, 1, 2), rank[np.array(found.targets)].astype(np.int64))
        yield _checked(form, split, stack, folder, folder)


def read(form: Form, folder: Path) -> Sequence[Stack]:
    """The train and the test split in ``folder``, MNIST's ``raw`` or CIFAR-10's ``cifar-10-batches-py``, as they lie there.

    Raises ValueError for a file that is missing, damaged or does not hold what the set is made of; of CIFAR-10, whose files
    are pickles, for any whose MD5 digest is not the published one, before one is opened.
    """
    if form is MNIST:
        return list(_mnist(form, folder))
    assert folder.name == CIFAR10_BATCHES.name
    return list(_cifar10(form, folder))
