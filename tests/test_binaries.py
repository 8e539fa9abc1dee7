"""A library of the kernels that is missing, stale, damaged or has other structures costs one line, and torch trains."""

import _ctypes
import ctypes
import os
import shutil
from pathlib import Path

import pytest

from cases import ARM
from hw1bench import data
from hw1bench.records.runs import Block
from hw1bench.training.kernels import binaries, fit_kernel, structures
from hw1bench.training.kernels.seal import sealed
from kernel_cases import built

NAMES = ["baseline", "avx2", "avx512"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the package's folder, with sources and libraries, that a test may damage."""
    for kind in ("*.cpp", "*.h", "_kernels*"):
        for path in binaries._FOLDER.glob(kind):
            shutil.copy(path, tmp_path)
    monkeypatch.setattr(binaries, "_FOLDER", tmp_path)
    binaries._libraries.cache_clear()
    yield tmp_path
    binaries._libraries.cache_clear()


def assert_missing(why):
    assert binaries.isa() is None
    assert binaries.instruction_sets() == ()
    assert why in binaries.reason()
    with pytest.raises(ValueError, match="no kernels: "):
        fit_kernel.train(Block("T", "x", ARM, 0), data.BUILT_IN.load(ARM.data), lambda steps: None)


def test_a_missing_library_is_reported(folder):
    for path in folder.glob("_kernels*"):
        path.unlink()
    assert_missing("they were not built: install a C++ compiler")


@built
@pytest.mark.parametrize("name", ["fit_kernel.cpp", "image_kernel.cpp", "library.cpp", "optimizers.h", "vectors.h"])
def test_a_stale_library_is_noticed(folder, name):
    with (folder / name).open("a") as source:
        source.write("// changed\n")
    assert_missing("was built from other sources than the *.cpp and *.h beside it: install hw1bench again")


@built
def test_a_new_source_is_noticed(folder):
    (folder / "more.h").write_text("// new\n")
    assert_missing("was built from other sources")


@built
def test_a_damaged_library_is_noticed(folder):
    for path in folder.glob("_kernels*"):
        path.write_bytes(b"no library")
    assert_missing("is damaged: install hw1bench again")


def cut(share):
    return lambda content: content[: int(share * len(content))]


def written_over(share):
    def damage(content):
        at = int(share * len(content))
        return content[:at] + b"garbage!" + content[at + 8 :]

    return damage


DAMAGE = {
    **{f"cut at {share}": cut(share) for share in (0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.9999)},
    **{f"written over at {share}": written_over(share) for share in (0, 0.2, 0.5, 0.8, 0.9999)},
    "without its end": lambda content: content[:-40],
    "with more": lambda content: content + b"more",
    "twice": lambda content: content + content,
}


@built
@pytest.mark.parametrize("name", DAMAGE)
def test_a_library_that_is_not_whole_is_noticed_before_it_is_loaded(folder, name):
    for path in folder.glob("_kernels*"):
        path.write_bytes(DAMAGE[name](path.read_bytes()))
    assert_missing("is damaged: install hw1bench again")
    assert "\n" not in binaries.reason()


@built
@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_something_else_than_a_file_is_noticed(folder, kind):
    for path in folder.glob("_kernels*"):
        path.unlink()
        path.mkdir() if kind == "folder" else os.mkfifo(path)
    assert_missing("does not load (it is")


@built
def test_a_library_that_is_not_the_kernel_is_noticed(folder):
    other = Path(_ctypes.__file__)  # some shared library
    for path in folder.glob("_kernels*"):
        path.write_bytes(sealed(other.read_bytes(), path.name))
    assert_missing("does not load")


def fields_of(structure):
    return [(name, kind) for name, kind, *_ in structure._fields_]


def shorter(fields):
    return fields[:-1]


def longer(fields):
    return [*fields, ("more", ctypes.c_int64)]


def exchanged(fields):
    return [*fields[1:], fields[0]]


def renamed(fields):
    return [("other", fields[0][1]), *fields[1:]]


@built
@pytest.mark.parametrize("structure", structures.MIRRORED, ids=lambda structure: structure.__name__)
@pytest.mark.parametrize("change", [shorter, longer, exchanged, renamed])
def test_a_library_with_other_structures_is_noticed(folder, monkeypatch, structure, change):
    other = type(structure.__name__, (ctypes.Structure,), {"_fields_": change(fields_of(structure))})
    mirrored = [other if one is structure else one for one in structures.MIRRORED]
    monkeypatch.setattr(structures, "MIRRORED", mirrored)
    assert_missing(f"has another {structure.__name__}")


@built
def test_a_field_of_another_type_and_the_same_size_is_noticed(folder, monkeypatch):
    fields = [(name, ctypes.c_int64 if name == "lr" else kind) for name, kind in fields_of(structures.FitProblem)]
    other = type("FitProblem", (ctypes.Structure,), {"_fields_": fields})
    monkeypatch.setattr(structures, "MIRRORED", [other, *structures.MIRRORED[1:]])
    assert_missing("has another FitProblem.lr than Python: install hw1bench again")


@built
def test_the_next_best_library_is_used_and_reported(folder):
    best = binaries.isa()
    binaries._libraries.cache_clear()
    if best == "baseline":
        pytest.skip("only one instruction set here")
    (folder / f"_kernels_{best}.so").unlink()
    assert binaries.isa() == NAMES[NAMES.index(best) - 1]
    assert (
        binaries.reason() == f"no kernels for {best}: they were not built: install a C++ compiler, then hw1bench again"
    )


@built
def test_a_library_in_the_place_of_another_is_noticed_before_it_is_loaded(folder):
    paths = sorted(folder.glob("_kernels*"))
    for path, content in zip(paths, [path.read_bytes() for path in paths[1:] + paths[:1]], strict=True):
        path.write_bytes(content)
    if len(paths) > 1:
        assert_missing("is damaged: install hw1bench again")


@built
def test_missing_sources_are_reported(folder):
    for path in [*folder.glob("*.cpp"), *folder.glob("*.h")]:
        path.unlink()
    assert_missing("are missing beside it: install hw1bench again")
