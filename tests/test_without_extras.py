"""A machine with a GPU may lack what does not train: without those packages claims are judged and reported all the same."""

import json
import sys

import pytest

LACKING = ("rich", "junitparser", "markdown_it", "mlxtend")


@pytest.fixture
def lacking(pytester, project, monkeypatch):
    """A project in whose processes none of those packages can be imported; the function runs a command there."""
    project("[claim('A-fit-x', 'supported'), count('B-count-z', 10)]")
    (pytester.path / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({LACKING}))\n")
    monkeypatch.setenv("PYTHONPATH", ":".join([str(pytester.path), *filter(None, sys.path)]))
    monkeypatch.setenv("CXX", "false")  # nets of 10 weights are not worth compiling
    return lambda *arguments: pytester.run(sys.executable, *arguments)


def test_none_of_them_is_imported_with_package_and_plugin(lacking):
    code = (
        "import sys, hw1bench.plugin, hw1bench.session.record, hw1bench.report.findings, hw1bench.session.completion\n"
    )
    code += f"print(sorted(set({LACKING}) & set(sys.modules)), [sys.modules.get(name) for name in {LACKING}])"
    result = lacking("-c", code)
    assert result.ret == 0
    assert result.outlines == [f"{sorted(LACKING)} {[None] * 4}"]


def test_claims_of_the_full_tier_are_judged_and_reported(lacking, pytester):
    # pytest-benchmark imports none of them, hypothesis might
    result = lacking("-m", "pytest", "claims", "-m", "gpu", "--device", "cpu", "--report-dir", "out")
    assert result.ret == 0, result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines(
        [
            "*junit.xml is left out: the package junitparser is not installed",
            "claim *verdict or pilot *holds *median effect *time",
            "  A-fit-x *supported *8/8 *1.00 parts *",
            "  B-count-z *supported*",
            "2 claims: 2 supported",
            "report: out/index.html",
        ]
    )
    out = pytester.path / "out"
    found = json.loads((out / "claims.json").read_text())["claims"]
    assert [(one["id"], one["tier"], one["verdict"]) for one in found] == [
        ("A-fit-x", "full", "supported"),
        ("B-count-z", "full", "supported"),
    ]
    assert {"claims.md", "index.html"} <= {path.name for path in out.iterdir()}
    assert list((out / "figures").glob("*.svg"))
    assert not (out / "junit.xml").exists()


def test_commands_work_or_say_what_they_lack(lacking, pytester):
    options = lacking("-m", "pytest", "--help")
    assert options.ret == 0
    options.stdout.fnmatch_lines(["*--claims-precision*"])
    record = lacking("-m", "hw1bench", "record", "claims")
    assert (record.ret, record.outlines[0]) == (0, "0 of 2 claims are on record.")
    (pytester.path / "page.md").write_text("# Findings\n")
    findings = lacking("-m", "hw1bench", "findings", "page.md")
    assert findings.ret == 2
    assert findings.errlines == [
        "hw1bench: a page of findings is read by the package markdown-it-py, which is not installed: "
        "pip install markdown-it-py"
    ]
