"""The native kernels: two sources, one optional shared library for each instruction set. All metadata: pyproject.toml.

The libraries are loaded by ctypes, not imported; without a C++ compiler (GCC or Clang) there are none, and hw1bench
trains with torch alone.
"""

import hashlib
import os
import platform
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCES = ["hw1bench/training/kernel.cpp", "hw1bench/training/convolutional_kernel.cpp"]
HEADERS = ["hw1bench/training/kernel_vectors.h"]

# No -ffast-math: it links code that turns denormal numbers off for the whole process, and it hides NaN.
FLAGS = [
    "-std=c++17",
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fassociative-math",
    "-fno-signed-zeros",
    "-freciprocal-math",
]

INSTRUCTION_SETS: dict[str, list[str]] = {"baseline": []}
if platform.machine().lower() in ("x86_64", "amd64"):
    INSTRUCTION_SETS["avx2"] = ["-mavx2", "-mfma"]
    INSTRUCTION_SETS["avx512"] = [
        "-mavx512f",
        "-mavx512dq",
        "-mavx512vl",
        "-mavx512bw",
        "-mfma",
        "-mprefer-vector-width=512",
    ]


class BuildKernels(build_ext):
    """Compiles each extension in a folder of its own: they share the sources, so the objects' names."""

    def build_extension(self, ext: Extension) -> None:
        folder = self.build_temp
        self.build_temp = os.path.join(folder, ext.name)
        try:
            super().build_extension(ext)
        finally:
            self.build_temp = folder


def kernel(name: str, flags: list[str]) -> Extension:
    folder = Path(__file__).parent
    digest = hashlib.sha256(b"".join((folder / source).read_bytes() for source in SOURCES + HEADERS)).hexdigest()
    return Extension(
        f"hw1bench.training._kernel_{name}",
        SOURCES,
        language="c++",
        define_macros=[("SOURCE_DIGEST", f'"{digest}"')],
        extra_compile_args=[*FLAGS, *flags],
        depends=["setup.py", *HEADERS],
        optional=True,
    )


setup(
    ext_modules=[kernel(name, flags) for name, flags in INSTRUCTION_SETS.items()],
    cmdclass={"build_ext": BuildKernels},
)
