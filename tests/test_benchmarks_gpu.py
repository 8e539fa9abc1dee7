"""The benchmark of training on a GPU: peers do the same work as ours, and a table is written whatever fails. Here on a CPU."""

import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks import gpu, image_peers, image_problems
from benchmarks.image_problems import PROBLEMS, Given, Problem
from cases import ARM
from hw1bench import Evaluation, Experiment, Protocol
from hw1bench.sources.tiers import MNIST
from hw1bench.training import engine

CPU = torch.device("cpu")
RATES = gpu.Rates(float32=1e9, tf32=2e9, bytes=1e9)
SMALL = replace(MNIST, size=8)
PLAIN_NETS = {
    "dense": Problem(SMALL, "64-12-10", 16, 64),
    "convolutions": Problem(replace(SMALL, channels=3), "C(3-4,3,p1) pool2 C(4-5,3,pool2) 5-10 softmax", 16, 64),
    "log-softmax": Problem(SMALL, "C(1-4,3,pool2) 36-10 logsoftmax", 16, 64),
}
WITH_DROPOUT = Problem(SMALL, "C(1-4,3) dropout2d pool2 dropout(0.25) 36-20 dropout 20-10", 16, 64)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(gpu, "SECONDS", 0.01)
    monkeypatch.setattr(gpu, "EPOCHS", (1, 2))


def losses_of_ours(problem, epochs):
    block = replace(problem.block, arm=replace(problem.arm, epochs=epochs))
    return engine.train(block, CPU, library=Given(problem.images())).arrays["train_loss"][:, -1]


def assert_same_work(make, problem):
    peer = make(problem)
    for _ in range(3):
        peer.epoch()
    trained = peer.losses()
    np.testing.assert_allclose(trained, losses_of_ours(problem, 3)[: peer.runs], rtol=1e-4)
    assert np.abs(trained - make(problem).losses()).min() > 1e-4  # it did train


@pytest.mark.parametrize("problem", PLAIN_NETS.values(), ids=PLAIN_NETS)
@pytest.mark.parametrize("make", [image_peers.plain, image_peers.vmapped], ids=["plain loop", "vmap"])
def test_peers_train_as_ours(make, problem):
    assert_same_work(lambda of: make(of, CPU), problem)


@pytest.mark.parametrize("problem", PLAIN_NETS.values(), ids=PLAIN_NETS)
def test_jax_trains_as_ours(problem):
    pytest.importorskip("jax")
    assert_same_work(image_peers.jax_trained, problem)


@pytest.mark.parametrize("make", ["plain", "vmapped", "jax_trained"])
def test_dropout_drops_in_training_alone(make):
    if make == "jax_trained":
        pytest.importorskip("jax")
    given = () if make == "jax_trained" else (CPU,)
    dropped, whole = (
        getattr(image_peers, make)(replace(WITH_DROPOUT, layout=layout), *given)
        for layout in (WITH_DROPOUT.layout, "C(1-4,3) pool2 36-20-10")
    )
    np.testing.assert_allclose(dropped.losses(), whole.losses(), rtol=1e-5)
    dropped.epoch()
    whole.epoch()
    assert np.abs(dropped.losses() - whole.losses()).min() > 1e-6


@pytest.mark.parametrize("title", PROBLEMS)
def test_every_net_of_the_table_is_one_that_peers_take(title):
    problem = PROBLEMS[title]
    assert problem.samples % problem.batch == 0
    (net,) = image_peers._nets(problem, 1)
    x, _ = image_peers._on(replace(problem, samples=2), CPU)
    assert torch.isfinite(net(x)).all()


def test_operations_and_bytes_of_a_step_equal_counts_by_hand():
    dense = PROBLEMS["A, 784-256-10"]
    assert dense.operations == image_problems.Operations(0, 64 * (4 * 784 * 256 + 6 * 256 * 10))
    assert dense.bytes == 4 * (64 * 784 + 6 * (784 * 256 + 256 + 256 * 10 + 10))
    convolutions = PROBLEMS["D, CNN-1"]
    products = 64 * (4 * 25 * 25 * 16 * 16 + 6 * 9 * 9 * 32 * 16 * 16)
    assert convolutions.operations == image_problems.Operations(products, 64 * 6 * 512 * 10)
    assert convolutions.operations.total == products + 64 * 6 * 512 * 10


def test_the_floor_is_what_takes_longer():
    problem = PROBLEMS["D, CNN-1"]
    operations = problem.operations
    computing = 1e6 * (operations.convolutions / 2e9 + operations.dense / 1e9)
    assert RATES.floor(problem) == pytest.approx(computing)
    assert replace(RATES, bytes=1e3).floor(problem) == pytest.approx(1e6 * problem.bytes / 1e3)


def test_the_floor_of_the_whole_tier(monkeypatch):
    arm = Problem(MNIST, "784-256-10", 64).arm
    arm = replace(arm, epochs=10, evaluation=Evaluation(train="ends", test="ends"))  # after the last epoch alone
    function = replace(ARM, name="function")
    experiments = [
        Experiment(report="T", name="x", full=Protocol(arms=(arm,), looks=(8, 16)), quick=None),
        Experiment(report="T", name="y", full=Protocol(arms=(function,), looks=(8,)), quick=None),
    ]
    monkeypatch.setattr(gpu, "EXPERIMENTS", experiments)
    layers = 784 * 256, 256 * 10
    training = 8 * 10 * 938 * 64 * (4 * layers[0] + 6 * layers[1])
    operations = training + 8 * 60_000 * 2 * sum(layers)
    found = gpu.whole_tier(gpu.Rates(operations / 180, 1.0, 1e30))
    assert found.startswith(
        f"whole tier: the first look of its nets on images takes {operations / 1e15:.1f} PFLOP, 3.0 minutes"
    )


