import pytest
import torch
from torch import nn

import reference
from cases import COUNTS, SHAPES
from hw1bench import Model
from hw1bench.models import SeededDropout, build, count, drawn, initialise, inputs


@pytest.mark.parametrize(("layout", "parameters"), COUNTS.items())
def test_counts_of_the_catalogue(layout, parameters):
    model = Model(layout)
    assert sum(number for _, number in count(model)) == parameters
    assert model.parameters == parameters
    assert sum(p.numel() for p in reference.network(model).parameters()) == parameters


def test_count_names_each_layer():
    assert count(Model("C(1-8,3,p1) 6272-10")) == [("Conv2d(1, 8, 3x3)", 80), ("Linear(6272, 10)", 62_730)]


def test_a_drawn_network_takes_nothing_from_the_global_generator():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    model = Model("C(1-4,3,pool2) dropout 36-10", init="keras")
    one, again = (drawn(model, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(torch.rand(1), expected)
    for first, second in zip(one.parameters(), again.parameters(), strict=True):
        assert torch.equal(first, second)


@pytest.mark.parametrize("maps", [False, True])
def test_dropout_draws_what_torchs_own_would(maps):
    x = torch.rand(5, 4, 6, 6, dtype=torch.float64)
    own, theirs = SeededDropout(0.3, maps), (nn.Dropout2d if maps else nn.Dropout)(0.3)
    own.generator = torch.Generator().manual_seed(11)
    torch.manual_seed(11)
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.testing.assert_close(own(x.contiguous(memory_format=layout)), theirs(x))
    assert torch.equal(own.eval()(x), x)


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


@pytest.mark.parametrize(("layout", "fans"), [("200-300-10", (200, 300)), ("C(8-16,5) 16-10", (8 * 25, 16 * 25))])
def test_keras_initialisation_is_glorots_uniform_with_zero_biases(layout, fans):
    """Weights uniform on +-sqrt(6 / (fan in + fan out)), of which the variance is 2 / (fan in + fan out), as Keras's Dense and
    Conv2D draw them; a filter's fans are its channels times its pixels."""
    model = Model(layout, init="keras")
    network = build(model)
    initialise(network, model, torch.Generator().manual_seed(0))
    weights, bound = network[0].weight.detach().double(), (6 / sum(fans)) ** 0.5
    assert 0.99 * bound < weights.abs().max() <= bound
    count = weights.numel()
    assert abs(weights.mean()) < 4 * bound / (3 * count) ** 0.5
    assert weights.var() == pytest.approx(
        2 / sum(fans), rel=4 * (0.8 / count) ** 0.5
    )  # 0.8: of squares of a uniform number
    assert not any(layer.bias.any() for layer in network if hasattr(layer, "bias"))


FIRST = {
    "784-256-10": 200_960,
    "[5,10]": 10,
    "C(1-10,5,pool2) C(10-20,5) 320-10": 260,
    "dropout 12-9-4": 117,
    "7-3": 24,
}


@pytest.mark.parametrize("layout", {**FIRST, **COUNTS})
def test_parameters_of_the_first_layer_come_first_in_the_net(layout):
    weight, bias, *_ = build(Model(layout)).parameters()
    found = Model(layout).first_layer_parameters
    assert found == weight.numel() + bias.numel()
    assert found == FIRST.get(layout, found)
