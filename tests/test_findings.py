"""Findings: each number of a page is looked up in the record, and each figure is drawn from it."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hw1bench
from hw1bench.__main__ import main
from hw1bench.effects import accuracy_above, lower_loss
from hw1bench.report import seeds
from hw1bench.report.findings import faults, figures, rounded_to, sections
from hw1bench.session import record
from made_record import DENSE, book, case, experiment, ruled

ROOT = Path(hw1bench.__file__).parents[1]
PAGE = ROOT / "docs" / "findings.md"

DEEP = case("T-deep")
ONE = case("T-one", lower_loss("a", than="c"))
LABELS = case("T-labels", accuracy_above(0.99, "a"), experiment("labels", DENSE), topic="random")
BARE = case("T-bare", lower_loss("b", than="c"))
CASES = [DEEP, ONE, LABELS, BARE]
BOOK = book(
    ruled(DEEP, holds=13, seeds=16, median=0.4649, interval=(0.1, "+infinity")),
    ruled(ONE, holds=0, seeds=8, verdict="refuted", how="reversed", median=-0.88185, interval=None),
    ruled(LABELS, holds=0, seeds=8, verdict="refuted", how="absent", median=-0.88185, interval=None),
)
BOOK_OF_ONE = {ruling.claim: ruling for rulings in BOOK.values() for ruling in rulings.values()}


def found(text):
    return faults(f"# Findings\n\n## Depth\n\n{text}\n", CASES, BOOK)


@pytest.mark.parametrize(
    "text",
    [
        "It holds [in 13 of 16 seeds](record.md#T-deep), and [fails in 3 of 16](record.md#T-deep).",
        "It is [supported: 0.46, from 0.1](record.md#T-deep), [a factor of 1.6](record.md#T-deep).",
        "It [fails in all 8 seeds](record.md#T-one), is true in [none of 8](record.md#T-one), and [fails in all of the 8]"
        "(record.md#T-one).",
        "It ends [at 10.8 %](record.md#T-labels), not [the threshold of 99 %](record.md#T-labels), after [4 epochs]"
        "(record.md#T-labels) on CIFAR-10, [88.2 points](record.md#T-labels) short.",
        "[2 claims](record.md#fit) are on depth, [1 is refuted](record.md#fit).",
        "The net `a` is named in code, and `784-16-10` too: [refuted](record.md#T-labels). See [the rule](method.md).",
    ],
)
def test_a_page_that_the_record_bears_out_has_no_fault(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[12 of 16](record.md#T-deep)", "T-deep holds in 13 of 16 seeds"),
        ("[13 of 32](record.md#T-deep)", "T-deep holds in 13 of 16 seeds"),
        ("[all 8](record.md#T-deep)", "T-deep holds in 13 of 16 seeds"),
        ("[none of 16](record.md#T-deep)", "T-deep holds in 13 of 16 seeds"),
        ("[3 of 16](record.md#T-deep)", "T-deep holds in 13 of 16 seeds"),
        ("[fails in 13 of 16](record.md#T-deep)", "T-deep holds in 13 of 16 seeds"),
        ("[all 8](record.md#T-one)", "T-one holds in 0 of 8 seeds"),
        ("[fails in none of 8](record.md#T-one)", "T-one holds in 0 of 8 seeds"),
        ("[at 99 %](record.md#T-labels)", "99 % is not what was found of T-labels: 10.81"),
        ("[a factor of 1.5](record.md#T-deep)", "a factor of 1.5 is not what was found of T-deep: 1.592"),
        ("[a factor of 2.4](record.md#T-labels)", "a factor of 2.4 is not what was found of T-labels: there is none"),
        ("[88.2 %](record.md#T-labels)", "88.2 % is not what was found of T-labels: 10.81"),
        ("[46.5 points](record.md#T-deep)", "46.5 points is not what was found of T-deep: there is none"),
        ("[refuted](record.md#T-deep)", "the ruling on T-deep is 'supported'"),
        ("[0.47](record.md#T-deep)", "0.47 is no number of the ruling on T-deep"),
        ("[10.9 %](record.md#T-labels)", "10.9 % is not what was found"),
        ("[It](record.md#T-bare) is so.", "claim T-bare has no ruling"),
        ("[It](record.md#T-gone) is so.", "there is no claim or topic 'T-gone'"),
        ("It holds in 13 of 16 seeds.", "'It holds in 13 of 16 seeds.' has a number outside a link"),
        ("| seeds |\n| --- |\n| 13 |", "'13' has a number outside a link"),
        ("[13 seeds](method.md)", "has a number, and links to no claim"),
        ("`784-32-10` is refuted, [it](record.md#T-labels) too", "`784-32-10` has a number, and no claim"),
        ("[3 are refuted](record.md#fit)", "1 claims of topic fit are refuted"),
        ("[7 claims](record.md#fit)", "of 2 claims of topic fit that have a ruling, 1 supported, 1 refuted"),
    ],
)
def test_what_the_record_does_not_bear_out_is_one_fault_that_says_what_is(text, said):
    (fault,) = found(text)
    assert fault.startswith("section 'Depth': ")
    assert said in fault


def test_a_number_before_the_first_section_is_a_fault_too():
    (fault,) = faults("# Findings\n\nThere are 5 reports.\n", CASES, BOOK)
    assert fault.startswith("the introduction: ")


@given(st.integers(0, 10**9), st.integers(0, 6), st.floats(-0.499, 0.499), st.integers(-5, 5))
def test_a_number_is_a_value_if_it_has_been_rounded_to_it(last, decimals, rest, off):
    written = f"{(last + off) / 10**decimals:.{decimals}f}"
    assert rounded_to(written, (last + rest) / 10**decimals) == (off == 0)


@pytest.mark.parametrize(
    ("written", "value", "right"),
    [
        ("1e-4", 0.0001, True),
        ("1e-4", 0.00016, False),
        ("15,000", 15_000, True),
        ("0.5", 0.55, True),
        ("1", math.inf, False),
    ],
)
def test_numbers_may_have_an_exponent_or_separators_of_thousands(written, value, right):
    assert rounded_to(written, value) is right


def test_a_section_knows_its_claims_once_and_its_images_and_a_link_over_two_lines_is_one_text():
    text = "## Depth\n\n[in 13\nof 16](record.md#T-deep) [13](record.md#T-deep)\n\n![seeds](figures/depth.svg)\n"
    _, section = sections(text)
    assert (section.title, section.claims, section.images) == ("Depth", ["T-deep"], ["figures/depth.svg"])
    assert section.links[0] == ("in 13 of 16", "record.md#T-deep")


def test_a_figure_has_a_row_for_each_claim_that_has_a_ruling_and_a_dot_for_each_seed(tmp_path):
    page = "## Depth\n\n[a](record.md#T-deep) [b](record.md#T-one) [c](record.md#T-bare)\n\n![seeds](depth.svg)\n"
    drawn = figures(page, CASES, BOOK)
    assert [case.claim.id for case, _ in drawn["depth.svg"]] == ["T-deep", "T-one"]
    seeds.draw(drawn["depth.svg"], tmp_path / "depth.svg")
    svg = (tmp_path / "depth.svg").read_text()
    assert svg.count("<use ") == 16 + 8
    assert svg.count(">supported  13/16<") == 1
    assert svg.count(">refuted, reversed  0/8<") == 1
    seeds.draw(drawn["depth.svg"], tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text() == svg


def test_claims_that_say_the_same_of_different_nets_are_told_apart(tmp_path):
    seeds.draw([(DEEP, BOOK_OF_ONE[DEEP.claim.id]), (ONE, BOOK_OF_ONE[ONE.claim.id])], tmp_path / "same.svg")
    svg = (tmp_path / "same.svg").read_text()
    assert "T: It is. (T-deep)" in svg
    assert "T: It is. (T-one)" in svg
    seeds.draw([(DEEP, BOOK_OF_ONE[DEEP.claim.id])], tmp_path / "one.svg")
    assert "(T-deep)" not in (tmp_path / "one.svg").read_text()


def test_a_figure_without_rulings_is_refused_in_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"there are no rulings to draw in depth\.svg: name claims that have one"):
        seeds.draw([], tmp_path / "depth.svg")


def test_the_command_draws_the_figures_or_prints_the_faults_and_exits_1(tmp_path, capsys):
    claims = str(ROOT / "claims" / "test_grad.py")
    page = tmp_path / "page.md"
    page.write_text("## Stop\n\n[all 8 seeds](record.md#B-grad-calms)\n\n![seeds](stop.svg)\n")
    assert main(["findings", str(page), claims]) == 0
    assert capsys.readouterr().out.strip() == f"{page}: the record bears out every number"
    assert (tmp_path / "stop.svg").exists()
    page.write_text("## Stop\n\n[in 7 of 8 seeds](record.md#B-grad-calms)\n\n![seeds](wrong.svg)\n")
    assert main(["findings", str(page), claims]) == 1
    assert "B-grad-calms holds in 8 of 8 seeds" in capsys.readouterr().out
    assert not (tmp_path / "wrong.svg").exists()
    assert main(["findings", str(tmp_path / "none.md"), claims]) == 2
    assert "none.md cannot be read" in capsys.readouterr().err


def test_the_record_bears_out_every_number_of_the_findings(collected_claims):
    cases, known, *_ = collected_claims
    assert faults(PAGE.read_text(), cases, known) == []


def test_each_question_of_the_findings_has_a_figure_drawn_from_the_record_as_it_is(collected_claims, tmp_path):
    cases, known, *_ = collected_claims
    page = PAGE.read_text()
    asked = [section for section in sections(page) if section.claims]
    assert asked
    for section in asked:
        assert section.images, section.title
    for target, rulings in figures(page, cases, known).items():
        seeds.draw(rulings, tmp_path / "drawn.svg")
        assert (PAGE.parent / target).read_text() == (tmp_path / "drawn.svg").read_text(), (
            f"{target} is out of date: make findings"
        )


def test_the_headings_of_the_findings_are_questions():
    titles = [section.title for section in sections(PAGE.read_text()) if section.claims]
    assert all(re.fullmatch(r"[A-Z].*\?", title) for title in titles)


def test_readme_begins_with_the_findings_in_short():
    page = PAGE.read_text()
    short = page[page.index("## What is true?") : page.index("## ", page.index("## What is true?") + 3)]
    told = short.strip().replace("](record.md", "](docs/record.md").replace("](figures/", "](docs/figures/")
    assert told in (ROOT / "README.md").read_text()


def test_readme_says_what_is_on_record(collected_claims):
    cases, known, *_ = collected_claims
    assert record.summary(cases, known)[0] in " ".join((ROOT / "README.md").read_text().split())
