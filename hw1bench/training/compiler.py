"""One compiled graph for a numerical function, where a C++ compiler works; the plain function elsewhere."""

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


@cache
def compiler_works() -> bool:
    """Whether ``$CXX`` (default g++), the compiler that torch.compile calls, builds an extension here."""
    include = sysconfig.get_paths()["include"]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.cpp"
        source.write_text(_PROBE)
        command = [os.environ.get("CXX", "g++"), "-shared", "-fPIC", "-fopenmp", f"-I{include}", str(source)]
        try:
            return subprocess.run([*command, "-o", f"{folder}/probe.so"], capture_output=True).returncode == 0
        except OSError:
            return False


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
