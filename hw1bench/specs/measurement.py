"""Frozen specifications of what is measured of trained runs, between training and effects. Nothing here imports torch.

A measurement is a class here and a function in ``hw1bench/measures/``, registered for the class with
``hw1bench.measures.instruments.takes``. The class says all that can be known before anything trains: which arms are measured
together, what they must have, and the arrays that come of it. A claims file may define its own in the same way.

What a measurement gives of a seed is a *result*, kept by the measurement and the arms that it looked at. Effects ask a run for
it: ``runs["a"].result(JacobianNorm)["jacobian"]``, or of a pair ``runs["a"].result(Paths, "a", "b")``.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from hw1bench.specs import notation
from hw1bench.specs.arm import Arm
from hw1bench.specs.ingredients import Function
from hw1bench.support.checks import integer, label, real, settle, tuple_of
from hw1bench.support.snapshots import ARRAYS

Shapes = dict[str, tuple[int, ...]]
"""Array -> the shape of one run's part of it."""

TOLERANCES = (1e-4, 1e-6, 1e-8)
"""Shares of the largest absolute eigenvalue within which an eigenvalue counts as zero."""
MINIMAL_RATIO = 1e-6
"""The one of `TOLERANCES` by which the minimal ratio is taken."""

_LEAST_SNAPSHOTS = 4  # fewer lie in a plane whatever they do
_EXACT = (notation.Linear, notation.Output)  # layers whose curvature is exact, but for these outputs:
_NO_CURVATURE = (notation.Output("softmax"), notation.Output("logsoftmax"))


