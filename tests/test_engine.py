"""The engine trains the same run in a block as the naive loop, and repeats it bit for bit."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import reference
from cases import (
    ALL_OPTIMIZERS,
    ARM,
    DIGITS,
    FIT_MODELS,
    IMAGE_MODELS,
    OPTIMIZERS,
    SCHEDULED,
    TORCH_ACTIVATIONS,
    TORCH_LAYOUTS,
    First,
    first,
    unchecked,
)
from hw1bench import Function, Images, Model, images
from hw1bench.records.runs import Block
from hw1bench.sources import a, b, c, d, e
from hw1bench.support import code
from hw1bench.training import engine, sequential, stacked
from hw1bench.training.compiler import compiler_works
from hw1bench.training.kernels import binaries
from hw1bench.training.streams import random_labels
from twins import ALL, Some, forget

pytestmark = pytest.mark.usefixtures("nets_drawn_once")

CPU = torch.device("cpu")
FEW = first(80)  # images
BACKENDS = [
    "eager",
    pytest.param("fit_kernel", marks=pytest.mark.skipif(not binaries.isa(), reason="no kernels")),
    pytest.param("compiled", marks=pytest.mark.skipif(not compiler_works(), reason="no C++ compiler")),
]


def arm(**changes):
    return replace(ARM, **changes)


def block(trained, first_seed=0, experiment="twin"):
    return Block("T", experiment, trained, first_seed)


@pytest.fixture
def eager(monkeypatch):
    monkeypatch.setattr(engine.binaries, "isa", lambda: None)
    monkeypatch.setattr(engine, "compiler_works", lambda: False)


@pytest.fixture
def no_kernels(monkeypatch):
    monkeypatch.setattr(engine.binaries, "isa", lambda: None)


def assert_twins(trained, *, seeds=(0, 7), rtol, atol):
    # Runs that train by themselves need not train beside others.
    chosen = seeds if engine.backend(trained, CPU) == "sequential" else ALL
    record = engine.train(Some("T", "twin", trained, 0, chosen=chosen), CPU, library=FEW)
    for seed in seeds:
        losses, weights = reference.train("T", "twin", trained, seed, FEW)
        run = chosen.index(seed)
        np.testing.assert_allclose(record.arrays["train_loss"][run], losses, rtol=rtol, atol=atol)
        np.testing.assert_allclose(record.arrays["weights"][run], weights, rtol=rtol, atol=atol)


@pytest.mark.parametrize("optimizer", ALL_OPTIMIZERS.values(), ids=ALL_OPTIMIZERS)
@pytest.mark.parametrize("model", FIT_MODELS.values(), ids=FIT_MODELS)
def test_function_nets_full_batch(model, optimizer, eager):
    assert_twins(arm(model=model, optimizer=optimizer, epochs=8), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("activation", TORCH_ACTIVATIONS.values(), ids=TORCH_ACTIVATIONS)
@pytest.mark.parametrize(
    ("layout", "backend"),
    [
        ("[5,10,5]", "compiled" if compiler_works() else "eager"),
        ("64-9-10", "eager"),
        ("C(1-3,3,p1) pool2 48-9-10", "sequential"),
    ],
)
def test_activations_of_torch_alone(activation, layout, backend):
    images = {} if "[" in layout else {"data": DIGITS, "loss": "cross_entropy", "batch_size": 50, "epochs": 2}
    trained = arm(**{"model": Model(layout, **activation), "epochs": 8, **images})
    assert engine.backend(trained, CPU) == backend
    assert_twins(trained, seeds=(1,), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("layout", TORCH_LAYOUTS.values(), ids=TORCH_LAYOUTS)
def test_layouts_of_torch_alone(layout):
    trained = arm(model=Model(layout), data=DIGITS, loss="cross_entropy", batch_size=50, epochs=2)
    assert "kernel" not in engine.backend(trained, CPU)
    assert_twins(trained, seeds=(1,), rtol=1e-7, atol=1e-10)


def test_function_nets_without_bias():
    trained = arm(model=Model("1-5 nobias 5-6-1", init="keras"), epochs=8)
    assert "kernel" not in engine.backend(trained, CPU)
    assert_twins(trained, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("optimizer", ALL_OPTIMIZERS.values(), ids=ALL_OPTIMIZERS)
def test_function_nets_minibatch_with_remainder(optimizer, eager):
    assert_twins(arm(optimizer=optimizer, batch_size=12, epochs=3), rtol=1e-7, atol=1e-10)


def test_function_nets_batch_1(eager):
    assert_twins(arm(batch_size=1, epochs=1), rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("model", [a.FIT_7, a.FIT_4, c.FIT_1, c.FIT_2, c.FIT_3, d.FIT_8, d.FIT_4, d.FIT_2, e.FIT_0])
def test_every_function_net_of_the_reports(model, eager):
    assert_twins(arm(model=model, epochs=8), seeds=(3,), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("model", "loss", "data"), IMAGE_MODELS.values(), ids=IMAGE_MODELS)
@pytest.mark.parametrize("batch_size", [None, 50], ids=["full batch", "minibatch"])
def test_classifiers(model, loss, data, batch_size, eager):
    trained = arm(model=model, loss=loss, data=data, batch_size=batch_size, epochs=2 if batch_size else 3)
    assert_twins(trained, seeds=(1,), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("optimizer", "schedule"), SCHEDULED.values(), ids=SCHEDULED)
@pytest.mark.parametrize("kind", ["function", "function, full batch", "dense", "convolutions"])
def test_the_learning_rate_follows_its_schedule(kind, optimizer, schedule, eager):
    changes = {
        "function": {"batch_size": 12},
        "function, full batch": {},
        "dense": {"model": Model("64-10"), "data": DIGITS, "loss": "cross_entropy", "batch_size": 50},
        "convolutions": {"model": Model("C(1-2,3) 72-10"), "data": DIGITS, "loss": "cross_entropy", "batch_size": 50},
    }[kind]
    trained = arm(optimizer=optimizer, schedule=schedule, epochs=5, **changes)
    assert_twins(trained, seeds=(1,), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("model", [Model("64-20-10"), Model("C(1-4,3,pool2) 36-10")], ids=["stacked", "sequential"])
def test_no_true_training_label_leaks_if_labels_are_random(model, eager, monkeypatch):
    trained = arm(
        model=model,
        data=replace(DIGITS, random_labels=True),
        loss="cross_entropy",
        batch_size=100,
        epochs=4,
        optimizer=replace(OPTIMIZERS["adam"], lr=3e-2),
    )
    true = engine.train(block(replace(trained, data=DIGITS)), CPU, library=First(400)).arrays
    library = First(400)
    assert (library.load(trained.data).train.y == -1).all()
    found = engine.train(block(trained), CPU, library=library).arrays
    read = images.read

    def mislabelled(*arguments):
        true = read(*arguments)
        return replace(true, train=replace(true.train, labels=9 - true.train.labels))

    monkeypatch.setattr(images, "read", mislabelled)
    again = engine.train(block(trained), CPU, library=First(400)).arrays
    for name in found:
        assert found[name].tobytes() == again[name].tobytes(), name
    assert true["test_accuracy"][:, -1].mean() > 0.5 > 0.25 > found["test_accuracy"][:, -1].mean()


def test_random_labels_are_drawn_once_per_seed_and_shared_by_arms():
    drawn = [random_labels(block(ARM, "x"), seed, 5_000, 10) for seed in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1])
    assert (drawn[0] == drawn[2]).double().mean() < 0.13
    counts = torch.bincount(drawn[0], minlength=10).double()
    assert ((counts - 500) ** 2 / 500).sum() < 27.9  # chi-square of 9 degrees of freedom: 99.9 %


@pytest.mark.parametrize("optimizer", ALL_OPTIMIZERS.values(), ids=ALL_OPTIMIZERS)
def test_sequential_training(optimizer):
    model = Model("64-12 dropout 12-10")
    trained = arm(model=model, loss="cross_entropy", data=DIGITS, optimizer=optimizer, batch_size=50, epochs=3)
    assert_twins(trained, seeds=(2,), rtol=1e-7, atol=1e-9)


def test_float32_over_a_few_steps(eager):
    assert_twins(arm(precision="float32", epochs=5), rtol=1e-4, atol=1e-6)
    assert engine.train(block(arm(precision="float32", epochs=1)), CPU).arrays["weights"].dtype == np.float32


@pytest.mark.skipif(not compiler_works(), reason="no C++ compiler")
@pytest.mark.parametrize(
    ("model", "optimizer", "batch_size"),
    [
        (Model("[5,10,5]"), "nesterov", None),
        (Model("[40,30]"), "rmsprop", 16),  # 40 x 30: a product too large to fuse
    ],
)
def test_compiled_is_the_same_run(model, optimizer, batch_size, no_kernels):
    trained = arm(model=model, optimizer=ALL_OPTIMIZERS[optimizer], batch_size=batch_size, epochs=5)
    assert engine.backend(trained, CPU) == "compiled"
    assert_twins(trained, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_block_repeats_bit_for_bit_whatever_ran_before(kind, monkeypatch):
    if kind != "fit_kernel":
        monkeypatch.setattr(engine.binaries, "isa", lambda: None)
    monkeypatch.setattr(engine, "compiler_works", lambda: kind == "compiled")
    trained = arm(precision="float32", epochs=8)
    alone = engine.train(block(trained), CPU)
    engine.train(block(replace(trained, name="other", model=Model("[7]"), epochs=3)), CPU)
    engine.train(block(trained, first_seed=8), CPU)
    torch.rand(3)
    forget()
    again = engine.train(block(trained), CPU)
    for name, array in alone.arrays.items():
        assert array.tobytes() == again.arrays[name].tobytes(), name


def test_streams_of_seeds_and_experiments_differ_and_arms_share(eager):
    one = stacked.initial(block(arm()), torch.float64)
    assert len({row.numpy().tobytes() for row in one}) == 8
    assert torch.equal(one, stacked.initial(block(arm(name="another", optimizer=OPTIMIZERS["sgd"])), torch.float64))
    assert not torch.equal(one, stacked.initial(block(arm(), experiment="other"), torch.float64))
    assert torch.equal(one[4:], stacked.initial(block(arm(), first_seed=4), torch.float64)[:4])


def test_dropout_does_not_touch_the_global_generator():
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    trained = arm(model=Model("64-12 dropout 12-10"), loss="cross_entropy", data=DIGITS, epochs=1)
    engine.train(block(trained), CPU)
    assert torch.equal(torch.rand(2), expected)


def test_histories_are_over_the_whole_sets(eager):
    trained = arm(model=Model("64-20-10"), loss="cross_entropy", data=DIGITS, batch_size=200, epochs=3)
    stacked_arrays = engine.train(block(trained), CPU).arrays
    dataset = engine.BUILT_IN.load(trained.data)
    single = sequential.train(block(trained), dataset, lambda steps: None)
    assert set(stacked_arrays) == {"train_loss", "train_accuracy", "test_loss", "test_accuracy", "weights"}
    for name, array in stacked_arrays.items():
        np.testing.assert_allclose(array, single[name], rtol=1e-7, atol=1e-9, err_msg=name)
    assert stacked_arrays["test_accuracy"].shape == (8, 4)
    assert (stacked_arrays["test_accuracy"][:, 0] < 0.4).all()
    assert (stacked_arrays["train_accuracy"][:, -1] > stacked_arrays["train_accuracy"][:, 0]).all()


def test_facts_and_prediction_of_a_function(eager):
    trained = arm(epochs=1)
    record = engine.train(block(trained), CPU)
    x, truth = np.array(record.facts["x"]), np.array(record.facts["truth"])
    np.testing.assert_allclose(truth, np.sinc(5 * x))
    assert record.facts["target_variance"] == pytest.approx(truth.var())
    mse = ((record.arrays["prediction"] - truth) ** 2).mean(axis=1)
    np.testing.assert_allclose(mse, record.arrays["train_loss"][:, -1], rtol=1e-9)


def test_divergence_is_recorded_not_raised(eager):
    wild = arm(optimizer=replace(OPTIMIZERS["sgd"], lr=1e6, weight_decay=0.0), epochs=30)
    record = engine.train(block(wild), CPU)
    assert not np.isfinite(record.arrays["train_loss"][:, -1]).any()
    assert all(run.diverged for run in record.runs(block(wild)))


MOMENTUM = ALL_OPTIMIZERS["momentum"]
IMAGES = {"loss": "cross_entropy", "data": Images(name="digits", size=28)}


@pytest.mark.parametrize(
    ("changes", "device", "kernel", "expected"),
    [
        ({}, "cpu", "avx2", "fit_kernel"),
        ({}, "cpu", None, "eager"),
        ({}, "cuda", "avx2", "fit_kernel"),
        ({}, "cuda", None, "resident"),
        ({"model": Model("784-256-10"), **IMAGES}, "cpu", "avx2", "image_kernel"),
        ({"model": Model("784-256-10"), **IMAGES}, "cpu", None, "sequential"),
        ({"model": Model("C(1-4,3) 2704-10"), **IMAGES}, "cpu", "avx2", "image_kernel"),
        ({"model": Model("C(1-200,3) 135200-10"), **IMAGES}, "cpu", "avx2", "image_kernel"),  # 1.4 million parameters
        ({"model": Model("C(1-999,3) 675324-10"), **IMAGES}, "cpu", "avx2", "sequential"),  # 7 million parameters
        ({"model": Model("784-256-10"), **IMAGES}, "cuda", "avx2", "resident"),
        ({"model": Model("784-20-10"), **IMAGES}, "cpu", None, "eager"),
        ({"model": Model("C(1-4,3) 2704-10"), **IMAGES}, "cuda", "avx2", "resident"),
        ({"model": Model("784-4 dropout 4-10"), **IMAGES}, "cpu", None, "sequential"),
        ({"optimizer": MOMENTUM}, "cpu", "avx2", "eager"),
        ({"optimizer": MOMENTUM}, "cuda", "avx2", "resident"),
        ({"optimizer": MOMENTUM, "model": Model("C(1-4,3) 2704-10"), **IMAGES}, "cpu", "avx2", "sequential"),
    ],
)
def test_backend_by_shape_and_device(changes, device, kernel, expected, monkeypatch):
    monkeypatch.setattr(engine.binaries, "isa", lambda: kernel)
    monkeypatch.setattr(engine, "compiler_works", lambda: False)
    assert engine.backend(arm(**changes), torch.device(device)) == expected


def test_kernels_keys_do_not_depend_on_threads_nor_torchs_on_kernels(monkeypatch):
    monkeypatch.setattr(engine, "compiler_works", lambda: False)

    def keys(kernel):
        monkeypatch.setattr(engine.binaries, "isa", lambda: kernel)
        found = []
        for threads in (1, 2):
            monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
            image = arm(model=Model("784-20-10"), **IMAGES)
            by_torch = replace(image, coast=True)
            found.append([engine.key(block(one), CPU) for one in (arm(), image, by_torch)])
        return found

    (one, image_one, other_one), (two, image_two, other_two) = keys("avx2")
    assert (one, image_one) == (two, image_two)
    assert other_one != other_two
    (torch_one, torch_image, other_again), (torch_two, _, _) = keys(None)
    assert len({one, torch_one, torch_two, image_one, torch_image}) == 5
    assert other_again == other_one


def test_keys_and_environment_have_the_precision_of_convolutions_on_a_gpu_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    gpu, image = torch.device("cuda"), block(arm(model=Model("C(1-3,3,p1) 2352-10"), **IMAGES))
    for precision, convolutions in (("default", "tf32"), ("strict", "ieee")):
        for describe in (engine.computing, engine.environment):
            assert describe(gpu, precision)["convolutions"] == convolutions
            assert describe(CPU, precision) == describe(CPU)
            assert "convolutions" not in describe(CPU)
    assert engine.key(image, gpu) == engine.key(image, gpu, precision="default")
    assert engine.key(image, gpu) != engine.key(image, gpu, precision="strict")
    for trained in (image, block(replace(image.arm, coast=True)), block(arm())):
        assert engine.key(trained, CPU) == engine.key(trained, CPU, precision="strict")


def test_steps_and_calls_of_advance_agree(eager):
    for trained in (arm(epochs=4), arm(epochs=3, batch_size=12)):
        advanced = []
        engine.train(block(trained), CPU, advanced.append)
        assert sum(advanced) == engine.steps(block(trained))


def test_key_depends_on_everything_that_determines_the_numbers(monkeypatch):
    keys = {
        engine.key(block(arm()), CPU),
        engine.key(block(arm(), first_seed=8), CPU),
        engine.key(block(arm(), experiment="other"), CPU),
        engine.key(block(arm(epochs=51)), CPU),
        engine.key(block(arm(data=Function(name="sgn", points=40))), CPU),
    }
    assert len(keys) == 5
    first = engine.key(block(arm()), CPU)
    assert first == engine.key(block(arm()), CPU)
    monkeypatch.setattr(code, "digest", lambda patterns: "other sources")
    assert engine.key(block(arm()), CPU) != first


def test_the_environment_has_the_sources_of_the_kernels_as_far_as_they_train(monkeypatch):
    folder = Path(binaries.__file__).parent
    sources = b"".join(path.read_bytes() for kind in ("*.cpp", "*.h") for path in sorted(folder.glob(kind)))
    if binaries.isa():
        assert engine.environment(CPU)["sources"] == hashlib.sha256(sources).hexdigest()[:8]
    monkeypatch.setattr(engine.binaries, "isa", lambda: None)
    assert "sources" not in engine.environment(CPU)


def test_a_net_that_does_not_take_the_data_is_refused():
    with pytest.raises(ValueError, match=r"'3-4-1' does not take samples of shape \(1,\)"):
        engine.train(block(unchecked(arm(), model=Model("3-4-1"))), CPU)


@pytest.mark.skipif(not binaries.isa(), reason="no kernels")
@pytest.mark.parametrize("published", b.FIT.quick.arms, ids=lambda one: one.name)
def test_report_b_shortened_is_the_same_by_kernel_and_torch(published, monkeypatch):
    short = replace(published, data=replace(published.data, points=60), epochs=1, precision="float64")
    assert engine.backend(short, CPU) == "fit_kernel"
    fast = engine.train(block(short), CPU)
    monkeypatch.setattr(engine.binaries, "isa", lambda: None)
    monkeypatch.setattr(engine, "compiler_works", lambda: False)
    slow = engine.train(block(short), CPU)
    for name, array in fast.arrays.items():
        np.testing.assert_allclose(array, slow.arrays[name], rtol=1e-6, atol=1e-9, err_msg=name)


def test_a_missing_cuda_device_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="no CUDA device here: give --device cpu"):
        engine.device_of("cuda")
