"""The charts: what they show of the runs, and that they are files one can rely on."""

import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from cases import ARM
from hw1bench.measures import learning
from hw1bench.records.runs import Run
from hw1bench.report.charts.lines import GREY, colour
from hw1bench.report.charts.mark import Mark
from hw1bench.report.charts.series import lost
from hw1bench.report.figures import KINDS, NOTES, Series, draw, note
from sample_series import X, arm, bands, each_seed, lines, shown


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw and return the axes, to ask them what they hold, and the file's text."""

    def build(kind, *series, title="Loss", **more):
        held = []
        monkeypatch.setitem(KINDS, kind, lambda axes, given, inner=KINDS[kind]: held.append(axes) or inner(axes, given))
        draw(kind, title=title, series=series, path=tmp_path / "A-fit-sinc.svg", **more)
        return held[0], (tmp_path / "A-fit-sinc.svg").read_text(encoding="utf-8")

    return build


def test_the_function_is_drawn_as_it_is(drawn):
    axes, text = drawn("function", arm(), title="sinc")
    ((_, truth),) = lines(axes).items()
    np.testing.assert_array_equal(truth, np.stack([X, np.sin(X)], axis=1))
    assert ">sinc<" in text
    assert ">f(x)<" in text


def test_curves_are_medians_in_the_middle_half_of_the_runs_with_a_thin_line_for_each(drawn):
    one = arm(prediction=np.array([[0.0], [1.0], [5.0]]) + np.linspace(0, 0.5, 50))
    axes, text = drawn("curves", one, arm("fit-1", runs=1))
    found = {label: xy for label, xy in lines(axes).items() if not label.startswith("_")}
    assert list(found) == ["truth", "fit-7 (3 seeds)", "fit-1 (1 seed)"]
    np.testing.assert_allclose(found["fit-7 (3 seeds)"][:, 1], 1.0 + np.linspace(0, 0.5, 50))
    np.testing.assert_array_equal(found["truth"][:, 1], np.sin(X))
    assert bands(axes)[0][X[0]] == (0.5, 3.0)  # the quartiles of 0, 1 and 5
    (own, seeds), *_ = each_seed(axes)
    assert own == colour(0)
    np.testing.assert_allclose(seeds[..., 1], one.arrays["prediction"])
    for label in (*found, "median, middle half and each of 1 to 3 seeds"):
        assert f">{label}<" in text


def test_the_loss_starts_at_initialisation_on_a_log_axis_with_its_unit(drawn):
    axes, text = drawn("loss", arm(runs=3))
    assert axes.get_yscale() == "log"
    (line,) = shown(axes)
    np.testing.assert_array_equal(line.get_xdata(), np.arange(41))
    np.testing.assert_allclose(line.get_ydata(), 1.5 * np.geomspace(1.0, 1e-4, 41))
    assert ">median, middle half and each of 3 seeds of “fit-7”<" in text
    assert ">epoch<" in text
    assert ">training loss<" in text


def test_a_long_run_is_thinned_but_keeps_its_ends_and_its_seeds_are_calm(drawn):
    level = np.arange(1.0, 9.0)[:, None] * np.geomspace(1.0, 1e-4, 20_001)
    loss = level * np.where(np.arange(20_001) % 3 == 1, 50.0, 1.0)  # a third of the epochs are spikes
    loss[:, 0] = level[:, 0]
    axes, text = drawn("loss", *(arm(name, train_loss=loss) for name in "abc"))
    line = shown(axes)[0].get_xydata()
    assert 100 <= len(line) <= 200
    np.testing.assert_allclose(line[[0, -1]], [[0, 4.5], [20_000, 4.5e-4]], rtol=0.02)
    assert (line[1:, 1] < 1.6 * np.interp(line[1:, 0], np.arange(20_001), 4.5 * level[0])).all()
    every = next(one for one in axes.lines if one.get_linewidth() == 0.4).get_xydata()
    assert 400 <= len(every) <= 500
    assert every[:, 1].max() == loss[:, 1:].max(axis=1).mean()  # its spikes are not lost
    assert "lines: medians of neighbours; faint: every epoch" in text
    _, seeds = each_seed(axes)[0]
    assert seeds.shape[0] == 8
    assert 30 <= seeds.shape[1] <= 110
    np.testing.assert_allclose(seeds[:, 0, 1], level[:, 0])
    assert (
        seeds[:, 1:, 1]
        < 1.6
        * np.array([np.interp(one[1:, 0], np.arange(20_001), level[0]) for one in seeds])
        * np.arange(1, 9)[:, None]
    ).all()


@pytest.mark.parametrize("kind", ["loss", "losses", "memorising"])
def test_a_chart_stays_small_whatever_it_shows(kind, tmp_path):
    noise = np.random.default_rng(0)
    names = ("train_loss", "test_loss", "train_accuracy")
    for arms in (3, 11):
        shown = {name: np.exp(noise.normal(size=(16, 20_001))) for name in names} | {"steps": np.arange(20_001)}
        series = [arm(f"arm {i}", **shown) for i in range(arms)]
        draw(kind, title="noise", series=series, path=tmp_path / "x.svg")
        assert (tmp_path / "x.svg").stat().st_size < 160_000


