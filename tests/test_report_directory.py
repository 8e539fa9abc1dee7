"""The report directory: what a session leaves in it, whole or not at all."""

import json

import pytest

from hw1bench import report
from hw1bench.report.html import render
from sample_document import claim, document, put_figures


def test_write_leaves_the_four_files_whole(tmp_path):
    found = document()
    put_figures(tmp_path / "reports", found)
    report.write(found, tmp_path / "reports")
    written = sorted(path.name for path in (tmp_path / "reports").iterdir())
    assert written == ["claims.json", "claims.md", "figures", "index.html", "junit.xml"]
    text = (tmp_path / "reports" / "claims.json").read_text(encoding="utf-8")
    assert json.loads(text) == found
    assert list(json.loads(text)) == list(found)
    assert text.startswith('{\n "schema": 1,')
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
