"""What the charts of sweeps show of the arms."""

import numpy as np
import pytest

from hw1bench.report.charts.lines import GREY
from hw1bench.report.charts.mark import Mark
from hw1bench.report.charts.sweep import MARKS
from hw1bench.report.charts.ticks import settle
from hw1bench.report.figures import KINDS, Series, draw, note
from sample_series import drawn, kept, legend, lines


def at(batch_size, runs=3, **given):
    """An arm of a sweep of the batch size, or, with ``lr``, of the learning rate."""
    values = {name: given.pop(name) for name in ("lr", "jacobian", "reported") if name in given}
    return Series(f"batch {batch_size}", kept(runs, batch_size, **values) | given)


def medians(axes):
    return [line.get_xydata() for line in axes.lines if line.get_linestyle() != "None" and len(line.get_xdata())]


def dots(axes):
    return [line.get_xydata() for line in axes.lines if line.get_linestyle() == "None"]


@pytest.mark.parametrize("measure", ["jacobian", "reported"])
@pytest.mark.parametrize(("what", "scale"), [("loss", "log"), ("accuracy", "linear")])
def test_a_sweep_has_one_dot_per_seed_and_a_line_through_the_medians_in_the_order_of_the_swept_value(
    what, scale, measure
):
    axes, heading = drawn(f"{what}_and_{measure}_by_batch", at(256, **{measure: 2.0}), at(64, **{measure: 4.0}))
    _, lower = axes.figure.axes
    assert (axes.get_xscale(), axes.get_yscale(), lower.get_yscale()) == ("log", scale, "log")
    train, test = (0.01, 0.1) if what == "loss" else (90, 80)
    np.testing.assert_allclose(medians(axes), [[[64, train], [256, train]], [[64, test], [256, test]]])
    np.testing.assert_allclose(medians(lower), [[[64, 4], [256, 2]]])
    np.testing.assert_allclose(dots(lower)[0][:, 0], [64] * 3 + [256] * 3)
    np.testing.assert_allclose(dots(lower)[0][:, 1], [3.6, 4, 4.4, 1.8, 2, 2.2])
    np.testing.assert_allclose(dots(axes)[0][:, 1], np.tile(train * np.array([0.9, 1, 1.1]), 2))
    (bar, _), *_ = (found.get_segments() for found in axes.collections)
    np.testing.assert_allclose(bar[:, 1], train * np.array([0.95, 1.05]))
    assert heading == "median of 3 seeds, bar: middle half, dots: seeds"


def test_axes_and_legend_name_what_they_show():
    axes, _ = drawn("accuracy_and_jacobian_by_lr", at(64, lr=1e-4), at(64, lr=1e-3))
    _, lower = axes.figure.axes
    assert (lower.get_xlabel(), axes.get_ylabel(), lower.get_ylabel()) == (
        "learning rate",
        "accuracy (%)",
        "Jacobian norm",
    )
    assert legend(axes) == ["training", "test"]
    assert axes.get_xlim() == lower.get_xlim()
    axes, _ = drawn("loss_and_reported_by_lr", at(64))
    assert legend(axes) == ["training", "test"]
    assert axes.figure.axes[1].get_ylabel() == "weight-gradient norm"


def test_ticks_are_at_the_swept_values_if_they_keep_clear_of_each_other():
    axes, _ = drawn("loss_and_jacobian_by_batch", *map(at, (16, 64, 256, 300, 1024)))
    lower = axes.figure.axes[1]
    settle(lower, (250, 80))
    assert [label.get_text() for label in lower.get_xticklabels()] == ["16", "64", "256", "1024"]
    axes, _ = drawn("loss_and_jacobian_by_lr", at(64, lr=1e-4), at(64, lr=3e-2))
    lower = axes.figure.axes[1]
    settle(lower, (250, 80))
    assert [label.get_text() for label in lower.get_xticklabels()] == ["0.0001", "0.03"]
    axes, _ = drawn("loss_and_jacobian_by_lr", *(at(64, lr=rate) for rate in (1e-5, 1e-3, 1e-1)))
    lower = axes.figure.axes[1]
    settle(lower, (250, 80))
    assert [label.get_text() for label in lower.get_xticklabels()] == ["10⁻⁵", "10⁻³", "10⁻¹"]


def test_the_arm_that_a_claim_singles_out_is_a_line_at_its_value_with_a_tick():
    arms = [at(64, lr=rate) for rate in (1e-4, 1e-3)]
    arms[1] = Series("best", arms[1].arrays)
    axes, _ = drawn("accuracy_and_jacobian_by_lr", *arms)
    named = [Mark("test_accuracy", arm="best"), Mark("test_loss", arm="batch 64"), Mark("test_accuracy", arm="gone")]
    assert MARKS["accuracy_and_jacobian_by_lr"](axes, arms, named).x == {1e-3: "0.001"}
    assert legend(axes) == ["training", "test", "singled out by the claim"]
    for panel in axes.figure.axes:
        assert [1e-3, 1e-3] in [list(line.get_xdata()) for line in panel.lines]


