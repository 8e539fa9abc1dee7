"""The record as it is printed, and as the page in the docs."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import hw1bench
from hw1bench import Model, Pack, Topic
from hw1bench.__main__ import main
from hw1bench.effects import CountIs, Effect, loss_below, lower_loss
from hw1bench.session.record import page, record, text
from made_court import BASIS
from made_record import DENSE, book, case, experiment, ruled

ROOT = Path(hw1bench.__file__).parents[1]
PAGE = ROOT / "docs" / "record.md"
TOPICS = Pack(topics=(Topic("fit", "Fits"), Topic("size", "Size | width")))

SEEN, DIFFERS, STALE, NONE = (case(f"T-{name}") for name in ("seen", "differs", "stale", "none"))
AS_REPORTED = case("T-as-reported", of=experiment("y", quick_epochs=2))
COUNT = case("T-count", CountIs(Model("[3]"), 10), topic="size")
SILENT = case("T-silent", loss_below(0.1, "a"), experiment("z", DENSE), topic="size")
EXACT = dict.fromkeys(("holds", "seeds", "median", "interval", "environment", "seconds", "date"))
CASES = [SEEN, DIFFERS, STALE, NONE, AS_REPORTED, COUNT, SILENT]
ON_RECORD = book(
    ruled(SEEN, median=0.5, interval=(0.25, "+infinity")),
    ruled(SEEN, "quick", "seen", seeds=16, holds=14),
    ruled(DIFFERS, verdict="refuted", how="reversed", holds=1, median="undefined", interval=None, seconds=None),
    ruled(DIFFERS, "quick", "seen"),
    ruled(STALE, verdict="refuted", experiment="other"),
    ruled(STALE, "quick", "mixed", effect="other", experiment="other"),
    ruled(AS_REPORTED),
    ruled(AS_REPORTED, "quick", "inconclusive", holds=5),
    ruled(COUNT, verdict="refuted", how="absent", **EXACT),
    ruled(COUNT, "quick", verdict="refuted", how="absent", **EXACT),
)
ROWS = [
    (
        "T-seen",
        "supported",
        "8/8",
        "0.50 log ratio [0.25, +infinity]",
        "2026-01-31",
        "cpu",
        "4.5 s",
        "seen 14/16, agrees",
    ),
    (
        "T-differs",
        "refuted, reversed",
        "1/8",
        "undefined log ratio",
        "2026-01-31",
        "cpu",
        "unknown",
        "seen 8/8, differs",
    ),
    *[
        (
            "T-stale",
            "stale: refuted, with another protocol",
            *[""] * 5,
            "stale: mixed, with another protocol and effect",
        )
    ],
    ("T-none", "none", *[""] * 5, "none"),
    *[("T-as-reported", "supported", "8/8", "0.50 log ratio [0.25, 1.00]", "2026-01-31", "cpu", "4.5 s")],
    ("T-count", "refuted", "", "", "", "", "", "refuted, agrees"),
    ("T-silent", "none", *[""] * 5, "full tier only"),
]
ROWS[4] = (*ROWS[4], "inconclusive 5/8, weaker")


def made(cases=CASES, on_record=ON_RECORD):
    return record(cases, on_record, TOPICS)


def test_each_claim_has_a_row_under_its_topic():
    claims = made().sections[0]
    assert claims.groups == [("Fits", ROWS[:5]), ("Size | width", ROWS[5:])]


def test_the_summary_counts_what_is_on_record_and_how_pilots_agree():
    assert made().summary == [
        "4 of 7 claims are on record: 2 supported, 2 refuted.",
        "1 more ruling rests on another protocol or effect.",
        "Pilots agree with the record on 1 of the 2 claims that both decide.",
    ]
    assert made([COUNT]).summary[0] == "1 of 1 claim is on record: 1 refuted."
    assert made(on_record={}).summary == [
        "0 of 7 claims are on record.",
        "There is no claim yet that both a pilot and the record decide.",
    ]


def test_what_is_not_on_record_has_its_cost():
    costs = made().sections[1]
    assert costs.head == ("experiment", "claims", "seeds", "steps", "samples", "time, cpu")
    assert costs.rows == [
        ("T-x", "2", "8", "32", "9,600", "4.9 s"),  # rates of 4.5 s thrice, and of 4.5 and 9 s once
        ("T-z", "1", "8", "3,200", "1,920,000", "865 h 51 min"),  # by the rate of tiny nets: no other is on record
    ]
    assert made(on_record={}).sections[1].head[-1] == "samples"
    assert made([COUNT]).sections[1].rows == []


def test_calibration_is_by_topic_and_by_effect_with_totals_and_disagreements():
    size = case("T-size", lower_loss("b", than="c"), topic="size")
    rulings = {**ON_RECORD[SEEN.rulings], **book(ruled(size, "quick", "seen"), ruled(size))[SEEN.rulings]}
    found = made([*CASES, size], {SEEN.rulings: rulings})
    by_topic, by_effect, _, differing = found.sections[2:]
    assert by_topic.rows == [("fit", "1", "2"), ("size", "1", "1"), ("all", "2", "3")]
    assert by_effect.rows == [("lower_loss", "2", "3"), ("all", "2", "3")]
    assert [row[:3] for row in differing.rows] == [("T-differs", "lower_loss", "seen 8/8")]


def test_all_claims_on_record_in_both_tiers_stand_beside_each_other_by_topic():
    size, mixed = case("T-size", lower_loss("b", than="c"), topic="size"), case("T-mixed", topic="size")
    more = book(ruled(size, "quick", "seen"), ruled(size), ruled(mixed, "quick", "mixed", holds=5), ruled(mixed))
    found = made([*CASES, size, mixed], {SEEN.rulings: ON_RECORD[SEEN.rulings] | more[SEEN.rulings]})
    (against,) = (section for section in found.sections if section.title == "Quick against full")
    # Neither a protocol that both tiers share nor a ruling on another protocol has a place here.
    assert against.groups == [
        (
            "Fits: 1 of 2 agree",
            [
                ("T-seen", "lower_loss", "seen 14/16", "supported 8/8", "agrees"),
                ("T-differs", "lower_loss", "seen 8/8", "refuted 1/8", "differs"),
            ],
        ),
        (
            "Size | width: 1 of 1 agree",
            [
                ("T-size", "lower_loss", "seen 8/8", "supported 8/8", "agrees"),
                ("T-mixed", "lower_loss", "mixed 5/8", "supported 8/8", "undecided"),
            ],
        ),
    ]
    assert "a verdict agrees if the full tier has the same word, be it inconclusive" in against.note
    undecided = made([mixed], more).sections[4]
    assert undecided.groups[0][0] == "Size | width: undecided"


def test_a_pilot_that_differs_has_both_medians_and_the_rule_that_would_have_silenced_it():
    vouched = replace(experiment("code", replace(BASIS, epochs=4)), as_reported="its code trains one epoch")
    by_then = Effect("lower by then", "nats", lambda runs: 1.0, ("a",), clock="within 3 epochs")
    level = case("T-level", loss_below(0.1, "a"), own_level="it holds on every set")
    exempt = case("T-exempt", about_not_training=True)
    code = case("T-code", by_then, of=vouched)
    plain = case("T-plain")
    pairs = [
        ruling
        for one in (level, exempt, code, plain)
        for ruling in (
            ruled(one, "quick", "refuted" if one is code else "not seen", holds=0, median=-0.5, interval=None),
            ruled(one, median=0.25, interval=None),
        )
    ]
    differing = made([level, exempt, code, plain], book(*pairs)).sections[-1]
    assert [(row[0], row[-1]) for row in differing.rows] == [
        ("T-level", "no foreign level: a loss of 0.1 belongs to the report's data set and budget"),
        ("T-exempt", "perhaps trained, which only its runs tell"),
        ("T-code", "perhaps trained, which only its runs tell; perhaps no clock, which only its runs tell"),
        ("T-plain", "none"),
    ]
    assert differing.rows[-1][2:-1] == ("not seen 0/8", "-0.50 log ratio", "supported 8/8", "0.25 log ratio")


def test_a_file_gets_all_columns_without_colour():
    lines = text(made(), None, colour=False).splitlines()
    assert "\x1b" not in "".join(lines)
    assert lines[0].startswith("4 of 7 claims")
    shown = {cells[0]: cells for cells in (re.split(r" {2,}", line.strip()) for line in reversed(lines))}
    assert all(shown[row[0]] == [cell for cell in row if cell] for row in ROWS)


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_a_terminal_gets_the_columns_that_it_has_room_for(width):
    found = text(made(), width, colour=True)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", found)
    assert found != plain
    assert max(map(len, plain.splitlines())) <= width
    head = next(line for line in plain.splitlines() if line.startswith("claim "))
    assert {"record", "holds", "quick"} <= set(head.split())
    assert ("date" in head) == (width >= 160)
    assert all(row[0] in plain for row in ROWS)


def test_the_page_has_a_table_for_each_topic_and_escapes_what_is_not_markup():
    lines = page(made()).splitlines()
    assert lines[lines.index("### Size \\| width") - 2] == '<a id="size"></a>'
    assert lines.count("| claim | record | holds | median effect | date | device | time | quick tier |") == 2
    (row,) = (line for line in lines if line.startswith('| <a id="T-seen"></a>T-seen '))
    assert row.split(" | ")[3] == r"0.50 log ratio \[0.25, +infinity\]"
    assert page(made()).endswith("\n")
    assert "\n\n\n" not in page(made())


# The command.


def run(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "hw1bench", "record", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_command_lists_the_claims_of_a_project(pytester, project):
    folder = project("[claim('A-fit-x', 'supported'), count('B-count-y', 10)]", "\nprint('loud')\n")
    pytester.runpytest("claims", "--record-rulings", "-m", "gpu", "--device", "cpu").assert_outcomes(
        passed=2, deselected=2
    )
    pytester.makeini("[pytest]\naddopts = -q --tb=short -m nothing\n")
    before = {path for path in pytester.path.rglob("*") if "__pycache__" not in path.parts}
    done = run(pytester.path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 of 2 claims are on record: 2 supported.\n")
    assert re.search(
        r"A-fit-x +supported +8/8 +1.00 parts \[1.00, 1.00\] +\d{4}-\d\d-\d\d +cpu +[\d.]+ s +none", done.stdout
    )
    assert run(pytester.path, folder / "test_fit.py", "--markdown", "page.md").stdout == ""
    assert '| <a id="A-fit-x"></a>A-fit-x | supported | 8/8 |' in (pytester.path / "page.md").read_text()
    after = {path for path in pytester.path.rglob("*") if "__pycache__" not in path.parts}
    assert after - before == {pytester.path / "page.md"}


@pytest.mark.parametrize(
    ("claims", "arguments", "said"),
    [
        ("[", (), "hw1bench: claims/test_fit.py:49: '[' was never closed: correct the syntax\n"),
        ("[1 / 0]", (), "claims/test_fit.py (ZeroDivisionError: division by zero) cannot be collected"),
        ("[]", (), "there are no claims in claims"),
        ("[]", ("nowhere",), "nowhere does not exist: name a folder or a file of claims"),
        ("[count('B-count-y', 10)]", ("claims", "--markdown", "claims"), "Is a directory"),
    ],
)
def test_what_cannot_be_listed_gets_one_line(pytester, project, command, claims, arguments, said):
    project(claims)
    done = command(pytester.path, "record", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_conftest_that_fails_and_a_malformed_rulings_file_get_one_line(pytester, project, command):
    folder = project("[count('B-count-y', 10)]")
    (folder / "rulings.json").write_text("{")
    assert "is malformed" in command(pytester.path, "record").stderr
    pytester.makeconftest("raise OSError('no such luck')")
    done = command(pytester.path, "record")
    assert done.returncode == 2
    assert "no claims can be collected" in done.stderr
    assert "no such luck" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("strict", ["--strict-markers", ""])
@pytest.mark.parametrize("files", [[], ["test_other.py"]], ids=["empty", "of other tests"])
def test_a_folder_without_claims_is_named(pytester, project, command, strict, files):
    project("[count('B-count-y', 10)]")
    pytester.makeini(f"[pytest]\naddopts = {strict}\n")
    folder = pytester.path / "others"
    folder.mkdir()
    for name in files:
        (folder / name).write_text("def test_it():\n    pass\n")
    done = command(pytester.path, "record", "others")
    assert done.returncode == 2
    assert done.stderr in (
        "hw1bench: there are no claims in others: name a folder or a file of claims\n",
        "hw1bench: no claims can be collected: see pytest --collect-only others\n",
    )


def test_a_reader_that_goes_away_has_read_enough(pytester, project):
    project(f"[count(f'B-count-{{i}}', 10) for i in range({2_000})]")
    command = f"{sys.executable} -m hw1bench record | head -1"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=pytester.path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0 of 2,000 claims are on record.\n", "")


def test_listing_the_record_needs_no_torch():
    code = "import sys; from hw1bench.__main__ import main; main(['record']); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0


def form(page):
    """What a page has whatever is on record: its first paragraph, its headings, and the heads of its tables of claims. The
    headings that count how many claims of a topic agree are not among them."""
    lines = page.splitlines()
    return lines[:6], [line for line in lines if re.match(r"#(?!.*( agree|: undecided)$)|\| claim \| record ", line)]


def test_the_page_in_the_docs_has_the_form_of_the_record(tmp_path, collected_claims, monkeypatch):
    monkeypatch.setattr("hw1bench.session.collected.collected", lambda paths: collected_claims)
    assert main(["record", "--markdown", str(tmp_path / "record.md")]) == 0
    now = form((tmp_path / "record.md").read_text())
    assert now[0][0] == "# The record"
    assert len(now[1]) > 10
    assert form(PAGE.read_text()) == now, "make record-page"
