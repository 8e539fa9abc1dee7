"""Weight paths: components, distances and random walks, against plain ways to compute them."""

import math
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from hw1bench.measures import arrays, trajectory


def paths(runs=3, snapshots=7, weights=50, seed=0, dtype=np.float64):
    generator = np.random.default_rng(seed)
    return (10 + generator.standard_normal((runs, snapshots, weights)).cumsum(axis=1)).astype(dtype)


@pytest.mark.parametrize("weights", [4, 30, 1000])
def test_the_gram_matrix_is_of_the_centred_snapshots(weights, monkeypatch):
    monkeypatch.setattr(trajectory, "_CHUNK", 500)
    runs = paths(weights=weights)
    flat = runs.reshape(-1, weights)
    centred = flat - flat.mean(axis=0)
    np.testing.assert_allclose(trajectory.gram(runs), centred @ centred.T, atol=1e-10)


def test_scikit_learn_and_the_gram_matrix_give_the_same_components(monkeypatch):
    runs = paths()
    wide = trajectory.pca(runs, 3)
    monkeypatch.setattr(trajectory, "_WIDE", 1000)
    few = trajectory.pca(runs, 3)
    assert wide.coordinates.shape == few.coordinates.shape == (3, 7, 3)
    np.testing.assert_allclose(wide.coordinates, few.coordinates, atol=1e-10)
    np.testing.assert_allclose(wide.shares, few.shares, atol=1e-12)


def test_shares_follow_from_the_singular_values():
    runs = paths(weights=400)
    expected = [reference.share_of_variance(runs.reshape(-1, 400), k) for k in (1, 2)]
    np.testing.assert_allclose(np.cumsum(trajectory.pca(runs).shares), expected, rtol=1e-12)


@pytest.mark.parametrize("weights", [10, 200])
def test_the_largest_coordinate_of_a_component_is_positive(weights):
    for seed in range(5):
        flat = trajectory.pca(paths(weights=weights, seed=seed)).coordinates.reshape(-1, 2)
        assert all(column[np.abs(column).argmax()] > 0 for column in flat.T)


@pytest.mark.parametrize("weights", [10, 200])
def test_runs_may_have_different_numbers_of_snapshots(weights):
    runs = paths(weights=weights)
    ragged = [runs[0], runs[1, :4]]
    found = trajectory.pca(ragged)
    assert found.coordinates.shape == (2, 7, 2)
    assert np.isnan(found.coordinates[1, 4:]).all()
    assert np.isfinite(found.coordinates[1, :4]).all()


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float16, 1e-2), (np.float32, 1e-5)])
def test_weights_of_any_precision_are_summed_in_float64(dtype, rtol):
    runs = paths(weights=2000)
    exact, found = trajectory.gram(runs), trajectory.gram(runs.astype(dtype))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, exact, atol=rtol * np.abs(exact).max())
    np.testing.assert_array_equal(found, trajectory.gram(runs.astype(dtype).astype(np.float64)))


def test_many_weights_are_never_copied_whole():
    runs = np.zeros((4, 20, 200_000), dtype=np.float32)
    runs[:] = np.random.default_rng(0).standard_normal(200_000, dtype=np.float32)
    runs *= np.arange(80, dtype=np.float32).reshape(4, 20, 1)
    tracemalloc.start()
    try:
        shares = trajectory.pca(runs).shares
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert shares[0] == pytest.approx(1)
    assert peak < 60e6 < runs.nbytes


def test_distances_are_euclidean():
    runs = paths(runs=2)
    flat = runs.reshape(-1, 50)
    expected = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    np.testing.assert_allclose(trajectory.distances(trajectory.gram(runs)), expected, atol=1e-6)


def test_separation_equals_a_plain_loop():
    own, other = paths(runs=2)
    expected = reference.separation(own, other[:5])
    assert trajectory.separation(own, other[:5]) == pytest.approx(expected, rel=1e-9)


def test_runs_side_by_side_are_separate_and_runs_that_cross_are_not():
    along = np.linspace(0, 1, 11)[:, None] * np.eye(3)[0]
    assert trajectory.separation(along, along + np.array([0, 1, 0])) == pytest.approx(math.log(10))
    assert trajectory.separation(along, along + np.array([0, 0.05, 0])) == pytest.approx(math.log(0.5))


def test_runs_that_close_half_of_their_distance_converge_by_half():
    own, other = np.zeros((3, 2)), np.array([[0.0, 4.0], [9.0, 9.0], [0.0, 2.0]])
    own[1] = 5
    assert trajectory.convergence(own, other) == pytest.approx(0.5)
    assert math.isnan(trajectory.convergence(own, own + np.arange(3)[:, None]))


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_relative_convergence_equals_its_formula(seed):
    own, other = paths(runs=2, seed=seed)
    assert trajectory.relative_convergence(own, other) == pytest.approx(reference.relative_convergence(own, other))


