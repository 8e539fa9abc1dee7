"""Signals that end a session: the first one interrupts, later ones hurry, and signals handled elsewhere are left alone."""

import os
import signal
import threading
import types

import pytest

from hw1bench.session.interrupts import Interrupts

ENDINGS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture(autouse=True)
def handlers():
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ENDINGS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number):
    os.kill(os.getpid(), number)
    signal.sigpending()  # back in Python, where handlers run


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: number.name)
def test_the_first_signal_interrupts_and_later_ones_hurry(number):
    interrupts = Interrupts()
    with interrupts.handled():
        with pytest.raises(KeyboardInterrupt, match=number.name):
            send(number)
        assert not interrupts.hurried
        for again in ENDINGS:
            send(again)
        assert interrupts.hurried
        interrupts.rearm()
        assert not interrupts.hurried
        with pytest.raises(KeyboardInterrupt):
            send(number)
        interrupts.rearm()
        interrupts.disarm()
        send(number)
        assert interrupts.hurried
    assert signal.getsignal(number) == signal.SIG_DFL


def test_a_signal_that_is_already_ignored_or_handled_is_left_alone():
    heard = []
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    with Interrupts().handled():
        send(signal.SIGHUP)
        send(signal.SIGTERM)
    assert heard == [signal.SIGTERM]
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_outside_the_main_thread_no_signal_is_handled():
    seen = []

    def work():
        with Interrupts().handled():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]


def between_lines():
    """A traceback whose last frame is between two lines, as a signal may leave it."""

    def interrupted():
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            return error.__traceback__

    lines = interrupted.__code__.co_lines()
    place = next(start for start, _, line in lines if line is None)
    frame = interrupted().tb_frame
    last = types.TracebackType(None, frame, place, -1)
    assert last.tb_lineno is None
    return last


def test_an_interruption_between_two_lines_is_shown(pytester):
    pytester.makeconftest(
        "from test_interrupts import between_lines\n"
        'pytest_plugins = ["pytest_hw1bench"]\n'
        "def pytest_runtest_call():\n"
        "    raise KeyboardInterrupt('in a kernel').with_traceback(between_lines())\n"
    )
    pytester.makepyfile("def test_nothing(): ...")
    awake = ("--claims-seed-offset", "0")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *awake, no_reraise_ctrlc=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*conftest.py:4: KeyboardInterrupt*"])
