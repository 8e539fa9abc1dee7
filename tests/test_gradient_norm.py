"""The gradient norm that every backend records is the norm of torch's autograd in the naive loop."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

import reference
from cases import ALL_OPTIMIZERS, ARM, DIGITS, OPTIMIZERS, first
from hw1bench import Model
from hw1bench.records.runs import Block
from hw1bench.training import engine, optimizers
from hw1bench.training.kernels import binaries
from twins import TWO, Some, seeds_of

pytestmark = pytest.mark.usefixtures("nets_drawn_once")

CPU = torch.device("cpu")
FEW = first(80)  # images
ARMS = {
    "kernel or stacked, full batch": replace(ARM, epochs=4),
    "kernel or stacked, minibatch": replace(ARM, epochs=2, batch_size=12),
    "stacked, classes": replace(ARM, model=Model("64-10"), data=DIGITS, loss="cross_entropy", batch_size=50, epochs=2),
    "random labels": replace(
        ARM,
        model=Model("64-10"),
        data=replace(DIGITS, random_labels=True),
        loss="cross_entropy",
        batch_size=50,
        epochs=2,
    ),
    "one at a time": replace(
        ARM, model=Model("C(1-3,3,pool2) 27-10"), data=DIGITS, loss="cross_entropy", batch_size=50, epochs=2
    ),
    "several channels": replace(  # torch stores their weights in another order
        ARM, model=Model("C(1-3-5,3) 80-10"), data=DIGITS, loss="cross_entropy", batch_size=50, epochs=2
    ),
    "dropout": replace(
        ARM, model=Model("64-9 dropout 9-10"), data=DIGITS, loss="cross_entropy", batch_size=50, epochs=2
    ),
    "no bias": replace(
        ARM, model=Model("64-9 nobias 9-10"), data=DIGITS, loss="cross_entropy", batch_size=50, epochs=2
    ),
    "full batch with test set": replace(ARM, model=Model("64-10"), data=DIGITS, loss="cross_entropy", epochs=3),
}


@cache
def norms_of_the_naive_loop(arm, seed):
    return reference.gradient_norms("T", "norm", arm, seed, FEW)


@cache
def coasted_by_the_naive_loop(arm, seed):
    return reference.coasted("T", "coast", arm, seed, FEW)


@cache
def _trained(arm, experiment, backend):
    seeds = seeds_of(backend)
    arrays = engine.train(Some("T", experiment, arm, 0, chosen=seeds), CPU, library=FEW).arrays
    return {name: array[[seeds.index(seed) for seed in TWO]] for name, array in arrays.items()}


def trained(arm, experiment):
    """Return the arrays of two runs of ``arm``. A backend gives the same bits whenever it trains, and so trains once."""
    return _trained(arm, experiment, engine.backend(arm, CPU))


@pytest.fixture(params=["kernel", "torch"])
def trained_by(request, monkeypatch):
    monkeypatch.setattr(engine, "compiler_works", lambda: False)
    if request.param == "torch":
        monkeypatch.setattr(binaries, "isa", lambda: None)


@pytest.mark.parametrize("when", ["epoch", "step", "last batch"])
@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
def test_the_norm_is_autograds(arm, when, trained_by):
    arm = replace(arm, gradient_norm=when, optimizer=OPTIMIZERS["adam"])
    arrays = trained(arm, "norm")
    for run, seed in enumerate(TWO):
        expected = norms_of_the_naive_loop(arm, seed)
        for name, values in expected.items():
            np.testing.assert_allclose(arrays[name][run], values, rtol=1e-7, err_msg=name)
    plain = trained(replace(arm, gradient_norm=""), "norm")
    assert set(arrays) == set(plain) | set(expected)
    for name, array in plain.items():
        np.testing.assert_allclose(array, arrays[name], rtol=1e-7, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("optimizer", ALL_OPTIMIZERS)
@pytest.mark.parametrize("arm", ["stacked, classes", "one at a time"])
def test_the_norm_of_the_last_batch_is_taken_before_the_step_of_every_optimizer(arm, optimizer, trained_by):
    arm = replace(ARMS[arm], gradient_norm="last batch", optimizer=ALL_OPTIMIZERS[optimizer])
    expected = norms_of_the_naive_loop(arm, 5)["last_batch_norm"]
    np.testing.assert_allclose(trained(arm, "norm")["last_batch_norm"][TWO.index(5)], expected, rtol=1e-7)


@pytest.mark.parametrize("optimizer", ALL_OPTIMIZERS)
@pytest.mark.parametrize(
    "arm", ["kernel or stacked, full batch", "kernel or stacked, minibatch", "one at a time", "several channels"]
)
def test_coasting_is_torchs_next_step_with_a_gradient_of_zero(arm, optimizer, trained_by):
    arm = replace(ARMS[arm], coast=True, optimizer=ALL_OPTIMIZERS[optimizer])
    arrays = trained(arm, "coast")
    plain = trained(replace(arm, coast=False), "coast")
    np.testing.assert_allclose(arrays["weights"], plain["weights"], rtol=1e-9, atol=1e-12)
    assert "coasted" not in plain
    for run, seed in enumerate(TWO):
        assert arrays["coasted"][run] == pytest.approx(coasted_by_the_naive_loop(arm, seed), rel=1e-7)


@pytest.mark.parametrize(("decay", "memory", "moves"), [(0, False, False), (0, True, True), (1e-4, False, True)])
def test_adam_moves_without_a_gradient_by_its_moments_and_its_decay_alone(decay, memory, moves):
    weights = torch.ones(1, 3, requires_grad=True)
    optimizer = optimizers.make(replace(OPTIMIZERS["adam"], weight_decay=decay), [weights])
    if memory:
        weights.grad = torch.ones_like(weights)
        optimizer.step()
    assert (float(optimizers.coasted(optimizer, [weights], weights.clone)) > 0) is moves


def test_sgd_without_decay_does_not_move_with_a_gradient_of_zero():
    arm = replace(ARM, coast=True, epochs=2, optimizer=replace(OPTIMIZERS["sgd"], weight_decay=0.0))
    assert (engine.train(Block("T", "coast", arm, 0), CPU).arrays["coasted"] == 0).all()
