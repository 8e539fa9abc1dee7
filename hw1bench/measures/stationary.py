"""Points of almost zero gradient: from trained weights on until the gradient norm is at most a target.

Both kinds of step come from one eigendecomposition of the Hessian, H = Q diag(l) Q^T, with the damping m tried over several
decades at once:

    norm   -Q l / (l^2 + m^2) Q^T g   Levenberg-Marquardt on |g|^2: goes to the nearest critical point, of whatever kind
    loss   -Q 1 / (|l| + m)   Q^T g   saddle-free Newton (Dauphin et al., 2014): goes further down the loss, past saddles

A point takes norm steps as long as each of them takes a fair part off its norm, and loss steps from then on: |g|^2 has
minima at which g is not zero, above all in the narrow valleys of such nets and at the kinks of ReLU, where a sample jumps
between the two sides of a unit and the gradient jumps with it. The loss has no such traps, and as it falls, the jumps shrink.
A norm step that raises the loss must stay near: far out, where units are saturated or dead, all gradients vanish and nothing
is learnt.
Steps are found with the Hessian of smoothed kinks and with the exact one in turn, and judged by the true norm and loss.
So points end at almost zero gradient whichever way they went; but loss steps end near minima more often than norm steps do,
which favours positive directions: ``Stationary.descended`` says which points took loss steps.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from hw1bench.measures.curvature import hessian, loss_and_gradient, smoothed_hessian
from hw1bench.measures.dense import kinked
from hw1bench.specs.experiment import Model
from hw1bench.support.progress import Advance

BUDGET = 60
"""Steps that a point may take by default."""

_NORM_DAMPING = (1e-12, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)  # shares of the largest absolute eigenvalue
_LOSS_DAMPING = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
_REPEATS = 3  # steps with one Hessian: those after the first correct for the bend of a valley
_FAIR = 0.8  # the share of the norm that a norm step may leave
_NEAR = 0.1  # how far a norm step may go if it raises the loss, as a share of the length of the weights
_SMOOTHING = 0.02
_WORK = 2**24  # numbers (float64, 128 MiB) that a group of points may take


@dataclass(frozen=True)
class Stationary:
    """Where points ended in ``minimise_gradient_norm``, whether or not they reached their targets.

    weights     (points, parameters): with the least gradient norm seen
    loss, norm  (points,): at these weights
    reached     (points,) bool: norm <= target
    steps       (points,): steps taken, by either rule
    descended   (points,) bool: whether steps on the loss were among them
    """

    weights: Tensor
    loss: Tensor
    norm: Tensor
    reached: Tensor
    steps: Tensor
    descended: Tensor


def _eigen(matrix: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (points, p) and eigenvectors in columns (points, p, p) of ``matrix (points, p, p)``, without the weights
    of units that no sample reaches: their rows, values and vectors are zero."""
    values, basis = torch.zeros_like(gradient), torch.zeros_like(matrix)
    for point, each in enumerate(matrix):
        live = ((each.count_nonzero(dim=1) > 0) | (gradient[point] != 0)).nonzero()[:, 0]
        found = torch.linalg.eigh(each[live][:, live])
        values[point, : len(live)] = found.eigenvalues
        basis[point, live, : len(live)] = found.eigenvectors
    return values, basis


