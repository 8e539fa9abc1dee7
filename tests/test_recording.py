"""Recorded weights of a run are the last weights of shorter trainings, by every backend."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cases import ARM, DIGITS, OPTIMIZERS, first
from hw1bench import Model
from hw1bench.records.runs import Block
from hw1bench.support.snapshots import ARRAYS, Snapshots
from hw1bench.training import engine
from hw1bench.training.kernels import binaries

CPU = torch.device("cpu")
CLASSES = replace(
    ARM, data=DIGITS, loss="cross_entropy", optimizer=OPTIMIZERS["adam"], model=Model("64-10"), precision="float32"
)
FEW, STEPS = first(260), 5  # images, and steps per epoch
ARMS = {
    "function, full batch": replace(ARM, epochs=6),
    "dense": replace(CLASSES, batch_size=60, epochs=6),
    "dense, full batch": replace(CLASSES, epochs=6),
    "convolutions": replace(CLASSES, model=Model("C(1-3,3,pool2) 27-10"), batch_size=60, epochs=6),
    "a net too large to stack": replace(CLASSES, model=Model("64-300-10"), batch_size=60, epochs=6),
}


@pytest.fixture(params=["kernel", "torch"], autouse=True)
def _backend(request, monkeypatch):
    monkeypatch.setattr(engine, "compiler_works", lambda: False)
    if request.param == "torch":
        monkeypatch.setattr(binaries, "isa", lambda: None)


def train(arm):
    return engine.train(Block("T", "kept", arm, 0), CPU, library=FEW).arrays


def snapshots(arrays, run):
    return Snapshots({name: arrays[name][run] for name in ARRAYS})[:, :]


def assert_close(found, expected):
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_snapshots_of_epochs_are_the_ends_of_shorter_trainings(arm):
    arrays = train(replace(arm, snapshots="epoch"))
    kept = snapshots(arrays, 3)
    assert len(kept) == arm.epochs + 1
    for epochs in (1, 4, 6):
        assert_close(kept[epochs], train(replace(arm, epochs=epochs))["weights"][3])
    plain = train(arm)
    assert not set(ARRAYS) & set(plain)
    np.testing.assert_allclose(arrays["weights"], plain["weights"], rtol=1e-9)


@pytest.mark.parametrize("arm", [ARMS["dense"], ARMS["convolutions"]], ids=["dense", "convolutions"])
def test_snapshots_by_steps_continue_across_epochs(arm):
    kept = snapshots(train(replace(arm, snapshots=2)), 0)
    assert len(kept) == 1 + arm.epochs * STEPS // 2
    for epochs in (2, 4, 6):
        assert_close(kept[epochs * STEPS // 2], train(replace(arm, epochs=epochs))["weights"][0])


@pytest.mark.parametrize("name", ["dense", "dense, full batch", "convolutions", "a net too large to stack"])
def test_the_best_weights_are_those_of_the_first_epoch_of_the_best_test_accuracy(name):
    arm = replace(
        ARMS[name], optimizer=replace(OPTIMIZERS["adam"], lr=0.3), epochs=8
    )  # so that accuracy goes up and down
    arrays = train(replace(arm, keep="best"))
    best = arrays["test_accuracy"][:, 1:].argmax(axis=1) + 1
    assert best.min() < 8
    for run in (int(best.argmin()), 5):
        ends = train(replace(arm, epochs=int(best[run])))
        np.testing.assert_array_equal(arrays["weights"][run], ends["weights"][run])


def test_independent_arms_start_from_weights_of_their_own():
    first, second = (train(replace(ARMS["dense"], name=name, independent=True, snapshots="epoch")) for name in "ab")
    together = [train(replace(ARMS["dense"], name=name, snapshots="epoch")) for name in "ab"]
    np.testing.assert_array_equal(together[0]["weights"], together[1]["weights"])
    assert (snapshots(first, 0)[0] != snapshots(second, 0)[0]).all()
