"""Figures in the page: each is there once, linked from its claims, or one line says why it is not."""

from urllib.parse import unquote

import pytest

from hw1bench.report.html import render
from parsed_page import Page
from sample_document import (
    across,
    claim,
    document,
    figure,
    put_figures,
)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp; http://example.org/"


def test_figures_across_reports_stand_in_their_topic_before_those_of_each_report(page):
    shown = claim("A-random-cannot-learn", figure=across()["path"])
    found = page(document(shown, figures=[figure("B", "-", "Loss", "figures/B-random-loss.svg"), across()]))
    caption = "Reports A, B, E A: passes 15 %. B: never."
    shown = (
        f"Random labels Across reports, 1 figure: Accuracy against steps {caption} Report B, 1 figure: Loss Report B"
    )
    assert found.text("figures").startswith(f"Figures {shown}")
    assert found.find("a", inside="claim-A-random-cannot-learn", href="#figure-figures-across-random-memorising-svg")


def test_each_figure_is_embedded_once_with_its_experiment(page, tmp_path):
    found = page()
    images = found.find("img")
    assert [image["attributes"]["alt"] for image in images] == ["Loss against epoch, sinc", "The sawtooth"]
    for image, shown in zip(images, document()["figures"], strict=True):
        head, _, content = image["attributes"]["src"].partition(",")
        assert head == "data:image/svg+xml;charset=utf-8"
        assert (image["attributes"]["width"], image["attributes"]["height"]) == ("60", "40")
        assert unquote(content).split() == (tmp_path / shown["path"]).read_text().split()
    (caption,) = found.find("figure", id="figure-figures-A-fit-sinc-loss-svg")
    assert "Report A, figure 3" in " ".join(caption["text"].split())
    assert found.find("a", inside="claim-A-fit-sinc-shallow-first", href="#figure-figures-A-fit-sinc-loss-svg")


def test_figures_that_are_missing_are_left_out_and_one_line_says_so(tmp_path):
    found = document()
    put_figures(tmp_path, found)
    (tmp_path / "figures" / "A-fit-sawtooth-function.svg").unlink()
    some = Page(render(found, tmp_path))
    assert len(some.find("figure")) == len(some.find("img")) == 1
    (said,) = some.find("p", id="left-out")
    assert said["text"] == "1 figure is left out, because its file is not here: figures/A-fit-sawtooth-function.svg."
    before = [one["attributes"].get("id") for one in some.elements[: some.elements.index(said)]]
    assert "counts-of-verdicts" in before  # it comes after what the page is about
    (tmp_path / "figures" / "A-fit-sinc-loss.svg").unlink()
    none = Page(render(found, tmp_path))
    assert not none.find("figure")
    assert not [link for link in none.find("a") if "#figure" in link["attributes"]["href"]]
    assert len(none.find("svg", class_="strip")) == len([one for one in found["claims"] if one["effect"]])


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


def test_a_figure_that_cannot_be_read_is_missing(tmp_path):
    paths = ["figures/loop.svg", f"figures/{'x' * 300}.svg", "figures/folder.svg", "figures/empty.svg"]
    (tmp_path / "figures" / "folder.svg").mkdir(parents=True)
    (tmp_path / "figures" / "loop.svg").symlink_to("loop.svg")
    (tmp_path / "figures" / "empty.svg").touch()
    found = Page(render(document(figures=[figure("A", "-", "t", path) for path in paths]), tmp_path))
    assert not found.find("figure")
    assert found.text("left-out").strip() == "4 figures are left out, because their files are not here."
