"""Records of training, without torch: the record of a block, and the runs in it.

A *block* is one arm with 8 consecutive seeds; training turns it into a *record*, arrays with a leading runs axis; a
*run* is one seed of a record, and all that measures and effects ever see. A measurement of blocks makes a record too; a
*result* is one seed of it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hw1bench.records.frozen import Copies, Frozen, frozen
from hw1bench.specs.evaluation import SPLITS
from hw1bench.specs.experiment import BLOCK, Arm, Experiment, Protocol, Tier
from hw1bench.specs.keeping import kept_epoch, split_of, watched
from hw1bench.specs.measurement import Measurement
from hw1bench.specs.network import Network
from hw1bench.support import snapshots
from hw1bench.support.checks import shown

_OF_EPOCHS = tuple(f"{split}_" for split in SPLITS)  # how the names of histories begin that are evaluated after epochs
KEPT_WEIGHTS = 1_000_000
"""Numbers in the largest net whose weights are kept: a block of the largest nets would take 0.5 GB."""
FOR_MEASURES = ("weights", "buffers")
"""The arrays that are kept only where a measurement reads one of them."""


@dataclass(frozen=True)
class Block:
    """One arm of an experiment with the seeds ``first_seed`` to ``first_seed + 7``: the unit of training.

    ``weights`` says whether its record must have the arrays ``FOR_MEASURES``: see ``keeps_weights``. They decide no other digit.
    """

    report: str
    experiment: str
    arm: Arm
    first_seed: int
    weights: bool = True

    @property
    def seeds(self) -> range:
        return range(self.first_seed, self.first_seed + BLOCK)

    @property
    def experiment_id(self) -> str:
        return f"{self.report}-{self.experiment}"

    def kept(self, record: "Record") -> "Record":
        """``record`` without the arrays that the block need not have."""
        if self.weights:
            return record
        return replace(record, arrays={name: record.arrays[name] for name in record.arrays if name not in FOR_MEASURES})

    def __str__(self) -> str:
        return f"{self.experiment_id}, {self.arm.name}, seeds {self.seeds[0]}-{self.seeds[-1]}"


def keeps_weights(protocol: Protocol, arm: Arm) -> bool:
    """Whether runs of ``arm`` keep the arrays ``FOR_MEASURES``, because a measurement of ``protocol`` reads one of them."""
    return not protocol.reads(arm).isdisjoint(FOR_MEASURES)


def blocks(experiment: Experiment, tier: Tier, arms: Iterable[Arm], first_seed: int) -> list[Block]:
    """The blocks of ``arms`` of ``experiment`` in ``tier``, one each, with seeds from ``first_seed`` on."""
    protocol = experiment.protocol(tier)
    return [Block(experiment.report, experiment.name, arm, first_seed, keeps_weights(protocol, arm)) for arm in arms]


@dataclass(frozen=True)
class Measured:
    """A measurement and the blocks that it looks at, with the same seeds, one for each arm of a group: the key of its record."""

    measurement: Measurement
    blocks: tuple[Block, ...]

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(block.arm.name for block in self.blocks)


Work = Block | Measured
"""What makes a record: a block to train, or a measurement of blocks to take."""


def blocks_of(work: Work) -> tuple[Block, ...]:
    """The blocks that ``work`` trains or looks at."""
    return (work,) if isinstance(work, Block) else work.blocks


@dataclass(frozen=True)
class Record(Frozen):
    """The record of a trained block, or of a measurement of blocks. Nothing in it can be changed: arrays are read-only, and
    the lists of ``facts`` become tuples.

    arrays   name -> (runs, ...). A measurement gives the arrays that it names. Training gives these, depending on the arm
             (see ``recorded``):
             ``train_loss``, for classes also ``train_accuracy`` (a share); for data with a test set, or of which the arm holds
             samples out, likewise ``test_loss``, ``test_accuracy``, ``validation_loss`` and ``validation_accuracy``:
             (runs, epochs + 1), over the whole set in eval mode; index 0 is before training; NaN at epochs that the arm's
             ``evaluation`` leaves out (``Run.evaluated`` tells them from a loss that is not a number);
             ``gradient_norm`` (runs, epochs + 1), or (runs, steps) if recorded per step, and then
             ``step_loss`` (runs, steps): the loss on the batch before the step;
             ``last_batch_norm`` (runs, epochs): the Frobenius norm of the gradient of each epoch's last mini-batch, before
             its step, as a mean over parameter tensors (each weight and each bias by itself), which some
             reports give as sensitivity;
             ``coasted`` (runs,): the Euclidean length of the step that follows training with the gradient set to zero, over
             the length of the weights;
             ``weights`` (runs, parameters), where a measurement of the protocol reads them: the last weights, or those after the
             epoch that the arm keeps, layer by layer, weight before bias;
             ``buffers`` (runs, numbers), float64: beside the weights, of a network of one's own that has any, all its numbers
             that are not trained, such as running statistics, at the same time;
             for snapshots the arrays of ``hw1bench.support.snapshots``;
             for numbers to fit ``prediction`` (runs, samples), or (runs, samples, targets) of several: outputs at the training
             samples with the last weights.
    facts    of the data: ``dataset`` (name), ``fingerprint``, ``stand_in``, ``canonical``, ``steps_per_epoch``; for classes
             their number ``classes``; for numbers to fit ``target_variance``, a mean over targets; for functions also ``x`` and
             ``truth`` (points).
    seconds  of training, compilation included, or of measuring, as on a machine that does nothing else (see
             ``hw1bench.support.stopwatch``).
    name     under which a store keeps it: a digest of all that determines it.
    """

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]
    seconds: float
    name: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return Record, (dict(self.arrays), self.facts, self.seconds, self.name)

    def runs(self, block: Block, measured: Sequence[tuple[Measured, "Record"]] = ()) -> Iterator["Run"]:
        """The runs of ``block``, each with its results of those measurements in ``measured`` that look at ``block``."""
        records = [(of, record) for of, record in measured if block in of.blocks]
        for row, seed in enumerate(block.seeds):
            results = [Result(of.measurement, of.arms, record.row(row)) for of, record in records]
            yield Run(block.arm, seed, self.row(row), self.facts, tuple(results))

    def row(self, row: int) -> dict[str, np.ndarray]:
        """The arrays of run number ``row``."""
        return {name: array[row] for name, array in self.arrays.items()}


@dataclass(frozen=True)
class Result:
    """What ``measurement`` gave for one seed of ``arms``, one of its groups; as read-only as a run."""

    measurement: Measurement
    arms: tuple[str, ...]
    arrays: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", Copies(frozen(self.arrays)))

    def __reduce__(self) -> tuple[Any, ...]:
        return Result, (self.measurement, self.arms, dict(self.arrays))


@dataclass(frozen=True)
class Run(Frozen):
    """One arm trained with one seed: a row of a record, and as read-only as the record.

    Each read of one of its ``arrays`` gives a copy, so that whatever is done with the copy alters no other read. ``results``
    are the results of the measurements that look at the run; ``result`` finds one. A run that ``until`` cut short knows the
    ``whole`` one.
    """

    arm: Arm
    seed: int
    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]
    results: tuple[Result, ...] = ()
    whole: "Run | None" = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "arrays", Copies(self.arrays))

    def __reduce__(self) -> tuple[Any, ...]:
        return Run, (self.arm, self.seed, dict(self.arrays), self.facts, self.results, self.whole)

    def result(self, of: Measurement | type[Measurement], *arms: str) -> Mapping[str, np.ndarray]:
        """The arrays that a measurement gave for this run and, if it looks at several arms, for their runs with the same seed.

        ``of`` is the measurement, or its class; ``arms`` is the group of arms, in the measurement's order (none: this run's arm
        by itself). Raises ValueError, with the way out, if there is no such result, and for a class that has several.
        """
        group = arms or (self.arm.name,)
        found = [
            one for one in self.results if one.arms == group and (one.measurement == of or type(one.measurement) is of)
        ]
        if len(found) == 1:
            return found[0].arrays
        what = of.__name__ if isinstance(of, type) else shown(of)
        whose = f"arm{'s' if len(group) > 1 else ''} {' and '.join(map(repr, group))}"
        have = "have" if len(group) > 1 else "has"
        if found:
            raise ValueError(
                f"{whose} {have} {len(found)} results of {what}: ask for one by its measurement, not by its class"
            )
        raise ValueError(f"{whose} {have} no result of {what}: add such a measurement to the protocol's measures")

    def history(self, name: str, epochs: int | slice = slice(None)) -> np.ndarray:
        """History ``name`` of the run at ``epochs``, an index or a slice of the whole history (epochs + 1,), whose index 0 is
        before training; float64, a copy. A loss that is not finite counts as +infinity.

        Raises ValueError if the run has no such history, and for an epoch at which the arm does not evaluate it: such an epoch
        has no value. ``history(name, -1)`` is always there.
        """
        there = self._evaluated(name)
        if not there[epochs].all():
            asked = np.atleast_1d(np.arange(len(there))[epochs])
            absent = asked[~there[asked]]
            split = split_of(name)
            raise ValueError(
                f"arm {self.arm.name!r} has no {name} at epoch {absent[0]}, because it evaluates {split} "
                f"{self.arm.evaluation.of(split)!r}: read other epochs, or give it "
                f"evaluation=Evaluation({split}='every epoch')"
            )
        values = np.array(self._kept[name][epochs], dtype=np.float64)
        return np.where(np.isfinite(values), values, np.inf) if name.endswith("loss") else values

    def evaluated(self, name: str) -> np.ndarray:
        """Whether the run has a value of history ``name`` at each epoch, (epochs + 1,) bool, by the arm's schedule of evaluation:
        a loss of NaN is a value if the epoch was evaluated. Raises ValueError if the run has no such history."""
        return self._evaluated(name).copy()

    def _evaluated(self, name: str) -> np.ndarray:
        """``evaluated``, found once: effects read the same histories many times."""
        found = self._found_evaluated.get(name)
        if found is None:
            if name not in self._kept or not name.startswith(_OF_EPOCHS):
                known = ", ".join(sorted(key for key in self._kept if key.startswith(_OF_EPOCHS)))
                raise ValueError(f"arm {self.arm.name!r} has no history {name!r}: it has {known}")
            whole = self.whole or self
            found = evaluated(whole.arm, whole._kept, name)[: len(self._kept[name])]
            self._found_evaluated[name] = found
        return found

    @cached_property
    def _found_evaluated(self) -> dict[str, np.ndarray]:
        return {}

    @property
    def _kept(self) -> Mapping[str, np.ndarray]:
        """The arrays themselves, to read in without a copy."""
        assert isinstance(self.arrays, Copies)
        return self.arrays.kept

    @cached_property
    def kept_epoch(self) -> int:
        """The epoch whose weights the run keeps: the last, the first with the best test accuracy, or a rule's."""
        return _kept_epoch(self.arm, self._kept)

    def until(self, share: float) -> "Run":
        """The run as it was after ``share`` of its epochs, at least one: its histories, cut there, and nothing that training
        leaves only at its end, such as weights and results of measurements."""
        epochs = max(1, math.ceil(share * self.arm.epochs - 1e-9))
        steps = epochs * self.facts["steps_per_epoch"]
        ends = {"gradient_norm": steps, "step_loss": steps} if self.arm.gradient_norm == "step" else {}
        ends |= {name: epochs + 1 for name in self.arrays if name.startswith(_OF_EPOCHS)}
        ends |= {"last_batch_norm": epochs} | ({} if "gradient_norm" in ends else {"gradient_norm": epochs + 1})
        kept = {name: self._kept[name][:end] for name, end in ends.items() if name in self._kept}
        return Run(replace(self.arm, epochs=epochs), self.seed, kept, self.facts, whole=self.whole or self)

    @cached_property
    def diverged(self) -> bool:
        """Whether the training loss was not finite at an epoch at which it was evaluated."""
        return not bool(np.isfinite(self._kept["train_loss"][self._evaluated("train_loss")]).all())


