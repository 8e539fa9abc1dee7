"""The evidence of the record: ``reports/record/claims.json`` holds, behind each ruling of the full tier, what it rests on."""

import subprocess
from pathlib import Path

import pytest

import hw1bench
from hw1bench.report import again, origins
from hw1bench.report.contract import measured
from hw1bench.report.reading import read
from hw1bench.support.number import not_finite
from parsed_page import Page

ROOT = Path(hw1bench.__file__).parents[1]
FOLDER = ROOT / "reports" / "record"
LARGEST = 2 * 2**20  # bytes


@pytest.fixture(scope="module")
def evidence():
    return read(FOLDER)[0]


@pytest.fixture(scope="module")
def on_record(collected_claims):
    """The rulings of the full tier that count, by claim, and what each is bound to."""
    cases, book, *_ = collected_claims
    found = {case.claim.id: (case.ruled(book, "full"), case.subjects["full"]) for case in cases}
    return {name: pair for name, pair in found.items() if pair[0] is not None}


def place(value):
    """A number as a ruling has it: by name if it is not finite."""
    return not_finite(value) or value


def test_every_ruling_has_its_evidence(evidence, on_record):
    there = {claim["id"] for claim in evidence["claims"]}
    assert there == set(on_record), "what is not on record is to be taken out, and a ruling comes with its evidence"


def test_the_evidence_is_of_the_present_claim_and_says_what_the_ruling_says(evidence, on_record):
    assert (evidence["tier"], evidence["seed_offset"]) == ("full", 0)
    for claim in evidence["claims"]:
        name, (ruling, subject) = claim["id"], on_record[claim["id"]]
        assert (claim["experiment"], claim["effect_digest"], claim["fidelity"]) == subject, name
        keys = ("verdict", "how", "holds", "seeds", "environment")
        assert [claim[key] for key in keys] == [getattr(ruling, key) for key in keys], name
        numbers = measured(claim["effect"]) if claim["effect"] else {}
        assert (place(numbers["median"]) if numbers else None) == ruling.median, name
        ends = (place(numbers["low"]), place(numbers["high"])) if "low" in numbers else None
        assert ends == ruling.interval, name


def test_the_file_is_small_and_alone():
    assert (FOLDER / "claims.json").stat().st_size <= LARGEST
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "reports/record"], capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a clone")
    assert set(listed.stdout.split()) <= {"reports/record/claims.json"}


def test_the_page_of_the_record_needs_nothing_else(evidence, tmp_path):
    (tmp_path / "claims.json").write_bytes((FOLDER / "claims.json").read_bytes())
    page = Page((again(tmp_path) / "index.html").read_text())
    assert not page.find("img")
    assert len(page.find("svg", class_="strip")) == sum(claim["effect"] is not None for claim in evidence["claims"])
    assert origins.on_record(evidence).startswith("This is the record")
    assert origins.on_record(evidence) in page.text("origins")
