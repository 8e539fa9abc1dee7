"""What the charts of weight paths show of the runs."""

import numpy as np
import pytest

from hw1bench.report.charts.path import _corner
from hw1bench.report.figures import Series, draw, note
from sample_series import arm, drawn, legend, paths


def series(**changed):
    return Series("a", paths() | changed)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def walked(axes):
    """The paths, without what stands in the legend for all of them."""
    return [line for line in axes.lines if len(line.get_xdata())]


@pytest.mark.parametrize(("kind", "length"), [("path_whole", 1), ("path_layer1", 2)])
def test_a_path_is_one_line_per_run_with_a_ring_at_its_start_and_dots_where_it_was_measured(kind, length):
    axes, heading = drawn(kind, arm("first", runs=3))
    given = paths(3)
    assert len(walked(axes)) == 3
    for line, places in zip(walked(axes), given["whole_path"], strict=True):
        np.testing.assert_allclose(line.get_xydata(), length * places)
    rings, dots = (found.get_offsets() for found in axes.collections)
    np.testing.assert_allclose(rings, np.zeros((3, 2)), atol=1e-12)
    np.testing.assert_allclose(dots, length * given["whole_path"][:, ::3].reshape(-1, 2))
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        "component 1 (37.4 % of variance)",
        "component 2 (21.1 % of variance)",
    )
    assert legend(axes) == ["start", "training accuracy in %"]
    assert heading == "one colour per run, 3 runs"


@pytest.mark.parametrize("runs", [1, 8, 9, 16])
def test_every_run_has_a_colour_and_its_dots_have_it_too(runs):
    axes, _ = drawn("path_whole", arm(runs=runs))
    assert len({line.get_color() for line in walked(axes)}) == runs
    assert len(np.unique(axes.collections[1].get_facecolor(), axis=0)) == runs


def test_the_last_accuracy_of_each_run_stands_beside_its_dot():
    axes, _ = drawn("path_whole", series())
    assert texts(axes) == ["97.3"] * 8


