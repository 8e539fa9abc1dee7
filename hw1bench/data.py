"""Data sets as resident tensors, each with a fingerprint.

The specification says which set; `Library.load` returns all of it at once, for a data set here fits the device whole.
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
    """Inputs: (samples, features) float64 of a function, (samples, channels, height, width) float32 of images. Targets:
    (samples, 1) float64, or (samples,) int64 class indices, -1 where they are drawn at random, once a seed."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Dataset:
    """A data set in memory.

    ``classes`` is their number, None for a regression; ``stands_for`` names the set that this one stands for, if any;
    ``canonical`` is False for a copy of a known set that has another fingerprint.
    """

    name: str
    train: Split
    test: Split | None
    fingerprint: str
    classes: int | None = None
    stands_for: str = ""
    canonical: bool = True


def fingerprint(*arrays: np.ndarray) -> str:
    """A digest over shapes, types and bytes of ``arrays``."""
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
    """``(samples, channels, size, size)`` float32, as ``spec`` wants them."""
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
    """The data sets within reach: functions and digits always, MNIST and CIFAR-10 from ``folder``.

    ``progress`` is shown while images are decoded for the first time.
    """

    def __init__(self, folder: Path | None = None, progress: Progress | None = None) -> None:
        # An experiment's arms come one after the other and share their set; CIFAR-10 takes 0.7 GB, so few are kept.
        self._cached = lru_cache(maxsize=3)(self._load)
        self._folder, self._progress = folder, progress
        self._read = lru_cache(maxsize=1)(self._read_images)

    def load(self, spec: Data) -> Dataset:
        """The data set of ``spec``, on the CPU.

        Raises `Unreadable` for images that cannot be read, `Unavailable` for a set that is not there.
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
"""What needs no folder: functions and digits."""
