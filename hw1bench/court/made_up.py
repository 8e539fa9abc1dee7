"""Made-up runs of the arms of an experiment, of the shapes that training and measuring would give: see
``hw1bench.court.rehearsal``."""

import math
import sys
from dataclasses import replace
from functools import lru_cache

import numpy as np

from hw1bench.effects.identity import is_authors
from hw1bench.measures.instruments import instrument_for
from hw1bench.records.measured import measured
from hw1bench.records.runs import FOR_MEASURES, Record, Result, Run, evaluated, keeps_weights, recorded
from hw1bench.specs.evaluation import SPLITS
from hw1bench.specs.experiment import Arm, Experiment, Function, Images, Protocol, Table, Tier
from hw1bench.specs.kinds import Kind
from hw1bench.specs.measurement import Measurement, Shapes

_LARGEST = 100_000  # numbers that are made up one by one; a larger array repeats one number
_LONGEST = 1_000_000  # numbers in a made-up history: a longer one is cut, and still shows what is there
_NO_SEED = -1  # an effect that caches what it found for a seed must not mistake made-up numbers for it
_RIPPLE = 0.5 * np.sin(1 + np.arange(997.0))  # of both signs, all different, and a prime number of them
_WORDS = {"loss": "loss", "accuracy": "accuracy", "norm": "loss"}  # last word of an array's name -> how its numbers run


class MadeUp:
    """An experiment's arms in one tier, with the shapes of all arrays recorded for a run of each, and of all results; ``faults``
    has a line for each measurement that cannot be taken.

    Raises ValueError for a tier without a protocol.
    """

    def __init__(self, experiment: Experiment, tier: Tier) -> None:
        protocol: Protocol = experiment.protocol(tier)
        self.arms = {arm.name: arm for arm in protocol.arms}
        self._known: dict[tuple[object, ...], Run] = {}
        self._together: dict[tuple[object, ...], dict[str, Run]] = {}
        self._places = {name: place for place, name in enumerate(self.arms)}
        self._facts = {arm.name: Record({}, _facts(arm), 0.0).facts for arm in protocol.arms}
        self.shapes: dict[str, Shapes] = {arm.name: recorded(arm) for arm in protocol.arms}
        self.results: dict[tuple[Measurement, tuple[str, ...]], Shapes] = {}
        self.faults: list[str] = []
        for measurement in protocol.measures:
            for group in measurement.groups(list(self.arms)):
                try:
                    found = measured(measurement, *(self.arms[name] for name in group))
                    if is_authors(_file(measurement)):
                        instrument_for(measurement)
                except ValueError as error:
                    self.faults.append(f"experiment {experiment.id}: {error}")
                else:
                    self.results[measurement, group] = found
        for name, arm in self.arms.items():
            if not keeps_weights(protocol, arm):
                kept = self.shapes[name].items()
                self.shapes[name] = {array: shape for array, shape in kept if array not in FOR_MEASURES}
        for measurement, group in self.results:
            for name in group:
                kept = self.shapes[name].items()
                self.shapes[name] = {array: shape for array, shape in kept if array not in measurement.consumes}

    def sparse(self, names: list[str]) -> list[str]:
        """Those of the arms ``names`` that leave an epoch out of their evaluation."""
        arms = (self.arms[name] for name in names)
        return [arm.name for arm in arms if not all(arm.evaluation.whole(split, arm.epochs) for split in SPLITS)]

    def runs(self, names: list[str], learns: bool) -> dict[str, Run]:
        """Made-up runs of the arms ``names``, different for each arm, with the results of measurements of these arms. Histories
        are NaN at epochs that are not evaluated."""
        return self._runs(names, learns, math.nan, as_whole=False)

    def whole_runs(self, names: list[str], learns: bool, *, left_out: float | None = None) -> dict[str, Run]:
        """The same runs of arms that are evaluated at every epoch; with ``left_out``, each history has this number at epochs that
        its arm does not evaluate."""
        return self._runs(names, learns, left_out, as_whole=True)

    def _runs(self, names: list[str], learns: bool, left_out: float | None, *, as_whole: bool) -> dict[str, Run]:
        asked = (tuple(names), learns, left_out, as_whole)
        if asked not in self._together:
            groups = [group for group in self.results if set(group[1]) <= set(names)]
            self._together[asked] = {name: self._run(name, groups, learns, left_out, as_whole) for name in names}
        return dict(self._together[asked])

    def _run(
        self,
        name: str,
        groups: list[tuple[Measurement, tuple[str, ...]]],
        learns: bool,
        left_out: float | None,
        as_whole: bool,
    ) -> Run:
        """The run of arm ``name`` with the results of those ``groups`` that it belongs to, the same each time."""
        own = tuple(group for group in groups if name in group[1])
        key = (name, own, learns, left_out, as_whole)
        if key not in self._known:
            arm, place = self.arms[name], self._places[name]
            arrays = {array: _numbers(array, shape, place, learns) for array, shape in self.shapes[name].items()}
            if left_out is not None and self.sparse([name]):
                arrays |= {
                    history: np.where(evaluated(arm, arrays, history), values, left_out)
                    for history, values in arrays.items()
                    if history.startswith(("train_", "test_"))
                }
            results = tuple(self._result(*group, learns) for group in own)
            self._known[key] = Run(arm.training if as_whole else arm, _NO_SEED, arrays, self._facts[name], results)
        return self._known[key]

    def _result(self, measurement: Measurement, group: tuple[str, ...], learns: bool) -> Result:
        shapes, place = self.results[measurement, group], self._places[group[0]]
        arrays = {name: _numbers(name, shape, place, learns) for name, shape in shapes.items()}
        given = {name: np.asarray(value) for name, value in measurement.made_up(learns).items()}
        return Result(measurement, group, arrays | given)

    def drawn(self, name: str, kind: Kind, shown: list[str]) -> set[str] | None:
        """The arrays that a chart of ``kind`` may read for the arm ``name``, one of the arms ``shown``: arrays of its runs,
        arrays derived from them, and its result; None if there are several results."""
        arm = self.arms[name]
        found = set(self.shapes[name]) | {"parameters", "steps"}
        found |= {"x", "truth"} if isinstance(arm.data, Function) else set()
        if kind.sweep and arm.data.tested and not arm.data.regression:
            found |= {"lr", *(f"kept_{split}_{what}" for split in ("train", "test") for what in ("loss", "accuracy"))}
            found |= {"reported"} if "last_batch_norm" in self.shapes[name] else set()
            found |= {"batch_size"} if arm.batch_size is not None else set()
        results = [
            shapes
            for (measurement, group), shapes in self.results.items()
            if kind.measurement
            and isinstance(measurement, kind.measurement)
            and group[0] == name
            and set(group) <= set(shown)
        ]
        return None if len(results) > 1 else found.union(*results)


