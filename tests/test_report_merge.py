"""A session adds to the report that lies there: what is replaced, what stands, what is left behind."""

import json

import pytest

from hw1bench import report
from hw1bench.report import contract, merge
from hw1bench.support import json_file
from sample_document import STARTED, claim, document, figure

TWO = "[claim('A-fit-x', 'supported'), claim('A-fit-y', 'inconclusive'), count('A-fit-z', 10)]"


def earlier(*claims, known=None, **more):
    found = merge.earlier(document(*claims, **more), "quick", 0, known or merge.Known())
    assert found is not None
    return found


def ids(found):
    return [one["id"] for one in found["claims"]]


def test_a_claim_judged_again_replaces_the_old_one_in_its_place():
    before = earlier(claim("A-fit-a"), claim("A-fit-b"), claim("A-fit-c"))
    whole = merge.added(before, document(claim("A-fit-d"), claim("A-fit-b", verdict="refuted")))
    assert ids(whole) == ["A-fit-a", "A-fit-b", "A-fit-c", "A-fit-d"]
    assert whole["claims"][1]["verdict"] == "refuted"


@pytest.mark.parametrize(
    ("old", "new", "stands"),
    [
        ("supported", "not run", "supported"),
        ("error", "not run", "error"),
        ("not run", "not run", "new"),
        ("not run", "refuted", "refuted"),
        ("supported", "error", "error"),
    ],
)
def test_a_claim_that_could_not_be_run_replaces_no_verdict(old, new, stands):
    whole = merge.added(
        earlier(claim("A-fit-a", verdict=old, note="old")), document(claim("A-fit-a", verdict=new, note="new"))
    )
    (found,) = whole["claims"]
    assert (found["verdict"] if stands != "new" else found["note"]) == stands


OWN = ("key", "e5d0", "as reported")


@pytest.mark.parametrize(
    "known",
    [
        {"A-fit-b": OWN},
        {"A-fit-a": ("another key", *OWN[1:])},
        {"A-fit-a": (None, *OWN[1:])},
        {"A-fit-a": ("key", "another effect", "as reported")},
        {"A-fit-a": ("key", "e5d0", "reduced")},
        {},
    ],
)
def test_a_claim_that_is_gone_or_has_another_experiment_or_effect_is_left_behind(known):
    figures = [
        figure("A", "1", "Loss", "figures/A-fit-sinc-loss.svg"),
        figure("A", "2", "Other", "figures/A-fit-other-loss.svg"),
    ]
    before = earlier(claim("A-fit-a", experiment="key"), known=merge.Known(known, frozenset(["fit"])), figures=figures)
    assert (list(before.claims), before.left) == ([], ["A-fit-a"])
    assert [figure["path"] for figure in before.figures] == ["figures/A-fit-other-loss.svg"]


@pytest.mark.parametrize(
    "known",
    [
        merge.Known(),
        merge.Known({"A-fit-b": OWN}),
        merge.Known({"A-grad-a": OWN}, frozenset(["grad"])),
        merge.Known({"A-fit-a": OWN}, frozenset(["fit"])),
    ],
)
def test_a_claim_of_a_file_that_was_not_collected_stands(known):
    assert earlier(claim("A-fit-a", experiment="key"), known=known).left == []


def test_a_claim_whose_entry_does_not_name_its_effect_is_left_behind():
    entry = claim("A-fit-a", experiment="key")
    del entry["effect_digest"]
    assert earlier(entry, known=merge.Known({"A-fit-a": OWN})).left == ["A-fit-a"]
    assert earlier(entry).left == []


def test_a_figure_drawn_again_is_there_once():
    path = "figures/A-fit-sinc-loss.svg"
    before = earlier(claim("A-fit-a"), figures=[figure("A", "1", "old", path)])
    whole = merge.added(before, document(claim("A-fit-a"), figures=[figure("A", "1", "new", path)]))
    assert [one["title"] for one in whole["figures"]] == ["new"]


@pytest.mark.parametrize(("tier", "offset"), [("full", 0), ("quick", 8)])
def test_another_tier_or_other_seeds_are_not_added_to(tier, offset):
    assert merge.earlier(document(claim("A-fit-a")), tier, offset, merge.Known()) is None


def test_descriptions_of_reports_and_topics_are_the_sessions_then_the_earlier_ones():
    about = {"title": "old", "source": "", "url": ""}
    before = earlier(
        claim("A-size-a", report="A"),
        claim("B-fit-b", report="B"),
        reports=[{"id": name, **about} for name in "ABC"],
        topics=[{"id": name, "title": "old"} for name in ("size", "fit", "path")],
        figures=[],
    )
    session = document(
        claim("A-grad-c", report="A"),
        reports=[{"id": name, **about, "title": "new"} for name in "DA"],
        topics=[{"id": name, "title": "new"} for name in ("fit", "grad", "task")],
        figures=[],
    )
    whole = merge.added(before, session)
    assert [(one["id"], one["title"]) for one in whole["reports"]] == [("A", "new"), ("B", "old")]
    assert [(one["id"], one["title"]) for one in whole["topics"]] == [("fit", "new"), ("grad", "new"), ("size", "old")]


