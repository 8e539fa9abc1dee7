"""The JUnit file: what a CI shows of the verdicts."""

import json

import pytest
from junitparser import JUnitXml
from junitparser.xunit2 import JUnitXml as Xml

from hw1bench.report import words
from hw1bench.report.junit import render
from sample_document import DIGITS, claim, document, everything, exact, on_record, pilot, readings, unjudged


@pytest.fixture
def cases():
    def build(found):
        xml = Xml.fromstring(render(found).encode())
        return {case.name: case for suite in xml for case in suite}

    return build


def properties(case):
    return {item.name: item.value for item in case.properties()}


def test_one_suite_per_topic_and_one_case_per_claim():
    xml = JUnitXml.fromstring(render(document()).encode())
    assert {suite.name: suite.tests for suite in xml} == {"counts": 2, "fit": 5, "task": 5, "random": 3}
    assert [(case.classname, case.name) for case in next(iter(xml))] == [
        ("claims.counts", "quick-A-count-path"),
        ("claims.counts", "quick-A-count-flatness"),
    ]
    assert {suite.timestamp for suite in xml} == {document()["started"]}


def test_totals_count_outcomes():
    xml = JUnitXml.fromstring(render(document()).encode())
    assert (xml.tests, xml.failures, xml.errors, xml.skipped) == (15, 2, 0, 8)
    assert xml.time == pytest.approx(sum(found["seconds"] for found in everything()))


@pytest.mark.parametrize(
    ("outcome", "verdict", "result"),
    [
        ("passed", "supported", []),
        ("failed", "refuted", [("failure", "refuted")]),
        ("failed", "error", [("failure", "error")]),
        ("error", "error", [("error", "error")]),
        ("error", "supported", [("error", "supported")]),
        ("xfailed", "refuted", [("skipped", "pytest.xfail")]),
        ("skipped", "not run", [("skipped", "pytest.skip")]),
        ("failed", "not run", [("failure", "not run")]),
        ("passed", "not run", []),
    ],
)
def test_outcomes_are_written_as_pytest_writes_them(cases, outcome, verdict, result):
    shown = unjudged("A-fit-x", verdict, outcome=outcome, note="why")
    (case,) = cases(document(shown)).values()
    assert [(found._tag, found.type) for found in case.result] == result
    assert all(words.sentence(shown) in found.message for found in case.result)
    assert all(shown["where"] in found.message and shown["says"] in found.message for found in case.result)


def test_the_evidence_is_in_the_properties(cases):
    shown = claim(ruling="supported")
    found = properties(cases(document(shown))["quick-A-fit-sinc-shallow-first"])
    always = {"verdict", "fidelity", "effect", "effect_unit", "holds", "seeds", "share", "assumptions"}
    assert found.keys() == {*always, "ruling"}
    assert found["fidelity"] == "as reported"
    assert found["assumptions"] == "full batch; 300 points"
    assert (found["verdict"], found["ruling"], found["effect_unit"]) == ("supported", "supported", "ln ratio")
    assert (found["holds"], found["seeds"]) == ("8", "8")
    assert float(found["effect"]) == shown["effect"]["median"]
    assert json.loads(found["share"]) == shown["share"]


def test_the_record_and_what_a_verdict_hangs_on_are_in_the_properties(cases):
    doubted = readings("within 0.2", {"0.1": "seen", "0.4": "not seen"})
    shown = pilot(record=on_record("supported"), close=True, chance=0.25, trivial="it would have to rise", **doubted)
    case = cases(document(shown))["quick-E-task-deep-lower"]
    found = properties(case)
    assert (found["verdict"], found["fidelity"]) == ("seen", "reduced")
    assert (found["record"], found["agreement"]) == ("supported", "agrees")
    assert (found["readings"], found["fragile"]) == ("within 0.2 (seen with 0.1, not seen with 0.4)", "within 0.2")
    assert (found["close"], found["chance"], found["trivial"]) == ("true", "0.25", "it would have to rise")
    tried = claim(variants=[{"name": "batches of 16", "verdict": "refuted"}])
    found = properties(cases(document(tried))["quick-A-fit-sinc-shallow-first"])
    assert found["variants"] == "stands in 0 of 1 variants of training: batches of 16 refuted"
    failed = cases(document({**shown, "outcome": "failed"}))["quick-E-task-deep-lower"].result[0]
    assert failed.type == "pilot: seen"
    assert "(pilot; " in failed.message
    assert "On record: supported" in failed.message


def test_the_data_set_and_what_the_tier_changes_are_in_the_properties(cases):
    shown = claim(dataset=DIGITS, changes=["digits stand in for MNIST", "widths divided by 4"])
    found = properties(cases(document(shown))["quick-A-fit-sinc-shallow-first"])
    assert found["dataset"] == "Judged on digits, 28x28, a stand-in that settles nothing about the real data set."
    assert found["changes"] == "digits stand in for MNIST; widths divided by 4"


