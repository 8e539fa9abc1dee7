"""What the host trains ahead while a GPU trains is what it would train itself, and ends with the session."""

import json
import re
import threading
import time
from dataclasses import replace

import pytest
import torch

from cases import ARM
from hw1bench import Experiment, Model
from hw1bench.executors import local
from hw1bench.records.runs import Block
from hw1bench.session.ahead import Ahead, Unseen
from hw1bench.specs.experiment import Protocol
from hw1bench.support import arithmetic
from hw1bench.support.progress import Silent
from hw1bench.training import engine
from hw1bench.training.kernels import binaries

EXPERIMENTS = [
    Experiment(report="T", name=name, full=Protocol(arms=(ARM,), looks=(8,)), quick=None) for name in ("x", "y", "z")
]


class Host:
    """Prepares experiments when it is let."""

    def __init__(self, fails=False):
        self.begun, self.let, self.fails = [], threading.Event(), fails
        self.unseen = Unseen(Silent())
        self.ahead = Ahead(EXPERIMENTS, self.prepare, self.unseen)

    def prepare(self, experiment):
        self.begun.append(experiment)
        while not self.let.wait(0.01):
            self.unseen.advance(1)
        if self.fails:
            raise ZeroDivisionError
        return 3


def test_what_has_begun_is_waited_for_and_the_rest_is_left_to_the_caller():
    host = Host()
    assert host.ahead.wait(EXPERIMENTS[2]) == 0  # at once: the first is not yet done
    threading.Timer(0.05, host.let.set).start()
    assert host.ahead.wait(EXPERIMENTS[0]) == 3
    assert host.ahead.wait(EXPERIMENTS[0]) == 0  # it is told once what was made
    host.ahead.end()
    assert EXPERIMENTS[2] not in host.begun


def test_an_error_is_left_to_whoever_needs_the_runs():
    host = Host(fails=True)
    host.let.set()
    assert [host.ahead.wait(experiment) for experiment in EXPERIMENTS] == [0, 0, 0]
    host.ahead.end()


def test_the_end_does_not_wait_for_work():
    host = Host()
    while not host.begun:
        time.sleep(0.001)
    host.ahead.end()
    assert host.begun == EXPERIMENTS[:1]


@pytest.mark.skipif(binaries.isa() is None, reason="the kernels are not built")
def test_a_long_training_ahead_ends_soon():
    arm = replace(ARM, precision="float32", epochs=3_000_000)
    long = Experiment(report="T", name="long", full=Protocol(arms=(arm,), looks=(8,)), quick=None)
    unseen = Unseen(Silent())
    trainer = local.LocalTrainer("cpu", Silent()).unseen(unseen)
    begun = threading.Event()

    def prepare(experiment):
        begun.set()
        trainer.make([Block("T", "long", arm, 0)], {}, lambda block, record: None)
        return 1

    ahead = Ahead([long], prepare, unseen)
    begun.wait()
    start = time.perf_counter()
    ahead.end()
    assert time.perf_counter() - start < 5


def test_settings_of_the_process_are_kept_until_the_last_thread_leaves():
    leave, entered = threading.Event(), threading.Event()

    def other():
        with arithmetic.fixed_settings():
            entered.set()
            leave.wait()

    torch.set_default_dtype(torch.float64)
    try:
        with arithmetic.fixed_settings():
            thread = threading.Thread(target=other)
            thread.start()
            entered.wait()
        assert torch.get_default_dtype() == torch.float32
        leave.set()
        thread.join()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


IMAGES = """
from hw1bench import Images
IMAGES = Arm(name="net", data=Images(name="digits", size=8), model=Model("64-10"), loss="cross_entropy",
             optimizer=Optimizer(name="adam", lr=1e-2), epochs=5, batch_size=50)
SEEN = Protocol(arms=(IMAGES,), looks=(8,))
OTHER = Experiment(report="B", name="seen", full=SEEN, quick=SEEN)
CLAIMS = [claim("A-fit-first", "supported"), claim("A-fit-images", "supported", OTHER), claim("A-fit-last", "inconclusive")]
"""


@pytest.mark.parametrize("host", [True, False], ids=["beside a GPU", "on a CPU"])
def test_a_session_judges_images_first_while_functions_train(host, pytester, project, monkeypatch):
    trained = []
    train = engine.train

    def watched(block, *others, **options):
        trained.append((block.arm.model, threading.current_thread() is threading.main_thread()))
        return train(block, *others, **options)

    monkeypatch.setattr(engine, "train", watched)
    if host:  # as if the device were a GPU
        monkeypatch.setattr(local.LocalTrainer, "beside_a_gpu", lambda self, arm: arm.model == Model("[3]"))
    folder = project("[]")
    source = (folder / "test_fit.py").read_text()
    (folder / "test_fit.py").write_text(source.replace("CLAIMS = []", IMAGES))
    result = pytester.runpytest_inprocess("claims", "-v")
    order = re.findall(r"quick-A-fit-(\w+)\] (\w+)", result.stdout.str())
    words = {"first": "PASSED", "images": "PASSED", "last": "SKIPPED"}
    assert order == [(name, words[name]) for name in (["images", "first", "last"] if host else words)]
    found = {
        claim["id"]: claim for claim in json.loads((pytester.path / "reports" / "claims.json").read_text())["claims"]
    }
    assert [found[f"A-fit-{name}"]["verdict"] for name in words] == ["supported", "supported", "inconclusive"]
    assert not found["A-fit-first"]["reused"]
    net, images = Model("[3]"), Model("64-10")
    assert sorted(map(str, trained)) == sorted(map(str, [(net, not host), (net, True), (images, True)]))
    # The second look of the function, if it is needed, is trained when it is.
