"""What the chart between two nets shows."""

import numpy as np
import pytest

from hw1bench.measures.line import grid
from hw1bench.report.charts.interpolation import mark
from hw1bench.report.charts.lines import GREY, colour
from hw1bench.report.charts.mark import Mark
from hw1bench.report.figures import Series, draw, note
from sample_series import arm, bands, beside, drawn, each_seed, legend, mixed

ALPHAS = grid(-1, 2, 31)
OTHER = Series("batch 1024", {"train_loss": np.ones((3, 4))})  # the end at alpha 1


def between(name="batch 64", runs=3, **changed):
    return Series(name, mixed(runs) | changed)


def curves(axes):
    """The median lines of the nets: those with one point per alpha."""
    return [line for line in axes.lines if len(line.get_xdata()) == len(ALPHAS) and line.get_linewidth() > 0.5]


def test_loss_lies_above_accuracy_and_training_and_test_differ_by_colour_and_line():
    axes, heading = drawn("interpolation", between())
    _, lower = axes.figure.axes
    given = mixed(3)
    for own, what, unit in ((axes, "loss", 1), (lower, "accuracy", 100)):
        assert [line.get_linestyle() for line in curves(own)] == ["-", "--"]
        for line, band, split in zip(curves(own), bands(own), ("train", "test"), strict=True):
            runs = unit * given[f"mixed_{split}_{what}"]
            np.testing.assert_allclose(line.get_ydata(), np.median(runs, axis=0))
            assert band[ALPHAS[14]] == pytest.approx(tuple(np.quantile(runs[:, 14], [0.25, 0.75])))
        (_, first), *_ = each_seed(own)
        np.testing.assert_allclose(first[..., 1], unit * given[f"mixed_train_{what}"])
    assert [line.get_color() for line in curves(axes)] == [line.get_color() for line in curves(lower)]
    assert curves(axes)[0].get_color() != curves(axes)[1].get_color()
    assert (lower.get_xlabel(), axes.get_ylabel(), lower.get_ylabel()) == ("alpha", "loss", "accuracy (%)")
    assert axes.get_xlim() == lower.get_xlim() == (-1, 2)
    assert beside(axes) == ["training", "test"]
    assert heading == "median, middle half and each of 3 seeds"


def test_the_ends_are_lines_named_above():
    axes, _ = drawn("interpolation", between(), OTHER)
    for panel in axes.figure.axes:
        assert [line.get_xdata()[0] for line in panel.lines if len(line.get_xdata()) == 2] == [0, 1]
    (above,) = axes.child_axes
    assert [label.get_text() for label in above.get_xticklabels()] == ["batch 64", "batch 1024"]


def test_what_the_names_of_the_ends_share_is_left_out():
    axes, _ = drawn("interpolation", between("784-10-10, first"), Series("784-10-10, second", {}))
    (above,) = axes.child_axes
    assert [label.get_text() for label in above.get_xticklabels()] == ["first", "second"]


def test_ends_whose_names_would_touch_are_named_in_the_heading():
    axes, heading = drawn("interpolation", between("Adam 1e-3, batch 64"), Series("SGD 1e-2, batch 1024", {}))
    assert not axes.child_axes
    assert heading.splitlines()[0] == "alpha 0: Adam 1e-3, batch 64; alpha 1: SGD 1e-2, batch 1024"


def test_claims_name_where_they_look_where_the_best_is_and_the_barrier(tmp_path):
    axes, _ = drawn("interpolation", between())
    named = [Mark("alpha", x=0.5), Mark("alpha", span=(0.35, 0.65)), Mark("barrier", y=0.02), Mark("lr", x=0.3)]
    ticked = mark(axes, [between()], named)
    assert ticked.x == {0.5: "0.5"}
    assert list(ticked.lower.values()) == ["88.0"]  # the ends have 90 %
    for panel in axes.figure.axes:
        (shade,) = panel.patches
        assert (shade.get_x(), shade.get_width()) == pytest.approx((0.35, 0.3))
    assert legend(axes) == ["claimed best", "barrier: 2 points below the ends, test", "where the claim looks"]
    (barrier,) = (line for line in axes.figure.axes[1].lines if list(line.get_ydata()) == pytest.approx([88, 88]))
    np.testing.assert_allclose(barrier.get_xdata(), [0, 1])


def test_without_a_series_of_its_own_the_other_end_leaves_both_unnamed():
    axes, _ = drawn("interpolation", arm("net"))
    assert not axes.child_axes


