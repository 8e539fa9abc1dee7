"""Calls captured as CUDA graphs, so that the GPU does not wait for Python between them, and the streams on which they run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TypeVar

import torch

from hw1bench.specs.experiment import BLOCK
from hw1bench.support.signals import held_back

_Found = TypeVar("_Found")

_TOGETHER = 8
"""Calls in one graph, where so many are left: the host launches a graph in the time of a few kernels."""


class Streams:
    """The streams of one training on ``device``: its ``own``, the one on which its graphs are ``captured``, and ``lanes``, one
    per run. On a CPU there are none.

    Trainings side by side must not share the streams on which they capture: libraries keep memory per stream for their products,
    and torch may free what the graphs of one such stream share as soon as one of them is gone.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.own: torch.cuda.Stream | None = None
        self.captured: torch.cuda.Stream | None = None
        self.lanes: list[torch.cuda.Stream] = []
        if device.type == "cuda":
            self.own, self.captured, *self.lanes = [torch.cuda.Stream(device) for _ in range(2 + BLOCK)]

    def current(self) -> AbstractContextManager[object]:
        """Context in which work goes to the training's own stream."""
        return nullcontext() if self.own is None else torch.cuda.stream(self.own)

    def await_capture(self) -> None:
        """Let what comes next on the training's own stream wait for what is queued on the one that captures."""
        if self.own is not None and self.captured is not None:
            self.own.wait_stream(self.captured)


@cache
def streams(device: torch.device, place: int) -> Streams:
    """Return the streams of the training at ``place`` among those that run side by side on ``device``.

    They are made once, and first for place 0: torch hands out a few streams in turn, and so later ones might be others' again.
    """
    if place:
        streams(device, place - 1)
    return Streams(device)


class Captured:
    """A function without arguments and result that changes tensors on a device in place, called many times.

    On a CUDA device its first call is an ordinary one, in which libraries set themselves up; later calls replay graphs of it.
    So it may not wait for the device, may draw random numbers from ``generators`` only, and what it reads of Python's state is
    what was there when it was captured: see ``forget``. On a CPU every call is an ordinary one.
    """

    def __init__(self, call: Callable[[], None], on: Streams, generators: Sequence[torch.Generator]) -> None:
        self._call, self._on, self._generators = call, on, generators
        self._graphs: dict[int, torch.cuda.CUDAGraph] = {}  # calls in the graph -> graph
        self._ready = False

    def times(self, calls: int) -> Iterator[int]:
        """Make so many calls, in parts. After each part yield how many calls it made; the GPU may not have finished them."""
        while calls:
            if self._on.own is None or not self._ready:
                self._call()
                self._ready, done = True, 1
            else:
                done = _TOGETHER if calls >= _TOGETHER else 1
                self._graph(done).replay()
            calls -= done
            yield done

    def forget(self) -> None:
        """Capture the function anew before it is replayed, because what it reads of Python's state has changed. All functions
        of a training forget together: see ``Streams``."""
        self._graphs.clear()

    def _graph(self, calls: int) -> torch.cuda.CUDAGraph:
        if calls not in self._graphs:
            graph = torch.cuda.CUDAGraph()
            for generator in self._generators:
                graph.register_generator_state(generator)
            captured = torch.cuda.graph(graph, stream=self._on.captured, capture_error_mode="thread_local")
            # A capture that is interrupted between two streams cannot be ended, and no other could begin in this process.
            with held_back(), torch.cuda.device(self._on.device), captured:
                for _ in range(calls):
                    self._call()
            # To begin a capture sets the generators' offsets on the GPU to 0, on the stream that captures; a replay sets them to
            # where they are, on the training's own. In the other order, dropout would draw numbers that it has drawn before.
            self._on.await_capture()
            self._graphs[calls] = graph
        return self._graphs[calls]


class Lanes:
    """So many lanes, on which calls run side by side on a GPU, or one after the other on a CPU."""

    def __init__(self, on: Streams, lanes: int) -> None:
        self._lanes, self._streams = lanes, on.lanes[:lanes]

    def each(self, call: Callable[[int], _Found]) -> list[_Found]:
        """Return ``call(lane)`` of each lane. All begin after what is queued on the current stream, which then waits for them."""
        if not self._streams:
            return [call(lane) for lane in range(self._lanes)]
        here, begun, found = torch.cuda.current_stream(), [], []
        try:
            for lane, stream in enumerate(self._streams):
                stream.wait_stream(here)
                begun.append(stream)
                with torch.cuda.stream(stream):
                    found.append(call(lane))
        finally:  # also after an error: a capture with lanes that go nowhere cannot be ended, and would hide the error
            for stream in begun:
                here.wait_stream(stream)
        return found
