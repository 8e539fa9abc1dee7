"""Where training goes in the space of weights: principal components, distances, and what a random walk would look like.

A *trajectory* is the snapshots of one run's weights, (snapshots, weights), oldest first. Functions take any runs: an array
(runs, snapshots, weights), or a sequence of (snapshots, weights) arrays, of any lengths; NumPy arrays or tensors, of any
floating-point type. All they need is the Gram matrix of the centred snapshots,

    G = X X^T,   X (all runs' snapshots, weights) minus its mean row,

a few hundred numbers squared, after which the weights can be dropped: functions named ``..._from`` take it. It is summed
in float64 over chunks of weights, so that the weights are never copied whole: about 50 MB whatever their number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from hw1bench.measures import arrays


class Rows(Protocol):
    """A run that is not an array: anything with a ``shape`` and a floating-point ``dtype`` that returns some of its
    columns as an array, such as ``hw1bench.support.snapshots.Snapshots``."""

    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, places: tuple[slice, slice]) -> np.ndarray: ...


Trajectories = np.ndarray | Sequence[np.ndarray | Rows]

_CHUNK = 2**21  # numbers (float64, 16 MiB) of all snapshots together that are taken at once

_SQUARES = 1e-150, 1e150  # the least move and the largest size of a weight: beyond these, squares are 0 or infinite

# If there are this many times more weights than snapshots, the Gram matrix is the shorter way, and the only one in bounded
# memory.
_WIDE = 2


def _runs(trajectories: Trajectories) -> list[np.ndarray | Rows]:
    try:
        each = list(trajectories)
    except TypeError as error:
        raise ValueError(
            f"{trajectories!r} is not a sequence of runs: give (runs, snapshots, weights), or a list of runs"
        ) from error
    runs = [arrays.rows(run, f"run {index}") for index, run in enumerate(each)]
    shapes = [run.shape for run in runs]
    if not runs or any(len(shape) != 2 or not shape[0] for shape in shapes) or len({shape[1] for shape in shapes}) > 1:
        raise ValueError(f"runs of shapes {shapes}: each must be (snapshots, weights), all with the same weights")
    if not all(np.issubdtype(run.dtype, np.floating) for run in runs):
        raise ValueError(f"runs of types {sorted({str(run.dtype) for run in runs})}: give floating-point weights")
    return runs


def _check(weights: np.ndarray) -> None:
    if not np.isfinite(weights).all():
        raise ValueError("some weights are not finite: leave out the snapshots of a run after it diverged")
    if (largest := np.abs(weights).max(initial=0.0)) > _SQUARES[1]:
        raise ValueError(f"the weights are up to {largest:.1e}, whose square overflows: scale them down")


def gram(trajectories: Trajectories) -> np.ndarray:
    """The Gram matrix of all runs' snapshots, run after run, minus their common mean: (snapshots, snapshots) float64.

    Raises ValueError for runs that are not (snapshots, weights) with the same weights, and for weights that are not finite or
    whose squares overflow or vanish.
    """
    runs = _runs(trajectories)
    snapshots, weights = sum(map(len, runs)), runs[0].shape[1]
    total: np.ndarray = np.zeros((snapshots, snapshots))
    largest = 0.0
    step = max(1, _CHUNK // snapshots)
    for start in range(0, weights, step):
        part = np.concatenate([run[:, start : start + step] for run in runs], dtype=np.float64, casting="same_kind")
        _check(part)
        part -= part[0].copy()  # so that snapshots that are all the same have a mean of exactly 0
        part -= part.mean(axis=0)
        largest = max(largest, np.abs(part).max(initial=0.0))
        total += part @ part.T
    if 0 < largest < _SQUARES[0]:
        raise ValueError(f"the weights move by {largest:.1e} at most, whose square is 0 in float64: scale them up")
    symmetric: np.ndarray = (total + total.T) / 2
    return symmetric


def _gram(matrix: np.ndarray, axes: int) -> np.ndarray:
    """``matrix`` as an array; raises ValueError unless it is finite and has ``axes`` axes (0: any number), the last two equal."""
    found = arrays.whole(matrix, "the Gram matrix")
    if found.ndim < 2 or found.ndim != (axes or found.ndim) or found.shape[-1] != found.shape[-2]:
        raise ValueError(f"the Gram matrix has shape {found.shape}: give (snapshots, snapshots), as gram does")
    if not np.isfinite(found).all():
        raise ValueError("the Gram matrix is not finite: leave out the snapshots of a run after it diverged")
    return found


def distances(gram: np.ndarray) -> np.ndarray:
    """Euclidean distances between all snapshots, from their Gram matrix: (snapshots, snapshots).

    Distances below 1e-8 of the largest one from the mean drown in rounding.
    """
    gram = _gram(gram, 2)
    squares = np.diag(gram)
    found: np.ndarray = np.sqrt(np.maximum(squares[:, None] + squares[None, :] - 2 * gram, 0))
    np.fill_diagonal(found, 0)
    return found


@dataclass(frozen=True)
class Components:
    """Principal components of all runs' snapshots together.

    coordinates  (runs, snapshots, components), in the units of the weights; NaN after the last snapshot of a shorter run.
                 A component's sign is such that its coordinate with the largest absolute value (the first such) is positive.
    shares       (components,) of the variance, in decreasing order.
    """

    coordinates: np.ndarray
    shares: np.ndarray


def pca(trajectories: Trajectories, components: int = 2) -> Components:
    """Principal components (Pearson, 1901) of all runs' snapshots together, as the charts of paths show them.

    By scikit-learn if there are few weights, otherwise by the eigenvectors of the Gram matrix: the same up to rounding.
    Raises ValueError as ``gram`` does, for more components than snapshots or weights, and if no weight ever changes.
    """
    runs = _runs(trajectories)
    snapshots, weights = sum(map(len, runs)), runs[0].shape[1]
    if not 1 <= components <= min(snapshots, weights):
        raise ValueError(
            f"{components} components of {snapshots} snapshots of {weights} weights: give 1 to {min(snapshots, weights)}"
        )
    if weights > _WIDE * snapshots:
        return pca_from(gram(runs), [len(run) for run in runs], components)
    whole = np.concatenate([run[:, :] for run in runs], dtype=np.float64, casting="same_kind")
    _check(whole)
    move = np.ptp(whole, axis=0).max()
    if not move:
        raise ValueError(f"the {snapshots} snapshots are all the same: there is no variance to share out")
    if move < _SQUARES[0]:
        raise ValueError(f"the weights move by {move:.1e} at most, whose square is 0 in float64: scale them up")
    from sklearn.decomposition import PCA  # takes a second to import, and paths, with many weights, never come here

    found = PCA(components, svd_solver="full").fit(whole)
    return _components(found.transform(whole), found.explained_variance_ratio_, [len(run) for run in runs])


def pca_from(gram: np.ndarray, lengths: Sequence[int], components: int = 2) -> Components:
    """``pca`` of runs of ``lengths`` snapshots from their Gram matrix."""
    gram = _gram(gram, 2)
    if sum(lengths) != len(gram) or not 1 <= components <= len(gram):
        raise ValueError(
            f"runs of {list(lengths)} snapshots, {components} components, a Gram matrix of {len(gram)}: make them fit"
        )
    values, vectors = np.linalg.eigh(gram)
    values, vectors = np.maximum(values[::-1][:components], 0), vectors[:, ::-1][:, :components]
    if np.trace(gram) <= 0:
        raise ValueError(f"the {len(gram)} snapshots are all the same: there is no variance to share out")
    return _components(vectors * np.sqrt(values), values / np.trace(gram), lengths)


def _components(flat: np.ndarray, shares: np.ndarray, lengths: Sequence[int]) -> Components:
    largest = flat[np.abs(flat).argmax(axis=0), np.arange(flat.shape[1])]
    flat = flat * np.where(largest < 0, -1, 1)
    coordinates = np.full((len(lengths), max(lengths), flat.shape[1]), np.nan)
    for row, part in enumerate(np.split(flat, np.cumsum(lengths)[:-1])):
        coordinates[row, : len(part)] = part
    return Components(coordinates, np.asarray(shares))


def share_of_variance(gram: np.ndarray, components: int = 2) -> np.ndarray:
    """The share of variance that the first ``components`` take, from Gram matrices ``(..., snapshots, snapshots)``: (...,).

    Raises ValueError for another shape, for a matrix that is not finite, and for snapshots that are all the same.
    """
    gram = _gram(gram, 0)
    total = np.trace(gram, axis1=-2, axis2=-1)
    if not (total > 0).all():
        raise ValueError("snapshots that are all the same have no variance to share out: leave them out")
    taken: np.ndarray = np.linalg.eigvalsh(gram)[..., -components:].sum(-1) / total
    return taken


def random_walk_shares(
    step_lengths: np.ndarray, weights: int, samples: int = 1000, seed: int = 0, components: int = 2
) -> np.ndarray:
    """The share of variance that the first ``components`` take in random walks: (samples,).

    A walk has steps of ``step_lengths (steps,)``, in their order, each in a direction of its own, uniform on the sphere in
    ``weights`` dimensions. In one long walk with equal steps in many dimensions, component k takes 6/(pi^2 k^2) (Antognini
    and Sohl-Dickstein, 2018); in a short one, more. Raises ValueError if lengths are not finite, negative, or all zero.
    """
    lengths = arrays.whole(step_lengths, "the step lengths").astype(np.float64)
    if lengths.ndim != 1 or not np.isfinite(lengths).all() or (lengths < 0).any() or not lengths.any() or weights < 1:
        raise ValueError(
            f"steps of lengths {lengths} in {weights} dimensions are not a walk: give (steps,) lengths >= 0"
        )
    generator = np.random.default_rng(seed)
    steps = len(lengths)
    shares = np.empty(samples)
    some = max(1, _CHUNK // (steps + 1) ** 2)
    for start in range(0, samples, some):
        many = min(some, samples - start)
        directions = _gaussian_rows(generator, many, steps, weights)
        directions /= np.linalg.norm(directions, axis=2, keepdims=True)
        walk = np.zeros((many, steps + 1, directions.shape[2]))
        np.cumsum(lengths[:, None] * directions, axis=1, out=walk[:, 1:])
        walk -= walk.mean(axis=1, keepdims=True)
        shares[start : start + many] = share_of_variance(walk @ walk.transpose(0, 2, 1), components)
    return shares


def _gaussian_rows(generator: np.random.Generator, samples: int, rows: int, dimensions: int) -> np.ndarray:
    """Rows with the inner products of ``rows`` standard Gaussian vectors: (samples, rows, rows or fewer).

    With more dimensions than rows, a rotation of space makes the vectors lower triangular and keeps their inner products:
    below the diagonal are standard Gaussian numbers, and on it the length of a vector's part in the dimensions that the
    vectors before it do not span, chi-distributed with as many degrees of freedom (Bartlett, 1933). Exact in any dimension.
    """
    if dimensions <= rows:
        return generator.standard_normal((samples, rows, dimensions))
    triangle = np.tril(generator.standard_normal((samples, rows, rows)), -1)
    left = dimensions - np.arange(rows)
    triangle[:, np.arange(rows), np.arange(rows)] = np.sqrt(generator.chisquare(left, (samples, rows)))
    return triangle


@dataclass(frozen=True)
class BeyondRandomWalk:
    """``share``: of a path's variance that two components take; ``walk``: the share that 95 % of random walks stay below."""

    share: float
    walk: float


