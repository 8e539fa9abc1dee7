"""What training leaves behind, without torch: a block's record, and the runs in it.

A *block* is one arm with 8 consecutive seeds; training turns it into a *record*, arrays with a leading runs axis; a
*run* is one seed of a record, and all that measures and effects ever see.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from hw1bench.specs.experiment import BLOCK, Arm, Images
from hw1bench.support import snapshots

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
class Record(_Frozen):
    """A trained block. Nothing in it can be changed: arrays are read-only, and the lists of ``facts`` become tuples.

    arrays   name -> (runs, ...), which of them by the arm: see `recorded`:
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
    facts    of the data: ``dataset`` (name), ``fingerprint``, ``stand_in``, ``canonical``, ``steps_an_epoch``; for classes
             their number ``classes``; for functions ``target_variance``, ``x`` and ``truth`` (points).
    seconds  of training, compilation included.
    """

    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]
    seconds: float

    def runs(self, block: Block) -> Iterator["Run"]:
        for row, seed in enumerate(block.seeds):
            yield Run(block.arm, seed, {name: array[row] for name, array in self.arrays.items()}, self.facts)


@dataclass(frozen=True)
class Run(_Frozen):
    """One arm with one seed, trained: a row of a record, and as read-only as this.

    Each reading of one of its ``arrays`` gives a copy, so that whatever is done with that alters no other reading.
    """

    arm: Arm
    seed: int
    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "arrays", _Copies(self.arrays))

    def __reduce__(self) -> tuple[Any, ...]:
        return Run, (self.arm, self.seed, dict(self.arrays), _plain(self.facts))

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
    steps = epochs * arm.steps_an_epoch(arm.data.samples if samples is None else samples)
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
            taken = epochs if arm.snapshots == "epoch" else steps // arm.snapshots
            found |= dict(zip(snapshots.ARRAYS, (weights, (taken, *weights), (taken,)), strict=True))
    return found
