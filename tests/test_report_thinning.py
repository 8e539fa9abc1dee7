"""Lines of more values than a chart can show: what is left of them looks the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure

from hw1bench.report.charts.lines import Look, line
from hw1bench.report.charts.series import calm, crowded, thin

COLUMNS = 220
VALUES = st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf])


def columns(x, log):
    """The column of the chart in which each x lies."""
    places = np.log(x) if log else x
    return np.minimum((places - places[0]) / (places[-1] - places[0]) * COLUMNS, COLUMNS - 1).astype(int)


@given(st.integers(2, 3000).flatmap(lambda n: arrays(float, n, elements=VALUES, fill=st.just(0.5))), st.booleans())
def test_no_spike_and_no_gap_is_lost(values, log):
    x = np.arange(1.0, len(values) + 1)
    kept = thin(values, x, log=log)
    assert (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    assert len(kept) <= max(3 * COLUMNS + 2, 2 * COLUMNS)
    own = columns(x, log)
    for column in np.unique(own):
        every, left = values[own == column], values[kept][own[kept] == column]
        shown = [some[np.isfinite(some)] for some in (every, left)]
        assert np.isfinite(every).all() == np.isfinite(left).all()
        assert len(shown[0]) == 0 or (shown[0].min(), shown[0].max()) == (shown[1].min(), shown[1].max())


def test_few_values_are_all_kept_and_zero_has_no_place_on_a_logarithmic_axis():
    x = np.arange(300)
    assert list(thin(np.sin(x), x)) == list(range(300))
    assert list(thin(np.sin(x), x, log=True)) == list(range(1, 300))


@given(st.integers(441, 3000), st.integers(0, 2999))
def test_a_spike_that_medians_leave_out_is_drawn_faintly(length, place):
    values = np.ones(length)
    values[place % length] = 9.0
    axes = Figure().add_subplot()
    line(axes, Look("#0072B2", "--", "net"), np.arange(length), values, (values, values))
    faint, strong = axes.lines
    assert faint.get_linewidth() < strong.get_linewidth()
    assert faint.get_ydata().max() == 9.0
    assert list(faint.get_xdata()[faint.get_ydata() == 9.0]) == [place % length]
    assert strong.get_ydata()[1:-1].max() == 1.0


@given(st.integers(2, 4000), st.none() | st.integers(1, 200))
def test_calm_lines_go_from_end_to_end_through_medians(length, lines):
    x, runs = np.arange(length) / 2, np.stack([np.arange(length), np.ones(length)])
    along, found = calm(runs, x, lines)
    assert found.shape == (2, len(along))
    assert len(along) <= (440 if lines is None else 110)
    assert (along[0], along[-1]) == (x[0], x[-1])
    assert (np.diff(along) > 0).all()
    np.testing.assert_allclose(found[0, :-1], 2 * along[:-1])  # medians of what rises evenly lie at the centres
    assert (found[1] == 1).all()


@pytest.mark.parametrize(("length", "many"), [(440, False), (441, True)])
def test_a_line_is_crowded_from_two_values_a_column(length, many):
    assert crowded(length) is many


def test_a_band_breaks_where_an_edge_is_not_known():
    low = np.array([0.0, 1.0, np.nan, 3.0, 4.0, 5.0])
    high = np.array([1.0, 2.0, 3.0, 4.0, 5.0, np.nan])
    axes = Figure().add_subplot()
    line(axes, Look("#0072B2", "-", "net"), np.arange(6.0), np.ones(6), (low, high))
    (band,) = axes.collections
    corners = [sorted(set(map(tuple, path.vertices.tolist()))) for path in band.get_paths()]
    assert corners == [[(0, 0), (0, 1), (1, 1), (1, 2)], [(3, 3), (3, 4), (4, 4), (4, 5)]]
