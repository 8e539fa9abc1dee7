"""Runs side by side: the number of threads does not change them, and an interruption or a failure ends them all."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from cases import ARM, DIGITS, first
from hw1bench import Model
from hw1bench.records.runs import Block
from hw1bench.training import sequential

TRAINED = replace(
    ARM,
    data=DIGITS,
    model=Model("C(1-4,3,pool2) dropout 36-10"),
    loss="cross_entropy",
    batch_size=100,
    epochs=2,
    precision="float32",
)
FEW = 230  # images


def train(arm=TRAINED, advance=lambda steps: None):
    return sequential.train(Block("T", "sequential", arm, 0), first(FEW).load(arm.data), advance)


def test_digits_do_not_depend_on_the_number_of_threads():
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(train())
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for name, array in found[0].items():
        assert array.tobytes() == found[1][name].tobytes(), name


def test_accuracies_are_exact_shares():
    counts = train()["train_accuracy"] * FEW
    assert counts.dtype == np.float64
    np.testing.assert_allclose(counts, counts.round(), rtol=0, atol=1e-9)


def test_an_interruption_ends_all_runs_soon():
    def interrupt(steps):
        raise KeyboardInterrupt

    start, before = time.perf_counter(), threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        train(replace(TRAINED, epochs=10_000), interrupt)
    assert time.perf_counter() - start < 5
    assert threading.active_count() == before


def test_a_failing_run_ends_the_block(monkeypatch):
    def broken(*arguments):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(sequential, "_network", broken)
    with pytest.raises(RuntimeError, match="out of luck"):
        train()


def test_weights_of_very_large_nets_are_not_kept(monkeypatch):
    monkeypatch.setattr(sequential, "KEPT_WEIGHTS", 100)
    assert "weights" not in train()
