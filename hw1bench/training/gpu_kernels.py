"""What libraries do slowly in the convolutions of stacked runs, as kernels of Triton: one launch for all runs of a block.

The gradient by the weights is a sum over all places of all samples. In those algorithms of cuDNN that give the same bits each
time it is one long chain, which took half of the time of small nets. Here the sum is divided into parts, which are added in a
fixed order. Its products have the precision of float32 (three products in TF32), because Triton cuts numbers off for one in TF32,
which makes results 0.07 % too small.

Pooling, bias and activation are one kernel forward and one backward.

Maps are (runs * samples, height, width, channels), contiguous; weights (runs, size, size, channels, outputs).
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

_PROGRAMS = 1024
"""Programs that fill a GPU: into so many, at least, the sums over places are divided."""
_PLACES = 64  # at once, in a sum over places
_WIDE = 64  # channels, or numbers of a patch, at once


@triton.jit
def _places(place, height, width):
    """Sample, row and column of places, which are numbered sample by sample, row by row."""
    sample = place // (height * width)
    rest = place % (height * width)
    return sample, rest // width, rest % width


@triton.jit
def _patches(x, sample, row, column, number, height, width, channels, depth, padding, inside, SIZE: tl.constexpr):
    """The numbers of the patches of ``x`` around places: ``number`` counts a patch's rows, columns and channels. Arguments of
    places and of numbers are blocks that broadcast; 0 outside of the maps, of the patch, and not ``inside``."""
    part, channel = number // channels, number % channels
    row = row + part // SIZE - padding
    column = column + part % SIZE - padding
    inside = inside & (number < depth) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return tl.load(x + ((sample * height + row) * width + column) * channels + channel, mask=inside, other=0.0)


@triton.jit(do_not_specialize=["samples", "height", "width", "channels", "outputs", "padding", "each"])
def _by_weights(
    x, gradient, parts, samples, height, width, channels, outputs, padding, each,
    SIZE: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
):  # fmt: skip
    run, part = tl.program_id(2), tl.program_id(1)
    to_height, to_width = height + 2 * padding - SIZE + 1, width + 2 * padding - SIZE + 1
    places, depth = samples * to_height * to_width, SIZE * SIZE * channels
    across = tl.cdiv(outputs, BN)
    number = tl.program_id(0) // across * BK + tl.arange(0, BK)
    output = tl.program_id(0) % across * BN + tl.arange(0, BN)
    total = tl.zeros((BK, BN), tl.float32)
    for start in range(part * each, tl.minimum(part * each + each, places), BM):
        place = start + tl.arange(0, BM)
        sample, row, column = _places(place, to_height, to_width)
        sample += run * samples
        patch = _patches(
            x, sample[None, :], row[None, :], column[None, :], number[:, None], height, width, channels, depth, padding,
            place[None, :] < places, SIZE,
        )  # fmt: skip
        given = tl.load(
            gradient + (run * places + place[:, None]) * outputs + output[None, :],
            mask=(place[:, None] < places) & (output[None, :] < outputs),
            other=0.0,
        )
        total = tl.dot(patch, given, total, input_precision="tf32x3")
    target = parts + ((part * tl.num_programs(2) + run) * depth + number[:, None]) * outputs + output[None, :]
    tl.store(target, total, mask=(number[:, None] < depth) & (output[None, :] < outputs))


@triton.jit
def _windows(samples, height, width, channels, POOL: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    """The pooling windows of a program: sample, row and column of each, its channels, which of both there are, and where the
    numbers lie that they give."""
    to_height, to_width = height // POOL, width // POOL
    place = tl.program_id(0) * BM + tl.arange(0, BM)
    channel = tl.program_id(1) * BN + tl.arange(0, BN)
    sample, row, column = _places(place, to_height, to_width)
    first = tl.program_id(2) * samples
    inside = (place[:, None] < samples * to_height * to_width) & (channel[None, :] < channels)
    target = (first * to_height * to_width + place)[:, None] * channels + channel[None, :]
    return sample + first, row, column, channel, inside, target


@triton.jit(do_not_specialize=["samples", "height", "width", "channels"])
def _activate(
    z, bias, h, which, samples, height, width, channels,
    POOL: tl.constexpr, SLOPE: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    run = tl.program_id(2)
    sample, row, column, channel, inside, target = _windows(samples, height, width, channels, POOL, BM, BN)
    best = tl.full((BM, BN), float("-inf"), tl.float32)
    found = tl.zeros((BM, BN), tl.int32)
    for window in tl.static_range(POOL * POOL):
        here = (sample * height + row * POOL + window // POOL) * width + column * POOL + window % POOL
        value = tl.load(z + here[:, None] * channels + channel[None, :], mask=inside, other=0.0)
        better = (value > best) | (value != value)
        best = tl.where(better, value, best)
        found = tl.where(better, window, found)
    best += tl.load(bias + run * channels + channel, mask=channel < channels, other=0.0)[None, :]
    low = best * SLOPE if SLOPE != 0 else 0.0  # of an infinity too
    tl.store(h + target, tl.where(best < 0, low, best), mask=inside)
    if POOL > 1:
        tl.store(which + target, found.to(tl.int8), mask=inside)


@triton.jit(do_not_specialize=["samples", "height", "width", "channels"])
def _activated_backward(
    given, h, which, to_z, parts, samples, height, width, channels,
    POOL: tl.constexpr, SLOPE: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr,
):  # fmt: skip
    run = tl.program_id(2)
    sample, row, column, channel, inside, target = _windows(samples, height, width, channels, POOL, BM, BN)
    gradient = tl.load(given + target, mask=inside, other=0.0)
    low = gradient * SLOPE if SLOPE != 0 else 0.0
    gradient = tl.where(tl.load(h + target, mask=inside, other=0.0) <= 0, low, gradient)
    if POOL > 1:
        found = tl.load(which + target, mask=inside, other=0).to(tl.int32)
    for window in tl.static_range(POOL * POOL):
        here = (sample * height + row * POOL + window // POOL) * width + column * POOL + window % POOL
        value = gradient
        if POOL > 1:
            value = tl.where(found == window, gradient, 0.0)
        tl.store(to_z + here[:, None] * channels + channel[None, :], value, mask=inside)
    target = (tl.program_id(0) * tl.num_programs(2) + run) * channels + channel
    tl.store(parts + target, tl.sum(gradient, axis=0), mask=channel < channels)


def _power(number: int) -> int:
    """The least power of 2 of at least ``number``, from 16, which products need, to the most at once."""
    return min(max(16, triton.next_power_of_2(number)), _WIDE)


def by_weights(x: Tensor, gradient: Tensor, padding: int, size: int, runs: int) -> Tensor:
    """Return the gradient by the weights of convolutions, (runs, size, size, channels, outputs), float32.

    They convolved ``x (runs * samples, height, width, channels)``; the gradient by what came out is ``gradient (runs * samples,
    height, width, outputs)``. The parts of the sum are as many for one problem on every GPU, so its order is the same."""
    x, gradient = x.contiguous(), gradient.contiguous()
    (_, height, width, channels), outputs = x.shape, gradient.shape[3]
    samples = len(x) // runs
    places, depth = gradient[:samples, ..., 0].numel(), size * size * channels
    bn, bk = _power(outputs), _power(depth)
    tiles = triton.cdiv(depth, bk) * triton.cdiv(outputs, bn)
    parts = min(triton.cdiv(_PROGRAMS, tiles * runs), triton.cdiv(places, _PLACES))
    each = triton.cdiv(triton.cdiv(places, parts), _PLACES) * _PLACES
    parts = triton.cdiv(places, each)
    sums = x.new_empty(parts, runs, size, size, channels, outputs)
    _by_weights[(tiles, parts, runs)](
        x, gradient, sums, samples, height, width, channels, outputs, padding, each, size, _PLACES, bn, bk
    )
    return sums.sum(0)


def _window_blocks(h: Tensor, runs: int) -> tuple[tuple[int, int, int], int, int]:
    """Return the grid of programs for the windows that give ``h (runs * samples, height, width, channels)``, and how many windows
    and channels each program has."""
    channels = h.shape[3]
    bn = _power(channels)
    bm = 2048 // bn
    return (triton.cdiv(h[: len(h) // runs, ..., 0].numel(), bm), triton.cdiv(channels, bn), runs), bm, bn


class _Activation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, bias: Tensor, pool: int, slope: float) -> Tensor:
        runs, channels = bias.shape
        samples, height, width = len(z) // runs, *z.shape[1:3]
        h = z.new_empty(len(z), height // pool, width // pool, channels)
        which = torch.empty(h.shape if pool > 1 else 0, dtype=torch.int8, device=z.device)
        grid, bm, bn = _window_blocks(h, runs)
        _activate[grid](z, bias, h, which, samples, height, width, channels, pool, slope, bm, bn)
        ctx.save_for_backward(h, which)
        ctx.shape, ctx.runs, ctx.pool, ctx.slope = z.shape, runs, pool, slope
        return h

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        h, which = ctx.saved_tensors
        given = gradients[0].contiguous()
        (_, height, width, channels), runs, pool = ctx.shape, ctx.runs, ctx.pool
        whole = height % pool == 0 and width % pool == 0
        to_z = (h.new_empty if whole else h.new_zeros)(ctx.shape)  # what pooling drops has no gradient
        grid, bm, bn = _window_blocks(h, runs)
        parts = h.new_empty(grid[0], runs, channels)
        _activated_backward[grid](
            given, h, which, to_z, parts, len(h) // runs, height, width, channels, pool, ctx.slope, bm, bn
        )
        return to_z, parts.sum(0), None, None


def activation(z: Tensor, bias: Tensor, pool: int, slope: float) -> Tensor:
    """Return the largest numbers of ``z (runs * samples, height, width, channels)`` in windows of ``pool`` x ``pool``, plus
    ``bias (runs, channels)``, times ``slope`` where that is negative; float32. The remainder of windows is dropped.

    The largest is found first, because adding a bias and activations keep the order: what follows has fewer numbers."""
    found: Tensor = _Activation.apply(z.contiguous(), bias, pool, slope)
    return found
