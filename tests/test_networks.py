"""Networks of one's own: trained as the naive loop trains them, repeatable, with their buffers, and refused in one line."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import reference
from cases import ALL_OPTIMIZERS, ARM, DIGITS, first
from hw1bench import Experiment, ExponentialLR, Function, Model, Network, Table, both_tiers, models
from hw1bench.court import costs, pilots
from hw1bench.records.measured import measured
from hw1bench.records.runs import Block, Run, recorded
from hw1bench.specs import work
from hw1bench.specs.experiment import canonical, digest
from hw1bench.specs.measurement import Interpolation, JacobianNorm, MinimalRatio, Paths
from hw1bench.specs.variants import VARIANTS
from hw1bench.support.snapshots import ARRAYS
from hw1bench.training import engine, sequential
from hw1bench.training.streams import seed_for
from networks import IMAGES, Convolutional, dense, layers, normed, of
from twins import ALL, TWO, Some

CPU = torch.device("cpu")
FEW = first(130)  # images; the last batch of 40 has 10


def flattened(network):
    return Network(lambda: nn.Sequential(nn.Flatten(), network.make()), name=network.name)


def train(arm, library=FEW, seeds=ALL):
    return engine.train(Some("T", "twin", arm, 0, chosen=seeds), CPU, library=library)


def same(one, other):
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert array.tobytes() == other.arrays[name].tobytes(), name


# Twins.


@pytest.mark.parametrize("optimizer", ALL_OPTIMIZERS.values(), ids=ALL_OPTIMIZERS)
def test_a_network_trains_as_the_layout_that_it_is(optimizer):
    layout = replace(ARM, optimizer=optimizer, epochs=8, model=Model("[5,10,5]", activation="tanh"))
    found = train(replace(layout, model=of("[5,10,5]", activation="tanh")), seeds=TWO).arrays
    for run, seed in enumerate(TWO):
        losses, weights = reference.train("T", "twin", layout, seed)
        np.testing.assert_allclose(found["train_loss"][run], losses, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(found["weights"][run], weights, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(
    "changes",
    [
        {"gradient_norm": "epoch"},
        {"gradient_norm": "step", "schedule": ExponentialLR(factor=0.7)},
        {"gradient_norm": "last batch", "coast": True, "snapshots": 2},
        {"keep": "best", "snapshots": "epoch"},
        {"data": replace(DIGITS, random_labels=True)},
        {"data": replace(DIGITS, augment=True)},
    ],
    ids=["norm per epoch", "norm per step", "coasting", "best", "random labels", "augmented"],
)
def test_it_records_what_the_layout_records_bit_by_bit(changes):
    layout = replace(IMAGES, **{"precision": "float64", **changes})
    block = Some("T", "twin", layout, 0, chosen=TWO)
    by_layout = sequential.train(block, FEW.load(layout.data), lambda steps: None)
    network = replace(layout, model=flattened(of("64-9-10")))
    found = train(network, seeds=TWO).arrays
    assert found.keys() == recorded(network, 130).keys() == by_layout.keys()
    for name, array in found.items():
        assert array.tobytes() == by_layout[name].tobytes(), name


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_a_table_is_learnt_as_by_the_layout(loss):
    x = np.random.default_rng(0).normal(size=(30, 4))
    y = x[:, :2] ** 2 if loss == "mse" else x[:, 0] > 0
    layout = replace(
        IMAGES, data=Table(x, y, name="t"), model=Model("4-5-2"), loss=loss, precision="float64", batch_size=8
    )
    network = replace(layout, model=of("4-5-2"))
    by_layout = sequential.train(Block("T", "twin", layout, 0), FEW.load(layout.data), lambda steps: None)
    found = train(network).arrays
    assert found.keys() == recorded(network).keys() == by_layout.keys()
    for name, array in found.items():
        assert array.tobytes() == by_layout[name].tobytes(), name


def test_convolutions_equal_the_naive_loop():
    layout = replace(IMAGES, model=Model("C(1-3,3,p1,pool2) 48-10"), precision="float64")
    found = train(replace(layout, model=of("C(1-3,3,p1,pool2) 48-10"))).arrays
    losses, weights = reference.train("T", "twin", layout, 4, FEW)
    np.testing.assert_allclose(found["train_loss"][4], losses, rtol=1e-7)
    np.testing.assert_allclose(found["weights"][4], weights, rtol=1e-7, atol=1e-10)


def plain_loop(make, arm, seed, best=False):
    """Train as a script would, with torch's fused optimiser, on one thread. Return the histories, weights and buffers."""
    dataset = FEW.load(arm.data)
    (x, y), (test_x, test_y) = ((split.x.float(), split.y) for split in (dataset.train, dataset.test))
    with torch.random.fork_rng():
        torch.manual_seed(seed_for("T", "twin", "init", seed))
        net = make()
        torch.manual_seed(seed_for("T", "twin", "dropout", seed))
        step = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], fused=True, lr=1e-2, weight_decay=1e-2)
        order = torch.Generator().manual_seed(seed_for("T", "twin", "order", seed))
        histories, kept = [], None
        for epoch in range(arm.epochs + 1):
            net.eval()
            with torch.no_grad():
                outputs = [net(samples) for samples in (x, test_x)]
            histories.append(
                [
                    *(nn.functional.cross_entropy(h, t).item() for h, t in zip(outputs, (y, test_y), strict=True)),
                    (outputs[1].argmax(1) == test_y).double().mean().item(),
                ]
            )
            if not best or not epoch or histories[-1][2] > max(row[2] for row in [[0, 0, -1], *histories[1:-1]]):
                row = nn.utils.parameters_to_vector([p for p in net.parameters() if p.requires_grad])
                fixed = [*(p for p in net.parameters() if not p.requires_grad), *net.buffers()]
                kept = row.detach().clone(), [each.flatten().tolist() for each in fixed]
            if epoch < arm.epochs:
                net.train()
                for batch in torch.randperm(len(x), generator=order).split(arm.batch_size):
                    step.zero_grad()
                    nn.functional.cross_entropy(net(x[batch]), y[batch]).backward()
                    step.step()
    return np.array(histories).T, kept[0].numpy(), np.array([number for part in kept[1] for number in part])


