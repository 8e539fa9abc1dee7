"""One compiled graph for a numerical function, where a C++ compiler works; the plain function elsewhere."""

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

# What the compiled graph's binding to Python needs: the language, OpenMP and Python's headers.
_PROBE = "#include <Python.h>\n#include <omp.h>\n#include <vector>\nint probe() { return omp_get_max_threads(); }\n"


def _compiler() -> str:
    return os.environ.get("CXX", "g++")


@cache
def why_not() -> str:
    """Why torch cannot compile here, in a few words; '' where it can.

    It can where ``$CXX`` (default g++), the compiler that torch.compile calls, builds an extension, and what it builds can
    be loaded from where torch puts it, a folder of temporary files: some machines allow no programs there.
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
        return f"compiled code cannot be loaded from {place or 'the folder of temporary files'} ({_reason(error)})"
    return ""


def _reason(error: OSError) -> str:
    """The loader gives no ``strerror``, and its message leads with the path."""
    return error.strerror or str(error).rpartition(": ")[2]


def compiler_works() -> bool:
    """Whether torch can compile here."""
    return not why_not()


@cache
def compiler_version() -> str:
    """What the compiler calls itself; '' where there is none."""
    try:
        return subprocess.run([_compiler(), "--version"], capture_output=True, text=True).stdout
    except OSError:
        return ""


def compiled(function: Callable[..., Any], *example: Tensor) -> Callable[..., Any]:
    """``function`` of tensors as one compiled graph for inputs of the shapes and types of ``example``.

    It is traced first, gradients included, so that each graph has code of its own: functions that share a code object
    also share torch's limit of recompilations, and fall back to plain Python past it.
    """
    graph = make_fx(function)(*example)
    # One compile thread: with more, a pool of processes is started that outlives an interrupted session.
    fast = torch.compile(graph, fullgraph=True, dynamic=False, options={"compile_threads": 1})
    with warnings.catch_warnings():
        # Compilation happens in the first call, and torch's compiler warns of torch's own deprecated functions.
        warnings.simplefilter("ignore", DeprecationWarning)
        fast(*example)
    return fast
