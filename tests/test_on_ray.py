"""Sessions on a real Ray cluster of two nodes on this machine: what they find is what this machine finds by itself, whatever is
killed meanwhile."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hw1bench.records.store import Store

pytest.importorskip("ray")

HERE = Path(__file__).parent
PACK = """
import math

import pytest
import torch

from hw1bench import Arm, Claim, Experiment, Function, Model, Network, Optimizer, Protocol, measure
from hw1bench.effects import Effect, loss_below, lower_loss


def wave(x):
    return [math.sin(3 * value) for value in x]


def net():
    return torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))


@measure(gives="norm")
def norm(network, data, generator):
    return {"norm": float(sum(weight.detach().norm() for weight in network.parameters()))}


def arm(name, model, epochs=30, lr=1e-2):
    data = Function(of=wave, points=20)
    return Arm(name=name, data=data, model=model, loss="mse", optimizer=Optimizer(name="adam", lr=lr), epochs=epochs)


def experiment(name, *arms, **more):
    full = Protocol(arms=arms, looks=(8, 16), **more)
    return Experiment(report="T", name=name, full=full, quick=full)


OWN = experiment("own", arm("net", Network(net)), measures=(norm,))
SLOW = experiment("slow", *(arm(f"{rate:g}", Model("[16,16]"), LONG, rate) for rate in (0.01, 0.003, 0.001, 0.0003)))
CLAIMS = [
    Claim("T-own", report="T", where="1", says="Some.", experiment=OWN, effect=Effect(
        "norm", "", lambda runs: math.sin(1e5 * float(runs["net"].result(norm)["norm"])), ("net",))),
    Claim("T-first", report="T", where="1", says="Low.", experiment=SLOW, effect=loss_below(0.01, "0.01")),
    Claim("T-pair", report="T", where="1", says="Lower.", experiment=SLOW, effect=lower_loss("0.003", than="0.001")),
    Claim("T-last", report="T", where="1", says="Lower.", experiment=SLOW, effect=lower_loss("0.0003", than="0.001")),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_own(claim, court):
    court.judge(claim)
"""
KILLS = 2
LONG = "30_000"  # epochs of a second or less per block


class Nodes:
    """A cluster of so many nodes of one processor, until the end of the context."""

    def __init__(self, number):
        command = [sys.executable, str(HERE / "ray_nodes.py"), str(number)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=ENVIRONMENT,
        )
        self.address = self._process.stdout.readline().strip()

    def __call__(self, command):
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self._process:  # which ends once its input does
            pass


ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "HW1BENCH", "RAY"))},
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": str(HERE.parent),
    "RAY_USAGE_STATS_ENABLED": "0",
}


class Project:
    """A folder with the pack, in which sessions are held in processes of their own."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "claims").mkdir()
        (folder / "claims" / "test_own.py").write_text(PACK.replace("LONG", LONG))

    def start(self, reports, *given):
        # A shell's background jobs, and the processes that they start, ignore SIGINT.
        begin = "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(pytest.main())"
        command = [sys.executable, "-c", begin, "claims", "-p", "pytest_hw1bench", "-p", "no:cacheprovider"]
        return subprocess.Popen(
            [*command, "--report-dir", reports, *given],
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, reports, *given):
        return self.start(reports, *given).communicate(timeout=300)[0]

    def found(self, reports):
        """What the session of ``reports`` found, as far as it must not depend on where it trained; and the names of its
        records."""
        document = json.loads((self.folder / reports / "claims.json").read_text())
        kept = ("id", "verdict", "how", "holds", "seeds", "effect", "dataset", "environment", "note")
        claims = [{name: claim.get(name) for name in kept} for claim in document["claims"]]
        return claims, {path.name for path in (self.folder / reports).glob("blocks/*")}

    def records(self, reports):
        store = Store(self.folder / reports / "blocks")
        names = sorted(path.stem for path in store.folder.iterdir())
        return {name: {array: kept.tobytes() for array, kept in store.get(name).arrays.items()} for name in names}


def at_work():
    """The processes of Ray that carry out an order."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                if (path / "cmdline").read_bytes().startswith(b"ray::_begin"):
                    found.append(int(path.name))
            except OSError:
                continue
    return found


def until(condition, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("project"))
    made.run("local")
    return made


def test_two_nodes_find_what_one_machine_finds_though_a_process_and_a_node_are_killed(project):
    with Nodes(2) as nodes:
        session = project.start("killed", "--executor", f"ray://{nodes.address}")
        until(at_work)
        os.kill(at_work()[0], signal.SIGKILL)
        until(lambda: len(list((project.folder / "killed" / "blocks").glob("*.npz"))) > 2)
        assert nodes("kill 1") == "killed"
        said = session.communicate(timeout=300)[0]
        assert "cluster is lost" not in said
        assert project.found("killed") == project.found("local")
        assert project.records("killed") == project.records("local")
        # Everything is there: nothing is trained anew.
        before = {path: path.stat().st_mtime_ns for path in (project.folder / "killed" / "blocks").iterdir()}
        project.run("killed", "--executor", f"ray://{nodes.address}")
        assert {path: path.stat().st_mtime_ns for path in (project.folder / "killed" / "blocks").iterdir()} == before


def test_sessions_killed_at_random_moments_lose_nothing_and_come_to_equal_results(project):
    with Nodes(1) as nodes:
        on_ray = ("--executor", f"ray://{nodes.address}")
        start = time.monotonic()
        project.run("undisturbed", *on_ray)
        took = time.monotonic() - start
        for place in range(KILLS):
            session = project.start("resumed", *on_ray)
            time.sleep((place + random.random()) / KILLS * took)
            session.kill()
            session.communicate()
            until(lambda: not at_work(), 60)  # what a session has submitted ends with it
        said = project.run("resumed", *on_ray)
        assert "damaged" not in said
        assert project.found("resumed") == project.found("local")
        assert project.records("resumed") == project.records("local")


def test_a_session_outlives_its_cluster(project):
    with Nodes(1) as nodes:
        session = project.start("lost", "--executor", f"ray://{nodes.address}")
        until(at_work)
        nodes("kill 0")
        said = session.communicate(timeout=300)[0]
    assert len(re.findall(r"the Ray cluster is lost \(.+\): the session goes on on this machine", said)) == 1
    assert project.found("lost") == project.found("local")


def test_an_interrupted_session_gives_its_cluster_back_and_leaves_a_report(project):
    with Nodes(1) as nodes:
        session = project.start("interrupted", "--executor", f"ray://{nodes.address}")
        until(at_work)
        session.send_signal(signal.SIGINT)
        said = session.communicate(timeout=60)[0]
        assert nodes("free") == "1.0"
    assert "KeyboardInterrupt" in said
    assert "lost" not in said
    claims, _ = project.found("interrupted")
    assert [claim["id"] for claim in claims] == ["T-own", "T-first", "T-pair", "T-last"]
    assert "not run" in {claim["verdict"] for claim in claims}


def test_a_session_that_is_interrupted_while_its_cluster_starts_leaves_no_process(project):
    def bridges():
        return subprocess.run(["pgrep", "-f", "hw1bench.executors.bridge"], capture_output=True, text=True).stdout

    before = bridges()
    session = project.start("early", "--executor", "ray")
    until(lambda: bridges() != before)
    session.send_signal(signal.SIGINT)
    said = session.communicate(timeout=60)[0]
    assert "lost" not in said
    assert bridges() == before
