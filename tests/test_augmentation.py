"""Augmentation of a batch equals torchvision's transforms of its images, one by one."""

import pytest
import torch

from hw1bench.images import vision
from hw1bench.training.augmentation import Draw, augmented, draw

SIZE = 11  # with smaller images, the reflected border makes some outcomes equal


@pytest.fixture(scope="module")
def functional():
    vision.datasets()
    from torchvision.transforms import functional

    return functional


@pytest.fixture(scope="module")
def outcomes(functional):
    """Return all outcomes of torchvision's padding, crop and flip for one image: (top, left, flip) -> image."""
    image = torch.arange(2 * SIZE**2, dtype=torch.float32).view(2, SIZE, SIZE)
    padded = functional.pad(image, 4, padding_mode="reflect")
    found = {}
    for top in range(9):
        for left in range(9):
            crop = functional.crop(padded, top, left, SIZE, SIZE)
            found[top, left, False], found[top, left, True] = crop, functional.hflip(crop)
    return image, found


def test_each_draw_has_the_outcome_of_torchvision(outcomes):
    image, found = outcomes
    keys = list(found)
    top, left, flip = (torch.tensor(values) for values in zip(*keys, strict=True))
    images = augmented(image[None].repeat(3, 1, 1, 1), torch.full((len(keys),), 2), Draw(top, left, flip))
    assert torch.equal(images, torch.stack([found[key] for key in keys]))


def test_all_outcomes_are_equally_likely(outcomes):
    image, found = outcomes
    names = {crop.numpy().tobytes(): index for index, crop in enumerate(found.values())}
    assert len(names) == 162
    draws = 162 * 40
    images = augmented(
        image[None], torch.zeros(draws, dtype=torch.int64), draw(draws, torch.Generator().manual_seed(1))
    )
    counts = torch.bincount(torch.tensor([names[one.contiguous().numpy().tobytes()] for one in images]), minlength=162)
    assert ((counts.double() - 40) ** 2 / 40).sum() < 222  # chi-square of 161 degrees of freedom: 99.9 %


def test_the_batch_selects_the_images():
    x = torch.arange(5.0).view(5, 1, 1, 1).expand(5, 1, SIZE, SIZE)
    batch = torch.tensor([4, 0, 4])
    assert augmented(x, batch, draw(3, torch.Generator()))[:, 0, 0, 0].tolist() == [4, 0, 4]


def test_torchvision_draws_uniform_corners_and_fair_flips():
    vision.datasets()
    from torchvision.transforms import RandomCrop, RandomHorizontalFlip

    # Uniform corners over 0 to 8 and fair flips: the parameters that torchvision's classes draw.
    torch.manual_seed(0)
    padded = torch.zeros(1, SIZE + 8, SIZE + 8)
    corners = {RandomCrop.get_params(padded, (SIZE, SIZE))[:2] for _ in range(2_000)}
    assert corners == {(top, left) for top in range(9) for left in range(9)}
    assert RandomHorizontalFlip().p == 0.5
