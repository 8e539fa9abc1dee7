"""The digest of the package's own source: it changes with the code that a folder can run, and with nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hw1bench.support import code

PACKAGE = {
    "__init__.py": "from pack.shown import report",
    "shown.py": "import pack.steps",
    "steps.py": "from pack import layout",
    "layout.py": "import os, json.decoder",
    "odd.py": "",
    "relative.py": "",
    "late.py": "",
    "sub/__init__.py": "",
    "sub/deep.py": "from ..relative import x",
    "sub/other.py": "",
    "training/__init__.py": "",
    "training/engine.py": "from pack.steps import one, two\nimport pack.sub.deep\ndef f():\n    from pack import late",
    "training/kernel.cpp": "",
    "training/tables/weights.txt": "",
}
COVERED = [
    "training/__init__.py",
    "training/engine.py",
    "training/kernel.cpp",
    "training/tables/weights.txt",
    "steps.py",
    "layout.py",
    "sub/__init__.py",
    "sub/deep.py",
    "relative.py",
    "late.py",
]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A made-up package, whose digest is computed anew each time."""
    for name, text in PACKAGE.items():
        (tmp_path / "pack" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pack" / name).write_text(text)
    monkeypatch.setattr(code, "__file__", str(tmp_path / "pack" / "support" / "code.py"))
    return tmp_path / "pack"


def digest(folder="training"):
    return code.digest.__wrapped__(folder)


def change(path):
    path.write_text(path.read_text() + "\n")


@pytest.mark.parametrize("name", COVERED)
def test_a_change_in_whatever_is_run_moves_it(root, name):
    before = digest()
    change(root / name)
    assert digest() != before


@pytest.mark.parametrize("name", sorted(set(PACKAGE) - set(COVERED)))
def test_a_change_in_code_that_is_not_run_does_not(root, name):
    before = digest()
    change(root / name)
    assert digest() == before


@pytest.mark.parametrize("name", ["training/new.py", "training/new.cpp", "training/deep/down/new.h"])
def test_a_new_file_of_the_folder_moves_it(root, name):
    before = digest()
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("")
    assert digest() != before


@pytest.mark.parametrize(
    "line",
    [
        "import pack.odd",
        "import json, pack.odd as other",
        "from pack import odd",
        "from pack import steps, odd as other",
        "from pack.odd import anything",
        "from pack.odd import *",
        "from . import odd",
        "from .odd import anything",
        "def f():\n    try:\n        from pack.odd import x\n    except ImportError:\n        pass",
        "if True:\n    import pack.odd",
    ],
)
def test_a_module_is_covered_as_soon_as_one_that_is_imports_it(root, line):
    (root / "layout.py").write_text(line)
    before = digest()
    change(root / "odd.py")
    assert digest() != before


def test_modules_may_import_each_other(root):
    (root / "layout.py").write_text("import pack.steps, pack.layout, pack.training.engine")
    assert {path.relative_to(root).as_posix() for path in code.sources(root, "training")} == set(COVERED)


def test_a_name_of_the_public_list_brings_all_that_it_imports(root):
    (root / "layout.py").write_text("from pack import report")
    before = digest()
    change(root / "shown.py")
    assert digest() != before


def test_build_products_do_not_move_it(root):
    before = digest()
    (root / "training" / "__pycache__").mkdir()
    made = ["__pycache__/engine.cpython-311.pyc", "_kernel.so", "_kernel.cpython-399-arm.so", ".engine.py.swp"]
    for name in made:
        (root / "training" / name).write_bytes(b"x")
    assert digest() == before


def test_the_content_of_two_files_cannot_be_shifted_between_them(root):
    (root / "training" / "a.cpp").write_text("one two")
    (root / "training" / "b.cpp").write_text("")
    before = digest()
    (root / "training" / "a.cpp").write_text("one")
    (root / "training" / "b.cpp").write_text(" two")
    assert digest() != before
    (root / "training" / "b.cpp").rename(root / "training" / "c.cpp")
    assert digest() != before


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of this package, to change."""
    root = tmp_path / "hw1bench"
    shutil.copytree(Path(code.__file__).parent.parent, root, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    monkeypatch.setattr(code, "__file__", str(root / "support" / "code.py"))
    return root


def test_the_digests_of_this_package_move_with_what_decides_its_numbers(copy):
    folders = ("training", "measures")
    digests = {folder: digest(folder) for folder in folders}

    def moved(name, old, new):
        path = copy / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        before = digests.copy()
        digests.update({folder: digest(folder) for folder in folders})
        return [folder for folder in folders if digests[folder] != before[folder]]

    assert moved("specs/arm.py", "-(-samples // self.batch_size)", "samples // self.batch_size") == [*folders]
    assert "measures" in moved("specs/measurement.py", "TOLERANCES = (1e-4,", "TOLERANCES = (1e-3,")
    assert moved("training/kernels/fit_net.h", "int", "long") == ["training"]
    assert moved("training/sequential.py", "mse_loss", "l1_loss") == ["training"]
    assert moved("training/kernels/image_evaluator.py", "samples", "images") == [*folders]
    assert moved("measures/line.py", "def", "def  ") == ["measures"]
    assert moved("models.py", "torch", "torch  ") == [*folders]


def test_the_digests_of_this_package_do_not_move_with_what_is_shown_or_claimed(copy):
    before = digest("training"), digest("measures")
    shown = [*(copy / "report").rglob("*"), *(copy / "effects").rglob("*.py"), *(copy / "sources").rglob("*.py")]
    shown += [*(copy / "court").rglob("*.py"), *(copy / "session").rglob("*.py"), copy / "records" / "store.py"]
    shown += [copy / f"{name}.py" for name in ("__init__", "plugin")]
    shown = [path for path in shown if path.is_file()]
    assert len(shown) > 20
    for path in shown:
        path.write_bytes(path.read_bytes() + b"\n# changed\n")
    assert (digest("training"), digest("measures")) == before


def test_every_module_that_python_loads_is_covered():
    """The modules actually imported, in a fresh interpreter, beyond those that the public list imports by itself."""
    root = Path(code.__file__).parent.parent
    script = (
        "import importlib.util, pathlib, sys, hw1bench; before = set(sys.modules)\n"
        "for folder in ('training', 'measures'):\n"
        "    for path in pathlib.Path('hw1bench', folder).glob('[a-z]*.py'):\n"
        "        if path.stem != 'gpu_kernels' or importlib.util.find_spec('triton'):\n"
        "            importlib.import_module(f'hw1bench.{folder}.{path.stem}')\n"
        "print(*(sys.modules[name].__file__ for name in set(sys.modules) - before if name.startswith('hw1bench')))"
    )
    command = [sys.executable, "-c", script]
    found = subprocess.run(command, cwd=root.parent, capture_output=True, text=True, check=True)
    loaded = {Path(name) for name in found.stdout.split()}
    assert len(loaded) > 20
    loaded.add(root / "training" / "gpu_kernels.py")  # loaded where Triton is
    assert loaded <= code.sources(root, "training") | code.sources(root, "measures")
