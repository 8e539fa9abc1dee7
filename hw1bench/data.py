"""Data sets as resident tensors, each with a fingerprint.

The specification says which set; `load` returns all of it at once, for a data set here fits the device whole.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from hw1bench.experiment import Data, Digits, Function

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sinc": lambda x: np.sinc(5 * x),  # numpy's sinc is the normalised one: sin(5 pi x) / (5 pi x)
    "sgn": lambda x: np.sign(np.sin(5 * np.pi * x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sawtooth": lambda x: 2 * (2.5 * x - np.floor(2.5 * x + 0.5)),
}


@dataclass(frozen=True)
class Split:
    """Inputs (samples, features) or (samples, channels, height, width), float64; targets (samples, 1) float64, or
    (samples,) int64 class indices."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Dataset:
    """A data set in memory. ``stand_in`` marks one that stands for another in the quick tier."""

    name: str
    train: Split
    test: Split | None
    fingerprint: str
    stand_in: bool = False

    @property
    def classes(self) -> int | None:
        """Number of classes; None for a regression."""
        return None if self.train.y.is_floating_point() else int(self.train.y.max()) + 1


def fingerprint(*arrays: np.ndarray) -> str:
    """A digest over shapes, types and bytes of ``arrays``."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:32]


def _function(spec: Function) -> Dataset:
    if spec.name not in FUNCTIONS:
        raise ValueError(f"no function named {spec.name!r}; there are {', '.join(sorted(FUNCTIONS))}")
    if spec.points < 2 or spec.low >= spec.high:
        raise ValueError(f"{spec.points} points on [{spec.low}, {spec.high}] make no grid; take 2 or more, low < high")
    x = np.linspace(spec.low, spec.high, spec.points)
    y = FUNCTIONS[spec.name](x)
    name = f"{spec.name}, {spec.points} points on [{spec.low:g}, {spec.high:g}]"
    split = Split(torch.from_numpy(x)[:, None], torch.from_numpy(y)[:, None])
    return Dataset(name, split, None, fingerprint(x, y))


def _digits(spec: Digits) -> Dataset:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    trained, tested = train_test_split(np.arange(len(images)), test_size=360, stratify=labels, random_state=0)

    def split(rows: np.ndarray) -> Split:
        x = torch.from_numpy(images[rows] / 16).reshape(-1, 1, 8, 8)  # 8x8 pixels in 0..16
        x = nn.functional.interpolate(x, (spec.size, spec.size), mode="bilinear", align_corners=False)
        return Split(x.expand(-1, spec.channels, -1, -1).contiguous(), torch.from_numpy(labels[rows]).long())

    name = f"digits, {spec.size}x{spec.size}"
    print_of = fingerprint(images[trained], labels[trained], images[tested], labels[tested])
    return Dataset(name, split(trained), split(tested), print_of, stand_in=True)


@lru_cache(maxsize=8)
def load(spec: Data) -> Dataset:
    """The data set of ``spec``, on the CPU in float64. Raises ValueError for a function that does not exist."""
    return _function(spec) if isinstance(spec, Function) else _digits(spec)