def test_an_arm_that_mostly_diverged_has_no_median_and_is_reported():
    lost = {name: np.array([0.5, np.nan, np.inf]) for name in ("kept_train_loss", "kept_test_loss")}
    axes, heading = drawn("loss_and_jacobian_by_batch", at(64), at(256, **lost))
    np.testing.assert_allclose(lines(axes)["training"][:, 1], [0.01, np.nan])
    assert np.isfinite(axes.get_ylim()).all()
    assert heading.endswith("\ngrey: 2 of 6 runs diverged")
    crosses = next(line for line in axes.lines if line.get_marker() == "x")
    np.testing.assert_array_equal(crosses.get_xydata(), [[256, 1]])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_sensitivity_without_a_place_on_a_log_axis_is_not_drawn(value, tmp_path):
    series = [at(64, reported=value), at(256)]
    axes, _ = drawn("loss_and_reported_by_batch", *series)
    np.testing.assert_allclose(medians(axes.figure.axes[1])[0][:, 1], [np.nan, 0.1])
    assert not np.isinf(dots(axes.figure.axes[1])[0]).any()
    draw("loss_and_reported_by_batch", title="x", series=series, path=tmp_path / "x.svg")


def dead(runs, alive):
    """Sensitivities of which all but the last ``alive`` are next to nothing."""
    values = np.linspace(0.9, 1.1, runs)
    values[: runs - alive] = [0, 3e-20, 1e-20, 0][: runs - alive]
    return values


@pytest.mark.parametrize("measure", ["jacobian", "reported"])
def test_sensitivities_next_to_nothing_lie_hollow_at_the_lower_edge_and_leave_the_axis_to_the_others(measure):
    series = [at(64, 5, **{measure: 4.0}), at(256, 5), at(1024, 5)]
    series[1].arrays[measure] = dead(5, alive=3)
    series[2].arrays[measure] = dead(5, alive=1)
    axes, heading = drawn(f"loss_and_{measure}_by_batch", *series)
    lower = axes.figure.axes[1]
    edge, top = lower.get_ylim()
    assert 0.5 < edge < 0.9
    assert top < 10
    np.testing.assert_allclose(medians(lower), [[[64, 4], [256, 1.0], [1024, edge]]])
    full, *hollow = [line for line in lower.lines if line.get_linestyle() == "None"]
    assert np.isfinite(full.get_ydata()).sum() == 5 + 3 + 1
    np.testing.assert_allclose(hollow[0].get_xydata(), [[256, edge]] * 2 + [[1024, edge]] * 4)
    np.testing.assert_allclose(hollow[1].get_xydata(), [[1024, edge]])
    assert {(line.get_markerfacecolor(), line.get_markeredgecolor()) for line in hollow} == {("white", GREY)}
    assert heading.splitlines()[1:] == ["grey: 6 of 15 runs next to nothing, at most 1e-4 of the largest median"]


@pytest.mark.parametrize(("value", "said"), [(2e-4, False), (1e-4, True), (0.5e-4, True)])
def test_next_to_nothing_is_up_to_a_ten_thousandth_of_the_largest_median(value, said):
    _, heading = drawn(
        "loss_and_jacobian_by_batch", at(64, runs=1, jacobian=1 / 0.9), at(256, runs=1, jacobian=value / 0.9)
    )
    assert ("next to nothing" in heading) is said


def test_sensitivities_that_are_all_0_are_reported(tmp_path):
    series = [at(64, reported=0.0), at(256, reported=0.0)]
    _, heading = drawn("loss_and_reported_by_batch", *series)
    assert heading.endswith("\n6 of 6 runs with a sensitivity of 0, not drawn")
    draw("loss_and_reported_by_batch", title="x", series=series, path=tmp_path / "x.svg")


def test_the_few_live_nets_among_dead_ones_are_drawn_if_every_median_is_0():
    series = [at(64), at(256)]
    for one in series:
        one.arrays["jacobian"][:2] = 0
    axes, heading = drawn("loss_and_jacobian_by_batch", *series)
    np.testing.assert_allclose(dots(axes.figure.axes[1])[0][[2, 5], 1], 5.5)
    assert "grey: 4 of 6 runs next to nothing" in heading


def test_a_diverged_sensitivity_is_not_next_to_nothing():
    _, heading = drawn("loss_and_jacobian_by_batch", at(64), at(256, jacobian=np.nan))
    assert heading == "median of 3 seeds, bar: middle half, dots: seeds"


def test_one_seed_and_numbers_of_seeds_that_differ():
    _, heading = drawn("loss_and_jacobian_by_batch", at(64, runs=1), at(256, runs=1))
    assert heading == "median of 1 seed, bar: middle half, dots: seeds"
    _, heading = drawn("loss_and_jacobian_by_batch", at(64, runs=1), at(256, runs=8))
    assert heading == "median of 1 to 8 seeds, bar: middle half, dots: seeds"


