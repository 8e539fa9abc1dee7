"""The page: what it holds, and that it needs nothing but itself."""

import base64
import hashlib
import math
import re
from urllib.parse import unquote

import pytest

from hw1bench.report import groups, standings, words
from hw1bench.report.contract import measured
from hw1bench.report.html import render, slug
from sample_document import (
    COPY,
    REPORTS,
    TOPICS,
    claim,
    document,
    everything,
    evidence,
    exact,
    figure,
    on_record,
    pilot,
    unjudged,
)

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp; http://example.org/"


def test_the_top_says_counts_environment_offset_and_false_verdicts(page):
    found = page(document(seed_offset=7))
    counts = found.text("counts-of-verdicts")
    assert counts == (
        "Verdicts, as reported 4 supported 2 refuted 1 inconclusive 1 no evidence "
        "Pilots, on reduced protocols 1 seen 1 not seen 1 mixed 1 no evidence "
        "Not judged 1 error 1 full tier only 1 not run"
    )
    (head,) = found.find("header", class_="page")
    assert words.judged(document()) in " ".join(head["text"].split())
    (session,) = found.find("section", id="session")
    text = " ".join(session["text"].split())
    assert "tier quick" in text
    assert "seed offset 7" in text
    assert "duration 2 min 15 s" in text
    assert "torch 2.13.0" in text
    assert "commit –" in text
    assert words.false_verdicts(document()) in text


def test_a_verdict_that_nobody_got_counts_zero(page):
    counts = page(document(exact())).text("counts-of-verdicts")
    assert counts.startswith("Verdicts, as reported 1 supported 0 refuted")
    assert "Pilots" not in counts
    assert "Pilots" in page(document(pilot())).text("counts-of-verdicts")


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
    (link,) = found.find("a", inside="matrix", href="#topic-task-B")
    assert link["attributes"]["aria-label"] == "1 no evidence (pilots); 1 full tier only"
    classes = [
        cell["attributes"]["class"] for cell in found.find("span", inside="matrix") if cell["text"].strip() == "1"
    ]
    assert classes.count("pilot pilot-seen") == classes.count("unjudged full-tier-only") == 1
    heads = [head["text"] for head in found.find("th", inside="matrix", scope="col")]
    assert heads == ["topic", "A", "B", "C", "D", "E"]


def test_a_report_is_described_beside_its_id_as_far_as_it_is_known(page):
    found = page(document(reports=[*REPORTS, {"id": "E", "title": "", "source": "", "url": "https://example.org/e"}]))
    told = [" ".join(one["text"].split()) for one in found.find("dd", inside="reports")]
    assert told == ["ReLU (a course)", "Leaky ReLU", "a group", "https://example.org/e"]
    assert [one["text"] for one in found.find("dt", inside="reports")] == ["A", "B", "C", "E"]
    assert found.find("a", inside="reports", href="https://example.org/e", rel="noreferrer")


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
        text = found.text(f"row-{shown['id']}")
        assert shown["id"] in text
        assert shown["where"] in text
        assert shown["says"] in text
        assert words.sentence(shown) in text
        assert f"test {shown['outcome']}, {words.standing(shown)}" in text
        assert standings.record(shown) in text
        assert text.startswith(words.outcome(shown))
        if shown["assumptions"]:
            assert f"Under {len(shown['assumptions'])} assumptions: {' '.join(shown['assumptions'])}" in text
        else:
            assert "ssumption" not in text
        if shown["effect"]:
            assert f"Effect: {shown['effect']['name']}" in text


def test_remarks_are_where_they_belong_and_nowhere_else(page):
    found = page()
    said = {shown["id"]: found.text(f"claim-{shown['id']}") for shown in everything()}
    remarks = {
        "ours": ["D-fit-deeper-better-sigmoid"],
        "data: digits, 28x28 (0f0f0f0f0f0f)": [
            "E-task-deep-lower",
            "E-task-shallow-99",
            "D-task-order",
            "B-task-order",
        ],
        "differs from the record": ["E-task-shallow-99"],
        "fragile: hangs on within 0.2": ["A-fit-sinc-shallow-first"],
        "Other readings: within 0.2 (supported with 0.1, refuted with 0.4)": ["A-fit-sinc-shallow-first"],
        "fragile: hangs on by 0.02": ["E-task-shallow-99"],
        "Trained otherwise: stands in 1 of 2 variants of training: Keras's weights supported": ["A-fit-sinc-7-by-8000"],
        "one seed from its bound": ["C-random-falls"],
        "known truth": ["C-random-falls"],
        "A known truth. For it to fail: the loss that the optimiser minimises": ["C-random-falls"],
        "hold by chance in about 1 of 120 seeds": ["D-task-order"],
        "Pilots of this kind": ["E-task-deep-lower"],
        "budget 1/10": ["E-task-deep-lower"],
        "runs reused": ["A-fit-sinc-7-by-8000"],
    }
    for remark, names in remarks.items():
        assert [name for name, text in said.items() if remark in text] == names
    assert "12.3 s of training, runs reused" in said["A-fit-sinc-7-by-8000"]
    assert "12.3 s of training" in said["A-fit-sinc-shallow-first"]
    assert "of training" not in said["A-count-path"]


