"""Charts in a browser: no text lies over another or is cut, and a shorter SVG looks as matplotlib's own does."""

import base64
import html as escaping
import json
import re
import subprocess

import pytest

from hw1bench.report import figures, picture
from hw1bench.report.charts.compact import compact
from hw1bench.report.figures import KINDS, draw
from sample_series import NAMED, SAMPLES, nets

BROWSER = picture.on_path()
WIDE = 400  # pixels, in a gallery of three on a page of 1,280

MEASURE = """
<script>
const texts = frame => {
  const chart = frame.contentDocument.querySelector("svg"), whole = chart.getBoundingClientRect();
  return [...chart.querySelectorAll("text")].map(text => {
    const box = text.getBoundingClientRect();
    return [text.textContent, box.left - whole.left, box.top - whole.top, whole.right - box.right,
      whole.bottom - box.bottom, box.width, box.height, getComputedStyle(text).fontFamily];
  });
};
const pixels = image => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width, image.height];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, image.width, image.height);
  return context.getImageData(0, 0, image.width, image.height).data;
};
addEventListener("load", () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const [one, other] = [...document.querySelectorAll("img." + frame.id)].map(pixels);
    const apart = one.map((value, place) => Math.abs(value - other[place]));
    found[frame.id] = {
      texts: texts(frame), inked: one.filter(value => value < 128).length, pixels: one.length,
      mean: apart.reduce((sum, value) => sum + value, 0) / apart.length,
      far: apart.filter(value => value > 64).length / apart.length,
    };
  }
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script>
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Kind of chart -> what a browser says of it."""
    if BROWSER is None:
        pytest.skip("no chromium or chrome on PATH")
    folder = tmp_path_factory.mktemp("charts")

    def keeping(svg):
        (folder / "whole.svg").write_bytes(svg)
        return compact(svg)

    parts = []
    for kind in KINDS:
        given = {"title": f"Report B: {kind}", "series": nets(*SAMPLES["few"]), "data": "5,000 images", "named": NAMED}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(figures, "compact", keeping)
            draw(kind, path=folder / "short.svg", **given)
        for name in ("short.svg", "whole.svg"):
            uri = base64.b64encode((folder / name).read_bytes()).decode()
            parts.append(f'<img class="{kind}" width="{WIDE}" src="data:image/svg+xml;base64,{uri}">')
        chart = escaping.escape(f"<!DOCTYPE html><body style='margin:9px'>{(folder / 'short.svg').read_text()}")
        parts.append(f'<iframe id="{kind}" style="width:600px;height:600px" srcdoc="{chart}"></iframe>')
    page = folder / "charts.html"
    page.write_text(f'<!DOCTYPE html><p id="found"></p>{"".join(parts)}{MEASURE}', encoding="utf-8")
    quiet = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    command = [BROWSER, *quiet.split(), "--disable-component-update", "--disable-sync", "--window-size=1400,1000"]
    command += [f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(escaping.unescape(re.search(r'<p id="found">(.*?)</p>', done.stdout)[1]))


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_is_cut_or_lies_over_another(kind, measured):
    texts = measured[kind]["texts"]
    assert len(texts) > 4
    for said, *edges, wide, high, family in texts:
        assert min(edges) > -0.5, said
        assert min(wide, high) > 0, said
        assert family.endswith("sans-serif")
    boxes = [(said, left, top, left + wide, top + high) for said, left, top, _, _, wide, high, _ in texts]
    for place, (said, left, top, right, bottom) in enumerate(boxes):
        for other, *box in boxes[:place]:
            across, down = min(right, box[2]) - max(left, box[0]), min(bottom, box[3]) - max(top, box[1])
            assert across < 0.5 or down < 4, f"{said!r} lies over {other!r}"  # boxes have room for descenders


@pytest.mark.parametrize("kind", KINDS)
def test_a_shorter_file_looks_the_same(kind, measured):
    found = measured[kind]
    assert found["inked"] > 0.005 * found["pixels"]
    assert found["mean"] < 1.0  # of 255
    assert found["far"] < 0.003
