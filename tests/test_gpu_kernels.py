"""The kernels for a GPU give what torch gives in float64, for windows that overlap the edges, remainders and widths of all kinds.

Without a GPU they run in Triton's interpreter, if Triton is installed and TRITON_INTERPRET=1 is set. The interpreter takes what
Triton's compiler refuses: see ``test_gpu_compilation.py``.
"""

import os
from importlib.util import find_spec

import pytest
import torch
from torch import nn

if not find_spec("triton") or not (torch.cuda.is_available() or os.environ.get("TRITON_INTERPRET")):
    pytest.skip("no CUDA device with Triton, nor Triton's interpreter", allow_module_level=True)

from hw1bench.training import gpu_kernels

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SHAPES = {  # runs, samples, side, channels, outputs, size, padding, pool, slope
    "one channel": (2, 3, 8, 1, 5, 3, 1, 2, 0.0),
    "pooling drops a remainder": (2, 2, 9, 3, 17, 4, 0, 2, 0.0),
    "no pooling": (1, 3, 7, 20, 33, 5, 2, 1, 0.01),
    "windows of 3, many outputs": (3, 2, 6, 4, 70, 3, 0, 3, 0.0),
    "small maps": (2, 2, 5, 2, 3, 2, 1, 2, 0.01),
    "many channels": (1, 2, 7, 70, 20, 3, 1, 2, 0.0),
    "padded by more than a window": (2, 2, 4, 2, 3, 2, 3, 2, 0.0),
}


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(DEVICE)


def distance(found, expected):
    return float((found.double() - expected).norm() / expected.norm())


@pytest.fixture(params=[16, 1024], ids=["few parts", "many parts"])
def parts(request, monkeypatch):
    monkeypatch.setattr(gpu_kernels, "_PROGRAMS", request.param)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_gradients_by_weights(shape, parts):
    runs, samples, side, channels, outputs, size, padding, *_ = shape
    x = numbers(runs * samples, side, side, channels)
    to = side + 2 * padding - size + 1
    gradient = numbers(runs * samples, to, to, outputs, seed=1)
    found = gpu_kernels.by_weights(x, gradient, padding, size, runs)
    for run, (some, given) in enumerate(zip(x.double().chunk(runs), gradient.double().chunk(runs), strict=True)):
        weight = torch.zeros(outputs, channels, size, size, dtype=torch.float64, device=DEVICE, requires_grad=True)
        z = nn.functional.conv2d(some.permute(0, 3, 1, 2), weight, padding=padding)
        (expected,) = torch.autograd.grad(z, weight, given.permute(0, 3, 1, 2))
        assert distance(found[run], expected.permute(2, 3, 1, 0)) < 1e-6
    assert torch.equal(found, gpu_kernels.by_weights(x, gradient, padding, size, runs))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_pooling_bias_and_activation(shape):
    runs, samples, side, _, channels, _, _, pool, slope = shape
    z, bias = numbers(runs * samples, side, side, channels).requires_grad_(), numbers(runs, channels).requires_grad_()
    h = gpu_kernels.activation(z, bias, pool, slope)
    exact, exact_bias = z.detach().double().requires_grad_(), bias.detach().double().requires_grad_()
    sums = exact.unflatten(0, (runs, -1)) + exact_bias[:, None, None, None]
    active = nn.functional.leaky_relu(sums.flatten(0, 1), slope).permute(0, 3, 1, 2)
    expected = nn.functional.max_pool2d(active, pool).permute(0, 2, 3, 1)
    torch.testing.assert_close(h.double(), expected, rtol=1e-6, atol=1e-6)
    given = numbers(*h.shape, seed=2)
    by_z, by_bias = torch.autograd.grad(h, (z, bias), given)
    exact_by_z, exact_by_bias = torch.autograd.grad(expected, (exact, exact_bias), given.double())
    torch.testing.assert_close(by_z.double(), exact_by_z, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(by_bias.double(), exact_by_bias, rtol=1e-5, atol=1e-5)


def test_infinities_are_cut_off_as_other_numbers_are():
    z = torch.tensor([-torch.inf, 1.0, torch.inf], device=DEVICE).view(1, 1, 1, 3).requires_grad_()
    h = gpu_kernels.activation(z, torch.zeros(1, 3, device=DEVICE), 1, 0.0)
    assert h.flatten().tolist() == [0.0, 1.0, torch.inf]
    (by_z,) = torch.autograd.grad(h, z, torch.full_like(h, torch.inf))
    assert by_z.flatten().tolist() == [0.0, torch.inf, torch.inf]


@pytest.mark.parametrize("pool", [1, 2])
def test_nan_stays_nan(pool):
    z = numbers(2, 4, 4, 3)
    z[1, 2, 1, 0] = torch.nan
    h = gpu_kernels.activation(z, torch.zeros(1, 3, device=DEVICE), pool, 0.0)
    assert torch.isnan(h).sum() == 1
    assert torch.isnan(h[1, 2 // pool, 1 // pool, 0])
