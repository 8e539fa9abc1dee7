"""The wheel: for any Python on one platform, whole, and enough for a repository of claims in an empty folder."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from hw1bench.training.kernels import binaries

ROOT = Path(__file__).parent.parent
PYTHON = (sys.executable, "-P", "-m")
PARTS = ("hw1bench", "pytest_hw1bench.py", "setup.py", "pyproject.toml", "README.md", "LICENSE")


def run(folder, *command, **environment):
    environment = {**os.environ, "PYTEST_ADDOPTS": "", **environment}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of this repository without kernels, which take minutes to compile."""
    source = tmp_path_factory.mktemp("source")
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        else:
            shutil.copy(ROOT / name, source)
    command = (
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "-w",
        "dist",
        ".",
    )
    run(source, *command, CXX="false", CC="false")
    (path,) = (source / "dist").iterdir()
    return path


def test_it_is_for_any_python_3_on_this_platform(wheel):
    name, _, python, abi, platform = wheel.name.removesuffix(".whl").split("-")
    assert (name, python, abi) == ("hw1bench", "py3", "none")
    assert platform != "any"


def test_it_has_all_files_and_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (folder,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        metadata = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
        entries = archive.read(f"{folder}/entry_points.txt").decode()
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "hw1bench").rglob("*") if path.is_file()}
    assert {name for name in sources if not name.endswith((".so", ".pyc"))} == {
        name for name in names if name.startswith("hw1bench/")
    }
    assert {"pytest_hw1bench.py", "hw1bench/py.typed", f"{folder}/licenses/LICENSE"} <= names
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "hw1bench = hw1bench.__main__:main" in entries
    assert "pytest_hw1bench = pytest_hw1bench" in entries


def test_a_library_has_no_tag_of_a_python():
    found = {path.name for path in binaries._FOLDER.glob("*.so")}
    assert {f"_kernels_{name}.so" for name in binaries.instruction_sets()} <= found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of the installed wheel, with the kernels of this checkout."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for path in binaries._FOLDER.glob("_kernels_*.so"):
        shutil.copy(path, site / "hw1bench" / "training" / "kernels")
    return site


def test_it_is_enough_in_an_empty_folder(installed, tmp_path):
    python, environment = PYTHON, {"PYTHONPATH": str(installed)}
    run(tmp_path, *python, "hw1bench", "init", "pack", **environment)
    assert not (tmp_path / "pack" / "conftest.py").exists()
    said = run(tmp_path / "pack", *python, "pytest", "claims/", "-p", "no:benchmark", **environment)
    assert "1 claim: 1 supported" in said
    assert "hw1bench-0.1.0" in said
    assert (tmp_path / "pack" / "reports" / "index.html").exists()
    assert "report: reports" in run(tmp_path / "pack", *python, "hw1bench", "report", "reports", **environment)
    # A command collects claims in its own process, where the package is imported before pytest.
    (tmp_path / "pack" / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    assert "0 of 1 claim are on record" in run(
        tmp_path / "pack", *python, "hw1bench", "record", "claims", **environment
    )


def test_it_is_enough_for_the_examples(installed, tmp_path):
    """They are on record, so that only a verdict against the record fails."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    said = run(tmp_path, *PYTHON, "pytest", "examples", "-p", "no:benchmark", PYTHONPATH=str(installed))
    counted = re.search(r"^(\d+) claims: (.*)$", said, re.M)
    assert counted[1] == "6"
    assert "error" not in counted[2]


def test_the_sixth_report_takes_60_lines():
    files = [path for path in (ROOT / "examples" / "sixth_report").iterdir() if path.suffix == ".py"]
    assert sum(len(path.read_text().splitlines()) for path in files) <= 60
