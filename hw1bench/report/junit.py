"""claims.json -> junit.xml: one suite per topic, one test case per claim, the verdict or pilot as properties."""

import json

from junitparser import Error, Failure, JUnitXml, Skipped
from junitparser.xunit2 import TestCase, TestSuite

from hw1bench.report import words
from hw1bench.report.contract import Claim, Document, check
from hw1bench.report.outline import outline
from hw1bench.report.plain import clean, line


def render(document: Document) -> str:
    """Render the JUnit XML of a claims.json document; raises ValueError if the document breaks its contract.

    Seconds are the training seconds of the runs that a claim rests on, whichever session trained them. The property ``fidelity``
    tells verdicts, "as reported", from pilots, "reduced". An unsurprising refutation is skipped with type ``pytest.xfail``, as
    pytest writes it; a failure in the test is a ``failure``, and one in a fixture is an ``error``. Claims that an earlier session
    judged are not part of this test run and are left out. Characters that XML cannot hold even if escaped, such as the terminal
    colours of a crash, are replaced.
    """
    check(document)
    xml = JUnitXml("hw1bench")
    for section in outline(document):
        claims = [claim for claim in section.claims if claim["judged"] == document["started"]]
        if claims:
            suite = TestSuite(line(section.topic))  # type: ignore[no-untyped-call]
            suite.timestamp = document["started"]
            suite.add_testcases([_case(claim) for claim in claims])
            xml.add_testsuite(suite)
    return str(xml.tostring().decode("utf-8"))  # type: ignore[no-untyped-call]


def _case(claim: Claim) -> TestCase:
    name = line(f"{claim['tier']}-{claim['id']}")
    case = TestCase(name, line(f"claims.{claim['topic']}"), claim["seconds"])
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
    record = f" {words.record(claim)}" if words.record(claim) else ""
    message = clean(f"{words.sentence(claim)}{record} It was claimed ({claim['where']}): {claim['says']}")
    if claim["outcome"] in ("failed", "error"):
        case.result = [(Error if claim["outcome"] == "error" else Failure)(message, words.verdict(claim))]
    elif claim["outcome"] == "xfailed":
        case.result = [Skipped(message, "pytest.xfail")]
    elif claim["outcome"] == "skipped":
        case.result = [Skipped(message, "pytest.skip")]
    return case
