"""The words of a verdict, and the Markdown made of them."""

import re

import pytest

from hw1bench.report import quantities, words
from hw1bench.report.markdown import render
from sample_document import COPY, DIGITS, across, claim, document, everything, evidence, exact, figure, unjudged

HELD = [0.2, 0.31, 0.5, 0.8, 0.88, 1.1, 1.9, 2.5]
MIXED = [0.3, -0.2] * 8


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *[(0.0, "0"), (1, "1.00"), (0.84, "0.84"), (-0.0591, "-0.059"), (0.00123, "0.0012"), (12.34, "12.3")],
        *[(float("nan"), "undefined"), (float("inf"), "+infinity"), (float("-inf"), "-infinity")],
        *[(-3539.4, "-3,539"), (123456.0, "123,456"), (4e-4, "4.0e-4"), (-2.5e7, "-2.5e7")],
    ],
)
def test_numbers_read_well(value, text):
    assert quantities.number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.5766, "0.58"), (1.0, "1.00"), (0.5, "0.50"), (0.5004, "0.5004")])
def test_a_share_shows_on_which_side_of_one_half_it_lies(value, text):
    assert quantities.share(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"), (135.4, "2 min 15 s"), (7322.0, "2 h 2 min")],
)
def test_durations_read_well(seconds, text):
    assert quantities.duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0.975, "97.5 %"), (0.95, "95 %"), (1 - 0.05 / 3, "98.3 %")])
def test_levels_read_well(value, text):
    assert quantities.percent(value) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (
            claim(),
            "Supported: it holds in 8 of 8 seeds (97.5 % interval of the share 0.58 to 1.00); "
            "median effect 0.84 ln ratio [0.20, 2.50].",
        ),
        (
            claim(**evidence([-1.0] * 8)),
            "Refuted, reversed: it holds in 0 of 8 seeds (97.5 % interval of the share 0.00 to 0.42), and the opposite "
            "is itself supported; median effect -1.00 ln ratio [-1.00, -1.00].",
        ),
        (
            claim(**{**evidence([-1.0] * 8, unit=""), "how": "absent"}),
            "Refuted, absent: it holds in 0 of 8 seeds (97.5 % interval of the share 0.00 to 0.42), no clear effect of "
            "the claimed kind; median effect -1.00 [-1.00, -1.00].",
        ),
        (
            claim(**evidence(MIXED)),
            "Inconclusive: it holds in 8 of 16 seeds (95.8 % interval of the share 0.24 to 0.76), which leaves both "
            "sides of 1/2 open; median effect 0.050 ln ratio [-0.20, 0.30].",
        ),
        (exact(), "Supported: 392,500 + 25,050 + 510 = 418,060, as stated."),
        (exact(note=""), "Supported."),
        (unjudged("A-fit-x", "not run", note="no CUDA here"), "Not run: no CUDA here."),
        (unjudged("A-fit-x", "error", note="ValueError: what\n now?"), "Error: ValueError: what now?"),
    ],
)
def test_a_verdict_is_one_sentence_with_its_numbers(found, text):
    assert words.sentence(found) == text


def test_a_sentence_says_what_is_not_finite_and_what_diverged():
    found = claim(**evidence([*HELD[:-1], float("nan")]), diverged=3)
    assert "holds in 7 of 8 seeds" in words.sentence(found)
    assert "its effect is undefined in 1 of them" in words.sentence(found)
    assert "3 runs diverged" in words.sentence(found)
    found = claim()
    found["effect"] |= {"median": None, "interval": None, "not_finite": {"median": "undefined"}}
    assert words.sentence(found).endswith("median effect undefined.")
    found["effect"] |= {"median": 1.0, "interval": [None, 2.0], "not_finite": {"low": "-infinity"}}
    assert words.sentence(found).endswith("median effect 1.00 ln ratio [-infinity, 2.00].")


@pytest.mark.parametrize(
    ("found", "ruling", "text"),
    [
        ("supported", None, "no ruling of the quick tier"),
        ("supported", "supported", "same as the ruling of the quick tier (supported)"),
        ("supported", "refuted", "contradicts the ruling of the quick tier (refuted)"),
        ("refuted", "supported", "contradicts the ruling of the quick tier (supported)"),
        ("refuted", "inconclusive", "stronger than the ruling of the quick tier (inconclusive)"),
        ("inconclusive", "refuted", "weaker than the ruling of the quick tier (refuted)"),
        ("not run", "refuted", "ruling of the quick tier: refuted"),
    ],
)
def test_how_a_verdict_compares_with_the_ruling(found, ruling, text):
    assert words.standing({**claim(), "verdict": found, "ruling": ruling}) == text


def test_false_verdicts_are_counted_over_what_was_decided_from_seeds():
    decided = [claim(f"A-fit-{index}") for index in range(21)]
    rest = [exact(), unjudged("B-fit-x", "error"), {**claim("B-fit-y"), "verdict": "not run"}]
    rest += [{**claim("B-fit-z"), "verdict": "no evidence"}]
    text = words.false_verdicts(document(*decided, *rest))
    # Looks at 8 and 16 err in 0.02625 of claims that hold in half of all seeds; the p-value of 8 of 8 is 2 / 256.
    assert text.startswith(
        "Expected to be false by chance: at most 0.55 of 21 decided verdicts (2.6 %; false discovery rate 0.8 %, "
        "Benjamini-Hochberg). This is chance alone"
    )
    open_too = document(*decided, claim("B-fit-open", **evidence([1.0, -1.0] * 8)))
    assert "at most 0.58 of 21 decided verdicts (2.7 %" in words.false_verdicts(open_too)
    assert "1 decided verdict (" in words.false_verdicts(document(claim()))
    for none in (exact(), claim(**evidence([1.0, -1.0] * 8))):
        assert words.false_verdicts(document(none)) == (
            "No verdict here is decided from seeds, so none can be false by chance."
        )