@dataclass(frozen=True)
class Measurement(ABC):
    """What is measured of trained runs, seed by seed: a base class of frozen dataclasses, whose docstrings say what each gives.

    ``reads`` are the arrays of a trained block (see `hw1bench.records.runs.Record`) that it is taken from; those that it also
    ``consumes`` serve measurements alone, and are not kept in memory once all measurements of their arm are taken.
    """

    reads: ClassVar[tuple[str, ...]] = ("weights",)
    consumes: ClassVar[tuple[str, ...]] = ()

    @property
    def title(self) -> str:
        """Its name in words, such as "jacobian norm"."""
        return " ".join(re.findall("[A-Z]+[^A-Z]*", type(self).__name__)).lower()

    @property
    def together(self) -> tuple[str, ...]:
        """The arms that it names, which are measured together, in this order; () if it measures each arm by itself."""
        return ()

    def groups(self, arms: Sequence[str]) -> list[tuple[str, ...]]:
        """The groups of ``arms`` that it looks at: those measured `together`, if all are there, or each arm by itself."""
        if not self.together:
            return [(arm,) for arm in arms]
        return [self.together] if set(self.together) <= set(arms) else []

    def needs(self, arm: Arm) -> str:
        """What it needs besides what it ``reads`` and ``arm`` lacks, with the way out, such as "a dense net, and gets layout
        ..."; '' if nothing."""
        return ""

    @abstractmethod
    def arrays(self, *arms: Arm) -> Shapes:
        """The arrays of a result of ``arms``, one of `groups`. Raises ValueError for arms that do not go together."""

    def made_up(self, learns: bool) -> Mapping[str, Any]:
        """Arrays of a rehearsal's result, of a run that ``learns`` or one that does not, where any numbers do not do."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Paths(Measurement):
    """The weight paths of arms ``own`` and ``other``, which record snapshots: of the whole model and of its first layer.

    For part in ("whole", "layer1"), principal components being those of all runs of ``own`` in a block together:

    {part}_path         (runs, snapshots, 2): coordinates along two components
    {part}_shares       (runs, 2): their shares of the variance, the same for all runs
    {part}_own_share    (runs,): the share of its own path's variance that two components of its own take
    {part}_walk         (runs,): what that share stays below in 95 % of random walks with the run's own step lengths
    {part}_separation   (runs,): see `trajectory.separation`, from the run of ``other`` with the same seed
    {part}_convergence  (runs,): see `trajectory.convergence`, alike
    path_accuracy       (runs, snapshots): training accuracy at every ``mark_every``-th snapshot and the last, NaN between

    All of a run that diverged is NaN.
    """

    own: str
    other: str
    mark_every: int
    reads: ClassVar[tuple[str, ...]] = ARRAYS
    consumes: ClassVar[tuple[str, ...]] = ARRAYS

    def __post_init__(self) -> None:
        settle(self, own=label(), other=label(), mark_every=integer(least=1))
        _two(self.own, self.other)

    @property
    def together(self) -> tuple[str, ...]:
        return self.own, self.other

    def needs(self, arm: Arm) -> str:
        return _images(arm)

    def arrays(self, *arms: Arm) -> Shapes:
        counts = [1 + arm.snapshots_in(arm.steps) for arm in arms]
        if min(counts) < _LEAST_SNAPSHOTS or len(set(counts)) > 1:
            raise ValueError(
                f"Paths of arms {' and '.join(repr(arm.name) for arm in arms)} needs as many snapshots of each, "
                f"{_LEAST_SNAPSHOTS} or more, and gets {' and '.join(map(str, counts))}: take more of them"
            )
        found: Shapes = {"path_accuracy": (counts[0],)}
        for part in ("whole", "layer1"):
            found |= {f"{part}_path": (counts[0], 2), f"{part}_shares": (2,)}
            found |= {f"{part}_{name}": () for name in ("own_share", "walk", "separation", "convergence")}
        return found


@dataclass(frozen=True, kw_only=True)
class MinimalRatio(Measurement):
    """The spectrum of the Hessian at a point of almost zero gradient, to which each run's weights are led on.

    Almost zero is a norm of at most ``target`` times that at initialisation, which the arm records; see `stationary`.

    stationary_loss  (runs,): the loss there
    norm_ratio       (runs,): the gradient's norm there over that at initialisation
    reached          (runs,) bool: whether it is at most ``target``
    steps_to_it      (runs,): steps after training
    descended        (runs,) bool: whether steps on the loss were among them
    above, within, below  (runs, 3): shares of the eigenvalues, a column for each of `TOLERANCES`
    gauss_newton_above    (runs, 3): the share above, of the layer-by-layer Gauss-Newton matrix

    Where a point is not reached, the numbers are those of where the search ended. All of a run that diverged is NaN.
    """

    target: float = 1e-4
    reads: ClassVar[tuple[str, ...]] = ("weights", "gradient_norm")

    def __post_init__(self) -> None:
        settle(self, target=real(above=0, most=1))

    def needs(self, arm: Arm) -> str:
        if not isinstance(arm.data, Function):
            return f"a function to fit, and the arm has {arm.data.name}"
        if arm.gradient_norm != "epoch":
            return 'its gradient norm: let it record that of each "epoch"'
        layers = notation.parse(arm.model.layout)
        if not all(isinstance(layer, _EXACT) and layer not in _NO_CURVATURE for layer in layers):
            return f"a dense net, at most with a tanh output, and gets layout {arm.model.layout!r}"
        return ""

    def arrays(self, *arms: Arm) -> Shapes:
        numbers = dict.fromkeys(("stationary_loss", "norm_ratio", "reached", "steps_to_it", "descended"), ())
        shares = dict.fromkeys(("above", "within", "below", "gauss_newton_above"), (len(TOLERANCES),))
        return {**numbers, **shares}

    def made_up(self, learns: bool) -> Mapping[str, Any]:
        return {"reached": learns, "descended": learns}


@dataclass(frozen=True, kw_only=True)
class Interpolation(Measurement):
    """Loss and accuracy along the straight line from the weights of arm ``first`` (alpha 0) to those of ``second`` (alpha 1).

    ``alphas`` rise, with 0 and 1 among them. Of both sets, in eval mode:

    alphas                                   (runs, alphas), the same for all runs
    mixed_train_loss, mixed_test_loss        (runs, alphas)
    mixed_train_accuracy, mixed_test_accuracy
    """

    first: str
    second: str
    alphas: tuple[float, ...]

    def __post_init__(self) -> None:
        settle(self, first=label(), second=label(), alphas=tuple_of(real()))
        _two(self.first, self.second)
        if any(a >= b for a, b in pairwise(self.alphas)) or not {0, 1} <= set(self.alphas):
            raise ValueError(f"alphas {self.alphas}: they must rise, and hold 0 and 1")

    @property
    def together(self) -> tuple[str, ...]:
        return self.first, self.second

    def needs(self, arm: Arm) -> str:
        return _images(arm)

    def arrays(self, *arms: Arm) -> Shapes:
        names = (f"mixed_{split}_{what}" for split in ("train", "test") for what in ("loss", "accuracy"))
        return dict.fromkeys(("alphas", *names), (len(self.alphas),))

    def made_up(self, learns: bool) -> Mapping[str, Any]:
        return {"alphas": self.alphas}


@dataclass(frozen=True, kw_only=True)
class JacobianNorm(Measurement):
    """``jacobian (runs,)``: the mean over test inputs of the Frobenius norm of the derivative of the class probabilities by the
    input (Novak et al., 2018), in eval mode, at the weights that the arm keeps."""

    def needs(self, arm: Arm) -> str:
        return _images(arm)

    def arrays(self, *arms: Arm) -> Shapes:
        return {"jacobian": ()}


def _images(arm: Arm) -> str:
    """What an arm lacks that does not learn images."""
    return f"images, with a test set, and the arm has {arm.data.name}" if isinstance(arm.data, Function) else ""


def _two(first: str, second: str) -> None:
    if first == second:
        raise ValueError(f"arm {first!r} is measured together with itself: name another one")
