"""A table of one's own: numbers to regress or to classify, or labelled images, in memory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hw1bench.specs.images import check_augmentable, check_own_name
from hw1bench.specs.numbers import Numbers
from hw1bench.support.checks import flag, label, settle, shown
from hw1bench.support.csv_file import CsvFile

_SHAPES = {1: "(samples,)", 2: "(samples, features)", 4: "(samples, channels, height, width)"}
_CLASSES = "biuUO"  # numpy's kinds of labels: booleans, integers and text; numbers to regress are floats


@dataclass(frozen=True)
class Table:
    """Samples ``x`` and targets ``y``, and a name that readers know them by.

    ``x`` is (samples,), (samples, features) or, for images, (samples, channels, height, width), of any real type; a net gets the
    numbers as they are, neither scaled nor normalised. ``y`` of floats, (samples,) or (samples, targets), are numbers to regress;
    ``y`` of integers, booleans or text, (samples,), are classes, which are numbered from 0 in sorted order. Each may be an array,
    a tensor or nested lists. ``test`` is a pair of the same form: without one there is no test loss and no test accuracy.
    ``augment`` and ``random_labels`` are those of ``Images``.

    The content decides keys and digests: tables of equal numbers in equal order, under one name, are equal on any machine. Fields
    hold ``Numbers``: ``x`` float64, or float32 of images; ``y`` (samples, targets) float64, or class indices (samples,) int64.

    Raises ValueError for shapes that do not fit together, for numbers that are not finite, for fewer than two samples, for
    targets that are all alike, for a test class that no training sample has, and for the name of a known set.
    """

    x: Any
    y: Any
    name: str = field(kw_only=True)
    test: Any = field(default=None, kw_only=True)
    augment: bool = field(default=False, kw_only=True)
    random_labels: bool = field(default=False, kw_only=True)

    @classmethod
    def csv(cls, path: str | Path, *, target: str, test: str | Path | None = None, **fields: Any) -> "Table":
        """A table from a CSV file: ``y`` is the column ``target``, ``x`` are the others in their order. The target is classes if
        its cells are integers, or if one of them is no number. ``test`` is the path of a file with the same columns. ``fields``
        are others of ``Table``.

        Raises ValueError, in one line that names the file and the line, for a file that is not such a table."""
        train = CsvFile.read(path, "data.csv")
        kind = _kind_of([cells[train.place(target)] for _, cells in train.lines])
        features = [column for column in train.columns if column != target]
        x, y = _columns(train, features, target, kind)
        pair = None if test is None else _columns(CsvFile.read(test, "test.csv"), features, target, kind)
        return cls(x, y, test=pair, **fields)

    def __post_init__(self) -> None:
        settle(self, name=label(), augment=flag(), random_labels=flag())
        whose = f"Table {self.name!r}"
        check_own_name("Table", self.name)
        targets = _unwrapped(self.y, f"{whose} y")
        classes = _class_names(targets, f"{whose} y") if targets.dtype.kind in _CLASSES else None
        x, y = _pair(self.x, targets, classes, whose, least=2)
        if classes is None and not np.ptp(y, axis=0).any():
            raise ValueError(f"{whose} y is {y[0].tolist()} in every sample: give targets that differ")
        object.__setattr__(self, "x", Numbers.of(x))
        object.__setattr__(self, "y", Numbers.of(y))
        if self.test is not None:
            object.__setattr__(self, "test", self._checked_test(classes, f"{whose} test"))
        if self.augment:
            if len(self.shape) != 3:
                raise ValueError(f"{whose} x is {x.shape}: leave out augment, which is for images, {_SHAPES[4]}")
            check_augmentable(*self.shape[1:])
        if self.random_labels and classes is None:
            raise ValueError(f"{whose} holds numbers to regress: leave out random_labels, or give classes")

    def _checked_test(self, classes: np.ndarray | None, whose: str) -> tuple[Numbers, Numbers]:
        if not isinstance(self.test, Sequence) or len(self.test) != 2:
            raise ValueError(f"{whose} is {shown(self.test)}: give a pair (x, y), or leave it out")
        x, y = _pair(self.test[0], _unwrapped(self.test[1], f"{whose} y"), classes, whose, least=1)
        for what, found, trained in (("x", x, self.x.array), ("y", y, self.y.array)):
            if found.shape[1:] != trained.shape[1:]:
                raise ValueError(
                    f"{whose} {what} is {found.shape} but {what} is {trained.shape}: give samples of one shape"
                )
        return Numbers.of(x), Numbers.of(y)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a sample: (features,), or (channels, height, width)."""
        return tuple(self.x.array.shape[1:])

    @property
    def samples(self) -> int:
        """Number of training samples."""
        return len(self.x)

    @property
    def targets(self) -> int:
        """Number of outputs of a net that learns the table: one per number to regress, or one per class."""
        return int(self.y.array.shape[1] if self.regression else self.y.array.max() + 1)

    @property
    def regression(self) -> bool:
        """Whether the targets are numbers, not classes."""
        return bool(self.y.array.dtype.kind == "f")

    @property
    def tested(self) -> bool:
        """Whether there is a test set."""
        return self.test is not None

    @property
    def title(self) -> str:
        """The table as readers see it."""
        return self.name

    @property
    def described(self) -> str:
        """The table in a line: "iris, 150 samples"."""
        return f"{self.name}, {self.samples:,} samples"


