"""Measurements by a function of a trained run, and our own measurements of networks of one's own."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import networks
import reference
from cases import ARM, DIGITS, first
from hw1bench import Model, Network, measure, models
from hw1bench.executors.local import LocalTrainer
from hw1bench.measures import taking
from hw1bench.records.measured import measured
from hw1bench.records.runs import Block, Measured, Result, Run
from hw1bench.specs.experiment import canonical, digest
from hw1bench.specs.measurement import Interpolation, JacobianNorm, Paths
from hw1bench.support.progress import Silent
from hw1bench.training import engine
from hw1bench.training.streams import random_labels, seed_for
from networks import normed

CPU = torch.device("cpu")
FEW = first(130)
IMAGES = replace(networks.IMAGES, epochs=2)


def flat_twin():
    return nn.Sequential(nn.Flatten(), *reference.network(Model("64-9-10")))


def trained(*arms):
    blocks = [Block("T", "own", arm, 8) for arm in arms]
    return [(block, engine.train(block, CPU, library=FEW)) for block in blocks]


def take(measurement, *arms):
    blocks = trained(*arms)
    found = taking.take(measurement, blocks, FEW.load(arms[0].data), CPU)
    return found.arrays, blocks[0][1].arrays


@measure(gives={"loss": (), "accuracy": (), "drawn": (3,)})
def kept(network, data, generator):
    with torch.no_grad():
        outputs = network(data.test.x)
    return {
        "loss": nn.functional.cross_entropy(outputs, data.test.y).item(),
        "accuracy": (outputs.argmax(1) == data.test.y).double().mean(),
        "drawn": torch.rand(3, generator=generator),
    }


@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize(
    "model",
    [Model("64-9-10"), Model("C(1-3,3,pool2) dropout 27-10"), Network(normed)],
    ids=["dense", "dropout", "batch norm"],
)
def test_a_function_gets_the_net_that_its_arm_keeps_and_a_generator_of_the_run(model, keep):
    found, run = take(kept, replace(IMAGES, model=model, keep=keep))
    epochs = run["test_accuracy"][:, 1:].argmax(1) + 1 if keep == "best" else [2] * 8
    np.testing.assert_allclose(found["accuracy"], run["test_accuracy"][range(8), epochs], rtol=1e-12)
    np.testing.assert_allclose(found["loss"], run["test_loss"][range(8), epochs], rtol=1e-5)
    generator = torch.Generator().manual_seed(seed_for("T", "own", "measure", 11))
    assert found["drawn"][3].tolist() == torch.rand(3, generator=generator).tolist()


def test_a_function_gets_the_data_that_the_run_learned_from():
    @measure(gives={"labels": (130,), "test": (37,), "precise": ()})
    def data_of(network, data, generator):
        same = network(data.train.x).dtype == data.train.x.dtype == torch.float64
        return {"labels": data.train.y, "test": data.test.y, "precise": same and not network.training}

    arm = replace(IMAGES, data=replace(DIGITS, random_labels=True), precision="float64")
    found, _ = take(data_of, arm)
    dataset = FEW.load(arm.data)
    assert found["precise"].all()
    assert found["test"][5].tolist() == dataset.test.y.tolist()
    for row in (0, 5):
        labels = random_labels(Block("T", "own", arm, 8), 8 + row, 130, 10)
        assert found["labels"][row].tolist() == labels.tolist()


def test_a_gradient_of_the_inputs_is_that_of_one_run():
    @measure(gives={"backward": (37, 64), "alone": (37, 64)})
    def slopes(network, data, generator):
        x = data.test.x.requires_grad_()
        network(x).sum().backward()
        [alone] = torch.autograd.grad(network(y := data.test.x.clone().requires_grad_()).sum(), y)
        return {"backward": x.grad.flatten(1), "alone": alone.flatten(1)}

    found, _ = take(slopes, IMAGES)
    assert np.abs(found["alone"]).max() > 0
    np.testing.assert_array_equal(found["backward"], found["alone"])


def test_the_data_of_a_function_has_no_test_set():
    @measure(gives="residual", name="fit")
    def residual(network, data, generator):
        assert data.test is None
        return {"residual": (network(data.train.x) - data.train.y).square().mean().item()}

    found, run = take(residual, replace(ARM, epochs=2))
    np.testing.assert_allclose(found["residual"], run["train_loss"][:, -1], rtol=1e-6)
    assert residual.title == "fit"


def test_a_run_is_asked_by_the_function():
    results = (Result(kept, ("arm",), {"loss": np.array(0.5)}),)
    run = Run(ARM, 0, {"train_loss": np.ones(2)}, {}, results)
    assert run.result(kept)["loss"] == 0.5


def test_name_version_and_what_it_gives_decide_the_key():
    def number(network, data, generator):
        return {"a": 1.0}

    made = [
        measure(gives="a")(number),
        measure(gives="a", version=2)(number),
        measure(gives="a", name="other")(number),
        measure(gives=["a", "b"])(number),
        measure(gives={"a": (1,)})(number),
    ]
    assert len({digest(one) for one in made}) == 5
    assert canonical(made[0]) == {"is": "OwnMeasurement", "name": "number", "version": "1", "gives": [["a", []]]}
    assert measured(made[4], ARM) == {"a": (1,)}


def changes_data(network, data, generator):
    data.train.x.add_(1)
    return {"a": 0.0}


RETURNED = {
    "a number": (lambda network, data, generator: 1.0, "measure 'f' returns float: return a mapping with a"),
    "another name": (lambda network, data, generator: {"b": 1.0}, "measure 'f' returns b: return a mapping with a"),
    "more": (lambda network, data, generator: {"a": 1, "b": 2}, "measure 'f' returns a, b: return a mapping with a"),
    "a shape": (
        lambda network, data, generator: {"a": torch.ones(2)},
        r"measure 'f' returns a of shape \(2,\), but its gives says \(\): make them the same",
    ),
    "text": (
        lambda network, data, generator: {"a": "x"},
        "measure 'f' returns a as text: give real numbers",
    ),
    "changed data": (changes_data, "measure 'f' changes its data, which all runs share: change a clone"),
    "torch's own generator": (
        lambda network, data, generator: {"a": torch.rand(())},
        "measure 'f' draws from torch's own generator: draw from the one that it is given, or from one that starts from gen",
    ),
    "NumPy's generator": (
        lambda network, data, generator: {"a": np.random.rand()},
        "measure 'f' draws from NumPy's own generator: draw from the one that it is given",
    ),
    "Python's generator": (
        lambda network, data, generator: {"a": random.random()},
        "measure 'f' draws from Python's own generator: draw from the one that it is given",
    ),
}


@pytest.mark.parametrize(("function", "said"), RETURNED.values(), ids=RETURNED)
def test_what_a_function_may_not_do_is_one_line(function, said):
    x = FEW.load(ARM.data).train.x.clone()
    with torch.random.fork_rng(), pytest.raises(ValueError, match=said):
        take(measure(gives="a", name="f")(function), replace(ARM, epochs=1))
    assert torch.equal(FEW.load(ARM.data).train.x, x)


def made(measurement, *blocks, known=None):
    """What a trainer makes of blocks that ``measurement`` measures."""
    found = {}
    work = [
        *(block for block in blocks if block not in (known or {})),
        *(Measured(measurement, (one,)) for one in blocks),
    ]
    LocalTrainer("cpu", Silent(), FEW).make(work, known or {}, found.__setitem__)
    return found


def misspelt(network, data, generator):
    return {"a": network.wieght}


SURE = RETURNED | {
    "a name that is not there": (
        misspelt,
        "measure 'f' fails before its experiment trains, on an untrained net: AttributeError: .* no attribute 'wieght'",
    ),
    "a call": (lambda network, data, generator: {"a": network(data.test.x, 3)}, "positional arguments"),
}


@pytest.mark.parametrize(("function", "said"), SURE.values(), ids=SURE)
def test_what_fails_whatever_the_net_is_told_before_anything_trains(function, said, monkeypatch):
    monkeypatch.setattr(engine, "train_group", None)
    with torch.random.fork_rng(), pytest.raises(ValueError, match=said) as caught:
        made(measure(gives="a", name="f")(function), Block("T", "own", IMAGES, 0))
    assert "\n" not in str(caught.value)


def test_what_may_lie_in_the_untrained_net_is_told_of_the_trained_one_alone():
    calls = []

    @measure(gives="a")
    def demanding(network, data, generator):
        calls.append(network)
        if len(calls) == 1:
            raise IndexError("no sample of class 3 is found")
        return {"a": len(calls)}

    block = Block("T", "own", IMAGES, 0)
    found = made(demanding, block)
    assert sorted(found[Measured(demanding, (block,))].arrays["a"]) == [*range(2, 10)]


def test_a_function_is_tried_once_on_the_weights_from_which_the_first_run_starts():
    seen = []

    @measure(gives={"last": (10,)})
    def last(network, data, generator):
        seen.append([weight.detach().clone() for weight in network.parameters()])
        assert not network.training
        return {"last": network[-1].bias}

    blocks = [Block("T", "own", IMAGES, first) for first in (0, 8)]
    found = made(last, *blocks)
    assert len(seen) == 1 + 16
    drawn = reference.network(IMAGES.model)
    models.initialise(drawn, IMAGES.model, torch.Generator().manual_seed(seed_for("T", "own", "init", 0)))
    assert all(map(torch.equal, seen[0], drawn.parameters()))
    known = {block: found[block] for block in blocks}
    assert made(last, *blocks, known=known).keys() == {Measured(last, (one,)) for one in blocks}
    assert len(seen) == 17 + 16


FAULTS = {
    "no function": (lambda: measure(gives="a")(3), "the function of measure is 3: give a function"),
    "arguments": (
        lambda: measure(gives="a")(lambda network: {}),
        "give a function of a network, its data and a generator",
    ),
    "no name": (
        lambda: measure(gives="a")(lambda *given: {}),
        "the function of measure is <function .*, which has no name: give name=",
    ),
    "nothing": (lambda: measure(gives=()), r"measure gives is \(\): give one name or more"),
    "twice": (lambda: measure(gives=("a", "a")), "give one name or more, each once"),
    "a shape": (lambda: measure(gives={"a": 3}), "measure gives: shape of a is 3: give a tuple or a list"),
    "a number": (lambda: measure(gives=3), "measure gives is 3: give a tuple or a list"),
    "version": (lambda: measure(gives="a", version=True), "measure version is True: give text"),
}


@pytest.mark.parametrize(("make", "said"), FAULTS.values(), ids=FAULTS)
def test_faults_are_one_line_where_the_function_is_given(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_weights_must_be_kept():
    wide = replace(IMAGES, model=Model("64-15000-10"))
    with pytest.raises(
        ValueError, match="kept of arm 'arm' needs its weights, which are not kept for 1,125,010 parameters"
    ):
        measured(kept, wide)


# Our own measurements give the same for a network of one's own as for the layout that it is.


def both(measurement, **changes):
    """What ``measurement`` gives for a layout, and for the network of one's own that it is."""
    found = []
    for model in (IMAGES.model, Network(flat_twin)):
        arms = [
            replace(IMAGES, name=name, model=model, precision="float64", independent=True, **changes)
            for name in (measurement.together or ("a",))
        ]
        found.append(take(measurement, *arms)[0])
    return found


