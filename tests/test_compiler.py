"""Whether torch can compile here is tested by compiling, and by loading the result from torch's folder."""

import os

import pytest

from hw1bench.training import compiler

why_not = compiler.why_not.__wrapped__
works = pytest.mark.skipif(bool(compiler.why_not()), reason="no C++ compiler")


@pytest.fixture(autouse=True)
def place(monkeypatch):
    """Unset torch's folder, which torch itself sets once it has compiled."""
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)


@pytest.mark.parametrize("name", ["false", "/no/such/compiler", ""])
def test_a_compiler_that_does_not_work_counts_as_none(name, monkeypatch):
    monkeypatch.setenv("CXX", name)
    assert why_not() == "there is no C++ compiler"


@works
def test_code_that_cannot_be_loaded_from_torchs_folder_is_a_reason(monkeypatch):
    def refuse(path):
        raise OSError(f"{path}: failed to map segment from shared object: Operation not permitted")

    monkeypatch.setattr(compiler.ctypes, "CDLL", refuse)
    assert why_not() == "compiled code cannot be loaded from the temporary folder (Operation not permitted)"


def test_a_folder_that_cannot_be_made_is_a_reason(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "file"))
    assert why_not() == f"compiled code cannot be loaded from {tmp_path / 'file'} (File exists)"


def test_without_a_temporary_folder_nothing_is_compiled(monkeypatch):
    def nowhere(*arguments, **named):
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(compiler.tempfile, "TemporaryDirectory", nowhere)
    assert "cannot be loaded from the temporary folder" in why_not()


@works
def test_the_test_compiles_in_torchs_folder_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    assert why_not() == ""
    assert os.listdir(tmp_path / "cache") == []
