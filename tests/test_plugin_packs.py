"""Packs in a session: reports from elsewhere are shown, and contradictions end the session in one line."""

import json

import pytest

from hw1bench.sources.pack import PACK
from parsed_page import Page

OURS = ", ".join(report.id for report in PACK.reports)

ANOTHER = """
from hw1bench import Pack, Report, Topic


def pytest_hw1bench_pack():
    return Pack(
        reports=[Report("Z", title="Another report", source="another course", url="https://example.org/z.pdf")],
        topics=[Topic("widths", "Widths of nets"), Topic("sums", "Sums")],
    )
"""


def count(name, report):
    return f"Claim({name!r}, report={report!r}, where='p. 3', says='It has 10.', effect=CountIs(Model('[3]'), 10))"


@pytest.fixture
def root(pytester):
    """A function that writes the root conftest.py, with the plugin, other ``plugins``, and ``more`` source."""

    def make(*plugins, more=""):
        names = ", ".join(map(repr, ("pytest_hw1bench", *plugins)))
        pytester.makeconftest(f"pytest_plugins = [{names}]\n{more}")

    return make


def written(pytester):
    folder = pytester.path / "reports"
    return json.loads((folder / "claims.json").read_text()), Page((folder / "index.html").read_text())


def ids(found):
    return [one["id"] for one in found]


def test_a_sixth_report_from_elsewhere_is_shown_by_title_source_and_link(pytester, project):
    folder = project(f"[{count('Z-sums-x', 'Z')}]", topic="sums")
    (folder / "conftest.py").write_text(ANOTHER)
    pytester.runpytest("claims").assert_outcomes(passed=1, deselected=1)
    found, page = written(pytester)
    assert found["reports"] == [
        {"id": "Z", "title": "Another report", "source": "another course", "url": "https://example.org/z.pdf"}
    ]
    assert found["topics"] == [{"id": "sums", "title": "Sums"}]
    assert page.text("reports") == "Z Another report (another course) https://example.org/z.pdf"
    assert page.find("a", inside="reports", href="https://example.org/z.pdf")
    assert page.text("topic-sums") == "Sums 1 supported"
    text = (pytester.path / "reports" / "claims.md").read_text()
    assert "- Z: Another report (another course), [https\\://example.org/z.pdf](<https://example.org/z.pdf>)" in text
    assert "## Sums" in text


def test_markers_of_a_pack_are_listed_and_select(pytester, project):
    folder = project(f"[{count('Z-sums-x', 'Z')}, {count('Z-sums-y', 'Z')}]", topic="sums")
    (folder / "conftest.py").write_text(ANOTHER)
    listed = pytester.runpytest("claims", "--markers").stdout.str()
    assert "@pytest.mark.report_z: claims of report Z: Another report" in listed
    assert "@pytest.mark.widths: claims of the topic Widths of nets" in listed
    assert "report_a" not in listed
    pytester.runpytest("claims", "-m", "report_z and sums", "-k", "sums-x").assert_outcomes(passed=1, deselected=3)


def test_the_pack_of_our_reports_and_another_are_merged(pytester, project, root):
    root("hw1bench.sources.pack")
    project(f"[{count('A-counts-x', 'A')}]", topic="counts")
    other = project(f"[{count('Z-widths-x', 'Z')}]", topic="widths").parent / "other"
    other.mkdir()
    (pytester.path / "claims" / "test_widths.py").rename(other / "test_widths.py")
    (other / "conftest.py").write_text(ANOTHER)
    pytester.runpytest("other", "claims").assert_outcomes(passed=2, deselected=2)
    found, page = written(pytester)
    assert (ids(found["reports"]), ids(found["topics"])) == (["A", "Z"], ["counts", "widths"])
    assert [page.text(f"topic-{topic}") for topic in ("counts", "widths")] == [
        "Parameter counts 1 supported",
        "Widths of nets 1 supported",
    ]


def test_a_pack_that_is_read_at_collection_counts(pytester, project):
    folder = project(f"[{count('Z-sums-x', 'Z')}]", topic="sums")
    deep = pytester.path / "deep" / "er"
    deep.mkdir(parents=True)
    folder.rename(deep / "claims")
    (deep / "claims" / "conftest.py").write_text(ANOTHER)
    pytester.runpytest(".", "-m", "report_z").assert_outcomes(passed=1, deselected=1)
    assert ids(written(pytester)[0]["reports"]) == ["Z"]
    result = pytester.runpytest(".", "-m", "widths")
    result.stderr.fnmatch_lines(["ERROR: -m 'widths' selects no claim: collected topics are sums; see --markers"])


def test_two_different_reports_with_one_id_end_the_session_in_one_line(pytester, project, root):
    root(more=ANOTHER)
    folder = project(f"[{count('Z-sums-x', 'Z')}]", topic="sums")
    (folder / "conftest.py").write_text(ANOTHER.replace("Another report", "Quite another"))
    result = pytester.runpytest("claims")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: two reports have the id 'Z', *: give one of them a different id"])
    assert not (pytester.path / "reports").exists()


