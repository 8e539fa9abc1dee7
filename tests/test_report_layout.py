"""The places of everything in a chart: no text is small, leaves the chart or touches another; marks of claims are ticked."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, TransformedBbox

from hw1bench.report import figures
from hw1bench.report.charts import marks, text
from hw1bench.report.charts.mark import Mark
from hw1bench.report.figures import KINDS, Series, draw
from sample_series import NAMED, SAMPLES, arm, drawn, legend, nets

FINE = 4
"""How much finer than points the canvas is: on a coarse one, text is as wide as whole pixels make it."""


def canvas(kind, names, monkeypatch, tmp_path, series=()):
    """The figure as it is written, drawn on a canvas that knows the size of all text."""
    held = []
    monkeypatch.setattr(figures, "save", lambda figure, path, **more: held.append(figure))
    draw(
        kind,
        title="Report B: a title that is too long for one line of a chart as narrow as this one",
        series=series or nets(*names),
        path=tmp_path / "x.svg",
        data="5,000 images of MNIST, for CIFAR-10, random labels",
        named=NAMED,
    )
    (figure,) = held
    figure.set_dpi(72 * FINE)
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    return figure


def written(figure):
    """All text of a figure that is seen, with its box in points."""
    found = [
        one
        for one in figure.findobj(Text)
        if one.get_visible() and one.get_text().strip() and (one.axes is None or one.axes.get_visible())
    ]
    boxes = [(one.get_text(), TransformedBbox(one.get_window_extent(), Affine2D().scale(1 / FINE))) for one in found]
    return [(said, box) for said, box in boxes if box.width > 0 and _seen(figure, said, box)]


def _seen(figure, said, box):
    """Whether a text is drawn: axes keep labels of ticks out of view, which lie outside every axis."""
    hidden = [
        label.get_text()
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        if not axis.get_visible()
        for label in axis.get_ticklabels()
    ]
    return said not in hidden


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_text_touches_another_or_leaves_the_chart(kind, sample, monkeypatch, tmp_path):
    figure = canvas(kind, SAMPLES[sample], monkeypatch, tmp_path)
    boxes = written(figure)
    assert len(boxes) > 4
    whole = TransformedBbox(figure.bbox, Affine2D().scale(1 / FINE))
    for said, box in boxes:
        assert box.x0 >= whole.x0 - 0.5, said
        assert box.x1 <= whole.x1 + 0.5, said
        assert box.y0 >= whole.y0 - 0.5, said
        assert box.y1 <= whole.y1 + 0.5, said
    for (one, first), (other, second) in combinations(boxes, 2):
        across = min(first.x1, second.x1) - max(first.x0, second.x0)
        up = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert across < 1 or up < 2.5, f"{one!r} lies over {other!r}"  # boxes have room for descenders


@pytest.mark.parametrize("kind", KINDS)
def test_the_smallest_text_is_12_pixels_on_a_page_of_1280(kind, tmp_path):
    draw(kind, title="T", series=nets(*SAMPLES["few"]), path=tmp_path / "x.svg", data="sinc", named=NAMED)
    root = ET.parse(tmp_path / "x.svg").getroot()
    wide = float(root.get("viewBox").split()[2])
    on_page = 335.4  # the width of a chart's picture there: three in a row
    said = [element.get("style", "") for element in root.iter()]
    said += [style.text for style in root.iter("{http://www.w3.org/2000/svg}style")]
    sizes = [float(size) for size in re.findall(r"font-size:([\d.]+)px", " ".join(said))]
    assert len(sizes) >= 2  # of the title and of the rest
    assert min(sizes) * on_page / wide >= 12


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("loss", {"x": {"25", "31"}, "y": {"0.01", "0.001"}}),
        ("accuracies", {"x": set(), "y": {"15", "48"}}),
    ],
)
def test_what_claims_name_is_drawn_and_ticked(kind, expected, monkeypatch, tmp_path):
    of_fits = ("truth", "target_variance", "prediction")
    images = [
        Series(
            one.name,
            {name: one.arrays[name] for name in one.arrays if name not in of_fits} | {"classes": np.asarray(10)},
        )
        for one in nets(*SAMPLES["few"])
    ]
    figure = canvas(kind, (), monkeypatch, tmp_path, images)
    (axes,) = figure.axes
    for axis, wanted in ((axes.xaxis, expected["x"]), (axes.yaxis, expected["y"])):
        assert {label.get_text() for label in axis.get_ticklabels() if label.get_fontweight() == "bold"} == wanted
    labels = [one.get_text() for one in figure.legends[0].get_texts()]
    assert "claimed" in labels
    assert {"threshold", "where the claim looks"} <= {*labels}
    assert ("chance, 10 %" in labels) == (kind == "accuracies")


def test_a_claimed_point_is_a_diamond_in_the_colour_of_its_arm_and_a_limit_has_its_lines():
    series = nets(*SAMPLES["few"])
    axes, _ = drawn("loss", *series)
    named = marks.draw(axes, "epoch", "loss", NAMED, series)
    diamonds = {
        tuple(line.get_xydata()[0]): line.get_color()
        for line in axes.lines
        if line.get_marker() == "D" and len(line.get_xdata())
    }
    assert diamonds == {(25.0, 1e-2): "#0072B2", (31.0, 1e-3): "#009E73"}
    straight = [line.get_xydata().tolist() for line in axes.lines if len(line.get_xdata()) == 2]
    assert straight == [[[0, 1e-2], [1, 1e-2]], [[25, 0], [25, 1]]]
    assert legend(axes)[-4:] == ["threshold", "deadline", "claimed", "where the claim looks"]
    assert (named.x, named.y) == ({25.0: "25", 31.0: "31"}, {1e-2: "0.01", 1e-3: "0.001"})


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 8)), min_size=1, max_size=5))
def test_what_several_claims_read_is_shaded_once(starts):
    spans = [(start / 16, (start + length) / 16) for start, length in starts]
    axes, _ = drawn("loss", arm())
    marks.draw(axes, "epoch", "loss", [Mark("epoch", span=span, of_budget=True) for span in spans], [arm()])
    shaded = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    for place in np.linspace(0.01, 39.99, 100):
        read = any(start <= place / 40 <= stop for start, stop in spans)
        assert sum(start <= place <= stop for start, stop in shaded) == read
    several = len(set(spans)) > 1
    assert legend(axes)[-1] == ("where claims look" if several else "where the claim looks")


def test_a_threshold_below_the_losses_comes_into_view():
    axes, _ = drawn("loss", arm())
    marks.draw(axes, "epoch", "loss", [Mark("train_loss", y=1e-7)], [arm()])
    assert axes.get_ylim()[0] < 1e-7


@pytest.mark.parametrize(("level", "scale"), [(0.15, "linear"), (0.99, "log")])
def test_a_threshold_far_beyond_accuracies_makes_their_axis_logarithmic(level, scale):
    shares = np.linspace(0.09, 0.12, 41) * np.ones((3, 1))
    one = arm(train_accuracy=shares, test_accuracy=shares, runs=3)
    axes, _ = drawn("accuracies", one)
    marks.draw(axes, "epoch", "accuracy", [Mark("train_accuracy", y=level)], [one])
    low, high = axes.get_ylim()
    assert axes.get_yscale() == scale
    assert low < 9 < 100 * level < high
    place = axes.yaxis.get_transform().transform
    assert (place(12) - place(9)) > 0.1 * (place(high) - place(low))


def test_a_share_of_the_variance_of_the_target_is_drawn_as_a_loss():
    one = arm()
    axes, _ = drawn("loss", one)
    named = marks.draw(axes, "epoch", "loss", [Mark("train_loss", y=0.1, of_variance=True)], [one])
    assert list(named.y) == pytest.approx([0.1 * one.arrays["truth"].var()])


@pytest.mark.parametrize(("level", "said"), [(0.11, True), (0.9, False)])
def test_chance_is_drawn_only_if_it_is_in_view(level, said):
    shares = np.full((3, 5), level) + np.linspace(0, 0.05, 5)
    axes, _ = drawn("accuracies", arm(runs=3, train_accuracy=shares, test_accuracy=shares))
    named = marks.Named()
    marks.chance(axes, "accuracy", 10, named)
    assert (named.y == {10.0: "10"}) is said
    assert ("chance, 10 %" in legend(axes)) is said


def test_chance_of_a_loss_is_the_logarithm_of_the_classes(tmp_path):
    losses = np.linspace(2.4, 2.0, 41) * np.ones((3, 1))
    for classes in (10, 8):
        image = Series("net", {"train_loss": losses, "test_loss": losses, "classes": np.asarray(classes)})
        draw("losses", title="T", series=[image], path=tmp_path / "x.svg")
        assert f">ln {classes}<" in (tmp_path / "x.svg").read_text()
    draw("losses", title="T", series=[arm(train_loss=losses, runs=3)], path=tmp_path / "x.svg")
    assert ">ln 10<" not in (tmp_path / "x.svg").read_text()  # a fit has no classes


def test_paths_are_short_and_equal_figures_equal(tmp_path):
    for name in ("a.svg", "b.svg"):
        draw("loss", title="T", series=nets(*SAMPLES["few"]), path=tmp_path / name, named=NAMED)
    svg = (tmp_path / "a.svg").read_text()
    assert svg == (tmp_path / "b.svg").read_text()
    straight = [path for path in re.findall(r" d='([^']*)'", svg) if "C" not in path]
    assert len(straight) > 10
    assert not [path for path in straight if re.search(r"\.\d\d|[ML]", path)]


@given(st.text(alphabet="abc MW.,", max_size=120), st.floats(30, 400))
def test_wrapped_text_keeps_its_words_in_lines_that_fit(said, room):
    lines = text.wrapped(said, room)
    assert " ".join(lines).split() == said.split()
    assert all(text.width(line) <= room or " " not in line for line in lines)


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["sinc, 7 layers", "sinc, 1 layer"], ["7 layers", "1 layer"]),
        (["sinc, a, b", "sinc, a"], ["a, b", "a"]),
        (["sinc, 7 layers", "sgn, 7 layers"], ["sinc, 7 layers", "sgn, 7 layers"]),
        (["sinc, a"], ["sinc, a"]),
        (["a", "a"], ["a", "a"]),
    ],
)
def test_what_all_names_begin_with_is_left_out(names, short):
    assert text.without_shared(names) == short


@pytest.mark.parametrize(
    ("value", "plain", "power"),
    [
        (15_000, "15,000", "15,000"),
        (1e-4, "0.0001", "10⁻⁴"),
        (1e-5, "10⁻⁵", "10⁻⁵"),
        (2e-5, "2·10⁻⁵", "2·10⁻⁵"),
        (1, "1", "1"),
        (10, "10", "10"),
    ],
)
def test_numbers_are_written_as_readers_write_them(value, plain, power):
    assert (text.plain(value), text.power(value)) == (plain, power)
    assert text.plain(-0.5) == "−0.5"
