"""Frozen specifications of the measurements taken of trained runs, before effects read them. Nothing here imports torch.

A measurement is a class here and a function in ``hw1bench/measures/``, registered for the class with
``hw1bench.measures.instruments.takes``. The class says all that can be known before anything trains: which arms are measured
together, what they must have, and which arrays come out. A claims file may define its own measurements in the same way.

What a measurement gives for one seed is a *result*, kept under the measurement and the arms it looked at. Effects ask a run for
it: ``runs["a"].result(JacobianNorm)["jacobian"]``, or for a pair ``runs["a"].result(Paths, "a", "b")``.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from hw1bench.specs import notation
from hw1bench.specs.arm import Arm
from hw1bench.specs.network import Network
from hw1bench.support.checks import integer, label, real, settle, tuple_of
from hw1bench.support.snapshots import ARRAYS

Shapes = dict[str, tuple[int, ...]]
"""Array -> the shape of its part for one run."""

TOLERANCES = (1e-4, 1e-6, 1e-8)
"""Tolerances within which an eigenvalue counts as zero, as shares of the largest absolute eigenvalue."""
MINIMAL_RATIO = 1e-6
"""The tolerance, one of ``TOLERANCES``, at which the minimal ratio is taken."""

PATH_NUMBERS = ("own_share", "walk", "separation", "convergence", "relative_convergence")
"""What ``Paths`` gives for each part of a run's weights, one number each."""

_LEAST_SNAPSHOTS = 4  # three points always lie in a plane
_EXACT = (notation.Linear, notation.Output)  # layers whose curvature is computed exactly, except for these outputs:
_NO_CURVATURE = (notation.Output("softmax"), notation.Output("logsoftmax"))


@dataclass(frozen=True)
class Measurement(ABC):
    """What is measured of trained runs, seed by seed: the base class of frozen dataclasses, whose docstrings list their arrays.

    ``reads`` names the arrays of a trained block (see ``hw1bench.records.runs.Record``) that the measurement needs. Arrays that
    it also ``consumes`` serve measurements alone, and leave memory once all measurements of their arm are taken.
    """

    reads: ClassVar[tuple[str, ...]] = ("weights",)
    consumes: ClassVar[tuple[str, ...]] = ()

    @property
    def kind(self) -> str:
        """What messages call the measurement: the name of its class."""
        return type(self).__name__

    @property
    def title(self) -> str:
        """The measurement's name in words, such as "jacobian norm"."""
        return " ".join(re.findall("[A-Z]+[^A-Z]*", type(self).__name__)).lower()

    @property
    def together(self) -> tuple[str, ...]:
        """The names of the arms that are measured together, in this order; () if each arm is measured by itself."""
        return ()

    def groups(self, arms: Sequence[str]) -> list[tuple[str, ...]]:
        """The groups of ``arms`` to measure: the arms measured ``together``, if ``arms`` has them all, or each arm by itself."""
        if not self.together:
            return [(arm,) for arm in arms]
        return [self.together] if set(self.together) <= set(arms) else []

    def needs(self, arm: Arm) -> str:
        """What the measurement needs, besides what it ``reads``, and ``arm`` lacks, with the way out: "a dense net, and gets
        layout ...", for example; '' if nothing is lacking."""
        return ""

    @abstractmethod
    def arrays(self, *arms: Arm) -> Shapes:
        """The arrays of a result for ``arms``, one of ``groups``. Raises ValueError for arms that do not go together."""

    def made_up(self, learns: bool) -> Mapping[str, Any]:
        """Arrays that a rehearsal cannot fill with arbitrary numbers, for a run that ``learns`` or for one that does not."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Paths(Measurement):
    """The weight paths of arms ``own`` and ``other``, which record snapshots: for the whole model and for its first layer.

    For each part, "whole" or "layer1", principal components are taken over all runs of ``own`` in a block together:

    {part}_path         (runs, snapshots, 2): coordinates along the first two components
    {part}_shares       (runs, 2): shares of the variance that these components explain, the same for all runs
    {part}_own_share    (runs,): share of the variance of the run's path that its own first two components explain
    {part}_walk         (runs,): the value below which 95 % of random walks with the run's step lengths have their own_share
    {part}_separation   (runs,): see ``trajectory.separation``; the other path is the run of ``other`` with the same seed
    {part}_convergence  (runs,): see ``trajectory.convergence``, between the same two runs
    {part}_relative_convergence  (runs,): see ``trajectory.relative_convergence``, between the same two runs
    path_accuracy       (runs, snapshots): training accuracy at every ``mark_every``-th snapshot and the last, NaN between

    All values of a run that diverged are NaN.
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
        return _classes(arm) or _labels(arm) or _buffers(arm, "are not kept along a path")

    def arrays(self, *arms: Arm) -> Shapes:
        counts = [1 + arm.snapshots_in(arm.steps) for arm in arms]
        if min(counts) < _LEAST_SNAPSHOTS or len(set(counts)) > 1:
            raise ValueError(
                f"Paths of arms {' and '.join(repr(arm.name) for arm in arms)} needs the same number of "
                f"snapshots of each, {_LEAST_SNAPSHOTS} or more, and gets {' and '.join(map(str, counts))}: take more"
            )
        found: Shapes = {"path_accuracy": (counts[0],)}
        for part in ("whole", "layer1"):
            found |= {f"{part}_path": (counts[0], 2), f"{part}_shares": (2,)}
            found |= {f"{part}_{name}": () for name in PATH_NUMBERS}
        return found


