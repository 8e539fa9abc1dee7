"""Faults that can be known at collection: they end the session in one line before anything trains."""

import pytest

MISREAD = """
def misread(runs):
    return runs["net"].history("trian_loss")[-1]

MISREADING = Effect("misread", "nats", misread, ("net",))
CLAIMS = [Claim("A-fit-x", report="A", where="1", says="It.", experiment=TOY, effect=MISREADING)]
"""
TWINS = """
def named(name, epochs):
    return Claim(name, report="A", where="1", says="It.", experiment=experiment("toy", epochs), effect=loss_below(1, "net"))

CLAIMS = [named("A-fit-x", 3), named("A-fit-y", 4)]
"""
FIGURE = """
from dataclasses import replace

SHOWN = replace(TOY, figures=[Figure(number="1", title="Accuracy", kind="accuracies")])
CLAIMS = [claim("A-fit-x", "supported", SHOWN), claim("A-fit-y", "supported", SHOWN)]
"""
TEST = """
@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_mistaken(claim, court):
    court.judge(claim)
"""
FAULTS = {
    "an effect": (MISREAD, "claim A-fit-x: its effect cannot be computed *: arm 'net' has no history 'trian_loss': *"),
    "a name": (TWINS, "two different experiments have the id A-toy: give one a different name"),
    "a figure": (FIGURE, "experiment A-toy: figure accuracies of kind accuracies needs train_accuracy*"),
}  # fmt: skip


@pytest.mark.parametrize(("mistake", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_ends_the_session_before_it_trains(pytester, project, mistake, said):
    project("[count('B-count-z', 10)]", mistake + TEST)
    result = pytester.runpytest("claims")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}"])
    assert not (pytester.path / "reports").exists()


def test_a_faulty_claim_that_is_not_selected_does_no_harm(pytester, project):
    project("[claim('A-fit-z', 'supported')]", MISREAD.replace("CLAIMS =", "MORE =") + TEST.replace("CLAIMS", "MORE"))
    pytester.runpytest("claims", "-k", "A-fit-z").assert_outcomes(passed=1, deselected=3)


def test_a_bad_specification_is_an_error_of_its_file(pytester, project):
    project(
        "[count('B-count-z', 10)]",
        "Arm(name='net', data=Function(name='sinc'), model='[5]', loss='mse', optimizer=None, epochs=1)\n",
    )
    result = pytester.runpytest("claims")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["claims/test_fit.py:*: Arm 'net' model is '[[]5]': give a Model or a Network"])
    result.stdout.no_fnmatch_line("E  *")
    result = pytester.runpytest("claims", "--full-trace")
    result.stdout.fnmatch_lines(["E * ValueError: Arm 'net' model is '[[]5]': give a Model or a Network"])


def test_reading_a_missing_attribute_of_a_run_lists_what_it_has(pytester, project):
    folder = project("[claim('A-fit-x', 'supported')]")
    path = folder / "test_fit.py"
    path.write_text(
        path.read_text().replace('"supported": lambda runs: 1.0', '"supported": lambda runs: runs["net"].loss')
    )
    result = pytester.runpytest("claims")
    said = "*'Run' object has no attribute 'loss'; its numbers are in run.arrays: train_loss*"
    result.stderr.fnmatch_lines([f"ERROR: claim A-fit-x: {said}"])
