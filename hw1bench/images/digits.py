"""The 1,797 handwritten digits of scikit-learn, which come with its package and need no folder and no network."""

import numpy as np

from hw1bench.images.sets import ImageSet, Stack, combined, in_order

TEST = 360


def read() -> ImageSet:
    """Read the digits, 8x8 pixels of 0 to 16 in one channel, in a fixed stratified split into 1,437 and 360."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    images = pixels.reshape(-1, 1, 8, 8).astype(np.uint8)
    trained, tested = train_test_split(np.arange(len(images)), test_size=TEST, stratify=labels, random_state=0)
    train, of_train = in_order(Stack(images[trained], labels[trained].astype(np.int64)))
    test, of_test = in_order(Stack(images[tested], labels[tested].astype(np.int64)))
    return ImageSet("digits", "digits", train, test, combined(of_train, of_test), canonical=True, levels=16)