def beyond_random_walk(snapshots: np.ndarray, samples: int = 1000, seed: int = 0) -> BeyondRandomWalk:
    """How flat the path ``snapshots (snapshots, weights)`` of one run is, compared with random walks of its step lengths.

    Raises ValueError as ``gram`` does, for fewer than four snapshots (three lie in a plane), and if nothing moves.
    """
    run = _runs([snapshots])[0]
    return beyond_random_walk_from(gram([run]), run.shape[1], samples, seed)


def beyond_random_walk_from(gram: np.ndarray, weights: int, samples: int = 1000, seed: int = 0) -> BeyondRandomWalk:
    """``beyond_random_walk`` of one run with ``weights`` weights, from the Gram matrix of its snapshots."""
    gram = _gram(gram, 2)
    if not np.trace(gram) > 0:
        raise ValueError(f"the {len(gram)} snapshots are all the same: nothing moves")
    if len(gram) < 4:
        raise ValueError(f"a path of {len(gram)} snapshots lies in a plane whatever it does: give 4 or more")
    lengths = np.diag(distances(gram), 1)
    walks = random_walk_shares(lengths, weights, samples, seed)
    return BeyondRandomWalk(float(share_of_variance(gram)), float(np.percentile(walks, 95)))


def part(gram: np.ndarray, snapshots: slice | np.ndarray) -> np.ndarray:
    """The Gram matrix of some of the snapshots, a slice or their indices, about their own mean."""
    some = _gram(gram, 2)[snapshots][:, snapshots]
    some = some - some.mean(axis=0)
    centred: np.ndarray = some - some.mean(axis=1, keepdims=True)
    return centred


