"""What scale costs: how long the claims of a tier take on clusters, simulated from what they took before."""

import re
from collections.abc import Iterable, Sequence

from hw1bench.court.costs import DEVICES
from hw1bench.court.docket import Case
from hw1bench.court.schedule import Looks, Node, Schedule, Task
from hw1bench.court.simulation import OVERHEAD, simulate
from hw1bench.report import quantities
from hw1bench.session.outlook import Outlook, Part
from hw1bench.session.sections import Section
from hw1bench.session.tasks import Known, Tasks, Times
from hw1bench.specs.experiment import Function

CLUSTERS = ("2", "16", "4x16", "16+1", "8x16+1", "64x16+1")
"""Clusters that are simulated if none is named, as ``nodes_of`` reads them: of CPUs, and of nodes with 16 CPUs and a GPU."""
MARK = "scale"
"""Of the place of the tables in a page: see ``hw1bench.session.sections.placed``."""
_MOST = 10_000  # nodes
_NOTE = (
    "Simulated from the times of blocks, see below, if nothing is stored. A block, eight runs of one arm, is a task, and so is "
    "each measurement. What is submitted together starts longest first. A block takes so many CPUs that it takes no longer than "
    "all that is not done when it is submitted would take on all CPUs, but one at least, and at most eight or those of the "
    "largest node; with more it takes so much less time. A measurement takes one. On a GPU a block takes the whole of it, or a "
    "quarter, and four times as long, if its net has fewer than a million parameters; functions train on CPUs there too. Each "
    f"task takes {1000 * OVERHEAD:.0f} ms more. Efficiency is the share of the time of all CPUs, or of all GPUs if there are "
    "any, that tasks take up. What bounds the time is whatever takes up most of it: CPUs, GPUs, or tasks that wait for each "
    "other, of which the longest is named. Sent are training sets, to each node but the first that needs them, and records. The "
    "first look is the least that the claims take, and all looks are the most: a claim that a look decides needs no other."
)
_BLOCKS = (
    "Seconds of one block on one CPU, and on a GPU by itself, from the arm that takes least to the one that takes most. They are "
    'known by what the experiment itself took ("itself"), on record or in the report of --times, or estimated by what nets of '
    'its kind took ("kind"), or of the nearest kind ("near kind"), or by a constant from what has been seen on a GPU '
    '("constant"), each by the work of its arms. The seconds of blocks that are measured hold those of measuring.'
)


def nodes_of(text: str) -> list[Node]:
    """The nodes that ``text`` names: "1,1" are two of one CPU, "8x16+1" eight of 16 CPUs and a GPU. Raises ValueError, in one
    line, if it names none."""
    found: list[Node] = []
    for one in text.split(","):
        read = re.fullmatch(r"(?:([0-9]{1,5})x)?([0-9]{1,5})(?:\+([0-9]{1,3}))?", one.strip(), re.ASCII)
        count, cpus = (int(read[1] or 1), int(read[2])) if read else (0, 0)
        if read is None or not count or not cpus or len(found) + count > _MOST:
            raise ValueError(
                f"--nodes {text!r} names no cluster: give CPUs by node, such as 1,1, or 8x16+1 for 8 nodes of 16 CPUs and a GPU"
            )
        found += [Node(cpus, int(read[3] or 0))] * count
    return found


def sections(outlook: Outlook, cases: Sequence[Case], times: Times, clusters: Sequence[str]) -> list[Section]:
    """What the tests of ``outlook`` cost on ``clusters``, and what is known of their blocks. Raises ValueError, in one line, for
    a cluster that cannot be read."""
    on = [nodes_of(text) for text in clusters]
    return [_clusters(outlook, cases, times, on), _blocks(outlook, cases, times)]


def _clusters(outlook: Outlook, cases: Sequence[Case], times: Times, on: Sequence[Sequence[Node]]) -> Section:
    first, whole = [], []
    for nodes in on:
        claims = Tasks(outlook, cases, times, nodes).claims
        first.append(_row(simulate([looks[:1] for looks in claims], nodes)))
        whole.append(_row(simulate(claims, nodes)))
    looks = {look for part in outlook.parts.values() for look in part.looks}
    groups = [(f"First look, of {min(looks)} seeds", first)] if looks else []
    if whole != first:
        groups.append((f"All looks, of up to {max(looks)} seeds", whole))
    return Section(
        f"The {outlook.tier} tier on clusters",
        ("cluster", "time", "CPU time", "GPU time", "efficiency", "bounded by", "sent"),
        groups,
        "Nothing is trained.",
        note=_NOTE,
        numbers=("time", "CPU time", "GPU time", "efficiency", "sent"),
        spare=("sent", "GPU time", "CPU time"),
    )