def test_runs_that_only_grow_longer_move_apart_and_keep_their_relative_distance():
    growth = np.linspace(1, 3, 5)[:, None]
    own, other = growth * np.array([3.0, 4.0]), growth * np.array([0.0, 5.0])
    assert trajectory.convergence(own, other) == pytest.approx(-2)
    assert trajectory.relative_convergence(own, other) == pytest.approx(0)


def test_relative_convergence_of_weights_that_are_all_zero_is_undefined():
    own, other = np.ones((3, 2)), np.array([[0.0, 4.0], [9.0, 9.0], [0.0, 0.0]])
    assert math.isnan(trajectory.relative_convergence(own, other))
    assert math.isnan(trajectory.relative_convergence(other[::-1], own))


def test_lengths_at_the_ends_are_summed_over_chunks(monkeypatch):
    run = paths(runs=1)[0]
    monkeypatch.setattr(trajectory, "_CHUNK", 60)
    np.testing.assert_allclose(trajectory.end_lengths(run), np.linalg.norm(run[[0, -1]], axis=1))
    with pytest.raises(ValueError, match="not finite"):
        trajectory.end_lengths(np.full((3, 2), np.nan))


@pytest.mark.parametrize("weights", [5, 9, 12, 40])
def test_walks_by_their_gram_matrix_are_plain_walks(weights):
    lengths = np.array([3.0, 1, 1, 0.5, 2, 1, 1, 0.1, 1])
    found = trajectory.random_walk_shares(lengths, weights, samples=4000)
    generator = np.random.default_rng(1)
    walks = np.stack([reference.walk(lengths, weights, generator) for _ in range(4000)])
    plain = reference.share_of_variance(walks, 2)
    for at in (5, 25, 50, 75, 95):
        assert np.percentile(found, at) == pytest.approx(np.percentile(plain, at), abs=0.012)


def test_the_first_component_of_a_long_walk_takes_six_over_pi_squared():
    found = trajectory.random_walk_shares(np.ones(300), 400_000, samples=10, components=1)
    assert found.mean() == pytest.approx(6 / math.pi**2, abs=0.002)


