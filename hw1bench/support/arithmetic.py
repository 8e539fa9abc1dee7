"""How this machine computes: the processor, libraries and settings that decide the last bits of a result.

Which code a library runs depends on its version, on the processor, and on a dozen environment variables, such as
``ATEN_CPU_CAPABILITY``, ``MKL_ENABLE_INSTRUCTIONS``, ``MKL_CBWR`` or ``ONEDNN_MAX_CPU_ISA``. No list of them would be complete,
so small computations are run and their results hashed. Their inputs are the same everywhere: quotients of integers.
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from threading import Lock
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hw1bench.support.precision import Precision
from hw1bench.support.workers import pool

CONVOLUTIONS_ON_CUDA: dict[Precision, str] = {"default": "tf32", "strict": "ieee"}

_BACKENDS: Any = torch.backends
_SWITCHES: tuple[tuple[Any, str, Any], ...] = (
    # "none" would inherit the setting of the whole of torch.
    *((of, "fp32_precision", "ieee") for of in (_BACKENDS.mkldnn.matmul, _BACKENDS.mkldnn.conv, _BACKENDS.mkldnn.rnn)),
    *((of, "fp32_precision", "ieee") for of in (_BACKENDS.cuda.matmul, _BACKENDS.cudnn.rnn)),
    (_BACKENDS.mkldnn, "enabled", True),
    (_BACKENDS.mkldnn, "deterministic", False),
    (_BACKENDS.cudnn, "enabled", True),
    (_BACKENDS.cudnn, "benchmark", False),
    (_BACKENDS.cudnn, "deterministic", True),
)


@contextmanager
def fixed_settings(precision: Precision | None = None) -> Iterator[None]:
    """Context with torch's settings as training needs them, whatever they were before, so that a key names one result.

    Sets everything that decides digits or the placement of tensors, except the number of threads, and restores it at the end.
    ``precision`` is that of convolutions on CUDA; None, for what computes on the CPU, leaves it alone, because another thread may
    rely on it. Threads that start inside the context have the same settings. Several threads may be inside at once, in one
    precision: what belongs to the process is restored when the last one leaves.
    """
    with _of_process.inside(precision), ExitStack() as stack:
        _put(stack, False, _flushes(), torch.set_flush_denormal)
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield


def tf32() -> bool:
    """Whether convolutions on CUDA may use TF32 as torch is set."""
    return bool(_BACKENDS.cudnn.conv.fp32_precision != "ieee")


def _put(stack: ExitStack, value: Any, before: Any, setter: Callable[[Any], object]) -> None:
    """Set ``value`` where it was ``before``, until ``stack`` ends."""
    if value != before:
        stack.callback(setter, before)
        setter(value)


class _OfProcess:
    """The settings that all threads share."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stack = ExitStack()
        self._within = 0  # calls of ``inside`` that have not ended

    @contextmanager
    def inside(self, precision: Precision | None) -> Iterator[None]:
        with self._lock:
            self._set(precision)  # anew, because whoever is inside may have changed them
            self._within += 1
        try:
            yield
        finally:
            with self._lock:
                self._within -= 1
                if not self._within:
                    self._stack.close()

    def _set(self, precision: Precision | None) -> None:
        put = partial(_put, self._stack)
        put(torch.float32, torch.get_default_dtype(), torch.set_default_dtype)
        put(False, torch.are_deterministic_algorithms_enabled(), _set_deterministic())
        put("highest", _matmul_precision(), torch.set_float32_matmul_precision)
        switches = list(_SWITCHES)
        if precision is not None:
            switches.append((_BACKENDS.cudnn.conv, "fp32_precision", CONVOLUTIONS_ON_CUDA[precision]))
        for of, name, value in switches:
            put(value, getattr(of, name), partial(setattr, of, name))


_of_process = _OfProcess()


def _set_deterministic() -> Callable[[bool], object]:
    """Setter of whether algorithms must be deterministic; whether others raise an error or a warning stays as it is."""
    return partial(torch.use_deterministic_algorithms, warn_only=torch.is_deterministic_algorithms_warn_only_enabled())


def _matmul_precision() -> str:
    """The older switch of the precision in ``_SWITCHES``; if the two differ it cannot be read, and ``_SWITCHES`` count."""
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        return "highest"


def _flushes() -> bool:
    """Whether this thread flushes denormal numbers to 0."""
    return not bool(np.full(1, 1e-310) * 0.5)


def capability() -> str:
    """The instruction set that torch's own code is dispatched to, such as "AVX2"."""
    return torch.backends.cpu.get_cpu_capability()


def _digest(numbers: Iterator[bytes]) -> str:
    total = hashlib.sha256()
    for content in numbers:
        total.update(content)
    return total.hexdigest()[:16]


def _bytes(tensor: Tensor) -> bytes:
    content: bytes = tensor.detach().contiguous().numpy().tobytes()
    return content


@cache
def draws() -> str:
    """Digest of the draws of torch's generators and of the C library's functions: all that the kernels rely on."""
    with fixed_settings():
        return _digest(_draws())


def _draws() -> Iterator[bytes]:
    generator = torch.Generator().manual_seed(1)
    for _ in range(2):
        yield _bytes(torch.empty(67, 5).uniform_(-1, 1, generator=generator))
        yield _bytes(torch.empty(67, dtype=torch.int64).random_(-(2**63), None, generator=generator))
        yield _bytes(torch.randperm(67, generator=generator))
        yield _bytes(torch.randint(10, (67,), generator=generator))
        yield _bytes(torch.empty(67, dtype=torch.float64).normal_(generator=generator))
    yield "".join(f"{math.exp(-i / 7).hex()} {math.log(1 + i / 7).hex()} " for i in range(100)).encode()


@cache
def products() -> str:
    """Digest of torch's results on one CPU thread: products, convolutions, functions, sums, decompositions."""
    with fixed_settings(), pool(1) as executor:
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
