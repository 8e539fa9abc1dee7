"""Bad input to a session: options, rulings and files of claims. Each gets one clear line with the way out."""

import re
from dataclasses import replace

import pytest

from hw1bench.court import rulings

ONE = "[claim('A-fit-x', 'supported')]"
MIXED = "[claim('A-fit-x', 'supported'), claim('A-fit-y', 'inconclusive'), count('B-count-z', 10)]"
SOURCE = """
import pytest
from hw1bench import Claim, Model
from hw1bench.effects import CountIs

CLAIM = Claim("T-count", report="T", where="1", says="It has 7.", effect=CountIs(Model("[2]"), 7))

@pytest.mark.parametrize("sentence", [CLAIM])
def test_mine(sentence, court):
    court.judge(sentence)
"""


def refused(result, said):
    """Assert that the session was refused in one line, which matches ``said``, without a traceback."""
    text = f"{result.stdout.str()}\n{result.stderr.str()}"
    lines = [line for line in text.splitlines() if line.startswith("ERROR")]
    assert len(lines) == 1, text
    assert re.search(said, lines[0]), lines[0]
    assert "Traceback" not in text
    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--device", "tpu"], "--device 'tpu' is unknown: use auto, cpu or cuda"),
        (["--precision", "exact"], "--precision 'exact' is unknown: use default or strict"),
        (["-m", "fit and not fit"], "-m 'fit and not fit' selects no claim: collected topics are fit; see"),
        (["-k", "nothing"], "-k 'nothing' selects no claim"),
        (["--data-dir", "nowhere"], "--data-dir nowhere is not a directory"),
        (["--report-dir", "taken"], "--report-dir taken cannot be written"),
        (["--max-seeds", "7"], "--max-seeds 7 is below the first look of A-toy: use 8 or more"),
        (["--max-seeds", "many"], "--max-seeds 'many' is not an integer: give one"),
        (["--seed-offset", "9" * 20], "--seed-offset 9+ is too large: use 4,503,599,627,370,496 or less"),
        (["--seed-offset", "-8"], "--seed-offset -8 is negative"),
        (["--record-rulings", "--seed-offset", "8"], "--record-rulings needs seed offset 0, not 8"),
        (
            ["--strict-rulings", "--seed-offset", "8"],
            "--strict-rulings needs seed offset 0, not 8: on seeds other than",
        ),
        (["-m", "gpu or fit"], "one tier per session"),
        (["-m", "gpu", "--device", "cuda"], "no CUDA device here: give --device cpu"),
        (["--device", "cuda"], "no CUDA device here: give --device cpu"),
        (["-n", "2"], "claims do not run under pytest-xdist: leave out -n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_options_get_one_clear_line(pytester, project, monkeypatch, arguments, said):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    project(MIXED)
    (pytester.path / "taken").write_text("a file")
    refused(pytester.runpytest("claims", *arguments), said)


def test_a_bad_data_directory_in_the_environment_is_named(pytester, project, monkeypatch):
    project(ONE)
    monkeypatch.setenv("HW1BENCH_DATA", "nowhere")
    refused(pytester.runpytest("claims"), "nowhere is not a directory.*HW1BENCH_DATA")


def test_a_malformed_rulings_file_is_refused(pytester, project):
    (project(ONE) / rulings.FILE).write_text("{")
    refused(pytester.runpytest("claims"), r"rulings file .*rulings.json is malformed")


@pytest.mark.parametrize("threads", ["two", [2]])
def test_a_ruling_of_an_odd_environment_is_named_by_all_that_read_it(pytester, project, command, threads):
    folder = project(ONE)
    pytester.runpytest("claims", "--record-rulings")
    (one,) = rulings.load(folder / rulings.FILE).values()
    rulings.save(folder / rulings.FILE, [replace(one, environment={**one.environment, "threads": threads})])
    said = (
        rf"rulings.json is malformed \(the ruling on 'A-fit-x' has 'threads' {re.escape(repr(threads))} in its environment, "
        r"not a whole number above 0, or null\): restore it"
    )
    for options in ((), ("--budget", "5"), ("--shard", "1/2"), ("--on-record",)):
        refused(pytester.runpytest("claims", *options), said)
    result = command(pytester.path, "record")
    assert result.returncode == 2
    assert re.search(said, result.stderr.splitlines()[-1])


@pytest.mark.parametrize("selected", ["grad", "report_t and not gpu"])
def test_a_file_that_cannot_be_collected_is_the_last_word_whatever_is_selected(pytester, project, selected):
    project("[1 / 0]", topic="grad")
    result = pytester.runpytest("claims", "-m", selected)
    text = f"{result.stdout.str()}\n{result.stderr.str()}"
    assert "ZeroDivisionError: division by zero" in text
    assert "Unknown marker" not in text
    assert "1 error" in result.outlines[-1]
    project("[]", topic="grad")
    refused(pytester.runpytest("claims", "-m", "misspelt"), "Unknown marker.*misspelt")


def test_rulings_of_files_and_claims_that_were_not_selected_are_left_alone(pytester, project):
    folder = project(MIXED)
    project("[claim('A-fit-other', 'supported')]", topic="grad")
    pytester.runpytest("claims", "--record-rulings")
    pytester.runpytest("claims/test_grad.py").assert_outcomes(passed=1, deselected=1)
    pytester.runpytest("claims", "-k", "fit-x").assert_outcomes(passed=1, deselected=7)
    assert len(rulings.load(folder / rulings.FILE)) == 4


def test_two_claims_with_one_id_are_refused(pytester, project):
    project(ONE)
    project(ONE, topic="grad")
    said = "two claims have the id 'A-fit-x', in claims/test_fit.py and claims/test_grad.py: give each its own id"
    refused(pytester.runpytest("claims"), said)
    for selection in (["-m", "grad and not gpu"], ["-k", "test_fit"], ["--deselect", "claims/test_grad.py"]):
        refused(pytester.runpytest("claims", *selection), said)
    assert not (pytester.path / "reports" / "claims.json").exists()
    pytester.runpytest("claims/test_grad.py").assert_outcomes(passed=1, deselected=1)


@pytest.mark.parametrize("names", [["record"], ["plan"], ["plan", "--cluster"], ["plan", "-m", "grad"]])
def test_two_claims_with_one_id_are_refused_by_commands_too(pytester, project, command, names):
    project(ONE)
    project(ONE, topic="grad")
    found = command(pytester.path, *names)
    assert (found.returncode, found.stdout) == (2, "")
    said = "two claims have the id 'A-fit-x', in claims/test_fit.py and claims/test_grad.py: give each its own id"
    assert found.stderr == f"hw1bench: {said}\n"


def test_a_claim_that_two_files_judge_is_one_claim(pytester, project):
    folder = project(ONE)
    (folder / "test_grad.py").write_text("import pytest\nfrom test_fit import CLAIMS, test_claim\n")
    pytester.runpytest("claims").assert_outcomes(passed=2, deselected=2)


def test_one_of_two_claims_with_one_id_in_a_file_is_refused_too(pytester, project):
    project("[claim('A-fit-x', 'supported'), claim('A-fit-x', 'refuted')]")
    for index in (0, 1):
        result = pytester.runpytest("claims", "-k", f"quick-A-fit-x{index}")
        refused(result, "two claims have the id 'A-fit-x', in claims/test_fit.py: give each its own id")


def test_xdist_works_without_claims(pytester, project):
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest("-n", "1").assert_outcomes(passed=1)


def test_a_claim_under_another_name_is_not_judged_and_the_way_out_is_named(pytester, project):
    (pytester.path / "claims").mkdir()
    (pytester.path / "claims" / "test_mine.py").write_text(SOURCE)
    said = "test_mine.py::test_mine has claim T-count as 'sentence', and would not judge it: parametrize it by 'claim'"
    for arguments in ([], ["--collect-only", "-q"]):
        refused(pytester.runpytest("claims/", *arguments), said)


@pytest.mark.parametrize(
    "marked",
    [
        'argnames="claim", argvalues=CLAIMS',
        '["claim"], [(one,) for one in CLAIMS]',
        '"claim, number", [(one, 1) for one in CLAIMS]',
    ],
)
def test_claims_are_known_however_they_are_parametrized(pytester, project, marked):
    folder = project(ONE)
    source = (folder / "test_fit.py").read_text().replace('"claim", CLAIMS, ids=attrgetter("id")', marked)
    if "number" in marked:
        source = source.replace("def test_claim(claim, court)", "def test_claim(claim, number, court)")
    (folder / "test_fit.py").write_text(source)
    pytester.runpytest("claims").assert_outcomes(passed=1, deselected=1)


def test_a_file_without_claims_does_not_affect_other_files(pytester, project):
    project("[]", topic="grad")
    project(ONE)
    pytester.runpytest("claims").assert_outcomes(passed=1, skipped=2, deselected=1)


def test_an_error_in_an_effect_shows_the_users_steps_and_with_full_trace_the_courts(project, pytester):
    project("[claim('A-fit-x', 'error')]")
    result = pytester.runpytest("claims")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">*court.judge(claim)", ">*raise ZeroDivisionError*", "E * nothing to divide"])
    result.stdout.no_fnmatch_line("*hearing.py*")
    pytester.runpytest("claims", "--full-trace").stdout.fnmatch_lines(["*hearing.py*"])


MISTAKEN_MEASURE = """
from hw1bench import measure


@measure(gives="slope")
def slope(network, data, generator):
    return 0.0


PROTOCOL = replace(TOY.quick, measures=(slope,))
MEASURED = replace(TOY, name="measured", full=PROTOCOL, quick=PROTOCOL, figures=TOY.figures[:1])


@pytest.mark.parametrize("claim", [claim("A-fit-slope", "supported", MEASURED)], ids=["claim"])
def test_slope(claim, court):
    court.judge(claim)


@pytest.mark.parametrize("exhibit", [MEASURED], ids=["exhibit"])
def test_figures(exhibit, court):
    court.show(exhibit)
"""


@pytest.mark.parametrize("test", ["test_slope", "test_figures"])
def test_what_a_check_refuses_after_collection_has_no_step_of_the_court(project, pytester, test):
    project("[]", MISTAKEN_MEASURE)
    result = pytester.runpytest("claims", "-k", test)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([">*court.*", "E * measure 'slope' returns float: return a mapping with slope"])
    result.stdout.no_fnmatch_line("*hw1bench/*.py:*")
