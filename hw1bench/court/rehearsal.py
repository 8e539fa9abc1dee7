"""A dry run of claims and figures before anything trains, on made-up runs of the right shape.

Each arm of a protocol gets a run with all arrays that training and measuring would give it, filled with plausible numbers, and
the effect is computed from them. An array that no arm records, a setting that the arms do not have, an epoch after the last
one: all such mistakes show at once instead of after an hour of training. Nothing here imports torch.
"""

import math
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from hw1bench.court import pilots
from hw1bench.court.claim import Claim
from hw1bench.effects import Effect
from hw1bench.effects.identity import is_authors
from hw1bench.measures.instruments import instrument_for
from hw1bench.records.measured import measured
from hw1bench.records.runs import Result, Run, recorded
from hw1bench.specs.experiment import Arm, CrossReportFigure, Experiment, Function, Images, Protocol, Tier
from hw1bench.specs.functions import FUNCTIONS
from hw1bench.specs.kinds import KINDS, Kind
from hw1bench.specs.measurement import Measurement, Shapes
from hw1bench.support.checks import shown
from hw1bench.support.number import NoFinding, as_real

_LARGEST = 100_000  # numbers that are made up one by one; a larger array repeats one number
_NO_SEED = -1  # an effect that caches what it found for a seed must not mistake made-up numbers for it
_RIPPLE = 0.5 * np.sin(1 + np.arange(997.0))  # of both signs, all different, and a prime number of them

Subject = Claim | Experiment | CrossReportFigure

_LONGEST = 1_000_000  # numbers in a made-up history: a longer one is cut, and still shows what is there
_WORDS = {"loss": "loss", "accuracy": "accuracy", "norm": "loss"}  # last word of an array's name -> how its numbers run


def faults(subjects: Iterable[Subject], tier: Tier) -> dict[str, str]:
    """What is wrong with ``subjects`` in ``tier``: id -> one line, for each that would fail after training.

    For a claim, its effect and the opposite are rehearsed. For any experiment, whether of a claim, shown for its figures or
    part of a figure across reports, the arrays that its figures are drawn from are checked. Two different experiments with one
    id are a fault of every subject that uses the later one. What ``tier`` does not try has no fault.
    """
    tried = [one for one in subjects if _tries(tier, one)]
    checks: tuple[Callable[[Subject], None], ...] = (
        _Names(),
        lambda one: _figures(one, tier),
        lambda one: rehearse(one, tier),
    )
    found: dict[str, str] = {}
    for subject in tried:
        for check in checks:
            try:
                check(subject)
            except ValueError as error:
                found.setdefault(subject.id, str(error))
    return found


def _tries(tier: Tier, subject: Subject) -> bool:
    match subject:
        case Claim():
            return tier in subject.tiers and (subject.experiment is None or subject.protocol(tier) is not None)
        case Experiment():
            return tier == "full" or not subject.full_tier_only
        case CrossReportFigure():
            return True


def rehearse(subject: Subject, tier: Tier) -> None:
    """Compute the effect of a claim, its opposite and the readings that the claim gives from made-up runs of its arms; other
    subjects have no effect. Readings of the rule are not rehearsed: what the runs are too short for is left out of them.

    Raises ValueError, in one line, if an effect cannot be computed or does not give a number. NaN is accepted as a number, and
    arithmetic that fails is not a fault, because it depends on the made-up numbers.
    """
    if not isinstance(subject, Claim) or not isinstance(subject.effect, Effect) or subject.experiment is None:
        return
    if tier == "quick" and pilots.silenced(subject):  # listed as not run: its arms may be too few for the effect
        return
    effect = subject.effect
    made = _Made(subject.experiment, tier)
    names = list(filter(effect.compares, made.arms))
    readings = (
        (f"reading {one.reading!r} of {one.number}", one.effect.compute)
        for one in subject.readings
        if isinstance(one.effect, Effect)
    )
    for what, compute in (("effect", effect.compute), ("opposite", effect.opposite), *readings):
        # An effect may be undefined on one history (the first epoch below a loss that is never reached) and defined on
        # another: a fault is what fails on both.
        error = _attempt(compute, made.runs(names, learns=True)) if compute else ""
        if compute and error and _attempt(compute, made.runs(names, learns=False)):
            raise ValueError(f"claim {subject.id}: its {what} cannot be computed from what is recorded: {error}")


