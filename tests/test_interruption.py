"""Sessions that end early: signals leave a whole report, and kill -9 costs only the block in training."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from hw1bench.report import contract

# One claim that is decided at once, and one whose training would take hours.
TWO = "[claim('A-fit-x', 'supported'), claim('A-fit-y', 'supported', experiment('endless', 10_000_000))]"


def start(pytester):
    # A shell's background jobs, and the processes that they start, ignore SIGINT.
    handling = (
        "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(pytest.main())"
    )
    command = [sys.executable, "-c", handling, "claims", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    environment = {"CXX": "false", "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin", "HOME": str(pytester.path)}
    process = subprocess.Popen(
        command, cwd=pytester.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    blocks = pytester.path / "reports" / "blocks"
    for _ in range(600):
        if list(blocks.glob("*.npz")):
            time.sleep(0.5)  # well into the second claim's training
            return process, blocks
        time.sleep(0.1)
    process.kill()
    raise AssertionError(process.communicate()[0])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_leaves_a_whole_report(pytester, project, number):
    project(TWO)
    process, _ = start(pytester)
    process.send_signal(number)
    sent = time.monotonic()
    if number != signal.SIGINT:  # more signals follow, and must cut nothing short
        for _ in range(3):
            time.sleep(0.1)
            process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert time.monotonic() - sent < 30
    assert process.returncode == 2, output
    assert "2 claims: 1 supported; 1 not run" in output
    assert "Traceback" not in output
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    contract.check(found)
    assert [claim["verdict"] for claim in found["claims"]] == ["supported", "not run"]
    assert found["claims"][1]["note"] == "the session ended before its test"
    assert "not run" in (pytester.path / "reports" / "index.html").read_text()
    assert {path.name for path in (pytester.path / "reports").glob("*.*")} == {
        *("claims.json", "claims.md", "index.html", "junit.xml", "benchmark.json")
    }


def test_a_reader_that_goes_away_costs_nothing(pytester, project):
    project("[claim('A-fit-x', 'supported'), claim('A-fit-y', 'inconclusive')]")
    command = [sys.executable, "-m", "pytest", "claims", "-v", "-p", "no:cacheprovider"]
    process = subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("====")
    process.stdout.close()
    with process.stderr:
        errors = process.stderr.read()
    assert process.wait(timeout=60) == 0, errors
    assert errors == ""
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    assert [claim["verdict"] for claim in found["claims"]] == ["supported", "inconclusive"]


def test_kill_costs_only_the_block_in_training(pytester, project):
    project(TWO)
    process, blocks = start(pytester)
    process.kill()
    process.communicate()
    assert len(list(blocks.glob("*.npz"))) == 1
    pytester.runpytest("claims", "-k", "fit-x").assert_outcomes(passed=1, deselected=3)
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    assert found["claims"][0]["reused"]


TWO_ARMS = """
def two_arms(name):
    protocol = TOY.full
    arms = (replace(protocol.arms[0], name="net"), replace(protocol.arms[0], name="interrupted"))
    full = replace(protocol, arms=arms)
    return replace(TOY, name=name, full=full, quick=replace(full, looks=(8, 16)))


def both(name, experiment):
    return replace(claim(name, "supported", experiment), effect=Effect("made", "parts", lambda runs: 1.0))

"""
SHOWN = """
@pytest.mark.parametrize("exhibit", [two_arms("pair")], ids=attrgetter("id"))
def test_exhibit(exhibit, court):
    court.show(exhibit)
"""


@pytest.mark.parametrize(
    ("claims", "more", "left_out"),
    [
        ("[claim('A-fit-x', 'supported'), both('A-fit-y', two_arms('pair'))]", "", 2),
        ("[claim('A-fit-x', 'supported')]", SHOWN, 0),
    ],
    ids=["claim", "exhibit"],
)
def test_an_interrupted_session_draws_no_figure_of_runs_that_are_not_complete(
    pytester, project, monkeypatch, claims, more, left_out
):
    from hw1bench.training import engine

    train = engine.train

    def interrupted(block, *others, **options):
        if block.arm.name == "interrupted":
            raise KeyboardInterrupt
        return train(block, *others, **options)

    monkeypatch.setattr(engine, "train", interrupted)
    folder = project(claims)
    source = (folder / "test_fit.py").read_text()
    (folder / "test_fit.py").write_text(source.replace("CLAIMS = ", f"{TWO_ARMS}\nCLAIMS = ") + more)
    result = pytester.runpytest_inprocess("claims", no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    text = f"{result.stdout.str()}\n{result.stderr.str()}"
    assert len(re.findall(r"figure figures/A-pair-\w+\.svg is left out: its runs are not complete", text)) == left_out
    assert "could not be drawn" not in text
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    assert [figure["path"] for figure in found["figures"]] == ["figures/A-toy-loss.svg", "figures/A-toy-curves.svg"]
