"""Curvature against closed forms, finite differences, double backward loops and another library's Hessian products."""

import math
import time

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

import reference
from cases import TORCH_ACTIVATIONS
from hw1bench import Model
from hw1bench.measures import curvature, stationary

MODELS = {
    "one hidden layer": Model("[7]"),
    "two": Model("[4,5]"),
    "three": Model("[3,4,5]"),
    "leaky": Model("[3,4,5,2]", activation="leaky_relu"),
    "tanh": Model("[6]", activation="tanh"),
    "deep tanh": Model("[3,4,5]", activation="tanh"),
    "tanh everywhere, many outputs": Model("2-5-4-6-3 tanh", activation="tanh"),
    "tanh output of ReLU, many outputs": Model("2-5-4-3 tanh"),
    "many outputs": Model("2-5-4-3"),
    **{name: Model("[3,4,5]", **activation) for name, activation in TORCH_ACTIVATIONS.items()},
    "linear": Model("3-2"),
}
DEEP = Model("[5,10,10,10,10,10,5]")


def problem(model, points=3, samples=20, seed=0):
    """weights (points, parameters), x, y."""
    generator = torch.Generator().manual_seed(seed)
    net = reference.network(model)
    linears = [module for module in net if isinstance(module, torch.nn.Linear)]
    shapes = (points, model.parameters), (samples, linears[0].in_features), (samples, linears[-1].out_features)
    weights, x, y = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes)
    return 0.7 * weights, x, y


def sinc(samples=100):
    x = torch.linspace(-1, 1, samples, dtype=torch.float64)[:, None]
    return x, torch.sinc(5 * x)


def network_of(model, weights):
    net = reference.network(model).double()
    torch.nn.utils.vector_to_parameters(weights, net.parameters())
    return net


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_loss_and_gradient_equal_autograds(model):
    weights, x, y = problem(model)
    losses, gradients = curvature.loss_and_gradient(model, weights, x, y)
    for point, loss, gradient in zip(weights, losses, gradients, strict=True):
        net = network_of(model, point)
        expected = torch.nn.functional.mse_loss(net(x), y)
        parts = torch.autograd.grad(expected, list(net.parameters()))
        torch.testing.assert_close(loss, expected.detach(), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(gradient, torch.cat([p.flatten() for p in parts]), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_hessian_equals_the_one_by_double_backward(model):
    weights, x, y = problem(model)
    found = curvature.hessian(model, weights, x, y)
    expected = torch.stack([reference.hessian_double_backward(model, point, x, y) for point in weights])
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)
    assert torch.equal(found, found.mT)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_chunks_of_points_and_samples_change_nothing(model, monkeypatch):
    weights, x, y = problem(model)
    whole = curvature.hessian(model, weights, x, y)
    monkeypatch.setattr(curvature, "_WORK", 7000)
    torch.testing.assert_close(curvature.hessian(model, weights, x, y), whole, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["two", "deep tanh"])
def test_the_hessian_is_the_difference_of_gradients(name):
    model, step = MODELS[name], 1e-6
    weights, x, y = problem(model, points=1)
    moves = step * torch.eye(model.parameters, dtype=torch.float64)
    ahead, behind = (curvature.loss_and_gradient(model, weights + sign * moves, x, y)[1] for sign in (1, -1))
    found = curvature.hessian(model, weights, x, y)[0]
    torch.testing.assert_close((ahead - behind) / (2 * step), found, rtol=1e-5, atol=1e-7)


def test_the_hessian_of_a_linear_regression_depends_on_its_data_alone():
    model = Model("3-1")
    weights, x, y = problem(model, samples=50)
    rows = torch.cat([x, torch.ones(50, 1, dtype=torch.float64)], dim=1)
    expected = (2 / 50 * rows.T @ rows).expand(3, -1, -1)
    torch.testing.assert_close(curvature.hessian(model, weights, x, y), expected)
    torch.testing.assert_close(curvature.gauss_newton(model, weights, x, y), expected)


# A matrix in which float64 loses digits is refused: another test.
EIGENVALUES = st.floats(-10, 10).filter(lambda value: value == 0 or abs(value) > 1e-290)


@settings(deadline=None, max_examples=30)
@given(st.lists(EIGENVALUES, min_size=2, max_size=8), st.integers(0, 99))
@example([0.0, 1e-280], 0)
def test_a_quadratic_has_the_spectrum_that_it_was_given(chosen, seed):
    generator = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(len(chosen), len(chosen), dtype=torch.float64, generator=generator))[0]
    matrix = turn @ torch.diag(torch.tensor(chosen, dtype=torch.float64)) @ turn.T
    places = torch.randn(3, len(chosen), dtype=torch.float64, generator=generator)
    found = curvature.hessian_of(lambda w: 0.5 * w @ (matrix + matrix.T) / 2 @ w, places)
    expected = torch.tensor(sorted(chosen), dtype=torch.float64).expand(3, -1)
    torch.testing.assert_close(curvature.spectrum(found), expected, rtol=1e-9, atol=1e-9)


