import json
import shutil

import pytest

from hw1bench.__main__ import main
from sample_document import document


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


def test_compare_exits_1_only_where_a_verdict_changed(tmp_path, capsys):
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
    [(None, "cannot be read"), ("{", "is no JSON"), ("[]", "holds no claims.json"), ('{"schema": 1}', "has no 'tier'")],
)
def test_bad_input_gets_one_line(tmp_path, capsys, text, said):
    path = tmp_path / "claims.json"
    if text is not None:
        path.write_text(text)
    assert main(["report", str(path)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["repeat"])
    assert caught.value.code == 2
