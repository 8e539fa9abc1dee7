"""Data sets as resident tensors, each with a fingerprint.

A specification names the set; ``Library.load`` returns the whole set at once, because each set here fits on the device.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hw1bench import images
from hw1bench.specs.experiment import Data, Function, Images
from hw1bench.specs.functions import FUNCTIONS
from hw1bench.support.progress import Progress
from hw1bench.support.refusals import Unreadable


@dataclass(frozen=True)
class Split:
    """Inputs and targets of a training or test set.

    x  (samples, features) float64 for a function, (samples, channels, height, width) float32 for images
    y  (samples, 1) float64, or (samples,) int64 class indices: -1 if they are drawn at random, once per seed
    """

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Dataset:
    """A data set in memory.

    ``classes`` is the number of classes, None for a regression; ``stands_for`` names the set that this one replaces, if any;
    ``canonical`` is False for a copy of a known set with an unexpected fingerprint.
    """

    name: str
    train: Split
    test: Split | None
    fingerprint: str
    classes: int | None = None
    stands_for: str = ""
    canonical: bool = True


def fingerprint(*arrays: np.ndarray) -> str:
    """Return 32 hexadecimal digits over the shapes, types and bytes of ``arrays``."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:32]


def _function(spec: Function) -> Dataset:
    x = np.linspace(spec.low, spec.high, spec.points)
    y = FUNCTIONS[spec.name](x)
    name = f"{spec.name}, {spec.points} points on [{spec.low:g}, {spec.high:g}]"
    split = Split(torch.from_numpy(x)[:, None], torch.from_numpy(y)[:, None])
    return Dataset(name, split, None, fingerprint(x, y))


def _pixels(stack: images.Stack, levels: int, spec: Images) -> Tensor:
    """Return the images of ``stack`` as ``spec`` asks, (samples, channels, size, size) float32."""
    x = torch.from_numpy(stack.images).float() / levels
    if x.shape[2:] != (spec.size, spec.size):
        x = nn.functional.interpolate(x, (spec.size, spec.size), mode="bilinear", align_corners=False)
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (spec.mean, spec.deviation))
    return x.repeat(1, spec.channels // x.shape[1], 1, 1).sub_(mean).div_(deviation)  # in place: CIFAR-10 takes 0.6 GB


def _images(spec: Images, found: images.ImageSet) -> Dataset:
    train, test = torch.from_numpy(found.train.labels), torch.from_numpy(found.test.labels)
    hidden = torch.full_like(train, -1) if spec.random_labels else train  # no true label leaves this function
    return Dataset(
        name=f"{found.title}, {spec.size}x{spec.size}",
        train=Split(_pixels(found.train, found.levels, spec), hidden),
        test=Split(_pixels(found.test, found.levels, spec), test),
        fingerprint=found.fingerprint,
        classes=int(train.max()) + 1,
        stands_for=spec.stands_for,
        canonical=found.canonical,
    )


class Library:
    """The available data sets: functions, digits and 5,000 images of MNIST always, MNIST and CIFAR-10 from ``folder``.

    ``progress`` is shown while images are decoded for the first time.
    """

    def __init__(self, folder: Path | None = None, progress: Progress | None = None) -> None:
        # An experiment's arms are trained one after the other and share a set; CIFAR-10 takes 0.7 GB, so few are kept.
        self._cached = lru_cache(maxsize=3)(self._load)
        self._folder, self._progress = folder, progress
        self._read = lru_cache(maxsize=1)(self._read_images)

    def load(self, spec: Data) -> Dataset:
        """Return the data set of ``spec``, on the CPU.

        Raises ``Unreadable`` if its images cannot be read, ``Unavailable`` if the set is not found.
        """
        return self._cached(spec)

    def _read_images(self, name: str) -> images.ImageSet:
        try:
            return images.read(name, self._folder, self._progress)
        except ValueError as error:
            raise Unreadable(str(error)) from error

    def _load(self, spec: Data) -> Dataset:
        return _function(spec) if isinstance(spec, Function) else _images(spec, self._read(spec.name))


BUILT_IN = Library()
"""Library of the sets that need no folder: functions, digits and 5,000 images of MNIST."""