@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize("make", [normed, Convolutional], ids=["batch norm", "group norm, dropout, a frozen parameter"])
def test_batch_norm_and_dropout_are_the_plain_loop_bit_by_bit(make, keep):
    arm = replace(IMAGES, model=Network(make), keep=keep)
    found = train(arm).arrays
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        for seed in (0, 5):
            (train_loss, test_loss, accuracy), weights, buffers = plain_loop(make, arm, seed, keep == "best")
            assert found["test_accuracy"][seed].tolist() == accuracy.tolist()
            assert found["train_loss"][seed].tolist() == train_loss.tolist()
            assert found["test_loss"][seed].tolist() == test_loss.tolist()
            assert found["weights"][seed].tobytes() == weights.tobytes()
            assert found["buffers"][seed].tolist() == buffers.tolist()
    finally:
        torch.set_num_threads(threads)
    assert {name: array.shape[1:] for name, array in found.items()} == recorded(arm, 130)


# Repeatable, and different from run to run.


@pytest.mark.parametrize("make", [normed, Convolutional], ids=["side by side", "one after the other"])
def test_runs_repeat_whatever_the_threads_and_what_others_draw(make):
    arm, before, found = replace(IMAGES, model=Network(make)), torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            torch.manual_seed(threads)
            state = torch.get_rng_state()
            found.append(train(arm))
            assert torch.equal(torch.get_rng_state(), state)
    finally:
        torch.set_num_threads(before)
    same(*found)
    assert len({row.tobytes() for row in found[0].arrays["weights"]}) == 8
    assert sequential.alone(arm, CPU) == (make is Convolutional)


def test_initial_weights_are_shared_between_arms_unless_these_are_independent():
    arm = replace(IMAGES, model=Network(normed), epochs=1, snapshots="epoch")
    first_snapshot = [
        train(replace(arm, name=name, independent=independent)).arrays[ARRAYS[0]]
        for name, independent in (("a", False), ("b", False), ("c", True))
    ]
    assert np.array_equal(first_snapshot[0], first_snapshot[1])
    assert not np.array_equal(first_snapshot[0], first_snapshot[2])


def test_numbers_drawn_in_some_steps_alone_are_refused():
    class Later(nn.Linear):
        steps = 0

        def forward(self, x):
            self.steps += self.training
            h = x.flatten(1)
            return super().forward(nn.functional.dropout(h) if self.steps > 3 else h)

    with pytest.raises(
        ValueError, match="network 'later' draws random numbers in some steps of training and not in the"
    ):
        train(replace(IMAGES, model=Network(lambda: Later(64, 10), name="later")))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("make", [normed, Convolutional], ids=["batch norm", "dropout"])