def test_the_hessian_of_any_function_equals_the_hessian_of_a_nets_loss():
    model, (x, y) = Model("[4,3]", activation="tanh"), sinc()
    weights, _ = start_of(model, 3)
    network = network_of(model, weights[0])

    def loss(flat):
        parts = flat.split([p.numel() for p in network.parameters()])
        named = {name: part.view(p.shape) for (name, p), part in zip(network.named_parameters(), parts, strict=True)}
        return ((torch.func.functional_call(network, named, (x,)) - y) ** 2).mean()

    torch.testing.assert_close(curvature.hessian_of(loss, weights), curvature.hessian(model, weights, x, y))
    with pytest.raises(ValueError, match="give \\(points, parameters\\) float64"):
        curvature.hessian_of(loss, weights[0])


def test_a_saddle_shows_its_negative_direction_and_gauss_newton_does_not():
    # f = w2 tanh(w1 x + b1) + b2 at zero: the loss bends only between w1 and w2, by -2 E[x y], between b1 and w2, by -2 E[y],
    # and by 2 along b2. So with E[y] = 0 the eigenvalues are -2 |E[xy]|, 0, 2 |E[xy]|, 2.
    model = Model("[1]", activation="tanh")
    x = torch.tensor([[-1.0], [0.0], [1.0]], dtype=torch.float64)
    zero = torch.zeros(1, 4, dtype=torch.float64)
    slope = 2 * 2 / 3 * 0.5
    values = curvature.spectrum(curvature.hessian(model, zero, x, 0.5 * x))
    torch.testing.assert_close(values[0], torch.tensor([-slope, 0, slope, 2], dtype=torch.float64))
    found = curvature.shares(values)
    assert (found.above.item(), found.within.item(), found.below.item()) == (0.5, 0.25, 0.25)
    blind = curvature.shares(curvature.spectrum(curvature.gauss_newton(model, zero, x, 0.5 * x)))
    assert (blind.above.item(), blind.below.item()) == (0.25, 0)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_gauss_newton_is_the_hessian_without_residuals_and_never_negative(model):
    weights, x, _ = problem(model)
    exact = [network_of(model, point)(x).detach() for point in weights]
    whole, blocks = [], []
    for point, y in zip(weights, exact, strict=True):
        one = point[None]
        found = curvature.gauss_newton(model, one, x, y)
        torch.testing.assert_close(found, curvature.hessian(model, one, x, y), rtol=1e-10, atol=1e-11)
        whole.append(found[0])
        blocks.append(curvature.layerwise_gauss_newton(model, one, x, y)[0])
        assert curvature.spectrum(found).min() > -1e-12 * found.abs().max()
    net = reference.network(model)
    layers = [sum(p.numel() for p in module.parameters()) for module in net if isinstance(module, torch.nn.Linear)]
    within = torch.block_diag(*(torch.ones(size, size) for size in layers)).bool()
    for block, matrix in zip(blocks, whole, strict=True):
        assert torch.equal(block, torch.where(within, matrix, 0.0))


