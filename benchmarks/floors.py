"""Rates that no training can beat, measured in the run that they are a floor for: on one processor, in float32."""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch

from benchmarks.timing import seconds

SOURCE = Path(__file__).with_name("peak.c")
_ROUNDS = 4_000_000  # of a dozen vectors: about a hundredth of a second
_SIDE = 1024


def matrix_rate() -> float:
    """Return the operations per second of torch's product of large matrices."""
    left, right = torch.rand(2, _SIDE, _SIDE)
    return 2 * _SIDE**3 / min(seconds(lambda: left @ right) for _ in range(5))


def arithmetic_rate() -> float:
    """Return the operations per second of fused multiply-adds in registers, two operations each. Raises OSError without a
    ``compiler``."""
    call = _multiply_adds()
    total, found = ctypes.c_float(), 0

    def once() -> None:
        nonlocal found
        found = call(_ROUNDS, 0.999, 0.001, ctypes.byref(total))

    least = min(seconds(once) for _ in range(5))
    return 2 * _ROUNDS * found / least


def compiler() -> str | None:
    """Return the path of a C compiler; None if there is none."""
    return shutil.which("gcc") or shutil.which("clang") or shutil.which("cc")


@cache
def _multiply_adds() -> Callable[..., int]:
    found = compiler()
    if found is None:
        raise OSError("there is no C compiler: install gcc or clang")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "peak.so")
        options = ["-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
        subprocess.run([found, *options, str(SOURCE), "-o", str(library)], check=True)
        function = ctypes.CDLL(str(library)).multiply_adds
    function.restype = ctypes.c_int64
    function.argtypes = [ctypes.c_int64, ctypes.c_float, ctypes.c_float, ctypes.POINTER(ctypes.c_float)]
    return function
