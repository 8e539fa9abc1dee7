"""A session on a cluster, simulated event by event.

The cluster schedules as a list scheduler does: whenever something is free, the first waiting task that fits starts. The first
looks of all claims are submitted together, and a claim's next look as soon as all tasks of its last are done; a task that
several claims need is done once, for the claim that comes to it first. Tasks wait in the order in which they were submitted; what
is submitted together is submitted longest first, and measurements after all blocks. A block takes CPUs by its share of the work
that is then not done, see ``sharing.share``, and a measurement takes one. What the driver does between, such as judging, takes no
time here.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from hw1bench.court.schedule import WHOLE, Chain, Looks, Node, Placed, Schedule, Task
from hw1bench.specs.experiment import BLOCK
from hw1bench.support.sharing import share

OVERHEAD = 0.04
"""Seconds of a processor that a cluster takes for a task besides its work, measured: docs/scale.md."""
_NOTHING = Chain(0.0, ())


def simulate(claims: Iterable[Looks], nodes: Sequence[Node], overhead: float = OVERHEAD) -> Schedule:
    """The schedule of all looks of ``claims`` on ``nodes``, with ``overhead`` seconds for each task.

    Raises ValueError, in one line, for a cluster without nodes, and for a task that takes a GPU if none has one.
    """
    return _Simulation(claims, tuple(nodes), overhead).run()


@dataclass
class _Free:
    """What is free on a node: CPUs, and quarters of each of its GPUs."""

    cpus: int
    quarters: list[int]


class _Simulation:
    """One run of ``simulate``."""

    def __init__(self, claims: Iterable[Looks], nodes: tuple[Node, ...], overhead: float) -> None:
        if not nodes:
            raise ValueError("a cluster without nodes does nothing: name one")
        self._nodes, self._overhead = nodes, overhead
        self._all, self._largest = sum(node.cpus for node in nodes), max(node.cpus for node in nodes)
        self._free = [_Free(node.cpus, [WHOLE] * node.gpus) for node in nodes]
        self._time, self._turn, self._sent = 0.0, 0, 0
        self._claims = [_Claim(iter(looks)) for looks in claims]
        self._wanted: dict[Task, list[_Claim]] = {}  # claims whose open look has a task that is not done
        self._cpus: dict[Task, int] = {}  # of each task that was submitted; 0 if it takes a GPU
        self._before: dict[Task, Chain] = {}  # what each task that was submitted had waited for by then
        self._chains: dict[Task, Chain] = {}  # the longest that ends with a task, for those that are done
        self._unread: dict[Task, int] = {}  # how many of the records that a task reads are not there
        self._readers: dict[Task, list[Task]] = {}
        self._ready: list[Task] = []
        self._order: dict[Task, int] = {}  # in which tasks were submitted
        self._running: list[tuple[float, int, Task, int]] = []  # its end, its turn, and its GPU on its node
        self._placed: dict[Task, Placed] = {}
        self._there: set[tuple[int, object]] = set()  # what was sent to a node

    def run(self) -> Schedule:
        """Run it to the end."""
        self._open(self._claims)
        self._start()
        while self._running:
            self._time = self._running[0][0]
            done = []
            while self._running and self._running[0][0] == self._time:
                _, _, task, gpu = heappop(self._running)
                self._end(task, gpu)
                done.append(task)
            ready = {claim for task in done for claim in self._wanted.pop(task) if claim.without(task)}
            self._open([claim for claim in self._claims if claim in ready])
            self._start()
        return Schedule(self._nodes, self._placed, _longest(self._chains.values()), self._sent)

    def _open(self, claims: Iterable["_Claim"]) -> None:
        """Submit what is new in the next look of each of ``claims``. A look that is done already is followed by the next."""
        new: dict[Task, None] = {}
        for claim in claims:
            for look in claim.left:
                claim.waited = _longest([claim.waited, *(self._chains[task] for task in claim.look)])
                claim.look = _with_what_they_read(look)
                claim.missing = {task for task in claim.look if task not in self._chains}
                for task in claim.look:
                    if task in claim.missing:
                        self._wanted.setdefault(task, []).append(claim)
                    if task not in self._before:
                        self._before[task] = claim.waited
                        new[task] = None
                if claim.missing:
                    break
        self._submit(list(new))

    def _submit(self, tasks: Sequence[Task]) -> None:
        """Let ``tasks`` start, the longest first, as soon as the records that they read are there, and they fit."""
        waiting = math.fsum(_work(task) for task in self._before if task not in self._chains)
        for task in sorted(tasks, key=_work, reverse=True):
            if task.quarters and not any(node.gpus for node in self._nodes):
                raise ValueError(f"{task.name} takes a GPU, and no node has one: name one that has")
            if task.quarters:
                self._cpus[task] = 0
            elif task.threads:
                self._cpus[task] = min(task.threads, self._largest)
            else:
                self._cpus[task] = share(_work(task), waiting, self._all, self._largest, BLOCK)
            unread = [one for one in task.after if one not in self._chains]
            for one in unread:
                self._readers.setdefault(one, []).append(task)
            self._unread[task], self._order[task] = len(unread), len(self._order)
            if not unread:
                self._ready.append(task)

    def _start(self) -> None:
        """Start what is ready and fits, the first first."""
        left = []
        for task in sorted(self._ready, key=self._order.__getitem__):
            place = self._place(task)
            if place is None:
                left.append(task)
                continue
            node, gpu = place
            cpus, self._turn = self._cpus[task], self._turn + 1
            if cpus:
                self._free[node].cpus -= cpus
            else:
                self._free[node].quarters[gpu] -= task.quarters
            seconds = self._overhead + (task.seconds / cpus if cpus else task.seconds * WHOLE / task.quarters)
            self._placed[task] = Placed(self._time, self._time + seconds, node, cpus)
            heappush(self._running, (self._time + seconds, self._turn, task, gpu))
            if task.data is not None:
                self._send(task.data.bytes, task.data.name, node)
            for one in task.after:
                self._send(one.bytes, one, node)
        self._ready = left

    def _place(self, task: Task) -> tuple[int, int] | None:
        """The first node on which ``task`` fits, and its GPU there, the fullest; None if it fits nowhere now."""
        for index, free in enumerate(self._free):
            if not task.quarters:
                if self._cpus[task] <= free.cpus:
                    return index, 0
                continue
            room = [(left, gpu) for gpu, left in enumerate(free.quarters) if left >= task.quarters]
            if room:
                return index, min(room)[1]
        return None

    def _end(self, task: Task, gpu: int) -> None:
        """Free what ``task`` held, send its record to the first node, and let those that read it be ready."""
        placed = self._placed[task]
        if placed.cpus:
            self._free[placed.node].cpus += placed.cpus
        else:
            self._free[placed.node].quarters[gpu] += task.quarters
        self._there.add((placed.node, task))
        self._send(task.bytes, task, 0)
        before = _longest([self._before[task], *(self._chains[one] for one in task.after)])
        self._chains[task] = Chain(before.seconds + placed.end - placed.begin, (*before.tasks, task))
        for reader in self._readers.pop(task, ()):
            self._unread[reader] -= 1
            if not self._unread[reader]:
                self._ready.append(reader)

    def _send(self, size: int, what: object, node: int) -> None:
        """Send ``what`` to ``node`` unless it is there; the first node has the data sets."""
        if (node, what) not in self._there and not (node == 0 and isinstance(what, str)):
            self._sent += size
        self._there.add((node, what))


@dataclass(eq=False)
class _Claim:
    """A claim in mid-session: the looks that are ``left``, the open ``look``, its tasks that are ``missing``, and the chain that
    it had ``waited`` for before that look."""

    left: Iterator[Sequence[Task]]
    look: Sequence[Task] = ()
    missing: set[Task] = field(default_factory=set)
    waited: Chain = _NOTHING

    def without(self, task: Task) -> bool:
        """Take ``task`` from what is missing, and return whether nothing is missing any longer."""
        self.missing.remove(task)
        return not self.missing


def _work(task: Task) -> float:
    """By which tasks are ordered and given CPUs: the seconds of a block, and 0 for a measurement."""
    return 0.0 if task.after else task.seconds


def _longest(chains: Iterable[Chain]) -> Chain:
    return max(chains, key=lambda chain: chain.seconds, default=_NOTHING)


def _with_what_they_read(tasks: Iterable[Task]) -> list[Task]:
    """``tasks``, each once and after those whose records it reads."""
    found: dict[Task, None] = {}
    for task in tasks:
        found |= dict.fromkeys([*_with_what_they_read(task.after), task])
    return list(found)
