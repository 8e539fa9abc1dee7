"""The 1,797 handwritten digits of scikit-learn, which come with its package and need no folder and no network.

They are split by scikit-learn once and cached: it takes two seconds to import.
"""

from importlib import metadata

import numpy as np

from hw1bench.images import cache
from hw1bench.images.folder import READER_VERSION, digest
from hw1bench.images.sets import DIGITS, ImageSet, Stack, assemble
from hw1bench.support.progress import Progress


def read(progress: Progress) -> ImageSet:
    """Read the digits, 8x8 pixels of 0 to 16 in one channel, in a fixed stratified split into 1,437 and 360. ``progress`` is
    notified of problems with the cache."""
    versions = metadata.version("scikit-learn"), np.__version__  # which decide the split
    return cache.read(DIGITS, digest([DIGITS.name, READER_VERSION, *versions]), _split, progress)


def _split() -> ImageSet:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    stack = Stack(pixels.reshape(-1, *DIGITS.shape).astype(np.uint8), labels.astype(np.int64))
    parts = train_test_split(np.arange(len(stack)), test_size=DIGITS.test, stratify=stack.labels, random_state=0)
    train, test = (Stack(stack.images[part], stack.labels[part]) for part in parts)
    return assemble(DIGITS, train, test)
