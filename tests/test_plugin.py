"""The plugin as its user sees it: selection, outcomes, and files."""

import json
import re
import runpy

import pytest

from hw1bench.court import rulings
from hw1bench.effects.identity import identity
from hw1bench.executors import local
from hw1bench.report import contract, figures
from sample_ruling import ruling

ONE = "[claim('A-fit-x', 'supported')]"
MIXED = "[claim('A-fit-x', 'supported'), claim('A-fit-y', 'inconclusive'), count('B-count-z', 10)]"
WORDS = ("supported", "refuted", "inconclusive")
OPPOSITE = {"supported": "refuted", "refuted": "supported"}


def document(pytester, folder="reports"):
    found = json.loads((pytester.path / folder / "claims.json").read_text())
    contract.check(found)
    return found


def on_record(folder, **words):
    """Write a rulings file for claims of the folder; ``words`` maps claim ids, with _ for -, to the verdict on record."""
    claims = {claim.id: claim for claim in runpy.run_path(str(folder / "test_fit.py"))["CLAIMS"]}
    entries = [
        ruling(
            name, verdict=word, experiment=claims[name].experiment.key("quick"), effect=identity(claims[name].effect)
        )
        for name, word in ((name.replace("_", "-"), word) for name, word in words.items())
    ]
    rulings.save(folder / rulings.FILE, entries)


# --- selection -------------------------------------------------------------------------------------------------------


def test_ids_begin_with_the_tier_and_the_quick_one_is_the_default(pytester, project):
    project(MIXED)
    result = pytester.runpytest("claims", "--collect-only", "-q")
    result.stdout.fnmatch_lines(["*test_claim[[]quick-A-fit-x]", "*test_claim[[]quick-B-count-z]"])
    result.stdout.no_fnmatch_line("*full-*")
    assert not (pytester.path / "reports").exists()


@pytest.mark.parametrize(
    ("arguments", "selected"),
    [
        (["-m", "fit"], 3),
        (["-m", "report_b"], 1),
        (["-m", "fit and report_a"], 2),
        (["-m", "not report_a"], 1),
        (["-k", "fit-y"], 1),
        (["-m", "gpu"], 3),
        (["-m", "gpu and report_b"], 1),
        (["claims/test_fit.py::test_claim[full-A-fit-x]"], 1),
        (["claims/test_fit.py::test_claim[full-A-fit-x]", "claims/test_fit.py::test_claim[full-A-fit-y]"], 2),
    ],
    ids=str,
)
def test_selection(pytester, project, arguments, selected):
    project(MIXED)
    result = pytester.runpytest(*([] if "::" in arguments[0] else ["claims"]), *arguments, "--collect-only", "-q")
    assert len(re.findall(r"^claims\S*test_claim\[", result.stdout.str(), re.M)) == selected
    tier = "full" if "gpu" in " ".join(arguments) or "full" in arguments[0] else "quick"
    assert f"[{tier}-" in result.stdout.str()


def test_a_users_own_topic_gets_its_marker(pytester, project):
    project(ONE, topic="mine")
    pytester.runpytest("claims", "-m", "mine").assert_outcomes(passed=1, deselected=1)
    assert document(pytester)["claims"][0]["topic"] == "mine"


def test_without_claims_the_plugin_writes_and_deselects_nothing(pytester, project):
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("report: *")
    assert not (pytester.path / "reports").exists()


# --- outcomes --------------------------------------------------------------------------------------------------------

CELLS = {  # verdict -> outcome, and what is said: no ruling, the same, inconclusive, the opposite
    "supported": [
        ("passed", ""),
        ("passed", ""),
        ("passed", "stronger than the ruling"),
        ("failed", "contradicts the ruling (refuted)"),
    ],
    "refuted": [
        ("failed", "refuted, no ruling yet (record it with --record-rulings)"),
        ("xfailed", ""),
        ("xfailed", "stronger than the ruling"),
        ("failed", "contradicts the ruling (supported)"),
    ],
    "inconclusive": [
        ("skipped", ""),
        ("skipped", ""),
        ("skipped", ""),
        ("skipped", "weaker than the ruling (supported)"),
    ],
    "error": [("failed", "ZeroDivisionError: nothing to divide")] * 4,
}


