"""The page: what it holds, that it needs nothing but itself, and that a browser shows it at both widths."""

import base64
import html as escaping
import itertools
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from hw1bench import report
from hw1bench.report import words
from hw1bench.report.contract import VERDICTS
from hw1bench.report.html import render
from hw1bench.report.outline import outline, stem
from hw1bench.report.strip import RADIUS, strip
from sample_document import claim, document, everything, evidence, exact, figure, put_figures, unjudged

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp; http://example.org/"
VOID = {"meta", "img"}


class Page(HTMLParser):
    """Every element with its attributes, own text, and the ids of those around it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[dict] = []
        self._open: list[dict] = []
        self.feed(text)
        assert not self._open, f"not closed: {[element['tag'] for element in self._open]}"

    def handle_starttag(self, tag, attrs):
        around = [element["attributes"].get("id") for element in self._open]
        element = {"tag": tag, "attributes": dict(attrs), "around": around, "text": ""}
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data

    def find(self, tag, inside=None, **attributes):
        wanted = {key.rstrip("_"): value for key, value in attributes.items()}
        return [
            element
            for element in self.elements
            if element["tag"] == tag
            and (inside is None or inside in element["around"])
            and wanted.items() <= element["attributes"].items()
        ]

    def text(self, id_):
        (element,) = [element for element in self.elements if element["attributes"].get("id") == id_]
        return " ".join(element["text"].split())


@pytest.fixture
def page(tmp_path):
    def build(found=None):
        found = document() if found is None else found
        put_figures(tmp_path, found)
        return Page(render(found, tmp_path))

    return build


def test_the_top_says_counts_environment_offset_and_false_verdicts(page):
    found = page(document(seed_offset=7))
    counts = found.text("counts-of-verdicts")
    assert counts == "4 supported 3 refuted 1 inconclusive 1 error 1 not run"
    (head,) = found.find("header", class_="page")
    text = " ".join(head["text"].split())
    assert "tier quick" in text
    assert "seed offset 7" in text
    assert "duration 2 min 15 s" in text
    assert "torch 2.13.0" in text
    assert "commit –" in text
    assert words.false_verdicts(document()) in text


def test_a_verdict_that_nobody_got_counts_zero(page):
    assert page(document(exact())).text("counts-of-verdicts").startswith("1 supported 0 refuted")


def test_matrix_cells_count_verdicts_and_link_to_their_section(page):
    found = page()
    (link,) = found.find("a", inside="matrix", href="#topic-fit-A")
    assert link["attributes"]["aria-label"] == "1 supported, 1 refuted"
    assert link["text"].split() == ["1", "1"]
    assert [use["attributes"]["href"] for use in found.find("use", inside="matrix")][:2] == [
        "#v-supported",
        "#v-refuted",
    ]
    assert not found.find("a", inside="matrix", href="#topic-fit-C")
    heads = [head["text"] for head in found.find("th", inside="matrix", scope="col")]
    assert heads == ["topic", "A", "B", "C", "D", "E"]


def test_every_link_and_label_leads_somewhere_and_no_id_occurs_twice(page):
    found = page()
    ids = [element["attributes"]["id"] for element in found.elements if "id" in element["attributes"]]
    assert len(ids) == len(set(ids))
    for element in found.elements:
        for name in ("href", "aria-labelledby"):
            if name in element["attributes"]:
                assert element["attributes"][name].removeprefix("#") in ids


def test_each_claim_is_there_with_its_sentence_and_all_that_belongs_to_it(page):
    found = page()
    for shown in everything():
        text = found.text(f"claim-{shown['id']}")
        assert shown["id"] in text
        assert shown["where"] in text
        assert shown["says"] in text
        assert words.sentence(shown) in text
        assert f"test {shown['outcome']}, {words.standing(shown)}" in text
        if shown["assumptions"]:
            assert f"Under {len(shown['assumptions'])} assumptions: {' '.join(shown['assumptions'])}" in text
        else:
            assert "ssumption" not in text
        if shown["effect"]:
            assert f"Effect: {shown['effect']['name']}" in text


def test_remarks_stand_where_they_belong_and_nowhere_else(page):
    found = page()
    said = {shown["id"]: found.text(f"claim-{shown['id']}") for shown in everything()}
    remarks = {
        "ours": ["D-fit-deeper-better-sigmoid"],
        "Judged on digits, a stand-in: settles nothing about the real data set.": ["E-task-deep-lower"],
        "data: digits (0f0f0f0f0f0f)": ["E-task-deep-lower"],
        "budget 1/10": ["E-task-deep-lower"],
        "runs reused": ["A-fit-sinc-7-by-8000"],
    }
    for remark, names in remarks.items():
        assert [name for name, text in said.items() if remark in text] == names
    assert "12.3 s of training, runs reused" in said["A-fit-sinc-7-by-8000"]
    assert "12.3 s of training" in said["A-fit-sinc-shallow-first"]
    assert "of training" not in said["A-count-path"]


def test_tests_that_failed_are_listed_first(page):
    (listed,) = page().find("div", class_="failed")
    assert "A-fit-sinc-7-by-8000: refuted, reversed, no ruling on record" in listed["text"]
    assert "C-random-no-generalise: error, ruling on record: supported" in listed["text"]
    assert "A-fit-sinc-shallow-first" not in listed["text"]
    assert not page(document(exact())).find("div", class_="failed")


def test_verdicts_differ_in_word_and_shape_not_in_colour_alone(page):
    found = page()
    shapes = {}
    for verdict in VERDICTS:
        slug = verdict.replace(" ", "-")
        assert found.find("symbol", id=f"v-{slug}")
        shapes[slug] = [element["attributes"]["d"] for element in found.find("path", inside=f"v-{slug}")]
    assert len({tuple(shape) for shape in shapes.values()}) == len(VERDICTS)
    assert "refuted, reversed" in found.text("claim-A-fit-sinc-7-by-8000")


def test_there_is_a_dot_a_seed_filled_where_it_holds(page):
    found = page()
    for shown in everything():
        dots = found.find("circle", inside=f"claim-{shown['id']}")
        kinds = [dot["attributes"]["class"].removeprefix("dot ") for dot in dots]
        values = shown["effect"]["values"] if shown["effect"] else []
        assert kinds == ["apart" if value is None else "holds" if value > 0 else "fails" for value in values]
    assert "seed 0: 0.20 ln ratio; seed 1: 0.31 ln ratio" in found.text("dots-A-fit-sinc-shallow-first")
    assert "seed 7: not finite" in found.text("dots-D-fit-deeper-better-sigmoid")


def test_seeds_count_from_the_offset(page):
    found = page(document(claim(), seed_offset=64))
    assert "seed 64: 0.20 ln ratio" in found.text("dots-A-fit-sinc-shallow-first")


def test_each_figure_is_embedded_once_with_its_experiment(page, tmp_path):
    found = page()
    images = found.find("img")
    assert [image["attributes"]["alt"] for image in images] == ["Loss against epoch, sinc", "The sawtooth"]
    for image, shown in zip(images, document()["figures"], strict=True):
        head, content = image["attributes"]["src"].split(",")
        assert head == "data:image/svg+xml;base64"
        assert base64.b64decode(content) == (tmp_path / shown["path"]).read_bytes()
    (caption,) = found.find("figure", id="figure-figures-A-fit-sinc-loss-svg")
    assert "Report A, figure 3" in " ".join(caption["text"].split())
    assert found.find("a", inside="claim-A-fit-sinc-shallow-first", href="#figure-figures-A-fit-sinc-loss-svg")


def test_a_figure_that_is_missing_is_named_in_its_place(tmp_path):
    found = Page(render(document(), tmp_path))
    assert not found.find("img")
    assert "The file figures/A-fit-sinc-loss.svg is missing." in found.text("topic-fit-A")


def test_a_claim_whose_figure_was_not_drawn_has_no_link_to_it(page):
    found = page(document(claim(), figures=[]))
    assert not [link for link in found.find("a") if "figure-" in link["attributes"]["href"]]


def test_a_figure_outside_the_report_directory_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"'\.\./secret\.svg'"):
        render(document(figures=[figure("A", "-", "secret", "../secret.svg")]), tmp_path)
    (tmp_path / "secret.svg").write_text("<svg/>")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "link.svg").symlink_to(tmp_path / "secret.svg")
    with pytest.raises(ValueError, match="outside"):
        render(document(figures=[figure("A", "-", "secret", "link.svg")]), tmp_path / "reports")


def test_a_document_of_another_schema_is_refused(tmp_path):
    with pytest.raises(ValueError, match="schema 2"):
        render(document(schema=2), tmp_path)


def test_hostile_text_stays_text(page):
    shown = claim(
        "A-fit-x",
        where=HOSTILE,
        says=HOSTILE,
        note=HOSTILE,
        assumptions=[HOSTILE],
        ruling=HOSTILE,
        dataset={"name": HOSTILE, "fingerprint": HOSTILE, "stand_in": True},
        experiment=HOSTILE,
        topic=HOSTILE,
        report=HOSTILE,
    )
    shown["effect"] |= {"name": HOSTILE, "unit": HOSTILE}
    crashed = unjudged("A-fit-y", "error", note=HOSTILE)
    pictures = [figure("A", HOSTILE, HOSTILE, "figures/A-fit-z-loss.svg")]
    found = page(document(shown, crashed, figures=pictures, environment={HOSTILE: HOSTILE}, tier=HOSTILE))
    assert not found.find("script")
    assert [image["attributes"].keys() for image in found.find("img")] == [{"src", "alt"}]
    assert not [name for element in found.elements for name in element["attributes"] if name.startswith("on")]
    assert found.text("claim-A-fit-x").count("<script>alert(1)</script>") >= 8


def test_the_page_refers_to_nothing_outside_itself(page, tmp_path):
    found = page()
    for element in found.elements:
        for name in ("src", "srcset", "href", "xlink:href", "data", "action", "style"):
            value = element["attributes"].get(name)
            assert value is None or value.startswith(("#", "data:image/"))
        assert element["tag"] not in {"link", "script", "iframe", "object", "base"}
    text = render(document(), tmp_path)
    assert "url(" not in text
    assert "@import" not in text
    assert "http://" not in text
    assert "https://" not in text
    (policy,) = found.find("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy["attributes"]["content"].startswith("default-src 'none'")


def test_undefined_numbers_never_show_as_nan(page):
    undefined = claim(**evidence([float("nan")] * 8))
    undefined["effect"] |= {"interval": [None, None]}
    nothing = claim("A-fit-other", **{**evidence([0.0] * 8), "diverged": 8})
    nothing["effect"] |= {"median": None, "interval": None}
    found = page(document(undefined, nothing, figures=[]))
    assert not re.search(r"\b(nan|inf|infinity|none|null)\b", found.text("topic-fit"), re.IGNORECASE)
    kinds = [dot["attributes"]["class"] for dot in found.find("circle", inside="topic-fit")]
    assert kinds == ["dot apart"] * 8 + ["dot fails"] * 8


# The order of a report.


def test_experiments_of_one_report_keep_their_claims_and_figures_together():
    paths = ["figures/A-fit-sgn-loss.svg", "figures/A-fit-sinc-curves.svg", "figures/A-fit-sinc-loss.svg"]
    found = outline(
        document(
            claim("A-fit-1", experiment="k1", figure=paths[2]),
            claim("A-fit-2", experiment="k2", figure=paths[0]),
            claim("A-fit-3", experiment="k1", figure=None),
            figures=[figure("A", "-", path, path) for path in paths],
        )
    )
    ((part,),) = (section.parts for section in found)
    assert [group.title for group in part.groups] == ["A-fit-sinc", "A-fit-sgn"]
    assert [[shown["id"] for shown in group.claims] for group in part.groups] == [["A-fit-1", "A-fit-3"], ["A-fit-2"]]
    assert [[shown["path"] for shown in group.figures] for group in part.groups] == [paths[1:], paths[:1]]


def test_an_experiment_is_found_by_its_name_where_no_claim_names_a_figure():
    path = "figures/A-fit-sinc-loss.svg"
    found = outline(document(claim(experiment="A-fit-sinc", figure=None), figures=[figure("A", "-", "", path)]))
    assert [len(group.figures) for group in found[0].parts[0].groups] == [1]


@pytest.mark.parametrize(
    ("path", "topic"),
    [("figures/D-path-whole.svg", "path"), ("figures/D-fit-sawtooth-loss.svg", "fit"), ("figures/odd.png", "fit")],
)
def test_figures_of_no_claim_go_to_their_reports_section_of_their_topic(path, topic):
    found = outline(document(exact(), figures=[figure("D", "-", "", path)]))
    assert [(section.topic, section.parts[0].report) for section in found] == [("counts", "A"), (topic, "D")]
    (group,) = found[1].parts[0].groups
    assert (group.title, group.claims, len(group.figures)) == (stem(path), [], 1)


# The strip of dots.


def effect(*values, median=None, interval=None):
    return {"name": "e", "unit": "", "values": list(values), "median": median, "interval": interval}


def test_dots_lie_by_value_on_a_symmetric_axis():
    found = strip(effect(-2.0, 1.0, 2.0, 0.0, median=0.5, interval=[-1.0, None]), 0)
    low, mid, high, zero = (dot.x for dot in found.dots)
    assert (low, zero, high) == (found.left, found.zero, found.right)
    assert mid == pytest.approx((found.zero + found.right) / 2)
    assert found.limit == "2.00"
    assert found.median == pytest.approx(found.zero + (found.right - found.zero) / 4)
    assert found.interval == (pytest.approx((found.left + found.zero) / 2), found.right)
    assert [dot.kind for dot in found.dots] == ["fails", "holds", "holds", "fails"]


def test_dots_that_are_not_finite_lie_apart_from_the_axis():
    found = strip(effect(1.0, None, None), 0)
    assert all(dot.x + RADIUS < found.left - RADIUS for dot in found.dots[1:])
    assert found.apart == found.dots[1].x
    assert strip(effect(1.0), 0).apart is None


@pytest.mark.parametrize("count", [8, 16, 32])
def test_dots_of_equal_value_are_stacked_so_that_each_is_seen(count):
    found = strip(effect(*[1.0] * count), 0)
    heights = sorted(dot.y for dot in found.dots)
    gaps = [after - before for before, after in itertools.pairwise(heights)]
    assert min(gaps) > 2.5
    assert heights[0] - RADIUS > 0
    assert heights[-1] + RADIUS < found.base
    assert found.height < 140


def test_dots_that_do_not_touch_lie_on_the_axis():
    found = strip(effect(-1.0, -0.5, 0.0, 0.5, 1.0), 0)
    assert len({dot.y for dot in found.dots}) == 1


# The report directory.


def test_write_leaves_the_four_files_whole(tmp_path):
    found = document()
    put_figures(tmp_path / "reports", found)
    report.write(found, tmp_path / "reports")
    written = sorted(path.name for path in (tmp_path / "reports").iterdir())
    assert written == ["claims.json", "claims.md", "figures", "index.html", "junit.xml"]
    text = (tmp_path / "reports" / "claims.json").read_text(encoding="utf-8")
    assert json.loads(text) == found
    assert list(json.loads(text)) == list(found)
    assert text.startswith('{\n "schema": 1,')
    assert (tmp_path / "reports" / "index.html").read_text(encoding="utf-8") == render(found, tmp_path / "reports")
    assert (tmp_path / "reports" / "claims.json").stat().st_mode & 0o044 == 0o044


def test_a_document_that_breaks_the_contract_leaves_the_old_report(tmp_path):
    report.write(document(), tmp_path)
    before = (tmp_path / "claims.json").read_bytes()
    broken = claim()
    broken["effect"] |= {"median": float("nan")}
    with pytest.raises(ValueError, match=r"claims\[0\]\.effect\.median is nan"):
        report.write(document(broken), tmp_path)
    assert (tmp_path / "claims.json").read_bytes() == before


def test_a_write_that_fails_leaves_no_temporary_file(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        report.write(document(), tmp_path)
    assert list(tmp_path.iterdir()) == []


# In a browser.

MEASURE = """
<script>
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
      claims: [...page.querySelectorAll("article")].filter(claim => claim.offsetHeight > 40).length,
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
    dots = sum(len(shown["effect"]["values"]) for shown in found["claims"] if shown["effect"])
    for frame in measured.values():
        assert frame["overflow"] <= 0
        assert frame["images"] == [60, 60]
        assert frame["dots"] == dots
        assert frame["filled"]
        assert frame["claims"] == len(found["claims"])
    assert measured["w400"]["columns"] == "block block"
    assert measured["w1280"]["columns"] == "block grid"
