import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench.measures import trajectory
from hw1bench.support.snapshots import ARRAYS, Recorder, Snapshots


def recorded(path):
    recorder = Recorder(path[0], len(path))
    for weights in path[1:]:
        recorder.take(weights)
    return recorder.arrays()


def walk(snapshots=20, weights=300, seed=0, dtype=np.float32):
    """Steps of very different sizes, which get a thousand times smaller along the path."""
    generator = np.random.default_rng(seed)
    steps = generator.standard_normal((snapshots, weights)) * generator.uniform(1e-3, 1, weights)
    return np.cumsum(steps * np.geomspace(1, 1e-3, snapshots)[:, None], axis=0).astype(dtype)


@given(st.integers(2, 40), st.integers(1, 50), st.integers(0, 99))
def test_a_snapshot_is_off_by_a_small_share_of_its_own_step_only(snapshots, weights, seed):
    path = walk(snapshots, weights, seed)
    read = Snapshots(recorded(path))[:, :]
    np.testing.assert_array_equal(read[0], path[0])
    largest = np.abs(np.diff(path.astype(np.float64), axis=0)).max(axis=1)
    off = np.abs(read[1:] - path[1:]).max(axis=1)
    assert (off <= 2**-11 * largest * 1.01 + 1e-7 * np.abs(path[1:]).max()).all()


def test_measurements_of_paths_hardly_change():
    own, other = walk(seed=0), walk(seed=1)
    kept = [Snapshots(recorded(path)) for path in (own, other)]
    assert trajectory.separation_from(trajectory.gram(kept), 20) == pytest.approx(
        trajectory.separation(own, other), rel=1e-3
    )
    exact, read = trajectory.pca([own, other]), trajectory.pca(kept)
    np.testing.assert_allclose(read.coordinates, exact.coordinates, atol=1e-3 * np.abs(exact.coordinates).max())
    np.testing.assert_allclose(read.shares, exact.shares, rtol=1e-3)


def test_columns_equal_the_columns_of_the_whole():
    snapshots = Snapshots(recorded(walk()))
    whole = snapshots[:, :]
    assert snapshots.shape == whole.shape == (20, 300)
    np.testing.assert_array_equal(snapshots[:, 10:20], whole[:, 10:20])
    np.testing.assert_array_equal(snapshots.columns(slice(100, None))[:, :], whole[:, 100:])


@given(st.sets(st.integers(0, 19)).map(sorted))
def test_snapshots_one_at_a_time_equal_the_rows_of_the_whole(places):
    snapshots = Snapshots(recorded(walk()))
    found = [*snapshots.at(places)]
    assert len(found) == len(places)
    for row, place in zip(found, places, strict=True):
        np.testing.assert_array_equal(row, snapshots[:, :][place])


def test_snapshots_take_half_of_the_memory():
    arrays = recorded(walk(46, 10_000))
    assert tuple(arrays) == ARRAYS
    assert sum(array.nbytes for array in arrays.values()) < 0.53 * 46 * 10_000 * 4


def test_weights_that_do_not_move_stay():
    path = np.ones((3, 4), np.float32)
    np.testing.assert_array_equal(Snapshots(recorded(path))[:, :], path)


def test_a_run_that_diverges_is_not_finite():
    path = walk(5, 3)
    assert Snapshots(recorded(path)).finite
    path[3:, 1] = np.inf
    assert not Snapshots(recorded(path)).finite
