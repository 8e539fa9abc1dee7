"""How this machine computes: what of processor, libraries and settings decides the last bits of a result.

Which code a library runs depends on the processor, on its version, and on a dozen variables of the environment, such as
``ATEN_CPU_CAPABILITY``, ``MKL_ENABLE_INSTRUCTIONS``, ``MKL_CBWR`` or ``ONEDNN_MAX_CPU_ISA``. No list of them would be whole;
so small computations are done, and their digits digested. Numbers that go in are the same everywhere: quotients of integers.
"""

import hashlib
import math
from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor, nn

from hw1bench.threads import pool


def capability() -> str:
    """The instruction set that torch's own code is dispatched to, such as "AVX2"."""
    return torch.backends.cpu.get_cpu_capability()


def _digest(numbers: Iterator[bytes]) -> str:
    total = hashlib.sha256()
    for each in numbers:
        total.update(each)
    return total.hexdigest()[:16]


def _bytes(tensor: Tensor) -> bytes:
    content: bytes = tensor.detach().contiguous().numpy().tobytes()
    return content


@cache
def draws() -> str:
    """A digest of what torch's generators draw, and of the C library's functions: what the native kernels take from others."""

    def drawn() -> Iterator[bytes]:
        generator = torch.Generator().manual_seed(1)
        for _ in range(2):
            yield _bytes(torch.empty(67, 5).uniform_(-1, 1, generator=generator))
            yield _bytes(torch.empty(67, dtype=torch.uint8).bernoulli_(0.3, generator=generator))
            yield _bytes(torch.randperm(67, generator=generator))
            yield _bytes(torch.randint(10, (67,), generator=generator))
            yield _bytes(torch.empty(67, dtype=torch.float64).normal_(generator=generator))
        yield "".join(f"{math.exp(-i / 7).hex()} {math.log(1 + i / 7).hex()} " for i in range(100)).encode()

    return _digest(drawn())


@cache
def products() -> str:
    """A digest of what torch computes on the CPU, on one thread: products, convolutions, functions, sums, decompositions."""
    with pool(1) as executor:
        return executor.submit(lambda: _digest(_products())).result()


def _numbers(*shape: int, dtype: torch.dtype) -> Tensor:
    return ((torch.arange(math.prod(shape)) * 7919 % 1009).to(dtype) / 1009 - 0.5).view(shape)


def _products() -> Iterator[bytes]:
    for dtype in (torch.float32, torch.float64):
        for rows, inner, columns in ((5, 3, 40), (20, 64, 300), (200, 400, 200)):
            left, right = _numbers(rows, inner, dtype=dtype), _numbers(inner, columns, dtype=dtype)
            yield _bytes(left @ right)
            yield _bytes(torch.baddbmm(left[:1, :1, None], left.expand(2, -1, -1), right.expand(2, -1, -1)))
        images, weights = _numbers(6, 3, 9, 9, dtype=dtype), _numbers(8, 3, 3, 3, dtype=dtype).requires_grad_()
        maps = nn.functional.conv2d(images, weights, padding=1)
        yield _bytes(maps)
        yield from map(_bytes, torch.autograd.grad(maps.square().sum(), weights))
        values = 6 * _numbers(37, 11, dtype=dtype)
        for function in (torch.tanh, torch.exp, torch.sum, torch.mean, torch.linalg.norm):
            yield _bytes(function(values))
        yield _bytes(torch.log_softmax(values, dim=1))
        yield _bytes(torch.addcdiv(values, values, values.abs().sqrt() + 1, value=0.1))
        yield _bytes(torch.linalg.eigvalsh(values.T @ values))
        yield _bytes(torch.linalg.qr(values).R)
