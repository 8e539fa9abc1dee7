"""Schedules of sessions on clusters: machines, what they have to do, and who did what when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hw1bench.support.checks import integer, settle

WHOLE = 4
"""Quarters of a GPU."""


@dataclass(frozen=True)
class Node:
    """A machine with so many ``cpus``, at least one, and ``gpus``."""

    cpus: int
    gpus: int = 0

    def __post_init__(self) -> None:
        settle(self, cpus=integer(least=1), gpus=integer(least=0))


class Data(NamedTuple):
    """A data set, which is sent once to each node that needs it, and its size in ``bytes``."""

    name: str
    bytes: int


@dataclass(frozen=True, eq=False)
class Task:
    """What one process does: train a block, or measure blocks.

    seconds   on one CPU, or on a GPU by itself
    quarters  of a GPU that it takes, ``WHOLE`` or fewer; 0 if CPUs do it
    threads   CPUs that it takes, if its digits depend on their number; None if more CPUs than one are a matter of speed
    after     tasks whose records it reads
    bytes     of the record that it leaves
    data      that it reads
    """

    name: str
    seconds: float
    quarters: int = 0
    threads: int | None = None
    after: tuple["Task", ...] = ()
    bytes: int = 0
    data: Data | None = None


Looks = Sequence[Sequence[Task]]
"""The tasks that a claim needs, look by look."""


@dataclass(frozen=True)
class Placed:
    """When a task began and ended, in seconds, on how many ``cpus`` (0: on a GPU) of which node, by its place in the cluster."""

    begin: float
    end: float
    node: int
    cpus: int


class Chain(NamedTuple):
    """Tasks each of which had to wait for the one before it, and the ``seconds`` that they took."""

    seconds: float
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Schedule:
    """A session as it went on ``nodes``: ``placed``, by task; the longest ``chain``; and the bytes ``sent`` between nodes, data
    sets and records, of which the first node keeps those that others read."""

    nodes: tuple[Node, ...]
    placed: dict[Task, Placed]
    chain: Chain
    sent: int

    @property
    def seconds(self) -> float:
        """Until all is done."""
        return max((one.end for one in self.placed.values()), default=0.0)

    @property
    def cpu_seconds(self) -> float:
        """CPUs that tasks held, times how long."""
        return sum(one.cpus * (one.end - one.begin) for one in self.placed.values())

    @property
    def gpu_seconds(self) -> float:
        """GPUs that tasks held, quarters as such, times how long."""
        return sum(task.quarters / WHOLE * (one.end - one.begin) for task, one in self.placed.items())

    @property
    def cpus_used(self) -> float:
        """The share of the CPUs' time that tasks held."""
        return _share(self.cpu_seconds, self.seconds * sum(node.cpus for node in self.nodes))

    @property
    def gpus_used(self) -> float:
        """The share of the GPUs' time that tasks held."""
        return _share(self.gpu_seconds, self.seconds * sum(node.gpus for node in self.nodes))

    @property
    def chained(self) -> float:
        """The share of the time that the longest chain takes: with 1 no further machine would help."""
        return _share(self.chain.seconds, self.seconds)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