def test_a_gpu_trains_the_same_runs_and_repeats_them(make):
    arm = replace(IMAGES, model=Network(make), gradient_norm="epoch", snapshots=3, coast=True)
    block, cuda = Block("T", "twin", arm, 0), torch.device("cuda")
    assert engine.backend(arm, cuda) == "sequential"
    there, again = (engine.train(block, cuda, library=FEW) for _ in range(2))
    same(there, again)
    here = train(arm)
    assert {name: array.shape for name, array in there.arrays.items()} == {
        name: array.shape for name, array in here.arrays.items()
    }
    if make is normed:  # the other draws its dropout on the device
        np.testing.assert_allclose(there.arrays["train_loss"], here.arrays["train_loss"], rtol=1e-3)
        np.testing.assert_allclose(there.arrays["buffers"], here.arrays["buffers"], rtol=1e-2, atol=1e-3)


# What decides keys.


def keys(network):
    arm = replace(IMAGES, model=network)
    return digest(arm), engine.key(Block("T", "own", arm, 0), CPU)


def test_name_version_and_parameters_decide_keys():
    network = Network(normed)
    assert canonical(network) == {"is": "Network", "name": "normed", "parameters": 703}
    assert keys(network) == keys(Network(lambda: normed(), name="normed", version="1"))
    wider = Network(
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.BatchNorm1d(10), nn.ReLU(), nn.Linear(10, 10)),
        name="normed",
    )
    others = [network, replace(network, version=2), Network(normed, name="other"), wider]
    for place in (0, 1):
        assert len({keys(each)[place] for each in others}) == 4


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 9), nn.BatchNorm1d(9), nn.Tanh(), nn.Linear(9, 10)),
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 9), nn.BatchNorm1d(9, eps=0.1), nn.ReLU(), nn.Linear(9, 10)),
        lambda: normed().apply(lambda each: nn.init.zeros_(each.bias) if isinstance(each, nn.Linear) else None),
    ],
    ids=["activation", "constant", "initialisation"],
)
def test_what_is_printed_and_drawn_decides_stored_blocks_and_no_digest(make):
    network, changed = Network(normed), Network(make, name="normed")
    assert network != changed
    assert keys(network)[0] == keys(changed)[0]
    assert keys(network)[1] != keys(changed)[1]


def test_addresses_in_what_is_printed_decide_nothing():
    class Applied(nn.Linear):
        def extra_repr(self):
            return f"{object()}"

    assert len({Network(lambda: Applied(64, 10), name="applied").content for _ in range(3)}) == 1


# What is known of a network.


def test_a_network_is_counted():
    network = Network(Convolutional)
    assert (network.name, network.parameters, network.buffers, network.numbers) == ("Convolutional", 526, 3, 529)
    assert (network.depth, network.first_layer_parameters, network.seeded) == (2, 30, True)
    assert network.passed((1, 8, 8)).draws
    batch_norm = Network(normed)
    assert (batch_norm.parameters, batch_norm.buffers, batch_norm.depth) == (64 * 9 + 9 + 18 + 100, 19, 2)
    assert not batch_norm.passed((1, 8, 8)).draws


@pytest.mark.parametrize("layout", ["C(1-3,3,s2,p1) C(3-4,2) 36-10", "C(1-3,3,p1,pool2) 48-9-10"])
def test_multiply_adds_are_those_of_the_layout(layout):
    by_layout = replace(IMAGES, model=Model(layout))
    assert work.of_run(replace(by_layout, model=of(layout))) == work.of_run(by_layout)


def test_a_function_that_imports_torch_itself_is_seeded_from_its_second_call_on():
    calls = []

    def make():
        if not calls:  # as if torch had not been there to be seeded
            torch.rand(1)
        calls.append(1)
        return nn.Linear(1, 1)

    assert Network(make).seeded


def test_making_a_network_draws_nothing_from_others_generator():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    replace(IMAGES, model=Network(Convolutional))
    assert torch.equal(torch.get_rng_state(), state)


# Measures.


PAIR = {"first": "a", "second": "b"}


