"""The image kernel trains, on every instruction set, the same run as the naive loop, and repeats it bit for bit."""

import threading
import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

import reference
from cases import (
    ARM,
    IMAGE_MODELS,
    OPTIMIZERS,
    SCHEDULES,
    TORCH_ACTIVATIONS,
    TORCH_LAYOUTS,
    TORCH_OPTIMIZERS,
    first,
    unchecked,
)
from hw1bench import Images, Model, Optimizer, data
from hw1bench.records.runs import Block
from hw1bench.sources import b, c
from hw1bench.sources.tiers import quick
from hw1bench.training import sequential
from hw1bench.training.kernels import calls, image_kernel
from kernel_cases import assert_same_bits, built
from twins import ALL, TWO, Some, assert_twins, by_torch

pytestmark = pytest.mark.usefixtures("nets_drawn_once")

CPU = torch.device("cpu")
FEW = 100  # images
SIZE_8, SIZE_12 = Images(name="digits", size=8), Images(name="digits", size=12)
COLOUR = Images(name="digits", size=8, channels=3, mean=(0.5, 0.4, 0.3), deviation=(0.2, 0.3, 0.4))
NET = Model("C(1-3,3,p1,pool2) dropout 48-12 dropout(0.25) 12-10")
BASE = replace(
    ARM,
    data=SIZE_8,
    model=NET,
    loss="cross_entropy",
    optimizer=Optimizer(name="adam", lr=1e-3),
    epochs=1,
    batch_size=60,  # the last batch is smaller
)


DRAWING = Model("C(3-4,3,p1,pool2) dropout 64-10")


def small(experiment, arm, over):
    """An arm of ``experiment`` on digits, its widths divided by ``over``."""
    full = experiment.full
    return quick(replace(full, arms=full.arms[arm : arm + 1]), epochs=1, data="digits", widths_over=over).arms[0]


def block(trained):
    return Block("T", "twin", trained, 0)


def train(trained, count=FEW, advance=lambda steps: None, seeds=ALL, **options):
    block = Some("T", "twin", trained, 0, chosen=seeds)
    return image_kernel.train(block, first(count).load(trained.data), advance, **options)


def assert_as_by_torch(trained, isa, count=FEW, seeds=TWO):
    """Compare two runs, each of which trains by itself in calls of its own."""
    assert_twins(train(trained, count, seeds=seeds, isa=isa), by_torch(trained, count, seeds))


@cache
def trained_once(trained, count, isa):
    return train(trained, count, isa=isa)


@cache
def by_the_naive_loop(trained, count=FEW):
    return reference.train("T", "twin", trained, 5, first(count))


@built
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [None, 50, 1], ids=["full batch", "minibatch with remainder", "batch 1"])
def test_each_optimizer_is_the_torch_path(optimizer, batch_size, isa):
    trained = replace(BASE, optimizer=optimizer, batch_size=batch_size, epochs=1 if batch_size == 1 else 2)
    count = 21 if batch_size == 1 else 70
    assert_as_by_torch(trained, isa, count)


