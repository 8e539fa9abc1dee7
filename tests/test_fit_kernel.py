"""The fit kernel trains, on every instruction set, the same run as the naive loop, and repeats it bit for bit."""

import threading
import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from cases import ARM, DIGITS, FIT_MODELS, OPTIMIZERS, SINC, TORCH_ACTIVATIONS, TORCH_OPTIMIZERS, unchecked
from hw1bench import Function, Model, Optimizer, StepLR, data
from hw1bench.records.runs import Block
from hw1bench.sources import c
from hw1bench.training import engine, stacked
from hw1bench.training.kernels import binaries, calls, fit_kernel
from kernel_cases import assert_same_bits, built

pytestmark = pytest.mark.usefixtures("nets_drawn_once")

CPU = torch.device("cpu")
EPOCHS = {None: 12, 12: 4, 1: 1}  # by batch size, of 40 samples: 12 steps or more; 12 leaves a remainder
BATCHES = {"full batch": None, "minibatch with remainder": 12, "batch 1": 1}
SGD = Optimizer(name="sgd", lr=1e6)

batches = pytest.mark.parametrize("batch_size", BATCHES.values(), ids=BATCHES)


def arm(**changes):
    return replace(ARM, **{"epochs": EPOCHS.get(changes.get("batch_size"), 1), **changes})


def train(trained, dataset=None, advance=lambda steps: None, **options):
    return fit_kernel.train(
        Block("T", "twin", trained, 0), dataset or data.BUILT_IN.load(trained.data), advance, **options
    )


@cache
def by_the_naive_loop(trained, seed):
    return reference.train("T", "twin", trained, seed)


@cache
def by_torch(trained, dataset=None):
    block = Block("T", "twin", trained, 0)
    return stacked.train(block, dataset or data.BUILT_IN.load(trained.data), False, lambda steps: None)


def assert_close(one, other, rtol=1e-7, atol=1e-10):
    for name in ("train_loss", "weights", "prediction"):
        assert one[name].dtype == other[name].dtype
        np.testing.assert_allclose(one[name], other[name], rtol=rtol, atol=atol, err_msg=name)


