"""Sets of labelled images: the known sets and parts of them, and the form in which a net gets images."""

from dataclasses import dataclass
from typing import Any, Literal

from hw1bench.support.checks import Check, flag, integer, one_of, optional, real, settle, text, tuple_of

CLASSES = 10
"""Classes of every known set of images."""
_TRAINING_SAMPLES_BY_CLASS = {
    "digits": (142, 146, 142, 146, 145, 145, 145, 143, 139, 144),
    "mnist_5k": (400,) * CLASSES,
    "mnist": (5_923, 6_742, 5_958, 6_131, 5_842, 5_421, 5_918, 6_265, 5_851, 5_949),
    "cifar10": (5_000,) * CLASSES,
}
TRAINING_SAMPLES = {name: sum(counts) for name, counts in _TRAINING_SAMPLES_BY_CLASS.items()}
"""Number of training samples of each known set of images, as published."""
TITLES = {"digits": "digits", "mnist_5k": "5,000 images of MNIST", "mnist": "MNIST", "cifar10": "CIFAR-10"}
"""Names of the known sets, as readers see them."""
PART_OF = {"mnist_5k": "mnist"}
"""Known set that is a part of another one -> the whole."""
_LEAST_DEVIATION = 2.0**-126  # images are divided by it in float32, where a smaller number loses digits, or is 0
_LARGEST = (2 - 2.0**-23) * 2.0**127  # of float32
_REFLECTED = 4  # pixels that augmentation pads on each side


def check_augmentable(height: int, width: int) -> None:
    """Raise ValueError for images that cannot be augmented."""
    if height != width:
        raise ValueError(
            f"images of {height} x {width} pixels cannot be augmented: give square ones, or leave out augment"
        )
    if width <= _REFLECTED:
        raise ValueError(
            f"images {width} pixels wide cannot be padded by {_REFLECTED} reflected pixels: augment larger images"
        )


def check_own_name(what: str, name: str) -> None:
    """Raise ValueError for data of one's own, a ``what``, that would be mistaken for a known set by its ``name``."""
    if name.casefold() in {known.casefold() for pair in TITLES.items() for known in pair}:
        raise ValueError(f"{what} name is {name!r}, which is a known set: give another name, such as {f'my {name}'!r}")


@dataclass(frozen=True, kw_only=True)
class ImageForm:
    """The form in which a net gets images; ``Images`` describes it."""

    size: int
    channels: int = 1
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)
    augment: bool = False
    random_labels: bool = False
    standardize: bool = False

    def _settle(self, **own: Check) -> None:
        """Check ``own`` fields, then those of the form."""
        settle(
            self,
            **own,
            size=integer(),
            channels=integer(),
            mean=tuple_of(real(least=-_LARGEST, most=_LARGEST)),
            deviation=tuple_of(real(least=_LEAST_DEVIATION, most=_LARGEST)),
            augment=flag(),
            random_labels=flag(),
            standardize=flag(),
        )
        if self.size < 1 or self.channels not in (1, 3):
            raise ValueError(
                f"images are {self.size} pixels wide in {self.channels} channels: give 1 pixel or more, in 1 or 3 channels"
            )
        if self.augment:
            check_augmentable(self.size, self.size)
        for name, values in (("mean", self.mean), ("deviation", self.deviation)):
            if len(values) not in (1, self.channels):
                raise ValueError(f"{name} of {self.channels} channels is {values}: give one number, or one per channel")
        if self.standardize and (self.mean, self.deviation) != ((0.0,), (1.0,)):
            raise ValueError(
                f"standardized images have mean {self.mean} and deviation {self.deviation}: leave both out, because each image "
                "is given mean 0 and deviation 1"
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a sample: channels, height, width."""
        return (self.channels, self.size, self.size)

    @property
    def regression(self) -> bool:
        """Whether the targets are numbers, not classes."""
        return False

    @property
    def tested(self) -> bool:
        """Whether there is a test set."""
        return True


@dataclass(frozen=True, kw_only=True)
class Images(ImageForm):
    """A known set of labelled images, or a part of it, and the form in which a net gets the images.

    ``name`` is "digits" (scikit-learn's 1,797 handwritten digits), "mnist_5k" (5,000 images of MNIST), "mnist" or "cifar10"; if
    the set stands in for another one, ``stands_for`` names that. ``classes`` keeps the images of these classes alone (empty:
    all), and numbers them anew from 0, in rising order. ``first`` keeps so many training images, the first of these classes in
    the order of their digests, which is as good as a random choice and the same from any copy of the set; all test images stay.

    Images are resized to ``size`` x ``size`` (bilinear), a single channel is repeated to ``channels``, and values are scaled to
    [0, 1] and normalised by ``mean`` and ``deviation`` (one per channel, or one for all). ``standardize`` instead subtracts from
    each image its mean and divides it by its standard deviation, or by 1/sqrt(numbers) if that is larger (as TensorFlow's
    ``per_image_standardization``). ``augment`` pads training images by 4 reflected pixels, crops at random and flips half of
    them. ``random_labels`` draws the training labels uniformly, once per seed; test labels stay true. Raises ValueError for
    sizes, channels and numbers that do not fit, and for a part that the set does not have.
    """

    name: Literal["digits", "mnist_5k", "mnist", "cifar10"]
    stands_for: str = ""
    first: int | None = None
    classes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self._settle(
            name=one_of("image set", tuple(TRAINING_SAMPLES)),
            stands_for=text(),
            first=optional(integer(least=1)),
            classes=_classes,
        )
        if self.name == "cifar10" and self.channels != 3:
            raise ValueError(f"Images 'cifar10' channels is {self.channels}: give 3")
        if self.first is not None and self.first > self._published:
            raise ValueError(f"Images {self.name!r} first is {self.first:,}: give at most {self._published:,}")
        if self.first == self._published:  # the whole is one specification, however it is given
            object.__setattr__(self, "first", None)

    @property
    def _published(self) -> int:
        """Number of training samples of the classes, as published."""
        counts = _TRAINING_SAMPLES_BY_CLASS[self.name]
        return sum(counts[label] for label in self.classes or range(CLASSES))

    @property
    def samples(self) -> int:
        """Number of training samples, as published."""
        return self.first or self._published

    @property
    def targets(self) -> int:
        """Number of outputs of a net that learns the images: one per class."""
        return len(self.classes) or CLASSES

    @property
    def title(self) -> str:
        """The set or its part, as readers see it: "first 500 images of classes 0 and 1 of MNIST"."""
        of = TITLES[self.name]
        if self.classes:
            names = [str(label) for label in self.classes]
            of = f"classes {', '.join(names[:-1])} and {names[-1]} of {of}"
        return of if self.first is None else f"first {self.first:,} images of {of}"

    @property
    def described(self) -> str:
        """The data in a line: ``title``, which readers know."""
        return self.title


def _classes(value: Any, what: str) -> tuple[int, ...]:
    found = sorted(set(tuple_of(integer(least=0, most=CLASSES - 1))(value, what)))
    if len(found) == 1:
        raise ValueError(f"{what} is {(found[0],)}: give two or more, or none for all")
    return () if len(found) == CLASSES else tuple(found)
