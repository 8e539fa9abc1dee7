"""Sessions that end early: Ctrl-C leaves a valid report, kill -9 costs the block in hand and no more."""

import json
import signal
import subprocess
import sys
import time

from hw1bench.report import contract

# One claim that is decided at once, and one whose training would take hours.
TWO = "[claim('A-fit-x', 'supported'), claim('A-fit-y', 'supported', experiment('endless', 10_000_000))]"


def start(pytester):
    # A shell's background jobs ignore the signal, and so would what they start.
    heeding = (
        "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(pytest.main())"
    )
    command = [sys.executable, "-c", heeding, "claims", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
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


def test_ctrl_c_leaves_a_valid_report(pytester, project):
    project(TWO)
    process, _ = start(pytester)
    process.send_signal(signal.SIGINT)
    sent = time.monotonic()
    output = process.communicate(timeout=60)[0]
    assert time.monotonic() - sent < 30
    assert process.returncode == 2, output
    assert "2 claims: 1 supported, 1 not run" in output
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    contract.check(found)
    assert [claim["verdict"] for claim in found["claims"]] == ["supported", "not run"]
    assert found["claims"][1]["note"] == "the session ended before it"
    assert "not run" in (pytester.path / "reports" / "index.html").read_text()


def test_kill_costs_the_block_in_hand_and_no_more(pytester, project):
    project(TWO)
    process, blocks = start(pytester)
    process.kill()
    process.communicate()
    assert len(list(blocks.glob("*.npz"))) == 1
    pytester.runpytest("claims", "-k", "fit-x").assert_outcomes(passed=1, deselected=3)
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    assert found["claims"][0]["reused"]