def _tried(
    model: Model, start: Tensor, gradient: Tensor, basis: Tensor, factors: Tensor, x: Tensor, y: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Weights, loss and norm of all candidates: (points, candidates, parameters), and (points, candidates) each.

    factors  (points, dampings, parameters): factors of the gradient along each eigenvector, the columns of ``basis``.
    """
    points, dampings, parameters = factors.shape
    here = start[:, None].expand(-1, dampings, -1)
    slope = gradient[:, None].expand(-1, dampings, -1)
    places, losses, norms = [], [], []
    for _ in range(_REPEATS):
        here = here - ((slope @ basis) * factors) @ basis.mT
        loss, slope = loss_and_gradient(model, here.flatten(0, 1), x, y)
        slope = slope.view(points, dampings, parameters)
        norm = slope.norm(dim=2)
        wild = ~torch.isfinite(norm + loss.view_as(norm))
        slope = torch.where(wild[..., None], 0.0, slope)
        places.append(here)
        losses.append(torch.where(wild, torch.inf, loss.view_as(norm)))
        norms.append(torch.where(wild, torch.inf, norm))
    return torch.cat(places, 1), torch.cat(losses, 1), torch.cat(norms, 1)


def _group(
    model: Model, weights: Tensor, x: Tensor, y: Tensor, target: Tensor, budget: int, progress: Advance
) -> Stationary:
    here = weights.clone()
    loss, gradient = loss_and_gradient(model, here, x, y)
    norm = gradient.norm(dim=1)
    best, best_loss, best_norm = here.clone(), loss.clone(), norm.clone()
    steps, idle = torch.zeros_like(norm, dtype=torch.int64), torch.zeros_like(norm, dtype=torch.int64)
    descending = torch.zeros_like(norm, dtype=torch.bool)
    smooth = kinked(model)
    for step in range(budget):
        # Without a step on either Hessian nothing will ever change.
        on = ((best_norm > target) & (idle < 2)).nonzero()[:, 0]
        if not len(on):
            break
        exact = not smooth or step % 2 == 1
        matrix = hessian(model, here[on], x, y) if exact else smoothed_hessian(model, here[on], x, y, _SMOOTHING)
        values, basis = _eigen(matrix, gradient[on])
        size = values.abs().amax(1)[:, None, None].clamp_min(torch.finfo(torch.float64).tiny)
        values = values[:, None]
        moved = torch.zeros_like(descending[on])
        for by_norm, dampings in ((True, _NORM_DAMPING), (False, _LOSS_DAMPING)):
            # A point whose norm step fails takes its first loss step at once.
            rows = (descending[on] != by_norm).nonzero()[:, 0]
            if not len(rows):
                continue
            which = on[rows]
            damping = size.new_tensor(dampings)[:, None] * size[rows]
            along = values[rows]
            factors = along / (along**2 + damping**2) if by_norm else 1 / (along.abs() + damping)
            places, losses, norms = _tried(model, here[which], gradient[which], basis[rows], factors, x, y)
            if by_norm:
                far = (places - here[which, None]).norm(dim=2) > _NEAR * here[which].norm(dim=1)[:, None]
                leap = far & (losses > loss[which, None])
                value, chosen = torch.where(leap, torch.inf, norms).min(1)
                good = value <= _FAIR * norm[which]
            else:
                # A candidate at the target ends the search, if it is further down the loss as well.
                there = (norms <= target[which, None]) & (losses < loss[which, None])
                value, chosen = torch.where(there, -1 / (1 + norms), losses).min(1)
                good = value < loss[which]
            moved[rows[good]] = True
            here[which[good]] = places[good, chosen[good]]
            if by_norm:
                descending[which[~good]] = True
        idle[on] = torch.where(moved, 0, idle[on] + 1)
        steps[on] += moved
        loss[on], gradient[on] = loss_and_gradient(model, here[on], x, y)
        norm[on] = gradient[on].norm(dim=1)
        better = norm < best_norm
        best[better], best_loss[better], best_norm[better] = here[better], loss[better], norm[better]
        progress(len(on))
    return Stationary(best, best_loss, best_norm, best_norm <= target, steps, descending)


@torch.no_grad()
def minimise_gradient_norm(
    model: Model,
    weights: Tensor,
    x: Tensor,
    y: Tensor,
    target: Tensor,
    budget: int = BUDGET,
    progress: Advance = lambda steps: None,
) -> Stationary:
    """Lead ``weights (points, parameters)`` to points where the gradient of the loss has a norm of at most ``target (points,)``.

    x  (samples, features), y  (samples, outputs); all float64, as for ``curvature.hessian``. A point stops at its target, after
    ``budget`` steps, or if no step helps; those that do not reach it are in the result with ``reached`` False.
    ``progress`` is told how many steps were done since it was last told. Points do not influence one another.
    Raises ValueError for other shapes or types, and for targets that are not positive.
    """
    if not isinstance(target, Tensor) or not isinstance(weights, Tensor):
        raise ValueError(
            f"weights are {type(weights).__name__} and targets {type(target).__name__}: give torch tensors"
        )
    if target.shape != weights.shape[:1] or not bool((target > 0).all()):
        raise ValueError(f"targets {target.tolist()} of {len(weights)} points: give a positive norm for each")
    many = max(1, _WORK // (4 * weights.shape[1] ** 2))
    found = [
        _group(model, weights[rows], x, y, target[rows], budget, progress)
        for rows in torch.arange(len(weights), device=weights.device).split(many)
    ]
    fields = ("weights", "loss", "norm", "reached", "steps", "descended")
    return Stationary(*(torch.cat([getattr(part, field) for part in found]) for field in fields))