@pytest.mark.parametrize(
    "model", [Model("[5]"), Model("[5]", "leaky_relu", slope=0.2), Model("[5]", "selu")], ids=lambda one: one.activation
)
def test_a_smoothed_hessian_follows_the_gradient_over_many_kinks(model):
    weights = torch.cat(
        [torch.ones(1, 5), torch.linspace(-0.6, 0.6, 5)[None], torch.ones(1, 5), torch.zeros(1, 1)], dim=1
    )
    x, y = sinc(2000)
    moves = 0.02 * torch.eye(16, dtype=torch.float64)
    ahead, behind = (curvature.loss_and_gradient(model, weights + sign * moves, x, y)[1] for sign in (1, -1))
    expected = (ahead - behind) / 0.04
    smooth = curvature.smoothed_hessian(model, weights.double(), x, y, 0.02)[0]
    exact = curvature.hessian(model, weights.double(), x, y)[0]
    assert (smooth - expected).norm() < 0.05 * (exact - expected).norm()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its own dependencies use what torch is about to drop
def test_hessian_products_equal_those_of_curvlinops():
    import curvlinops

    model = Model("[5,10,10,5]", activation="tanh")
    weights, (x, y) = problem(model, points=1)[0], sinc()
    net = network_of(model, weights[0])
    parameters = list(net.parameters())
    vectors = torch.randn(model.parameters, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    for ours, theirs in (
        (curvature.hessian, curvlinops.HessianLinearOperator),
        (curvature.gauss_newton, curvlinops.GGNLinearOperator),
    ):
        operator = theirs(net, torch.nn.MSELoss(), parameters, [(x, y)], check_deterministic=False)
        torch.testing.assert_close(ours(model, weights, x, y)[0] @ vectors, operator @ vectors, rtol=1e-9, atol=1e-11)


def test_the_hessian_is_ten_times_faster_than_double_backward():
    weights, (x, y) = problem(DEEP, points=16)[0], sinc(300)
    curvature.hessian(DEEP, weights, x, y)
    start = time.perf_counter()
    found = curvature.hessian(DEEP, weights, x, y)
    ours = (time.perf_counter() - start) / 16
    start = time.perf_counter()
    expected = reference.hessian_double_backward(DEEP, weights[0], x, y)
    plain = time.perf_counter() - start
    torch.testing.assert_close(found[0], expected, rtol=1e-10, atol=1e-10)
    print(f"{plain * 1e3:.0f} ms by double backward, {ours * 1e3:.1f} ms, {plain / ours:.0f} times faster")
    assert plain > 10 * ours


@pytest.mark.parametrize(
    "measure",
    [curvature.hessian, curvature.gauss_newton, curvature.layerwise_gauss_newton, curvature.loss_and_gradient],
)
def test_weights_that_require_a_gradient_are_measured_like_others(measure):
    model = MODELS["two"]
    weights, x, y = problem(model)
    expected = measure(model, weights, x, y)
    found = measure(model, torch.nn.Parameter(weights.clone()), x.requires_grad_(), y)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)
        assert not one.requires_grad


