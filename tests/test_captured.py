"""Graphs of a GPU are replayed after what their capture did to random generators, shown with stand-ins for a GPU."""

from contextlib import contextmanager

import pytest
import torch

from hw1bench.training.captured import Captured, Streams


class Stream:
    def __init__(self, name, events):
        self.name, self.events = name, events

    def wait_stream(self, other):
        self.events.append(f"{self.name} waits for {other.name}")


@pytest.fixture
def events(monkeypatch):
    """What is done on the stand-ins, in order."""
    found = []

    class Graph:
        def register_generator_state(self, generator):
            found.append("register")

        def replay(self):
            found.append("replay")

    @contextmanager
    def graph(graph, stream, capture_error_mode):
        found.append(f"begin on {stream.name}")
        yield
        found.append("end")

    @contextmanager
    def device(device):
        yield

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", graph)
    monkeypatch.setattr(torch.cuda, "device", device)
    return found


def test_a_replay_waits_for_what_the_capture_did(events):
    on = Streams(torch.device("cpu"))
    on.own, on.captured = Stream("own", events), Stream("captured", events)
    captured = Captured(lambda: events.append("call"), on, [torch.Generator()])
    assert list(captured.times(3)) == [1, 1, 1]
    assert events == [
        "call", "register", "begin on captured", "call", "end", "own waits for captured", "replay", "replay",
    ]  # fmt: skip