def test_runs_that_start_far_apart_have_a_frame_each_at_one_scale():
    far = apart(10)
    far.arrays["whole_path"][3] = 0.5 * (far.arrays["whole_path"][3] - far.arrays["whole_path"][3, :1])
    axes, heading = drawn("path_whole", far)
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 4), (0, 2))
    paths_drawn = [
        line.get_xydata() for line in axes.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 13
    ]
    assert len(paths_drawn) == 8
    for run, moved in enumerate(paths_drawn):
        corner = np.array([run % 4, 1 - run // 4])
        assert ((moved > corner) & (moved < corner + 1)).all()
        own = far.arrays["whole_path"][run]
        reference = np.ptp(paths_drawn[1], axis=0) / np.ptp(far.arrays["whole_path"][1], axis=0)
        np.testing.assert_allclose(np.ptp(moved, axis=0), np.ptp(own, axis=0) * reference, atol=1e-9)
    assert texts(axes) == ["97.3"] * 8
    assert heading.startswith("8 runs, a frame each, 1.39 wide and 2.00 high; two starts lie ")
    assert "37.4 % and 21.1 % of variance" in axes.get_ylabel()


@pytest.mark.parametrize(
    ("path", "room", "corner"),
    [
        ([[0.5, 0.4], [0.6, 0.9]], (0.5, 0.2), ((0.04, 0.04), "left", "bottom")),
        ([[0.1, 0.1], [0.9, 0.1]], (0.5, 0.2), ((0.04, 0.96), "left", "top")),
        ([[0.1, 0.0], [0.1, 1.0]], (0.5, 0.2), ((0.96, 0.04), "right", "bottom")),
        ([[0.0, 0.6], [0.6, 0.0], [np.nan, 0.0]], (0.5, 0.35), ((0.04, 0.96), "left", "top")),  # between its points
        ([[0, 0], [0, 1], [1, 1], [1, 0.3]], (0.6, 0.4), ((0.96, 0.04), "right", "bottom")),  # the one farthest off
    ],
)
def test_the_accuracy_in_a_frame_stands_in_a_corner_that_the_path_leaves_free(path, room, corner):
    place, *aligned = _corner(np.array(path, float), np.array(room))
    assert (tuple(place), *aligned) == corner


def test_accuracies_do_not_lie_over_each_other():
    crowded = paths()
    crowded["whole_path"] = crowded["whole_path"] * np.r_[np.full(7, 1e-3), 1][:, None, None]
    axes, _ = drawn("path_whole", Series("a", crowded))
    last = [text for text in axes.texts if text.get_text() == "97.3"]
    assert 1 < len(last) < 8


def test_a_series_without_paths_is_skipped():
    axes, _ = drawn("path_whole", Series("b", {"train_loss": np.ones((2, 3))}), series())
    assert len(walked(axes)) == 8
    with pytest.raises(ValueError, match="series 'b' has no array 'whole_path'"):
        drawn("path_whole", Series("b", {"train_loss": np.ones((2, 3))}))


def test_a_run_that_diverged_ends_early_and_one_without_a_place_leaves_the_rest():
    short = paths()
    short["whole_path"][1, 6:] = np.nan
    short["whole_path"][2] = np.nan
    short["whole_own_share"][2] = np.nan
    axes, _ = drawn("path_whole", Series("a", short))
    assert len(axes.collections[1].get_offsets()) == 6 * 5 + 2
    assert np.isfinite(axes.get_xlim()).all()
    assert "of 7 paths" in note("path_whole", [Series("a", short)])


def test_runs_with_components_of_their_own_are_not_drawn_in_the_plane_of_the_first():
    later = paths(16)
    later["whole_shares"][8:] = [0.4, 0.2]
    axes, heading = drawn("path_whole", Series("a", later))
    assert len(walked(axes)) == 8
    assert heading == "one colour per run, the first 8 of 16 runs"
    assert "37.4 %" in axes.get_xlabel()
    assert "58.5 % of the variance of the first 8 of 16 runs together" in note("path_whole", [Series("a", later)])


def test_many_long_paths_make_a_small_file(tmp_path):
    noise = np.random.default_rng(0).normal(size=(32, 150, 2)).cumsum(axis=1)
    draw(
        "path_whole",
        title="x",
        series=[Series("a", paths(32, 150, marked=5) | {"whole_path": noise})],
        path=tmp_path / "x.svg",
    )
    assert (tmp_path / "x.svg").stat().st_size < 150_000


def test_the_note_says_how_flat_the_paths_are_and_what_a_random_walk_would_be():
    assert note("path_whole", [series()]).splitlines() == [
        "Two components take 58.5 % of the variance of 8 runs together.",
        "Two components of a run's own take 70 % to 90 % of the variance of its path (median 80 %).",
        "95 % of random walks with the same step lengths stay below 78 %, "
        "so 5 of 8 paths are flatter than a random walk.",
        "At the end a run is 1.20 times as far from an independent run as at the start (median), and 0.60 times relative to "
        "the length of the weights.",
        "A large share is not by itself a sign of order: in one long random walk in many dimensions the first component alone "
        "takes 60.8 % (6/π²), and the first two take 76 %.",
    ]


def test_the_note_of_one_run_needs_no_median():
    (_, own, walks, _, _) = note("path_layer1", [arm(runs=1)]).splitlines()
    assert own == "Two components of a run's own take 70 % of the variance of its path."
    assert walks.endswith("so 0 of 1 path is flatter than a random walk.")


def apart(factor, runs=8):
    """Paths of length 1 that start on a line, ``factor`` apart by the median over pairs."""
    places = paths(runs)["whole_path"]
    starts = np.arange(runs)
    between = np.abs(starts[:, None] - starts)[np.triu_indices(runs, 1)]
    places[..., 0] += (factor * starts / np.median(between))[:, None]
    return series(whole_path=places)


@pytest.mark.parametrize(("factor", "said"), [(0, False), (2.9, False), (3.1, True)])
def test_the_note_says_if_runs_start_much_farther_apart_than_they_travel(factor, said):
    far = "The runs start much farther apart than they travel, and their starts make up the components."
    assert (far in note("path_whole", [apart(factor)]).splitlines()) is said


def test_runs_without_a_place_or_without_company_do_not_start_apart():
    lost = apart(10, runs=8)
    lost.arrays["whole_path"][:6] = np.nan
    lost.arrays["whole_path"][6, 5:] = np.nan
    assert "farther apart" in note("path_whole", [lost])
    lost.arrays["whole_path"][6] = np.nan
    assert "farther apart" not in note("path_whole", [lost])


def test_shares_that_are_not_numbers_are_not_mentioned():
    nothing = np.full(8, np.nan)
    assert len(note("path_whole", [series(whole_own_share=nothing, whole_convergence=nothing)]).splitlines()) == 2


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"path_accuracy": np.ones((8, 12))}, r"series 'a' has paths \(8, 13, 2\), accuracies \(8, 12\)"),
        ({"whole_path": np.ones((8, 13, 3))}, r"paths \(8, 13, 3\)"),
        ({"whole_shares": np.ones((7, 2))}, r"shares \(7, 2\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changed, message):
    for use in (drawn, lambda kind, one: note(kind, [one])):
        with pytest.raises(ValueError, match=message):
            use("path_whole", series(**changed))


def test_one_walk_per_run_is_required():
    with pytest.raises(ValueError, match="8 paths, 8 shares, 7 walks"):
        note("path_whole", [series(whole_walk=np.ones(7))])
