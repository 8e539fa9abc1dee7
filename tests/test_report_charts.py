"""What the charts of learning, size and memorising show of the runs."""

import numpy as np
import pytest

from hw1bench.report.charts.lines import GREY, colour
from hw1bench.report.charts.ticks import settle
from hw1bench.report.figures import Series, note
from sample_series import arm, bands, beside, drawn, each_seed, legend, lines, shown

# Learning curves.


@pytest.mark.parametrize(("kind", "what", "unit"), [("losses", "loss", 1), ("accuracies", "accuracy", 100)])
def test_training_is_solid_and_test_dashed_in_the_colour_of_the_arm(kind, what, unit):
    series = [arm("CNN-1", runs=3), arm("CNN-2", runs=3)]
    axes, heading = drawn(kind, *series)
    assert [line.get_linestyle() for line in shown(axes)] == ["-", "--"] * 2
    colours = [line.get_color() for line in shown(axes)]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert beside(axes) == ["CNN-1", "CNN-2"]
    assert legend(axes) == ["training", "test"]
    assert heading == "median, middle half and each of 3 seeds"
    seeds = each_seed(axes)
    for index, split in enumerate(("train", "test")):
        line, band = shown(axes)[index], bands(axes)[index]
        runs = unit * series[0].arrays[f"{split}_{what}"]
        np.testing.assert_array_equal(line.get_xdata(), np.arange(41))
        np.testing.assert_allclose(line.get_ydata(), np.median(runs, axis=0))
        assert band[7.0] == pytest.approx(tuple(np.quantile(runs[:, 7], [0.25, 0.75])))
        np.testing.assert_allclose(seeds[index][1][..., 1], runs)


def test_losses_have_a_log_axis_and_accuracies_are_per_cent():
    axes, _ = drawn("losses", arm())
    assert (axes.get_yscale(), axes.get_xlabel(), axes.get_ylabel()) == ("log", "epoch", "loss")
    axes, _ = drawn("accuracies", arm())
    assert (axes.get_yscale(), axes.get_ylabel()) == ("linear", "accuracy (%)")
    assert shown(axes)[0].get_ydata().max() > 50


@pytest.mark.parametrize(("final", "scale"), [(0.89, "linear"), (0.91, "function")])
def test_accuracies_near_100_are_stretched_toward_it(final, scale):
    rising = np.linspace(0.1, final, 41) * np.ones((3, 1))
    axes, _ = drawn("accuracies", arm(runs=3, train_accuracy=rising, test_accuracy=rising))
    assert axes.get_yscale() == scale
    if scale == "function":
        places = axes.yaxis.get_transform().transform(np.array([10.0, 90.0, 99.0, 100.0]))
        steps = np.diff(places)
        assert steps[1] > 0.8 * steps[0]  # linear would make it a tenth
        np.testing.assert_allclose(axes.yaxis.get_transform().inverted().transform(places), [10, 90, 99, 100])


@pytest.mark.parametrize("arms", [2, 7, 8, 11])
def test_colour_alone_tells_the_arms_apart(arms):
    axes, _ = drawn("losses", *(arm(f"784-{width}-10") for width in range(arms)))
    assert len({line.get_color() for line in shown(axes)}) == arms
    assert len(legend(axes)) + len(beside(axes)) == arms + 2


def test_a_run_that_diverged_is_named_in_both_charts_and_its_accuracy_drawn_as_measured():
    loss = np.ones((3, 11))
    loss[2, 5:] = np.nan
    broken = arm(runs=3, epochs=10, train_loss=loss, test_loss=loss, train_accuracy=np.full((3, 11), 0.1))
    for kind in ("losses", "accuracies"):
        axes, heading = drawn(kind, broken)
        assert heading == "median, middle half and each of 3 seeds of “fit-7”\ngrey: 1 seed diverged"
        assert [own for own, _ in each_seed(axes)] == [colour(0), GREY] * 2
    np.testing.assert_allclose(shown(axes)[0].get_ydata(), 10)


def test_an_accuracy_that_is_not_a_number_counts_as_the_worst():
    odd = np.array([[0.1, np.nan], [0.2, 0.3], [0.3, 0.5]])
    axes, _ = drawn("accuracies", arm(runs=3, train_accuracy=odd, test_accuracy=odd))
    line = next(line for line in axes.lines if line.get_linewidth() > 0.5 and len(line.get_xdata()) == 2)
    np.testing.assert_allclose(line.get_ydata(), [20, 30])


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (2.301, 2.309, {"2.302", "2.304", "2.306"}),
        (0.02, 0.9, {"0.05", "0.1", "0.5"}),
        (0.002, 0.9, {"0.01", "0.1"}),
        (1600, 15_910, {"2,000", "10,000"}),
    ],
)
def test_a_log_axis_of_few_decades_has_plain_numbers(low, high, ticks):
    axes, _ = drawn("loss", arm(train_loss=np.array([[low, high]]), runs=1))
    settle(axes, (260, 200))
    assert ticks <= {label.get_text() for label in axes.get_yticklabels()}
    assert not {label.get_text() for label in axes.get_yticklabels(minor=True)} - {""}


