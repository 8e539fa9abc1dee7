"""The size of a figure, as the page reads it from the figure's file."""

import io

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench.report.dimensions import size
from hw1bench.report.figures import Series, draw


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('width="320" height="200"', (320, 200)),
        ('width="320px" height="200.4px"', (320, 200)),
        ('width="334.8pt" height="313pt" viewBox="0 0 334.8 313"', (446, 417)),
        ('width="1in" height="2.54cm"', (96, 96)),
        ('width="25.4mm" height="6pc"', (96, 96)),
        ('width=" 3.2e2 " height=".5"', (320, 1)),
        ('viewBox="0 0 30 20"', (30, 20)),
        ('viewBox=" -5,-5 , 30,20"', (30, 20)),
        ('width="100%" height="100%" viewBox="0 0 30 20"', (30, 20)),
        ('width="60" viewBox="0 0 30 20"', (60, 40)),
        ('height="60" width="auto" viewBox="0 0 30 20"', (90, 60)),
        ('width="320"', None),
        (f'width="{"1" * 100_000}x" height="1"', None),  # at once: no length has so many digits
        ('width="20em" height="10em"', None),
        ('width="0" height="200"', None),
        ('width="-3" height="200"', None),
        ('width="1e999" height="200"', None),
        ('width="nan" height="inf"', None),
        ('width="1000001" height="200"', None),
        ('viewBox="0 0 30"', None),
        ('viewBox="0 0 30 0"', None),
        ("", None),
    ],
)
def test_the_size_of_an_svg(attributes: str, expected: tuple[int, int] | None):
    assert size(f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}><g/></svg>'.encode()) == expected
    assert size(f"<?xml version='1.0'?>\n<!-- <svg width='1'> --><svg {attributes}>".encode()) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        b"<svg",
        b"<svg width='3' width='4' height='4'/>",
        b"<html width='3' height='4'/>",
        b"<?xml version='1.0' encoding='no-such'?><svg width='3' height='4'/>",
        b"\xff\xfe\x00",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIDAT" + bytes(20),
        b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + bytes(20),
    ],
)
def test_what_does_not_say_its_size(content: bytes):
    assert size(content) is None


def test_entities_that_multiply_are_not_read():
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    assert size(f'<!DOCTYPE svg [<!ENTITY e0 "9">{levels}]><svg width="&e11;" height="9"/>'.encode()) is None


@given(st.binary(max_size=60), st.sampled_from([b"", b"<svg ", b"\x89PNG\r\n\x1a\n", b"<svg width='"]))
def test_no_content_raises(content: bytes, start: bytes):
    found = size(start + content)
    assert found is None or min(found) >= 1


@given(st.integers(1, 40), st.integers(1, 40))
def test_the_size_of_a_png(width: int, height: int):
    content = io.BytesIO()
    matplotlib.image.imsave(content, np.zeros((height, width, 3)), format="png")
    assert size(content.getvalue()) == (width, height)


def test_charts_say_their_size(tmp_path):
    grid = np.linspace(0, 1, 9)
    series = [Series(name="net", arrays={"x": grid, "truth": grid})]
    for name in ("chart.svg", "chart.png"):
        draw("function", title="line", series=series, path=tmp_path / name)
    vector, pixels = (size((tmp_path / name).read_bytes()) for name in ("chart.svg", "chart.png"))
    assert vector is not None
    assert pixels is not None
    assert vector[0] == 446
    assert vector[0] / vector[1] == pytest.approx(pixels[0] / pixels[1], rel=0.01)