def _attempt(compute: Callable[[Mapping[str, Run]], float], runs: Mapping[str, Run]) -> str:
    """Why ``compute`` does not give a number for the made-up ``runs``, in one line; '' if it does, or if it fails for a reason
    that may lie in the made-up numbers: a fit that does not converge, a check of its own, a skip or an exit."""
    try:
        with np.errstate(all="ignore"):
            value = compute(runs)
            as_real(value)
    except NoFinding:
        return f"it gives {shown(value)}: return a number, above 0 if the claim holds"
    except KeyboardInterrupt:
        raise
    except (KeyError, IndexError, AttributeError, NameError, TypeError, ValueError) as error:
        text = " ".join(str(error).split())
        if isinstance(error, ValueError):
            return text if _is_ours(error) else ""
        if isinstance(error, KeyError):
            there = "; ".join(f"{name}: {', '.join(run.arrays)}" for name, run in runs.items())
            results = {_of(result): ", ".join(result.arrays) for run in runs.values() for result in run.results}
            there += "".join(f"; {of}: {names}" for of, names in results.items())
            return f"there is no {text}; there are, by arm, {there}"
        if isinstance(error, AttributeError) and isinstance(error.obj, Run):
            return f"{text}; its numbers are in run.arrays: {', '.join(error.obj.arrays)}"
        return f"{type(error).__name__}: {text}"
    except BaseException:  # including pytest's own skips, which the hearing treats as such
        return ""
    return ""


def _is_ours(error: ValueError) -> bool:
    """Whether this package, which knows what runs have, raised ``error``, or runs are read-only; any other refusal may lie in
    the made-up numbers."""
    if "read-only" in str(error):
        return True
    ours, place = False, error.__traceback__
    while place is not None:
        file = place.tb_frame.f_code.co_filename
        inside = Path(__file__).parent.parent in Path(file).parents
        if inside or is_authors(file):  # an error raised in a library counts for its caller
            ours = inside
        place = place.tb_next
    return ours


def _of(result: Result) -> str:
    return f"{type(result.measurement).__name__} of {' and '.join(result.arms)}"


class _Made:
    """An experiment's arms in one tier, with the shapes of all arrays recorded for a run of each, and of all results.

    Raises ValueError for a measurement that cannot be taken.
    """

    def __init__(self, experiment: Experiment, tier: Tier) -> None:
        protocol: Protocol = experiment.protocol(tier)
        self.arms = {arm.name: arm for arm in protocol.arms}
        self.shapes: dict[str, Shapes] = {arm.name: recorded(arm) for arm in protocol.arms}
        self.results: dict[tuple[Measurement, tuple[str, ...]], Shapes] = {}
        for measurement in protocol.measures:
            for group in measurement.groups(list(self.arms)):
                try:
                    found = measured(measurement, *(self.arms[name] for name in group))
                    if is_authors(_file(measurement)):
                        instrument_for(measurement)
                except ValueError as error:
                    raise ValueError(f"experiment {experiment.id}: {error}") from None
                self.results[measurement, group] = found
        for measurement, group in self.results:
            for name in group:
                kept = self.shapes[name].items()
                self.shapes[name] = {array: shape for array, shape in kept if array not in measurement.consumes}

    def runs(self, names: list[str], learns: bool) -> dict[str, Run]:
        """Made-up runs of the arms ``names``, different for each arm, with the results of measurements of these arms."""
        places = {name: place for place, name in enumerate(self.arms)}
        results = []
        for (measurement, group), shapes in self.results.items():
            if set(group) <= set(names):
                arrays = {name: _numbers(name, shape, places[group[0]], learns) for name, shape in shapes.items()}
                given = {name: np.asarray(value) for name, value in measurement.made_up(learns).items()}
                results.append(Result(measurement, group, arrays | given))
        runs = {}
        for name in names:
            arrays = {array: _numbers(array, shape, places[name], learns) for array, shape in self.shapes[name].items()}
            own = tuple(result for result in results if name in result.arms)
            runs[name] = Run(self.arms[name], _NO_SEED, arrays, _facts(self.arms[name]), own)
        return runs

    def drawn(self, name: str, kind: Kind, shown: list[str]) -> set[str] | None:
        """The arrays that a chart of ``kind`` may read for the arm ``name``, one of the arms ``shown``: arrays of its runs,
        arrays derived from them, and its result; None if there are several results."""
        arm = self.arms[name]
        found = set(self.shapes[name]) | {"parameters", "steps"}
        found |= {"x", "truth"} if isinstance(arm.data, Function) else set()
        if kind.sweep and isinstance(arm.data, Images):
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
        "steps_per_epoch": arm.steps_per_epoch(data.samples),
    }
    if isinstance(data, Function):
        return facts | _function(data)
    return facts | {"classes": data.targets}


