"""Any file under the name of a document is read, or refused in one line without a hang or a traceback."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw1bench.__main__ import main
from hw1bench.report import reading
from hw1bench.support import files
from sample_document import claim, document

WHOLE = json.dumps(document())


@pytest.fixture
def refused(tmp_path, capsys):
    """What ``report`` says of a file that holds ``content``."""

    def ask(content=None, path=tmp_path / "claims.json"):
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        before = sorted(path.parent.rglob("*"))
        assert main(["report", str(path)]) == 2
        assert sorted(path.parent.rglob("*")) == before
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.count("\n") == 1
        assert len(output.err) < 600
        assert str(path) in output.err
        return output.err

    return ask


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty: name a report directory or a claims.json"),
        (" \n", "the file is empty"),
        ("{", "it is not JSON"),
        (WHOLE[:-1], "it is not JSON"),
        (WHOLE + "x", "it is not JSON"),
        ("null", "this is null, not a claims.json document"),
        ("[]", "this is a list of 0, not a claims.json document"),
        ('"text"', "this is 'text', not a claims.json document"),
        ("{}", "the document has no 'schema': write 3"),
        ('{"rulings": []}', "the document has no 'schema'"),
        ("\ufeff" + WHOLE, "starts with a byte order mark: save the file as UTF-8 without one"),
        (WHOLE.encode("utf-16"), "is not UTF-8: save the file as UTF-8"),
        (WHOLE.encode() + b"\xff", "is not UTF-8"),
        (b"\x00" * 10, "it is not JSON"),
        (b"PK\x03\x04", "it is not JSON"),
        (WHOLE.replace("135.4", "NaN"), "it holds NaN, which is not JSON: write null"),
        (WHOLE.replace("135.4", "-Infinity"), "it holds -Infinity"),
        (WHOLE.replace("135.4", "1e999"), "seconds is inf: write a finite number of at least 0"),
        (WHOLE.replace("135.4", "9" * 5000), "an integer of 5000 digits"),
        (WHOLE.replace("135.4", "true"), "seconds is true"),
        (WHOLE.replace('"seed_offset": 0', '"seed_offset": 0, "seed_offset": 1'), "the key 'seed_offset' occurs twice"),
        (WHOLE.replace('"how": null', '"how": null, "how": null', 1), "the key 'how' occurs twice"),
        (WHOLE.replace("full batch", "\\ud800"), r"the text '\ud800' holds half of a surrogate pair"),
        (WHOLE.replace("full batch", "\\udc00\\ud800"), "half of a surrogate pair"),
        ('{"schema": 3, "later": ' + "[" * 100 + "]" * 100 + "}", "its brackets are nested"),
        ("[" * 100_000, "its brackets are nested too deep"),
        ('{"a":' * 50_000, "its brackets are nested too deep"),
        ("[" * 100_000 + "]" * 100_000, "its brackets are nested"),
        (WHOLE.replace('"schema": 3', '"schema": 1'), "has schema 1, but this version reads 3: judge again"),
        (json.dumps(document(claim(holds=9))), "holds in 9 of 8 seeds"),
    ],
    ids=lambda found: str(found)[:30],
)
def test_a_file_of_anything_else_is_refused(refused, content, said):
    assert said in refused(content)


def test_a_pair_of_surrogates_is_a_character(tmp_path, capsys):
    (tmp_path / "claims.json").write_text(WHOLE.replace("full batch", "\\ud83d\\ude00"))
    assert main(["report", str(tmp_path)]) == 0
    assert "😀" in (tmp_path / "claims-details.md").read_text(encoding="utf-8")


def test_a_directory_without_a_document_is_refused(refused, tmp_path):
    assert "claims.json cannot be read (No such file or directory): name a report" in refused(path=tmp_path)


def test_anything_but_a_regular_file_is_refused_without_a_hang(refused, tmp_path):
    os.mkfifo(tmp_path / "claims.json")
    assert "cannot be read (it is not a regular file)" in refused()
    (tmp_path / "claims.json").unlink()
    (tmp_path / "claims.json").symlink_to("/dev/zero")
    assert "cannot be read (it is not a regular file)" in refused()
    (tmp_path / "folder" / "claims.json" / "claims.json").mkdir(parents=True)
    assert "not a regular file" in refused(path=tmp_path / "folder" / "claims.json")


def test_links_and_names_that_lead_nowhere_are_refused(refused, tmp_path):
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "gone.json").symlink_to("nothing.json")
    (tmp_path / "file").touch()
    for name in ("loop.json", "gone.json", "file/claims.json", "x" * 300):
        assert "cannot be read (" in refused(path=tmp_path / name)


def test_a_file_that_may_not_be_read_is_refused(refused, tmp_path, monkeypatch):
    def deny(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "open", deny)
    assert "claims.json cannot be read (Permission denied): name a report directory" in refused()


def test_a_file_larger_than_any_session_writes_is_refused_unread(refused, tmp_path):
    with (tmp_path / "claims.json").open("wb") as file:
        file.truncate(2**40)  # sparse
    assert "is larger than 64 MiB, which no session writes" in refused()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(WHOLE) - 1), change=st.binary(max_size=4), cut=st.integers(0, 20))
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path, capsys, place, change, cut):
    content = WHOLE.encode()
    (tmp_path / "claims.json").write_bytes(content[:place] + change + content[place + cut :])
    said = ""
    try:
        reading.read(tmp_path)
    except ValueError as error:
        said = str(error)
    assert "\n" not in said


def test_a_report_is_rendered_without_the_libraries_that_train_and_judge():
    script = (
        "import json, pathlib, sys\nfrom hw1bench.report import html, markdown, junit\n"
        "found = json.load(sys.stdin)\n"
        "html.render(found, pathlib.Path.cwd()), markdown.render(found), junit.render(found)\n"
        "print(*sorted({'torch', 'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], input=WHOLE, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
