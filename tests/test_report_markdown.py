"""The words of a verdict, and the Markdown made of them."""

import re

import pytest
from markdown_it import MarkdownIt

from hw1bench.report import details, standings, words
from hw1bench.report.changes import changed
from hw1bench.report.markdown import LIMIT, render
from sample_document import claim, document, everything, evidence, exact, on_record, pilot, unjudged

MIXED = [0.3, -0.2] * 8


def test_the_page_says_counts_environment_offset_and_false_verdicts():
    text = render(document(seed_offset=7))
    counts = (
        "15 claims: 4 supported, 2 refuted, 1 inconclusive, 1 no evidence; 1 seen, 1 not seen, 1 mixed, 1 no evidence (pilots); "
        "1 error, 1 full tier only, 1 not run."
    )
    assert counts in text.split("## ")[0]
    assert text.count("no verdicts on the reports") == 1
    session = text.split("## This session")[1]
    assert "python 3.11.2" in session
    assert "commit -" in session
    assert "duration: 2 min 15 s" in session
    assert "seed offset: 7" in session
    assert words.false_verdicts(document()) in session


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


def test_tests_that_failed_stand_first_and_say_why():
    lost = unjudged("A-fit-x", "not run", outcome="failed", note="AssertionError: x")
    text = render(document(exact(), lost, claim(outcome="failed", remark="ruled on another experiment")))
    assert text.startswith(
        "# Claims and verdicts\n\n**2 tests failed:**\n\n"
        "- The third net gets there before the 7-layer net. **failed**, no ruling of the quick tier: "
        "[`A-fit-x`](claims-details.md#claim-2)\n"
        "- The third net gets there before the 7-layer net. **supported**, ruled on another experiment: "
        "[`A-fit-sinc-shallow-first`](claims-details.md#claim-3)\n"
    )
    assert "3 claims: 1 failed, 2 supported." in text
    assert (
        "| The third net gets there before the 7-layer net. | failed | - | [`A-fit-x`](claims-details.md#claim-2) |"
        in text
    )
    assert "failed" not in render(document(exact(), claim()))
    assert ":**\n\n- **failed**, " in render(document({**lost, "says": " "}))
    assert ":**\n\n- It is so. **failed**, " in render(document({**lost, "says": "It is so"}))


CHANGES = [
    claim("A-fit-same", ruling="supported", record=on_record("inconclusive")),
    claim("A-fit-stronger", ruling="inconclusive"),
    claim("A-fit-weaker", **evidence(MIXED), ruling="refuted"),
    claim("A-fit-contrary", ruling="refuted"),
    claim("A-fit-full", record=on_record("refuted")),
    pilot("E-task-differs", record=on_record("refuted")),
    unjudged("B-fit-none", "not run", ruling="refuted", record=on_record("refuted")),
]


def test_what_is_not_as_on_record_comes_next_contradictions_first():
    assert [found["id"][6:] for found in changed({"claims": CHANGES})] == ["contrary", "full", "weaker", "stronger"]
    failed = claim("A-fit-failed", outcome="failed", remark="why", ruling="refuted")
    text = render(document(*CHANGES, failed))
    lines = text.split("**4 other results are not as on record:**\n\n")[1].split("\n\n")[0].splitlines()
    assert all(line.startswith("- The third net gets there before the 7-layer net. **") for line in lines)
    assert [(line.split("`")[1], line.split("**", 1)[1].split(": [")[0].replace("**", "")) for line in lines] == [
        ("A-fit-contrary", "supported, contradicts the ruling of the quick tier (refuted)"),
        ("A-fit-full", "supported, contradicts the ruling of the full tier (refuted)"),
        ("A-fit-weaker", "inconclusive, weaker than the ruling of the quick tier (refuted)"),
        ("A-fit-stronger", "supported, stronger than the ruling of the quick tier (inconclusive)"),
    ]
    assert text.index("1 test failed") < text.index("4 other results") < text.index("8 claims:")
    assert "**1 result is not as on record:**" in render(document(CHANGES[1]))


def asking(*claims, **changed):
    """A document with one question, on which the first two ``claims`` are positions of their reports."""
    first, second, *_ = claims
    question = {
        "id": "deep",
        "text": "Is deeper *faster*?",
        "positions": [
            {"report": "A", "says": "yes", "claim": first["id"]},
            {"report": "B", "says": "no", "claim": second["id"]},
        ],
        "answer": f"In [13 of 16]({first['id']}) seeds, and [none](gone): #1.",
        "rests_on": [{"claim": first["id"], "ruling": "supported 13/16"}],
        "contrasts": [],
        **changed,
    }
    claims = [{**found, "question": "deep"} for found in claims]
    return document(*claims, questions=[question])


