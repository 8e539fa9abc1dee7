"""Shorter SVGs: the same picture in fewer bytes."""

import io
import re
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from hw1bench.report.charts.compact import compact, path

SVG = "{http://www.w3.org/2000/svg}"
PLACES = st.tuples(st.floats(-500, 500), st.floats(-500, 500))


def read(drawn):
    """The lines of a path of relative points in tenths: each an array (points, 2), and whether it is closed."""
    found, here = [], np.zeros(2)
    for line, close in re.findall(r"m([^mz]*)(z?)", drawn):
        numbers = [float(number) for number in re.findall(r"-?(?:\d+\.\d+|\.\d+|\d+)", line)]
        points = here + np.cumsum(np.reshape(numbers, (-1, 2)), axis=0)
        found.append((10 * points, bool(close)))
        here = points[0] if close else points[-1]
    return found


def off(point, line):
    """How far a point is from a line of points, (points, 2)."""
    start, step = line[:-1], np.diff(line, axis=0)
    length = (step**2).sum(axis=1)
    along = np.clip(((point - start) * step).sum(axis=1) / np.where(length, length, 1), 0, 1)
    return np.linalg.norm(start + along[:, None] * step - point, axis=1).min()


@given(st.lists(st.tuples(st.lists(PLACES, min_size=2, max_size=12), st.booleans()), min_size=1, max_size=4))
def test_each_point_of_a_path_is_within_a_tenth_of_its_place(lines):
    drawn = "".join(
        "M " + " \nL ".join(f"{x:.6f} {y:.6f}" for x, y in points) + " \n" + "z\n" * closed for points, closed in lines
    )
    found = read(path(drawn))
    assert [closed for _, closed in found] == [closed for _, closed in lines]
    for (line, _), (points, _) in zip(found, lines, strict=True):
        assert len(line) <= max(2, len(points))
        wanted = np.round(10 * np.array(points))  # tenths
        for point in wanted:
            assert off(point, line) < 1e-6
        for point in line:
            assert np.abs(wanted - point).sum(axis=1).min() < 1e-6
        np.testing.assert_allclose(line[[0, -1]], wanted[[0, -1]], atol=1e-6)


@pytest.mark.parametrize(
    ("drawn", "short"),
    [
        ("M 1 2 \nL 3.04 2.5 \n", "m1 2 2 .5"),
        ("M 0.3 -0.2 \nL 0.1 0.2 \n", "m.3-.2-.2.4"),
        ("M 0 0 \nL 1 1 \nL 2 2 \nL 2.01 2.02 \nL 5 2 \n", "m0 0 2 2 3 0"),
        ("M 0 0 \nL 2 0 \nL 1 0 \n", "m0 0 2 0-1 0"),  # back over itself: the end that juts out stays
        ("M 0 0 \nL 4 0 \nL 4 3 \nz\nM 9 9 \nL 9 8 \n", "m0 0 4 0 0 3zm9 9 0-1"),
        ("M 7 7 \nL 7 7 \n", "m7 7 0 0"),
    ],
)
def test_a_path_written_shorter(drawn, short):
    assert path(drawn) == short


@given(st.integers(100, 900))
def test_rounding_does_not_add_up(count):
    drawn = "M " + " \nL ".join(f"{0.3 * index + 0.049:.6f} {index % 2}" for index in range(count))
    ((line, _),) = read(path(drawn))
    assert abs(line[-1][0] - 10 * (0.3 * (count - 1) + 0.049)) <= 0.5


def figure():
    found = Figure(figsize=(4, 3))
    axes = found.add_subplot()
    axes.fill_between([0, 1, 2], [0, 1, 0], [1, 2, 1], alpha=0.2)
    axes.plot([0, 1, 2], [0, 1, 0], "o--", label="<a> & 'b'")
    axes.plot([0, 2], [0, 1], "o", label="other")
    axes.set_title('"R" & <s>')
    axes.legend()
    return found


def written():
    content = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "x"}):
        figure().savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()


def looks(root):
    """The look of each element that is seen, in order: its tag, what its style and class say, and what it refers to."""
    sheet = "".join("".join(style.itertext()) for style in root.iter(f"{SVG}style"))
    rules = dict(re.findall(r"([.\w*]+)\{([^}]*)\}", sheet))
    names = {element.get("id"): index for index, element in enumerate(root.iter(f"{SVG}path"))}
    found = []
    for element in root.iter():
        tag = element.tag.removeprefix(SVG)
        if tag not in ("path", "text", "use"):
            continue
        said = [rules.get(tag, ""), rules.get("." + element.get("class", "-"), ""), element.get("style", "")]
        clip = element.get("clip-path", "")
        declared = [part for one in said for part in one.split(";") if part] + ([f"clip-path:{clip}"] if clip else [])
        look = dict(re.sub(r":\s+", ":", part.strip()).split(":", 1) for part in declared)
        look["clip-path"] = bool(look.get("clip-path"))
        refers = element.get("href") or element.get("{http://www.w3.org/1999/xlink}href")
        found.append((tag, look, names.get(refers[1:]) if refers else None, element.text or ""))
    return found


def test_every_element_keeps_its_look_its_marker_and_its_text():
    before = written()
    after = compact(before)
    assert len(after) < len(before) / 2
    first, second = looks(ET.fromstring(before)), looks(ET.fromstring(after))
    assert len(first) == len(second)
    assert first == second
    assert b"metadata" not in after
    assert b"\n" not in after
    assert b'"' not in after.replace(b'"R"', b"")  # a data URI spends three bytes on one
    assert compact(before) == after


def test_ids_that_are_referred_to_are_there_once():
    root = ET.fromstring(compact(written()))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    sheet = "".join("".join(style.itertext()) for style in root.iter(f"{SVG}style"))
    referred = {element.get("href")[1:] for element in root.iter(f"{SVG}use")} | set(
        re.findall(r"url\(#(\w+)\)", sheet)
    )
    referred |= set(re.findall(r"url\(#(\w+)\)", " ".join(element.get("style", "") for element in root.iter())))
    assert sorted(ids) == sorted(referred)


def test_what_is_not_xml_is_refused():
    with pytest.raises(ValueError, match=r"not an SVG .*: give what matplotlib wrote"):
        compact(b"<svg")
