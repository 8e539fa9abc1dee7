"""The command line: where the report goes, what counts as a change, and one line for input that cannot be used."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from hw1bench.__main__ import main
from sample_document import document, everything, exact


def put(folder, **changes):
    folder.mkdir()
    (folder / "claims.json").write_text(json.dumps({**document(), "figures": [], **changes}))
    return folder


def test_report_renders_again_from_a_directory_or_a_file(tmp_path, capsys):
    folder = put(tmp_path / "run")
    assert main(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"report: {folder / 'index.html'}\n"
    page = (folder / "index.html").read_text()
    (folder / "index.html").unlink()
    assert main(["report", str(folder / "claims.json")]) == 0
    assert (folder / "index.html").read_text() == page
    assert (folder / "claims.md").exists()
    assert (folder / "junit.xml").exists()


def test_compare_exits_1_only_if_a_verdict_changed(tmp_path, capsys):
    old = put(tmp_path / "old")
    new = tmp_path / "new"
    shutil.copytree(old, new)
    assert main(["compare", str(old), str(new)]) == 0
    claims = json.loads((new / "claims.json").read_text())
    changed = next(claim for claim in claims["claims"] if claim["verdict"] == "supported")
    changed["verdict"] = "inconclusive"
    (new / "claims.json").write_text(json.dumps(claims))
    capsys.readouterr()
    assert main(["compare", str(old), str(new)]) == 1
    assert f"{changed['id']}: supported -> inconclusive" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *[
            (None, "cannot be read"),
            ("{", "is not JSON"),
            ("[]", "not a claims.json document"),
            ('{"schema": 3}', "has no 'tier'"),
        ],
    ],
)
def test_bad_input_gets_one_line(tmp_path, capsys, text, said):
    path = tmp_path / "claims.json"
    if text is not None:
        path.write_text(text)
    assert main(["report", str(path)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"claims": []}, "no claim in common"),
        ({"claims": [exact("Z-count-x")]}, "no claim in common"),
        ({"claims": [exact()]}, "14 claims of the old document are not in the new one"),
        ({"tier": "full"}, "compare one tier"),
        ({"schema": 1}, "has schema 1"),
        ({"seconds": "1"}, "seconds is '1'"),
        ({"claims": None}, "claims is null"),
    ],
)
def test_compare_exits_2_with_one_line_if_there_is_nothing_to_compare(tmp_path, capsys, changes, said):
    old, new = put(tmp_path / "old"), put(tmp_path / "new", **changes)
    assert main(["compare", str(old), str(new)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert output.err.count("\n") == 1


def test_compare_does_not_count_a_new_claim_as_a_change(tmp_path, capsys):
    old, new = put(tmp_path / "old"), put(tmp_path / "new", claims=[*everything(), exact("Z-count-x")])
    assert main(["compare", str(old), str(new)]) == 0
    assert "added    Z-count-x\n" in capsys.readouterr().out


def test_report_says_where_an_old_document_went(tmp_path, capsys):
    folder = put(tmp_path / "run")
    (folder / "claims.json").rename(folder / "old.json")
    assert main(["report", str(folder / "old.json")]) == 0
    assert capsys.readouterr().out == f"report: {folder / 'old' / 'index.html'}\n"


@pytest.mark.parametrize("command", ["report", "compare"])
@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError("deep"), OSError(5, "Input/output error"), ValueError("\x1b[2J\nx")]
)
def test_nothing_that_goes_wrong_looks_like_a_change(tmp_path, capsys, monkeypatch, command, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("hw1bench.report.reading.check", fail)
    folder = str(put(tmp_path / "run"))
    assert main([command, folder, folder][: 2 + (command == "compare")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said


@pytest.mark.parametrize("command", ["report", "compare"])
def test_a_terminal_of_another_encoding_shows_what_it_can(tmp_path, command):
    old, new = put(tmp_path / "é"), put(tmp_path / "深", environment={"isa": "µ"})
    names = [str(old), str(new)][: 1 + (command == "compare")]
    done = subprocess.run(
        [sys.executable, "-m", "hw1bench", command, *names],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"\x" in done.stdout


def test_a_fault_of_ours_shows_its_traceback_and_does_not_look_like_a_change(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("hw1bench.report.compare.render", lambda _: 1 / 0)
    assert main(["compare", str(put(tmp_path / "run")), str(tmp_path / "run")]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["repeat"])
    assert caught.value.code == 2