def test_an_older_report_without_descriptions_is_added_to():
    old = document(claim("A-fit-a"))
    del old["reports"], old["topics"]
    before = merge.earlier(old, "quick", 0, merge.Known())
    assert [one["id"] for one in merge.added(before, document(claim("B-task-b"), figures=[]))["topics"]] == [
        "fit",
        "task",
    ]


# --- in sessions -----------------------------------------------------------------------------------------------------


def whole(pytester):
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    contract.check(found)
    return found


def test_a_session_of_one_claim_adds_to_the_report_of_all(pytester, project):
    project(TWO)
    pytester.runpytest("claims")
    before = whole(pytester)
    result = pytester.runpytest("claims", "-k", "fit-x")
    result.stdout.fnmatch_lines(["1 claim: 1 supported", "report: reports/index.html (2 more from earlier sessions)"])
    result.stdout.no_fnmatch_line("*fit-y*")
    after = whole(pytester)
    assert ids(after) == ids(before)
    assert after["claims"][0]["reused"]
    assert after["claims"][1:] == before["claims"][1:]
    # The session had 8 seeds at hand, the figure that lies there shows 16.
    assert after["figures"] == before["figures"]


def test_a_session_of_another_tier_says_that_it_replaces_the_report(pytester, project):
    project(TWO)
    pytester.runpytest("claims")
    result = pytester.runpytest("claims", "-m", "gpu", "--device", "cpu", "-k", "fit-z")
    result.stdout.fnmatch_lines(["*is a report of the quick tier from seed 0, 3 claims: it is replaced;*"])
    assert ids(whole(pytester)) == ["A-fit-z"]


def files(pytester):
    return {path: path.read_bytes() for path in (pytester.path / "reports").rglob("*") if path.is_file()}


EXHIBIT = """
@pytest.mark.parametrize("exhibit", [TOY])
def test_exhibit(exhibit, court):
    court.show(exhibit)
"""


@pytest.mark.parametrize(
    "options",
    [
        ("-m", "gpu"),
        ("-m", "gpu", "--strict-rulings"),
        ("--seed-offset", "8", "--shard", "3/3"),
        ("--seed-offset", "64", "--budget", "1e-9", "-k", "fit-x"),
        ("--seed-offset", "8", "-k", "exhibit"),
    ],
    ids=" ".join,
)
def test_a_session_that_judges_nothing_leaves_another_report(pytester, project, monkeypatch, options):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    project(TWO, EXHIBIT)
    pytester.runpytest("claims")
    before = files(pytester)
    result = pytester.runpytest("claims", *options)
    blocks = pytester.path / "reports" / "blocks"
    assert {
        path: content for path, content in files(pytester).items() if path.parent != blocks or path in before
    } == before
    told = "*is a report of the quick tier from seed 0, 3 claims: it is left as it is, because no claim that needs runs was *"
    place = "no report of this session: reports/index.html is as it was"
    result.stdout.fnmatch_lines([told, place])
    result.stdout.no_fnmatch_line("*is replaced*")
    assert result.ret == ("--strict-rulings" in options)
    assert pytester.runpytest("claims", *options, "--report-dir", "other").ret == result.ret
    assert json.loads((pytester.path / "other" / "claims.json").read_text())["claims"] is not None


