"""Whether torch can compile here is found out by compiling, and by loading what was compiled from where torch puts it."""

import os

import pytest

from hw1bench.training import compiler

why_not = compiler.why_not.__wrapped__
works = pytest.mark.skipif(bool(compiler.why_not()), reason="no C++ compiler")


@pytest.fixture(autouse=True)
def place(monkeypatch):
    """Torch itself sets it once it has compiled."""
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)


@pytest.mark.parametrize("name", ["false", "/no/such/compiler", ""])
def test_without_a_compiler_that_works_there_is_none(name, monkeypatch):
    monkeypatch.setenv("CXX", name)
    assert why_not() == "there is no C++ compiler"


@works
def test_code_that_cannot_be_loaded_from_where_it_is_put_is_no_use(monkeypatch):
    def refuse(path):
        raise OSError(f"{path}: failed to map segment from shared object: Operation not permitted")

    monkeypatch.setattr(compiler.ctypes, "CDLL", refuse)
    assert why_not() == "compiled code cannot be loaded from the folder of temporary files (Operation not permitted)"


def test_a_folder_that_cannot_be_made_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "file"))
    assert why_not() == f"compiled code cannot be loaded from {tmp_path / 'file'} (File exists)"


def test_without_a_folder_of_temporary_files_nothing_is_compiled(monkeypatch):
    def nowhere(*arguments, **named):
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(compiler.tempfile, "TemporaryDirectory", nowhere)
    assert "cannot be loaded from the folder of temporary files" in why_not()


@works
def test_it_is_tried_where_torch_compiles_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    assert why_not() == ""
    assert os.listdir(tmp_path / "cache") == []
