"""The page in a browser: that it fits both widths, and that what is chosen is what is shown."""

import html as escaping
import json
import re
import shutil
import subprocess

import pytest

from hw1bench.report.html import render
from sample_document import document, put_figures

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

MEASURE = """
<script>
const visible = (page, what) => [...page.querySelectorAll(what)]
  .filter(element => element.checkVisibility() && element.offsetHeight > 40).map(element => element.id);
const choose = (page, verdicts, what) => {
  const boxes = verdicts.map(verdict => page.getElementById("only-" + verdict));
  boxes.forEach(box => box.click());
  const found = visible(page, what);
  boxes.forEach(box => box.click());
  return found;
};
addEventListener("load", () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, root = page.documentElement;
    const style = (selector, name) => getComputedStyle(page.querySelector(selector)).getPropertyValue(name);
    found[frame.id] = {
      overflow: root.scrollWidth - frame.clientWidth,
      images: [...page.images].map(image => image.naturalWidth),
      dots: page.querySelectorAll("circle.dot").length,
      columns: style(".evidence", "display") + " " + style(".claim:not(.bare) .evidence", "display"),
      filled: style(".dot.holds", "fill") != style(".dot.fails", "fill"),
      claims: visible(page, "article").length,
      chosen: choose(page, ["refuted"], ".experiment article"),
      both: choose(page, ["refuted", "error"], ":is(.experiment, .plain) > article:not(details *)"),
      pilots: choose(page, ["pilot-seen", "pilot-not-seen"], "article"),
      chips: [".ruled .chip", ".pilot .chip"].map(chip => style(chip, "background-color") + style(chip, "border-top-style")),
      tiles: [".counts .ruled", ".counts .pilot"].map(tile => style(tile, "border-top-style")),
      sections: choose(page, ["error"], "section.topic, section.report"),
    };
  }
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script>
"""


@pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on PATH")
def test_a_browser_shows_the_page_at_both_widths(tmp_path):
    found = document()
    found["claims"][2]["says"] = "Averyveryverylongword" * 12
    put_figures(tmp_path, found)
    text = escaping.escape(render(found, tmp_path))
    frames = "".join(
        f'<iframe id="w{w}" style="width:{w}px;height:900px" srcdoc="{text}"></iframe>' for w in (400, 1280)
    )
    (tmp_path / "frames.html").write_text(f'<!DOCTYPE html><p id="found"></p>{frames}{MEASURE}', encoding="utf-8")
    quiet = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    command = [BROWSER, *quiet.split(), "--disable-component-update", "--disable-sync", "--window-size=1400,1000"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", (tmp_path / "frames.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    measured = json.loads(escaping.unescape(re.search(r'<p id="found">(.*?)</p>', done.stdout)[1]))
    trained = [one for one in found["claims"] if one["topic"] != "counts"]
    dots = sum(len(shown["effect"]["values"]) for shown in found["claims"] if shown["effect"])
    for frame in measured.values():
        assert frame["overflow"] <= 0
        assert frame["images"] == [60, 60]
        assert frame["dots"] == dots
        assert frame["filled"]
        assert frame["claims"] == len(trained)  # counts are folded
        for chosen, verdicts in (("chosen", {"refuted"}), ("both", {"refuted", "error"})):
            assert frame[chosen] == [f"claim-{one['id']}" for one in trained if one["verdict"] in verdicts]
        assert set(frame["pilots"]) == {"claim-E-task-deep-lower", "claim-E-task-shallow-99"}
        assert frame["chips"][0].endswith("none")  # filled, without a border
        assert frame["chips"][1] == "rgba(0, 0, 0, 0)dashed"  # outlined
        assert frame["tiles"] == ["solid", "dashed"]
        assert frame["sections"] == ["topic-random", "topic-random-C"]
    assert measured["w400"]["columns"] == "block block"
    assert measured["w1280"]["columns"] == "block grid"