def test_walks_repeat_by_their_seed():
    first, again, other = (trajectory.random_walk_shares(np.ones(9), 100, 50, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_straight_path_is_beyond_a_random_walk_and_a_random_walk_is_not():
    straight = trajectory.beyond_random_walk(np.linspace(0, 1, 20)[:, None] * np.ones(500))
    assert straight.share == pytest.approx(1)
    assert straight.walk < 0.9
    generator = np.random.default_rng(5)
    walks = [trajectory.beyond_random_walk(reference.walk(np.ones(12), 300, generator), 200) for _ in range(100)]
    beyond = sum(found.share > found.walk for found in walks)
    assert beyond <= 13  # 5 of 100 on the average


def test_part_of_a_joint_gram_matrix_is_the_gram_matrix_of_one_run():
    runs = paths()
    joint = trajectory.gram(runs)
    np.testing.assert_allclose(trajectory.part(joint, slice(7, 14)), trajectory.gram(runs[1:2]), atol=1e-9)


@given(st.floats(0.1, 10), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_measures_do_not_depend_on_the_origin_or_the_unit(unit, seed):
    runs = paths(runs=2, seed=seed)
    moved = unit * (runs + np.arange(50))
    for measure in (trajectory.separation, trajectory.convergence):
        assert measure(*moved) == pytest.approx(measure(*runs), abs=1e-6)
    assert trajectory.beyond_random_walk(moved[0], 20).share == pytest.approx(
        trajectory.beyond_random_walk(runs[0], 20).share
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: trajectory.gram(np.zeros((3, 4))), r"runs of shapes \[\(4,\)"),
        (lambda: trajectory.gram([]), r"runs of shapes \[\]"),
        (lambda: trajectory.gram([np.zeros((2, 3)), np.zeros((2, 4))]), "all with the same weights"),
        (lambda: trajectory.gram(np.zeros((1, 2, 3), dtype=int)), "floating-point"),
        (lambda: trajectory.gram(np.full((1, 2, 3), np.inf)), "not finite"),
        (lambda: trajectory.pca(np.full((1, 5, 3), np.nan)), "not finite"),
        (lambda: trajectory.pca(np.ones((2, 5, 3))), "all the same"),
        (lambda: trajectory.pca(np.full((2, 5, 300), 0.1)), "all the same"),
        (lambda: trajectory.pca(paths(), 0), "0 components"),
        (lambda: trajectory.pca_from(np.eye(4), [2, 3]), r"runs of \[2, 3\] snapshots"),
        (lambda: trajectory.random_walk_shares(np.zeros(3), 5), "not a walk"),
        (lambda: trajectory.random_walk_shares(np.array([1.0, -1]), 5), "not a walk"),
        (lambda: trajectory.beyond_random_walk(np.eye(3)), "a path of 3 snapshots"),
        (lambda: trajectory.separation(np.zeros((1, 2)), np.zeros((3, 2))), "1 of 4 snapshots"),
        (lambda: trajectory.convergence_from(np.eye(3), 3), "3 of 3 snapshots"),
        (lambda: trajectory.pca(None), "None is not a sequence of runs: give"),
        (lambda: trajectory.gram(np.array(3.0)), "is not a sequence of runs: give"),
        (lambda: trajectory.gram([[[1.0, 2], [3.0]]]), "run 0 cannot become an array: give"),
        (lambda: trajectory.gram([[torch.ones(2), torch.ones(3)]]), "run 0 cannot become an array: give"),
        (lambda: trajectory.gram(torch.ones(1, 2, 3).long()), "floating-point"),
        (lambda: trajectory.gram(torch.ones(1, 2, 3, dtype=torch.complex64).conj()), "floating-point"),
        (lambda: trajectory.gram([torch.eye(3).to_sparse()]), "run 0 is a tensor that is not dense or has no values"),
        (
            lambda: trajectory.gram(torch.ones(1, 2, 3, device="meta")),
            "run 0 is a tensor that is not dense or has no values",
        ),
        (lambda: trajectory.gram(torch.full((1, 2, 3), math.nan, dtype=torch.bfloat16)), "not finite"),
        (lambda: trajectory.pca([np.ma.masked_equal(np.eye(5), 0)]), "run 0 has masked entries"),
        (lambda: trajectory.gram(1e200 * paths()), r"e\+20\d, whose square overflows: scale them down"),
        (lambda: trajectory.pca(1e200 * paths(weights=5)), r"e\+20\d, whose square overflows: scale them down"),
        (lambda: trajectory.gram([[[-1.7e308], [1.7e308]]]), "whose square overflows"),
        (lambda: trajectory.separation(*(1e-200 * paths(2))), "whose square is 0 in float64: scale them up"),
        (lambda: trajectory.pca(1e-200 * paths(weights=5)), "whose square is 0 in float64: scale them up"),
        (lambda: trajectory.distances(np.eye(3)[:2]), r"the Gram matrix has shape \(2, 3\): give"),
        (lambda: trajectory.pca_from(np.ones(4), [4]), r"the Gram matrix has shape \(4,\): give"),
        (lambda: trajectory.pca_from(np.zeros((4, 4)), [4]), "all the same"),
        (lambda: trajectory.part(np.full((3, 3), np.nan), slice(2)), "the Gram matrix is not finite"),
        (lambda: trajectory.separation_from(np.full((3, 3), np.inf), 2), "the Gram matrix is not finite"),
        (lambda: trajectory.share_of_variance(np.zeros((2, 3, 3))), "all the same"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_tensors_and_lists_are_taken_like_arrays():
    runs = np.random.default_rng(0).standard_normal((2, 6, 30))
    expected = trajectory.pca(runs)
    for runs_given in (torch.from_numpy(runs), [torch.from_numpy(run) for run in runs], runs.tolist()):
        np.testing.assert_allclose(trajectory.pca(runs_given).coordinates, expected.coordinates)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("weights", [5, 30])
def test_tensors_of_any_precision_give_what_their_numbers_do_whether_or_not_they_require_a_gradient(dtype, weights):
    runs = torch.from_numpy(paths(2, weights=weights)).to(dtype)
    exact = runs.double().numpy()
    leaf = runs.clone().requires_grad_()
    forms = [runs, leaf, leaf * 1, list(leaf), [torch.nn.Parameter(run) for run in runs], [list(run) for run in leaf]]
    for form in forms:
        found, expected = trajectory.pca(form), trajectory.pca(exact)
        np.testing.assert_array_equal(found.coordinates, expected.coordinates)
        np.testing.assert_array_equal(trajectory.gram(form), trajectory.gram(exact))
        for measure in (trajectory.separation, trajectory.convergence):
            assert measure(form[0], form[1]) == measure(*exact)
        assert trajectory.beyond_random_walk(form[0], 20) == trajectory.beyond_random_walk(exact[0], 20)
    lengths = torch.ones(9, dtype=dtype, requires_grad=True)
    np.testing.assert_array_equal(
        trajectory.random_walk_shares(lengths, 5, 4), trajectory.random_walk_shares(np.ones(9), 5, 4)
    )


def test_runs_may_come_one_after_the_other():
    runs = paths()
    np.testing.assert_array_equal(trajectory.pca(iter(runs)).coordinates, trajectory.pca(runs).coordinates)


def test_tensors_of_another_precision_are_never_copied_whole(monkeypatch):
    taken, columns = [], arrays.Columns.__getitem__

    def counted(self, places):
        found = columns(self, places)
        taken.append(found.shape)
        return found

    monkeypatch.setattr(arrays.Columns, "__getitem__", counted)
    monkeypatch.setattr(trajectory, "_CHUNK", 500)
    trajectory.pca(torch.from_numpy(paths(weights=1000)).bfloat16())
    assert max(width for _, width in taken) == 500 // 21
    assert sum(width for _, width in taken) == 3 * 1000


def test_a_path_that_does_not_move_is_not_a_walk():
    with pytest.raises(ValueError, match="the 5 snapshots are all the same: nothing moves"):
        trajectory.beyond_random_walk(np.ones((5, 3)))