@pytest.mark.parametrize("column", range(4), ids=["no ruling", "same", "inconclusive", "opposite"])
def test_every_cell_of_the_outcome_table(pytester, project, column):
    folder = project("[" + ", ".join(f"claim('A-fit-{word}', '{word}')" for word in CELLS) + "]")
    recorded = {
        f"A_fit_{word}": [word if word != "error" else "supported", "inconclusive", OPPOSITE.get(word, "supported")][
            column - 1
        ]
        for word in CELLS
    }
    on_record(folder, **({} if column == 0 else recorded))
    result = pytester.runpytest("claims", "-rA")
    kinds = [cells[column][0] for cells in CELLS.values()]
    result.assert_outcomes(
        **{kind: kinds.count(kind) for kind in ("passed", "failed", "xfailed", "skipped")}, deselected=len(CELLS)
    )
    found = {claim["verdict"]: claim for claim in document(pytester)["claims"]}
    for word, cells in CELLS.items():
        kind, said = cells[column]
        assert found[word]["outcome"] == kind, word
        assert said in result.stdout.str(), (word, said)


def test_a_contradiction_and_an_error_are_not_covered_by_an_expected_refutation(pytester, project):
    folder = project("[claim('A-fit-x', 'supported'), claim('A-fit-y', 'error')]")
    on_record(folder, A_fit_x="refuted", A_fit_y="refuted")
    result = pytester.runpytest("claims")
    result.assert_outcomes(failed=2, deselected=2)
    result.stdout.fnmatch_lines(["*Contradicts: A-fit-x: contradicts the ruling (refuted)*", "*ZeroDivisionError*"])


def test_an_expected_refutation_fails_with_runxfail(pytester, project):
    folder = project("[claim('A-fit-x', 'refuted')]")
    on_record(folder, A_fit_x="refuted")
    pytester.runpytest("claims", "--runxfail").assert_outcomes(failed=1, deselected=1)