def test_what_the_tier_changes_stands_under_its_own_heading(page):
    changes = ["digits stand in for MNIST", "widths divided by 4"]
    found = page(document(claim(changes=changes), claim("A-fit-x", changes=[]), claim("A-fit-y")))
    assert f"Quick tier changes: {' '.join(changes)}" in found.text("claim-A-fit-sinc-shallow-first")
    assert "tier changes" not in found.text("claim-A-fit-x") + found.text("claim-A-fit-y")


def test_a_copy_that_is_not_the_known_one_is_marked(page):
    text = page(document(claim(dataset=COPY))).text("claim-A-fit-sinc-shallow-first")
    assert "non-canonical data" in text
    assert words.judged_on(claim(dataset=COPY)) in text
    assert "Judged on" not in page(document(claim(dataset={**COPY, "canonical": True}))).text("rows")


def test_claims_stand_in_one_table_by_topic_and_report_with_what_a_reader_compares(page):
    found = page()
    rows = [one for one in found.find("details", inside="rows") if "id" in one["attributes"]]
    listed = [row["attributes"]["id"].removeprefix("row-") for row in rows]
    topics = [topic["id"] for topic in TOPICS]
    wanted = sorted(everything(), key=lambda one: (topics.index(one["topic"]), one["report"]))
    assert listed == [one["id"] for one in wanted]
    headings = [" ".join(head["text"].split()) for head in found.find("h3", inside="rows")]
    assert headings[:2] == ["Parameter counts 1 supported, 1 refuted", headings[1]]
    columns = [button["text"] for button in found.find("button") if "data-sort" in button["attributes"]]
    assert columns == ["verdict", "sentence", "report", "topic", "holds in", "protocol", "on record"]
    row = found.text("row-A-fit-sinc-shallow-first")
    said = (
        "The third net gets there before the 7-layer net. fragile A Fitting functions 8/8 as reported inconclusive 8/16"
    )
    assert row.startswith(f"supported {said}")
    assert found.text("row-B-task-accuracy").startswith("full tier only")
    assert found.text("row-B-fit-sinc-order").startswith("not run")
    assert "not on record" in found.text("row-B-task-accuracy")


def test_in_the_full_tier_no_column_repeats_the_record(page):
    found = page(document(claim(tier="full", record=on_record("supported")), tier="full"))
    assert "on record" not in [button["text"] for button in found.find("button")]
    assert not found.find("span", class_="standing")


def test_there_is_a_choice_for_each_verdict_that_somebody_got(page):
    for one, group in ((claim(), "supported"), (pilot(), "pilot: seen"), (unjudged("A-fit-y", "error"), "error")):
        boxes = page(document(one)).find("input", inside="filter", type="checkbox")
        assert [box["attributes"]["value"] for box in boxes] == [group]


def test_the_filter_is_hidden_and_columns_do_nothing_until_the_script_runs(page):
    found = page()
    (form,) = found.find("form", id="filter")
    assert "hidden" in form["attributes"]
    assert all(
        "disabled" in button["attributes"] for button in found.find("button") if "data-sort" in button["attributes"]
    )


def test_only_the_pages_own_script_may_run(page):
    found = page()
    (script,) = found.find("script")
    digest = base64.b64encode(hashlib.sha256(script["text"].encode()).digest()).decode()
    (policy,) = found.find("meta", **{"http-equiv": "Content-Security-Policy"})
    assert f"script-src 'sha256-{digest}';" in policy["attributes"]["content"]


