"""Seconds of work: of a machine that does nothing else."""

import os
import subprocess
import sys
import time

import pytest

from hw1bench.support.stopwatch import stopwatch


def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_time_in_which_others_have_the_processor_does_not_count():
    seconds = stopwatch(1)
    work(0.2)
    time.sleep(0.5)
    assert 0.2 <= seconds() < 0.4


def test_work_on_many_runs_is_shared_by_as_many_threads_as_there_are_processors(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    two, eight = stopwatch(2), stopwatch(8)
    work(0.4)
    assert two() == pytest.approx(0.2, rel=0.3)
    assert eight() == pytest.approx(0.1, rel=0.3)


def test_work_of_children_counts_once_they_have_finished():
    seconds = stopwatch(1)
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    assert seconds() >= 0.4


def test_it_never_says_more_than_the_clock(monkeypatch):
    monkeypatch.setattr(time, "process_time", lambda: 1000 * time.perf_counter())
    start, seconds = time.perf_counter(), stopwatch(8)
    assert seconds() <= time.perf_counter() - start


def test_a_gpu_is_timed_by_the_clock():
    seconds = stopwatch(None)
    time.sleep(0.2)
    assert seconds() >= 0.2