def test_not_run_without_cuda_says_so_and_counts_need_no_device(pytester, project, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    folder = project(MIXED)
    on_record(folder, A_fit_x="supported")
    result = pytester.runpytest("claims", "-m", "gpu", "-rs")
    result.assert_outcomes(skipped=2, passed=1, deselected=3)
    result.stdout.fnmatch_lines(["*no CUDA device here: give --device cpu*"])
    assert [claim["verdict"] for claim in document(pytester)["claims"]] == ["not run", "not run", "supported"]


def test_the_full_tier_runs_on_the_cpu_when_asked(pytester, project):
    project(MIXED)
    pytester.runpytest("claims", "-m", "gpu", "--device", "cpu").assert_outcomes(passed=2, skipped=1, deselected=3)
    found = document(pytester)
    assert found["tier"] == "full"
    assert [claim["looks"] for claim in found["claims"]] == [[8, 16, 32], [8, 16, 32], None]
    assert found["claims"][1]["seeds"] == 32


def test_a_failure_says_what_was_claimed_where_and_what_was_seen(pytester, project):
    project("[claim('A-fit-x', 'refuted', opposite=EFFECTS['supported'])]")
    text = pytester.runpytest("claims").stdout.str()
    for part in (
        "It is refuted.",
        "report A, 1-1",
        "0 of 8 seeds",
        "0.00 to 0.42",
        "-1 -1 -1",
        "figures/A-toy-loss.svg",
    ):
        assert part in text, part
    assert "reversed" in text
    assert "hw1bench/plugin.py" not in text  # the traceback stops at the test


def test_the_figure_of_a_claim_shows_the_thresholds_of_all_claims_on_it(pytester, project, drawn):
    project("[claim('A-fit-x', 'supported'), replace(claim('A-fit-y', 'supported'), effect=loss_below(0.0123, 'net'))]")
    pytester.runpytest("claims", "-k", "fit-x").assert_outcomes(passed=1, deselected=3)
    text = (pytester.path / "reports" / "figures" / "A-toy-loss.svg").read_text()
    for said in (">0.0123<", ">threshold<", ">sinc, 16 points<"):
        assert said in text, said


def test_a_broken_effect_leaves_the_other_claims_unharmed(pytester, project):
    project("[claim('A-fit-x', 'error'), claim('A-fit-y', 'supported')]")
    pytester.runpytest("claims").assert_outcomes(failed=1, passed=1, deselected=2)
    assert [claim["verdict"] for claim in document(pytester)["claims"]] == ["error", "supported"]


# --- rulings ---------------------------------------------------------------------------------------------------------


def test_record_rulings_updates_what_it_judged_then_judges_against_it(pytester, project):
    folder = project("[claim('A-fit-x', 'refuted'), claim('A-fit-y', 'inconclusive'), count('A-fit-z', 10)]")
    on_record(folder, A_fit_x="supported", A_fit_y="supported")
    pytester.runpytest("claims", "-k", "fit-x or fit-z", "--record-rulings").assert_outcomes(
        xfailed=1, passed=1, deselected=4
    )
    found = rulings.load(folder / rulings.FILE)
    assert {name: one.verdict for (name, _), one in found.items()} == {
        "A-fit-x": "refuted",
        "A-fit-y": "supported",
        "A-fit-z": "supported",
    }
    one = found["A-fit-x", "quick"]
    assert (one.topic, one.holds, one.seeds, one.how) == ("fit", 0, 8, "absent")
    assert one.experiment == document(pytester)["claims"][0]["experiment"]
    assert set(one.environment) >= {"isa", "threads", "torch"}
    assert found["A-fit-z", "quick"].environment is None


def test_strict_rulings(pytester, project):
    folder = project(MIXED)
    pytester.runpytest("claims", "--strict-rulings").assert_outcomes(failed=3, deselected=3)
    pytester.runpytest("claims", "--record-rulings")
    pytester.runpytest("claims", "--strict-rulings").assert_outcomes(passed=2, skipped=1, deselected=3)
    path = folder / rulings.FILE
    path.write_text(re.sub(r'("A-fit-y".*?)"inconclusive"', r'\1"supported"', path.read_text()))
    result = pytester.runpytest("claims", "--strict-rulings")
    result.assert_outcomes(passed=2, failed=1, deselected=3)
    result.stdout.fnmatch_lines(["*weaker than the ruling (supported) in the ruling's own environment*"])
    path.write_text(path.read_text().replace('"threads": ', '"threads": 9'))
    pytester.runpytest("claims", "--strict-rulings").assert_outcomes(passed=2, skipped=1, deselected=3)


# --- what a session leaves -------------------------------------------------------------------------------------------


def test_the_report_directory(pytester, project):
    project(MIXED)
    result = pytester.runpytest("claims", "--report-dir", "out", "--seed-offset", "8")
    result.stdout.fnmatch_lines(
        [
            "*benchmark: 1 tests*",
            "*A-fit-x*supported*8/8*1.00 parts*",
            "*A-fit-y*inconclusive*8/16*",
            "3 claims: 2 supported, 1 inconclusive",
            "report: out/index.html",
        ]
    )
    folder = pytester.path / "out"
    assert {path.name for path in folder.iterdir()} == {
        *(
            "claims-details.md",
            "claims.json",
            "claims.md",
            "index.html",
            "junit.xml",
            "benchmark.json",
            "figures",
            "blocks",
        )
    }
    found = document(pytester, "out")
    assert (found["tier"], found["seed_offset"]) == ("quick", 8)
    assert set(found["environment"]) == {"python", "torch", "device", "isa", "threads", "commit", "hw1bench"}
    first = found["claims"][0]
    assert first["level"] == 0.975
    assert first["effect"]["values"] == [1.0] * 8
    assert first["dataset"]["name"] == "sinc, 16 points on [-1, 1]"
    assert first["assumptions"] == ["full batch"]
    assert [figure["path"] for figure in found["figures"]] == ["figures/A-toy-loss.svg", "figures/A-toy-curves.svg"]
    assert first["figure"] == "figures/A-toy-loss.svg"
    assert (folder / first["figure"]).exists()
    assert "A-fit-y" in (folder / "index.html").read_text()


def test_one_timed_row_per_experiment_with_its_later_looks(pytester, project):
    project(f"{MIXED} + [claim('A-fit-w', 'supported'), claim('A-fit-v', 'supported', experiment('other'))]")
    pytester.runpytest("claims").assert_outcomes(passed=4, skipped=1, deselected=5)
    rows = json.loads((pytester.path / "reports" / "benchmark.json").read_text())["benchmarks"]
    assert [row["extra_info"]["experiment"] for row in rows] == ["A-toy", "A-other"]
    assert [len(row["extra_info"]["later_looks_seconds"]) for row in rows] == [1, 0]
    assert rows[0]["stats"]["rounds"] == 1
    # Everything is stored now: no row and no warning, but the file is still written.
    pytester.runpytest("claims").assert_outcomes(passed=4, skipped=1, deselected=5)
    assert json.loads((pytester.path / "reports" / "benchmark.json").read_text())["benchmarks"] == []
    assert all(claim["reused"] for claim in document(pytester)["claims"] if claim["seeds"])


def test_fresh_trains_again_and_gives_the_same_bits(pytester, project):
    project("[Claim('A-fit-x', report='A', where='', says='', experiment=TOY, effect=loss_below(0.2, 'net'))]")
    pytester.runpytest("claims")
    first = document(pytester)["claims"][0]
    pytester.runpytest("claims", "--fresh")
    again = document(pytester)["claims"][0]
    assert (first["reused"], again["reused"]) == (False, False)
    assert first["effect"] == again["effect"]


@pytest.mark.parametrize("name", ["--precision", "--claims-precision"])
def test_the_precision_reaches_the_trainer_and_is_all_one_on_the_cpu(pytester, project, monkeypatch, name):
    project(ONE)
    found = []

    class Trainer(local.LocalTrainer):
        def __init__(self, *arguments, precision, **options):
            found.append(precision)
            super().__init__(*arguments, precision=precision, **options)

    monkeypatch.setattr(local, "LocalTrainer", Trainer)
    for given in ([], [name, "strict"]):
        pytester.runpytest("claims", *given).assert_outcomes(passed=1, deselected=1)
    assert found == ["default", "strict"]
    assert document(pytester)["claims"][0]["reused"]


def test_max_seeds_drops_the_second_look(pytester, project):
    project(MIXED)
    pytester.runpytest("claims", "--max-seeds", "15")
    found = document(pytester)["claims"][1]
    assert (found["seeds"], found["level"], found["verdict"]) == (8, 0.975, "inconclusive")


def test_an_exhibit_is_drawn_without_a_claim(pytester, project):
    more = """
@pytest.mark.parametrize("exhibit", [experiment("shown")], ids=attrgetter("id"))
def test_exhibit(exhibit, court):
    court.show(exhibit)
"""
    project(ONE, more)
    result = pytester.runpytest("claims", "-v")
    result.assert_outcomes(passed=2, deselected=2)
    result.stdout.fnmatch_lines(["*test_exhibit[[]quick-A-shown]*"])
    found = document(pytester)
    assert len(found["claims"]) == 1
    assert "figures/A-shown-loss.svg" in [figure["path"] for figure in found["figures"]]


def test_a_test_that_forgets_to_call_the_court_fails(pytester, project):
    more = """
@pytest.mark.parametrize("exhibit", [experiment("shown")], ids=attrgetter("id"))
def test_exhibit(exhibit, court):
    pass
"""
    folder = project(ONE, more)
    tests = folder / "test_fit.py"
    tests.write_text(tests.read_text().replace("court.judge(claim)", "court.judge"))
    result = pytester.runpytest("claims")
    result.assert_outcomes(failed=2, deselected=2)
    result.stdout.fnmatch_lines(
        [
            "the test ended without judging its claim: call court.judge(claim)",
            "the test ended without showing its exhibit: call court.show(exhibit)",
        ]
    )
    assert document(pytester)["claims"][0]["verdict"] == "error"


def test_a_test_that_shows_the_figures_of_its_claim_has_not_judged_it(pytester, project):
    folder = project(ONE)
    tests = folder / "test_fit.py"
    both = "court.show(claim.experiment); court.judge(claim)"
    tests.write_text(tests.read_text().replace("court.judge(claim)", "court.show(claim.experiment)"))
    result = pytester.runpytest("claims")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["the test ended without judging its claim: call court.judge(claim)"])
    tests.write_text(tests.read_text().replace("court.show(claim.experiment)", both))
    pytester.runpytest("claims").assert_outcomes(passed=1, deselected=1)