@lru_cache(maxsize=32)
def _function(data: Function) -> dict[str, object]:
    x = np.linspace(data.low, data.high, min(data.points, _LONGEST))
    truth = FUNCTIONS[data.name](x)
    return {"target_variance": float(truth.var()), "x": x.tolist(), "truth": truth.tolist()}


def _figures(subject: Subject, tier: Tier) -> None:
    """Raise ValueError for the first figure of ``subject`` that reads arrays which nothing records."""
    match subject:
        case CrossReportFigure():
            made = [_Made(one, tier) for one in subject.experiments]
            _drawn(f"figure {subject.id}", subject.kind, [(one, list(one.arms)) for one in made])
        case Experiment():
            experiment: Experiment | None = subject
        case Claim():
            experiment = subject.experiment
    if isinstance(subject, CrossReportFigure) or experiment is None:
        return
    all_of_it = _Made(experiment, tier)
    for figure in experiment.figures:
        some = [name for name in all_of_it.arms if not figure.arms or name in figure.arms]
        if some:  # the quick protocol may lack them all: the figure is then left out
            _drawn(f"experiment {experiment.id}: figure {figure.id}", figure.kind, [(all_of_it, some)])


def _drawn(what: str, name: str, parts: list[tuple[_Made, list[str]]]) -> None:
    """Raise ValueError unless a figure of kind ``name`` finds all that it reads for the arms that it shows."""
    kind = KINDS[name]
    lacking = []
    for made, shown_arms in parts:
        for arm in shown_arms:
            found = made.drawn(arm, kind, shown_arms)
            if found is None:
                raise ValueError(
                    f"{what} of kind {name} finds several results of arm {arm!r} to draw: name the arms of one"
                )
            lacking.append((arm, [array for array in kind.arrays if array not in found]))
    if all(missing for _, missing in lacking) if not kind.every else any(missing for _, missing in lacking):
        arm, missing = next((arm, missing) for arm, missing in lacking if missing)
        raise ValueError(
            f"{what} of kind {name} needs {', '.join(missing)}, which arm {arm!r} does not have: record or measure them, "
            "or give another kind"
        )


class _Names:
    """Check of subjects, called with one after the other: raises ValueError if an experiment or figure of a subject has the id
    of a different one before it, because their figures would overwrite each other. Ids that differ only in case are the same
    to some file systems."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Experiment | CrossReportFigure] = {}

    def __call__(self, subject: Subject) -> None:
        match subject:
            case Claim():
                named: tuple[Experiment | CrossReportFigure, ...] = (subject.experiment,) if subject.experiment else ()
            case Experiment():
                named = (subject,)
            case CrossReportFigure():
                named = (subject, *subject.experiments)
        for one in named:
            what = "experiment" if isinstance(one, Experiment) else "figure"
            key = (what, unicodedata.normalize("NFC", one.id).casefold())
            first = self._first.setdefault(key, one)
            if first != one:
                other = "" if first.id == one.id else f", and another {first.id}"
                raise ValueError(f"two different {what}s have the id {one.id}{other}: give one a different name")
