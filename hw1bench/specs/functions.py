"""Functions of one number that nets fit, at points: some by name, and any other by a function of one's own."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from hw1bench.specs.evaluation import SplitName
from hw1bench.support.checks import called, function, integer, label, one_of, optional, real, settle, shown, tuple_of
from hw1bench.support.identifying import NOT_IDENTIFYING

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sinc": lambda x: np.sinc(5 * x),  # numpy's sinc is the normalised one: sin(5 pi x) / (5 pi x)
    "sgn": lambda x: np.sign(np.sin(5 * np.pi * x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sawtooth": lambda x: 2 * (2.5 * x - np.floor(2.5 * x + 0.5)),
}

_DIGITS = 24  # binary digits of a value, relative to the largest, that identify a function


class Samples(NamedTuple):
    """Points ``x (points,)``, in rising order, and the values ``y (points,)`` of the function there, both float64."""

    x: np.ndarray
    y: np.ndarray


def _points(value: Any, what: str) -> int | tuple[float, ...]:
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) and np.ndim(value) != 0:
        return tuple(sorted(tuple_of(real())(value, what)))
    try:
        found: int = integer()(value, what)
    except ValueError:
        raise ValueError(f"{what} is {shown(value)}: give a number of points, or the points themselves") from None
    return found


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function of one number at ``points``, from which nets learn it, and at ``test`` points, on which they are only evaluated.

    name         one of ``FUNCTIONS``, or the name of ``of``; left out, it is that with which ``of`` was defined
    of           a function of points (points,) float64 to its values there, (points,). It is called as soon as it is given
    points       a number of points on [``low``, ``high``], or the points themselves, of which the interval is then left out
    spacing      "even", both ends included, or "random": uniform on the interval. Random points are drawn once, by one stream for
                 all functions. So all runs, arms and experiments learn from the same points, and a smaller number of points
                 is a part of a larger one
    test         as ``points``; random test points come from a stream of their own. None: there is no test set

    Of a function of one's own, the name and the values at the points decide keys and digests; its code does not. In an
    experiment's key values count to seven digits of the largest, because other machines may give other last digits. Stored
    blocks belong to the exact values.

    Raises ValueError for an unknown name, for a name of ``FUNCTIONS`` given to another function, for fewer than 2 points, if
    ``low`` is not below ``high``, and if ``of`` raises an error, does not give one finite number per point, or gives others
    when it is called again.
    """

    name: str = ""
    of: Callable[[np.ndarray], Any] | None = field(default=None, compare=False, repr=False, metadata=NOT_IDENTIFYING)
    points: int | tuple[float, ...] = 300
    low: float = -1.0
    high: float = 1.0
    spacing: Literal["even", "random"] = "even"
    test: int | tuple[float, ...] | None = None
    values: str = field(default="", init=False, repr=False)
    """Digest of the values of ``of``; '' for a function of ``FUNCTIONS``."""

    def __post_init__(self) -> None:
        optional(function())(self.of, "Function of")
        if self.of is not None and not self.name:
            object.__setattr__(self, "name", called(self.of))
            if not self.name:
                raise ValueError(f"Function of is {shown(self.of)}, which has no name: give name=")
        settle(
            self,
            name=label() if self.of is not None else one_of("function", tuple(FUNCTIONS)),
            points=_points,
            low=real(),
            high=real(),
            spacing=one_of("spacing", ("even", "random")),
            test=optional(_points),
        )
        if self.of is not None and self.name in FUNCTIONS:
            raise ValueError(f"Function {self.name!r} of is {shown(self.of)}: give another name, or leave it out")
        self._check_points()
        if self.of is not None:
            sets = self.train, self.held_out
            object.__setattr__(self, "values", _digest([samples.y for samples in sets if samples is not None]))

    def _check_points(self) -> None:
        sets = [points for points in (self.points, self.test) if points is not None]
        if all(isinstance(points, tuple) for points in sets) and (
            (self.low, self.high, self.spacing) != (-1.0, 1.0, "even")
        ):
            raise ValueError(f"Function {self.name!r} has points of its own: leave out low, high and spacing")
        for points in sets:
            if isinstance(points, tuple):
                if len(points) < 2:
                    raise ValueError(f"Function {self.name!r} has points {points}: give 2 or more")
            elif points < 2 or self.low >= self.high or not math.isfinite(self.high - self.low):
                raise ValueError(
                    f"{points} points on [{self.low:g}, {self.high:g}] make no grid: give 2 or more, and low < high"
                )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of a sample."""
        return (1,)

    @property
    def samples(self) -> int:
        """Number of training samples."""
        return len(self.points) if isinstance(self.points, tuple) else self.points

    @property
    def targets(self) -> int:
        """Number of outputs of a net that learns the function."""
        return 1

    @property
    def regression(self) -> bool:
        """Whether the targets are numbers, not classes."""
        return True

    @property
    def tested(self) -> bool:
        """Whether there is a test set."""
        return self.test is not None

    @property
    def title(self) -> str:
        """The function and its points in words, such as "sinc, 300 points on [-1, 1]"."""
        interval = (self.points[0], self.points[-1]) if isinstance(self.points, tuple) else (self.low, self.high)
        drawn = "random " if self.spacing == "random" else ""
        return f"{self.name}, {self.samples} {drawn}points on [{interval[0]:g}, {interval[1]:g}]"

    @property
    def train(self) -> Samples:
        """What nets learn from."""
        return self._at("train", self.points)

    @property
    def held_out(self) -> Samples | None:
        """The test set, if there is one."""
        return None if self.test is None else self._at("test", self.test)

    def _at(self, split: SplitName, points: int | tuple[float, ...]) -> Samples:
        if isinstance(points, tuple):
            x = np.array(points)
        elif self.spacing == "even":
            x = np.linspace(self.low, self.high, points)
        else:
            x = self.low + (self.high - self.low) * np.sort(_uniform(split, points))
        return Samples(x, FUNCTIONS[self.name](x) if self.of is None else self._values(x))

    def _values(self, x: np.ndarray) -> np.ndarray:
        assert self.of is not None
        whose = f"Function {self.name!r} of"
        try:
            with np.errstate(all="ignore"):
                y, again = (np.asarray(self.of(x.copy())) for _ in range(2))
        except Exception as error:  # the function is an author's
            text = " ".join(str(error).split())
            raise ValueError(
                f"{whose} raises {type(error).__name__}: {text}: give a function of a numpy array of points"
            ) from None
        if y.shape != x.shape:
            raise ValueError(f"{whose} gives shape {y.shape} for points {x.shape}: give one number per point")
        if y.dtype.kind not in "biuf":
            raise ValueError(f"{whose} gives {y.dtype}: give real numbers")
        y, again = y.astype(np.float64), again.astype(np.float64)
        if not np.isfinite(y).all():
            place = int(np.argmin(np.isfinite(y)))
            raise ValueError(f"{whose} gives {y[place]} at {x[place]:g}: give a finite number at every point")
        if not np.array_equal(y, again):
            raise ValueError(f"{whose} gives other values when it is called again: seed what it draws, at each call")
        return y


def _uniform(split: SplitName, points: int) -> np.ndarray:
    """Draw numbers (points,) from [0, 1), by the same stream for every function; fewer numbers are the first of more."""
    seed = int.from_bytes(hashlib.sha256(f"points\0{split}".encode()).digest()[:4], "big")
    return np.random.RandomState(seed).random_sample(points)  # numpy has promised that its stream stays as it is


def _digest(values: Sequence[np.ndarray]) -> str:
    """Return 32 hexadecimal digits of ``values``, (points,) each, to ``_DIGITS`` binary digits of the largest of each array."""
    total = hashlib.sha256()
    for y in values:
        _, exponent = math.frexp(float(np.abs(y).max()))
        rounded = np.rint(np.ldexp(y, _DIGITS - exponent)).astype(np.int64)
        total.update(f"{exponent} {rounded.tolist()}\n".encode())
    return total.hexdigest()[:32]