def test_a_figure_that_cannot_be_drawn_costs_a_line_not_the_report(pytester, project, drawn, monkeypatch):
    project(ONE)
    monkeypatch.setitem(figures.KINDS, "curves", None)
    result = pytester.runpytest("claims")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["*figures/A-toy-curves.svg could not be drawn*"])
    assert [figure["path"] for figure in document(pytester)["figures"]] == ["figures/A-toy-loss.svg"]


def test_verdict_and_effect_are_properties_of_the_users_own_junit_file(pytester, project):
    project(ONE)
    pytester.runpytest("claims", "--junitxml", "mine.xml")
    text = (pytester.path / "mine.xml").read_text()
    assert '<property name="verdict" value="supported"' in text
    assert '<property name="effect" value="1.0"' in text


@pytest.mark.parametrize(
    "mistake", [["-m", "fit and"], ["-k", "A-fit and"], ["claims", "claims/test_broken.py"]], ids=str
)
def test_a_mistake_does_not_overwrite_the_report(pytester, project, mistake):
    folder = project(ONE)
    pytester.runpytest("claims")
    before = (pytester.path / "reports" / "claims.json").read_text()
    (folder / "test_broken.py").write_text("import nothing_of_that_name")
    if mistake[0] != "claims":
        (folder / "test_broken.py").unlink()
    result = pytester.runpytest("claims", *mistake)
    assert result.ret != 0
    result.stdout.no_fnmatch_line("*not run*")
    assert (pytester.path / "reports" / "claims.json").read_text() == before
