"""What tests would train, as the tasks of a cluster: blocks and measurements, with the seconds that claims took before.

Nothing here is measured: a block takes what its experiment took on record, or in a report, or what the nearest kind of net did,
see ``hw1bench.court.costs``. Neither tells measuring from training, so a block's seconds hold both, and a measurement takes only
what any task takes.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from hw1bench.court import costs
from hw1bench.court.costs import Device, Timed
from hw1bench.court.docket import Case
from hw1bench.court.schedule import WHOLE, Data, Node, Task
from hw1bench.records.runs import FOR_MEASURES, Block, Measured, Work, blocks, recorded
from hw1bench.report.contract import Document
from hw1bench.session.outlook import Outlook, Part
from hw1bench.specs.experiment import BLOCK, Arm, Function, Network
from hw1bench.specs.measurement import Measurement
from hw1bench.training import engine, side_by_side, stacked
from hw1bench.training.kernels import fit_kernel, image_kernel

_QUARTER = WHOLE // 4
_NARROW = ("weights", "buffers", "snapshot_start")  # what a classifier's record has in the precision in which it trains
_BYTES = {"snapshot_steps": 2}  # and arrays of any record in another one
_WIDE = 8


class Known(NamedTuple):
    """The seconds of a block, and what they are known ``by``."""

    seconds: float
    by: str


class Times:
    """The times of blocks by the times of claims that are ``known``. Raises ValueError, in one line, if none is of a CPU."""

    def __init__(self, known: Iterable[Timed]) -> None:
        times = [one.of_one_cpu for one in known]
        self._own = {device: costs.by_experiment(times, device) for device in costs.DEVICES}
        self._rates = costs.rates(times)
        self._known: dict[tuple[str, str, str, Device], Known] = {}  # counting the work of a net takes milliseconds
        if "cpu" not in self._rates.devices:
            raise ValueError(
                "nobody knows how long training takes on a CPU: judge some claims with --record-rulings, or give --times a report"
            )

    def block(self, part: Part, arm: Arm, device: Device) -> Known:
        """The time of a block of ``arm``, measuring included, on one CPU, or on a GPU by itself."""
        place = part.experiment.id, part.tier, arm.name, device
        if place not in self._known:
            self._known[place] = self._block(part, arm, device)
        return self._known[place]

    def _block(self, part: Part, arm: Arm, device: Device) -> Known:
        of = costs.kind(arm, part.protocol.measures, device)
        own, exact = self._own[of.device].get(part.experiment.key(part.tier)), self._rates.exact(of)
        by = "itself" if own else "kind" if exact else "near kind" if self._rates.nearest(of) else "constant"
        return Known(BLOCK * (own or self._rates.rate(of)) * costs.work_of(arm, of.device), by)


def reported(report: Document, cases: Iterable[Case]) -> list[Timed]:
    """What a ``report`` says of the time of the claims ``cases``, as they are now; see ``costs.timed`` for rulings."""
    by_id, tier, found = {case.claim.id: case for case in cases}, report["tier"], []
    for entry in report["claims"]:
        case, seeds, environment = by_id.get(entry["id"]), entry["seeds"], entry["environment"]
        experiment = case.claim.experiment if case else None
        if case is None or experiment is None or tier not in case.claim.tiers or not (seeds and environment):
            continue
        if entry["seconds"] and entry["experiment"] == experiment.key(tier):
            arms, device = tuple(costs.compared(case, tier)), costs.device_of(environment["device"])
            threads = int(environment["threads"] or 1)
            found.append(Timed(experiment, tier, arms, seeds, device, entry["seconds"], threads))
    return found


class Tasks:
    """The tasks of ``outlook`` on a cluster of ``nodes``; ``cases`` have the claims."""

    def __init__(self, outlook: Outlook, cases: Sequence[Case], times: Times, nodes: Sequence[Node]) -> None:
        self._outlook, self._times = outlook, times
        self._cases: Mapping[str, Case] = {case.claim.id: case for case in cases}
        self._threads = nodes[0].cpus
        self._device: Device = "GPU" if any(node.gpus for node in nodes) else "cpu"
        self._made: dict[Work, Task] = {}

    @cached_property
    def claims(self) -> list[list[list[Task]]]:
        """The tasks of each claim and, last, of what is shown and not judged, look by look."""
        found = []
        for part in self._outlook.parts.values():
            for claim in part.claims:
                arms = costs.compared(self._cases[claim], part.tier)
                found.append([self._look(part, arms, index) for index in range(len(part.looks))])
        shown = [part for part in self._outlook.parts.values() if part.shown]
        return found + [
            [self._look(part, [arm for arm in part.protocol.arms if arm.name in part.shown], 0)] for part in shown
        ]

    def _look(self, part: Part, arms: Sequence[Arm], index: int) -> list[Task]:
        """The tasks that the look with this ``index`` adds to those before it."""
        before = part.looks[index - 1] if index else 0
        return [task for first in range(before, part.looks[index], BLOCK) for task in self._of_seeds(part, arms, first)]

    def _of_seeds(self, part: Part, arms: Sequence[Arm], first: int) -> Iterator[Task]:
        named = {block.arm.name: block for block in blocks(part.experiment, part.tier, arms, first)}
        for block in named.values():
            yield self._block(part, block)
        for measurement in part.protocol.measures:
            for group in measurement.groups(list(named)):
                yield self._measured(part, measurement, [named[name] for name in group])

    def _block(self, part: Part, block: Block) -> Task:
        if block not in self._made:
            arm = block.arm
            self._made[block] = Task(
                str(block),
                self._times.block(part, arm, self._device).seconds,
                self._quarters([arm]),
                self._threads if threads_decide(arm) else None,
                bytes=bytes_of_block(block),
                data=_data(arm),
            )
        return self._made[block]

    def _measured(self, part: Part, measurement: Measurement, blocks: Sequence[Block]) -> Task:
        of, arms = Measured(measurement, tuple(blocks)), [block.arm for block in blocks]
        if of not in self._made:
            self._made[of] = Task(
                f"{blocks[0]}, {measurement.title}",
                0.0,
                self._quarters(arms),
                after=tuple(self._block(part, block) for block in blocks),
                bytes=BLOCK * _WIDE * sum(map(math.prod, measurement.arrays(*arms).values())),
                data=_data(arms[0]),
            )
        return self._made[of]

    def _quarters(self, arms: Sequence[Arm]) -> int:
        if costs.kind(arms[0], (), self._device).device == "cpu":
            return 0
        return _QUARTER if all(map(side_by_side.small, arms)) else WHOLE


def threads_decide(arm: Arm) -> bool:
    """Whether the digits of a block of ``arm`` depend on the number of threads: on a CPU, torch trains it stacked."""
    if isinstance(arm.model, Network) or fit_kernel.supports(arm) or image_kernel.supports(arm):
        return False
    return stacked.stackable(arm) and arm.model.parameters <= engine.STACKED_ON_CPU


def bytes_of_block(block: Block) -> int:
    """The bytes of the arrays in the record of ``block``."""
    arm = block.arm
    precision = 4 if arm.precision == "float32" else 8

    def each(name: str) -> int:
        narrow = name in _NARROW or (arm.data.regression and name != "snapshot_scales")
        return _BYTES.get(name, precision if narrow else _WIDE)

    kept = {name: shape for name, shape in recorded(arm).items() if block.weights or name not in FOR_MEASURES}
    return BLOCK * sum(each(name) * math.prod(shape) for name, shape in kept.items())


def _data(arm: Arm) -> Data | None:
    """The training set of ``arm``, images in float32; None for points of a function, which every machine computes."""
    if isinstance(arm.data, Function):
        return None
    each = 4 if len(arm.data.shape) == 3 else 8
    return Data(repr(arm.data), arm.data.samples * (each * math.prod(arm.data.shape) + 8))
