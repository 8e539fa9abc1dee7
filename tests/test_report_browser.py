"""The page in a browser: that it fits both widths, and that what is chosen is what is shown."""

import html as escaping
import json
import re
import shutil
import subprocess

import pytest

from hw1bench.report.html import render
from sample_document import asking, document, put_figures

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

MEASURE = """
<script>
const visible = (page, what) => [...page.querySelectorAll(what)]
  .filter(element => element.checkVisibility() && element.offsetHeight > 20).map(element => element.id);
const choose = (page, verdicts, what) => {
  const boxes = verdicts.map(verdict => page.getElementById("only-" + verdict));
  boxes.forEach(box => box.click());
  const found = visible(page, what);
  boxes.forEach(box => box.click());
  return found;
};
const opened = page => [...page.querySelectorAll("details.claim:not([open])")].slice(0, 2).map(row => {
  page.defaultView.location.hash = "#" + row.querySelector("article").id;
  return row.open;
});
addEventListener("load", () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument, root = page.documentElement;
    const style = (selector, name) => getComputedStyle(page.querySelector(selector)).getPropertyValue(name);
    found[frame.id] = {
      overflow: root.scrollWidth - frame.clientWidth,
      cut: [...page.querySelectorAll(".questions td")].filter(cell => cell.scrollWidth > cell.clientWidth).length,
      images: [...page.images].map(image => image.naturalWidth),
      dots: page.querySelectorAll("circle.dot").length,
      columns: style(".evidence", "display") + " " + style(".claim:not(.bare) .evidence", "display"),
      filled: style(".dot.holds", "fill") != style(".dot.fails", "fill"),
      claims: visible(page, "details.claim").length,
      chosen: choose(page, ["refuted"], ".experiment details.claim"),
      both: choose(page, ["refuted", "error"], ":is(.experiment, .plain) > details.claim:not(.fold *)"),
      pilots: choose(page, ["pilot-seen", "pilot-not-seen"], "details.claim"),
      chips: [".ruled .chip", ".pilot .chip"].map(chip => style(chip, "text-decoration-style")),
      tiles: [".counts .ruled", ".counts .pilot"].map(tile => style(tile, "border-top-style")),
      sections: choose(page, ["error"], "section.topic, section.report"),
      open: opened(page),  // last, because a link's target stays
    };
  }
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script>
"""


@pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on PATH")
def test_a_browser_shows_the_page_at_both_widths(tmp_path):
    found = asking(document())
    found["claims"][2]["says"] = "Averyveryverylongword" * 12
    put_figures(tmp_path, found)
    text = escaping.escape(render(found, tmp_path))
    frames = "".join(
        f'<iframe id="w{w}" style="width:{w}px;height:900px" srcdoc="{text}"></iframe>' for w in (400, 980, 1280)
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
        assert frame["cut"] == 0  # no verdict runs into the next column
        assert frame["images"] == [60, 60]
        assert frame["dots"] == dots
        assert frame["filled"]
        assert frame["claims"] == len(trained)  # counts are folded
        for chosen, verdicts in (("chosen", {"refuted"}), ("both", {"refuted", "error"})):
            assert frame[chosen] == [f"row-{one['id']}" for one in trained if one["verdict"] in verdicts]
        assert set(frame["pilots"]) == {"row-E-task-deep-lower", "row-E-task-shallow-99"}
        assert frame["chips"] == ["solid", "dashed"]
        assert frame["open"] == [True, True]  # a link into a folded row opens it
        assert frame["tiles"] == ["solid", "dashed"]
        assert frame["sections"] == ["topic-random", "topic-random-C"]
    assert measured["w400"]["columns"] == "block block"
    assert measured["w1280"]["columns"] == "block grid"
