"""The arrays of a run that its specification promises, against real training and measuring."""

from dataclasses import replace

import pytest
import torch

from cases import ARM, DIGITS
from hw1bench import Interpolation, JacobianNorm, MinimalRatio, Model, Paths, StepLR, data
from hw1bench.measures import taking
from hw1bench.records import runs
from hw1bench.records.measured import measured
from hw1bench.records.runs import Block, recorded
from hw1bench.training import engine, sequential
from hw1bench.training.kernels import binaries, image_kernel
from twins import ALL, Some

CPU = torch.device("cpu")
FIT = replace(ARM, name="a", epochs=3, precision="float32")
NET = replace(FIT, data=DIGITS, model=Model("64-8-10"), loss="cross_entropy", batch_size=300, epochs=2, snapshots=2)
CONVOLUTION = replace(NET, model=Model("C(1-4,3,pool2) 36-10"))

# Every kind of arm, for every backend that can train it.
TRAINED = {
    "function, full batch": FIT,
    "function, batches": replace(FIT, batch_size=16, coast=True, gradient_norm="epoch", snapshots="epoch"),
    "function, steps": replace(FIT, batch_size=16, gradient_norm="step", snapshots=3),
    "function, last batch": replace(FIT, batch_size=16, gradient_norm="last batch"),
    "function, larger batch than set": replace(FIT, batch_size=1000, schedule=StepLR(every=2, factor=0.1)),
    "dense": NET,
    "dense, steps": replace(NET, gradient_norm="step", snapshots="epoch"),
    "dense, full batch, last batch": replace(NET, batch_size=None, gradient_norm="last batch", keep="best"),
    "dense, coasted": replace(NET, coast=True, gradient_norm="epoch"),
    "convolution": CONVOLUTION,
    "convolution, steps, best": replace(CONVOLUTION, gradient_norm="step", keep="best"),
    "convolution, last batch": replace(CONVOLUTION, gradient_norm="last batch", snapshots=None),
    "convolution, epochs": replace(CONVOLUTION, gradient_norm="epoch", coast=True),
    "dropout": replace(NET, model=Model("64-8 dropout 8-10"), snapshots="epoch"),
    "random labels": replace(NET, data=replace(DIGITS, random_labels=True)),
}


def trained(arm, seeds=ALL):
    return engine.train(Some("T", "rehearsal", arm, 0, chosen=seeds), CPU)


def shapes(arrays):
    return {name: array.shape[1:] for name, array in arrays.items()}


@pytest.mark.parametrize("kernel", [True, False], ids=["kernel", "torch"])
@pytest.mark.parametrize("arm", TRAINED.values(), ids=TRAINED)
def test_training_records_exactly_the_arrays_in_the_table(arm, kernel, monkeypatch):
    monkeypatch.setattr(engine, "compiler_works", lambda: False)
    if not kernel:
        monkeypatch.setattr(binaries, "isa", lambda: None)
    assert shapes(trained(arm, seeds=(0,)).arrays) == recorded(arm)


def test_weights_of_a_large_net_are_not_kept(monkeypatch):
    for module in (runs, sequential, image_kernel):
        monkeypatch.setattr(module, "KEPT_WEIGHTS", 600)
    arm = replace(CONVOLUTION, model=Model("C(1-4,3,pool2) 36-20-10"))
    assert arm.model.parameters > 600
    assert "weights" not in recorded(arm)
    assert shapes(trained(arm, seeds=(0,)).arrays) == recorded(arm)


MEASURED = {
    "paths": (Paths(own="a", other="b", mark_every=3), replace(NET, snapshots=2)),
    "minimal ratio": (MinimalRatio(), replace(FIT, model=Model("[3]"), epochs=30, gradient_norm="epoch")),
    "a line": (Interpolation(first="a", second="b", alphas=(-1, 0, 0.5, 1)), CONVOLUTION),
    "Jacobian norm": (JacobianNorm(), NET),
}


@pytest.mark.parametrize(("measurement", "arm"), MEASURED.values(), ids=MEASURED)
def test_measuring_gives_exactly_the_arrays_in_the_table(measurement, arm):
    arms = [replace(arm, name=name, independent=True) for name in measurement.groups("ab")[0]]
    blocks = [(Block("T", "rehearsal", one, 0), trained(one)) for one in arms]
    found = taking.take(measurement, blocks, data.BUILT_IN.load(arm.data), CPU)
    assert shapes(found.arrays) == measured(measurement, *arms)
