"""What training leaves behind, without torch: a block's record, and the runs in it.

A *block* is one arm with 8 consecutive seeds; training turns it into a *record*, arrays with a leading runs axis; a
*run* is one seed of a record, and all that measures and effects ever see. A measurement makes a record too, of the blocks
that it looks at; a *result* is one seed of that.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from hw1bench.specs.experiment import BLOCK, Arm, Images
from hw1bench.specs.measurement import Measurement
from hw1bench.support import snapshots
from hw1bench.support.checks import shown

KEPT_WEIGHTS = 1_000_000
"""Parameters: of larger nets the weights are not kept, for a block of the largest would be 0.5 GB."""


def _frozen(value: Any) -> Any:
    """``value``, of arrays, mappings and lists, such that no part of it can be changed: effects get runs that serve others.

    An array is no copy but a view, and one that, unlike a mere read-only one, cannot be made writable again.
    """
    match value:
        case np.ndarray():
            base: Any = value.base
            known = isinstance(base, memoryview) and base.readonly
            return value if known else np.asarray(value.data.toreadonly())
        case Mapping():
            return MappingProxyType({name: _frozen(item) for name, item in value.items()})
        case list() | tuple():
            return tuple(map(_frozen, value))
    return value


def _plain(value: Any) -> Any:
    """A fact with dicts for its mappings, which cannot be pickled."""
    match value:
        case Mapping():
            return {name: _plain(item) for name, item in value.items()}
        case tuple():
            return tuple(map(_plain, value))
    return value


class _Copies(Mapping[str, np.ndarray]):
    """Arrays by name, of which each reading gives a copy of its own, read-only like the array.

    Torch heeds no flag: it writes into whatever memory it is shown, so the one array that others read is shown to nobody.
    """

    def __init__(self, kept: Mapping[str, np.ndarray]) -> None:
        self._kept = kept

    def __getitem__(self, name: str) -> np.ndarray:
        array = self._kept[name]
        if np.ndim(array) == 0:
            return _frozen(array.copy())  # type: ignore[no-any-return]
        # What is one number repeated, as made-up runs have it, may be larger than memory: it stays so.
        once = array[tuple(slice(None if stride else 1) for stride in array.strides)]
        return np.broadcast_to(_frozen(once.copy()), array.shape)

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return repr(dict(self._kept))


class _Frozen:
    """A dataclass whose ``arrays`` and ``facts`` are frozen."""

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]

    def __post_init__(self) -> None:
        for name in ("arrays", "facts"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))


@dataclass(frozen=True)
class Block:
    """One arm of an experiment with the seeds ``first_seed`` to ``first_seed + 7``: the unit of training."""

    report: str
    experiment: str
    arm: Arm
    first_seed: int

    @property
    def seeds(self) -> range:
        return range(self.first_seed, self.first_seed + BLOCK)

    def __str__(self) -> str:
        return f"{self.report}-{self.experiment}, {self.arm.name}, seeds {self.seeds[0]}-{self.seeds[-1]}"


@dataclass(frozen=True)
class Measured:
    """A measurement and the blocks that it looks at, of the same seeds, one for each arm of a group: its record's own key."""

    measurement: Measurement
    blocks: tuple[Block, ...]

    @property
    def arms(self) -> tuple[str, ...]:
        return tuple(block.arm.name for block in self.blocks)


@dataclass(frozen=True)
class Record(_Frozen):
    """A trained block, or what was measured of some. Nothing in it can be changed: arrays are read-only, and the lists of
    ``facts`` become tuples.

    arrays   name -> (runs, ...); of a measurement those that it names; of training, which of them by the arm (see `recorded`):
             ``train_loss``, for classes also ``train_accuracy`` (a share), ``test_loss``, ``test_accuracy``:
             (runs, epochs + 1), over the whole set in eval mode; index 0 is before training;
             where the arm asks for it ``gradient_norm``: (runs, epochs + 1), or a step (runs, steps), and then
             ``step_loss`` (runs, steps): the batch's loss before the step;
             ``last_batch_norm`` (runs, epochs): of the gradient of each epoch's last mini-batch, before its step, the mean
             over parameter tensors (each weight and each bias by itself) of the Frobenius norm, which some
             reports give as sensitivity;
             ``coasted`` (runs,): the Euclidean length of the step that follows training with the gradient set to zero, over
             that of the weights;
             ``weights`` (runs, parameters): the last ones, or those of the best epoch where the arm says so, layer by layer,
             weight before bias; where it asks for snapshots the arrays of `hw1bench.support.snapshots`;
             for functions of one number ``prediction`` (runs, points): of the last weights, on the training points.
    facts    of the data: ``dataset`` (name), ``fingerprint``, ``stand_in``, ``canonical``, ``steps_per_epoch``; for classes
             their number ``classes``; for functions ``target_variance``, ``x`` and ``truth`` (points).
    seconds  of training, compilation included, or of measuring.
    """

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]
    seconds: float

    def runs(self, block: Block, measured: Sequence[tuple[Measured, "Record"]] = ()) -> Iterator["Run"]:
        """The runs of ``block``, each with its results of what was ``measured`` of this block, among others."""
        records = [(of, record) for of, record in measured if block in of.blocks]
        for row, seed in enumerate(block.seeds):
            results = [Result(of.measurement, of.arms, record.row(row)) for of, record in records]
            yield Run(block.arm, seed, self.row(row), self.facts, tuple(results))

    def row(self, row: int) -> dict[str, np.ndarray]:
        """The arrays of one of the runs."""
        return {name: array[row] for name, array in self.arrays.items()}


