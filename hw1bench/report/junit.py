"""claims.json -> junit.xml: one suite per topic, one test case per test, the verdict or pilot as properties."""

import json
import re

from junitparser import Error, Failure, JUnitXml, Skipped
from junitparser.xunit2 import TestCase, TestSuite

from hw1bench.court.vocabulary import OutcomeWord
from hw1bench.report import standings, words
from hw1bench.report.contract import Claim, Document, Exhibit, check
from hw1bench.report.outline import outline
from hw1bench.report.plain import clean, line


def render(document: Document) -> str:
    """Render the JUnit XML of a claims.json document; raises ValueError if the document breaks its contract.

    Tests have the names that pytest's own JUnit file gives them, and are counted as there: those of exhibits, which judge
    nothing, are in it, and those that the session did not reach are not. A claim of an older document, which does not name
    its test, is there by its topic and id. Claims that an earlier session judged are not part of this test run and are left out.

    Seconds are the training seconds of the runs that a claim rests on, whichever session trained them. The property ``fidelity``
    tells verdicts, "as reported", from pilots, "reduced". An unsurprising refutation is skipped with type ``pytest.xfail``, as
    pytest writes it; a failure in the test is a ``failure``, and one in a fixture is an ``error``. Characters that XML cannot
    hold even if escaped, such as the terminal colours of a crash, are replaced.
    """
    check(document)
    xml = JUnitXml("hw1bench")
    cases: dict[str, list[TestCase]] = {}
    for section in outline(document):
        for claim in section.claims:
            if claim["judged"] == document["started"] and claim.get("test", "") is not None:
                cases.setdefault(section.topic, []).append(_case(claim))
    for exhibit in document.get("exhibits", ()):
        cases.setdefault(exhibit["topic"], []).append(_exhibit(exhibit))
    for topic, some in cases.items():
        suite = TestSuite(line(topic))
        suite.timestamp = document["started"]
        suite.add_testcases([*some])
        xml.add_testsuite(suite)
    return str(xml.tostring().decode("utf-8"))


def _case(claim: Claim) -> TestCase:
    test = claim.get("test")
    classname, name = _names(test) if test else (f"claims.{claim['topic']}", f"{claim['tier']}-{claim['id']}")
    case = TestCase(line(name), line(classname), claim["seconds"])
    effect = claim["effect"]
    found = {
        "verdict": claim["verdict"],
        "fidelity": claim["fidelity"],
        "how": claim["how"],
        "effect": effect and (effect["median"] if effect["median"] is not None else effect["not_finite"]["median"]),
        "effect_unit": effect and effect["unit"],
        "holds": claim["holds"],
        "seeds": claim["seeds"],
        "share": claim["share"] and json.dumps(claim["share"]),
        "ruling": claim["ruling"],
        "record": claim["record"] and claim["record"]["verdict"],
        "agreement": claim["agreement"],
        "readings": "; ".join(words.readings(claim)) or None,
        "variants": words.stands(claim["verdict"], claim.get("variants", ())) or None,
        "fragile": "; ".join(claim["fragile"]) or None,
        "close": "true" if claim["close"] else None,
        "chance": claim["chance"],
        "trivial": claim["trivial"] or None,
        "remark": claim["remark"] or None,
        "dataset": words.judged_on(claim) or None,
        "assumptions": "; ".join(claim["assumptions"]) or None,
        "changes": "; ".join(claim["changes"]) or None,
    }
    for key, value in found.items():
        if value is not None:
            case.add_property(key, clean(str(value)))
    record = f" {standings.record(claim)}" if standings.record(claim) else ""
    message = clean(f"{words.sentence(claim)}{record} It was claimed ({claim['where']}): {claim['says']}")
    _end(case, claim["outcome"], message, words.verdict(claim))
    return case


def _exhibit(exhibit: Exhibit) -> TestCase:
    classname, name = _names(exhibit["test"])
    case = TestCase(line(name), line(classname))
    _end(case, exhibit["outcome"], clean(exhibit["reason"]), "")
    return case


def _end(case: TestCase, outcome: OutcomeWord, message: str, kind: str) -> None:
    """Give ``case`` the result of its ``outcome``, if it is not that it passed; a failure is of type ``kind``."""
    if outcome in ("failed", "error"):
        case.result = [(Error if outcome == "error" else Failure)(message, kind)]
    elif outcome in ("xfailed", "skipped"):
        case.result = [Skipped(message, "pytest.xfail" if outcome == "xfailed" else "pytest.skip")]


def _names(test: str) -> tuple[str, str]:
    """The classname and the name that pytest's JUnit file gives the test with the node id ``test``."""
    address, bracket, parameters = test.partition("[")
    path, *names = address.split("::")
    module = re.sub(r"\.py$", "", path.replace("/", "."))
    *outer, last = [module, *names]
    return ".".join(outer), f"{last}{bracket}{parameters}"
