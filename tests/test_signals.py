"""Work that signals must not interrupt is done before they are handled."""

import signal
import threading
from contextlib import contextmanager

import pytest
import torch

from hw1bench.support.signals import ENDINGS, held_back
from hw1bench.training.captured import Captured, Streams
from test_interrupts import send


def interrupt(number, frame):
    raise KeyboardInterrupt(number)


@pytest.fixture(autouse=True)
def handlers():
    before = {number: signal.signal(number, interrupt) for number in ENDINGS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ENDINGS, ids=lambda number: number.name)
def test_a_signal_is_handled_when_the_work_is_done(number):
    done = []

    def work():
        with held_back():
            send(number)
            done.append("work")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["work"]
    assert signal.getsignal(number) is interrupt


def test_an_error_of_the_work_is_not_lost():
    def work():
        with held_back():
            send(signal.SIGINT)
            raise ValueError("of the work")

    with pytest.raises(KeyboardInterrupt) as raised:
        work()
    assert isinstance(raised.value.__context__, ValueError)


def test_without_a_signal_nothing_happens():
    with held_back():
        pass
    assert [signal.getsignal(number) for number in ENDINGS] == [interrupt] * len(ENDINGS)


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with held_back():
        send(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_another_thread_holds_nothing_back():
    found = []

    def work():
        with held_back():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [interrupt]


def test_a_capture_is_ended_before_an_interruption(monkeypatch):
    events = []

    @contextmanager
    def graph(*of, **options):
        events.append("begin")
        yield
        events.append("end")

    class Graph:
        def replay(self):
            events.append("replay")

    @contextmanager
    def device(of):
        yield

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "device", device)
    on = Streams(torch.device("cpu"))
    on.own = on.captured = "a stream"
    made = Captured(lambda: send(signal.SIGINT) if "begin" in events else events.append("step"), on, [])
    parts = made.times(2)
    next(parts)
    with pytest.raises(KeyboardInterrupt):
        next(parts)
    assert events == ["step", "begin", "end"]