def start_of(model, points, seed=0):
    """Weights (points, parameters) as torch draws them, and the gradient norm there."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        nets = [reference.network(model).double() for _ in range(points)]
    weights = torch.stack([torch.nn.utils.parameters_to_vector(net.parameters()).detach() for net in nets])
    return weights, curvature.loss_and_gradient(model, weights, *sinc())[1].norm(dim=1)


def after_adam(model, weights, steps):
    """``weights`` trained for ``steps`` steps on the whole set."""
    flat = weights.clone()
    optimizer = torch.optim.Adam([flat], lr=1e-2)
    for _ in range(steps):
        flat.grad = curvature.loss_and_gradient(model, flat, *sinc())[1]
        optimizer.step()
    return flat


@pytest.mark.parametrize("model", [Model("[10]"), Model("[6,6]", activation="tanh")], ids=["relu", "tanh"])
def test_points_are_led_to_an_almost_zero_gradient(model):
    x, y = sinc()
    weights, norm = start_of(model, 6)
    weights = after_adam(model, weights, steps=200)
    found = stationary.minimise_gradient_norm(model, weights, x, y, 1e-4 * norm)
    loss, gradient = curvature.loss_and_gradient(model, found.weights, x, y)
    torch.testing.assert_close(found.norm, gradient.norm(dim=1))
    torch.testing.assert_close(found.loss, loss)
    assert torch.equal(found.reached, found.norm <= 1e-4 * norm)
    assert found.reached.sum() >= 4
    assert (found.steps <= stationary.BUDGET).all()


def test_a_linear_regression_is_solved_in_one_step():
    model = Model("3-1")
    weights, x, y = problem(model)
    found = stationary.minimise_gradient_norm(model, weights, x, y, torch.full((3,), 1e-9, dtype=torch.float64))
    assert found.reached.all()
    assert found.steps.tolist() == [1, 1, 1]
    assert not found.descended.any()


def test_no_step_leaps_far_out_where_units_saturate_and_every_gradient_vanishes():
    """A trained tanh net: its undamped norm step goes so far that no unit moves any more, at a hundred times the loss."""
    model, (x, y) = Model("[10,10,10] tanh", activation="tanh", init="keras"), sinc()
    weights, norm = start_of(model, 2)
    weights = after_adam(model, weights, steps=400)
    trained, _ = curvature.loss_and_gradient(model, weights, x, y)
    assert (trained < 0.03).all()
    found = stationary.minimise_gradient_norm(model, weights, x, y, 1e-4 * norm)
    assert found.reached.any()
    assert (found.loss <= 1.1 * trained).all()


def test_points_do_not_influence_one_another_and_a_budget_is_kept():
    model, (x, y) = Model("[6]"), sinc()
    weights, norm = start_of(model, 4)
    all_of_them = stationary.minimise_gradient_norm(model, weights, x, y, 1e-4 * norm, budget=5)
    alone = stationary.minimise_gradient_norm(model, weights[2:3], x, y, 1e-4 * norm[2:3], budget=5)
    torch.testing.assert_close(all_of_them.weights[2:3], alone.weights, rtol=1e-6, atol=1e-6)
    assert (all_of_them.steps <= 5).all()
    assert not all_of_them.reached.all()
    assert (all_of_them.norm < norm).all()


def test_a_point_that_is_there_is_left_alone():
    model, (x, y) = Model("[6]"), sinc()
    weights, norm = start_of(model, 2)
    found = stationary.minimise_gradient_norm(model, weights, x, y, 2 * norm)
    assert torch.equal(found.weights, weights)
    assert found.steps.tolist() == [0, 0]
    assert found.reached.all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w, x, y: curvature.hessian(Model("[6]"), w[:, 1:], x, y), r"weights \(2, 18\) of a net with 19"),
        (lambda w, x, y: curvature.hessian(Model("[6]"), w, x[:, 0], y), "layout '\\[6\\]': give"),
        (lambda w, x, y: curvature.hessian(Model("[6]"), w, x, y[:5]), "layout '\\[6\\]': give"),
        (lambda w, x, y: curvature.hessian(Model("[6]"), w.float(), x, y), "needs float64"),
        (lambda w, x, y: curvature.hessian(Model("1-2 softmax"), w, x, y), "tanh output"),
        (lambda w, x, y: curvature.hessian(Model("C(1-2,3) 2-1"), w, x, y), "give a dense net"),
        (lambda w, x, y: curvature.hessian(Model("1-2 nobias 2-1"), w, x, y), "give a dense net with biases"),
        (lambda w, x, y: curvature.spectrum(torch.full((1, 2, 2), math.nan)), "not finite"),
        (lambda w, x, y: curvature.shares(torch.ones(1, 2), 1.0), "a tolerance of 1.0"),
        (lambda w, x, y: curvature.shares(w, math.nan), "a tolerance of nan"),
        (lambda w, x, y: curvature.hessian(Model("[6]"), w.numpy(), x, y), "weights of type ndarray"),
        (lambda w, x, y: curvature.gauss_newton(Model("[6]"), w, x, y.tolist()), "y of type list"),
        (lambda w, x, y: stationary.minimise_gradient_norm(Model("[6]"), w, x, y, torch.zeros(2)), "positive norm"),
        (lambda w, x, y: stationary.minimise_gradient_norm(Model("[6]"), w, x, y, 1e-3), "targets float: give"),
    ],
)
def test_mistakes_are_named(call, message):
    model = Model("[6]")
    weights, _ = start_of(model, 2)
    with pytest.raises(ValueError, match=message):
        call(weights, *sinc())


def test_a_point_that_diverged_is_reported_and_disturbs_nobody():
    model, (x, y) = Model("[6]"), sinc()
    weights, norm = start_of(model, 2)
    weights[0] = np.inf
    found = stationary.minimise_gradient_norm(model, weights, x, y, 1e-4 * norm)
    assert not found.reached[0]
    assert found.steps[0] == 0
    assert torch.isfinite(found.norm[1])
