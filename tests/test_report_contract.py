"""The contract of claims.json: each type, each bound, and what one value says of another."""

import copy
import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hw1bench.report import schema
from hw1bench.report.contract import check, measured
from sample_document import (
    CALIBRATION,
    REPORTS,
    TOPICS,
    across,
    claim,
    document,
    everything,
    evidence,
    exact,
    figure,
    on_record,
    readings,
    unjudged,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=5), parts, max_size=3),
    max_leaves=5,
)


def places(value, before=()):
    """The path of every value within ``value``."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*before, key)
        yield from places(part, (*before, key))


def put(found, path, value):
    """A copy of ``found`` with ``value`` at ``path``."""
    found = copy.deepcopy(found)
    inside = found
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return found


def refusal(found):
    """The one line that refuses ``found``; None where nothing does."""
    said = None
    try:
        check(found)
    except ValueError as error:
        said = str(error)
    assert said is None or ("\n" not in said and len(said) < 400 and ": " in said)
    return said


FULL = document(
    everything()[8], exact(), claim(dataset={"name": "d", "fingerprint": "0", "stand_in": True, "canonical": True})
)
PLACES = list(places(FULL))
OPTIONAL = [("reports",), ("topics",)]  # older documents have none
LATER = ("effect_digest", "environment")  # of a claim; older documents have none


def test_the_sample_keeps_the_contract_and_survives_json():
    assert refusal(document()) is None
    assert refusal(json.loads(json.dumps(document(), allow_nan=False))) is None
    assert refusal({**document(), "claims": [], "figures": []}) is None


def test_the_schema_in_the_package_matches_the_types():
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "run python -m hw1bench.report"
    assert json.loads(schema.text())["properties"]["claims"]["items"]["required"] == [
        key for key in claim() if key not in LATER
    ]


def test_a_document_of_a_later_version_may_have_more_keys():
    later = document(claim(variants=[{"name": "v", "verdict": "supported"}]), record={"later": [[None]]})
    later["claims"][0]["effect"]["later"] = 1
    later["figures"][0]["later"] = {}
    assert refusal(later) is None


@pytest.mark.parametrize("other", [1, 2, 4, 3.5, "3", None, [], True])
def test_another_schema_is_refused_before_all_else(other):
    assert "this version reads 3: judge again" in refusal({"schema": other})


@pytest.mark.parametrize("found", [None, [], "text", 3, True])
def test_anything_but_an_object_is_refused(found):
    assert "not a claims.json document: name a report directory or a claims.json" in refusal(found)


def test_a_key_that_is_missing_is_named():
    for path in PLACES:
        if isinstance(path[-1], str) and not {*LATER} & {*path} and path not in OPTIONAL:
            broken = copy.deepcopy(FULL)
            inside = broken
            for key in path[:-1]:
                inside = inside[key]
            del inside[path[-1]]
            assert f"has no {path[-1]!r}: write " in refusal(broken)


def test_a_fault_is_named_with_its_claim_its_place_and_its_value():
    broken = document(exact(), claim(verdict="true"))
    assert refusal(broken) == (
        "claim 'A-fit-sinc-shallow-first': claims[1].verdict is 'true': write one of supported, refuted, inconclusive, "
        "no evidence, seen, not seen, mixed, error, not run"
    )
    assert refusal(document(claim(id=3))) == "claims[0].id is 3: write a string that is not blank"
    assert refusal(document(claim(seconds=-1))).endswith("claims[0].seconds is -1: write a finite number of at least 0")


def test_a_value_of_another_type_is_refused_at_its_place():
    for path in PLACES:
        value = FULL
        for key in path:
            value = value[key]
        wrong = [[None, None, None], {"a": object}, math.nan, -math.inf, 10**400]
        if "environment" not in path:
            wrong += [] if isinstance(value, bool) else [True]
            wrong += [] if isinstance(value, str) or path[-1] in ("experiment", "figure") else ["1"]
        for other in wrong:
            found = refusal(put(FULL, path, other))
            assert found is not None, (path, other)
            assert str(path[0]).removesuffix("s") in found


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_whatever_stands_anywhere_is_taken_or_refused_in_one_line(path, value):
    found = put(FULL, path, value)
    if refusal(found) is None:
        json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"effect": None}, "'effect' is null"),
        ({"share": None}, "'share' is null"),
        ({"level": None}, "'level' is null"),
        ({"holds": None}, "'holds' is null"),
        ({"holds": 9}, "holds in 9 of 8 seeds"),
        ({"holds": -1}, "holds is -1"),
        ({"holds": True}, "holds is true"),
        ({"holds": 8.0}, "holds is 8.0"),
        ({"holds": 8, "seeds": None}, "holds in 8 of null seeds"),
        ({"seeds": 16}, "has 16 seeds but 8 effects"),
        ({"seeds": 0}, "seeds is 0"),
        ({"seeds": 2**53 + 1}, "seeds is 9007199254740993"),
        ({"seeds": 10**400}, "seeds is 1000"),
        ({"level": 0}, "level is 0: write a finite number between 0 and 1 or null"),
        ({"level": 1.0}, "level is 1.0"),
        ({"share": [0.7, 0.6]}, "share 0.7 to 0.6: write the lower end first"),
        ({"share": [-0.1, 0.6]}, r"share\[0\] is -0.1: write a finite number from 0 to 1"),
        ({"share": [0.1, 1.1]}, r"share\[1\] is 1.1"),
        ({"share": [0.1]}, "share is a list of 1: write a list of 2 or null"),
        ({"share": {"low": 0.1, "high": 0.2}}, "share is an object"),
        ({"share": [0.6, math.nan]}, r"claims\[0\]\.share\[1\] is nan: write a finite number"),
        ({"looks": [8, 8]}, r"looks \[8, 8\], which do not increase"),
        ({"looks": [16, 8]}, "do not increase"),
        ({"looks": [0, 8]}, r"looks\[0\] is 0"),
        ({"looks": None}, "'looks' is null"),
        ({"looks": []}, r"has 8 seeds, and looks at \[\]"),
        ({"looks": [4, 16]}, r"has 8 seeds, and looks at \[4, 16\]: write a number of seeds at which it was looked"),
        ({"looks": [8, 10**9]}, "has a look at 1,000,000,000 seeds: write 10,000 or fewer"),
        ({"how": "absent"}, "is supported, but how is 'absent': write null"),
        ({"how": "<b>"}, "how is '<b>': write one of reversed, absent or null"),
        ({"ruling": "error"}, "ruling is 'error': write one of supported, refuted, inconclusive, no evidence, seen"),
        ({"outcome": "xpassed"}, "outcome is 'xpassed': write one of passed, failed, error, xfailed, skipped"),
        ({"id": " \n"}, "is not blank"),
        ({"changes": "widths"}, "changes is 'widths': write a list"),
        ({"changes": {"widths": 4}}, "changes is an object: write a list"),
        ({"changes": [1]}, r"changes\[0\] is 1: write a string"),
        ({"says": "x" * 1000 * 1000, "where": 3}, "where is 3"),
        ({"topic": None}, "topic is null"),
        ({"reused": 1}, "reused is 1: write true or false"),
    ],
)
def test_a_claim_that_contradicts_itself_is_refused(changed, message):
    assert re.search(message, refusal(document(claim(**changed))))


PILOT = {"fidelity": "reduced", "verdict": "seen"}
RECORD = on_record("supported")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"verdict": "seen"},
            "is as reported and says 'seen': write one of supported, refuted, inconclusive, no evidence",
        ),
        ({"verdict": "mixed"}, "is as reported and says 'mixed'"),
        ({"fidelity": "reduced"}, "is reduced and says 'supported': write one of seen, not seen, mixed, no evidence"),
        ({**PILOT, "tier": "full"}, "is of the full tier, but its fidelity is 'reduced': write 'as reported'"),
        ({"fidelity": "partly"}, "fidelity is 'partly': write one of as reported, reduced"),
        ({"ruling": "not seen"}, "is as reported and says 'not seen'"),
        ({**PILOT, "ruling": "refuted"}, "is reduced and says 'refuted'"),
        ({**PILOT, **readings("a", {"1": "refuted"})}, "is reduced and says 'refuted'"),
        (readings("a", {"1": "mixed"}), "is as reported and says 'mixed'"),
        ({"record": {**RECORD, "verdict": "seen"}}, "record.verdict is 'seen': write one of supported, refuted"),
        ({"record": {**RECORD, "holds": 9}}, "holds in 9 of 8 seeds on record"),
        ({"record": {**RECORD, "seeds": None}}, "holds in 8 of null seeds on record"),
        ({"agreement": "agrees"}, "with nothing on record, but its agreement is 'agrees': write null"),
        (
            {"agreement": "agrees", "record": RECORD},
            "with supported on record, but its agreement is 'agrees': write null",
        ),
        ({**PILOT, "record": RECORD}, "is seen, with supported on record, but its agreement is null: write agrees"),
        ({**PILOT, "record": RECORD, "agreement": "differs"}, "its agreement is 'differs': write agrees"),
        ({**PILOT, "record": on_record("refuted"), "agreement": "agrees"}, "its agreement is 'agrees': write differs"),
        ({"calibration": CALIBRATION}, "is as reported and has a calibration, which is of pilots: write null"),
        ({**PILOT, "calibration": {**CALIBRATION, "agree": 6}}, "has 6 pilots that agree of 5"),
        ({"fragile": ["a"]}, "a reading of 'a' does not change the word: remove it from fragile"),
        ({**readings("a", {"1": "supported"})}, "a reading of 'a' does not change the word: remove it from fragile"),
        (
            {**readings("a", {"1": "refuted"}), "fragile": []},
            "a reading of 'a' changes the word: name it under fragile",
        ),
        ({**readings("a", {"1": "refuted"}), "fragile": ["a", "b"]}, "a reading of 'b' does not change the word"),
    ],
)
def test_words_that_no_protocol_of_its_kind_can_give_are_refused(changed, message):
    assert message in refusal(document(claim(**changed)))


def test_only_what_was_judged_from_seeds_is_close_to_a_bound():
    assert refusal(document(claim(close=True))) is None
    assert "is close: write false" in refusal(document(exact(close=True)))
    assert "is close: write false" in refusal(document(unjudged("A-fit-x", "not run", close=True)))


def test_a_claim_that_could_not_be_judged_may_have_any_fidelity():
    for verdict in ("not run", "error"):
        for fidelity in ("as reported", "reduced"):
            assert refusal(document(unjudged("A-fit-x", verdict, fidelity=fidelity, record=RECORD))) is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"median": None}, "null as effect 'median': state its kind under not_finite"),
        ({"interval": [None, 1.0]}, "null as effect 'low'"),
        ({"values": [None, *[1.0] * 7]}, "null as effect '0'"),
        ({"values": [1.0] * 7}, "8 seeds but 7 effects"),
        ({"seeds": [0, 1, 2]}, "has 8 effects of 3 seeds: give one per seed"),
        ({"not_finite": {"median": "undefined"}}, "has 'median' in not_finite, but no null there: remove it"),
        ({"not_finite": {"8": "undefined"}}, "has '8' in not_finite, but no null"),
        ({"not_finite": {"mean": "undefined"}}, "has 'mean' in not_finite"),
        ({"interval": None, "not_finite": {"low": "-infinity"}}, "has 'low' in not_finite"),
        ({"median": None, "not_finite": {"median": "nan"}}, "write one of undefined, +infinity, -infinity"),
        ({"median": None, "not_finite": ["median"]}, "not_finite is a list of 1: write an object"),
        ({"interval": [2.0, 1.0]}, "interval 2.0 to 1.0: write the lower end first"),
        ({"interval": [None, 1.0], "not_finite": {"low": "+infinity"}}, "interval inf to 1.0"),
        ({"median": math.nan}, r"claims\[0\]\.effect\.median is nan: write a finite number or null"),
        ({"values": [math.inf] * 8}, r"values\[0\] is inf"),
    ],
)
def test_an_effect_has_null_exactly_where_it_names_a_kind(changed, message):
    broken = claim()
    broken["effect"] |= changed
    assert message.replace("\\", "") in refusal(document(broken))


def test_the_numbers_of_an_effect_by_place():
    found = measured(evidence([math.nan, -math.inf, 1.0, 2.0, 3.0, 4.0, 5.0, math.inf])["effect"])
    assert math.isnan(found.pop("0"))
    low = found.pop("low")
    assert math.isnan(low) or low == -math.inf
    assert found == {"median": 2.5, "high": math.inf, "1": -math.inf, "7": math.inf} | {
        str(seed): seed - 1.0 for seed in range(2, 7)
    }
    without = {**evidence([1.0] * 8)["effect"], "interval": None}
    assert list(measured(without)) == ["median", *map(str, range(8))]


@pytest.mark.parametrize("started", ["yesterday", "", "2026-01-31", "2026-01-31 12:00:00", "2026-01-31T12:00:00+01"])
def test_a_start_that_is_not_a_time_is_refused(started):
    assert "started is" in refusal(document(started=started))
    assert "write a string like 2026-01-31T12:00:00+00:00" in refusal(document(started=started))


def test_a_claim_and_a_figure_named_twice_are_refused():
    assert "claim id 'A-count-path' occurs more than once" in refusal(document(exact(), *everything()))
    assert "figure path 'figures/across-random-memorising.svg' occurs" in refusal(
        document(figures=[across(), across()])
    )


def test_a_report_or_a_topic_described_twice_is_refused():
    assert "report 'A' occurs more than once: describe each report once" in refusal(
        document(reports=[*REPORTS, *REPORTS])
    )
    assert "topic 'counts' occurs more than once" in refusal(document(topics=[*TOPICS, *TOPICS]))


def test_a_document_without_descriptions_of_reports_and_topics_keeps_the_contract():
    old = document()
    del old["reports"], old["topics"]
    assert refusal(old) is None


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//example.org", "https://a b", 'https://"', "x"]
)
def test_a_url_that_is_not_one_is_refused(url):
    said = refusal(document(reports=[{**REPORTS[0], "url": url}]))
    assert said.endswith("write a string like https://example.org/report.pdf")


@pytest.mark.parametrize("path", ["/etc/a.svg", "../a.svg", "figures/../../a.svg", "a.html", "..\\a.svg", "", ".svg"])
def test_a_figure_anywhere_else_or_of_another_type_is_refused(path):
    assert "is not an .svg or .png below the report directory" in refusal(
        document(figures=[figure("A", "-", "t", path)])
    )


@pytest.mark.parametrize("path", ["a\n.svg", "a\0.svg", "\x1b[2J.svg", "\ud800.svg"])
def test_a_figure_with_a_name_that_no_file_can_have_is_refused(path):
    assert "has characters that a file name cannot hold" in refusal(document(figures=[figure("A", "-", "t", path)]))
