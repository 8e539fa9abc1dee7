"""Resident training gives the run of the naive loop, on a CPU by the steps of a GPU; on a GPU with graphs and without."""

import gc
import weakref
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import reference
from cases import (
    ALL_ACTIVATIONS,
    ALL_OPTIMIZERS,
    ARM,
    FIT_MODELS,
    IMAGE_MODELS,
    OPTIMIZERS,
    SCHEDULED,
    TORCH_LAYOUTS,
    first,
    unchecked,
)
from hw1bench import Evaluation, Model, Optimizer, StepLR
from hw1bench.sources import c
from hw1bench.support import arithmetic
from hw1bench.training import captured, resident, side_by_side, stacked_net
from kernel_cases import assert_same_bits
from test_image_kernel import (
    BASE,
    COLOUR,
    FEW,
    LAYOUTS,
    NORMS,
    SIZE_8,
    SIZE_12,
    SMALL,
    WHEN,
)
from twins import ALL, TWO, Some, assert_twins, by_torch, forget

pytestmark = pytest.mark.usefixtures("nets_drawn_once")

CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"))
gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
CPU = torch.device("cpu")


@pytest.fixture(params=["cpu", CUDA])
def device(request):
    return torch.device(request.param)


def train(trained, device, count=FEW, advance=lambda steps: None, precision="default", seeds=ALL):
    found = []
    job = Some("T", "twin", trained, 0, chosen=seeds), first(count).load(trained.data)
    with arithmetic.fixed_settings(precision):
        side_by_side.train([job], device, advance, lambda place, arrays, seconds: found.append(arrays))
    return found[0]


@cache
def trained_once(trained, device):
    return train(trained, device)


def expected(trained, device, count=FEW, seeds=TWO):
    """What torch's plain loop gives."""
    if device.type == "cuda" and "dropout" in trained.model.layout:
        pytest.skip("a GPU's generators draw other numbers")
    return by_torch(trained, count, seeds)


def compared(device):
    """The seeds that train where two are compared: on a GPU all, as graphs and kernels are made for a whole block."""
    return TWO if device.type == "cpu" else ALL


def assert_as_by_torch(trained, device, count=FEW):
    found = train(trained, device, count, seeds=compared(device))
    assert_twins(found, expected(trained, device, count))
    return found


def assert_naive_twins(trained, device, seeds=(0, 7), rtol=1e-7, atol=1e-9):
    found = train(trained, device)
    for seed in seeds:
        losses, weights = reference.train("T", "twin", trained, seed, first(FEW))
        np.testing.assert_allclose(found["train_loss"][seed], losses, rtol=rtol, atol=atol)
        np.testing.assert_allclose(found["weights"][seed], weights, rtol=rtol, atol=atol)