def separation(own: np.ndarray, other: np.ndarray) -> float:
    """How much farther away the other run is than a run's own path: for each snapshot of ``own (snapshots, weights)``, the
    distance to the nearest snapshot of ``other`` over the distance to the nearest other one of ``own``; then the logarithm of
    the median.

    NaN if both distances are 0. Raises ValueError as ``gram`` does, and for an ``own`` of one snapshot.
    """
    return separation_from(gram([own, other]), len(own))


def separation_from(gram: np.ndarray, own: int) -> float:
    """``separation`` from the joint Gram matrix of two runs, of which the first ``own`` snapshots are the first run's."""
    gram = _gram(gram, 2)
    if not 2 <= own < len(gram):
        raise ValueError(f"{own} of {len(gram)} snapshots are the first run's: give it two or more, and not all")
    apart = distances(gram)[:own]
    within = apart[:, :own] + np.diag(np.full(own, np.inf))
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.log(np.median(apart[:, own:].min(axis=1) / within.min(axis=1))))


def convergence(own: np.ndarray, other: np.ndarray) -> float:
    """How much closer two runs, (snapshots, weights) each, are at the end than at the start: 1 - d(end) / d(start).

    NaN if they start at the same point. Raises ValueError as ``gram`` does.
    """
    return convergence_from(gram([own, other]), len(own))


