"""The charts: what they show of the runs, and that they are files one can rely on."""

import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from hw1bench.report.figures import KINDS, NOTES, Series, draw, note
from sample_series import X, arm, bands, lines


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw and return the axes, to ask them what they hold, and the file's text."""

    def build(kind, *series, title="Loss"):
        held = []
        monkeypatch.setitem(KINDS, kind, lambda axes, given, inner=KINDS[kind]: held.append(axes) or inner(axes, given))
        draw(kind, title=title, series=series, path=tmp_path / "A-fit-sinc.svg")
        return held[0], (tmp_path / "A-fit-sinc.svg").read_text(encoding="utf-8")

    return build


def test_the_function_is_drawn_as_it_is(drawn):
    axes, text = drawn("function", arm(), title="sinc")
    ((_, truth),) = lines(axes).items()
    np.testing.assert_array_equal(truth, np.stack([X, np.sin(X)], axis=1))
    assert ">sinc<" in text
    assert ">f(x)<" in text


def test_curves_are_medians_in_bands_from_minimum_to_maximum(drawn):
    one = arm(prediction=np.array([[0.0] * 50, [1.0] * 50, [5.0] * 50]))
    axes, text = drawn("curves", one, arm("fit-1", runs=1))
    found = lines(axes)
    assert list(found) == ["truth", "fit-7 (3 seeds)", "fit-1 (1 seed)"]
    np.testing.assert_array_equal(found["fit-7 (3 seeds)"][:, 1], 1.0)
    np.testing.assert_array_equal(found["truth"][:, 1], np.sin(X))
    assert bands(axes)[0][X[3]] == (0.0, 5.0)
    for label in (*found, "median over seeds, in a band from minimum to maximum"):
        assert f">{label}<" in text


def test_the_loss_starts_at_initialisation_on_a_log_axis_with_its_unit(drawn):
    axes, text = drawn("loss", arm(runs=3))
    assert axes.get_yscale() == "log"
    ((label, line),) = lines(axes).items()
    assert label == "fit-7 (3 seeds)"
    np.testing.assert_array_equal(line[:, 0], np.arange(41))
    np.testing.assert_allclose(line[:, 1], 1.5 * np.geomspace(1.0, 1e-4, 41))
    assert ">epoch<" in text
    assert ">training loss<" in text


def test_a_long_run_is_thinned_but_keeps_its_ends_and_its_spikes(drawn, tmp_path):
    loss = np.geomspace(1.0, 1e-4, 20_001) * np.ones((8, 1))
    loss[2, 7777] = 50.0
    axes, _ = drawn("loss", *(arm(name, train_loss=loss) for name in "abc"))
    line = lines(axes)["a (8 seeds)"]
    assert 100 <= len(line) <= 500
    np.testing.assert_allclose(line[[0, -1]], [[0, 1.0], [20_000, 1e-4]])
    assert max(high for _, high in bands(axes)[0].values()) == 50.0


@pytest.mark.parametrize("kind", ["loss", "losses", "memorising"])
def test_a_chart_stays_small_whatever_it_shows(kind, tmp_path):
    noise = np.random.default_rng(0)
    names = ("train_loss", "test_loss", "train_accuracy")
    for arms in (3, 11):
        shown = {name: np.exp(noise.normal(size=(16, 20_001))) for name in names} | {"steps": np.arange(20_001)}
        series = [arm(f"arm {i}", **shown) for i in range(arms)]
        draw(kind, title="noise", series=series, path=tmp_path / "x.svg")
        assert (tmp_path / "x.svg").stat().st_size < 160_000


def test_stops_are_dots_on_the_losses_where_the_rule_stops_each_run(drawn):
    falls, late = np.linspace(2.0, 1.0, 2001), np.full(2001, 1.0)
    late[:1251] = np.linspace(2.0, 1.0, 1251)
    axes, _ = drawn("stopping", Series("net", {"train_loss": np.stack([falls, late])}))
    dots = [line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"]
    assert dots == [[[1400.0, 1.0]]]  # the run that falls to its end never stops


def test_diverged_runs_count_as_the_worst_and_the_rest_is_drawn(drawn):
    loss = np.ones((5, 11)) * np.arange(1.0, 6.0)[:, None]
    loss[4, 5:] = np.inf
    loss[0, 7:] = np.nan
    loss[1, 9:] = np.inf
    axes, text = drawn("loss", arm(train_loss=loss))
    assert ">fit-7 (5 seeds, 3 diverged)<" in text
    line = lines(axes)["fit-7 (5 seeds, 3 diverged)"][:, 1]
    np.testing.assert_array_equal(line, [3.0] * 7 + [4.0] * 2 + [np.nan] * 2)  # most runs diverged: no median to draw
    assert bands(axes)[0][8.0] == (2.0, 4.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_loss_without_a_point_to_draw_leaves_an_empty_chart(drawn, value):
    _, text = drawn("loss", arm(train_loss=np.full((8, 11), value)))
    assert "fit-7 (8 seeds" in text


def test_arms_differ_by_colour_and_by_line(drawn):
    axes, _ = drawn("loss", *(arm(f"arm {i}") for i in range(11)))
    looks = [(line.get_color(), line.get_linestyle()) for line in axes.get_lines()]
    assert len(set(looks)) == 11
    assert len({style for _, style in looks[:3]}) == 3


def test_the_legend_stands_below_the_chart_and_hides_no_line(drawn):
    for names in ("abc", *(["M" * width + letter for letter in "abcdefghij"] for width in range(1, 30, 3))):
        axes, _ = drawn("loss", *map(arm, names))
        FigureCanvasAgg(axes.get_figure()).draw()
        (legend,) = axes.get_figure().legends
        assert legend.get_window_extent().y1 <= axes.xaxis.label.get_window_extent().y0
        assert legend.get_window_extent().width <= axes.get_figure().bbox.width


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
    _, svg = drawn("loss", arm(text), title=text)
    said = [element.text for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    assert written in said
    assert f"{written} (8 seeds)" in said


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
