"""Compilation of a numerical function into one graph, which needs a working C++ compiler."""

import ctypes
import os
import subprocess
import sysconfig
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

# Torch's compiled graphs need C++, OpenMP and Python's headers.
_PROBE = "#include <Python.h>\n#include <omp.h>\n#include <vector>\nint probe() { return omp_get_max_threads(); }\n"


def _compiler() -> str:
    return os.environ.get("CXX", "g++")


@cache
def why_not() -> str:
    """Return why torch cannot compile here, in a few words; "" if it can.

    It can if ``$CXX`` (default g++), the compiler that ``torch.compile`` calls, builds an extension that can be loaded from
    torch's folder, which is temporary: some machines do not allow code to be loaded from there.
    """
    include = sysconfig.get_paths()["include"]
    place = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    try:
        if place:
            os.makedirs(place, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place) as folder:
            source, built = Path(folder) / "probe.cpp", Path(folder) / "probe.so"
            source.write_text(_PROBE)
            command = [_compiler(), "-shared", "-fPIC", "-fopenmp", f"-I{include}", str(source), "-o", str(built)]
            try:
                failed = subprocess.run(command, capture_output=True).returncode
            except OSError:
                failed = 1
            if failed:
                return "there is no C++ compiler"
            ctypes.CDLL(str(built))
    except OSError as error:
        return f"compiled code cannot be loaded from {place or 'the temporary folder'} ({_reason(error)})"
    return ""


def _reason(error: OSError) -> str:
    """Return the reason alone: the loader's errors have no ``strerror``, and their messages begin with the path."""
    return error.strerror or str(error).rpartition(": ")[2]


def compiler_works() -> bool:
    """Whether torch can compile here."""
    return not why_not()


@cache
def compiler_version() -> str:
    """Return the compiler's account of its version; "" if there is no compiler."""
    try:
        return subprocess.run([_compiler(), "--version"], capture_output=True, text=True).stdout
    except OSError:
        return ""


def compiled(function: Callable[..., Any], *example: Tensor) -> Callable[..., Any]:
    """Compile ``function``, of tensors, into one graph for inputs of the shapes and types of ``example``.

    The function is traced first, including its gradients, so that each graph has its own code object: functions that share a
    code object also share torch's limit of recompilations, and run as plain Python beyond it.
    """
    graph = make_fx(function)(*example)
    # One compile thread: with more, torch starts a pool of processes, which outlives an interrupted session.
    fast = torch.compile(graph, fullgraph=True, dynamic=False, options={"compile_threads": 1})
    with warnings.catch_warnings():
        # The first call compiles, and torch's compiler warns about torch's own deprecated functions.
        warnings.simplefilter("ignore", DeprecationWarning)
        fast(*example)
    return fast