def convergence_from(gram: np.ndarray, own: int) -> float:
    """``convergence`` from the joint Gram matrix of two runs, of which the first ``own`` snapshots are the first run's."""
    gram = _gram(gram, 2)
    if not 1 <= own < len(gram):
        raise ValueError(f"{own} of {len(gram)} snapshots are the first run's: give it one or more, and not all")
    apart = distances(gram)
    start, end = float(apart[0, own]), float(apart[own - 1, -1])
    return 1 - end / start if start > 0 else float("nan")


def end_lengths(run: np.ndarray | Rows) -> np.ndarray:
    """The Euclidean lengths of the weights at the first and at the last snapshot of ``run (snapshots, weights)``: (2,).

    Raises ValueError as ``gram`` does.
    """
    [rows] = _runs([run])
    squares: np.ndarray = np.zeros(2)
    step = max(1, _CHUNK // len(rows))
    for start in range(0, rows.shape[1], step):
        part = np.asarray(rows[:, start : start + step], dtype=np.float64)[[0, -1]]
        _check(part)
        squares += (part**2).sum(axis=1)
    lengths: np.ndarray = np.sqrt(squares)
    return lengths


def relative_convergence(own: np.ndarray, other: np.ndarray) -> float:
    """``convergence`` of distances relative to the length of the weights: 1 - [d(end) / l(end)] / [d(start) / l(start)], in which
    l is the geometric mean of the lengths of the two runs' weights. Runs that only grow longer keep their relative distance.

    NaN if they start at the same point, or if the weights of a run are all 0 at an end. Raises ValueError as ``gram`` does.
    """
    return relative_convergence_from(convergence(own, other), end_lengths(own), end_lengths(other))


def relative_convergence_from(plain: float, own: np.ndarray, other: np.ndarray) -> float:
    """``relative_convergence`` from the ``convergence`` of two runs and the ``end_lengths`` of each."""
    start, end = np.sqrt(own * other)
    return float(1 - (1 - plain) * start / end) if start > 0 and end > 0 else float("nan")
