"""Sessions whose disk fills up or becomes read-only in their midst, or whose clock goes back: verdicts are still told."""

import re

import pytest
from junitparser import JUnitXml

import forked
from hw1bench.court import rulings
from hw1bench.plugin import REPORT_LOST
from hw1bench.report import reading

SIZE = 2**20  # bytes of the disk
PLAIN = ("-p", "no:hypothesispytest", "-p", "no:benchmark", "-q")
# What happens to the disk of the report directory before the second of three claims, and what is there before and after.
HOOKS = """
import os
import subprocess
import sys
from pathlib import Path

pytest_plugins = ["pytest_hw1bench"]


def listed():
    return sorted(str(path) for path in Path("reports").rglob("*") if path.is_file() and path.name != "filler")


def pytest_runtest_setup(item):
    if "A-fit-2" in item.nodeid:
        Path("before.txt").write_text("\\n".join(listed()))
        {happens}


def pytest_unconfigure():
    Path("after.txt").write_text("\\n".join(listed()))
"""
FULL = """
        size = 2**16
        with open("reports/filler", "wb", buffering=0) as file:
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2
"""
READ_ONLY = 'subprocess.run(["mount", "-o", "remount,ro", "reports"], check=True)'
CLAIMS = "[claim(f'A-fit-{n}', 'supported', experiment(f'toy-{n}', n)) for n in (1, 2, 3)]"


@pytest.fixture
def disk(project, pytester):
    """Makes a project of three claims whose report directory is a disk of its own, to which something ``happens``."""
    if not forked.own_disks():
        pytest.skip("no disk of its own can be mounted here")

    def make(happens):
        project(CLAIMS)
        (pytester.path / "reports").mkdir()
        pytester.makeconftest(HOOKS.replace("{happens}", happens.strip()))
        return pytester.path

    return make


@pytest.mark.parametrize(
    ("happens", "why"),
    [(FULL, "No space left on device"), (READ_ONLY, "Read-only file system")],
    ids=["full", "read-only"],
)
def test_a_disk_that_is_lost_in_mid_session_costs_a_line_and_no_verdict(disk, happens, why):
    folder = disk(happens)
    ruled = folder / "claims" / rulings.FILE
    ruled.symlink_to(folder / "reports" / rulings.FILE)
    session = forked.begin(folder, "claims", "--record-rulings", *PLAIN, disk="reports", size=SIZE)
    assert session.ended() == REPORT_LOST, session.said
    told = [re.sub(r"\.* *(\[100%\])?$", "", line).strip() for line in session.said.splitlines() if why in line]
    assert told == [
        f"reports/blocks cannot be written ({why}): what is not stored is trained again in the next session",
        f"rulings file {ruled} cannot be written ({why}): make it writable again",
        f"2 rulings of this session could not be put on record in {ruled}, nor kept in "
        f"reports/unrecorded-rulings.json ({why})",
        f"figures cannot be written to reports ({why}): they are left out",
        f"ERROR: the report in reports could not be written ({why}): run again once this is fixed",
    ]
    assert "3 claims: 3 supported" in session.said
    assert "Traceback" not in session.said
    before, after = ((folder / f"{name}.txt").read_text().splitlines() for name in ("before", "after"))
    assert after == before
    assert f"reports/{rulings.FILE}" in before
    assert len(before) == 2  # the other is a block


# The clock of a session: two years late from the start, and three after its first claim.
LATE = """
import datetime
import time

import hw1bench.session.sitting

pytest_plugins = ["pytest_hw1bench"]
YEAR, years, now, true = 365 * 24 * 3600, [2], time.time, datetime.datetime


class Late(true):
    @classmethod
    def now(cls, tz=None):
        return true.fromtimestamp(time.time(), tz)


time.time = lambda: now() - years[0] * YEAR
hw1bench.session.sitting.datetime = Late


def pytest_runtest_teardown():
    years[0] = 3
"""


def test_a_clock_that_goes_back_costs_nothing(project, pytester):
    project(CLAIMS)
    first = forked.begin(pytester.path, "claims", "-k", "A-fit-1 or A-fit-2", "--record-rulings", *PLAIN)
    assert first.ended() == 0, first.said
    blocks = {path: path.stat().st_mtime_ns for path in (pytester.path / "reports" / "blocks").iterdir()}
    before, _ = reading.read(pytester.path / "reports")
    pytester.makeconftest(LATE)
    again = forked.begin(pytester.path, "claims", "-k", "A-fit-2 or A-fit-3", "--record-rulings", *PLAIN)
    assert again.ended() == 0, again.said
    document, _ = reading.read(pytester.path / "reports")
    year = int(before["started"][:4])
    assert document["started"][:4] in (str(year - 2), str(year - 3))
    assert 0 <= document["seconds"] < 60
    assert [(claim["id"], claim["verdict"], claim["judged"][:4] < str(year)) for claim in document["claims"]] == [
        ("A-fit-1", "supported", False),
        ("A-fit-2", "supported", True),
        ("A-fit-3", "supported", True),
    ]
    assert {path: path.stat().st_mtime_ns for path in blocks} == blocks  # none was trained again
    assert len(rulings.load(pytester.path / "claims" / rulings.FILE)) == 3
    cases = JUnitXml.fromfile(str(pytester.path / "reports" / "junit.xml"))
    assert [(case.name, case.time >= 0) for suite in cases for case in suite] == [
        ("test_claim[quick-A-fit-2]", True),
        ("test_claim[quick-A-fit-3]", True),
    ]
    assert "2 claims: 2 supported" in again.said
    assert "reports/index.html (1 more from earlier sessions)" in again.said
