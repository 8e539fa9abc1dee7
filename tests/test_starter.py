"""A new repository of claims: what ``hw1bench init`` writes runs, and nothing is overwritten."""

import json
import re
import shlex
import shutil
from glob import glob
from pathlib import Path

import pytest

from hw1bench.starter.command import workflow

ROOT = Path(__file__).parent.parent
WORKFLOW = ".github/workflows/claims.yml"
FILES = {"claims/test_mine.py", ".gitignore", WORKFLOW}


def written(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"conftest.py"}


def judge_steps(text):
    """What the jobs of the workflow give to pytest, one for each part."""
    (line,) = re.findall(r"run: pytest (.*)", text)
    (arguments,) = re.findall(r'ARGUMENTS: "(.*)"', text)
    (parts,) = re.findall(r"part: \[(.*?)\]", text)
    line = line.replace("$ARGUMENTS", arguments)
    return [shlex.split(line.replace("${{ matrix.part }}", part)) for part in parts.split(", ")]


def test_a_new_repository_is_judged_as_its_workflow_does(command, pytester, monkeypatch, tmp_path):
    done = command(pytester.path, "init", "a pack")
    folder = pytester.path / "a pack"
    assert written(folder) == FILES
    assert done.stdout.splitlines()[-1] == "judge the claim: cd 'a pack' && pytest claims/"
    *lines, said = [line for line in done.stdout.splitlines()[:-1] if "conftest" not in line]
    assert set(lines) == {f"a pack/{name}" for name in FILES}
    assert said == f"before it runs on GitHub: put what pip is to install into INSTALL of a pack/{WORKFLOW}"
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    text = (folder / WORKFLOW).read_text()
    for number, step in enumerate(judge_steps(text)):
        result = pytester.runpytest(*step)
        assert result.ret == pytest.ExitCode.OK
        result.assert_outcomes(passed=number == 0, deselected=1 if number == 0 else 2)
        (folder / "parts").mkdir(exist_ok=True)
        (folder / "reports" / "ci").rename(folder / "parts" / f"part-{number}")
    assert (folder / "parts" / "part-0" / "blocks").exists()
    (step,) = re.findall(r"run: hw1bench (.*)", text)
    done = command(folder, *(name for word in step.split() for name in (sorted(glob(word)) or [word])))
    assert done.returncode == 0
    shutil.rmtree(folder / "parts")
    report = folder / "reports" / "all"
    assert {"junit.xml", "index.html", "claims.md"} <= {path.name for path in report.iterdir()}
    (claim,) = json.loads((report / "claims.json").read_text())["claims"]
    assert claim["verdict"] == "supported"
    assert "After 200 epochs" in (tmp_path / "summary.md").read_text()
    ignored = (folder / ".gitignore").read_text().split()
    made = {path.name for path in folder.iterdir()} - {"claims", "conftest.py", ".github", ".gitignore"}
    assert made <= {name.rstrip("/") for name in ignored}


@pytest.mark.parametrize("there", sorted(FILES))
def test_nothing_is_overwritten(command, pytester, there):
    (pytester.path / there).parent.mkdir(parents=True, exist_ok=True)
    (pytester.path / there).write_text("mine")
    done = command(pytester.path, "init")
    assert done.returncode == 2
    assert (
        done.stderr
        == f"hw1bench: {there} is there already, and is not overwritten: move it away, or name another folder\n"
    )
    assert written(pytester.path) == {there}
    assert (pytester.path / there).read_text() == "mine"


@pytest.mark.parametrize("blocking", [".github", ".github/workflows", "claims", "."])
def test_nothing_is_written_if_a_file_stands_where_a_folder_is_needed(command, pytester, blocking):
    place = pytester.path / "new" / blocking
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("mine")
    done = command(pytester.path, "init", "new")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is not a folder, and one is needed there: move it away, or name another folder" in done.stderr
    assert {path for path in (pytester.path / "new").rglob("*") if path.is_file()} <= {place}


def test_a_folder_that_takes_no_files_is_named(command, pytester, monkeypatch):
    monkeypatch.setattr("os.access", lambda place, mode: False)
    done = command(pytester.path, "init", "new")
    assert (done.returncode, done.stderr) == (
        2,
        f"hw1bench: {pytester.path} takes no new files: change who may write there, or name another folder\n",
    )
    assert not (pytester.path / "new").exists()


def test_a_disk_that_refuses_is_told_by_the_folder_and_not_by_a_temporary_file(command, pytester, monkeypatch):
    def full(path, *others, **more):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("hw1bench.support.files.os.open", full)
    done = command(pytester.path, "init", "new")
    assert done.returncode == 2
    assert done.stderr == "hw1bench: new/claims cannot be used (No space left on device): mend that, or name another\n"


def test_a_conftest_is_written_only_if_the_plugin_is_not_installed(command, pytester, monkeypatch):
    for installed in (True, False):
        monkeypatch.setattr("hw1bench.starter.command.entry_points", lambda found=installed, **names: [names] * found)
        command(pytester.path, "init", str(installed))
        assert (pytester.path / str(installed) / "conftest.py").exists() is not installed


def test_the_workflow_is_the_one_of_this_repository():
    assert (ROOT / WORKFLOW).read_text() == workflow("-c constraints.txt -e .", "--strict-rulings")
    assert judge_steps((ROOT / WORKFLOW).read_text()) == [
        ["claims/", "--report-dir", "reports/ci", "--shard", part, "--strict-rulings"] for part in ("1/2", "2/2")
    ]
