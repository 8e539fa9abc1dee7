"""What the chart of the minimal ratio shows of the points of almost zero gradient."""

import numpy as np
import pytest

from hw1bench.report.charts.lines import GREY
from hw1bench.report.figures import Series, draw, note
from sample_series import beside, drawn, legend, lines, stationary


def points(name="MSE", runs=4, **changed):
    return Series(name, stationary(runs) | changed)


def test_every_seed_of_every_arm_is_a_dot_over_its_loss():
    axes, heading = drawn("ratio_by_loss", points(), points("L1", runs=2, above=np.full((2, 3), 0.9)))
    losses = stationary()["stationary_loss"][[0, -1]]
    assert (axes.get_xscale(), axes.get_xlabel(), axes.get_ylabel()) == ("log", "loss", "share of eigenvalues (%)")
    found = {label: xy for label, xy in lines(axes).items() if not label.startswith("_")}
    assert list(found) == [
        "positive: minimal ratio",
        "negative",
        "no step on the loss: 1 of 6 points",
        "not reached: 2 of 6 points",
    ]
    ratio, negative, ringed, missed = found.values()
    np.testing.assert_allclose(ringed, [ratio[2]])
    np.testing.assert_allclose(ratio[:, 0], [*np.geomspace(1e-5, 1e-1, 4)[:3], losses[0]])
    np.testing.assert_allclose(ratio[:, 1], [50, 50, 50, 90])  # the column of 1e-6
    np.testing.assert_allclose(negative[:, 1], 10)
    np.testing.assert_allclose(missed, [[0.1, 50], [0.1, 90]])
    assert heading == "Hessian, beyond ±1e-6 of the largest eigenvalue; 6 points, 2 per seed"


def test_the_means_that_the_effect_compares_are_lines_with_their_numbers():
    axes, _ = drawn("ratio_by_loss", points(), points("L1", runs=2, above=np.full((2, 3), 0.9)))
    means = [
        line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1 and len(line.get_xdata()) == 2
    ]
    np.testing.assert_allclose(means[:2], [60, 10])  # of the four points that got there: 50, 50, 50, 90
    assert beside(axes) == ["mean 60 %", "mean 10 %"]


def test_points_that_did_not_get_there_are_hollow_and_grey_and_without_them_the_legend_is_silent():
    axes, _ = drawn("ratio_by_loss", points())
    missed = next(line for line in axes.lines if str(line.get_label()).startswith("not reached"))
    assert missed.get_markerfacecolor() == "none"
    assert missed.get_color() == GREY
    axes, _ = drawn("ratio_by_loss", points(reached=np.ones(4), descended=np.ones(4)))
    assert legend(axes) == ["positive: minimal ratio", "negative"]


@pytest.mark.parametrize("loss", [np.nan, np.inf, 0.0])
def test_a_point_without_a_place_on_the_axis_is_reported(loss):
    axes, heading = drawn("ratio_by_loss", points(stationary_loss=np.array([1e-3, loss, 1e-2, 1e-1])))
    assert len(lines(axes)["positive: minimal ratio"]) == 2
    assert heading.endswith("\n1 point without a positive loss not drawn")


def test_the_note_counts_points_and_says_what_to_keep_in_mind_about_the_shares():
    assert note("ratio_by_loss", [points(), points("L1")]).splitlines() == [
        "6 of 8 points reached almost zero gradient: a norm of at most 1e-4 of the norm at initialisation.",
        "The other 2, at 0.0030 of the initial norm, are shown hollow and left out of the effects.",
        "Median shares of eigenvalues above, within and below the tolerance: at 1e-4 of the largest 30 %, 60 %, 10 %; "
        "at 1e-6 of the largest 50 %, 40 %, 10 %; at 1e-8 of the largest 70 %, 10 %, 20 %.",
        "4 of the 6 were led there by steps that lower the loss, which end near minima more often and so favour positive "
        "directions.",
        "The others, ringed, needed none: they have 50 % above and 10 % below 1e-6 (median).",
        "The layer-by-layer Gauss-Newton matrix, which some reports take for the Hessian, has 40 % above 1e-6 (median). It "
        "cannot show a negative direction, so its ratio only counts how many directions change the outputs.",
    ]


def test_points_that_needed_no_step_on_the_loss_have_medians_of_their_own():
    above = np.tile([[0.1], [0.2], [0.3], [0.9]], 3)
    assert "The other, ringed, needed none: it has 30 % above" in note("ratio_by_loss", [points(above=above)])
    assert "ringed" not in note("ratio_by_loss", [points(descended=np.ones(4))])


def test_medians_are_over_the_points_that_got_there():
    above = np.tile([[0.1], [0.2], [0.3], [0.9]], 3)
    assert "at 1e-6 of the largest 20 %" in note("ratio_by_loss", [points(above=above)])


def test_the_note_names_no_other_points_if_all_got_there_and_no_shares_if_none_did():
    assert "hollow" not in note("ratio_by_loss", [points(reached=np.ones(4))])
    none = note("ratio_by_loss", [points(reached=np.zeros(4), norm_ratio=np.full(4, np.nan))])
    assert none.splitlines() == [
        "0 of 4 points reached almost zero gradient: a norm of at most 1e-4 of the norm at initialisation.",
        "The other 4 are shown hollow and left out of the effects.",
    ]


def test_one_point_that_is_left_is_spoken_of_as_one():
    said = note("ratio_by_loss", [points()]).splitlines()[1]
    assert said == "The other point, at 0.0030 of the initial norm, is shown hollow and left out of the effects."


def test_a_point_for_each_of_many_arms_makes_a_small_file(tmp_path):
    series = [points(f"{width}", runs=16) for width in range(13)]
    draw("ratio_by_loss", title="x", series=series, path=tmp_path / "x.svg")
    assert (tmp_path / "x.svg").stat().st_size < 150_000


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"above": np.ones((4, 2))}, r"'above' of series 'MSE' has shape \(4, 2\): give it \(4, 3\)"),
        ({"stationary_loss": np.ones(3)}, r"'stationary_loss' of series 'MSE' has shape \(3,\): give it \(4,\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        drawn("ratio_by_loss", points(**changed))