def test_a_log_axis_of_many_decades_has_powers_of_ten():
    axes, _ = drawn("loss", arm(train_loss=np.array([[1e-6, 10.0]]), runs=1))
    settle(axes, (260, 200))
    assert {"10⁻⁵", "1"} <= {label.get_text() for label in axes.get_yticklabels()}


def test_a_number_that_a_claim_names_has_a_bold_tick_and_takes_the_place_of_those_too_near():
    axes, _ = drawn("loss", arm(train_loss=np.array([[1e-3, 1.0]]), runs=1))
    settle(axes, (260, 150), ({}, {0.012: "0.012", 50.0: "50"}))
    ticks = {label.get_text(): label.get_fontweight() for label in axes.get_yticklabels()}
    assert ticks["0.012"] == "bold"
    assert ticks["0.1"] == "normal"
    assert "0.01" not in ticks
    assert "50" not in ticks  # out of view
    places = sorted(
        150 * np.log(value / axes.get_ylim()[0]) / np.log(np.divide(*axes.get_ylim()[::-1]))
        for value in axes.get_yticks()
    )
    assert (np.diff(places) >= 12).all()


# By size.


def sized(name, parameters, train, test=None):
    final = {"train_loss": train, "test_loss": train if test is None else test}
    final |= {key.replace("loss", "accuracy"): value for key, value in final.items()}
    arrays = {key: np.column_stack([np.full(len(value), 0.5), value]) for key, value in final.items()}
    return Series(name, {**arrays, "parameters": np.asarray(parameters)})


@pytest.mark.parametrize(("kind", "unit"), [("loss_by_size", 1), ("accuracy_by_size", 100)])
def test_final_values_lie_over_the_number_of_parameters_in_its_order(kind, unit):
    large = sized("large", 4000, [0.1, 0.2, 0.6], [0.4, 0.5, 0.6])
    small = sized("small", 1000, [0.3, 0.5, 0.4])
    axes, heading = drawn(kind, large, small)
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "parameters")
    dots = [line for line in axes.lines if line.get_linestyle() == "None"]
    training, test = [line for line in axes.lines if line not in dots]
    np.testing.assert_allclose(training.get_xydata(), [[1000, 0.4 * unit], [4000, 0.2 * unit]])
    np.testing.assert_allclose(test.get_xydata(), [[1000, 0.4 * unit], [4000, 0.5 * unit]])
    np.testing.assert_allclose(dots[0].get_ydata(), np.array([0.3, 0.5, 0.4, 0.1, 0.2, 0.6]) * unit)
    np.testing.assert_allclose(dots[1].get_xdata(), [1000] * 3 + [4000] * 3, rtol=0.02)
    assert (dots[0].get_xdata() < dots[1].get_xdata()).all()  # beside each other
    bars = [segment for found in axes.collections for segment in found.get_segments()]
    np.testing.assert_allclose([bar[:, 1] for bar in bars[:2]], np.array([[0.35, 0.45], [0.15, 0.4]]) * unit)
    assert (training.get_linestyle(), test.get_linestyle()) == ("-", "--")
    assert beside(axes) == ["training", "test"]
    assert heading == "median of 3 seeds, bar: middle half, dots: seeds"


def test_numbers_of_seeds_that_differ_and_diverged_runs_are_reported():
    axes, heading = drawn("loss_by_size", sized("a", 10, [0.1, np.inf]), sized("b", 20, [0.1, np.inf, np.nan]))
    assert heading == "median of 2 to 3 seeds, bar: middle half, dots: seeds\ngrey: 3 of 5 runs diverged"
    crosses = next(line for line in axes.lines if line.get_marker() == "x")
    np.testing.assert_array_equal(crosses.get_xydata(), [[10, 1], [20, 1]])  # at the upper edge
    assert crosses.get_color() == GREY
    assert "2" in [text.get_text() for text in axes.texts]


def test_a_size_at_which_most_runs_diverged_has_no_median():
    axes, _ = drawn("loss_by_size", sized("a", 10, [0.1, np.inf, np.nan]), sized("b", 20, [0.1, 0.2, np.nan]))
    np.testing.assert_array_equal(lines(axes)["_training"][:, 1], [np.nan, 0.2])


def test_a_net_without_parameters_is_refused():
    with pytest.raises(ValueError, match="series 'a' has 0 parameters"):
        drawn("loss_by_size", sized("a", 0, [0.1]))


# Memorising.


def learner(name, accuracies, per_epoch=10):
    shares = np.atleast_2d(accuracies)
    steps = per_epoch * np.arange(shares.shape[1])
    return Series(name, {"train_accuracy": shares, "steps": steps, "classes": np.asarray(10)})


