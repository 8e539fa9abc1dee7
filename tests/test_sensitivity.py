"""The norm of the input-output Jacobian against closed forms, finite differences, and a loop over inputs and classes."""

import numpy as np
import pytest
import torch

import reference
from cases import CATALOGUE_NETS, ends
from hw1bench import Model
from hw1bench.measures.sensitivity import jacobian_norm


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("case", CATALOGUE_NETS.values(), ids=CATALOGUE_NETS)
def test_it_equals_the_loop_over_inputs_and_classes(case, dtype):
    model, shape = case
    x, weights, _ = ends(model, shape, 7, 2, dtype)
    expected = [reference.jacobian_norm(model, row, x) for row in weights]
    assert min(expected) > 1e-3
    np.testing.assert_allclose(
        jacobian_norm(model, weights, x), expected, rtol=1e-11 if dtype == torch.float64 else 2e-4
    )


@pytest.mark.parametrize("ending", ["", " softmax", " logsoftmax"])
def test_for_a_linear_net_it_is_the_slope_of_the_softmax_times_the_weights(ending):
    model = Model(f"5-3{ending}")
    x, weights, _ = ends(model, (5,), 9, 1)
    weight, bias = weights[0, :15].view(3, 5), weights[0, 15:]
    p = torch.softmax(x @ weight.T + bias, dim=1)
    jacobians = (torch.diag_embed(p) - p[:, :, None] * p[:, None]) @ weight
    expected = jacobians.flatten(1).norm(dim=1).mean()
    np.testing.assert_allclose(jacobian_norm(model, weights, x), [expected.item()], rtol=1e-13)


@pytest.mark.parametrize("name", ["tanh, pooling", "leaky, dropout, log-softmax"])
def test_it_equals_the_effect_of_small_moves_of_the_input(name):
    model, shape = CATALOGUE_NETS[name]
    x, weights, _ = ends(model, shape, 3, 1)
    net = reference.network(model).double().eval()
    torch.nn.utils.vector_to_parameters(weights[0], net.parameters())
    step, norms = 1e-6, []
    for sample in x:
        moves = step * torch.eye(sample.numel(), dtype=torch.float64).view(-1, *shape)
        with torch.no_grad():
            ahead, behind = (torch.softmax(net(sample + sign * moves), dim=1) for sign in (1, -1))
        norms.append(((ahead - behind) / (2 * step)).norm().item())
    np.testing.assert_allclose(jacobian_norm(model, weights, x), [np.mean(norms)], rtol=1e-6)


@pytest.mark.parametrize("name", ["dense", "convolutions"])
def test_chunks_of_samples_change_nothing(name):
    model, shape = CATALOGUE_NETS[name]
    x, weights, _ = ends(model, shape, 7, 1)
    whole = jacobian_norm(model, weights, x)
    np.testing.assert_allclose(jacobian_norm(model, weights, x, memory=1), whole, rtol=1e-13)


def test_a_diverged_run_is_nan_and_disturbs_nobody():
    model = Model("12-9-4")
    x, weights, others = ends(model, (12,), 7, 3)
    expected = jacobian_norm(model, weights, x)
    weights = torch.cat([weights, others])
    weights[3, 0], weights[4, -1], weights[5] = torch.inf, torch.nan, 1e300
    found = jacobian_norm(model, weights, x)
    np.testing.assert_array_equal(found[:3], expected)
    assert np.isnan(found[3:]).all()


@pytest.mark.parametrize("name", ["dense", "convolutions"])
def test_weights_that_require_a_gradient_are_measured_like_others(name):
    model, shape = CATALOGUE_NETS[name]
    x, weights, _ = ends(model, shape, 3, 1)
    expected = jacobian_norm(model, weights, x)
    found = jacobian_norm(model, torch.nn.Parameter(weights), x.requires_grad_())
    np.testing.assert_array_equal(found, expected)


def test_a_net_that_ignores_its_input_has_a_norm_of_0():
    assert jacobian_norm(Model("12-9-4"), torch.zeros(1, 157), torch.ones(5, 12)).tolist() == [0]


@pytest.mark.parametrize(
    ("model", "weights", "x", "message"),
    [
        (Model("12-4"), torch.zeros(1, 51), torch.zeros(2, 12), r"weights \(1, 51\) of a net with 52"),
        (Model("12-4"), torch.zeros(52), torch.zeros(2, 12), r"weights \(52,\) of a net with 52"),
        (Model("12-4"), torch.zeros(1, 52).double(), torch.zeros(2, 12), "for both"),
        (Model("12-4"), torch.zeros(1, 52).bfloat16(), torch.zeros(2, 12).bfloat16(), "for both"),
        (Model("12-4"), np.zeros((1, 52)), torch.zeros(2, 12), "weights are ndarray"),
        (Model("12-4"), torch.zeros(1, 52), torch.zeros(0, 12), "no sample"),
        (Model("12-4"), torch.zeros(1, 52), torch.zeros(2, 13), "does not take samples"),
        (Model("[6]"), torch.zeros(1, 19), torch.zeros(2, 1), "one output"),
    ],
)
def test_mistakes_are_named(model, weights, x, message):
    with pytest.raises(ValueError, match=message):
        jacobian_norm(model, weights, x)
