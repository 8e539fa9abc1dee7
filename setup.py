"""Build of the kernels: one optional shared library per instruction set, from the C++ sources. Metadata is in pyproject.toml.

The libraries are loaded by ctypes, not imported, so a wheel is for one platform and any Python. Without a C++ compiler (GCC or
Clang) none is built, and hw1bench trains with torch alone.
"""

import hashlib
import os
import platform
import runpy
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).parent
FOLDER = HERE / "hw1bench" / "training" / "kernels"
SOURCES, HEADERS = (
    [path.relative_to(HERE).as_posix() for path in sorted(FOLDER.glob(f"*.{suffix}"))] for suffix in ("cpp", "h")
)
seal = runpy.run_path(str(FOLDER / "seal.py"))  # not imported, because the package needs torch

# Not -ffast-math: it links code that disables denormal numbers in the whole process, and it assumes that there is no NaN.
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
    """Command that compiles each extension in a folder of its own, because they share names of objects, and seals it."""

    def get_ext_filename(self, fullname: str) -> str:
        """Return the library's file without the tag of a version of Python, which an extension module would have."""
        return f"{os.path.join(*fullname.split('.'))}.so"

    def build_extension(self, ext: Extension) -> None:
        library = Path(self.get_ext_fullpath(ext.name))
        if library.exists() and not whole(library):
            library.unlink()  # otherwise setuptools takes it for up to date
        # Other compiler options give other digits, so the library contains a digest of the options.
        command = [*getattr(self.compiler, "compiler_so_cxx", self.compiler.compiler_so), *ext.extra_compile_args]
        options = hashlib.sha256(" ".join(command).encode()).hexdigest()[:16]
        ext.define_macros.append(("BUILD_OPTIONS", f'"{options}"'))
        folder = self.build_temp
        self.build_temp = os.path.join(folder, ext.name)
        try:
            super().build_extension(ext)
        finally:
            self.build_temp = folder
        if not whole(library):
            library.write_bytes(seal["sealed"](library.read_bytes(), library.name))


class AnyPython(bdist_wheel):
    """Command that makes the wheel, for any Python 3 on this platform."""

    def get_tag(self) -> tuple[str, str, str]:
        return "py3", "none", super().get_tag()[2]


def whole(library: Path) -> bool:
    """Whether ``library`` is sealed. On macOS none is, because a signed library must end with its signature."""
    return sys.platform == "darwin" or seal["is_whole"](library.read_bytes(), library.name)


def library(name: str, flags: list[str]) -> Extension:
    digest = hashlib.sha256(b"".join((HERE / source).read_bytes() for source in SOURCES + HEADERS)).hexdigest()
    return Extension(
        f"hw1bench.training.kernels._kernels_{name}",
        SOURCES,
        language="c++",
        define_macros=[("SOURCE_DIGEST", f'"{digest}"')],
        extra_compile_args=[*FLAGS, *flags],
        depends=["setup.py", *HEADERS],
        optional=True,
    )


setup(
    ext_modules=[library(name, flags) for name, flags in INSTRUCTION_SETS.items()],
    cmdclass={"build_ext": BuildKernels, "bdist_wheel": AnyPython},
)