def test_stops_are_dots_in_a_row_for_each_arm_below_the_losses(drawn):
    falls, late = np.linspace(2.0, 1.0, 2001), np.full(2001, 1.0)
    late[:1251] = np.linspace(2.0, 1.0, 1251)
    nets = [Series(name, {"train_loss": np.stack([falls, late, late])}) for name in ("sinc, net", "sinc, other")]
    axes, text = drawn("stopping", *nets)
    lower = axes.figure.axes[1]
    rows = [found for found in lower.collections if len(found.get_offsets())]
    assert [found.get_offsets().tolist() for found in rows] == [
        [[1400.0, 0.0]],
        [[1400.0, -1.0]],
    ]  # one run never stops
    assert rows[0].get_sizes()[0] == 24.0  # of two runs
    assert ">where the rule stops; larger: more seeds<" in text
    assert [name.get_text() for name in lower.texts] == ["net", "other"]  # as the lines above are named
    assert [name.xy[1] for name in lower.texts] == [0, -1]


def test_claimed_stops_stand_in_the_rows_of_their_arms_with_what_is_allowed(drawn):
    nets = [Series(name, {"train_loss": np.ones((2, 2001))}) for name in ("sinc, net", "sinc, other")]
    axes, text = drawn("stopping", *nets, named=[Mark("stop", x=1500.0, arm="sinc, other", within=0.2, claimed=True)])
    lower = axes.figure.axes[1]
    bar, claimed = lower.lines
    np.testing.assert_allclose(bar.get_xydata(), [[1200, -1], [1800, -1]])
    np.testing.assert_allclose(claimed.get_xydata(), [[1500, -1]])
    assert ">1,500<" in text
    assert "claimed, ± what is allowed" in text


def test_a_claim_that_reads_the_norm_around_the_stop_has_triangles_where_the_rule_stops(drawn):
    losses = np.stack([np.ones(2001), np.linspace(2.0, 1.0, 2001)])  # the second never stops
    net = Series("net", {"train_loss": losses, "gradient_norm": losses})
    axes, text = drawn("gradient_norm", net, named=[Mark("rule", arm="net")])
    (stops,) = (line for line in axes.lines if line.get_marker() == "^" and len(line.get_xdata()))
    np.testing.assert_array_equal(stops.get_xydata(), [[1000, 0]])
    assert ">where the stopping rule stops a run<" in text
    axes, text = drawn("gradient_norm", net, named=[Mark("rule", arm="other")])
    assert "stopping rule" not in text


def test_diverged_runs_count_as_the_worst_and_the_rest_is_drawn(drawn):
    loss = np.ones((5, 11)) * np.arange(1.0, 6.0)[:, None]
    loss[4, 5:] = np.inf
    loss[0, 7:] = np.nan
    loss[1, 9:] = np.inf
    axes, text = drawn("loss", arm(train_loss=loss, prediction=np.sin(X) * np.ones((5, 1))))
    assert ">grey: 3 seeds diverged<" in text
    line = shown(axes)[0].get_ydata()
    np.testing.assert_array_equal(line, [3.0] * 7 + [4.0] * 2 + [np.nan] * 2)  # most runs diverged: no median to draw
    (own, alive), (grey, lost) = each_seed(axes)
    assert (own, grey) == (colour(0), GREY)
    np.testing.assert_array_equal(alive[:, :, 1], loss[2:4])
    np.testing.assert_array_equal(np.nanmax(lost[:, 1]), 5.0)
    crosses = next(line for line in axes.lines if line.get_marker() == "x")
    np.testing.assert_array_equal(crosses.get_xydata(), [[6, 1.0], [8, 2.0], [4, 5.0]])  # where each ends


def test_a_dead_fit_is_grey_and_counted_as_the_measure_of_dead_runs_has_it(drawn):
    fits = np.sin(X) * np.array([[1.0], [1e-4], [1e-2], [0.0]])
    one = arm("sinc, net", prediction=fits, runs=4)
    axes, text = drawn("curves", one, arm("sinc, other", runs=4))
    assert ">grey: 2 seeds dead (net)<" in text
    grey = np.concatenate([seeds for own, seeds in each_seed(axes) if own == GREY])
    np.testing.assert_allclose(grey[..., 1], fits[[1, 3]])
    dead, _ = lost(one, fits)
    runs = [Run(ARM, 0, {"prediction": row}, {"target_variance": float(np.sin(X).var())}) for row in fits]
    assert list(dead) == [learning.dead(run) for run in runs]