@pytest.mark.parametrize(("loss", "scale"), [(1.0, "linear"), (1e-3, "log")])
def test_a_loss_of_more_than_two_decades_gets_a_log_axis(loss, scale):
    losses = np.where(ALPHAS == 0, loss, 5.0) * np.ones((3, 1))
    axes, _ = drawn("interpolation", between(mixed_train_loss=losses, mixed_test_loss=losses))
    assert axes.get_yscale() == scale


def test_the_first_of_several_series_with_the_arrays_is_drawn():
    axes, heading = drawn("interpolation", Series("net", {"train_loss": np.ones((2, 3))}), between(), between(runs=8))
    assert len(curves(axes)) == 2
    assert "of 3 seeds" in heading
    with pytest.raises(ValueError, match="series 'net' has no array 'alphas'"):
        drawn("interpolation", Series("net", {"train_loss": np.ones((2, 3))}))


def test_a_loss_that_is_not_finite_counts_as_the_worst_and_is_reported():
    losses = np.ones((3, 31)) * [[1], [2], [3]]
    losses[0, -4:], losses[1, -2:] = np.inf, np.nan
    axes, heading = drawn("interpolation", between(mixed_train_loss=losses, mixed_test_loss=losses))
    line = curves(axes)[0].get_ydata()
    np.testing.assert_array_equal(line[-5:], [2, 3, 3, np.nan, np.nan])
    assert heading.endswith("\ngrey: a loss is not finite somewhere in 2 of 3 seeds")
    assert [own for own, _ in each_seed(axes)] == [colour(0), GREY, colour(1), GREY]


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_losses_without_a_point_to_draw_leave_the_accuracies(value, tmp_path):
    none = np.full((3, 31), value)
    draw(
        "interpolation",
        title="x",
        series=[between(mixed_train_loss=none, mixed_test_loss=none), OTHER],
        path=tmp_path / "x.svg",
    )
    assert ">batch 1024<" in (tmp_path / "x.svg").read_text()


def test_many_alphas_make_a_small_file(tmp_path):
    noise = np.exp(np.random.default_rng(0).normal(size=(16, 2003)))
    arrays = {f"mixed_{split}_{what}": noise for split in ("train", "test") for what in ("loss", "accuracy")}
    wide = Series("a", arrays | {"alphas": np.tile(grid(-1, 2, 2001), (16, 1))})
    draw("interpolation", title="x", series=[wide], path=tmp_path / "x.svg")
    assert (tmp_path / "x.svg").stat().st_size < 150_000


# The barrier.


def test_the_note_says_how_high_the_barrier_is_and_where():
    assert note("interpolation", [between()]) == (
        "Between the ends, test error rises at most 35.0 points above their mean (the barrier of Frankle et al., "
        "2020), at alpha 0.5 (medians); over 3 seeds, 30.0 to 40.0."
    )
    assert note("interpolation", [between(runs=1)]).endswith("2020), at alpha 0.5.")


def test_the_note_says_if_there_is_no_barrier():
    flat = mixed(3)["mixed_test_accuracy"]
    flat = np.where((ALPHAS > 0.01) & (ALPHAS < 0.99), 0.95, flat)
    assert note("interpolation", [between(mixed_test_accuracy=flat)]) == (
        "Between the ends, test error does not rise above their mean (the barrier of Frankle et al., 2020) in any "
        "of 3 seeds."
    )
    flat[2, 14] = 0.7
    assert note("interpolation", [between(mixed_test_accuracy=flat)]) == (
        "Between the ends, test error rises above their mean (the barrier of Frankle et al., 2020) in 1 of 3 seeds, "
        "by at most 20.0 points, at alpha 0.4; the median seed has no barrier."
    )


def test_an_accuracy_that_is_not_a_number_is_the_worst():
    odd = mixed(1)["mixed_test_accuracy"]
    odd[0, 12] = np.nan
    assert "at most 90.0 points" in note("interpolation", [between(runs=1, mixed_test_accuracy=odd)])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mixed_test_loss": np.ones((3, 30))}, r"has alphas \(3, 31\) but .*'mixed_test_loss': \(3, 30\)"),
        ({"alphas": np.tile(ALPHAS[::-1], (3, 1))}, "alphas that do not increase, or differ between runs"),
        ({"alphas": ALPHAS * np.array([[1], [1], [2]])}, "alphas that do not increase, or differ between runs"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changed, message):
    for use in (drawn, lambda kind, one: note(kind, [one])):
        with pytest.raises(ValueError, match=message):
            use("interpolation", between(**changed))
