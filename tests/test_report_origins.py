"""What a report says of where it comes from: the record, sessions, devices."""

import pytest

from hw1bench.report import html, markdown, origins
from parsed_page import Page
from sample_document import ENVIRONMENT, STARTED, claim, document, evidence, exact, on_record, unjudged

EARLIER = "2026-01-30T12:00:00+00:00"
GPU = {**ENVIRONMENT, "device": "NVIDIA H100"}


def full(name="A-fit-x", **changed):
    return claim(name, **{"tier": "full", "record": on_record("supported"), **changed})


def counted(**changed):
    return exact(
        tier="full", record={**on_record("supported"), "holds": None, "seeds": None, "median": None}, **changed
    )


def test_a_document_of_rulings_on_record_says_that_it_is_the_record():
    assert origins.on_record(document(full(), counted(), unjudged("B-fit-x", "not run", tier="full"), tier="full")) == (
        "This is the record: each verdict here is the full tier's ruling on its claim."
    )


@pytest.mark.parametrize(
    "other",
    [
        {"record": None},
        {"record": on_record("refuted")},
        {"record": on_record("supported", seeds=16, holds=16)},
        {"record": on_record("supported", holds=7)},
        evidence([-1.0] * 8) | {"how": "absent", "record": on_record("refuted", holds=0, how="reversed")},
    ],
)
def test_a_verdict_that_is_not_the_ruling_on_record_is_counted_apart(other):
    found = document(full(), full("A-fit-y", **other), tier="full")
    assert origins.on_record(found) == "1 of 2 verdicts here is on record."


def test_the_quick_tier_and_a_document_without_verdicts_are_not_called_the_record():
    assert origins.on_record(document()) == ""
    assert origins.on_record(document(unjudged("B-fit-x", "error", tier="full"), tier="full")) == ""


def test_sessions_days_and_devices_are_told_if_there_was_more_than_one_session():
    assert origins.gathered(document(full(), counted(), tier="full")) == ""
    several = [full(), full("A-fit-y", judged=EARLIER, environment=GPU), full("A-fit-z", judged=EARLIER), counted()]
    found = document(*several, tier="full")
    assert origins.gathered(found) == (
        "Judged in 2 sessions from 2026-01-30 to 2026-01-31 (2 on CPU, 1 on NVIDIA H100, 1 exact counts)."
    )
    old = full(judged=EARLIER)
    del old["environment"]
    assert (
        origins.gathered(document(old, tier="full"))
        == "Judged in 1 session of 2026-01-30 (1 on a device that is not stated)."
    )


def test_the_page_and_markdown_say_it_and_each_claim_says_when_and_on_what(tmp_path):
    found = document(full(judged=EARLIER, environment=GPU), counted(), tier="full", figures=[])
    page = Page(html.render(found, tmp_path))
    for said in (origins.on_record(found), origins.gathered(found)):
        assert said in page.text("origins")
        assert f"- {said}" in markdown.render(found)
    assert "judged 2026-01-30 on NVIDIA H100" in page.text("claim-A-fit-x")
    assert "judged 2026-01-31" in page.text("claim-A-count-path")
    assert "The last of these sessions" in "".join(one["text"] for one in page.find("p", class_="kind"))
    one = Page(html.render(document(full(judged=STARTED), tier="full", figures=[]), tmp_path))
    assert "The last of these" not in "".join(found["text"] for found in one.find("p"))
