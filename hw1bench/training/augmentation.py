"""Augmentation of a whole batch, on the device: pad by 4 by reflection, crop at random, flip half of the images.

Equal in distribution to torchvision's ``RandomCrop(size, padding=4, padding_mode="reflect")`` and
``RandomHorizontalFlip()`` on each image.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

PADDING = 4


@dataclass(frozen=True)
class Draw:
    """Random choices for the images of a batch: ``top`` and ``left`` (samples,), in 0 to 8, of the crop in the padded image,
    and whether to ``flip`` (samples,) the image left to right."""

    top: Tensor
    left: Tensor
    flip: Tensor


def draw(samples: int, generator: torch.Generator) -> Draw:
    """Draw uniform crops and fair flips for ``samples`` images."""
    corner = torch.randint(2 * PADDING + 1, (2, samples), generator=generator)
    return Draw(corner[0], corner[1], torch.rand(samples, generator=generator) < 0.5)


def _reflected(index: Tensor, size: int) -> Tensor:
    """Reflect indices past the ends of ``size`` pixels, without repeating the end pixel."""
    index = index.abs()
    return torch.where(index < size, index, 2 * (size - 1) - index)


def augmented(x: Tensor, batch: Tensor, drawn: Draw) -> Tensor:
    """Return the images ``batch (samples,)`` of ``x (images, channels, size, size)``, cropped and flipped as ``drawn``."""
    size = x.shape[-1]
    pixels = torch.arange(size, device=x.device)
    top, left, flip = (values.to(x.device)[:, None] for values in (drawn.top, drawn.left, drawn.flip))
    rows = _reflected(pixels + top - PADDING, size)
    columns = _reflected(torch.where(flip, size - 1 - pixels, pixels) + left - PADDING, size)
    found = x.permute(0, 2, 3, 1)[batch[:, None, None], rows[:, :, None], columns[:, None, :]]
    return found.permute(0, 3, 1, 2)