def test_rates_are_measured():
    found = gpu.rates(CPU, 64, 1000)
    assert all(np.isfinite(rate) and rate > 0 for rate in vars(found).values())


def test_a_row_has_ratios_and_the_targets_that_apply():
    peers = {"plain loop": 100.0, "vmap": None, "JAX": 4.0}
    row = gpu.Row("a net", PROBLEMS["D, CNN-1"], 2.5, 5.0, peers)
    assert row.targets() == {"20 x the loop": True, "ahead of JAX": False}
    cells = [cell.strip() for cell in str(row).strip("|").split("|")]
    assert cells[:8] == ["a net, 64", "0.30", "2.5", "5", "100 (20x)", "–", "4 (0.8x)", "2"]
    assert cells[9] == "20 x the loop: met, ahead of JAX: missed"
    assert len(cells) == gpu.HEADER.splitlines()[0].count("|") - 1
    for unlike in ({"batch": 128}, {"layout": "784-2000-10"}):
        assert "20 x the loop" not in replace(row, problem=replace(row.problem, **unlike)).targets()
    other = replace(row, peers={**peers, "plain loop": 99.0, "JAX": None})
    assert other.targets() == {"20 x the loop": False}
    assert list(gpu.summary([row, other])) == ["20 x the loop: met in 1 of 2 rows", "ahead of JAX: met in 0 of 1 rows"]
    failed = replace(row, ours=None)
    assert failed.targets() == {}
    assert str(failed).count("–") == 5


@pytest.fixture
def two_nets(monkeypatch):
    few = {"A, 784-256-10": 128, "A, CNN-1": 64}
    monkeypatch.setattr(gpu, "PROBLEMS", {name: replace(PROBLEMS[name], samples=few[name]) for name in few})
    monkeypatch.setattr(gpu, "find_spec", lambda name: None)


def test_the_whole_table(two_nets, capsys):
    gpu.main(["--device", "cpu"])
    output, errors = capsys.readouterr()
    first, _, *table = output.splitlines()
    assert "TFLOP/s" in first
    assert "GB/s" in first
    assert "\n".join(table[:2]) == gpu.HEADER
    assert [row.split("|")[1].strip() for row in table[2:4]] == ["A, 784-256-10, 64", "A, CNN-1, 64"]
    for row in table[2:4]:
        cells = row.split("|")
        assert "x)" in cells[5]
        assert "x)" in cells[6]
        assert cells[7].strip() == "–"
    assert "20 x the loop: met in " in table[-2]
    assert table[-1].startswith("whole tier: ")
    assert errors.splitlines() == [f"{name}, JAX: RuntimeError: JAX is not installed" for name in gpu.PROBLEMS]


def test_a_peer_that_fails_costs_a_dash_and_a_line(two_nets, capsys, monkeypatch):
    def out_of_memory(problem, device):
        raise torch.OutOfMemoryError("no memory left\nand more")

    monkeypatch.setattr(gpu, "vmapped", out_of_memory)
    monkeypatch.setattr(gpu, "ours", out_of_memory)
    first, second = gpu.rows(CPU, RATES, until=float("inf"))
    assert (first.ours, first.peers["vmap"], second.ours) == (None, None, None)
    assert second.peers["plain loop"] > 0
    assert "A, CNN-1, vmap: OutOfMemoryError: no memory left\n" in capsys.readouterr().err


def test_no_row_begins_after_the_minutes(two_nets, capsys, monkeypatch):
    monkeypatch.setattr(gpu, "ours", lambda problem, device: time.sleep(0.2) or 1.0)
    found = list(gpu.rows(CPU, RATES, until=time.monotonic() + 0.1))
    assert [row.title for row in found] == ["A, 784-256-10"]
    assert "left out, because the minutes are over: A, CNN-1\n" in capsys.readouterr().err


def test_jax_is_timed_in_a_process_of_its_own():
    pytest.importorskip("jax")
    assert gpu.in_jax("A, 784-256-10", 128, CPU) > 0
    with pytest.raises(RuntimeError, match="more than 0 s"):
        gpu.in_jax("A, 784-256-10", 128, CPU, limit=0.01)


def test_a_process_of_jax_that_ends_badly_gives_its_last_line(monkeypatch):
    monkeypatch.setattr(gpu, "find_spec", lambda name: True)
    done = subprocess.CompletedProcess([], 1, "", "Traceback\nValueError: wrong\n")
    monkeypatch.setattr(subprocess, "run", lambda *given, **options: done)
    with pytest.raises(RuntimeError, match=r"^JAX: ValueError: wrong$"):
        gpu.in_jax("A, 784-256-10", 128, CPU)
    monkeypatch.setattr(subprocess, "run", lambda *given, **options: subprocess.CompletedProcess([], -6, "", ""))
    with pytest.raises(RuntimeError, match="exit status -6"):
        gpu.in_jax("A, 784-256-10", 128, CPU)


@pytest.mark.parametrize("arguments", [["--minutes", "0"], ["--minutes", "soon"], ["--device", "tpu"]])
def test_arguments_that_cannot_be_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        gpu.main(arguments)
    assert arguments[1] in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_without_a_gpu_one_line_says_so(capsys):
    with pytest.raises(SystemExit) as ended:
        gpu.main([])
    assert ended.value.code == 2
    assert "no CUDA device here" in capsys.readouterr().err.splitlines()[-1]
