"""claims-details.md: the evidence of every claim, and what the figures show."""

import re

import pytest

from hw1bench.report import words
from hw1bench.report.details import places, render
from sample_document import COPY, DIGITS, across, claim, document, everything, exact, figure


def test_each_topic_has_a_table_with_one_row_per_claim():
    text = render(document())
    row = "| `A-fit-sinc-shallow-first` | supported | 8 of 8 | 0.84 ln ratio \\[0.20, 2.50\\] | inconclusive 8/16 | 12.3 |"
    assert row in text.split("## Fitting functions")[1].split("##")[0]
    assert (
        "| `A-fit-sinc-7-by-8000` | refuted, reversed | 0 of 8 | -1.00 ln ratio \\[-1.00, -1.00\\] | - | 12.3, reused |"
        in text
    )
    assert "| `A-count-flatness` | refuted | - | - | - | - |" in text
    row = (
        "| `E-task-deep-lower` | pilot: seen | 8 of 8 | 0.84 ln ratio \\[0.20, 2.50\\] | supported 8/8, agrees | 12.3 |"
    )
    assert row in text
    for found in everything():
        assert text.count(f"| `{found['id']}` |") == 1


def test_effects_are_told_in_units_of_what_was_measured():
    found = claim()
    found["effect"]["told"] = 'in every seed, "a" * 2'
    assert 'median effect 0.84 ln ratio \\[0.20, 2.50\\]. In every seed, "a" \\* 2. Effect:' in render(document(found))


def test_beside_a_verdict_stand_its_claim_assumptions_and_remarks():
    text = render(document())
    lines = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("- <a id=")}
    assert lines.keys() == {found["id"] for found in everything()}
    assert lines["E-task-deep-lower"].endswith(
        " (1-1-1, figures 2, 3): *The third net gets there before the 7-layer net.* "
        "Seen on digits, 8 of 8 seeds (pilot; 97.5 % interval of the share 0.58 to 1.00); "
        "median effect 0.84 ln ratio \\[0.20, 2.50\\]; 2 runs diverged. "
        "Effect: log epochs(7) - log epochs(1). "
        "On record: supported, 8 of 8 seeds, median 0.42 ln ratio \\[0.20, +infinity\\], 2026-11-20, CPU. The pilot agrees. "
        "Pilots of this kind (task, highest) agree with the record in 3 of 5. "
        "Under 2 assumptions: full batch; 300 points. Tried on digits, 28x28. budget 1/10"
    )
    assert [name for name, line in lines.items() if ", ours)" in line] == ["D-fit-deeper-better-sigmoid"]
    assert [name for name, line in lines.items() if "(pilot" in line] == [
        *("B-task-order", "D-task-order", "E-task-deep-lower", "E-task-shallow-99")
    ]
    assert "stand-in" not in "".join(lines.values())
    remarks = {
        "Without a trend, the claim would hold by chance in about 1 of 120 seeds.": ["D-task-order"],
        "A known truth. For it to fail: the loss that": ["C-random-falls"],
        "One seed from its bound.": ["C-random-falls"],
        "Other readings: within 0.2 (supported with 0.1, refuted with 0.4). Fragile: hangs on within 0.2.": [
            "A-fit-sinc-shallow-first"
        ],
        "Fragile: hangs on by 0.02.": ["E-task-shallow-99"],
        "Stands in 1 of 2 variants of training: Keras's weights supported.": ["A-fit-sinc-7-by-8000"],
    }
    for remark, names in remarks.items():
        assert [name for name, line in lines.items() if remark in line] == names
    for found in everything():
        assert ("Not on record in the full tier." in lines[found["id"]]) == (found["record"] is None)
    assert text.count("392,500 + 25,050 + 510 = 418,060, as stated") == 1  # the note is the sentence: not again


def test_what_the_tier_changes_stands_under_its_own_heading():
    text = render(document(claim(changes=["digits stand in for MNIST", "widths divided by 4"]), claim("A-fit-x")))
    assert "Under 2 assumptions: full batch; 300 points. Quick tier changes: digits stand in for MNIST; widths" in text
    assert text.count("tier changes") == 1


def test_figures_across_reports_stand_first_with_their_notes():
    shown = claim("A-random-cannot-learn", figure=across()["path"])
    text = render(document(shown, figures=[across(note="A: passes *15* %.\nB: never.")])).split("## Random labels\n")[1]
    line = (
        "- [Accuracy against steps](<figures/across-random-memorising.svg>) (Reports A, B, E). "
        "A: passes \\*15\\* %. B: never."
    )
    assert text.startswith(f"\n### Across reports\n\n{line}\n\n### Each report\n\n| claim |")