def test_tests_that_failed_are_listed_first(page):
    (listed,) = page().find("section", id="failed")
    assert "A-fit-sinc-7-by-8000: refuted, reversed, no ruling of the quick tier" in listed["text"]
    assert "C-random-no-generalise: error, ruling of the quick tier: supported" in listed["text"]
    assert "A-fit-sinc-shallow-first" not in listed["text"]
    assert "Tests that failed: 2" in listed["text"]
    text = page().text("counts-of-verdicts") + " ".join(element["text"] for element in page().find("main"))
    assert text.index("Tests that failed") < text.index("All claims")
    assert not page(document(exact())).find("section", id="failed")


def test_verdicts_differ_in_word_and_shape_not_in_colour_alone(page):
    found = page()
    shapes = {}
    for group in groups.GROUPS:
        assert found.find("symbol", id=f"v-{slug(group)}")
        parts = [*found.find("path", inside=f"v-{slug(group)}"), *found.find("circle", inside=f"v-{slug(group)}")]
        shapes[group] = tuple(tuple(sorted(part["attributes"].items())) for part in parts)
    assert len(set(shapes.values())) == len(groups.GROUPS)
    assert "refuted, reversed" in found.text("row-A-fit-sinc-7-by-8000")


def test_there_is_one_dot_per_seed_filled_if_the_claim_holds(page):
    found = page()
    for shown in everything():
        dots = found.find("circle", inside=f"claim-{shown['id']}")
        kinds = [dot["attributes"]["class"].removeprefix("dot ") for dot in dots]
        found_in = measured(shown["effect"]) if shown["effect"] else {}
        values = [value for place, value in found_in.items() if place.isdigit()]
        assert kinds == ["apart" if math.isnan(value) else "holds" if value > 0 else "fails" for value in values]
    assert "seed 0: 0.20 ln ratio; seed 1: 0.31 ln ratio" in found.text("dots-A-fit-sinc-shallow-first")
    assert "seed 7: undefined" in found.text("dots-D-fit-deeper-better-sigmoid")


def test_seeds_count_from_the_offset(page):
    found = page(document(claim(), seed_offset=64))
    assert "seed 64: 0.20 ln ratio" in found.text("dots-A-fit-sinc-shallow-first")


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
        remark=HOSTILE,
        dataset={"name": HOSTILE, "fingerprint": HOSTILE, "stand_in": True, "canonical": False},
        changes=[HOSTILE],
        experiment=HOSTILE,
        topic=HOSTILE,
        report=HOSTILE,
    )
    shown["effect"] |= {"name": HOSTILE, "unit": HOSTILE}
    crashed = unjudged("A-fit-y", "error", note=HOSTILE)
    told = {"id": HOSTILE, "title": HOSTILE, "source": HOSTILE, "url": "https://example.org/'onclick='x"}
    pictures = [figure("A", HOSTILE, HOSTILE, "figures/A-fit-z-loss.svg", note=HOSTILE)]
    titles = [{"id": HOSTILE, "title": HOSTILE}]
    found = page(
        document(shown, crashed, figures=pictures, environment={HOSTILE: HOSTILE}, reports=[told], topics=titles)
    )
    assert len(found.find("script")) == 1
    assert [image["attributes"].keys() for image in found.find("img")] == [{"src", "alt", "width", "height", "loading"}]
    assert not [name for element in found.elements for name in element["attributes"] if name.startswith("on")]
    assert found.text("claim-A-fit-x").count("<script>alert(1)</script>") >= 9


