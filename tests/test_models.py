import pytest
import torch

import reference
from cases import COUNTS, SHAPES
from hw1bench import Model
from hw1bench.layout import Conv, Linear, parse
from hw1bench.models import build, count, initialise, inputs
from hw1bench.sources import a, b, c, d, e


@pytest.mark.parametrize(("layout", "parameters"), COUNTS.items())
def test_counts_of_the_catalogue(layout, parameters):
    model = Model(layout)
    assert sum(number for _, number in count(model)) == parameters
    assert model.parameters == parameters
    assert sum(p.numel() for p in reference.network(model).parameters()) == parameters


def test_count_names_each_layer():
    assert count(Model("C(1-8,3,p1) 6272-10")) == [("Conv2d(1, 8, 3x3)", 80), ("Linear(6272, 10)", 62_730)]


def models_of(source):
    found = [value for value in vars(source).values() if isinstance(value, Model)]
    return found + list(getattr(source, "SIZE", {}).values())


@pytest.mark.parametrize("source", [a, b, c, d, e], ids="ABCDE")
def test_every_net_of_the_reports_takes_its_images(source):
    for model in models_of(source):
        first = next(layer for layer in parse(model.layout) if isinstance(layer, Conv | Linear))
        maps = {1: (1, 28, 28), 3: (3, 32, 32)}
        shape = maps[first.inputs] if isinstance(first, Conv) else (first.inputs,)
        assert inputs(model, torch.zeros(2, *shape)).shape == (2, *shape)


@pytest.mark.parametrize(("layout", "shape"), SHAPES.items())
def test_the_network_computes_what_the_layout_says(layout, shape):
    model = Model(layout, activation="leaky_relu")
    network, twin = build(model), reference.network(model)
    twin.load_state_dict(dict(zip(twin.state_dict(), network.state_dict().values(), strict=True)))
    x = torch.randn(3, *shape)
    assert torch.equal(network.eval()(x), twin.eval()(x))


def test_images_are_flattened_for_dense_nets_and_refused_where_they_do_not_fit():
    assert inputs(Model("784-10"), torch.zeros(5, 1, 28, 28)).shape == (5, 784)
    with pytest.raises(ValueError, match=r"does not take samples of shape \(1, 32, 32\)"):
        inputs(Model("784-10"), torch.zeros(5, 1, 32, 32))


def test_torch_initialisation_is_torchs_own_draw():
    model = Model("C(2-4,3) 16-5-3")
    torch.manual_seed(11)
    own = reference.network(model)
    drawn = build(model)
    initialise(drawn, model, torch.Generator().manual_seed(11))
    for expected, found in zip(own.parameters(), drawn.parameters(), strict=True):
        assert torch.equal(expected, found)


def test_keras_initialisation_is_glorot_with_zero_biases():
    model = Model("200-300-10", init="keras")
    network = build(model)
    initialise(network, model, torch.Generator().manual_seed(0))
    bound = (6 / 500) ** 0.5
    assert 0.99 * bound < network[0].weight.abs().max() <= bound
    assert not network[0].bias.any()
    assert not network[2].bias.any()
