"""The digest of the package's own source: whatever changes in the files that it covers moves it, and nothing else."""

import pytest

from hw1bench import code


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """The digest of the files of a made-up package, read anew each time."""
    monkeypatch.setattr(code, "__file__", str(tmp_path / "code.py"))
    for name in ("one.py", "measures/two.py", "measures/three.py", "measures/kernel.cpp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    return code.digest.__wrapped__


COVERED = ("measures/*.py", "one.py")


@pytest.mark.parametrize("name", ["one.py", "measures/two.py", "measures/three.py"])
def test_a_changed_file_moves_it(digest, tmp_path, name):
    before = digest(COVERED)
    (tmp_path / name).write_text("changed")
    assert digest(COVERED) != before


def test_a_new_file_moves_it(digest, tmp_path):
    before = digest(COVERED)
    (tmp_path / "measures" / "four.py").write_text("new")
    assert digest(COVERED) != before


def test_files_that_it_does_not_cover_do_not(digest, tmp_path):
    before = digest(COVERED)
    (tmp_path / "measures" / "kernel.cpp").write_text("changed")
    assert digest(COVERED) == before
    assert digest(("measures/*",)) != before


def test_every_pattern_of_the_package_finds_files():
    from hw1bench.measures import stage
    from hw1bench.training import engine

    root = code.Path(code.__file__).parent
    assert all(list(root.glob(pattern)) for pattern in (*stage._SOURCES, *engine._SOURCES))
    assert len(code.digest(stage._SOURCES)) == 32