@built
@batches
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_each_optimizer_is_the_naive_loop(optimizer, batch_size, isa):
    trained = arm(optimizer=optimizer, batch_size=batch_size)
    arrays = train(trained, isa=isa)
    losses, weights = by_the_naive_loop(trained, 5)
    np.testing.assert_allclose(arrays["train_loss"][5], losses, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(arrays["weights"][5], weights, rtol=1e-7, atol=1e-10)


@built
@batches
@pytest.mark.parametrize("model", FIT_MODELS.values(), ids=FIT_MODELS)
def test_each_model_is_the_torch_path(model, batch_size, isa):
    trained = arm(model=model, batch_size=batch_size)
    assert_close(train(trained, isa=isa), by_torch(trained))


@built
@pytest.mark.parametrize("model", [c.FIT_1, c.FIT_2, Model("[5,10,10,10,10,10,5]"), Model("[1,190,1,17,16,15]")])
def test_deep_and_uneven_nets(model, isa):
    trained = arm(model=model, epochs=8)
    assert_close(train(trained, isa=isa), by_torch(trained), rtol=1e-6)


@built
@pytest.mark.parametrize("points", [2, 40, 63, 64, 65, 300])
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_any_number_of_samples(points, precision, isa):
    trained = arm(data=Function(name="sinc", points=points), epochs=5, precision=precision)
    tolerance = {"rtol": 1e-7} if precision == "float64" else {"rtol": 1e-4, "atol": 1e-6}
    assert_close(train(trained, isa=isa), by_torch(trained), **tolerance)


@cache
def numbers(samples, inputs, outputs):
    generator = torch.Generator().manual_seed(samples)
    x = torch.randn(samples, inputs, generator=generator, dtype=torch.float64)
    y = torch.randn(samples, outputs, generator=generator, dtype=torch.float64)
    return data.Dataset("numbers", data.Split(x, y), None, "numbers")


@built
@pytest.mark.parametrize("batch_size", [None, 7, 1])
@pytest.mark.parametrize("samples", [1, 20])
def test_several_inputs_and_outputs(samples, batch_size, isa):
    trained = unchecked(arm(batch_size=batch_size, epochs=3), model=Model("3-6-20-18 tanh", activation="leaky_relu"))
    dataset = numbers(samples, 3, 18)
    assert_close(train(trained, dataset, isa=isa), by_torch(trained, dataset))


@built
@settings(max_examples=25, deadline=None)
@given(
    widths=st.lists(st.integers(1, 40), min_size=2, max_size=5),
    activation=st.sampled_from(["relu", "leaky_relu", "tanh"]),
    samples=st.integers(1, 150),
    batch_size=st.sampled_from([None, 1, 2, 50]),
)
def test_any_net(widths, activation, samples, batch_size):
    trained = unchecked(arm(batch_size=batch_size, epochs=1), model=Model("-".join(map(str, widths)), activation))
    dataset = numbers(samples, widths[0], widths[-1])
    one = train(trained, dataset)
    for name in binaries.instruction_sets():
        assert_close(train(trained, dataset, isa=name), one)
    assert_close(one, by_torch(trained, dataset))


@built
@batches
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_float32_over_a_few_steps(optimizer, batch_size, isa):
    points = 40 if batch_size is None else 14
    trained = arm(data=Function(name="sinc", points=points), optimizer=optimizer, batch_size=batch_size)
    trained = replace(trained, epochs=5 if batch_size is None else 1, precision="float32")
    arrays = train(trained, isa=isa)
    assert arrays["weights"].dtype == np.float32
    assert_close(arrays, by_torch(trained), rtol=1e-4, atol=1e-5)


@built
@pytest.mark.parametrize(("precision", "units"), [("float32", 2), ("float64", 2.1)])
def test_tanh_to_two_units_in_the_last_place(precision, units, isa):
    # One weight and no bias, with a learning rate of zero: the prediction is tanh(weight * x).
    magnitudes = 10 ** torch.linspace(-5, 1.5, 20_000, dtype=torch.float64)[:, None]
    x = torch.cat([magnitudes, -magnitudes, torch.linspace(-5, 5, 20_000, dtype=torch.float64)[:, None]])
    dataset = data.Dataset("numbers", data.Split(x, x), None, "numbers")
    still = Optimizer(name="sgd", lr=0.0)
    arrays = train(
        arm(model=Model("1-1 tanh", init="keras"), optimizer=still, epochs=1, precision=precision), dataset, isa=isa
    )
    exact = np.tanh(np.longdouble(arrays["weights"][:, :1] * x[:, 0].numpy().astype(precision)))
    unit = np.spacing(np.abs(exact).astype(precision)).astype(np.longdouble)
    assert (np.abs(arrays["prediction"] - exact) <= units * unit).all()
    assert (np.abs(arrays["prediction"]) <= 1).all()


@built
@batches
def test_gradient_norm_is_autograds(batch_size, isa):
    trained = arm(batch_size=batch_size, epochs=2, gradient_norm="epoch")
    dataset = data.BUILT_IN.load(SINC)
    arrays = train(trained, isa=isa)
    assert arrays["gradient_norm"].shape == (8, 3)
    block = Block("T", "twin", trained, 0)
    before = stacked.initial(block, torch.float64).numpy()
    plain = train(replace(trained, gradient_norm=""), isa=isa)
    assert_same_bits(plain, {name: array for name, array in arrays.items() if name != "gradient_norm"})
    for epoch, weights in ((0, before), (2, arrays["weights"])):
        for run in (0, 7):
            net = reference.network(trained.model).double()
            torch.nn.utils.vector_to_parameters(torch.from_numpy(weights[run].copy()), net.parameters())
            torch.nn.functional.mse_loss(net(dataset.train.x), dataset.train.y).backward()
            norm = torch.cat([p.grad.flatten() for p in net.parameters()]).norm().item()
            assert arrays["gradient_norm"][run, epoch] == pytest.approx(norm, rel=1e-9)


@built
@batches
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_same_bits_whatever_the_threads_and_the_calls(batch_size, precision, isa, monkeypatch):
    trained = arm(batch_size=batch_size, epochs=23, precision=precision, gradient_norm="epoch")
    alone = train(trained, isa=isa, threads=1)
    for threads in (2, 3, 8):
        assert_same_bits(alone, train(trained, isa=isa, threads=threads))
    monkeypatch.setattr(calls, "CALL_SECONDS", 0.0)  # one epoch per call
    assert_same_bits(alone, train(trained, isa=isa))


@built
@batches
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_run_has_the_same_bits_beside_any_other_runs(batch_size, precision, isa):
    trained = arm(batch_size=batch_size, epochs=3, precision=precision, gradient_norm="epoch")
    dataset = data.BUILT_IN.load(SINC)
    first, second = (
        fit_kernel.train(Block("T", "twin", trained, first_seed), dataset, lambda steps: None, isa=isa)
        for first_seed in (0, 3)
    )
    assert_same_bits(
        {name: array[3:] for name, array in first.items()}, {name: array[:5] for name, array in second.items()}
    )


@built
@batches
def test_a_run_of_nan_leaves_the_others_as_they_are(batch_size, isa, monkeypatch):
    trained = arm(batch_size=batch_size)
    alone, others = train(trained, isa=isa), [0, 1, 3, 4, 5, 6, 7]
    initial = stacked.initial(Block("T", "twin", trained, 0), torch.float64).clone()
    initial[2] = torch.nan
    monkeypatch.setattr(stacked, "initial", lambda block, dtype: initial)
    beside = train(trained, isa=isa)
    assert np.isnan(beside["train_loss"][2]).all()
    assert_same_bits(*({name: array[others] for name, array in arrays.items()} for arrays in (alone, beside)))


@built
@batches
def test_seconds_are_those_of_as_many_threads_as_there_are_calls_side_by_side(batch_size, monkeypatch):
    timed, called = [], []
    train_side_by_side = fit_kernel.train_side_by_side
    monkeypatch.setattr(engine, "stopwatch", lambda runs: timed.append(runs) or (lambda: 1.0))
    monkeypatch.setattr(
        fit_kernel,
        "train_side_by_side",
        lambda calls, *rest: called.append(len(calls)) or train_side_by_side(calls, *rest),
    )
    engine.train(Block("T", "twin", arm(batch_size=batch_size), 0), CPU)
    assert timed == called
    assert timed == [8] if batch_size != 1 else 1 < timed[0] < 8


@built
@batches
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("model", FIT_MODELS.values(), ids=FIT_MODELS)
def test_divergence_is_recorded_not_raised(model, batch_size, precision, isa):
    arrays = train(arm(model=model, optimizer=SGD, batch_size=batch_size, epochs=30, precision=precision), isa=isa)
    assert np.isfinite(arrays["train_loss"][:, 0]).all()
    if model.activation == "leaky_relu":  # other activations die or saturate at a loss that is large but finite
        assert not np.isfinite(arrays["train_loss"][:, -1]).any()
        assert not np.isfinite(arrays["weights"]).all(axis=1).any()


@built
@pytest.mark.parametrize("batch_size", [None, 1])
def test_nan_stays_nan(batch_size, isa):
    dataset = numbers(20, 1, 1)
    x = dataset.train.x.clone()
    x[3] = torch.nan
    dataset = replace(dataset, train=replace(dataset.train, x=x))
    for activation in ("relu", "leaky_relu", "tanh"):
        arrays = train(arm(model=Model("[5,3]", activation), batch_size=batch_size, epochs=2), dataset, isa=isa)
        assert all(np.isnan(arrays[name]).all() for name in ("train_loss", "prediction"))


@built
def test_denormal_numbers_survive(isa):
    train(arm(precision="float32"), isa=isa, threads=1)
    assert 5e-324 * float("1.0") != 0.0
    assert (np.full(64, 1e-45, np.float32) * np.float32(1) != 0).all()
    assert (torch.full((64,), 1e-45) * 1 != 0).all()


@built
def test_advance_is_called_for_every_step_from_the_calling_thread():
    for trained in (arm(epochs=40), arm(batch_size=12, epochs=5)):
        advanced = []
        train(trained, advance=lambda steps, into=advanced: into.append((steps, threading.get_ident())))
        assert sum(steps for steps, _ in advanced) == 8 * trained.epochs * (4 if trained.batch_size else 1)
        assert {thread for _, thread in advanced} == {threading.get_ident()}


@built
@pytest.mark.parametrize("batch_size", [None, 1])
def test_an_interruption_stops_soon_and_leaves_no_thread(batch_size):
    before = threading.active_count()
    interrupted = []

    def interrupt(steps):
        interrupted.append(time.perf_counter())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(arm(epochs=1_000_000, batch_size=batch_size), advance=interrupt)
    assert time.perf_counter() - interrupted[0] < 1.0  # 0.1 s on an idle machine
    assert threading.active_count() == before


@built
def test_supported_arms():
    assert fit_kernel.supports(arm())
    assert fit_kernel.supports(arm(model=Model("[5] tanh", "tanh"), batch_size=1))
    assert not fit_kernel.supports(arm(model=Model("[5] softmax")))
    assert not fit_kernel.supports(arm(model=Model("1-8 dropout 8-1")))
    assert not any(fit_kernel.supports(arm(optimizer=optimizer)) for optimizer in TORCH_OPTIMIZERS.values())
    assert not fit_kernel.supports(arm(model=Model("1-5 nobias 5-1")))
    for activation in TORCH_ACTIVATIONS.values():
        assert not fit_kernel.supports(arm(model=Model("[5]", **activation)))
    assert not fit_kernel.supports(arm(gradient_norm="step"))
    assert not fit_kernel.supports(arm(gradient_norm="last batch"))
    assert not fit_kernel.supports(arm(schedule=StepLR(every=2, factor=0.1)))
    digits = arm(model=Model("64-10"), data=DIGITS, loss="cross_entropy")
    assert not fit_kernel.supports(digits)
    with pytest.raises(ValueError, match="does not train arm 'arm'"):
        train(digits)
    with pytest.raises(ValueError, match=r"'3-4-1' does not take samples of shape \(1,\)"):
        train(unchecked(arm(), model=Model("3-4-1")))
    with pytest.raises(ValueError, match="2 outputs for 1 targets"):
        train(unchecked(arm(), model=Model("1-4-2")))
    with pytest.raises(ValueError, match="no kernels for 'sse9' here, only for baseline"):
        train(arm(), isa="sse9")