@built
@pytest.mark.parametrize(("model", "loss", "spec"), IMAGE_MODELS.values(), ids=IMAGE_MODELS)
def test_each_kind_of_net_is_the_naive_loop(model, loss, spec, isa):
    trained = replace(BASE, data=spec, model=model, loss=loss)
    arrays = train(trained, isa=isa)
    losses, weights = by_the_naive_loop(trained)
    np.testing.assert_allclose(arrays["train_loss"][5], losses, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(arrays["weights"][5], weights, rtol=1e-7, atol=1e-9)


LAYOUTS = {
    "kernel 1": ("C(1-3,1,pool2) 48-10", SIZE_8),
    "kernel 3": ("C(1-4-3,3) 48-10", SIZE_8),
    "kernel 3, padded": ("C(1-4-3,3,p1) 192-10", SIZE_8),
    "kernel 4, remainder dropped": ("C(1-2,4,pool2) C(2-3,2,pool2) 3-10", SIZE_12),
    "kernel 4, padded by 2": ("C(1-2-3-4,4,p2,pool2) 4-10", SIZE_8),
    "kernel 5": ("C(1-3,5,pool2) C(3-7,3) 28-20-10", SIZE_12),
    "kernel 5, padded by 2": ("C(1-3-5,5,p2,pool2) 20-10", SIZE_8),
    "kernel 2, padded by 1": ("C(1-3,2,p1,pool2) C(3-2,2,p1) 50-10", SIZE_8),
    "windows of 3, remainder dropped": ("C(1-3,3,pool3) 12-10", SIZE_8),
    "windows of 3 and 4": ("C(1-3,3,p1) pool3 C(3-4,3,p1) pool4 4-10", SIZE_12),
    "many channels": ("C(1-9-17,3,p1,pool2) 68-10", SIZE_8),
    "few outputs, then many": ("C(1-1-2-33,3,p1,pool2) 33-10", SIZE_8),
    "colours": ("C(3-5-4,3,p1,pool2) 16-10", COLOUR),
    "dense": ("64-37-10", SIZE_8),
    "dense, colours": ("192-10", COLOUR),
    "dense, augmented": ("192-10", replace(COLOUR, augment=True)),
    "softmax before cross-entropy": ("C(1-3,3,pool2) 27-10 softmax", SIZE_8),
    "log-softmax before cross-entropy": ("C(1-3,3,pool2) 27-10 logsoftmax", SIZE_8),
    "dropout of maps before pooling": ("C(1-4,3,p1) dropout2d pool2 64-10", SIZE_8),
    "dropout of numbers before pooling, remainder dropped": ("C(1-4,3) dropout(0.3) pool4 4-10", SIZE_8),
    "dropout before and after pooling": ("C(1-4,3) dropout(0.3) pool2 dropout2d(0.25) 36-10", SIZE_8),
    "dropout between convolutions": ("C(1-4,3,p1) dropout(0.25) C(4-5,3,p1) dropout2d C(5-3,3,p1,pool2) 48-10", SIZE_8),
    "dropout last": ("64-20-10 dropout(0.1)", SIZE_8),
}


@built
@pytest.mark.parametrize(("layout", "spec"), LAYOUTS.values(), ids=LAYOUTS)
def test_each_layout_is_the_torch_path(layout, spec, isa):
    trained = replace(BASE, data=spec, model=Model(layout), batch_size=40)
    assert_as_by_torch(trained, isa)


NORMS = {
    "dense": (Model("64-37-10"), SIZE_8),
    "pooling": (Model("C(1-4-5,3,p1,pool2) 20-12-10", "tanh"), SIZE_8),
    "dropouts, remainder of pooling dropped": (
        Model("C(1-4,3) dropout(0.3) pool4 dropout2d(0.25) 4-12 dropout 12-10"),
        SIZE_8,
    ),
    "softmax before cross-entropy": (Model("C(1-3,3,pool2) dropout 27-10 softmax", "leaky_relu"), SIZE_8),
    "augmented": (Model("C(3-4,3,p1,pool2) 64-10"), replace(COLOUR, augment=True)),
    "random labels": (Model("64-12-10"), replace(SIZE_8, random_labels=True)),
}
WHEN = ["epoch", "step", "last batch"]


@cache
def norms_of_the_naive_loop(trained, count=FEW):
    return reference.gradient_norms("T", "twin", trained, 5, first(count))


def assert_norms_of_the_naive_loop(trained, isa, rtol, count=FEW):
    arrays, expected = train(trained, count, isa=isa), norms_of_the_naive_loop(trained, count)
    by_sequential = by_torch(trained, count)
    for name, values in expected.items():
        np.testing.assert_allclose(arrays[name][5], values, rtol=rtol, err_msg=name)
        np.testing.assert_allclose(arrays[name][list(TWO)], by_sequential[name], rtol=rtol, err_msg=name)
    plain = trained_once(replace(trained, gradient_norm=""), count, isa)
    assert_same_bits(plain, {name: array for name, array in arrays.items() if name not in expected})


@built
@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize(("model", "spec"), NORMS.values(), ids=NORMS)
def test_gradient_norms_are_autograds_and_change_nothing_else(model, spec, when, isa):
    adam = OPTIMIZERS["adam"]
    trained = replace(BASE, model=model, data=spec, optimizer=adam, gradient_norm=when, epochs=2)
    assert_norms_of_the_naive_loop(trained, isa, rtol=1e-7)


@built
@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("model", [NORMS["dense"][0], NORMS["pooling"][0]], ids=["dense", "pooling"])
def test_gradient_norms_in_float32_over_a_few_steps(model, when, isa):
    sgd = Optimizer(name="sgd", lr=1e-2)
    trained = replace(BASE, model=model, optimizer=sgd, gradient_norm=when, precision="float32", batch_size=200)
    assert_norms_of_the_naive_loop(trained, isa, rtol=1e-4, count=400)


@built
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh"])
@pytest.mark.parametrize("middle", ["pool2", "dropout pool2", "dropout(0.2) pool2 dropout2d"])
def test_each_activation_is_the_torch_path(activation, middle, isa):
    # Biases of zero, so that sums on the black margins are exactly 0, at which left and right derivatives differ.
    model = Model(f"C(1-3,3,p1) {middle} C(3-4,3,p1,pool2) 16-12-10", activation, "keras")
    trained = replace(BASE, model=model)
    assert_as_by_torch(trained, isa)


@built
@pytest.mark.parametrize(("layout", "loss"), [("softmax", "nll"), ("logsoftmax", "nll"), ("", "nll")])
def test_each_output_by_negative_log_likelihood(layout, loss, isa):
    trained = unchecked(BASE, model=Model(f"C(1-3,3,pool2) 27-10 {layout}"), loss=loss)
    assert_as_by_torch(trained, isa)


@built
@pytest.mark.parametrize(
    "changes",
    [
        {"data": replace(COLOUR, augment=True)},
        {"data": replace(COLOUR, random_labels=True)},
        {"data": replace(COLOUR, augment=True, random_labels=True), "batch_size": None},
    ],
    ids=["augmented", "random labels", "both, full batch"],
)
def test_each_run_draws_what_the_torch_path_draws(changes, isa):
    trained = replace(BASE, model=DRAWING, epochs=2, **{"batch_size": 60, **changes})
    assert_as_by_torch(trained, isa, seeds=ALL)


@built
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_each_schedule_is_the_torch_path(schedule, isa):
    trained = replace(BASE, model=DRAWING, data=COLOUR, schedule=schedule, epochs=4)
    assert_as_by_torch(trained, isa, 40)


SMALL = {
    "B's smallest": small(b.SIZE, 0, 8),
    "B's softmax": small(b.TASK, 0, 4),
    "C's dropouts": small(c.TASK_CIFAR, 1, 8),
}


@built
@pytest.mark.parametrize("arm", SMALL.values(), ids=SMALL)
def test_nets_of_the_catalogue_in_float32_over_a_few_steps(arm, isa):
    trained = replace(arm, epochs=1, schedule=None)
    count = 2 * arm.batch_size if arm.batch_size < 100 else arm.batch_size
    arrays, expected = train(trained, count, seeds=TWO, isa=isa), by_torch(trained, count)
    assert arrays["weights"].dtype == np.float32
    for name in ("train_loss", "test_loss"):
        np.testing.assert_allclose(arrays[name], expected[name], rtol=1e-4)
    # Adam moves a weight by the learning rate whatever its gradient. If the gradient is a rounding error, so is its sign.
    differs = np.abs(arrays["weights"] - expected["weights"]) > 1e-5
    assert differs.mean() < 0.01


@built
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(("batch_size", "when"), [(None, ""), (65, ""), *((65, when) for when in WHEN)])
def test_the_same_bits_whatever_the_threads_and_the_calls(batch_size, when, precision, isa, monkeypatch):
    model = Model("C(3-4,3,p1) dropout(0.25) C(4-4,3,p1) pool2 dropout 64-10")
    trained = replace(BASE, data=replace(COLOUR, augment=True), model=model, precision=precision)
    trained = replace(trained, batch_size=batch_size, gradient_norm=when, epochs=2)
    monkeypatch.setattr(calls, "CALL_SECONDS", 1e9)
    alone = train(trained, 100, isa=isa, threads=1)
    assert_same_bits(alone, train(trained, 100, isa=isa, threads=8))
    monkeypatch.setattr(calls, "CALL_SECONDS", 0.0)  # one group of samples per call
    assert_same_bits(alone, train(trained, 100, isa=isa))


@built
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh"])
def test_divergence_is_recorded_not_raised(activation, precision, isa):
    model = Model("C(1-3,3,p1,pool2) 48-12-10", activation)
    wild = Optimizer(name="sgd", lr=1e30)
    arrays = train(replace(BASE, model=model, optimizer=wild, epochs=4, precision=precision), 400, isa=isa)
    assert np.isfinite(arrays["train_loss"][:, 0]).all()
    if activation == "leaky_relu":  # other activations die or saturate
        assert not np.isfinite(arrays["train_loss"][:, -1]).any()


@built
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh"])
def test_nan_stays_nan(activation, isa):
    dataset = first(100).load(SIZE_8)
    x = dataset.train.x.clone()
    x[3] = torch.nan
    dataset = replace(dataset, train=data.Split(x, dataset.train.y))
    trained = replace(BASE, model=Model("C(1-3,3,p1,pool2) 48-10", activation))
    arrays = image_kernel.train(block(trained), dataset, lambda steps: None, isa=isa)
    expected = sequential.train(block(trained), dataset, lambda steps: None)
    assert np.isnan(arrays["train_loss"]).all()
    assert np.isnan(arrays["weights"]).all()
    for name in ("train_accuracy", "test_accuracy", "test_loss"):
        np.testing.assert_array_equal(np.isnan(arrays[name]), np.isnan(expected[name]), err_msg=name)
        np.testing.assert_allclose(arrays[name][:, 0], expected[name][:, 0], err_msg=name)


@built
def test_advance_is_called_for_every_step_from_the_calling_thread():
    whole_gradient = replace(BASE, gradient_norm="epoch")
    for trained, steps in (
        (whole_gradient, 3),
        (replace(BASE, epochs=3), 3),
        (replace(BASE, batch_size=None, epochs=4), 1),
    ):
        advanced = []
        train(trained, 160, lambda steps, into=advanced: into.append((steps, threading.get_ident())))
        assert sum(steps for steps, _ in advanced) == 8 * trained.epochs * steps
        assert {thread for _, thread in advanced} == {threading.get_ident()}


@built
@pytest.mark.parametrize("batch_size", [None, 64])
def test_an_interruption_stops_soon_and_leaves_no_thread(batch_size):
    before, threads = threading.active_count(), torch.get_num_threads()
    interrupted = []

    def interrupt(steps):
        interrupted.append(time.perf_counter())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(replace(BASE, batch_size=batch_size, epochs=1_000_000), advance=interrupt)
    assert time.perf_counter() - interrupted[0] < 1.0  # 0.1 s on an idle machine
    assert threading.active_count() == before
    assert torch.get_num_threads() == threads


@built
def test_calls_do_not_grow_without_bound_over_many_short_epochs():
    trained = replace(BASE, model=Model("64-10"), optimizer=Optimizer(name="adam", lr=1e-2), epochs=400)
    arrays = train(trained, 20, seeds=(0,))
    assert arrays["train_loss"].shape == (1, 401)
    assert arrays["train_accuracy"][0, -1] == 1


@built
def test_weights_of_very_large_nets_are_not_kept(monkeypatch):
    kept = train(BASE)
    monkeypatch.setattr(image_kernel, "KEPT_WEIGHTS", 100)
    arrays = train(BASE)
    assert kept.keys() - arrays.keys() == {"weights"}
    np.testing.assert_array_equal(arrays["train_loss"], kept["train_loss"])


@built
def test_supported_arms():
    assert image_kernel.supports(BASE)
    assert image_kernel.supports(unchecked(BASE, model=Model("64-10"), batch_size=None))
    assert not image_kernel.supports(ARM)
    assert not image_kernel.supports(unchecked(BASE, model=Model("64-10 tanh")))
    assert not image_kernel.supports(unchecked(BASE, model=Model("dropout C(1-3,3) 108-10")))
    assert not image_kernel.supports(unchecked(BASE, model=Model("pool2 C(1-3,3) 12-10")))
    assert not image_kernel.supports(unchecked(BASE, model=Model("C(1-3,3,pool2) pool2 3-10")))
    assert not image_kernel.supports(unchecked(BASE, model=Model("C(1-3,1,p1) 300-10")))
    assert not image_kernel.supports(unchecked(BASE, model=Model("C(1-3,3) dropout dropout 108-10")))
    assert not any(image_kernel.supports(replace(BASE, optimizer=one)) for one in TORCH_OPTIMIZERS.values())
    assert not any(image_kernel.supports(replace(BASE, model=Model(layout))) for layout in TORCH_LAYOUTS.values())
    for activation in TORCH_ACTIVATIONS.values():
        assert not image_kernel.supports(replace(BASE, model=Model("64-10", **activation)))
    assert not image_kernel.supports(replace(BASE, coast=True))
    assert not image_kernel.supports(unchecked(BASE, model=Model("64-41000-10")))
    with pytest.raises(ValueError, match="does not train arm 'arm'"):
        image_kernel.train(block(ARM), data.BUILT_IN.load(ARM.data), lambda steps: None)
    with pytest.raises(ValueError, match=r"does not take samples of shape \(1, 8, 8\)"):
        train(unchecked(BASE, model=Model("C(1-3,3) 100-10")))
    with pytest.raises(ValueError, match="has 9 outputs for 10 classes"):
        train(unchecked(BASE, model=Model("64-9")))
    with pytest.raises(ValueError, match="no kernels for 'sse9' here, only for baseline"):
        train(BASE, isa="sse9")