def test_a_question_has_its_answer_what_reports_say_and_what_has_changed():
    found = asking(claim(record=on_record("refuted", holds=0)), pilot("B-task-order"))
    text = render(found)
    assert text.split("## Questions\n\n")[1].split("\n\n## ")[0] == (
        "### Is deeper \\*faster\\*?\n\n"
        "In [13 of 16](claims-details.md#claim-1) seeds, and none: \\#1.\n\n"
        "- **A**: yes: [\u2717 refuted 0/8](claims-details.md#claim-1)\n"
        "- **B**: no: [\u00b7 pilot: seen](claims-details.md#claim-2)\n"
        "- **Changed since this was written:** A-fit-sinc-shallow-first was supported 13/16 when this was written, and is "
        "refuted 0/8."
    )
    new = render(asking(claim(), exact()))
    assert "yes: [\u2713 supported 8/8 here]" in new
    assert "no: [\u2713 supported here]" in new
    for before, after in (
        ("1 test failed", "## Questions"),
        ("## Questions", "## Reports by"),
        ("## Reports", "## Fitting"),
    ):
        both = render({**found, "claims": [*found["claims"], *everything()[3:9]]})
        assert both.index(before) < both.index(after)


def test_a_session_without_questions_has_no_heading_for_them():
    assert "## Questions" not in render(document())
    assert "## Questions" not in render({**asking(claim(), exact()), "claims": [claim("A-fit-other")]})


def test_each_topic_has_a_table_with_a_line_per_claim():
    text = render(document())
    places = details.places(document())
    table = text.split("## Fitting functions\n\n")[1].split("\n\n")[0]
    assert (
        "| The third net gets there before the 7-layer net. *(fragile)* | supported 8/8 | inconclusive 8/16 "
        "| 0.84 ln ratio \\[0.20, 2.50\\] | [`A-fit-sinc-shallow-first`](claims-details.md#claim-3) |"
    ) in table
    assert len(table.splitlines()) == 2 + 5
    for found in everything():
        assert text.count(f"| [`{found['id']}`](claims-details.md#{places[found['id']]}) |\n") == 1


def test_a_text_beside_no_details_has_no_links():
    text = render(asking(claim(record=on_record("refuted")), exact()), linked=False)
    assert "](" not in text
    assert "The evidence is in `claims-details.md` of the report." in text
    assert "In 13 of 16 seeds, and none: " in text


def test_every_link_leads_to_a_place_of_the_details():
    found = asking(*everything())
    there = set(re.findall('<a id="(.*?)">', details.render(found)))
    assert there >= set(re.findall(r"\(claims-details\.md#(.*?)\)", render(found)))


ODD = "`|*_<b>[x](y)\x1b\u202e\U0001f600 &#$~\n\u4e2d" * 60


PLAIN = claim(**evidence([-1.0] * 8))  # computed once, as the tests below have thousands of claims


def hostile(number, **changed):
    """A claim of long and odd texts."""
    odd = f"{number} {ODD}"
    return {
        **PLAIN,
        "id": f"A-fit-{odd}",
        "where": odd,
        "says": odd,
        "note": odd,
        "question": f"q{number % 40}",
        "effect": {**PLAIN["effect"], "name": odd, "unit": odd},
        **changed,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": "failed", "remark": ODD},
        {"ruling": "refuted", "topic": None, "report": None},
    ],
    ids=["one topic", "topics and reports of their own"],
)
def test_two_thousand_claims_fit_into_a_comment_whatever_they_say(changes):
    claims = [
        hostile(number, **{name: f"{number} {ODD}" if value is None else value for name, value in changes.items()})
        for number in range(2_000)
    ]
    half = len(claims) // 2
    claims[half:] = [
        hostile(number, outcome="failed", ruling="refuted", remark=ODD) if number % 2 else one
        for number, one in enumerate(claims[half:], half)
    ]
    questions = [
        {
            "id": f"q{number}",
            "text": ODD,
            "positions": [{"report": ODD, "says": ODD, "claim": one["id"]} for one in claims[number::40]],
            "answer": f"[{ODD}](x) and {ODD}",
            "rests_on": [{"claim": one["id"], "ruling": ODD} for one in claims[number::40]],
            "contrasts": [
                {"first": one["id"], "second": claims[0]["id"], "settles": ODD} for one in claims[number + 40 :: 40]
            ],
        }
        for number in range(40)
    ]
    reports = [{"id": one["report"], "title": ODD, "source": ODD, "url": ""} for one in claims]
    found = document(
        *claims,
        questions=questions,
        reports=list({one["id"]: one for one in reports}.values()),
        environment={f"{number}": ODD for number in range(100)},
    )
    text = render(found)
    assert LIMIT / 2 < len(text) <= LIMIT
    assert "and all claims are in [claims-details.md](claims-details.md)." in text
    assert re.search(r"\n\n[0-9,]+ such claims more, in \[claims-details", text)
    assert re.search(r"\n\n[0-9]+ questions more, in \[claims-details", text)
    assert re.search(r"\n\n[0-9,]+ disagreements more, in \[claims-details", text)
    parts = [
        "failed:**",
        "2,000 claims: ",
        "The reports:",
        "## Questions",
        "## Where reports disagree",
        "## Reports by",
    ]
    parts += ["## Claims that failed", "## This session"]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    head, _, *rows = [line for line in text.split("## Claims that failed")[1].splitlines() if line.startswith("|")]
    assert len(rows) > 5
    for line in rows:
        assert len(re.findall(r"(?<!\\)\|", line)) == head.count("|")


