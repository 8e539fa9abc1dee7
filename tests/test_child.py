"""A session of pytest in a process of its own: how it is ended."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import hw1bench
from hw1bench.session import child

ROOT = Path(hw1bench.__file__).parents[1]
STOPPING = "stopping in good order: a second signal ends it at once"
PATIENT = """
import signal, time

def test_patient():
    if {deaf}:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    open("ready", "w").close()
    time.sleep(30)
"""


@pytest.fixture
def ended(tmp_path, monkeypatch):
    """Runs a session that takes 30 seconds, ignoring Ctrl-C if ``deaf``, and sends this process each of ``signals``: (its exit
    status, seconds from when it was ready, what it printed, the signals that were handled). What the parent said is in
    ``run.said``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "lowest_priority", lambda: None)  # it may starve while other tests run
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)

    def run(*signals, deaf=False, seconds=None):
        (tmp_path / "test_patient.py").write_text(PATIENT.format(deaf=deaf))
        session, ready = child.Child(run.said.append), []

        def send():
            while not (tmp_path / "ready").exists():
                time.sleep(0.01)
            ready.append(time.monotonic())
            for number in signals:
                time.sleep(0.3)
                os.kill(os.getpid(), number)

        sender = threading.Thread(target=send)
        sender.start()
        with session.handled():
            arguments = ["-c", os.devnull, "--rootdir", ".", "-p", "no:cacheprovider", "test_patient.py"]
            status = session.run(arguments, tmp_path / "log", seconds)
            took = time.monotonic() - ready[0]
            sender.join()
        return status, took, (tmp_path / "log").read_text(), session.signals

    run.said = []
    before = {number: signal.getsignal(number) for number in child.ENDINGS}
    for number in before:  # nohup ignores SIGHUP, and a shell's background jobs ignore Ctrl-C
        signal.signal(number, signal.SIG_DFL)
    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_the_first_signal_is_passed_on_as_one_interrupt(ended, number):
    before = signal.getsignal(number)
    status, took, output, signals = ended(number)
    assert (status, signals) == (pytest.ExitCode.INTERRUPTED, [number])
    assert took < 10
    assert "KeyboardInterrupt" in output
    assert ended.said == [STOPPING]
    assert signal.getsignal(number) == before


def test_the_second_signal_ends_it_at_once(ended):
    status, took, _, signals = ended(signal.SIGINT, signal.SIGTERM, deaf=True)
    assert ended.said == [STOPPING]
    assert (status, signals) == (-signal.SIGKILL, [signal.SIGINT, signal.SIGTERM])
    assert took < 10


def test_it_is_interrupted_when_its_time_is_up(ended):
    status, took, output, signals = ended(seconds=3)
    assert (status, signals) == (pytest.ExitCode.INTERRUPTED, [])
    assert took < 10
    assert "KeyboardInterrupt" in output


def test_it_can_be_interrupted_even_where_background_jobs_ignore_it(ended):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert ended(signal.SIGTERM)[0] == pytest.ExitCode.INTERRUPTED
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN  # and is still ignored here
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_it_finds_is_kept_out_of_the_summary_of_a_step_of_ci(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "lowest_priority", lambda: None)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    (tmp_path / "test_it.py").write_text(
        "import os\n\ndef test_it():\n    assert 'GITHUB_STEP_SUMMARY' not in os.environ\n"
    )
    assert child.Child(print).run(["-c", os.devnull, "--rootdir", ".", "test_it.py"], tmp_path / "log", None) == 0


def test_a_signal_before_it_begins_is_passed_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(child, "lowest_priority", lambda: None)
    (tmp_path / "test_patient.py").write_text(PATIENT.format(deaf=False))
    said = []
    session = child.Child(said.append)
    session.signals.append(signal.SIGTERM)
    begun = time.monotonic()
    assert session.run(["-p", "no:cacheprovider", "test_patient.py"], tmp_path / "log", None) != 0
    assert time.monotonic() - begun < 20
    assert said == [STOPPING]


@pytest.mark.skipif(not os.access("/proc/self/autogroup", os.W_OK), reason="a kernel without groups of sessions")
def test_the_lowest_priority_is_that_of_the_process_and_of_its_group():
    code = (
        "import os; from hw1bench.session import child; child.lowest_priority(); "
        "print(os.getpriority(os.PRIO_PROCESS, 0)); print(open('/proc/self/autogroup').read().split()[-1])"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, start_new_session=True, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["19", "19"], "")
