"""What a session imports: the slow libraries only where they are needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from hw1bench.report.reading import read

SLOW = ("torch", "scipy", "matplotlib", "sklearn", "pandas", "jinja2")
SESSIONS = {  # options -> what it imports of these
    "collection": (("claims/test_grad.py", "--collect-only", "-q"), set()),
    "counts": (("claims/test_counts.py", "-k", "C-count"), {"jinja2"}),
}
SCRIPT = f"""
import sys, pytest
status = pytest.main(sys.argv[1:])
print()
print(*sorted({{*{SLOW}}} & {{*sys.modules}}))
sys.exit(status)
"""


@pytest.mark.parametrize("session", SESSIONS)
def test_a_session_imports_no_library_that_it_does_not_need(session, tmp_path):
    arguments, needed = SESSIONS[session]
    command = [sys.executable, "-c", SCRIPT, *arguments, "-p", "no:cacheprovider", "--report-dir", str(tmp_path)]
    root = Path(__file__).parents[1]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
    assert found.stdout.splitlines()[-1].split() == sorted(needed)
    if session == "counts":
        document, _ = read(tmp_path)
        assert len(document["claims"]) > 5
        assert {claim["verdict"] for claim in document["claims"]} <= {"supported", "refuted"}
        assert document["environment"].keys() == {"python", "commit", "hw1bench"}  # nothing was trained