@pytest.mark.parametrize(
    ("measurement", "network", "said"),
    [
        (Interpolation(**PAIR, alphas=(0, 1)), Network(normed), "network 'normed' has buffers, such as running statistics, whi"),
        (Paths(own="a", other="b", mark_every=1), Network(normed), "a net of trained weights alone, and network 'normed' has"),
    ],
    ids=["Interpolation", "Paths"],
)  # fmt: skip
def test_what_cannot_be_measured_is_one_line(measurement, network, said):
    with pytest.raises(ValueError, match=said):
        measured(measurement, replace(IMAGES, model=network, snapshots="epoch"))
    assert measured(JacobianNorm(), replace(IMAGES, model=network)) == {"jacobian": ()}


def test_the_minimal_ratio_needs_a_layout():
    arm = replace(ARM, model=of("[5,10,5]"), gradient_norm="epoch")
    with pytest.raises(
        ValueError, match=r"MinimalRatio of arm 'arm' needs a layout, .* gets network 'twin': give a Model"
    ):
        measured(MinimalRatio(), arm)


def test_large_networks_keep_no_weights():
    large = replace(
        IMAGES,
        model=Network(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 15_500), nn.Linear(15_500, 10)), name="l"),
    )
    assert "weights" not in recorded(large)
    with pytest.raises(
        ValueError, match=r"its weights, which are not kept for 1,162,510 parameters: give a net with 1,0"
    ):
        measured(JacobianNorm(), large)


def test_log_probabilities_are_known():
    softmax = functools.partial(nn.LogSoftmax, dim=1)
    arm = replace(IMAGES, model=layers(nn.Flatten, dense(64, 10), softmax), loss="nll")
    losses, _ = reference.train("T", "twin", replace(IMAGES, model=Model("64-10 logsoftmax"), loss="nll"), 2, FEW)
    np.testing.assert_allclose(train(arm).arrays["train_loss"][2], losses, rtol=1e-4)


def test_variants_are_those_that_a_network_can_be_trained_in():
    network = Network(lambda: nn.Sequential(nn.Linear(1, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)), name="n")
    for points, expected in ((17, []), (18, ["batches of 16"])):  # batch norm does not train on the remainder of one
        arm = replace(ARM, data=Function(name="sinc", points=points), model=network)
        experiment = Experiment(report="T", name="x", **both_tiers([arm]))
        found = [variant.name for variant in VARIANTS if variant.of(experiment)]
        assert found == [*expected, "independent seeds"]


@pytest.mark.parametrize(("end", "learnt"), [(2.0, False), (0.4, True)])
def test_whether_a_network_learns_is_known_without_a_layout(end, learnt):
    arrays = {"train_loss": np.array([2.3, end]), "train_accuracy": np.array([0.1, 0.9])}
    run = Run(replace(IMAGES, model=Network(normed), epochs=1), 0, arrays, {"classes": 10})
    assert pilots._learnt(run) == learnt


def test_the_cost_of_a_network_is_that_of_the_layout_that_it_is():
    for layout in ("C(1-3,3,p1,pool2) 48-9-10", "[5,10]"):
        arm = replace(ARM if "[" in layout else IMAGES, model=Model(layout))
        kinds = {costs.kind(one, [], "cpu") for one in (arm, replace(arm, model=of(layout)))}
        assert len(kinds) == 1


def test_what_needs_a_layout_says_so():
    arm = replace(IMAGES, model=Network(normed))
    with pytest.raises(ValueError, match="arm 'arm' has network 'normed', and needs a layout: give a Model"):
        _ = arm.laid_out
    assert models.inputs(arm.model, torch.zeros(2, 1, 8, 8)).shape == (2, 1, 8, 8)


def test_a_layer_that_computes_in_place_does_not_change_the_data_that_all_runs_share():
    def net(inplace):
        return Network(
            lambda: nn.Sequential(nn.Flatten(), nn.LeakyReLU(0.1, inplace=inplace), nn.Linear(64, 10)), name="net"
        )

    dataset = FEW.load(DIGITS)
    before = dataset.test.x.clone()
    dataset.test.x.sub_(0.5)  # numbers below 0, which the layer changes
    dataset.train.x.sub_(0.5)
    try:
        trained = [
            sequential.train(Block("T", "x", replace(IMAGES, model=net(inplace)), 0), dataset, lambda steps: None)
            for inplace in (False, True)
        ]
        for name, array in trained[0].items():
            assert array.tobytes() == trained[1][name].tobytes(), name
        assert torch.equal(dataset.test.x, before - 0.5)
    finally:
        dataset.test.x.copy_(before)
        dataset.train.x.add_(0.5)
