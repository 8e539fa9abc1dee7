"""The script for a GPU that is at hand for minutes: what it runs, for how long, and what it keeps. Python is a stand-in."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# It notes its arguments, and runs what the test says for pytest, the record or the timings.
PYTHON = """#!/bin/bash
[ "$1" = -c ] && exec {python} "$@"
echo "$*" >> {log}
case "$*" in
{cases}
esac
"""
ROW = "| a net, 64 |"


@pytest.fixture
def script(tmp_path):
    """Starts the script with a stand-in that does ``cases``, lines of a ``case``."""

    def start(minutes, cases=""):
        folder = tmp_path / "bin"
        folder.mkdir()
        python = folder / "python3"
        python.write_text(PYTHON.format(python=sys.executable, log=tmp_path / "calls", cases=cases))
        python.chmod(0o755)
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
        command = ["bash", ROOT / "benchmarks" / "on_gpu.sh", tmp_path / "out", str(minutes)]
        return subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    return start


def calls(tmp_path):
    return (tmp_path / "calls").read_text().splitlines()


def after(option, call):
    words = call.split()
    return words[words.index(option) + 1]


def test_three_parts_run_one_after_the_other(script, tmp_path):
    process = script(8.5, f'*benchmarks.gpu*) echo "{ROW}"; echo "a net, JAX: none" >&2 ;;\n*record*) echo ruled ;;')
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    tests, slow, record, bench = calls(tmp_path)
    assert "tests/test_resident.py" in tests
    assert "tests/test_gpu_kernels.py" in tests
    assert "tests/test_gpu_memory.py tests/test_interruption.py" in slow
    for call in (tests, slow):
        assert call.startswith("-m pytest ")
        assert "--benchmark-disable" in call
        for named in call.split():
            if named.startswith("tests/"):
                assert (ROOT / named).is_file()
    out = tmp_path / "out"
    assert record.startswith(f"-m hw1bench record {out}/claims --run --device cuda --budget ")
    assert record.endswith(f"--report-dir {out}/report")
    assert 5.5 < float(after("--budget", record)) <= 0.75 * 8.5
    assert bench.startswith("-m benchmarks.gpu --minutes ")
    assert 7.5 < float(after("--minutes", bench)) <= 8.5
    assert (out / "claims" / "rulings.json").is_file()
    assert (out / "bench.md").read_text() == f"{ROW}\n"
    assert (out / "record.log").read_text() == "ruled\n"


def test_nothing_is_recorded_where_training_is_wrong(script, tmp_path):
    process = script(8, '*test_resident*) echo "1 failed"; exit 1 ;;')
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "1 failed" in output
    assert len(calls(tmp_path)) == 1


def test_other_tests_and_the_record_may_fail(script, tmp_path):
    process = script(8, "*test_gpu_memory*) exit 1 ;;\n*record*) exit 1 ;;")
    output = process.communicate(timeout=60)[0]
    assert "not all passed" in output
    assert len(calls(tmp_path)) == 4


def test_without_time_each_part_has_its_least(script, tmp_path):
    script(0.01).communicate(timeout=60)
    *_, record, bench = calls(tmp_path)
    assert float(after("--budget", record)) == pytest.approx(10 / 60)
    assert float(after("--minutes", bench)) == pytest.approx(30 / 60)


def test_a_run_that_is_cut_off_keeps_its_rows(script, tmp_path):
    process = script(8, f'*benchmarks.gpu*) echo "{ROW}"; exec sleep 3 ;;')
    table = tmp_path / "out" / "bench.md"
    for _ in range(300):
        if table.exists() and table.read_text():
            break
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert table.read_text() == f"{ROW}\n"


@pytest.mark.parametrize(("status", "parts"), [(1, 1), (124, 4)], ids=["one fails", "not all in time"])
def test_tests_that_fail_end_it_and_tests_that_take_long_do_not(script, tmp_path, status, parts):
    process = script(8.5, f"*test_resident*) exit {status} ;;")
    process.communicate(timeout=60)
    assert len(calls(tmp_path)) == parts
    assert "-x" in calls(tmp_path)[0].split()
