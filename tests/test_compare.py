"""Comparing two documents: what is told, what is a change, and what cannot be compared."""

import math

import pytest

from hw1bench.report.compare import Change, compare, render
from sample_document import claim, document, evidence, exact, pilot, unjudged


def test_a_document_compared_with_itself_has_not_changed():
    found = compare(document(), document())
    assert not found.changed
    assert (found.verdicts, found.hows, found.effects, found.added, found.timings, found.settings) == ((),) * 6
    assert (found.pilots, found.same) == ((), (8, 4))
    assert render(found) == (
        "time     the whole session: 2 min 15 s -> 2 min 15 s\n"
        "0 verdicts changed, 8 did not; 0 pilots changed, 4 did not\n"
    )


def test_a_verdict_that_changed_is_named_with_how():
    found = compare(document(exact(), claim()), document(exact(), claim(**evidence([-1.0] * 8))))
    assert found.changed
    assert found.verdicts == (Change("A-fit-sinc-shallow-first", "supported", "refuted, reversed"),)
    assert (found.hows, found.same) == ((), (1, 0))
    text = render(found)
    assert text.startswith("verdict  A-fit-sinc-shallow-first: supported -> refuted, reversed\n")
    assert text.endswith("1 verdict changed, 1 did not\n")


def test_pilots_are_compared_apart_from_verdicts():
    found = compare(
        document(exact(), pilot(), pilot("E-task-b")), document(exact(), pilot(values=[-1.0] * 8), pilot("E-task-b"))
    )
    assert found.changed
    assert (found.verdicts, found.same) == ((), (1, 1))
    assert found.pilots == (Change("E-task-deep-lower", "pilot: seen", "pilot: not seen"),)
    text = render(found)
    assert text.startswith("pilot    E-task-deep-lower: pilot: seen -> pilot: not seen\n")
    assert text.endswith("0 verdicts changed, 1 did not; 1 pilot changed, 1 did not\n")


def test_a_pilot_that_is_a_verdict_now_is_a_verdict_that_changed():
    silent = evidence([0.0] * 8)
    found = compare(document(pilot(values=[0.0] * 8)), document(claim("E-task-deep-lower", **silent)))
    assert found.verdicts == (Change("E-task-deep-lower", "pilot: no evidence", "no evidence"),)
    waiting = [unjudged("E-task-x", "not run", fidelity=fidelity) for fidelity in ("reduced", "as reported")]
    assert not compare(*(document(one) for one in waiting)).changed


def test_another_way_of_being_refuted_is_reported_but_does_not_change_the_verdict():
    refuted = evidence([-1.0] * 8)
    found = compare(document(claim(**refuted)), document(claim(**{**refuted, "how": "absent"})))
    assert not found.changed
    assert found.hows == (Change("A-fit-sinc-shallow-first", "refuted, reversed", "refuted, absent"),)
    assert "how      A-fit-sinc-shallow-first: refuted, reversed -> refuted, absent\n" in render(found)


def test_a_median_that_is_a_number_only_once_is_reported_but_does_not_change_the_verdict():
    infinite = claim(**evidence([1.0, 2.0, *[math.inf] * 6]))
    found = compare(document(claim()), document(infinite))
    assert not found.changed
    assert "median   A-fit-sinc-shallow-first: 0.84 ln ratio [0.20, 2.50] -> +infinity ln ratio [" in render(found)
    undefined = claim(**evidence([1.0, 2.0, *[math.inf] * 6]))
    undefined["effect"]["not_finite"]["median"] = "undefined"
    assert len(compare(document(infinite), document(undefined)).effects) == 1
    assert compare(document(infinite), document(infinite)).effects == ()


def test_claims_of_the_new_document_alone_are_reported_but_change_no_verdict():
    found = compare(document(claim("A-fit-1")), document(claim("A-fit-1"), claim("A-fit-2")))
    assert (found.added, found.same, found.changed) == (("A-fit-2",), (1, 0), False)
    assert "added    A-fit-2\n" in render(found)