def test_null_values_have_no_property(cases):
    assert properties(cases(document(exact()))["quick-A-count-path"]) == {
        "verdict": "supported",
        "fidelity": "as reported",
    }
    undefined = claim(how="absent", verdict="refuted", assumptions=[], changes=[])
    found = properties(cases(document(undefined))["quick-A-fit-sinc-shallow-first"])
    assert not found.keys() & {"assumptions", "changes", "dataset", "remark"}
    assert found["how"] == "absent"


@pytest.mark.parametrize("kind", ["undefined", "+infinity", "-infinity"])
def test_an_effect_that_is_not_a_number_is_given_by_its_kind(cases, kind):
    shown = claim(remark="ruled on another experiment")
    shown["effect"] |= {"median": None, "not_finite": {"median": kind}}
    found = properties(cases(document(shown))["quick-A-fit-sinc-shallow-first"])
    assert (found["effect"], found["remark"]) == (kind, "ruled on another experiment")


def test_time_is_training_time(cases):
    assert cases(document(claim(seconds=4.5)))["quick-A-fit-sinc-shallow-first"].time == 4.5


def test_what_xml_cannot_hold_is_replaced(cases):
    shown = unjudged("A-fit-x", "error", outcome="failed", note='\x1b[31mred\x00 <&"> \ud800', says="\x07")
    (case,) = cases(document(shown, tier="quick")).values()
    assert '\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER} <&">' in case.result[0].message


def test_no_text_of_a_claim_breaks_the_file(cases):
    odd = "\ufffe\x9b\u202e]]>\ud800\n<a/>"
    shown = claim(
        f"A-fit-{odd}", topic=odd, where=odd, says=odd, note=odd, remark=odd, assumptions=[odd], outcome="failed"
    )
    shown["effect"] |= {"unit": odd}
    (case,) = cases(document(shown)).values()
    assert case.name == "quick-A-fit-���]]>� <a/>"


def test_topics_with_figures_alone_have_no_suite():
    assert [suite.name for suite in JUnitXml.fromstring(render(document(exact())).encode())] == ["counts"]


def test_a_document_of_another_schema_is_refused():
    with pytest.raises(ValueError, match="schema 2"):
        render(document(schema=2))


def test_claims_of_an_earlier_session_are_not_tests_of_this_one(cases):
    found = cases(document(claim("A-fit-new"), claim("A-fit-old", judged="2026-01-30T12:00:00+00:00")))
    assert list(found) == ["quick-A-fit-new"]


# Beside the file that pytest writes of the same session.

TESTS = """
@pytest.fixture
def broken_setup():
    raise RuntimeError("no setup")


class TestMore:
    @pytest.mark.parametrize("claim", [count("B-count-x", 10)], ids=attrgetter("id"))
    def test_in_setup(self, claim, court, broken_setup):
        court.judge(claim)


@pytest.mark.parametrize("exhibit", [experiment("shown")], ids=attrgetter("id"))
def test_exhibit(exhibit, court):
    court.show(exhibit)


@pytest.mark.parametrize("exhibit", [experiment("hidden")], ids=attrgetter("id"))
def test_no_exhibit(exhibit, court):
    pytest.skip("not today")
"""


def results(path):
    """What a JUnit file says of each test: its class, its name, and how it ended."""
    found = sorted(
        (case.classname, case.name, [(one._tag, one.type if one._tag == "skipped" else "") for one in case.result])
        for suite in Xml.fromstring(path.read_bytes())
        for case in suite
    )
    suites = list(Xml.fromstring(path.read_bytes()))
    return found, [sum(getattr(one, key) for one in suites) for key in ("tests", "failures", "errors", "skipped")]


@pytest.mark.parametrize(("arguments", "totals"), [([], [7, 1, 1, 3]), (["-x"], [4, 1, 0, 2])], ids=["whole", "first"])
def test_it_agrees_with_the_file_that_pytest_writes(pytester, project, arguments, totals):
    words_of = ("supported", "inconclusive", "refuted", "error")
    claims = ", ".join(f"claim('A-fit-{word}', '{word}')" for word in words_of)
    project(f"[{claims}]", TESTS)
    pytester.runpytest("claims", "-k", "A-fit-refuted", "--record-rulings")
    pytester.runpytest("claims", "--junitxml", "pytest.xml", *arguments)
    ours, theirs = (results(pytester.path / name) for name in ("reports/junit.xml", "pytest.xml"))
    assert ours == theirs
    assert ours[1] == totals
    assert ("claims.test_fit", "test_claim[quick-A-fit-supported]", []) in ours[0]
