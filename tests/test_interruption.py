"""Sessions that end early: signals leave a whole report, and kill -9 costs only the block in training."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

import forked
from hw1bench.report import contract
from test_resident import CUDA

# Nets that no kernel for fits trains, because of the schedule: a GPU trains them by replays of its graphs, a CPU by torch.
REPLAYED = """
from hw1bench import StepLR
from hw1bench.effects import lower_loss


def replayed(name, epochs, arms=("net",)):
    toy = experiment(name, epochs)
    arm = replace(
        toy.full.arms[0],
        data=Function(name="sinc", points=100),
        batch_size=10,
        schedule=StepLR(every=1_000_000, factor=0.5),
    )
    rates = [Optimizer(name="adam", lr=1e-2 / (1 + place)) for place in range(len(arms))]
    both = tuple(replace(arm, name=name, optimizer=rate) for name, rate in zip(arms, rates, strict=True))
    full = replace(toy.full, arms=both, looks=(8,))
    return replace(toy, name=name, full=full, quick=full)


"""
# One claim that is decided at once, and one whose training would take hours.
TWO = "[claim('A-fit-x', 'supported', replayed('short', 3)), claim('A-fit-y', 'supported', replayed('endless', 10_000_000))]"
QUIET = ("-p", "no:cacheprovider", "-p", "no:faulthandler")
EACH_DEVICE = pytest.mark.parametrize("device", ["cpu", CUDA])


@pytest.fixture
def replaying(project):
    """Makes a project of claims on ``replayed`` nets."""

    def make(claims):
        path = project(claims) / "test_fit.py"
        path.write_text(path.read_text().replace("CLAIMS = ", f"{REPLAYED}CLAIMS = ", 1))
        (path.parent / "conftest.py").write_text(
            "from pathlib import Path\n\n\ndef pytest_runtest_logfinish():\n    Path('judged').touch()\n"
        )

    return make


def session(device, reports):
    """The arguments of a session of the full tier with its report in the folder ``reports``."""
    return ["claims", "-m", "gpu", "--device", device, "--report-dir", reports]


def started(pytester, device, reports="reports"):
    """Start a session, and return it and its folder of blocks when it has judged its first claim."""
    process = forked.begin(pytester.path, *session(device, reports), *QUIET)
    blocks = pytester.path / reports / "blocks"
    for _ in range(4500):
        if (pytester.path / "judged").exists():
            process.run((process.spent or 0) + 0.2)  # into the second claim's training
            return process, blocks
        if process.spent is None:
            break
        time.sleep(0.02)
    process.send(signal.SIGKILL)
    raise AssertionError(process.said)


@EACH_DEVICE
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_leaves_a_whole_report(pytester, replaying, number, device):
    replaying(TWO)
    process, blocks = started(pytester, device)
    process.send(number)
    sent = time.monotonic()
    if number != signal.SIGINT:  # more signals follow, and must cut nothing short
        for _ in range(3):
            time.sleep(0.1)
            process.send(signal.SIGINT)
    status, output = process.ended(), process.said
    assert time.monotonic() - sent < 30
    assert status == 2, output
    assert "2 claims: 1 supported; 1 not run" in output
    assert "Traceback" not in output
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    contract.check(found)
    assert [claim["verdict"] for claim in found["claims"]] == ["supported", "not run"]
    assert found["claims"][1]["note"] == "the session ended before its test"
    assert "not run" in (pytester.path / "reports" / "index.html").read_text()
    assert len(list(blocks.glob("*.npz"))) == 1
    assert {path.name for path in (pytester.path / "reports").glob("*.*")} == {
        *("claims-details.md", "claims.json", "claims.md", "index.html", "junit.xml", "benchmark.json")
    }


def test_a_reader_that_goes_away_costs_nothing(pytester, project):
    project("[count('B-count-y', 10), count('B-count-z', 10)]")  # which need no torch
    command = [sys.executable, "-m", "pytest", "claims", "-v", "-p", "no:benchmark", "-p", "no:hypothesispytest"]
    process = subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("====")
    process.stdout.close()
    with process.stderr:
        errors = process.stderr.read()
    assert process.wait(timeout=60) == 0, errors
    assert errors == ""
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    assert [claim["verdict"] for claim in found["claims"]] == ["supported", "supported"]


# The verdicts of the second and third rest on what their training gives.
RULED = """[
    replace(
        claim(f"A-fit-{name}", "supported", replayed(name, epochs, ("net", "slow"))),
        effect=lower_loss("net", than="slow"),
    )
    for name, epochs in (("first", 3), ("second", EPOCHS), ("third", 8))
]"""
EPOCHS = {"cpu": 30, "cuda": 1_000}  # epochs that take some seconds


def verdicts(pytester, reports):
    """The verdict and the effects of each claim of a report."""
    found = json.loads((pytester.path / reports / "claims.json").read_text())
    return {claim["id"]: (claim["verdict"], claim["effect"]) for claim in found["claims"]}


@EACH_DEVICE
def test_after_a_kill_the_next_session_goes_on_to_the_same_verdicts_and_effects(pytester, replaying, device):
    replaying(RULED.replace("EPOCHS", str(EPOCHS[device])))
    process, blocks = started(pytester, device)
    process.send(signal.SIGKILL)
    process.ended()
    kept = {each: each.stat().st_mtime_ns for each in blocks.glob("*.npz")}
    assert 1 <= len(kept) < 6
    for reports in ("reports", "undisturbed"):
        result = pytester.runpytest_inprocess(*session(device, reports))
        assert result.ret in (0, 1), result.stdout  # without rulings, a claim that is not supported fails
    assert {each: each.stat().st_mtime_ns for each in kept} == kept
    assert len(list(blocks.glob("*.npz"))) == 6
    resumed = verdicts(pytester, "reports")
    assert resumed.keys() == {"A-fit-first", "A-fit-second", "A-fit-third"}
    assert all(len(effect["values"]) == 8 and any(effect["values"]) for _, effect in resumed.values())
    assert resumed == verdicts(pytester, "undisturbed")


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
