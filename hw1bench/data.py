"""Data sets as resident tensors, each with a fingerprint.

A specification names the set; ``Library.load`` returns the whole set at once, because each set here fits on the device.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hw1bench import images
from hw1bench.specs.evaluation import SplitName
from hw1bench.specs.experiment import Arm, Data, Function, ImageFolder, Images, Table
from hw1bench.specs.images import ImageForm
from hw1bench.specs.numbers import Numbers
from hw1bench.support.arrays import fingerprint
from hw1bench.support.progress import Progress, Silent
from hw1bench.support.refusals import Unreadable

_TOGETHER = 4096  # images that are standardised at once, in float64


@dataclass(frozen=True)
class Split:
    """Inputs and targets of a training or test set.

    x  (samples, features) float64, or (samples, channels, height, width) float32 for images
    y  (samples, targets) float64, or (samples,) int64 class indices: -1 if they are drawn at random, once per seed
    """

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Dataset:
    """A data set in memory.

    ``classes`` is the number of classes, None for a regression; ``stands_for`` names the set that this one replaces, if any;
    ``canonical`` is False for a copy of a known set with an unexpected fingerprint. ``validation`` are samples taken from the
    training set, if an arm holds some out.
    """

    name: str
    train: Split
    test: Split | None
    fingerprint: str
    classes: int | None = None
    stands_for: str = ""
    canonical: bool = True
    validation: Split | None = None

    @property
    def splits(self) -> dict[SplitName, Split]:
        """The splits that there are, by name."""
        found: dict[SplitName, Split | None] = {
            "train": self.train,
            "validation": self.validation,
            "test": self.test,
        }
        return {name: split for name, split in found.items() if split is not None}

    def hold_out(self, samples: int) -> "Dataset":
        """The set with so many training ``samples`` held out for validation, drawn at random, since sets may be in order, but the
        same at each call; both parts stay in the order of the set.

        Raises ValueError if that leaves none to train on."""
        if samples >= len(self.train):
            raise ValueError(
                f"{self.name} has {len(self.train):,} training samples, and validation takes {samples:,}: hold out fewer"
            )
        held_out = torch.zeros(len(self.train), dtype=torch.bool)
        held_out[torch.randperm(len(self.train), generator=torch.Generator().manual_seed(0))[:samples]] = True
        train, validation = (Split(self.train.x[part], self.train.y[part]) for part in (~held_out, held_out))
        return replace(self, train=train, validation=validation)


def _function(spec: Function) -> Dataset:
    sets = [spec.train, *([] if spec.held_out is None else [spec.held_out])]
    train, *tested = (Split(torch.from_numpy(x)[:, None], torch.from_numpy(y)[:, None]) for x, y in sets)
    return Dataset(
        spec.title, train, tested[0] if tested else None, fingerprint(*(each for one in sets for each in one))
    )


def _table(spec: Table) -> Dataset:
    def split(x: Numbers, y: Numbers, hidden: bool = False) -> Split:
        targets = torch.tensor(y.array)
        return Split(torch.tensor(x.array), torch.full_like(targets, -1) if hidden else targets)

    parts = [spec.x, spec.y, *(spec.test or ())]
    return Dataset(
        name=spec.described,
        train=split(spec.x, spec.y, spec.random_labels),
        test=split(*spec.test) if spec.test else None,
        fingerprint=fingerprint(*(part.array for part in parts)),
        classes=None if spec.regression else spec.targets,
    )


def _standardized(x: Tensor) -> Tensor:
    """Return each image of ``x`` with mean 0 and standard deviation 1, its numbers taken together, or less if it is almost of one
    colour: see ``Images``."""
    flat = x.flatten(1).double()
    flat -= flat.mean(1, keepdim=True)
    deviation = flat.square().mean(1, keepdim=True).sqrt()
    return (flat / deviation.clamp_min(flat.shape[1] ** -0.5)).view(x.shape).float()


def _pixels(stack: images.Stack, levels: int, spec: ImageForm) -> Tensor:
    """Return the images of ``stack`` as ``spec`` asks, (samples, channels, size, size) float32."""
    x = torch.from_numpy(stack.images).float() / levels
    if x.shape[2:] != (spec.size, spec.size):
        x = nn.functional.interpolate(x, (spec.size, spec.size), mode="bilinear", align_corners=False)
    x = x.repeat(1, spec.channels // x.shape[1], 1, 1)
    if spec.standardize:
        return torch.cat([_standardized(some) for some in x.split(_TOGETHER)])
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (spec.mean, spec.deviation))
    return x.sub_(mean).div_(deviation)  # in place: CIFAR-10 takes 0.6 GB


def _part(stack: images.Stack, classes: Sequence[int], first: int | None = None) -> images.Stack:
    """Return the ``first`` images (None: all) of ``stack`` of these ``classes`` (none: all), which are numbered anew."""
    rows = np.flatnonzero(np.isin(stack.labels, classes)) if classes else np.arange(len(stack))
    labels = stack.labels[rows[:first]]
    return images.Stack(stack.images[rows[:first]], np.searchsorted(classes, labels) if classes else labels)


def _images(spec: Images | ImageFolder, found: images.ImageSet) -> Dataset:
    train, test = found.train, found.test
    if isinstance(spec, Images) and (spec.classes or spec.first):
        train, test = _part(train, spec.classes, spec.first), _part(test, spec.classes)
    labels = torch.from_numpy(train.labels)
    hidden = torch.full_like(labels, -1) if spec.random_labels else labels  # no true label leaves this function
    return Dataset(
        name=f"{spec.title}, {spec.size}x{spec.size}",
        train=Split(_pixels(train, found.levels, spec), hidden),
        test=Split(_pixels(test, found.levels, spec), torch.from_numpy(test.labels)),
        fingerprint=found.fingerprint,
        classes=spec.targets,
        stands_for=spec.stands_for if isinstance(spec, Images) else "",
        canonical=found.canonical,
    )


class Library:
    """The available data sets: data of one's own, functions, digits and 5,000 images of MNIST always, MNIST and CIFAR-10 from
    ``folder``.

    ``progress`` is shown while images are decoded for the first time.
    """

    def __init__(self, folder: Path | None = None, progress: Progress | None = None) -> None:
        # An experiment's arms are trained one after the other and share a set; CIFAR-10 takes 0.7 GB, so few are kept.
        self._cached = lru_cache(maxsize=3)(self._load)
        self._folder, self._progress = folder, progress
        self._read = lru_cache(maxsize=1)(self._read_images)
        self._divided = lru_cache(maxsize=1)(self._divide)  # asked for several times per block, and a copy of the set

    def load(self, spec: Data) -> Dataset:
        """Return the data set of ``spec``, on the CPU.

        Raises ``Unreadable`` if its images cannot be read, ``Unavailable`` if the set is not found.
        """
        return self._cached(spec)

    def of(self, arm: Arm) -> Dataset:
        """Return the data set of ``arm``, on the CPU, with the samples held out that it trains without.

        Raises as ``load`` does, and ValueError if none is left to train on."""
        return self._divided(arm.data, arm.validation) if arm.validation else self.load(arm.data)

    def _divide(self, spec: Data, held_out: int) -> Dataset:
        return self.load(spec).hold_out(held_out)

    def _read_images(self, name: str) -> images.ImageSet:
        try:
            return images.read(name, self._folder, self._progress)
        except ValueError as error:
            raise Unreadable(str(error)) from error

    def _own(self, spec: ImageFolder) -> images.ImageSet:
        try:
            found = images.read_own(spec.path, spec.channels, self._progress or Silent())
        except ValueError as error:
            raise Unreadable(str(error)) from error
        if found.fingerprint != spec.fingerprint:
            raise Unreadable(f"the images in {spec.path} have changed since the claims were collected: run again")
        return found

    def _load(self, spec: Data) -> Dataset:
        match spec:
            case Function():
                return _function(spec)
            case Table():
                return _table(spec)
            case ImageFolder():
                return _images(spec, self._own(spec))
            case Images():
                return _images(spec, self._read(spec.name))


BUILT_IN = Library()
"""Library of the sets that need no folder of known sets: data of one's own, functions, digits and 5,000 images of MNIST."""
