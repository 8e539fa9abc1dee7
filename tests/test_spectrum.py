"""Spectra and their shares against chosen ones, and matrices that have none."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hw1bench.measures import curvature
from hw1bench.specs.measurement import TOLERANCES


@given(
    st.lists(st.sampled_from([-1.0, -1e-3, -1e-5, -1e-7, 0.0, 1e-7, 1e-5, 1e-3, 1.0]), min_size=1, max_size=12),
    st.integers(0, 2**31),
    st.sampled_from(TOLERANCES),
    st.floats(1e-3, 1e3),
)
@settings(max_examples=60, deadline=None)
def test_shares_of_a_chosen_spectrum_are_counts(chosen, seed, tolerance, unit):
    values = torch.tensor([*chosen, 1.0], dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(len(values), len(values), generator=generator, dtype=torch.float64))[0]
    matrix = unit * basis @ values.diag() @ basis.T
    found = curvature.shares(curvature.spectrum((matrix + matrix.T)[None] / 2), tolerance)
    n = len(values)
    assert found.above.item() == pytest.approx(int((values > tolerance).sum()) / n)
    assert found.below.item() == pytest.approx(int((values < -tolerance).sum()) / n)
    assert found.above.item() + found.within.item() + found.below.item() == pytest.approx(1)


def test_all_eigenvalues_of_nothing_are_within():
    found = curvature.shares(torch.zeros(2, 5, dtype=torch.float64))
    assert found.within.tolist() == [1, 1]


def matrices(*last):
    """(2, 3, 3) float64: one that is in order, and ``last``."""
    return torch.stack([torch.eye(3, dtype=torch.float64), torch.tensor(last, dtype=torch.float64).view(3, 3)])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (matrices(1, 0, 0, 0, math.inf, 0, 0, 0, 1), "not finite: its point has diverged"),
        (matrices(1, 0, 0, 0, -math.inf, 0, 0, 0, 1), "not finite: its point has diverged"),
        (matrices(1, 0, 0, 0, 1, 0, 0, math.nan, 1), "not finite: its point has diverged"),
        (matrices(1, 2, 0, 3, 1, 0, 0, 0, 1), r"of point 1 differs from its transpose by 1.0e\+00, and its largest"),
        (matrices(0, 0, 1, 0, 0, 0, 0, 0, 0), "of point 1 differs from its transpose"),
        (matrices(1, 1e-9, 0, 0, 1, 0, 0, 0, 1), r"by 1.0e-09, .*: give a symmetric one"),
        (matrices(1e-320, 0, 0, 0, 1e-321, 0, 0, 0, 0), "at most 1.0e-320, where float64 loses digits"),
        (torch.full((1, 2, 2), 1.7e308, dtype=torch.float64), r"1.7e\+308, whose spectrum overflows"),
        (matrices(1, 0, 0, 0, 1, 0, 0, 0, 1).float(), "torch.float32: give a float64"),
        (matrices(1, 0, 0, 0, 1, 0, 0, 0, 1).bfloat16(), "torch.bfloat16: give a float64"),
        (matrices(1, 0, 0, 0, 1, 0, 0, 0, 1).long(), "torch.int64: give a float64"),
        (matrices(1, 0, 0, 0, 1, 0, 0, 0, 1).to(torch.complex128), "torch.complex128: give a float64"),
        (matrices(1, 0, 0, 0, 1, 0, 0, 0, 1).numpy(), "is ndarray: give a float64"),
        (matrices(1, 0, 0, 0, 1, 0, 0, 0, 1)[0], r"the matrix has shape \(3, 3\): give \(points, p, p\)"),
        (matrices(1, 0, 0, 0, 1, 0, 0, 0, 1)[:, :2], r"the matrix has shape \(2, 2, 3\): give \(points, p, p\)"),
        (torch.zeros(2, 0, 0, dtype=torch.float64), r"the matrix has shape \(2, 0, 0\): give"),
    ],
)
def test_matrices_without_a_spectrum_are_named(given, message):
    with pytest.raises(ValueError, match=message):
        curvature.spectrum(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.tensor([[1.0, math.nan]], dtype=torch.float64), "not finite"),
        (torch.tensor([[1.0, -math.inf]], dtype=torch.float64), "not finite"),
        (torch.tensor([[1.0, 2.0]]), "the spectrum is torch.float32"),
        (torch.tensor([[1.0, 2.0]]).bfloat16(), "the spectrum is torch.bfloat16"),
        (torch.tensor([[1, 2]]), "the spectrum is torch.int64"),
        (np.ones((1, 2)), "the spectrum is ndarray"),
        (torch.ones(2, dtype=torch.float64), r"the spectrum has shape \(2,\): give \(points, p\)"),
        (torch.ones(2, 0, dtype=torch.float64), r"the spectrum has shape \(2, 0\): give"),
        (torch.tensor([[1e-320, 0.0], [1.0, 1.0]], dtype=torch.float64), "at most 1.0e-320"),
    ],
)
def test_eigenvalues_without_shares_are_named(given, message):
    with pytest.raises(ValueError, match=message):
        curvature.shares(given)


@pytest.mark.parametrize("unit", [1e-300, 1e-17, 1.0, 1e300])
def test_a_spectrum_scales_with_the_unit_of_its_matrix(unit):
    matrix = torch.tensor([[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]], dtype=torch.float64)
    found = curvature.spectrum(unit * matrix.requires_grad_())
    torch.testing.assert_close(found / unit, torch.tensor([[-1.0, 0.0, 1.0]], dtype=torch.float64))
    shares = curvature.shares(found)
    assert [share.item() for share in (shares.above, shares.within, shares.below)] == pytest.approx([1 / 3] * 3)


def test_no_points_have_no_spectra():
    found = curvature.spectrum(torch.zeros(0, 3, 3, dtype=torch.float64))
    assert found.shape == (0, 3)
    assert curvature.shares(found).above.shape == (0,)
