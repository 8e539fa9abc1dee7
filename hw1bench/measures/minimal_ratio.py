"""The spectrum of the Hessian at points of almost zero gradient, to which a block's trained weights are led."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from hw1bench import models
from hw1bench.data import Dataset
from hw1bench.measures.curvature import Shares, hessian, layerwise_gauss_newton, shares, spectrum
from hw1bench.measures.instruments import TrainedBlock, takes
from hw1bench.measures.parallel import side_by_side
from hw1bench.measures.stationary import BUDGET, minimise_gradient_norm
from hw1bench.specs.experiment import BLOCK, Model
from hw1bench.specs.measurement import TOLERANCES, MinimalRatio
from hw1bench.support.progress import Advance

_TOGETHER = 4  # points that a thread takes at once: a fixed number, so that digits do not depend on the threads

Arrays = dict[str, np.ndarray]


@takes(MinimalRatio, steps=BLOCK * BUDGET)
def take(
    spec: MinimalRatio, trained: Sequence[TrainedBlock], dataset: Dataset, device: torch.device, progress: Advance
) -> Arrays:
    """The arrays that ``hw1bench.specs.measurement.MinimalRatio`` names.

    Raises ValueError if the arm does not fit numbers, or does not record the gradient norm per epoch.
    """
    [(block, record)] = trained
    if not block.arm.data.regression:
        raise ValueError(f"arm {block.arm.name!r} learns classes: the minimal ratio is for fits of numbers")
    if block.arm.gradient_norm != "epoch":
        raise ValueError(
            f"arm {block.arm.name!r} lacks the first gradient norm, of which the target is a share: record it per epoch"
        )
    model = block.arm.laid_out
    x = models.inputs(model, dataset.train.x).to(device, torch.float64)
    y = dataset.train.y.to(device, torch.float64)
    weights, norms = (
        torch.tensor(array).to(device, torch.float64)
        for array in (record.arrays["weights"], record.arrays["gradient_norm"][:, 0])
    )

    def measure(rows: Tensor) -> Arrays:
        point = minimise_gradient_norm(model, weights[rows], x, y, spec.target * norms[rows], progress=progress)
        found = {
            "stationary_loss": point.loss,
            "norm_ratio": point.norm / norms[rows],
            "reached": point.reached,
            "steps_to_it": point.steps,
            "descended": point.descended,
            **_shares(model, point.weights, x, y),
        }
        return {name: tensor.cpu().numpy() for name, tensor in found.items()}

    finite = (torch.isfinite(weights).all(1) & (norms > 0)).nonzero()[:, 0]
    return _by_row(measure, finite, len(weights), device)


def _shares(model: Model, weights: Tensor, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """Shares of eigenvalues (points, tolerances)."""

    def at_each(eigenvalues: Tensor, which: Callable[[Shares], Tensor]) -> Tensor:
        return torch.stack([which(shares(eigenvalues, tolerance)) for tolerance in TOLERANCES], dim=1)

    eigenvalues = spectrum(hessian(model, weights, x, y))
    positive = spectrum(layerwise_gauss_newton(model, weights, x, y))
    return {
        "above": at_each(eigenvalues, lambda share: share.above),
        "within": at_each(eigenvalues, lambda share: share.within),
        "below": at_each(eigenvalues, lambda share: share.below),
        "gauss_newton_above": at_each(positive, lambda share: share.above),
    }


def _by_row(measure: Callable[[Tensor], Arrays], rows: Tensor, count: int, device: torch.device) -> Arrays:
    """The results of ``measure`` for ``rows``, ``_TOGETHER`` at a time and side by side, in arrays of ``count`` rows: the other
    rows are NaN, or False."""
    names = ("stationary_loss", "norm_ratio", "steps_to_it")
    found: Arrays = {name: np.full(count, np.nan) for name in names}
    found |= {name: np.zeros(count, bool) for name in ("reached", "descended")}
    found |= {
        name: np.full((count, len(TOLERANCES)), np.nan) for name in ("above", "within", "below", "gauss_newton_above")
    }
    if not len(rows):
        return found
    groups = rows.split(_TOGETHER)
    for group, arrays in zip(groups, side_by_side(measure, groups, device), strict=True):
        for name, values in arrays.items():
            found[name][group.cpu().numpy()] = values
    return found
