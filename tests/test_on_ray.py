"""Sessions on a real Ray cluster of two nodes on this machine: what they find is what this machine finds by itself, whatever is
killed meanwhile. All tests share a cluster, which loses one node in the first of them, and in the last the other."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import forked
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
STARTS = 8.0  # seconds in which a session has joined the cluster and trains, on a quiet machine
LONG = "10_000"  # epochs, which take a block less than a second


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


class Project:
    """A folder with the pack, in which sessions are held in their own processes, on the cluster at ``address`` if any."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "claims").mkdir()
        (folder / "claims" / "test_own.py").write_text(PACK.replace("LONG", LONG))

    def start(self, reports, address=""):
        on = ["--executor", address] if address else []
        given = ("claims", "-p", "pytest_hw1bench", "-p", "no:cacheprovider", "--report-dir", reports, *on)
        return forked.begin(self.folder, *given, output=self.folder / f"{reports}.log")

    def run(self, reports, address=""):
        session = self.start(reports, address)
        session.ended()
        return session.said

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


@pytest.fixture(autouse=True, scope="module")
def environment():
    """What the processes of the cluster and of its sessions find in their environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith(("PYTEST_ADDOPTS", "PYTEST_XDIST", "HW1BENCH", "RAY")):
                patch.delenv(name)
        patch.setenv("CXX", "none")  # nets of so few weights are not worth compiling
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("PYTHONPATH", str(HERE.parent))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_worker_niceness", "0")  # by default 15: beside other tests they would wait for minutes
        yield


@pytest.fixture(scope="module")
def nodes(environment):
    with Nodes(2) as found:
        yield found


@pytest.fixture(scope="module")
def project(environment, tmp_path_factory):
    made = Project(tmp_path_factory.mktemp("project"))
    made.run("local")
    return made


def blocks(project, reports):
    return list((project.folder / reports / "blocks").glob("*.npz"))


def test_two_nodes_find_what_one_machine_finds_though_a_process_and_a_node_are_killed(project, nodes):
    session = project.start("killed", f"ray://{nodes.address}")
    until(at_work)
    os.kill(at_work()[0], signal.SIGKILL)
    until(lambda: len(blocks(project, "killed")) > 2)
    assert nodes("kill 1") == "killed"
    session.ended()
    assert "cluster is lost" not in session.said
    assert project.found("killed") == project.found("local")
    assert project.records("killed") == project.records("local")
    assert nodes("alive 1") == "alive"  # a session that joined before would be refused, for a node that does not answer


def test_what_is_there_is_not_trained_anew(project, nodes):
    shutil.copytree(project.folder / "local" / "blocks", project.folder / "again" / "blocks")
    before = {path: path.stat().st_mtime_ns for path in blocks(project, "again")}
    project.run("again", f"ray://{nodes.address}")
    assert {path: path.stat().st_mtime_ns for path in blocks(project, "again")} == before
    assert project.found("again") == project.found("local")


def test_sessions_killed_at_random_moments_lose_nothing_and_come_to_equal_results(project, nodes):
    address = f"ray://{nodes.address}"
    every = len(blocks(project, "local"))
    # The first is killed while it starts, joins the cluster and waits for a record; the others are, with some records home.
    for least in (0, random.randrange(1, every)):
        session = project.start("resumed", address)
        until(lambda least=least, session=session: session.spent is None or len(blocks(project, "resumed")) >= least)
        time.sleep(random.random() * (0.5 if least else STARTS))
        session.send(signal.SIGKILL)
        session.ended()
        until(lambda: not at_work(), 60)  # what a session has submitted ends with it
    said = project.run("resumed", address)
    assert "damaged" not in said
    assert project.found("resumed") == project.found("local")
    assert project.records("resumed") == project.records("local")


def test_an_interrupted_session_gives_its_cluster_back_and_leaves_a_report(project, nodes):
    session = project.start("interrupted", f"ray://{nodes.address}")
    until(at_work)
    session.send(signal.SIGINT)
    session.ended()
    assert nodes("free") == "1.0"
    assert "KeyboardInterrupt" in session.said
    assert "lost" not in session.said
    claims, _ = project.found("interrupted")
    assert [claim["id"] for claim in claims] == ["T-own", "T-first", "T-pair", "T-last"]
    assert "not run" in {claim["verdict"] for claim in claims}


def test_a_session_outlives_its_cluster(project, nodes):
    session = project.start("lost", f"ray://{nodes.address}")
    until(at_work)
    nodes("kill 0")
    session.ended()
    assert len(re.findall(r"the Ray cluster is lost \(.+\): the session goes on on this machine", session.said)) == 1
    assert project.found("lost") == project.found("local")


def test_a_session_that_is_interrupted_while_its_cluster_starts_leaves_no_process(project):
    def bridges():
        return subprocess.run(["pgrep", "-f", "hw1bench.executors.bridge"], capture_output=True, text=True).stdout

    before = bridges()
    session = project.start("early", "ray")
    until(lambda: bridges() != before)
    session.send(signal.SIGINT)
    session.ended()
    assert "lost" not in session.said
    assert bridges() == before