@dataclass(frozen=True, kw_only=True)
class MinimalRatio(Measurement):
    """The spectrum of the Hessian at a point of almost zero gradient, which a search reaches from each run's weights.

    The gradient is almost zero if its norm is at most ``target`` times the norm at initialisation, which the arm records. The
    search is described in ``hw1bench.measures.stationary``.

    stationary_loss  (runs,): loss at the point
    norm_ratio       (runs,): gradient norm at the point over gradient norm at initialisation
    reached          (runs,) bool: whether ``norm_ratio`` is at most ``target``
    steps_to_it      (runs,): steps from the trained weights to the point
    descended        (runs,) bool: whether some of these steps descended the loss
    above, within, below  (runs, 3): shares of the eigenvalues above, within and below each of ``TOLERANCES``
    gauss_newton_above    (runs, 3): share of the eigenvalues of the layer-by-layer Gauss-Newton matrix above each of them

    If a point is not reached, the numbers describe where the search ended. All values of a run that diverged are NaN.
    """

    target: float = 1e-4
    reads: ClassVar[tuple[str, ...]] = ("weights", "gradient_norm")

    def __post_init__(self) -> None:
        settle(self, target=real(above=0, most=1))

    def needs(self, arm: Arm) -> str:
        if not arm.data.regression:
            return f"numbers to fit, and the arm has {arm.data.name}"
        if arm.gradient_norm != "epoch":
            return 'its gradient norm: record it with gradient_norm="epoch"'
        if isinstance(arm.model, Network):
            return f"a layout, whose curvature is computed exactly, and gets network {arm.model.name!r}: give a Model"
        layers = notation.parse(arm.model.layout)
        if not all(isinstance(layer, _EXACT) and layer not in _NO_CURVATURE for layer in layers):
            return f"a dense net, at most with a tanh output, and gets layout {arm.model.layout!r}"
        if not all(layer.bias for layer in layers if isinstance(layer, notation.Linear)):
            return f"a net whose layers have biases, and gets layout {arm.model.layout!r}"
        return ""

    def arrays(self, *arms: Arm) -> Shapes:
        numbers = dict.fromkeys(("stationary_loss", "norm_ratio", "reached", "steps_to_it", "descended"), ())
        shares = dict.fromkeys(("above", "within", "below", "gauss_newton_above"), (len(TOLERANCES),))
        return {**numbers, **shares}

    def made_up(self, learns: bool) -> Mapping[str, Any]:
        return {"reached": learns, "descended": learns}


@dataclass(frozen=True, kw_only=True)
class Interpolation(Measurement):
    """Loss and accuracy along the straight line from the weights of arm ``first`` (alpha 0) to the weights of ``second``
    (alpha 1).

    ``alphas`` increase, with 0 and 1 among them. On both sets, in eval mode:

    alphas                                     (runs, alphas), the same for all runs
    mixed_train_loss, mixed_test_loss          (runs, alphas)
    mixed_train_accuracy, mixed_test_accuracy  (runs, alphas), shares
    """

    first: str
    second: str
    alphas: tuple[float, ...]

    def __post_init__(self) -> None:
        settle(self, first=label(), second=label(), alphas=tuple_of(real()))
        _two(self.first, self.second)
        if any(a >= b for a, b in pairwise(self.alphas)) or not {0, 1} <= set(self.alphas):
            raise ValueError(f"alphas are {self.alphas}: give increasing numbers, with 0 and 1 among them")

    @property
    def together(self) -> tuple[str, ...]:
        return self.first, self.second

    def needs(self, arm: Arm) -> str:
        return _classes(arm) or _labels(arm) or _buffers(arm, "cannot be those of weights between two nets")

    def arrays(self, *arms: Arm) -> Shapes:
        names = (f"mixed_{split}_{what}" for split in ("train", "test") for what in ("loss", "accuracy"))
        return dict.fromkeys(("alphas", *names), (len(self.alphas),))

    def made_up(self, learns: bool) -> Mapping[str, Any]:
        return {"alphas": self.alphas}


@dataclass(frozen=True, kw_only=True)
class JacobianNorm(Measurement):
    """``jacobian (runs,)``: the mean over test inputs of the Frobenius norm of the derivative of the class probabilities with
    respect to the input (Novak et al., 2018), in eval mode, at the weights that the arm keeps."""

    def needs(self, arm: Arm) -> str:
        return _classes(arm)

    def arrays(self, *arms: Arm) -> Shapes:
        return {"jacobian": ()}


def _classes(arm: Arm) -> str:
    """What an arm lacks if it does not learn classes that are tested; '' if it does."""
    if arm.data.tested and not arm.data.regression:
        return ""
    return f"classes, with a test set, and the arm has {arm.data.name}"


def _labels(arm: Arm) -> str:
    """What an arm lacks for its accuracy to be measured after training; '' if nothing."""
    return "the labels of its data, and the arm draws labels at random" if arm.random_labels else ""


def _buffers(arm: Arm, why: str) -> str:
    """What an arm lacks if its net is more than the weights that train; '' if it is not."""
    if not isinstance(arm.model, Network) or not arm.model.buffers:
        return ""
    return f"a net of trained weights alone, and network {arm.model.name!r} has buffers, such as running statistics, which {why}"


def _two(first: str, second: str) -> None:
    if first == second:
        raise ValueError(f"arm {first!r} is measured together with itself: name two different arms")