def test_the_page_refers_to_nothing_outside_itself(page, tmp_path):
    found = page()
    for element in found.elements:
        for name in ("src", "srcset", "href", "xlink:href", "data", "action", "style"):
            value = element["attributes"].get(name)
            assert value is None or value.startswith(("#", "data:image/"))
        assert element["tag"] not in {"link", "iframe", "object", "base"}
    text = re.sub(r'src="data:[^"]*"', "", render(document(), tmp_path))  # an image names its namespace
    assert "url(" not in text
    assert "@import" not in text
    assert "http://" not in text
    assert "https://" not in text
    (policy,) = found.find("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy["attributes"]["content"].startswith("default-src 'none'")


def test_undefined_numbers_never_show_as_nan(page):
    undefined = claim(**evidence([*[math.nan] * 3, *[-1.0] * 5]))
    nothing = claim("A-fit-other", **{**evidence([0.0] * 8), "diverged": 8})
    nothing["effect"] |= {"median": None, "interval": None, "not_finite": {"median": "undefined"}}
    found = page(document(undefined, nothing, figures=[]))
    assert not re.search(r"\b(nan|inf|infinity|none|null)\b", found.text("rows"), re.IGNORECASE)
    kinds = [dot["attributes"]["class"] for dot in found.find("circle", inside="rows")]
    assert kinds == ["dot apart"] * 3 + ["dot fails"] * 5 + ["dot fails"] * 8


def test_undefined_and_infinite_are_distinguished(page):
    shown = claim(**evidence([math.nan, -math.inf, *[math.inf] * 6]))
    found = page(document(shown, figures=[]))
    text = found.text("claim-A-fit-sinc-shallow-first")
    assert (
        "its effect is undefined in 1 of them; its effect is -infinity in 1 of them; its effect is +infinity in 6"
        in text
    )
    assert "median effect +infinity ln ratio [" in text
    labels = [label["text"] for label in found.find("text", inside="claim-A-fit-sinc-shallow-first")]
    assert {"undefined", "-infinity", "+infinity"} < set(labels)


def test_a_test_that_failed_without_a_verdict_is_counted_first_and_never_looks_green(page):
    lost = unjudged("A-fit-x", "not run", outcome="failed", note="AssertionError: x")
    found = page(document(exact(), lost, unjudged("A-fit-y", "not run", outcome="skipped", note="no CUDA")))
    assert found.text("counts-of-verdicts").startswith("Verdicts, as reported 1 supported")
    assert found.text("counts-of-verdicts").endswith("Not judged 1 failed 0 error 0 full tier only 1 not run")
    assert "test failed" in found.text("claim-A-fit-x")
    assert [link["attributes"]["aria-label"] for link in found.find("a", inside="matrix", href="#topic-fit-A")] == [
        "1 failed; 1 not run"
    ]
    (row,) = found.find("details", id="row-A-fit-x")
    assert row["attributes"]["class"] == "claim unjudged failed bare"
    assert "open" in row["attributes"]
    assert "open" not in found.find("details", id="row-A-fit-y")[0]["attributes"]
    assert found.find("symbol", id="v-failed")
    assert found.find("input", inside="filter", value="failed")


def test_why_an_outcome_is_what_it_is_stands_on_the_card(page):
    text = page(document(claim(remark="ruled on another experiment"))).text("claim-A-fit-sinc-shallow-first")
    assert "test passed, ruled on another experiment" in text


def test_names_that_make_the_same_anchor_get_their_own(page):
    names = ["A-fit-a b", "A-fit-a-b", "A-fit-a\x1bb", "A-fit-深層", "A-fit-学習"]
    topics = ["a b", "a-b", "深層", "学習", "a"]
    shown = [claim(name, topic=topic, report="b") for name, topic in zip(names, topics, strict=True)]
    figures = [figure("A", "-", "t", f"figures/A-fit-{name}-loss.svg") for name in ("a b", "a-b", "深")]
    found = page(document(*shown, claim("A-fit-深", figure="figures/A-fit-深-loss.svg"), figures=figures))
    ids = [element["attributes"]["id"] for element in found.elements if "id" in element["attributes"]]
    assert len(ids) == len(set(ids))
    for element in found.elements:
        for name in ("href", "aria-labelledby"):
            if name in element["attributes"]:
                assert element["attributes"][name].removeprefix("#") in ids
    (link,) = found.find("a", inside="claim-A-fit", href="#figure-figures-A-fit-loss-svg")
    (shown_there,) = found.find("figure", id=link["attributes"]["href"][1:])
    assert "figures/A-fit-深-loss.svg" in unquote(
        found.find("img", inside=shown_there["attributes"]["id"])[0]["attributes"]["src"].partition(",")[2]
    )


def test_what_acts_on_a_reader_is_made_visible(page):
    odd = "\x1b[31m\u202e\ud800\0"
    shown = claim(f"A-fit-{odd}", says=odd, where=odd, note=odd, remark=odd, topic=odd, report=odd, assumptions=[odd])
    shown["effect"] |= {"name": odd, "unit": odd}
    pictures = [figure("A", odd, odd, "figures/A-fit-\u202e-loss.svg", note=f"{odd}\nb")]
    found = page(document(shown, figures=pictures, environment={odd: odd}))
    text = "".join(element["text"] for element in found.elements)
    assert not set(odd) - set("[31m") & set(text)
    assert "�[31m���" in text
    (note,) = found.find("p", class_="note")
    assert note["text"] == "�[31m���\nb"
