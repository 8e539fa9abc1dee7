"""The line between two nets against loading mixed weights one by one; barriers and grids against their definitions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from cases import CATALOGUE_NETS, ends
from hw1bench import Model
from hw1bench.measures import interpolation
from hw1bench.measures.interpolation import along
from hw1bench.measures.line import barrier, best, grid

ALPHAS = grid(-0.5, 1.5, 9)
DENSE = Model("12-9-4")


def problem(model, shape, samples=11, runs=2, dtype=torch.float64):
    """first, second, x, y."""
    x, first, second = ends(model, shape, samples, runs, dtype)
    outputs = reference.network(model).to(dtype)(x[:1]).shape[1]
    return first, second, x, torch.arange(samples) % outputs


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("case", CATALOGUE_NETS.values(), ids=CATALOGUE_NETS)
def test_mixtures_equal_mixed_weights_loaded_one_by_one(case, dtype):
    model, shape = case
    loss = "nll" if model.layout.endswith("logsoftmax") else "cross_entropy"
    first, second, x, y = problem(model, shape, dtype=dtype)
    found = along(model, first, second, ALPHAS, x, y, loss)
    assert found.loss.shape == found.accuracy.shape == (2, len(ALPHAS))
    tolerance = 1e-10 if dtype == torch.float64 else 1e-4
    for run in range(2):
        losses, accuracies = reference.mixtures(model, first[run], second[run], ALPHAS, x, y, loss)
        np.testing.assert_allclose(found.loss[run], losses, rtol=tolerance, atol=tolerance)
        if dtype == torch.float64:  # else a near tie may fall either way
            np.testing.assert_array_equal(found.accuracy[run], accuracies)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("case", CATALOGUE_NETS.values(), ids=CATALOGUE_NETS)
def test_at_0_and_1_it_is_the_ends_themselves(case, dtype):
    model, shape = case
    loss = "nll" if model.layout.endswith("logsoftmax") else "cross_entropy"
    first, second, x, y = problem(model, shape, dtype=dtype)
    found = along(model, first, second, [0.0, 0.3, 1.0], x, y, loss)
    few = 4 * torch.finfo(dtype).eps
    for column, end in ((0, first), (2, second)):
        for run in range(2):
            losses, accuracies = reference.mixtures(model, end[run], end[run], [0.0], x, y, loss)
            np.testing.assert_allclose(found.loss[run, column], losses[0], rtol=few)
            assert found.accuracy[run, column] == accuracies[0]


@pytest.mark.parametrize("sizes", [{"_CACHED": 1}, {"_WEIGHTS": 1}, {"_CACHED": 700, "_SAMPLES": 5, "_WEIGHTS": 1500}])
@pytest.mark.parametrize("name", ["dense", "convolutions"])
def test_chunks_of_samples_and_alphas_change_nothing(name, sizes, monkeypatch):
    model, shape = CATALOGUE_NETS[name]
    arguments = problem(model, shape)
    whole = along(model, *arguments[:2], ALPHAS, *arguments[2:])
    for constant, value in sizes.items():
        monkeypatch.setattr(interpolation, constant, value)
    parts = along(model, *arguments[:2], ALPHAS, *arguments[2:])
    np.testing.assert_allclose(parts.loss, whole.loss, rtol=1e-13)
    np.testing.assert_array_equal(parts.accuracy, whole.accuracy)


def test_a_diverged_end_leaves_the_other_end_and_the_other_run_alone():
    first, second, x, y = problem(DENSE, (12,))
    whole = along(DENSE, first, second, [0.0, 0.5, 1.0], x, y)
    second[0] = torch.inf
    second[1, 3] = 1e300
    found = along(DENSE, first, second, [0.0, 0.5, 1.0], x, y)
    assert found.loss[0, 0] == whole.loss[0, 0]
    assert not np.isfinite(found.loss[0, 1:]).any()
    assert found.loss[1, 0] == whole.loss[1, 0]


def test_from_a_net_to_itself_nothing_changes():
    first, _, x, y = problem(DENSE, (12,))
    found = along(DENSE, first, first, ALPHAS, x, y)
    np.testing.assert_allclose(found.loss, found.loss[:, :1].repeat(len(ALPHAS), 1), rtol=1e-14)
    np.testing.assert_allclose(barrier(ALPHAS, found.loss).height, 0, atol=1e-14)


def test_ends_that_require_a_gradient_are_taken_like_others():
    first, second, x, y = problem(DENSE, (12,))
    whole = along(DENSE, first, second, ALPHAS, x, y)
    alphas = torch.from_numpy(ALPHAS).requires_grad_()
    found = along(DENSE, torch.nn.Parameter(first), second.requires_grad_(), alphas, x.requires_grad_(), y)
    np.testing.assert_array_equal(found.loss, whole.loss)
    np.testing.assert_array_equal(found.accuracy, whole.accuracy)
    error = torch.from_numpy(found.loss)
    np.testing.assert_array_equal(barrier(alphas, error.requires_grad_()).height, barrier(ALPHAS, whole.loss).height)
    np.testing.assert_array_equal(
        best(alphas, error.bfloat16()), best(ALPHAS, error.detach().bfloat16().double().numpy())
    )


@given(st.floats(-3, 0.99), st.floats(0.01, 5), st.integers(2, 60))
@settings(max_examples=60, deadline=None)
def test_a_grid_rises_evenly_and_holds_0_and_1(low, length, points):
    low, high = round(low, 3), round(low + length, 3)
    found = grid(low, high, points)
    assert (np.diff(found) > 0).all()
    assert {0.0, 1.0} <= set(found.tolist())
    assert points <= len(found) <= points + 2
    assert set(np.linspace(low, high, points).round(12).tolist()) <= set(found.tolist())


def test_a_grid_is_exact():
    assert grid(-0.1, 1.1, 13).tolist() == [-0.1, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1]
    assert not np.signbit(grid(-1, 1, 3)[1])
    assert grid(0.25, 0.75, 3).tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_the_barrier_is_the_highest_error_inside_over_the_mean_of_the_ends():
    alphas = np.array([-1, 0, 0.25, 0.5, 0.75, 1, 2])
    error = np.array(
        [
            [9, 0.2, 0.5, 0.9, 0.4, 0.4, 9],
            [9, 0.2, 0.5, 0.5, 0.4, 0.4, 9],
            [0, 1.0, 0.5, 0.1, 0.5, 1.0, 0],
            [0, np.inf, 1, 1, 1, 1, 0],
            [0, 1, np.nan, 1, 1, 1, 0],
        ]
    )
    found = barrier(alphas, error)
    np.testing.assert_allclose(found.height, [0.6, 0.2, -0.5, -np.inf, np.nan], rtol=1e-12)
    np.testing.assert_array_equal(found.alpha, [0.5, 0.375, 0.5, 0.5, np.nan])


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9))
def test_a_tie_for_the_best_is_the_middle_of_the_tied(values):
    alphas = np.linspace(-1, 2, len(values))
    tied = [alpha for alpha, value in zip(alphas, values, strict=True) if value == max(values)]
    assert best(alphas, np.array([values], dtype=float)).tolist() == pytest.approx([np.mean(tied)])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f, s, x, y: along(DENSE, f[:, 1:], s, ALPHAS, x, y), r"weights \(2, 156\) of a net with 157"),
        (lambda f, s, x, y: along(DENSE, f, s[:1], ALPHAS, x, y), "give the same"),
        (lambda f, s, x, y: along(DENSE, f, s, [], x, y), r"alphas \[\]: give"),
        (lambda f, s, x, y: along(DENSE, f, s, [0, np.nan], x, y), "finite"),
        (lambda f, s, x, y: along(DENSE, f, s, ALPHAS, x.float(), y), "float32 or float64 for both"),
        (lambda f, s, x, y: along(DENSE, f, s, ALPHAS, x[:0], y[:0]), "no sample"),
        (lambda f, s, x, y: along(DENSE, f, s, ALPHAS, x[:, 1:], y), "does not take samples"),
        (lambda f, s, x, y: along(DENSE, f, s, ALPHAS, x, y + 1), "a class from 0 to 3"),
        (lambda f, s, x, y: along(DENSE, f, s, ALPHAS, x, y[1:]), "of 11 samples"),
        (lambda f, s, x, y: along(DENSE, f, s, ALPHAS, x, y, "mse"), "the loss is 'mse': give cross_entropy or nll"),
        (lambda *_: barrier(np.array([0.0, 1.0]), np.zeros((1, 2))), "have no barrier"),
        (lambda *_: barrier(np.array([0.0, 0.5]), np.zeros((1, 2))), "have no barrier"),
        (lambda *_: barrier(grid(0, 1, 3), np.zeros(3)), r"errors \(3,\) at 3 alphas"),
        (lambda *_: barrier(np.zeros((2, 2)), np.zeros((1, 2))), r"alphas \(2, 2\): give"),
        (lambda *_: best(grid(0, 1, 3), np.zeros(3)), r"values \(3,\) at 3 alphas"),
        (lambda *_: best(np.zeros(0), np.zeros((2, 0))), r"alphas \(0,\): give"),
        (lambda *_: barrier(grid(0, 1, 3), [[1, 2, 3], [4, 5]]), "errors cannot become an array"),
        (lambda f, s, x, y: along(DENSE, f.numpy(), s, ALPHAS, x, y), "weights are ndarray"),
        (lambda f, s, x, y: along(DENSE, f, s.numpy(), ALPHAS, x, y), "second is ndarray: give a torch tensor"),
        (lambda f, s, x, y: along(DENSE, f, s, ALPHAS, x, y.tolist()), "y is list: give a torch tensor"),
        (lambda f, s, x, y: along(DENSE, f.bfloat16(), s, ALPHAS, x.bfloat16(), y), "float32 or float64 for both"),
        (lambda *_: grid(1, 1, 3), "3 alphas from 1 to 1"),
        (lambda *_: grid(0, 1, 1), "1 alphas from 0 to 1"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(*problem(DENSE, (12,)))
