import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import reference
from cases import COUNTS, SHAPES
from hw1bench import Model
from hw1bench.court.counts import judge_count
from hw1bench.effects import CountIs
from hw1bench.models import SeededDropout, build, drawn, initialise, inputs, kept
from hw1bench.specs import notation


@pytest.mark.parametrize(("layout", "parameters"), COUNTS.items())
def test_counts_of_the_catalogue(layout, parameters):
    model = Model(layout)
    assert model.parameters == parameters
    assert sum(p.numel() for p in reference.network(model).parameters()) == parameters


def in_network(layout):
    """The layers with weights of the network that is trained, as torch names their sizes, each with its parameters."""
    rows = []
    for module in build(Model(layout), "meta"):
        numbers = sum(p.numel() for p in module.parameters() if p.requires_grad)
        if isinstance(module, nn.Linear):
            rows.append((f"Linear({module.in_features}, {module.out_features})", numbers))
        elif isinstance(module, nn.Conv2d):
            high, wide = module.kernel_size
            rows.append((f"Conv2d({module.in_channels}, {module.out_channels}, {high}x{wide})", numbers))
        else:
            assert numbers == 0
    return rows


def counted(layout):
    return [(str(layer), layer.parameters) for layer in notation.weighted(layout)]


@pytest.mark.parametrize("layout", [*COUNTS, *SHAPES])
def test_what_a_court_counts_is_in_the_network_layer_by_layer(layout):
    assert counted(layout) == in_network(layout)


@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=4),
    st.integers(1, 5),
    st.integers(0, 3),
    st.lists(st.integers(1, 30), min_size=2, max_size=4),
    st.sampled_from(["", "nobias "]),
)
def test_what_a_court_counts_of_any_layout_is_in_the_network(channels, kernel, padding, widths, bias):
    convolutions, dense = "-".join(map(str, channels)), "-".join(map(str, widths))
    layout = f"C({convolutions},{kernel},p{padding},pool2) {bias}{dense}"
    assert counted(layout) == in_network(layout)


def test_the_models_of_all_counted_claims_have_the_parameters_that_the_court_counts(collected_claims):
    effects = [case.claim.effect for case in collected_claims.cases if isinstance(case.claim.effect, CountIs)]
    assert len(effects) > 30
    for effect in effects:
        assert counted(effect.model.layout) == in_network(effect.model.layout)


def test_a_count_names_each_layer():
    verdict = judge_count(CountIs(Model("C(1-8,3,p1) 6272-10"), 62_810))
    assert verdict.note == "Conv2d(1, 8, 3x3) 80 + Linear(6272, 10) 62,730 = 62,810; stated 62,810"


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
@pytest.mark.parametrize("p", [0.5, 0.3])
def test_dropout_is_the_naive_dropout_in_any_memory_format(maps, p):
    x = torch.rand(5, 3, 5, 7, dtype=torch.float64)
    own, naive = SeededDropout(p, maps), reference.Dropout(p, maps)
    own.generator = torch.Generator().manual_seed(11)
    torch.manual_seed(11)
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.testing.assert_close(own(x.contiguous(memory_format=layout)), naive(x))
    assert torch.equal(own.eval()(x), x)


def mask(numbers, p=0.5, seed=3, generator=None):
    return kept(numbers, p, [generator or torch.Generator().manual_seed(seed)], torch.device("cpu"))[0]


@pytest.mark.parametrize("p", [0.0, 1e-9, 0.1, 0.25, 0.3, 0.5, 0.9, 0.999999])
def test_numbers_are_kept_with_their_probability_independently_of_each_other(p):
    count = 4_000_000
    drawn = mask(count, p).double()
    probability = max(round((1 - p) * 2**16), 1) / 2**16
    assert abs(probability - (1 - p)) <= (2**-17 if p < 0.99999 else 2**-16)
    error = 5 * math.sqrt(probability * (1 - probability))  # of 5 standard deviations, for one number
    assert float(drawn.mean()) == pytest.approx(probability, abs=error / math.sqrt(count))
    for lane in drawn.view(-1, 4).unbind(1):  # of a draw
        assert float(lane.mean()) == pytest.approx(probability, abs=error / math.sqrt(count / 4))
    centred = drawn - probability
    for lag in (1, 2, 3, 4, 64):
        covariance = float((centred[lag:] * centred[:-lag]).mean())
        assert covariance == pytest.approx(0, abs=error**2 / 5 / math.sqrt(count - lag))


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_mask_depends_on_the_draws_before_it_and_its_size_alone(first, second):
    generator = torch.Generator().manual_seed(3)
    one, other = mask(first, generator=generator), mask(second, generator=generator)
    after = -(-first // 4) * 4  # a draw is not shared by two masks
    whole = mask(after + second)
    assert torch.equal(one, whole[:first])
    assert torch.equal(other, whole[after:])


@pytest.mark.parametrize("shape", [(12, 10), (120,), (2, 3, 4, 5)])
def test_dropout_does_not_depend_on_the_shape(shape):
    dropout = SeededDropout(0.5, False)
    dropout.generator = torch.Generator().manual_seed(3)
    assert torch.equal(dropout(torch.ones(shape)).flatten(), 2 * mask(120).float())


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


@pytest.mark.parametrize("layout", ["30-20-10", "C(2-4,3) nobias 16-10"])
def test_normal_initialisation_is_torchs_own_draw_with_zero_biases(layout):
    model = Model(layout, init="normal", deviation=0.05)
    network, generator = build(model), torch.Generator().manual_seed(11)
    initialise(network, model, torch.Generator().manual_seed(11))
    for layer in network:
        if hasattr(layer, "weight"):
            assert torch.equal(layer.weight, 0.05 * torch.randn(layer.weight.shape, generator=generator))
            assert layer.bias is None or not layer.bias.any()


FIRST = {
    "784-256-10": 200_960,
    "[5,10]": 10,
    "C(1-10,5,pool2) C(10-20,5) 320-10": 260,
    "dropout 12-9-4": 117,
    "7-3": 24,
    "nobias 7-3-2": 21,
}


@pytest.mark.parametrize("layout", {**FIRST, **COUNTS})
def test_parameters_of_the_first_layer_come_first_in_the_net(layout):
    first = next(module for module in build(Model(layout)) if hasattr(module, "weight"))
    found = Model(layout).first_layer_parameters
    assert found == sum(p.numel() for p in first.parameters())
    assert found == FIRST.get(layout, found)