def _kind_of(cells: list[str]) -> type:
    """The narrowest of int, float and str that all ``cells`` can be read as."""
    for kind in (int, float):
        try:
            for cell in cells:
                kind(cell)
        except ValueError:
            continue
        return kind
    return str


def _columns(file: CsvFile, features: list[str], target: str, kind: type) -> tuple[np.ndarray, np.ndarray]:
    """The features (samples, features) and the targets (samples,) of a file."""
    places, last = [file.place(column) for column in features], file.place(target)
    if len(file.columns) != len(features) + 1:
        raise ValueError(f"{file.path} has {len(file.columns)} columns: give {', '.join([*features, target])} alone")
    x = [
        [_cell(float, cells[place], f"{where}: {file.columns[place]}") for place in places]
        for where, cells in file.lines
    ]
    y = [_cell(kind, cells[last], f"{where}: {target}") for where, cells in file.lines]
    return np.array(x, float).reshape(len(y), len(features)), np.array(y, kind)


def _cell(kind: type, cell: str, what: str) -> Any:
    try:
        return kind(cell)
    except ValueError:
        way = "an integer" if kind is int else "a number"
        raise ValueError(f"{what} is {shown(cell)}: write {way}, or leave the line out") from None


def _unwrapped(value: Any, what: str) -> np.ndarray:
    """``value`` as an array of any type."""
    if isinstance(value, Numbers):
        return value.array
    found: np.ndarray
    try:
        # Of torch's tensors, without torch: one that needs a gradient or lies on a GPU does not become an array by itself.
        found = np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except Exception:  # a foreign object may raise anything; lists of several lengths raise ValueError
        found = np.asarray(None)
    if found.ndim == 0:
        raise ValueError(f"{what} is {shown(value)}: give an array, a tensor, or lists of one length")
    return found


def _pair(
    inputs: Any, targets: np.ndarray, classes: np.ndarray | None, whose: str, least: int
) -> tuple[np.ndarray, np.ndarray]:
    """``x`` and ``y`` in the form that the fields hold; ``classes`` are the sorted classes, None for a regression."""
    x = _unwrapped(inputs, f"{whose} x")
    if x.ndim not in _SHAPES or not math.prod(x.shape[1:]):
        raise ValueError(f"{whose} x has the shape {x.shape}: give {', '.join(_SHAPES.values())}")
    if len(x) != len(targets):
        raise ValueError(f"{whose} has {len(x):,} samples in x and {len(targets):,} in y: give one y for each x")
    if len(x) < least:
        raise ValueError(f"{whose} has too few samples, {len(x)}: give {least} or more")
    x = _finite(x if x.ndim > 1 else x[:, None], np.float32 if x.ndim == 4 else np.float64, f"{whose} x")
    if classes is not None:
        return x, _indices(targets, classes, f"{whose} y")
    if targets.ndim > 2 or not math.prod(targets.shape[1:]):
        raise ValueError(f"{whose} y has the shape {targets.shape}: give (samples,) or (samples, targets)")
    return x, _finite(targets if targets.ndim > 1 else targets[:, None], np.float64, f"{whose} y")


def _finite(array: np.ndarray, dtype: type, what: str) -> np.ndarray:
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} holds {array.dtype}: give numbers")
    with np.errstate(over="ignore"):
        found: np.ndarray = array.astype(dtype)
    bad = np.argwhere(~np.isfinite(found))
    if len(bad):
        place = tuple(bad[0].tolist())
        raise ValueError(f"{what}[{', '.join(map(str, place))}] is {found[place]}: give finite numbers")
    return found


def _class_names(labels: np.ndarray, what: str) -> np.ndarray:
    """The sorted classes among ``labels``."""
    found = np.unique(_one_label_each(labels, what))
    if len(found) < 2:
        raise ValueError(f"{what} has too few classes, {len(found)}: give 2 or more")
    return found


def _one_label_each(labels: np.ndarray, what: str) -> np.ndarray:
    if labels.ndim != 1:
        raise ValueError(f"{what} has the shape {labels.shape}: give classes as (samples,), or floats to regress")
    if labels.dtype.kind == "O" and not all(isinstance(each, str) for each in labels):
        raise ValueError(f"{what} holds objects: give classes as integers or text, or floats to regress")
    return labels.astype(str) if labels.dtype.kind == "O" else labels


def _indices(labels: np.ndarray, classes: np.ndarray, what: str) -> np.ndarray:
    """The index in ``classes`` of each of ``labels``."""
    if (labels.dtype.kind in "UO") != (classes.dtype.kind == "U") or labels.dtype.kind not in _CLASSES:
        raise ValueError(f"{what} holds {labels.dtype}, but the classes are {classes.dtype}: give one type for both")
    labels = _one_label_each(labels, what)
    unknown = np.setdiff1d(labels, classes)
    if len(unknown):
        raise ValueError(f"{what} has the class {unknown[0].item()!r}, which no training sample has: leave it out")
    return np.searchsorted(classes, labels).astype(np.int64)