def _row(found: Schedule) -> tuple[str, ...]:
    gpus = any(node.gpus for node in found.nodes)
    return (
        _named(found.nodes),
        quantities.duration(found.seconds),
        quantities.duration(found.cpu_seconds),
        quantities.duration(found.gpu_seconds) if gpus else "–",
        f"{found.gpus_used if gpus else found.cpus_used:.0%}".replace("%", " %"),
        _bound(found),
        _bytes(found.sent),
    )


def _named(nodes: Sequence[Node]) -> str:
    """'64 CPUs on 4 nodes'."""
    kinds = [("GPU", sum(node.gpus for node in nodes)), ("CPU", sum(node.cpus for node in nodes))]
    said = ", ".join(quantities.plural(count, kind) for kind, count in kinds if count)
    return said if len(nodes) == 1 else f"{said} on {len(nodes):,} nodes"


def _bound(found: Schedule) -> str:
    """What is nearest to taking up all of the time."""
    shares = {"CPUs": found.cpus_used, "GPUs": found.gpus_used, "": found.chained}
    most = max(shares, key=shares.__getitem__)
    if most or not found.chain.tasks:
        return most
    longest = max(found.chain.tasks, key=lambda task: found.placed[task].end - found.placed[task].begin)
    count = len(found.chain.tasks)
    return longest.name if count == 1 else f"{count} tasks in turn, such as {longest.name}"


def _bytes(count: float) -> str:
    for size, unit in ((1e9, "GB"), (1e6, "MB")):
        if count >= size / 10:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e3:.1f} kB" if count else "–"


def _blocks(outlook: Outlook, cases: Sequence[Case], times: Times) -> Section:
    rows = [_block(part, times) for part in outlook.parts.values()]
    claims = Tasks(outlook, cases, times, [Node(1)]).claims
    kept = [_kept([looks[:1] for looks in claims]), _kept(claims)]
    said = f"The first look is {kept[0]}" + (f"; all looks are {kept[1]}." if kept[1] != kept[0] else ".")
    return Section(
        f"Blocks of the {outlook.tier} tier",
        ("experiment", "claims", "arms", "seeds", "CPU, seconds", "CPU, by", "GPU, seconds", "GPU, by"),
        [("", rows)] if rows else [],
        "Nothing is trained.",
        note=f"{_BLOCKS} {said}",
        numbers=("claims", "arms", "CPU, seconds", "GPU, seconds"),
        spare=("seeds", "arms", "claims", "GPU, by"),
    )


def _block(part: Part, times: Times) -> tuple[str, ...]:
    looks, known = part.looks, []
    for device in DEVICES:
        images = [arm for arm in part.arms() if device == "cpu" or not isinstance(arm.data, Function)]
        known += _range([times.block(part, arm, device) for arm in images])
    return (
        part.experiment.id,
        str(len(part.claims)),
        str(len(part.arms())),
        f"{looks[0]}" if len(looks) == 1 else f"{looks[0]} to {looks[-1]}",
        *known,
    )


def _range(known: Sequence[Known]) -> list[str]:
    """The least and the most seconds, and how they are known."""
    if not known:
        return ["–", "–"]
    ends = dict.fromkeys(quantities.number(of(one.seconds for one in known)) for of in (min, max))
    return [" to ".join(ends), " and ".join(dict.fromkeys(one.by for one in known))]


def _kept(claims: Iterable[Looks]) -> str:
    """'12 blocks and 4 measurements, whose records take 3.0 MB'."""
    tasks: set[Task] = {task for looks in claims for look in looks for task in look}
    measured = sum(1 for task in tasks if task.after)
    counts = [quantities.plural(len(tasks) - measured, "block")]
    counts += [quantities.plural(measured, "measurement")] if measured else []
    return f"{' and '.join(counts)}, whose records take {_bytes(sum(task.bytes for task in tasks))}"