@pytest.mark.parametrize("optimizer", ALL_OPTIMIZERS.values(), ids=ALL_OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [None, 12, 1], ids=["full batch", "minibatch", "batch 1"])
def test_function_nets(optimizer, batch_size, device):
    trained = replace(ARM, optimizer=optimizer, batch_size=batch_size, epochs={None: 8, 12: 2, 1: 1}[batch_size])
    assert_naive_twins(trained, device, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("model", FIT_MODELS.values(), ids=FIT_MODELS)
def test_each_kind_of_function_net(model, device):
    assert_naive_twins(replace(ARM, model=model, epochs=8), device)


@pytest.mark.parametrize(("model", "loss", "spec"), IMAGE_MODELS.values(), ids=IMAGE_MODELS)
@pytest.mark.parametrize("batch_size", [None, 60], ids=["full batch", "minibatch"])
def test_classifiers(model, loss, spec, batch_size, device):
    trained = replace(ARM, model=model, loss=loss, data=spec, batch_size=batch_size, epochs=2)
    assert_as_by_torch(trained, device)


@pytest.mark.parametrize(("layout", "spec"), LAYOUTS.values(), ids=LAYOUTS)
def test_each_layout(layout, spec, device):
    trained = replace(BASE, data=spec, model=Model(layout), batch_size=40)
    assert_as_by_torch(trained, device)


@pytest.mark.parametrize("layout", TORCH_LAYOUTS.values(), ids=TORCH_LAYOUTS)
def test_each_layout_of_torch_alone(layout, device):
    trained = replace(BASE, model=Model(layout), batch_size=40)
    assert_as_by_torch(trained, device)


@pytest.mark.parametrize("activation", ALL_ACTIVATIONS.values(), ids=ALL_ACTIVATIONS)
@pytest.mark.parametrize("middle", ["pool2", "dropout pool2", "dropout(0.2) pool2 dropout2d", "pool2 pool2"])
def test_each_activation(activation, middle, device):
    # Biases of zero, so that sums on the black margins are exactly 0, at which left and right derivatives differ.
    side = 1 if middle == "pool2 pool2" else 4
    model = Model(f"C(1-3,3,p1) {middle} C(3-4,3,p1) {4 * side * side}-12-10", init="keras", **activation)
    spec = SIZE_8 if side == 4 else replace(SIZE_8, size=4)
    trained = replace(BASE, model=model, data=spec, batch_size=60)
    assert_as_by_torch(trained, device)


@pytest.mark.parametrize(("layout", "loss"), [("softmax", "nll"), ("logsoftmax", "nll"), ("", "nll")])
def test_each_output_by_negative_log_likelihood(layout, loss, device):
    trained = unchecked(BASE, model=Model(f"C(1-3,3,pool2) 27-10 {layout}"), loss=loss)
    assert_as_by_torch(trained, device)


@pytest.mark.parametrize(("optimizer", "schedule"), SCHEDULED.values(), ids=SCHEDULED)
@pytest.mark.parametrize("layout", ["64-10", "C(1-2,3) 72-10"], ids=["dense", "convolutions"])
def test_the_learning_rate_follows_its_schedule(layout, schedule, optimizer, device):
    trained = replace(BASE, model=Model(layout), optimizer=optimizer, schedule=schedule, epochs=5)
    assert_naive_twins(replace(trained, batch_size=100), device, seeds=(1,))


@pytest.mark.parametrize(
    "changes",
    [
        {"data": replace(COLOUR, augment=True)},
        {"data": replace(COLOUR, random_labels=True)},
        {"data": replace(COLOUR, augment=True, random_labels=True), "batch_size": None},
    ],
    ids=["augmented", "random labels", "both, full batch"],
)
def test_data(changes, device):
    trained = replace(BASE, model=Model("C(3-4,3,p1,pool2) 64-10"), epochs=2, **{"batch_size": 60, **changes})
    assert_twins(train(trained, device), expected(trained, device, FEW, ALL))


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize(("model", "spec"), NORMS.values(), ids=NORMS)
def test_gradient_norms(model, spec, when, device):
    trained = replace(BASE, model=model, data=spec, optimizer=OPTIMIZERS["adam"], gradient_norm=when, epochs=2)
    found, plain = train(trained, device), expected(trained, device)
    assert_twins(found, plain)
    if device.type == "cpu":  # in float64 cuDNN's convolutions do not give the same bits twice
        unrecorded = trained_once(replace(trained, gradient_norm=""), device)
        assert_same_bits(unrecorded, {name: found[name] for name in unrecorded})


@pytest.mark.parametrize("snapshots", ["epoch", 1, 3, 7])
@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize("layout", ["64-9-10", "C(1-3,3,pool2) 27-10"], ids=["dense", "convolutions"])
def test_recordings(layout, keep, snapshots, device):
    trained = replace(BASE, model=Model(layout), batch_size=13, epochs=3, keep=keep, snapshots=snapshots)
    assert_as_by_torch(trained, device, 60)


@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize("schedule", ["thinned", "ends"])
def test_only_epochs_that_are_read_are_evaluated(schedule, keep, device):
    evaluation = Evaluation(train=schedule, test="every epoch" if keep == "best" else schedule)
    adam = replace(OPTIMIZERS["adam"], lr=0.02)
    trained = replace(BASE, model=Model("64-9-10"), batch_size=100, epochs=17, keep=keep, optimizer=adam)
    trained = replace(trained, evaluation=evaluation)
    found = assert_as_by_torch(trained, device)
    assert np.isnan(found["train_loss"]).any()


def test_coasting_of_convolutions(device):
    trained = replace(BASE, model=Model("C(1-3,3,p1,pool2) 48-10"), coast=True)
    assert_as_by_torch(trained, device)


@pytest.mark.parametrize("batch_size", [None, 13])
def test_coasting(batch_size, device):
    for optimizer in ALL_OPTIMIZERS.values():
        trained = replace(ARM, optimizer=optimizer, batch_size=batch_size, epochs=3, coast=True)
        found = train(trained, device)["coasted"]
        np.testing.assert_allclose(found[4], reference.coasted("T", "twin", trained, 4), rtol=1e-6)


def test_evaluations_in_pieces(device, monkeypatch):
    trained = replace(BASE, model=Model("C(1-3,3,p1,pool2) 48-10"), gradient_norm="epoch")
    whole = train(trained, device)
    monkeypatch.setattr(resident, "_NUMBERS", 8 * 192 * 7)  # seven samples at once
    assert_twins(train(trained, device), whole)


@pytest.mark.parametrize("arm", SMALL.values(), ids=SMALL)
def test_nets_of_the_catalogue_in_float32_over_a_few_steps(arm, device):
    trained = replace(arm, epochs=1, schedule=None)
    count = 2 * arm.batch_size if arm.batch_size < 100 else arm.batch_size
    seeds = compared(device)
    found, plain = train(trained, device, count, seeds=seeds), expected(trained, device, count)
    assert found["weights"].dtype == np.float32
    rows = [seeds.index(seed) for seed in TWO]
    for name in ("train_loss", "test_loss"):
        np.testing.assert_allclose(found[name][rows], plain[name], rtol=1e-4 if device.type == "cpu" else 1e-2)


@pytest.mark.parametrize("precision", ["default", "strict"])
def test_our_kernel_which_takes_products_in_tf32_is_not_used_in_strict_precision(precision, monkeypatch):
    used = []

    def by_weights(x, gradient, padding, size, runs):
        used.append(size)
        return x.new_zeros(runs, size, size, x.shape[3], gradient.shape[3])

    def activation(z, bias, pool, slope):
        z = nn.functional.max_pool2d(z.permute(0, 3, 1, 2), pool).permute(0, 2, 3, 1)
        z = z.unflatten(0, (len(bias), -1)) + bias[:, None, None, None]
        return nn.functional.leaky_relu(z, slope).flatten(0, 1)

    kernels = SimpleNamespace(by_weights=by_weights, activation=activation)
    monkeypatch.setattr(stacked_net, "_kernels", lambda arm, device: kernels)
    trained = replace(BASE, model=Model("C(1-3,3,p1,pool2) 48-10", "relu"), precision="float32", epochs=1)
    train(trained, CPU, precision=precision)
    assert bool(used) == (precision == "default")


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("layout", ["C(1-3,3,p1,pool2) dropout 48-12-10", "C(1-16-128-128,3,p1,pool2) 128-10"])
def test_a_block_repeats_bit_for_bit_whatever_ran_before(layout, activation, device):
    trained = replace(BASE, model=Model(layout, activation), precision="float32", batch_size=20, epochs=2)
    alone = train(trained, device, 50)
    train(replace(trained, model=Model("64-10"), epochs=1), device)
    torch.rand(3)
    forget()
    assert_same_bits(alone, train(trained, device, 50))


def test_nothing_of_a_training_outlives_it(device):
    alive = []
    watched = resident.Batches.load

    def load(self, epoch):
        alive.append(weakref.ref(self._full[0]))
        watched(self, epoch)

    gc.disable()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(resident.Batches, "load", load)
            train(BASE, device)
        assert alive[0]() is None
    finally:
        gc.enable()


def test_every_step_is_told():
    told = []
    train(replace(BASE, model=Model("64-10"), batch_size=50, epochs=2), CPU, 130, told.append)
    assert sum(told) == 8 * 2 * 3
    assert set(told) == {8}


def test_divergence_is_recorded_not_raised(device):
    wild = Optimizer(name="sgd", lr=1e30)
    found = train(replace(BASE, model=Model("64-12-10", "leaky_relu"), optimizer=wild, epochs=4), device, 400)
    assert np.isfinite(found["train_loss"][:, 0]).all()
    assert not np.isfinite(found["train_loss"][:, -1]).any()


def test_weights_of_very_large_nets_are_not_kept(monkeypatch):
    monkeypatch.setattr(resident, "KEPT_WEIGHTS", 100)
    assert "weights" not in train(BASE, CPU, 100)


def test_a_net_that_does_not_take_the_data_is_refused():
    with pytest.raises(ValueError, match="does not take samples of shape"):
        train(unchecked(BASE, model=Model("63-10")), CPU)


@gpu
@pytest.mark.parametrize(
    "changes", [{}, {"gradient_norm": "step"}, {"snapshots": 5}, {"schedule": StepLR(every=2, factor=0.1)}]
)
@pytest.mark.parametrize(
    ("layout", "spec"),
    [
        ("64-20 dropout 20-10", SIZE_8),
        ("C(1-3,3,p1,pool2) dropout2d C(3-4,3) dropout 64-10", SIZE_12),
        ("C(3-8,3,p1) dropout(0.25) C(8-8,3,p1) pool2 128-10", replace(COLOUR, augment=True)),
        ("C(1-16-128-128,3,p1,pool2) 128-10", SIZE_8),  # with wider convolutions than our kernels take
    ],
    ids=["dense", "convolutions", "augmented", "wide"],
)
def test_graphs_replay_what_the_steps_are(layout, spec, changes, monkeypatch):
    cuda = torch.device("cuda")
    trained = replace(BASE, model=Model(layout), data=spec, precision="float32", batch_size=20, epochs=5, **changes)
    replayed = train(trained, cuda, 310)

    def plainly(self, calls):
        for _ in range(calls):
            self._call()
            yield 1

    monkeypatch.setattr(captured.Captured, "times", plainly)
    assert_same_bits(replayed, train(trained, cuda, 310))


@gpu
def test_two_fresh_trainings_of_a_net_of_the_full_tier_give_the_same_bits():
    trained = replace(c.SIZE.full.arms[3], epochs=2, data=replace(SIZE_8, size=28))
    cuda = torch.device("cuda")
    assert_same_bits(train(trained, cuda, 1_437), train(trained, cuda, 1_437))
