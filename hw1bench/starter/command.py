"""Writing a repository of claims: a first claim that is judged in seconds, what git ignores, and the workflow that judges all
claims on GitHub."""

import os
from importlib.metadata import entry_points
from pathlib import Path

import hw1bench
from hw1bench.support.files import write_whole

_FOLDER = Path(__file__).parent
WORKFLOW = ".github/workflows/claims.yml"
_CONFTEST = 'pytest_plugins = ["pytest_hw1bench"]\n'


def workflow(install: str, arguments: str) -> str:
    """The text of a workflow that installs ``install`` by pip, and judges the claims with ``arguments`` for pytest."""
    text = (_FOLDER / "workflow.yml.txt").read_text(encoding="utf-8")
    return text.replace("$INSTALL$", install).replace("$ARGUMENTS$", arguments)


def files() -> dict[str, str]:
    """The files of a new repository: path -> text. Without a ``conftest.py`` if pytest finds the plugin by itself, as it does
    once hw1bench is installed."""
    found = {
        "claims/test_mine.py": (_FOLDER / "claim.py.txt").read_text(encoding="utf-8"),
        ".gitignore": (_FOLDER / "gitignore.txt").read_text(encoding="utf-8"),
        WORKFLOW: workflow(f"hw1bench=={hw1bench.__version__}", ""),
    }
    if not entry_points(group="pytest11", name="pytest_hw1bench"):
        found["conftest.py"] = _CONFTEST
    return found


def _nearest(place: Path) -> Path:
    """``place`` if it is there, or the nearest of the folders above it that is."""
    return next(one for one in (place, *place.absolute().parents) if one.exists() or one.is_symlink())


def write(folder: Path) -> list[Path]:
    """Write a new repository into ``folder``, which is made if there is none, and return the files.

    Raises ValueError, and writes nothing, if one of the files is there already, or cannot be written because a file stands where
    a folder is needed or a folder takes no new files; OSError if the disk refuses otherwise.
    """
    found = {folder / name: text for name, text in files().items()}
    there = next((path for path in found if path.exists() or path.is_symlink()), None)
    if there is not None:
        raise ValueError(f"{there} is there already, and is not overwritten: move it away, or name another folder")
    for place in dict.fromkeys(_nearest(path.parent) for path in found):
        if not place.is_dir():
            raise ValueError(f"{place} is not a folder, and one is needed there: move it away, or name another folder")
        if not os.access(place, os.W_OK | os.X_OK):
            raise ValueError(f"{place} takes no new files: change who may write there, or name another folder")
    for path, text in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
    return list(found)
