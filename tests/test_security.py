"""What docs/security.md says: no file is unpickled or run, no shell is given a text, and hostile files cost little."""

import ast
import json
import os
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import hw1bench
from hw1bench.__main__ import main
from hw1bench.court.values import Values
from hw1bench.report import html, reading
from hw1bench.specs.table import Table
from hw1bench.support import json_file
from hw1bench.support.arrays import load_arrays, save_arrays
from sample_document import document, figure

ROOT = Path(hw1bench.__file__).parents[1]
FILES = [*sorted((ROOT / "hw1bench").rglob("*.py")), *sorted((ROOT / "benchmarks").rglob("*.py")), *ROOT.glob("*.py")]

# Modules that read pickles or build objects that a file names, and calls that do so, that run a text, or that unpack anywhere.
MODULES = {
    "pickle",
    "_pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "shelve",
    "marshal",
    "yaml",
    "dbm",
    "code",
    "codeop",
}
MODULES |= {"pty", "xmlrpc", "jsonpickle", "pandas", "runpy"}
NAMES = {"eval", "exec", "compile", "__import__", "input"}
METHODS = {
    *("np.load", "numpy.load", "torch.load", "torch.hub.load", "torch.jit.load", "torch.package.PackageImporter"),
    *("os.system", "os.popen", "os.startfile", "subprocess.getoutput", "subprocess.getstatusoutput"),
    *("shutil.unpack_archive", "importlib.import_module", "import_module", "ctypes.CDLL"),
}
ENDINGS = {"extractall", "extract", "exec_module", "load_module", "CIFAR10", "read_pickle"}
STARTS = ("os.exec", "os.spawn", "os.posix_spawn", "pickle.")
PROCESSES = (
    "subprocess.run",
    "subprocess.Popen",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
)
ALLOWED = {  # file -> what it does of that, and why that is safe
    # Reads the seal of the kernels, a file of this package, which cannot be imported without torch.
    "setup.py": ["runpy"],
    # torchvision's loader unpickles, after every file has been found to have the MD5 digest of the published one.
    "hw1bench/images/published.py": ["().CIFAR10"],
    # Orders and records of the session's own cluster, which is trusted; they come from its processes, never from a file.
    "hw1bench/executors/packing.py": ["cloudpickle", "pickle"],
    # Modules of this package: a constant, and the files of a folder of the package.
    "hw1bench/training/stacked_net.py": ["import_module"],
    "hw1bench/measures/instruments.py": ["importlib.import_module"],
    # The kernels, whose names are constants and whose seal is checked; a probe that was compiled a moment before; the C library.
    "hw1bench/training/kernels/binaries.py": ["ctypes.CDLL"],
    "hw1bench/training/compiler.py": ["ctypes.CDLL"],
    "benchmarks/floors.py": ["ctypes.CDLL"],  # a library that it has just compiled
    "hw1bench/session/child.py": ["ctypes.CDLL"],
}


def called(node):
    """The dotted name of what ``node`` calls, with "()" for what is not a name."""
    what, names = node.func, []
    while isinstance(what, ast.Attribute):
        names.append(what.attr)
        what = what.value
    return ".".join([what.id if isinstance(what, ast.Name) else "()", *reversed(names)])