@dataclass(frozen=True)
class Result:
    """What ``measurement`` gave of one seed of ``arms``, one of its groups, as read-only as a run."""

    measurement: Measurement
    arms: tuple[str, ...]
    arrays: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrays", _Copies(_frozen(self.arrays)))

    def __reduce__(self) -> tuple[Any, ...]:
        return Result, (self.measurement, self.arms, dict(self.arrays))


@dataclass(frozen=True)
class Run(_Frozen):
    """One arm with one seed, trained: a row of a record, and as read-only as this.

    Each reading of one of its ``arrays`` gives a copy, so that whatever is done with that alters no other reading. ``results``
    are those of the measurements that look at it; `result` finds one.
    """

    arm: Arm
    seed: int
    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]
    results: tuple[Result, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "arrays", _Copies(self.arrays))

    def __reduce__(self) -> tuple[Any, ...]:
        return Run, (self.arm, self.seed, dict(self.arrays), _plain(self.facts), self.results)

    def result(self, of: Measurement | type[Measurement], *arms: str) -> Mapping[str, np.ndarray]:
        """The arrays that a measurement gave of this run and, where it looks at several arms, their runs with the same seed.

        ``of`` is the measurement, or its class; ``arms`` is the group of arms, in the measurement's order (none: this run's arm
        by itself). Raises ValueError, with the way out, if there is no such result, and for a class with several.
        """
        group = arms or (self.arm.name,)
        found = [
            one for one in self.results if one.arms == group and (one.measurement == of or type(one.measurement) is of)
        ]
        if len(found) == 1:
            return found[0].arrays
        what = of.__name__ if isinstance(of, type) else shown(of)
        whose = f"arm{'s' if len(group) > 1 else ''} {' and '.join(map(repr, group))}"
        if found:
            raise ValueError(
                f"{whose} have {len(found)} results of {what}: ask for that of one measurement, not of its class"
            )
        have = "has" if len(group) == 1 else "have"
        raise ValueError(f"{whose} {have} no result of {what}: have such a measurement among the protocol's measures")

    def history(self, name: str) -> np.ndarray:
        """(epochs + 1,) of ``name``, float64, a copy; a loss that is not finite counts as +infinity.

        Raises ValueError where the run has no such history.
        """
        if name not in self.arrays or not name.startswith(("train_", "test_")):
            known = ", ".join(sorted(key for key in self.arrays if key.startswith(("train_", "test_"))))
            raise ValueError(f"arm {self.arm.name!r} has no history {name!r}; it has {known}")
        values = np.array(self.arrays[name], dtype=np.float64)
        return np.where(np.isfinite(values), values, np.inf) if name.endswith("loss") else values

    @cached_property
    def diverged(self) -> bool:
        """Whether the training loss ever was not finite."""
        return not bool(np.isfinite(self.arrays["train_loss"]).all())


def recorded(arm: Arm, samples: int | None = None) -> dict[str, tuple[int, ...]]:
    """What training records of a run of ``arm``: array -> its shape. `Record` says what they hold.

    ``samples`` is the number of training samples; None is that of the data as published, of which a copy may have another.
    """
    epochs, weights = arm.epochs, (arm.model.parameters,)
    steps = epochs * arm.steps_per_epoch(arm.data.samples if samples is None else samples)
    found: dict[str, tuple[int, ...]] = {"train_loss": (epochs + 1,)}
    if isinstance(arm.data, Images):
        found |= dict.fromkeys(("train_accuracy", "test_loss", "test_accuracy"), (epochs + 1,))
    else:
        found["prediction"] = (arm.data.points,)
    match arm.gradient_norm:
        case "epoch":
            found["gradient_norm"] = (epochs + 1,)
        case "step":
            found |= dict.fromkeys(("gradient_norm", "step_loss"), (steps,))
        case "last batch":
            found["last_batch_norm"] = (epochs,)
    if arm.coast:
        found["coasted"] = ()
    if arm.model.parameters <= KEPT_WEIGHTS:
        found["weights"] = weights
        if arm.snapshots is not None:
            taken = arm.snapshots_in(steps)
            found |= dict(zip(snapshots.ARRAYS, (weights, (taken, *weights), (taken,)), strict=True))
    return found
