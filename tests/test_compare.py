"""Comparing two documents, and the contract that a document read from disk must keep."""

import copy
import json

import pytest

from hw1bench.report.compare import Change, compare, render
from hw1bench.report.contract import check
from sample_document import COPY, across, claim, document, everything, evidence, exact, figure


def test_a_document_compared_with_itself_has_not_changed():
    found = compare(document(), document())
    assert not found.changed
    assert (found.verdicts, found.hows, found.added, found.removed, found.timings, found.settings) == ((),) * 6
    assert found.same == 10
    assert render(found) == "time     the whole session: 2 min 15 s -> 2 min 15 s\n0 verdicts changed, 10 did not\n"


def test_a_verdict_that_changed_is_named_with_how():
    found = compare(document(exact(), claim()), document(exact(), claim(**evidence([-1.0] * 8))))
    assert found.changed
    assert found.verdicts == (Change("A-fit-sinc-shallow-first", "supported", "refuted, reversed"),)
    assert (found.hows, found.same) == ((), 1)
    text = render(found)
    assert text.startswith("verdict  A-fit-sinc-shallow-first: supported -> refuted, reversed\n")
    assert text.endswith("1 verdict changed, 1 did not\n")


def test_another_way_of_being_refuted_is_told_but_is_no_other_verdict():
    refuted = evidence([-1.0] * 8)
    found = compare(document(claim(**refuted)), document(claim(**{**refuted, "how": "absent"})))
    assert not found.changed
    assert found.hows == (Change("A-fit-sinc-shallow-first", "refuted, reversed", "refuted, absent"),)
    assert "how      A-fit-sinc-shallow-first: refuted, reversed -> refuted, absent\n" in render(found)


def test_claims_in_one_document_alone_are_told_but_change_no_verdict():
    found = compare(document(claim("A-fit-1"), claim("A-fit-2")), document(claim("A-fit-2"), claim("A-fit-3")))
    assert (found.added, found.removed, found.same, found.changed) == (("A-fit-3",), ("A-fit-1",), 1, False)
    assert "added    A-fit-3\nremoved  A-fit-1\n" in render(found)


@pytest.mark.parametrize(
    ("old", "new", "notable"),
    [(10.0, 15.0, True), (15.0, 10.0, True), (10.0, 14.9, False), (0.1, 1.0, False), (0.1, 1.1, True), (0, 0, False)],
)
def test_times_are_told_when_they_differ_by_half_and_by_a_second(old, new, notable):
    found = compare(document(claim(seconds=old)), document(claim(seconds=new)))
    assert found.timings == ((Change("A-fit-sinc-shallow-first", old, new),) if notable else ())
    assert ("time     A-fit-sinc-shallow-first" in render(found)) == notable


def test_settings_that_differ_are_told():
    other = document(seed_offset=64, tier="full")
    other["environment"] = {**other["environment"], "isa": "avx512", "gpu": "H100"}
    found = compare(document(), other)
    assert found.settings == (
        *(Change("tier", "quick", "full"), Change("seed offset", 0, 64)),
        *(Change("isa", "avx2", "avx512"), Change("gpu", None, "H100")),
    )
    assert "setting  isa: avx2 -> avx512\n" in render(found)


@pytest.mark.parametrize("position", [0, 1])
def test_both_documents_are_checked(position):
    pair = [document(), document()]
    pair[position]["schema"] = 2
    with pytest.raises(ValueError, match="schema 2"):
        compare(*pair)


# The contract.


def test_the_sample_keeps_the_contract_and_survives_json():
    check(document())
    check(json.loads(json.dumps(document(), allow_nan=False)))


@pytest.mark.parametrize("key", list(document()))
def test_a_document_without_a_key_is_refused(key):
    broken = document()
    del broken[key]
    with pytest.raises(ValueError, match=f"the document has no '{key}'"):
        check(broken)


@pytest.mark.parametrize("key", list(claim()))
def test_a_claim_without_a_key_is_refused(key):
    broken = claim()
    del broken[key]
    with pytest.raises(ValueError, match=f"claim .* has no '{key}'"):
        check(document(broken))


@pytest.mark.parametrize("key", ["name", "unit", "median", "interval", "values"])
def test_an_effect_without_a_key_is_refused(key):
    broken = copy.deepcopy(claim())
    del broken["effect"][key]
    with pytest.raises(ValueError, match=f"effect of claim 'A-fit-sinc-shallow-first' has no '{key}'"):
        check(document(broken))


@pytest.mark.parametrize("key", ["report", "number", "title", "path"])
def test_a_figure_without_a_key_is_refused(key):
    broken = document()
    del broken["figures"][0][key]
    with pytest.raises(ValueError, match=f"has no '{key}'"):
        check(broken)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"verdict": "true"}, "verdict 'true': use one of supported, refuted"),
        ({"outcome": "xpassed"}, "outcome 'xpassed': use one of passed, failed"),
        ({"effect": None}, "'effect' is null"),
        ({"share": None}, "'share' is null"),
        ({"seeds": 16}, "from 16 seeds but has 8 effects"),
        ({"seconds": float("inf")}, r"claims\[0\]\.seconds is inf: write null"),
        ({"share": [0.6, float("nan")]}, r"claims\[0\]\.share\[1\] is nan: write null"),
    ],
)
def test_a_claim_that_contradicts_itself_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        check(document(claim(**changed)))


def test_a_claim_named_twice_is_refused():
    with pytest.raises(ValueError, match="'A-count-path' occurs more than once"):
        check(document(exact(), *everything()))


@pytest.mark.parametrize("path", ["/etc/a.svg", "../a.svg", "figures/../../a.svg", "a.html", "..\\a.svg", ""])
def test_a_figure_anywhere_else_or_of_another_type_is_refused(path):
    with pytest.raises(ValueError, match=r"is not an \.svg or \.png below the report directory"):
        check(document(figures=[figure("A", "-", "title", path)]))


def test_what_older_documents_lack_may_be_there():
    check(document(claim(changes=["widths divided by 4"], dataset=COPY), figures=[across()]))
    check(document(claim(changes=[], dataset={"name": "d", "fingerprint": "0", "stand_in": False}), figures=[]))


@pytest.mark.parametrize("changes", ["widths", None, [1], {"widths": 4}])
def test_changes_that_are_no_texts_are_refused(changes):
    with pytest.raises(ValueError, match=r"has changes .* write a list of texts"):
        check(document(claim(changes=changes)))


@pytest.mark.parametrize("note", [None, 3, ["a"]])
def test_a_note_that_is_no_text_is_refused(note):
    with pytest.raises(ValueError, match=r"the note of figure 'figures/across-random-memorising\.svg' is"):
        check(document(figures=[across(note=note)]))