@pytest.mark.parametrize("verdict", ["error", "not run"])
def test_a_verdict_that_is_gone_is_a_change(verdict):
    assert compare(document(claim()), document(unjudged(claim()["id"], verdict))).changed


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ([claim("A-fit-1")], [claim("A-fit-2")], "no claim in common"),
        ([claim("A-fit-1")], [], "no claim in common"),
        ([], [claim("A-fit-1")], "no claim in common"),
        ([], [], "no claim in common"),
        (
            [claim("A-fit-1"), exact()],
            [exact()],
            r"1 claim of the old document is not in the new one \(A-fit-1\): judge",
        ),
        (
            [exact(), *(claim(f"A-fit-{index}") for index in range(5))],
            [exact(), claim("A-fit-2")],
            r"4 claims of the old document are not in the new one \(A-fit-0, A-fit-1, A-fit-3 and 1 more\)",
        ),
        ([claim()], [claim(tier="full")], "from the quick tier and the new one from the full tier"),
    ],
)
def test_what_cannot_be_compared_is_refused(old, new, message):
    with pytest.raises(ValueError, match=message):
        compare(document(claims=old), document(claims=new))


def test_documents_of_two_tiers_are_refused():
    with pytest.raises(ValueError, match="from the full tier and the new one from the quick tier: compare one tier"):
        compare(document(tier="full"), document())


def test_no_text_of_a_document_can_forge_a_line_or_act_on_a_terminal():
    other = document(environment={**document()["environment"], "isa": "x\n\x1b[2Jverdict  A-x: refuted -> supported"})
    other["environment"]["\x9b31m\r\u202e"] = "\ud800"
    text = render(compare(document(), other))
    assert "setting  isa: avx2 -> x \ufffd[2Jverdict" in text
    assert not set("\r\x1b\x9b\u202e\ud800") & set(text)
    assert [line.split()[0] for line in text.splitlines()] == ["setting", "setting", "time", "0"]


@pytest.mark.parametrize(
    ("old", "new", "notable"),
    [(10.0, 15.0, True), (15.0, 10.0, True), (10.0, 14.9, False), (0.1, 1.0, False), (0.1, 1.1, True), (0, 0, False)],
)
def test_times_are_reported_if_they_differ_by_half_and_by_a_second(old, new, notable):
    found = compare(document(claim(seconds=old)), document(claim(seconds=new)))
    assert found.timings == ((Change("A-fit-sinc-shallow-first", old, new),) if notable else ())
    assert ("time     A-fit-sinc-shallow-first" in render(found)) == notable


def test_settings_that_differ_are_reported():
    other = document(seed_offset=64)
    other["environment"] = {**other["environment"], "isa": "avx512", "gpu": "H100"}
    found = compare(document(), other)
    assert found.settings == (
        *(Change("seed offset", 0, 64), Change("isa", "avx2", "avx512"), Change("gpu", None, "H100")),
    )
    assert "setting  isa: avx2 -> avx512\n" in render(found)


@pytest.mark.parametrize("position", [0, 1])
def test_both_documents_are_checked(position):
    pair = [document(), document()]
    pair[position]["schema"] = 2
    with pytest.raises(ValueError, match="schema 2"):
        compare(*pair)


def test_another_subject_and_another_outcome_are_reported():
    old = document(claim("A-fit-a"), claim("A-fit-b"), claim("A-fit-c"))
    effect = {**claim()["effect"], "unit": "epochs"}
    new = document(
        claim("A-fit-a", experiment="other"), claim("A-fit-b", effect=effect), claim("A-fit-c", outcome="failed")
    )
    found = compare(old, new)
    assert (found.subjects, [change.name for change in found.outcomes]) == (("A-fit-a", "A-fit-b"), ["A-fit-c"])
    assert not found.changed
    text = render(found)
    assert "subject  A-fit-a: the experiment or effect is not the one in the old document" in text
    assert "outcome  A-fit-c: passed -> failed" in text