def test_a_reports_own_figures_are_listed_if_they_have_a_note():
    figures = [
        figure("A", "3", "[Loss] (all)", "figures/A-fit-a b>-loss.svg", note="It falls."),
        figure("A", "4", "Curves", "figures/A-fit-sinc-curves.svg"),
    ]
    text = render(document(claim(), figures=figures)).split("### Figures\n")[1]
    assert text == "\n- [\\[Loss\\] (all)](<figures/A-fit-a%20b%3E-loss.svg>) (Report A, figure 3). It falls.\n"
    assert "### Figures" not in render(document(claim(), figures=figures[1:]))


def test_a_topic_with_a_figure_across_reports_alone_is_shown():
    text = render(document(exact(), figures=[across()]))
    assert "## Random labels\n\n### Across reports\n" in text
    assert "### Each report" not in text


@pytest.mark.parametrize(
    ("dataset", "text"),
    [
        (None, ""),
        (DIGITS, "Judged on digits, 28x28, a stand-in that settles nothing about the real data set."),
        (COPY, "Judged on MNIST, 28x28, a non-canonical copy: its fingerprint is not the known one."),
        ({**COPY, "canonical": True}, "Judged on MNIST, 28x28."),
        ({"name": "sinc", "fingerprint": "0", "stand_in": False, "canonical": True}, "Judged on sinc."),
    ],
)
def test_the_data_set_is_shown_with_what_keeps_it_from_being_the_real_one(dataset, text):
    shown = claim(dataset=dataset)
    assert words.judged_on(shown) == text
    assert text in render(document(shown))


def test_text_cannot_break_a_table_or_become_markup():
    text = render(document(claim("A-fit-`x|y", says="a | b\n# <b>*no*</b>")))
    assert "a \\| b \\# \\<b\\>\\*no\\*\\</b\\>" in text
    assert "| `A-fit-'x/y` |" in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [7]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("see http://a.org and www.b.org", "see http\\://a.org and www\\.b.org"),
        ("HTTPS://a ftp://b mailto:c@d.org", "HTTPS\\://a ftp\\://b mailto\\:c\\@d.org"),
        ("<http://a>", "\\<http\\://a\\>"),
        ("&lt;b&gt; ![x](y) ~~z~~ $1$", "\\&lt;b\\&gt; !\\[x\\](y) \\~\\~z\\~\\~ \\$1\\$"),
        ("1. first", "1\\. first"),
        ("12) first", "12\\) first"),
        ("- item", "\\- item"),
        ("---", "\\---"),
        ("+ item", "\\+ item"),
        ("=== x", "\\=== x"),
        ("# head\n\n> quote", "\\# head \\> quote"),
        ("\x1b[31m\u202e\ud800", "�\\[31m��"),
        *[(text, text) for text in ("-1.5 of 2.5", "1.5 epochs", "in 1:2", "http", "a - b + c = d", "3", "µ: é")],
    ],
)
def test_no_text_is_markup(text, written):
    lines = render(document(claim(says=text, where=text, note=text, remark=text, topic=text, report="Z"))).splitlines()
    assert f"## {written}" in lines
    (line,) = [line for line in lines if "`A-fit-sinc-shallow-first` (" in line]
    assert f"({written}): *{written}* Supported" in line
    assert line.endswith(f"300 points. {written} Test passed ({_inside(written)}).")


def _inside(written):
    """As within a sentence, where what leads a line has no meaning."""
    return re.sub(r"^(\d*)\\(?=[-+=.)])", r"\1", written)


def test_a_topic_with_figures_alone_has_no_table():
    text = render(document(exact(), figures=[figure("A", "4", "The sawtooth", "figures/A-fit-sawtooth-loss.svg")]))
    assert "## Fitting functions" not in text


def test_a_topic_that_is_not_described_comes_last_under_its_own_name():
    text = render(document({**claim("Z-mine-1"), "topic": "mine"}, *everything()))
    assert text.index("## Random labels") < text.index("## mine")


def test_each_claim_has_an_anchor_of_its_own():
    names = ["A-fit-a b", "A-fit-a-b", "A-fit-a/b", "A-fit-\u4e2d", "A-fit-\u6587"]
    found = document(*map(claim, names))
    anchors = places(found)
    assert len(set(anchors.values())) == len(names)
    lines = [line for line in render(found).splitlines() if line.startswith("- <a id=")]
    assert [re.match('- <a id="([a-z0-9-]+)"></a>`(.*?)`', line).groups() for line in lines] == [
        (anchors[name], name) for name in names
    ]