@pytest.mark.parametrize("given", ["'Z'", "[1]", "Pack"])
def test_a_hook_that_does_not_return_a_pack_gets_one_line(pytester, project, root, given):
    root(more=ANOTHER.split("    return")[0] + f"    return {given}\n")
    project(f"[{count('Z-sums-x', 'Z')}]", topic="sums")
    result = pytester.runpytest("claims")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pytest_hw1bench_pack returned *: return a hw1bench.Pack"])


def test_a_misspelt_report_in_a_topic_of_a_pack_gets_one_line(pytester, project, root):
    root("hw1bench.sources.pack")
    project(f"[{count('A-counts-x', 'A')}, {count('A-counts-y', 'AA')}, {count('A-counts-z', 'AA')}]", topic="counts")
    result = pytester.runpytest("claims", "-k", "counts-x")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (said,) = [line for line in result.stderr.lines if line.startswith("ERROR")]
    assert f"A-counts-y] names report 'AA', and for topic 'counts' there are {OURS}: name one of these" in said


def test_a_question_that_no_pack_brings_gets_one_line_in_a_topic_of_a_pack(pytester, project, root):
    asks = "\nCLAIMS = [replace(one, question='deep') for one in CLAIMS]\n"
    folder = project(f"[{count('A-counts-x', 'A')}]", topic="counts")
    source = (folder / "test_counts.py").read_text()
    (folder / "test_counts.py").write_text(
        source.replace("\n@pytest.mark.parametrize", f"{asks}\n@pytest.mark.parametrize")
    )
    pytester.runpytest("claims").assert_outcomes(passed=1)  # as nobody says what the topic is
    root("hw1bench.sources.pack")
    result = pytester.runpytest("claims")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (said,) = [line for line in result.stderr.lines if line.startswith("ERROR")]
    assert "A-counts-x] names question 'deep', and there are depth, nets, paths, " in said


@pytest.mark.parametrize("tests", ["claim", "exhibit", "contrast"])
def test_experiments_in_a_topic_of_a_pack_must_name_its_reports(pytester, project, root, tests):
    root("hw1bench.sources.pack")
    lines = {
        "claim": "",
        "exhibit": "\n@pytest.mark.parametrize('exhibit', [WRONG])\ndef test_exhibit(exhibit, court): court.show(exhibit)\n",
        "contrast": """
from hw1bench import CrossReportFigure
@pytest.mark.parametrize("exhibit", [CrossReportFigure(topic="fit", title="", kind="loss", experiments=[WRONG])])
def test_contrast(exhibit, court): court.show(exhibit)
""",
    }
    wrong = "\nfrom dataclasses import replace\nWRONG = replace(TOY, report='Q')\n"
    folder = project("[claim('A-fit-x', 'supported', WRONG)]" if tests == "claim" else "[]", lines[tests])
    source = (folder / "test_fit.py").read_text()
    (folder / "test_fit.py").write_text(source.replace('TOY = experiment("toy")', f'TOY = experiment("toy")\n{wrong}'))
    result = pytester.runpytest("claims")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: * names report 'Q', and for topic 'fit' there are {OURS}: *"])


@pytest.mark.parametrize("plugins", [(), ("hw1bench.sources.pack",)])
def test_claims_without_a_pack_are_shown_with_plain_ids(pytester, project, root, plugins):
    root(*plugins)
    project(f"[{count('mine-x', 'my notes')}]", topic="mine")
    result = pytester.runpytest("claims", "-m", "mine")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["mine", "  mine-x *supported*"])
    found, page = written(pytester)
    assert (found["reports"], found["topics"]) == ([], [])
    assert page.text("topic-mine") == "mine 1 supported"
    assert [span["text"] for span in page.find("span", class_="report")] == ["my notes"]
    assert not page.find("dl", id="reports")


def test_topics_keep_the_order_of_the_pack_from_session_to_session(pytester, project):
    for topic in ("sums", "widths", "another"):
        folder = project(f"[{count(f'Z-{topic}-x', 'Z')}]", topic=topic)
    (folder / "conftest.py").write_text(ANOTHER)
    for topic in ("another", "sums", "widths"):
        pytester.runpytest("claims", "-m", topic).assert_outcomes(passed=1, deselected=5)
    found, page = written(pytester)
    assert ids(found["topics"]) == ["widths", "sums"]
    headings = [" ".join(one["text"].split()) for one in page.find("h3", inside="rows")]
    assert headings == [f"{title} 1 supported" for title in ("Widths of nets", "Sums", "another")]


def test_the_figures_of_an_exhibit_belong_to_the_topic_of_its_file(pytester, project):
    project(
        "[]",
        "\n@pytest.mark.parametrize('exhibit', [TOY])\ndef test_exhibit(exhibit, court): court.show(exhibit)\n",
        "mine",
    )
    pytester.runpytest("claims", "-k", "exhibit").assert_outcomes(passed=1, deselected=3)
    found, page = written(pytester)
    assert {figure["topic"] for figure in found["figures"]} == {"mine"}
    assert len(page.find("img", inside="figures")) == 2
