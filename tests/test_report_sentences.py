"""Numbers and verdicts in words, as the page, the Markdown and the JUnit file share them."""

import pytest

from hw1bench.report import quantities, words
from sample_document import claim, document, evidence, exact, unjudged

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
    # Looks at 8 and 16 err in 0.02625 of claims that hold in half of all seeds, and one claim is without evidence; the p-value of
    # 8 of 8 is 2 / 256.
    assert text.startswith(
        "Expected to be false by chance: at most 0.58 of 21 decided verdicts (2.7 %; false discovery rate 0.8 %, "
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


def test_a_refuted_count_is_simply_wrong():
    wrong = exact(verdict="refuted", how="absent", note="784 = 784; stated 785")
    assert words.sentence(wrong) == "Refuted: 784 = 784; stated 785."
    assert words.verdict(claim(verdict="refuted", how="absent")) == "refuted, absent"
