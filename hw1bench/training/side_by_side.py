"""Blocks of small nets side by side on one device: they leave room on a GPU, which several of them share.

One thread drives all of them, part by part, each on streams of its own, and lets none run far ahead of the GPU: a training that
waits for its own numbers then waits for a few parts of its own, while the GPU has parts of the others to do.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

import numpy as np
import torch

from hw1bench.data import Dataset
from hw1bench.records.runs import Block
from hw1bench.specs import work
from hw1bench.specs.experiment import Arm
from hw1bench.support.progress import Advance
from hw1bench.training import resident
from hw1bench.training.captured import Streams, streams

MOST = 3
"""Blocks side by side: two to four took 12 to 20 % less time per step than one, see docs/gpu.md."""
_SMALL = 1_000_000
"""Parameters of the smallest nets that fill a GPU by themselves."""
_AHEAD = 8
"""Parts that a training may be ahead of the GPU: some 30 ms of small nets, as long as another takes to begin an epoch."""
_PAUSE = 1e-4  # seconds until a GPU that is behind is asked again

Done = Callable[[int, dict[str, np.ndarray], float], None]
"""Takes the place of a block among those given, the arrays of its record, and the seconds it took."""


def small(arm: Arm) -> bool:
    """Whether blocks of ``arm`` leave room for others on a GPU."""
    return arm.model.parameters < _SMALL


@dataclass
class _Training:
    """The training of the block at ``place`` among those given, at ``slot`` of those that run, and the ``seconds`` that were its
    share so far."""

    place: int
    slot: int
    memory: int
    on: Streams
    parts: resident.Parts
    seconds: float = 0.0
    queued: deque[torch.cuda.Event] = field(default_factory=deque)

    def ready(self) -> bool:
        """Whether the GPU has done all but a few of its parts."""
        while self.queued and self.queued[0].query():
            self.queued.popleft()
        return len(self.queued) < _AHEAD

    def part(self) -> int | dict[str, np.ndarray]:
        """Begin the next part and return its model-steps, or, if there is none left, the arrays of the record."""
        with self.on.current():
            try:
                steps = next(self.parts)
            except StopIteration as end:
                arrays: dict[str, np.ndarray] = end.value
                return arrays
            if self.on.own is not None:
                self.queued.append(self.on.own.record_event())
        return steps

    def close(self) -> None:
        """Give up what is left of it."""
        with self.on.current():
            self.parts.close()


def train(jobs: Sequence[tuple[Block, Dataset]], device: torch.device, advance: Advance, done: Done) -> None:
    """Train the blocks of ``jobs``, up to ``MOST`` at once if memory allows, those first that take longest. Each gives what it
    gives alone, bit for bit.

    ``done`` is called as each block is trained. The seconds of a block are its share: while several train, each takes an equal
    part of the time. ``advance`` is called with the model-steps that were begun since the last call. Raises ValueError if a net
    does not take its data; the blocks that are not done are then lost.
    """
    room = _free(device)
    costs = {place: work.of_run(block.arm) for place, (block, _) in enumerate(jobs)}
    waiting = sorted(costs, key=lambda place: -costs[place])
    running: list[_Training] = []
    clock = time.perf_counter()
    try:
        while waiting or running:
            while waiting and len(running) < MOST:
                block, dataset = jobs[waiting[0]]
                memory = resident.memory(block, dataset)
                if running and memory + sum(one.memory for one in running) > room:
                    break
                slot = min(set(range(MOST)) - {one.slot for one in running})
                on = streams(device, slot)
                running.append(_Training(waiting.pop(0), slot, memory, on, resident.parts(block, dataset, on)))
            ready = [one for one in running if one.ready()]
            for one in ready:
                found = one.part()
                now = time.perf_counter()
                for each in running:
                    each.seconds += (now - clock) / len(running)
                clock = now
                if isinstance(found, int):
                    advance(found)
                else:
                    running.remove(one)
                    done(one.place, found, one.seconds)
            if not ready:
                time.sleep(_PAUSE)
    finally:
        with ExitStack() as stack:
            for one in running:
                stack.callback(one.close)
            if running and device.type == "cuda":
                with suppress(Exception):  # the first error counts
                    torch.cuda.synchronize(device)  # what is queued still writes to what is given up now


def _free(device: torch.device) -> float:
    """Return the bytes that trainings may take on ``device``: what is free, and what torch keeps for reuse."""
    if device.type == "cpu":
        return float("inf")
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