def test_false_pilots_are_counted_apart():
    pilots = [claim("A-fit-1", verdict="seen"), claim("A-fit-2", verdict="not seen")]
    text = words.false_verdicts(document(claim("A-fit-0"), *pilots))
    assert "at most 0.026 of 1 decided verdict (" in text
    assert ", and at most 0.052 of 2 decided pilots (" in text


def test_the_head_says_counts_environment_offset_and_false_verdicts():
    text = render(document(seed_offset=7))
    head = text.split("## Reports")[0]
    counts = (
        "15 claims: 4 supported, 2 refuted, 1 inconclusive, 1 no evidence; 1 seen, 1 not seen, 1 mixed, 1 no evidence (pilots); "
        "1 error, 1 full tier only, 1 not run."
    )
    assert counts in head
    assert head.count("no verdicts on the reports") == 1
    assert "python 3.11.2" in head
    assert "commit -" in head
    assert "duration: 2 min 15 s" in head
    assert "seed offset: 7" in head
    assert words.false_verdicts(document()) in head


def test_the_matrix_has_one_row_per_topic_and_one_column_per_report():
    text = render(document())
    assert "| topic | A | B | C | D | E |" in text
    row = "| Fitting functions | 1 supported, 1 refuted | 1 not run | - | 1 supported, 1 inconclusive | - |"
    assert row in text
    assert (
        "| Real tasks | - | 1 no evidence (pilots); 1 full tier only | - | 1 mixed (pilots) | 1 seen, 1 not seen"
        in text
    )
    assert text.index("| Parameter counts |") < text.index(row) < text.index("| Real tasks |")


def test_each_topic_has_a_table_with_one_row_per_claim():
    text = render(document())
    row = "| `A-fit-sinc-shallow-first` | supported | 8 of 8 | 0.84 ln ratio \\[0.20, 2.50\\] | inconclusive | 12.3 |"
    assert row in text.split("## Fitting functions")[1].split("##")[0]
    assert (
        "| `A-fit-sinc-7-by-8000` | refuted, reversed | 0 of 8 | -1.00 ln ratio \\[-1.00, -1.00\\] | - | 12.3, reused |"
        in text
    )
    assert "| `A-count-flatness` | refuted | - | - | - | - |" in text
    row = "| `E-task-deep-lower` | pilot: seen | 8 of 8 | 0.84 ln ratio \\[0.20, 2.50\\] | supported, agrees | 12.3 |"
    assert row in text
    for found in everything():
        assert text.count(f"| `{found['id']}` |") == 1


def test_beside_a_verdict_stand_its_claim_assumptions_and_remarks():
    text = render(document())
    lines = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("- `")}
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
    (line,) = [line for line in lines if line.startswith("- `A-fit-sinc-shallow-first`")]
    assert f"({written}): *{written}* Supported" in line
    assert line.endswith(f"300 points. {written} Test passed ({_inside(written)}).")


def _inside(written):
    """As within a sentence, where what leads a line has no meaning."""
    return re.sub(r"^(\d*)\\(?=[-+=.)])", r"\1", written)


def test_tests_that_failed_stand_first_and_say_why():
    lost = unjudged("A-fit-x", "not run", outcome="failed", note="AssertionError: x")
    text = render(document(exact(), lost, claim(outcome="failed", remark="ruled on another experiment")))
    head = text.split("- quick tier")[0]
    assert (
        "**2 tests failed:**\n\n- `A-fit-x`: not run, no ruling of the quick tier\n- `A-fit-sinc-shallow-first`" in head
    )
    assert "3 claims: 1 failed, 2 supported." in head
    assert "| `A-fit-x` | not run, test failed |" in text
    assert "Test failed (ruled on another experiment)." in text
    assert "failed" not in render(document(exact(), claim()))


def test_a_topic_with_figures_alone_has_no_table():
    text = render(document(exact(), figures=[figure("A", "4", "The sawtooth", "figures/A-fit-sawtooth-loss.svg")]))
    assert "## Fitting functions" not in text


def test_a_topic_that_is_not_described_comes_last_under_its_own_name():
    text = render(document({**claim("Z-mine-1"), "topic": "mine"}, *everything()))
    assert text.index("## Random labels") < text.index("## mine")


def test_a_document_of_nothing_is_rendered():
    empty = {**document(), "claims": [], "figures": []}
    assert "0 claims: none judged." in render(empty)


def test_a_document_of_another_schema_is_refused():
    with pytest.raises(ValueError, match="schema 2"):
        render(document(schema=2))


def test_a_refuted_count_is_simply_wrong():
    wrong = exact(verdict="refuted", how="absent", note="784 = 784; stated 785")
    assert words.sentence(wrong) == "Refuted: 784 = 784; stated 785."
    assert words.verdict(claim(verdict="refuted", how="absent")) == "refuted, absent"