def _file(measurement: Measurement) -> str | None:
    return getattr(sys.modules.get(type(measurement).__module__), "__file__", None)


@lru_cache(maxsize=128)
def _numbers(name: str, shape: tuple[int, ...], place: int, learns: bool) -> np.ndarray:
    """Plausible numbers for array ``name``: losses and norms fall and level off, and accuracies rise; in a run that does not
    learn they stay where they are."""
    way = _WORDS.get(name.rpartition("_")[2], "")
    if not way or len(shape) != 1:
        if math.prod(shape) > _LARGEST:
            return np.broadcast_to(np.float64(0.5 / (1 + place)), shape)
        return _shared(np.resize(_RIPPLE / (1 + place), shape))
    times = np.linspace(0, 1, min(shape[0], _LONGEST))
    gone = np.minimum(2 * times, 1) if learns else 0 * times
    ripple = 1 + 0.05 * np.sin(np.arange(len(times))) * (1 - times)
    return _shared((10 ** (-3 * gone) * ripple if way == "loss" else 0.1 + 0.8 * gone) / (1 + 0.1 * place))


def _shared(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _facts(arm: Arm) -> dict[str, object]:
    """Facts of the data of ``arm``, as training gives them."""
    data = arm.data
    facts: dict[str, object] = {
        "dataset": data.name,
        "fingerprint": "rehearsal",
        "stand_in": isinstance(data, Images) and bool(data.stands_for),
        "canonical": True,
        "steps_per_epoch": arm.steps_per_epoch(arm.samples),
    }
    if isinstance(data, Function):
        return facts | _function(data)
    if isinstance(data, Table) and data.regression:
        return facts | {"target_variance": float(data.y.array.var(axis=0).mean())}
    return facts | {"classes": data.targets}


@lru_cache(maxsize=32)
def _function(data: Function) -> dict[str, object]:
    x, truth = (replace(data, points=_LONGEST) if data.samples > _LONGEST else data).train
    return {"target_variance": float(truth.var()), "x": x.tolist(), "truth": truth.tolist()}
