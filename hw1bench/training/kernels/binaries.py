"""The compiled libraries of the kernels: which exist, whether each can be used, and how it was compiled.

The C++ sources beside this file are compiled into one shared library per instruction set (see setup.py). The libraries are
called through ctypes, which releases Python's lock. If there are none, ``reason`` says why.
"""

import ctypes
import hashlib
import sys
from functools import cache
from pathlib import Path

from hw1bench.support.files import open_regular
from hw1bench.training.kernels.seal import is_whole
from hw1bench.training.kernels.structures import mismatch

_FOLDER = Path(__file__).parent
_NAMES = ("baseline", "avx2", "avx512")  # instruction sets, each a superset of the one before
_AGAIN = "install hw1bench again"


class _Unusable(Exception):
    """Raised for a library that is missing or cannot be used; the text says why."""


def _load(name: str) -> ctypes.CDLL:
    """Load the library for instruction set ``name``. Raises _Unusable if it is missing, damaged, stale or does not load."""
    path = _FOLDER / f"_kernels_{name}.so"
    if not path.exists():
        raise _Unusable("they were not built: install a C++ compiler, then hw1bench again")
    sources = [source for kind in ("*.cpp", "*.h") for source in sorted(_FOLDER.glob(kind))]
    if not sources:
        raise _Unusable(f"the sources of {path.name}, *.cpp and *.h, are missing beside it: {_AGAIN}")
    try:
        with open_regular(path) as file:
            # Checked before loading: a truncated or altered library may kill this process.
            if sys.platform != "darwin" and not is_whole(file.read(), path.name):
                raise _Unusable(f"{path.name} is damaged: {_AGAIN}")
        loaded = ctypes.CDLL(str(path))
        loaded.source_digest.restype = loaded.build.restype = ctypes.c_char_p
        if loaded.source_digest().decode() != hashlib.sha256(b"".join(map(Path.read_bytes, sources))).hexdigest():
            raise _Unusable(f"{path.name} was built from other sources than the *.cpp and *.h beside it: {_AGAIN}")
        if differs := mismatch(loaded):
            raise _Unusable(f"{path.name} has another {differs} than Python: {_AGAIN}")
        for function in (loaded.fit_train_float32, loaded.fit_train_float64):
            function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
        loaded.fit_lanes.argtypes = (ctypes.c_int,)
    except (OSError, AttributeError) as error:
        raise _Unusable(f"{path.name} does not load ({getattr(error, 'strerror', None) or error}): {_AGAIN}") from error
    return loaded


@cache
def _libraries() -> tuple[dict[str, ctypes.CDLL], str]:
    """Return the libraries that this processor can run, best last, and why one of them is missing, or ""."""
    try:
        baseline = _load(_NAMES[0])  # it also detects the processor's instruction sets
    except _Unusable as unusable:
        return {}, f"no kernels: {unusable}"
    libraries, why = {_NAMES[0]: baseline}, ""
    for name in _NAMES[1 : baseline.instruction_sets()]:
        try:
            libraries[name] = _load(name)
        except _Unusable as unusable:
            why = f"no kernels for {name}: {unusable}"
    return libraries, why


def instruction_sets() -> tuple[str, ...]:
    """Return the instruction sets that are built and that this processor has, best last; empty if there are no kernels."""
    return tuple(_libraries()[0])


def library(name: str | None = None) -> ctypes.CDLL:
    """Return the library for instruction set ``name`` (default: the best). Raises ValueError if there is none."""
    name = name or isa() or ""
    if name not in instruction_sets():
        raise ValueError(reason() or f"no kernels for {name!r} here, only for {', '.join(instruction_sets())}")
    return _libraries()[0][name]


def build() -> str:
    """Return the compiler of the library in use and a digest of its options; "" if there are no kernels."""
    found = _libraries()[0].get(isa() or "")
    return "" if found is None else found.build().decode()


def sources() -> str:
    """Return the digest of the sources of the kernels in use, eight digits of it; "" if there are none."""
    found = _libraries()[0].get(isa() or "")
    return "" if found is None else found.source_digest().decode()[:8]


def isa() -> str | None:
    """Return the instruction set in use; None if there are no kernels."""
    return (instruction_sets() or (None,))[-1]


def reason() -> str:
    """Return in one line why there are no kernels, or not the best that this processor could run; else ""."""
    return _libraries()[1]