def test_accuracy_lies_over_steps_with_a_dot_where_the_median_passes_a_level():
    three = [[0.1, 0.2, 0.6, 1.0], [0.1, 0.1, 0.3, 0.4], [0.1, 0.2, 0.5, 0.995]]
    axes, _ = drawn("memorising", learner("A", three))
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "optimiser steps")
    found = lines(axes)["A"]
    np.testing.assert_allclose(found, [[10, 20], [20, 50], [30, 99.5]])  # step 0 has no place
    (dots,) = (line for line in axes.lines if line.get_marker() == "o")
    # 50 % is reached at step 20, and passed at 30.
    np.testing.assert_allclose(dots.get_xydata(), [[10, 20], [30, 99.5]])
    assert bands(axes)[0][20.0] == pytest.approx((40, 55))
    levels = [line.get_ydata()[0] for line in axes.lines if len(set(line.get_ydata())) == 1]
    assert levels == [15, 50, 99, 10]  # and chance
    assert beside(axes) == ["15 %", "50 %", "99 %"]
    ((own, seeds),) = each_seed(axes)
    assert own == colour(0)
    np.testing.assert_allclose(seeds[..., 1], 100 * np.array(three)[:, 1:])


def test_a_long_history_keeps_its_ends_and_its_dots():
    one = np.linspace(0.1, 1.0, 5001)
    axes, _ = drawn("memorising", *(learner(name, one) for name in "abcdefgh"))
    found = lines(axes)["a"]
    assert 60 <= len(found) <= 450
    np.testing.assert_allclose(found[[0, -1], 0], [10, 50_000])
    assert np.diff(np.log(found[:, 0])).max() < 1.0  # evenly along a logarithmic axis
    dots = next(line.get_xydata() for line in axes.lines if line.get_marker() == "o")
    np.testing.assert_allclose(np.interp(dots[:, 0], *found.T), dots[:, 1], atol=0.1)


def test_the_note_says_when_each_level_is_passed_or_that_it_never_is():
    text = note(
        "memorising",
        [
            learner("A, 784-256-10", [0.1, 0.12, 0.16, 0.31], per_epoch=23),
            learner("B", [0.1, 0.6, 0.7, 0.995], per_epoch=1000),
            learner("C", [0.1, 0.1, 0.11]),
            learner("D", [0.2, 0.98, 0.9896]),
            learner("E", [[0.1, 0.1, 0.1], [0.1, 1.0, 1.0], [0.1, 0.1, 0.3]]),
        ],
    )
    assert text.splitlines() == [
        "Training accuracy by optimiser steps: the median over seeds, measured after each epoch.",
        "A, 784-256-10: passes 15 % at step 46, never passes 50 % or 99 % in its 69 steps (best 31 %).",
        "B: passes 15 % and 50 % at step 1,000, 99 % at step 3,000.",
        "C: never passes 15 %, 50 % or 99 % in its 20 steps (best 11 %).",
        "D: passes 15 % before training, 50 % at step 10, never passes 99 % in its 20 steps (best 98.9 %).",
        "E: passes 15 % at step 20, never passes 50 % or 99 % in its 20 steps (best 30 %).",
    ]


@pytest.mark.parametrize("accuracies", [np.full((2, 3), np.nan), np.full((2, 3), 0.1)])
def test_a_net_that_never_learns_is_drawn_and_described(accuracies):
    axes, _ = drawn("memorising", learner("A", accuracies))
    assert legend(axes) == ["A", "chance, 10 %"]
    assert "never passes 15 %, 50 % or 99 % in its 20 steps" in note("memorising", [learner("A", accuracies)])


@pytest.mark.parametrize("steps", [[0, 10], [0, 10, 10], [0, 10, 20, 30]])
def test_steps_that_do_not_match_the_accuracies_are_refused(steps):
    series = Series("A", {"train_accuracy": np.full((2, 3), 0.1), "steps": np.array(steps)})
    for use in (drawn, lambda kind, one: note(kind, [one])):
        with pytest.raises(ValueError, match="series 'A' has 3 accuracies"):
            use("memorising", series)


# The gradient's norm.


@pytest.mark.parametrize(("points", "axis"), [(41, "epoch"), (120, "step")])
def test_the_gradient_norm_is_drawn_over_epochs_or_over_steps(points, axis):
    norms = np.geomspace(5, 1e-3, points) * np.linspace(1, 2, 3)[:, None]
    axes, heading = drawn("gradient_norm", arm("net", runs=3, gradient_norm=norms))
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == (axis, "gradient norm", "log")
    (line,) = shown(axes)
    np.testing.assert_allclose(line.get_ydata(), np.median(norms, axis=0))
    assert bands(axes)[0][9.0] == pytest.approx(tuple(np.quantile(norms[:, 9], [0.25, 0.75])))
    assert legend(axes) == []
    assert heading == "median, middle half and each of 3 seeds of “net”"


def test_the_loss_of_the_batch_is_drawn_over_steps():
    axes, _ = drawn("step_loss", arm("net"))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "loss of the batch")
    assert len(shown(axes)[0].get_xdata()) == 120