def test_the_introduction_says_what_marks_and_words_mean():
    text = render(asking(*everything())).split("## Questions")[0].partition("15 claims: ")[2]
    assert "claims-details.md).\n\n5 reports say how deep networks behave; **hw1bench** trains" in text
    assert words.judged(document()) in text
    mark, *rest = text.split("\n\n- ")[1].split("\n\n")[0].split("\n- ")
    assert mark == f"{standings.as_of(document())} 7/8 means that a claim holds in 7 of 8 seeds."
    assert [re.search("Pilots|full tier only|fragile", line).group() for line in rest] == [
        *("Pilots", "full tier only", "fragile")
    ]


def test_the_introduction_says_no_more_than_the_page_needs():
    text = render(document(exact())).split("## ")[0]
    assert "1 report says how deep networks behave" in text
    assert not re.search("mark|Pilot|full tier only|fragile", text)
    assert "The reports:" not in render(document(exact(), reports=[]))
    about = {"id": "A", "title": "ReLU", "source": "", "url": ""}
    assert "\n\n- 7/8 means that a claim holds in 7 of 8 seeds.\n\n" in text
    assert "\n\nThe reports:\n\n- A: ReLU\n\n## " in render(document(exact(), reports=[about]))


def test_claims_at_odds_stand_side_by_side_with_what_settles_them():
    pair = {"first": "A-fit-sinc-shallow-first", "second": "A-count-path", "settles": "*Both* are right."}
    found = asking(claim(record=on_record("refuted", holds=0)), exact(), contrasts=[pair])
    assert render(found).split("## Where reports disagree, with each other or with themselves\n\n")[1].split("\n\n")[
        0
    ] == (
        "- **Is deeper \\*faster\\*?** \\*Both\\* are right.\n"
        "  - **A**: The third net gets there before the 7-layer net. [\u2717 refuted 0/8](claims-details.md#claim-1)\n"
        "  - **A**: 784-500-50-10 has 418,060 parameters. [\u2713 supported here](claims-details.md#claim-2)"
    )
    assert "Where reports disagree" not in render(asking(claim(), exact()))


def test_effects_are_told_in_a_readers_units_where_that_is_short():
    def row(**changed):
        found = claim(**changed)
        found["effect"]["told"] = told
        return render(document(found)).split("## Fitting functions")[1]

    told = "in every seed, 3 | 4 epochs"
    assert "| In every seed, 3 \\| 4 epochs. |" in row()
    assert "| No evidence: net 3 did not learn. |" in row(
        verdict="no evidence", note="No evidence: net 3 did not learn."
    )
    told *= 10
    assert "| 0.84 ln ratio \\[0.20, 2.50\\] |" in row()


def test_columns_in_which_nothing_stands_are_left_out():
    assert "| sentence | verdict or pilot | claim |\n" in render(document(exact()))


def test_long_tables_are_folded_below_their_numbers():
    def page(number):
        return render(document(*({**PLAIN, "id": f"A-fit-{index}"} for index in range(number))))

    assert "<details>" not in page(12)
    assert "\n\n<details><summary>13 claims: 13 refuted</summary>\n\n| sentence |" in page(13)
    rendered = MarkdownIt("gfm-like", {"linkify": False}).render(page(13))
    assert (
        rendered.index("<summary>")
        < rendered.index("<table>\n<thead>\n<tr>\n<th>sentence")
        < rendered.index("</details>")
    )


def test_no_text_ends_a_fold_or_adds_markup():
    odd = "</details><script>x</script> | <summary>\n\n</details>\n\n# x"
    claims = [claim(f"A-fit-{number} {odd}", says=odd, report=odd, note=odd) for number in range(13)]
    for found in claims:
        found["effect"]["told"] = odd
    pair = {"first": claims[0]["id"], "second": claims[1]["id"], "settles": odd}
    about = {"id": odd, "title": odd, "source": odd, "url": ""}
    text = render(asking(*claims, text=odd, answer=odd, contrasts=[pair]) | {"reports": [about]})
    rendered = MarkdownIt("gfm-like", {"linkify": False}).render(text)
    assert "&lt;script&gt;" in rendered
    assert "<script" not in rendered
    for tag, number in (("details", 1), ("summary", 1), ("h1", 1)):
        assert [rendered.count(f"<{tag}>"), rendered.count(f"</{tag}>")] == [number] * 2


def test_long_tables_lose_their_sentences_before_they_lose_claims():
    def page(number):
        return render(document(*({**PLAIN, "id": f"A-fit-{index}"} for index in range(number))))

    assert "| sentence |" in page(150)
    short = page(400)
    assert "| sentence |" not in short
    assert short.count("| [`A-fit-") == 400
    assert "would not fit" not in short
    least = page(700)
    assert "700 other claims would not fit on this page, and all claims are in " in least


def test_a_document_of_nothing_is_rendered():
    empty = {**document(), "claims": [], "figures": []}
    assert "0 claims: none judged." in render(empty)


def test_a_document_of_another_schema_is_refused():
    with pytest.raises(ValueError, match="schema 2"):
        render(document(schema=2))