def test_a_fit_of_several_targets_is_dead_if_all_outputs_are_constant():
    fits = np.zeros((3, 5, 2))  # runs, samples, targets
    fits[:, :, 1] = 1.0
    fits[1, 2, 0], fits[2, 2, 0] = 0.5, 1e-4
    dead, _ = lost(Series("table", {"prediction": fits, "target_variance": np.asarray(0.25)}), np.ones((3, 4)))
    assert list(dead) == [True, False, True]
    runs = [Run(ARM, 0, {"prediction": row}, {"target_variance": 0.25}) for row in fits]
    assert [learning.dead(run) for run in runs] == list(dead)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_loss_without_a_point_to_draw_leaves_an_empty_chart(drawn, value):
    _, text = drawn("loss", arm(train_loss=np.full((8, 11), value)))
    assert "median, middle half and each of 8 seeds of “fit-7”" in text


def test_arms_differ_by_colour_and_by_line(drawn):
    axes, _ = drawn("loss", *(arm(f"arm {i}") for i in range(11)))
    looks = [(line.get_color(), line.get_linestyle()) for line in shown(axes)]
    assert len(set(looks)) == 11
    assert len({style for _, style in looks[:3]}) == 3


def test_the_legend_stands_below_the_chart_and_hides_no_line(drawn):
    for names in ("abc", *(["M" * width + letter for letter in "abcdefghij"] for width in range(1, 30, 3))):
        axes, _ = drawn("losses", *map(arm, names))
        FigureCanvasAgg(axes.get_figure()).draw()
        (legend,) = axes.get_figure().legends
        assert legend.get_window_extent().y1 <= axes.get_window_extent().y0
        assert legend.get_window_extent().y0 >= 0


def test_equal_input_gives_an_equal_file_without_a_date(tmp_path):
    for name in ("a.svg", "b.svg"):
        draw("loss", title="Loss", series=[arm()], path=tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "date" not in (tmp_path / "a.svg").read_text().lower()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_svg_and_png(kind, tmp_path):
    draw(kind, title="A title", series=[arm()], path=tmp_path / "new" / "x.svg")
    assert ET.parse(tmp_path / "new" / "x.svg").getroot().tag.endswith("svg")
    draw(kind, title="A title", series=[arm()], path=tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "x.png"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_note_is_there_for_the_kinds_that_have_one(kind):
    assert bool(note(kind, [arm()])) == (kind in NOTES)
    with pytest.raises(ValueError, match="at least one series"):
        note(kind, [])


def test_a_note_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="no figure of kind 'lossy'"):
        note("lossy", [arm()])


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("from $5 to $6 {", "from $5 to $6 {"),
        (r"$\frac{$ x$", r"$\frac{$ x$"),
        ("a\x1b[2J\0b\ud800\u202e", "a�[2J�b��"),
        ("<b>&深層", "<b>&深層"),
    ],
)
def test_titles_and_names_are_shown_as_they_are_written(drawn, text, written):
    _, svg = drawn("loss", arm(text), arm("another that is too long to stand beside its line"), title=text, data=text)
    said = [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert said.count(written) == 3  # the title, the data and the legend


def test_a_kind_has_no_hyphen_since_file_names_end_in_it():
    assert not [kind for kind in KINDS if "-" in kind]


def test_settings_of_matplotlib_stay_as_they_were(tmp_path):
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        before = dict(matplotlib.rcParams)
        draw("loss", title="Loss", series=[arm()], path=tmp_path / "x.svg")
        assert dict(matplotlib.rcParams) == before


def test_a_failed_drawing_leaves_the_old_file(tmp_path):
    draw("loss", title="Loss", series=[arm()], path=tmp_path / "x.svg")
    before = (tmp_path / "x.svg").read_bytes()
    with pytest.raises(ValueError, match="no array"):
        draw("loss", title="Loss", series=[Series("a", {})], path=tmp_path / "x.svg")
    assert (tmp_path / "x.svg").read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "series", "name", "message"),
    [
        ("lossy", [arm()], "x.svg", "no figure of kind 'lossy': the kinds are function, curves, loss, stopping"),
        ("loss", [arm()], "x.pdf", r"cannot draw 'x\.pdf': name it \.svg or \.png"),
        ("loss", [], "x.svg", "at least one series"),
        ("loss", [Series("fit-7", {"x": X})], "x.svg", "'fit-7' has no array 'train_loss', only x"),
        ("loss", [arm(train_loss=np.ones(5))], "x.svg", r"'train_loss' of series 'fit-7' has shape \(5,\)"),
        ("loss", [arm(train_loss=np.ones((0, 5)))], "x.svg", r"has shape \(0, 5\)"),
        ("curves", [arm(prediction=np.ones((8, 49)))], "x.svg", "'fit-7' has 50 values of x but predictions at 49"),
        ("function", [arm(truth=np.ones(49))], "x.svg", "'fit-7' has 50 values of x but 49 of the truth"),
    ],
)
def test_bad_input_is_refused_in_one_line(kind, series, name, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        draw(kind, title="Loss", series=series, path=tmp_path / name)
    assert not list(tmp_path.iterdir())
