"""The report directory: what a session leaves in it, whole or not at all."""

import json
import sys

import pytest

from hw1bench import report
from hw1bench.report.html import render
from hw1bench.report.reading import read
from sample_document import across, claim, document, exact, figure, put_figures


def test_without_junitparser_there_is_no_junit_file_and_one_line_says_so(tmp_path, monkeypatch):
    found, told = document(claim()), []
    report.write(found, tmp_path)
    assert (tmp_path / "junit.xml").exists()
    monkeypatch.setitem(sys.modules, "junitparser", None)
    report.write(found, tmp_path, notice=told.append)
    assert not (tmp_path / "junit.xml").exists()  # it would pass for that of the later session
    report.again(tmp_path, told.append)
    assert told == ["junit.xml is left out: the package junitparser is not installed"] * 2


def test_write_leaves_its_files_whole(tmp_path):
    found = document()
    put_figures(tmp_path / "reports", found)
    report.write(found, tmp_path / "reports")
    written = sorted(path.name for path in (tmp_path / "reports").iterdir())
    assert written == ["claims-details.md", "claims.json", "claims.md", "figures", "index.html", "junit.xml"]
    text = (tmp_path / "reports" / "claims.json").read_text(encoding="utf-8")
    assert json.loads(text) == found
    assert list(json.loads(text)) == list(found)
    assert text.startswith('{\n "schema": 3,')
    assert (tmp_path / "reports" / "index.html").read_text(encoding="utf-8") == render(found, tmp_path / "reports")
    assert (tmp_path / "reports" / "claims.json").stat().st_mode & 0o044 == 0o044


def test_a_document_that_breaks_the_contract_leaves_the_old_report(tmp_path):
    report.write(document(), tmp_path)
    before = (tmp_path / "claims.json").read_bytes()
    broken = claim()
    broken["effect"] |= {"median": float("nan")}
    with pytest.raises(ValueError, match=r"claims\[0\]\.effect\.median is nan"):
        report.write(document(broken), tmp_path)
    assert (tmp_path / "claims.json").read_bytes() == before


def test_a_write_that_fails_leaves_no_temporary_file(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        report.write(document(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_half_a_character_in_a_claim_costs_that_character_and_not_the_report(tmp_path):
    report.write(document(claim(says="a \ud800 b", note="\udfff", where="\ud83d\ude00")), tmp_path)
    (found,) = read(tmp_path)[0]["claims"]
    assert (found["says"], found["note"]) == ("a � b", "�")


# Rendering again.


def put(path, found=None):
    """``found`` in the file ``path``, with its figures beside it; the file's content."""
    found = document() if found is None else found
    put_figures(path.parent, found)
    path.write_text(json.dumps(found))
    return path.read_bytes()


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("named", ["", "claims.json"])
def test_a_report_directory_is_rendered_in_place(tmp_path, named):
    content = put(tmp_path / "claims.json")
    assert report.again(tmp_path / named) == tmp_path
    assert sorted(tree(tmp_path)) == [
        *(
            "claims-details.md",
            "claims.json",
            "claims.md",
            "figures/A-fit-sawtooth-function.svg",
            "figures/A-fit-sinc-loss.svg",
        ),
        *("index.html", "junit.xml"),
    ]
    assert (tmp_path / "claims.json").read_bytes() == content


def test_a_document_of_another_name_gets_a_report_directory_of_its_own(tmp_path):
    put(tmp_path / "claims.json", document(exact()))
    report.again(tmp_path)
    before = tree(tmp_path)
    content = put(tmp_path / "old.json")
    folder = report.again(tmp_path / "old.json")
    assert folder == tmp_path / "old"
    own = tree(folder)
    assert own["claims.json"] == content
    assert own["figures/A-fit-sinc-loss.svg"] == before["figures/A-fit-sinc-loss.svg"]
    assert b"data:image/svg+xml" in own["index.html"]
    after = tree(tmp_path)
    assert {name: after[name] for name in before} == before
    assert report.again(tmp_path / "old.json") == folder  # the same again
    assert report.again(folder) == folder
    assert tree(folder) == own


@pytest.mark.parametrize(
    "lies_there",
    [
        {"claims.json": "{}"},
        {"index.html": "a page"},
        {"notes.txt": "mine"},
        {"claims.json": json.dumps(document(exact()))},
    ],
)
def test_what_lies_in_that_folder_is_never_overwritten(tmp_path, lies_there):
    put(tmp_path / "old.json")
    (tmp_path / "old").mkdir()
    for name, text in lies_there.items():
        (tmp_path / "old" / name).write_text(text)
    before = tree(tmp_path)
    with pytest.raises(
        ValueError, match=r"old exists and holds something other than the report of .*old\.json: rename"
    ):
        report.again(tmp_path / "old.json")
    assert tree(tmp_path) == before


def test_an_empty_folder_of_that_name_is_used(tmp_path):
    put(tmp_path / "old.json")
    (tmp_path / "old").mkdir()
    assert (report.again(tmp_path / "old.json") / "index.html").exists()


@pytest.mark.parametrize(
    ("name", "folder"), [("old", "old.report"), ("claims.json.bak", "claims.json.bak.report"), ("a.b.JSON", "a.b")]
)
def test_the_folder_is_named_after_the_file_and_is_not_the_file(tmp_path, name, folder):
    put(tmp_path / name)
    assert report.again(tmp_path / name) == tmp_path / folder


def test_missing_figures_do_not_prevent_a_report(tmp_path):
    put(tmp_path / "old.json")
    (tmp_path / "figures" / "A-fit-sinc-loss.svg").unlink()
    folder = report.again(tmp_path / "old.json")
    assert sorted(tree(folder)) == [
        *(
            "claims-details.md",
            "claims.json",
            "claims.md",
            "figures/A-fit-sawtooth-function.svg",
            "index.html",
            "junit.xml",
        ),
    ]


def test_markdown_links_no_figure_that_is_missing(tmp_path):
    found = document(figures=[across()])
    put_figures(tmp_path, found)
    report.write(found, tmp_path)
    assert across()["path"] in (tmp_path / "claims-details.md").read_text()
    (tmp_path / across()["path"]).unlink()
    report.again(tmp_path)
    assert across()["path"] not in (tmp_path / "claims-details.md").read_text()


def test_a_figure_from_elsewhere_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "secret.svg").write_text("<svg/>")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link.svg").symlink_to(tmp_path / "secret.svg")
    (tmp_path / "run" / "old.json").write_text(json.dumps(document(figures=[figure("A", "-", "t", "link.svg")])))
    with pytest.raises(ValueError, match="outside"):
        report.again(tmp_path / "run" / "old.json")
    assert not (tmp_path / "run" / "old").exists()


@pytest.mark.parametrize("name", ["claims.json", "old.json"])
def test_a_failing_disk_is_reported_in_one_line(tmp_path, monkeypatch, name):
    put(tmp_path / name)

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(ValueError, match=r"cannot be written \(No space left on device\): copy .* to another folder"):
        report.again(tmp_path / name)