# The note.


def sweep(jacobian, reported):
    pairs = zip(jacobian, reported, strict=True)
    return [at(16 * 4**step, jacobian=one, reported=other) for step, (one, other) in enumerate(pairs)]


def test_the_note_says_that_the_measures_disagree_and_why_they_can():
    first, why = note("loss_and_jacobian_by_batch", sweep([4, 3, 2], [0.1, 0.2, 0.3])).splitlines()
    assert first == (
        "From the smaller to the larger batch size, the Jacobian norm falls in 3 of 3 pairs of arms, and the mean norm of the "
        "weight gradient on one mini-batch, which some reports give as sensitivity, falls in 0 of 3 pairs (medians over "
        "seeds). They disagree: the Jacobian norm falls and the weight gradient rises. More than 70 % of pairs must agree to "
        "say that a measure falls or rises."
    )
    assert why.startswith("They can differ: the Jacobian norm tells how the outputs change with the input")
    assert why.endswith("as the training loss does and is noisier for smaller batches.")


def test_only_a_sweep_of_the_batch_size_says_that_small_batches_are_noisy():
    series = [at(64, lr=1e-3), at(64, lr=1e-2)]
    assert note("loss_and_jacobian_by_lr", series).endswith("which goes to zero as the training loss does.")


@pytest.mark.parametrize("what", ["loss", "accuracy"])
def test_why_the_measures_can_differ_is_not_said_again_under_the_other_measure(what):
    series = sweep([4, 3, 2], [0.1, 0.2, 0.3])
    (counted,) = note(f"{what}_and_reported_by_batch", series).splitlines()
    first, _ = note(f"{what}_and_jacobian_by_batch", series).splitlines()
    assert counted == first


@pytest.mark.parametrize(
    ("jacobian", "way"),
    [([3, 2, 1], "falls"), ([3, 1, 2], "goes neither way"), ([1, 3, 2], "goes neither way"), ([1, 2, 3], "rises")],
)
def test_a_measure_falls_or_rises_only_if_the_rule_of_an_order_says_so(jacobian, way):
    assert f"They agree: each {way}. More" in note("loss_and_jacobian_by_batch", sweep(jacobian, jacobian))


def test_the_note_counts_pairs_of_medians_next_to_nothing_as_they_are():
    said = note("loss_and_jacobian_by_batch", sweep([4, 1e-9, 1e-10, 0], [1, 1, 1, 1]))
    assert "the Jacobian norm falls in 6 of 6 pairs" in said


@pytest.mark.parametrize(
    ("reported", "said"),
    [
        ([3, 2, 1], "They agree: each falls. More"),
        ([1, 1, 1], "They disagree: the Jacobian norm falls and the weight gradient goes neither way. More"),
        ([1, np.nan, 2], "They disagree: the Jacobian norm falls and the weight gradient rises. More"),
    ],
)
def test_the_note_says_whether_the_measures_agree(reported, said):
    assert said in note("accuracy_and_reported_by_batch", sweep([4, 3, 2], reported))


def test_pairs_whose_medians_are_not_finite_do_not_count():
    assert "as sensitivity, falls in 0 of 1 pair (medians" in note(
        "loss_and_jacobian_by_batch", sweep([4, 3, 2], [1, np.nan, 2])
    )


def test_an_experiment_without_the_reported_measure_has_half_the_kinds_and_half_the_note():
    series = sweep([4, 3, 2], [1, 2, 3])
    short = [Series(one.name, {name: one.arrays[name] for name in one.arrays if name != "reported"}) for one in series]
    for shown in (short, [series[0], *short[1:]]):
        assert note("loss_and_jacobian_by_batch", shown) == (
            "From the smaller to the larger batch size, the Jacobian norm falls in 3 of 3 pairs of arms (medians over seeds): "
            "it falls. More than 70 % of pairs must agree to say that a measure falls or rises."
        )
        drawn("loss_and_jacobian_by_batch", *shown)
    for what in ("loss", "accuracy"):
        with pytest.raises(ValueError, match="series 'batch 16' has no array 'reported'"):
            drawn(f"{what}_and_reported_by_batch", *short)


def test_arms_at_one_value_are_not_a_sweep():
    assert (
        note("loss_and_jacobian_by_lr", sweep([1, 2], [1, 2])) == "With one learning rate there is nothing to compare."
    )


@pytest.mark.parametrize("value", [0, -1, np.nan])
def test_a_value_without_a_place_on_a_log_axis_is_refused(value):
    with pytest.raises(ValueError, match=r"a sweep over batch size .*: give positive numbers"):
        drawn("loss_and_jacobian_by_batch", at(value), at(64))


def test_sweeps_are_eight_kinds():
    assert len([kind for kind in KINDS if "_and_" in kind]) == 8