def _kept_epoch(arm: Arm, arrays: Mapping[str, np.ndarray]) -> int:
    history = watched(arm.keep)
    return len(arrays["train_loss"]) - 1 if history is None else kept_epoch(arm.keep, arrays[history][1:].tolist())


def evaluated(arm: Arm, arrays: Mapping[str, np.ndarray], history: str) -> np.ndarray:
    """Whether a run of ``arm`` with these ``arrays`` has a value of ``history`` at each epoch, (epochs + 1,) bool."""
    budget = len(arrays[history]) - 1
    epochs = arm.evaluation.epochs(split_of(history), budget)
    found = np.full(budget + 1, len(epochs) > budget)
    if not found[0]:
        found[list(epochs)] = True
        found[_kept_epoch(arm, arrays)] = True
    return found


def recorded(arm: Arm, samples: int | None = None) -> dict[str, tuple[int, ...]]:
    """What training records for a run of ``arm``: array -> shape. ``Record`` says what the arrays hold.

    A history has a place for every epoch, whatever the arm's schedule of evaluation; places without a value hold NaN.
    ``samples`` is the number of training samples, which may differ in a copy of the data; None is the number as published.
    """
    samples = arm.samples if samples is None else samples
    epochs, weights = arm.epochs, (arm.model.parameters,)
    steps = epochs * arm.steps_per_epoch(samples)
    found: dict[str, tuple[int, ...]] = dict.fromkeys(arm.histories, (epochs + 1,))
    if arm.data.regression:
        found["prediction"] = (samples, arm.data.targets) if arm.data.targets > 1 else (samples,)
    match arm.gradient_norm:
        case "epoch":
            found["gradient_norm"] = (epochs + 1,)
        case "step":
            found |= dict.fromkeys(("gradient_norm", "step_loss"), (steps,))
        case "last batch":
            found["last_batch_norm"] = (epochs,)
    if arm.coast:
        found["coasted"] = ()
    if arm.model.numbers <= KEPT_WEIGHTS:
        found["weights"] = weights
        if isinstance(arm.model, Network) and arm.model.buffers:
            found["buffers"] = (arm.model.buffers,)
        if arm.snapshots is not None:
            taken = arm.snapshots_in(steps)
            found |= dict(zip(snapshots.ARRAYS, (weights, (taken, *weights), (taken,)), strict=True))
    return found
