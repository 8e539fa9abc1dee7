"""Frozen specifications of what is measured of trained runs, between training and effects. Nothing here imports torch.

A measurement looks at the runs of one arm, or of a pair of them, seed by seed; its arrays, (runs, ...) each, become those of
the first arm's runs. `hw1bench.measures.stage` takes them. Arrays of the blocks that a measurement ``consumes`` serve it alone,
and need not be kept in memory after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from hw1bench.support.checks import integer, label, real, settle, tuple_of
from hw1bench.support.snapshots import ARRAYS

TOLERANCES = (1e-4, 1e-6, 1e-8)
"""Shares of the largest absolute eigenvalue within which an eigenvalue counts as zero."""
MINIMAL_RATIO = 1e-6
"""The one of `TOLERANCES` by which the minimal ratio is taken."""


@dataclass(frozen=True, kw_only=True)
class Paths:
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
    consumes: ClassVar[tuple[str, ...]] = ARRAYS

    def __post_init__(self) -> None:
        settle(self, own=label(), other=label(), mark_every=integer(least=1))
        _two(self.own, self.other)

    def groups(self, arms: Sequence[str]) -> list[tuple[str, ...]]:
        """The groups of ``arms`` that are measured together."""
        return _pair(self.own, self.other, arms)


@dataclass(frozen=True, kw_only=True)
class MinimalRatio:
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
    consumes: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        settle(self, target=real(above=0, most=1))

    def groups(self, arms: Sequence[str]) -> list[tuple[str, ...]]:
        """The groups of ``arms`` that are measured together."""
        return [(arm,) for arm in arms]


@dataclass(frozen=True, kw_only=True)
class Interpolation:
    """Loss and accuracy along the straight line from the weights of arm ``first`` (alpha 0) to those of ``second`` (alpha 1).

    ``alphas`` rise, with 0 and 1 among them. Of both sets, in eval mode:

    alphas                                   (runs, alphas), the same for all runs
    mixed_train_loss, mixed_test_loss        (runs, alphas)
    mixed_train_accuracy, mixed_test_accuracy
    """

    first: str
    second: str
    alphas: tuple[float, ...]
    consumes: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        settle(self, first=label(), second=label(), alphas=tuple_of(real()))
        _two(self.first, self.second)
        if any(a >= b for a, b in pairwise(self.alphas)) or not {0, 1} <= set(self.alphas):
            raise ValueError(f"alphas {self.alphas}: they must rise, and hold 0 and 1")

    def groups(self, arms: Sequence[str]) -> list[tuple[str, ...]]:
        """The groups of ``arms`` that are measured together."""
        return _pair(self.first, self.second, arms)


@dataclass(frozen=True, kw_only=True)
class JacobianNorm:
    """``jacobian (runs,)``: the mean over test inputs of the Frobenius norm of the derivative of the class probabilities by the
    input (Novak et al., 2018), in eval mode, at the weights that the arm keeps."""

    consumes: ClassVar[tuple[str, ...]] = ()

    def groups(self, arms: Sequence[str]) -> list[tuple[str, ...]]:
        """The groups of ``arms`` that are measured together."""
        return [(arm,) for arm in arms]


Measurement = Paths | MinimalRatio | Interpolation | JacobianNorm


def _two(first: str, second: str) -> None:
    if first == second:
        raise ValueError(f"arm {first!r} is measured together with itself: name another one")


def _pair(first: str, second: str, arms: Sequence[str]) -> list[tuple[str, ...]]:
    return [(first, second)] if first in arms and second in arms else []