@pytest.mark.parametrize(
    ("measurement", "changes"),
    [
        (JacobianNorm(), {}),
        (Interpolation(first="a", second="b", alphas=(-1, 0, 0.3, 1, 2)), {}),
        (Paths(own="a", other="b", mark_every=2), {"snapshots": 2}),
    ],
    ids=["JacobianNorm", "Interpolation", "Paths"],
)
def test_a_network_is_measured_as_the_layout_that_it_is(measurement, changes):
    by_layout, by_network = both(measurement, **changes)
    assert by_layout.keys() == by_network.keys()
    for name, array in by_layout.items():
        np.testing.assert_allclose(by_network[name], array, rtol=1e-5, atol=1e-7, err_msg=name)


def test_the_jacobian_norm_counts_running_statistics():
    found, arrays = take(JacobianNorm(), replace(IMAGES, model=Network(normed), precision="float64"))
    weights, buffers = (torch.tensor(arrays[name][2]) for name in ("weights", "buffers"))
    net = normed().double().eval()
    nn.utils.vector_to_parameters(weights, net.parameters())
    net[2].running_mean, net[2].running_var = buffers[:9].clone(), buffers[9:18].clone()
    norms = []
    for sample in FEW.load(DIGITS).test.x.double():
        rows = torch.autograd.functional.jacobian(lambda x: net(x).softmax(1)[0], sample[None])
        norms.append(rows.norm().item())
    np.testing.assert_allclose(found["jacobian"][2], np.mean(norms), rtol=1e-9)