def test_a_session_that_judges_nothing_leaves_a_report_that_it_cannot_read_as_one(pytester, project, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    project(TWO)
    (pytester.path / "reports").mkdir()
    (pytester.path / "reports" / "claims.json").write_text('{"schema": 1000}')
    result = pytester.runpytest("claims", "-m", "gpu")
    result.stdout.fnmatch_lines(
        ["*the report there cannot be extended (*): it is left as it is, because no claim that needs runs was judged"]
    )
    assert {path.name: content for path, content in files(pytester).items()} == {"claims.json": b'{"schema": 1000}'}


@pytest.mark.parametrize("kind", ["refused", "folder"])
def test_a_report_that_may_not_be_read_is_refused_before_anything_trains(pytester, project, monkeypatch, kind):
    project(TWO)
    path = pytester.path / "reports" / "claims.json"
    path.parent.mkdir()
    if kind == "folder":
        path.mkdir()
    else:
        path.write_text("there")

        def refuse(path):
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr("hw1bench.session.earlier.open_regular", refuse)
    result = pytester.runpytest("claims")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    why = "it is not a regular file" if kind == "folder" else "Permission denied"
    assert [line for line in result.stderr.lines if line.strip()] == [
        f"ERROR: --report-dir reports has a claims.json that cannot be read ({why}): make it readable, or name a different folder"
    ]
    assert list((pytester.path / "reports").rglob("*")) == [path]


def test_a_report_that_becomes_unreadable_meanwhile_is_not_replaced(pytester, project, monkeypatch):
    def refuse(path, read=json_file.read):
        if path.name != "claims.json":
            return read(path)
        raise PermissionError(13, "Permission denied", str(path))

    project("[count('A-fit-z', 10)]")
    pytester.runpytest("claims")
    before = files(pytester)
    monkeypatch.setattr(json_file, "read", refuse)
    result = pytester.runpytest("claims")
    assert result.ret == 74
    result.stdout.fnmatch_lines(
        ["1 claim: 1 supported", "ERROR: the report in reports could not be written (Permission denied): run again *"]
    )
    assert files(pytester) == before


def test_a_claim_that_was_removed_leaves_the_report_and_is_named(pytester, project):
    project(TWO)
    pytester.runpytest("claims")
    project("[claim('A-fit-x', 'supported'), count('A-fit-z', 10)]")
    result = pytester.runpytest("claims", "-k", "fit-x")
    result.stdout.fnmatch_lines(["*claims that are gone or have changed, which are now left out: A-fit-y*"])
    assert ids(whole(pytester)) == ["A-fit-x", "A-fit-z"]


@pytest.mark.parametrize(
    "there", ["{", "[]", '{"schema": 1}', "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]
)
def test_a_damaged_report_is_replaced_and_said(pytester, project, there):
    project("[count('A-fit-z', 10)]")
    (pytester.path / "reports").mkdir()
    (pytester.path / "reports" / "claims.json").write_text(there)
    result = pytester.runpytest("claims")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["*the report there cannot be extended (*claims.json*): it is replaced*"])
    assert ids(whole(pytester)) == ["A-fit-z"]


def test_a_session_of_a_part_of_a_file_leaves_the_rest(pytester, project):
    listed = "[pytest.param(claim(f'A-fit-{name}', 'supported'), id=name) for name in 'xyz']"
    folder = project(listed)
    source = (folder / "test_fit.py").read_text().replace(', ids=attrgetter("id")', "")
    (folder / "test_fit.py").write_text(source)
    pytester.runpytest("claims")
    result = pytester.runpytest("claims/test_fit.py::test_claim[quick-x]")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*gone*")
    assert ids(whole(pytester)) == ["A-fit-x", "A-fit-y", "A-fit-z"]


def test_two_folders_may_have_files_of_one_topic(pytester, project):
    folder = project("[claim('A-fit-x', 'supported')]")
    other = pytester.path / "other"
    other.mkdir()
    (other / "test_fit.py").write_text((folder / "test_fit.py").read_text().replace("A-fit-x", "A-fit-y"))
    pytester.runpytest("claims", "other", "--import-mode=importlib")
    pytester.runpytest("claims", "other", "--import-mode=importlib", "-k", "fit-y")
    assert ids(whole(pytester)) == ["A-fit-x", "A-fit-y"]


def test_what_another_session_wrote_meanwhile_is_added_to(pytester, project, monkeypatch):
    from hw1bench.session.sitting import Sitting

    project("[claim('A-fit-x', 'supported')]")
    close = Sitting.close

    def closing(sitting, *rest):
        found = close(sitting, *rest)
        report.write(document(claim("A-grad-y", judged=STARTED), figures=[]), pytester.path / "reports")
        return found

    monkeypatch.setattr(Sitting, "close", closing)
    pytester.runpytest("claims")
    assert ids(whole(pytester)) == ["A-grad-y", "A-fit-x"]


def test_junit_has_the_tests_of_this_session_whatever_is_kept(pytester, project):
    skip = """
@pytest.fixture(autouse=True)
def around(request):
    if request.config.getoption("verbose"):
        pytest.skip("not today")
"""
    project("[claim('A-fit-x', 'supported')]", skip)
    pytester.runpytest("claims")
    pytester.runpytest("claims", "-v").assert_outcomes(skipped=1, deselected=1)
    assert whole(pytester)["claims"][0]["verdict"] == "supported"
    assert "not today" in (pytester.path / "reports" / "junit.xml").read_text()


def test_a_claim_with_another_effect_now_leaves_the_report_and_each_entry_keeps_what_trained_it(pytester, project):
    project(TWO)
    pytester.runpytest("claims")
    before = whole(pytester)["claims"]
    assert before[0]["environment"] == before[1]["environment"]
    assert (before[0]["environment"]["device"], before[2]["environment"]) == ("cpu", None)
    project(TWO.replace("inconclusive", "refuted"))
    result = pytester.runpytest("claims", "-k", "fit-x")
    result.stdout.fnmatch_lines(["*claims that are gone or have changed, which are now left out: A-fit-y*"])
    assert ids(whole(pytester)) == ["A-fit-x", "A-fit-z"]