def dangers(text):
    """What the source ``text`` does that reads objects from files, runs texts, or unpacks archives by their members' names."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            if not node.level and (node.module or "").partition(".")[0] in MODULES:
                yield str(node.module)
        elif isinstance(node, ast.Call):
            name = called(node)
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            if name in NAMES | METHODS or name.rpartition(".")[2] in ENDINGS or name.startswith(STARTS):
                yield name
            if "allow_pickle" in keywords and ast.unparse(keywords["allow_pickle"]) != "False":
                yield f"{name} with allow_pickle"
            if "shell" in keywords:
                yield f"{name} with a shell"
            if name in PROCESSES and (
                not node.args or isinstance(node.args[0], ast.Constant | ast.JoinedStr | ast.BinOp)
            ):
                yield f"{name} of a text"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "import pickle",
            "import os, shelve",
            "from joblib import load",
            "import yaml",
            "from pickle import loads as l",
        ),
        *("np.load(p)", "torch.load(p, weights_only=True)", "f(p, allow_pickle=True)", "f(p, allow_pickle=asked)"),
        *(
            "eval(text)",
            "exec(text)",
            "__import__(name)",
            "os.system(c)",
            "os.execv(p, a)",
            "importlib.import_module(n)",
        ),
        *("subprocess.run(c, shell=True)", "subprocess.run('ls')", "subprocess.Popen(f'ls {x}')", "g(shell=on)"),
        *("tar.extractall(p)", "archive.extract(m)", "shutil.unpack_archive(p)", "ctypes.CDLL(p)", "x.CIFAR10(p)"),
    ],
)
def test_what_is_dangerous_is_noticed(text):
    assert list(dangers(text))


@pytest.mark.parametrize(
    "text",
    ["re.compile(x)", "network.eval()", "np.load", "subprocess.run([a, b])", "f(allow_pickle=False)", "self.load(p)"],
)
def test_what_is_harmless_is_not(text):
    assert not list(dangers(text))


def test_nothing_is_unpickled_run_or_unpacked_but_what_is_argued_for():
    found = {str(path.relative_to(ROOT)): list(dangers(path.read_text(encoding="utf-8"))) for path in FILES}
    ours = {name: some for name, some in found.items() if some}
    assert {name: Counter(some) for name, some in ours.items()} == {
        name: Counter(some) for name, some in ALLOWED.items()
    }


@pytest.fixture
def reported(tmp_path):
    """A report directory of a document with one figure, whose place is given to whoever asks."""
    found = document(figures=[figure("A", "-", "t", "figures/one.svg")])
    (tmp_path / "run" / "figures").mkdir(parents=True)
    (tmp_path / "run" / "claims.json").write_text(json.dumps(found))
    return tmp_path / "run"


def spaces(count):
    return f'<svg width="3" height="3">{" " * count}</svg>'


def entities(deep):
    """An SVG whose width is an entity of ``deep`` levels, each of 20 of the level below."""
    names = [chr(ord("a") + level) for level in range(deep + 1)]
    nested = "".join(f'<!ENTITY {one} "{f"&{below};" * 20}">' for below, one in pairwise(names))
    return f'<!DOCTYPE svg [<!ENTITY a "{"x" * 1000}">{nested}]><svg width="&{names[-1]};" height="3"/>'


@pytest.mark.parametrize(
    "content",
    [spaces(2**20), f'<svg width="{"1" * 2**21}" height="3"/>', entities(8), "<svg>" + "<g>" * 2**20, "\0" * 2**20],
    ids=["spaces", "digits", "entities", "nested", "zeros"],
)
def test_a_hostile_figure_costs_no_time(reported, content):
    (reported / "figures" / "one.svg").write_text(content)
    found, _ = reading.read(reported)
    assert html.image(found["figures"][0], reported) is not None


@pytest.mark.parametrize("kind", ["larger than any figure", "pipe", "folder"])
def test_a_figure_that_is_no_file_of_a_figure_is_missing(reported, kind):
    path = reported / "figures" / "one.svg"
    if kind == "larger than any figure":
        with path.open("wb") as file:
            file.truncate(2**40)  # sparse
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    found, _ = reading.read(reported)
    assert html.image(found["figures"][0], reported) is None
    assert main(["report", str(reported)]) == 0
    assert (reported / "index.html").exists()


def test_a_key_that_occurs_twice_among_many_is_found_at_once(tmp_path):
    keys = [f'"{number}": 0' for number in range(200_000)]
    (tmp_path / "many.json").write_text(f"{{{', '.join([*keys, keys[-1]])}}}")
    with pytest.raises(ValueError, match="the key '199999' occurs twice"):
        json_file.read(tmp_path / "many.json")


def test_a_report_is_not_copied_through_a_link(reported, capsys):
    (reported / "figures" / "one.svg").write_text(spaces(1))
    (reported / "claims.json").rename(reported / "old.json")
    (reported / "old").mkdir()
    (reported / "old" / "claims.json").write_bytes((reported / "old.json").read_bytes())
    (reported.parent / "theirs").mkdir()
    (reported / "old" / "figures").symlink_to(reported.parent / "theirs")
    assert main(["report", str(reported / "old.json")]) == 2
    assert "lies outside" in capsys.readouterr().err
    assert not [*(reported.parent / "theirs").iterdir()]


@pytest.mark.parametrize("read", [lambda path: Table.csv(path, target="y"), lambda path: Values.csv(path, name="x")])
def test_a_table_of_a_pipe_is_refused_at_once(tmp_path, read):
    os.mkfifo(tmp_path / "table.csv")
    with pytest.raises(ValueError, match="it is not a regular file"):
        read(tmp_path / "table.csv")


FORGED = "\x1b[2J\n2 claims: 2 supported\u202e"


def test_what_a_file_says_cannot_act_on_a_terminal_or_forge_a_line(pytester, project):
    """The key in a stored block, the claims of an earlier report, and those of rulings."""
    folder = project("[claim('A-fit-x', 'supported'), claim('A-fit-y', 'supported')]")
    pytester.runpytest("claims", "-k", "A-fit-x", "--record-rulings")
    [block] = (pytester.path / "reports" / "blocks").iterdir()
    arrays = load_arrays(block)
    meta = json.loads(str(arrays["__record__"]))
    save_arrays(block, {**arrays, "__record__": np.array(json.dumps({**meta, "key": FORGED}))})
    for path, listed in ((pytester.path / "reports" / "claims.json", "claims"), (folder / "rulings.json", "pilots")):
        found = json.loads(path.read_text())
        rows = found[listed] or found["rulings"]
        rows.append({**rows[0], "id" if listed == "claims" else "claim": f"A-fit-{FORGED}"})
        path.write_text(json.dumps(found))
    result = pytester.runpytest("claims", "-k", "A-fit-x")
    said = result.stdout.str()
    assert "is damaged (it holds block" in said
    assert "has claims that are gone or have changed" in said
    assert "no claim" in said or "gone" in said
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "2 claims: 2 supported" not in said.splitlines()
