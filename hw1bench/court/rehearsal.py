"""A dry run of claims and figures before anything trains, on made-up runs of the right shape.

Each arm of a protocol gets a run with all arrays that training and measuring would give it, filled with plausible numbers, and
the effect is computed from them. An array that no arm records, a setting that the arms do not have, an epoch after the last
one: all such mistakes show at once instead of after an hour of training. Nothing here imports torch.
"""

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from hw1bench.court import pilots
from hw1bench.court.claim import Claim
from hw1bench.court.looks import check_looks
from hw1bench.court.made_up import MadeUp
from hw1bench.court.readings import as_read, readings_of
from hw1bench.effects import Effect
from hw1bench.effects.identity import is_authors
from hw1bench.records.runs import FOR_MEASURES, Result, Run
from hw1bench.specs.evaluation import SPLITS
from hw1bench.specs.experiment import Arm, CrossReportFigure, Experiment, Tier
from hw1bench.specs.kinds import KINDS
from hw1bench.support.checks import shown
from hw1bench.support.number import NoFinding, as_real

_FAR_AWAY = 1e6  # a number that no made-up history has
_FROM_WEIGHTS = "weights are kept only where a measurement of the protocol reads them: take what you need by @measure"

_AT_HAND = 16  # experiments whose made-up runs are kept for the next claim

Subject = Claim | Experiment | CrossReportFigure
_Make = Callable[[Experiment, Tier], MadeUp]


def faults(subjects: Iterable[Subject], tier: Tier) -> dict[str, tuple[str, ...]]:
    """What is wrong with ``subjects`` in ``tier``: id -> a line for each fault, for each that would fail after training.

    For a claim, its effect and the opposite are rehearsed. For any experiment, whether of a claim, shown for its figures or
    part of a figure across reports, its looks and measurements and the arrays that its figures are drawn from are checked. Two
    different experiments with one id are a fault of every subject that uses the later one. What ``tier`` does not try has no
    fault.
    """
    names = _Names()
    found: dict[str, dict[str, None]] = {}
    # Claims on one experiment follow each other.
    make = lru_cache(maxsize=_AT_HAND)(MadeUp)
    of_experiment = lru_cache(maxsize=_AT_HAND)(lambda one: tuple(_of_experiments(one, tier, make)))
    for subject in subjects:
        if _tries(tier, subject):
            shown_in = subject.experiment if isinstance(subject, Claim) else subject
            checked = of_experiment(shown_in) if shown_in is not None else ()
            for line in (*names.faults(subject), *checked, *rehearsed(subject, tier, make)):
                found.setdefault(subject.id, {})[line] = None
    return {name: tuple(lines) for name, lines in found.items()}


def _tries(tier: Tier, subject: Subject) -> bool:
    match subject:
        case Claim():
            return tier in subject.tiers and (subject.experiment is None or subject.protocol(tier) is not None)
        case Experiment():
            return tier == "full" or not subject.full_tier_only
        case CrossReportFigure():
            return True


def rehearsed(subject: Subject, tier: Tier, make: _Make = MadeUp) -> Iterator[str]:
    """Compute the effect of a claim, its opposite and the readings that the claim gives from made-up runs of its arms; other
    subjects have no effect. Readings of the rule are not rehearsed: what the runs are too short for is left out of them.

    If arms are not evaluated at every epoch, each effect must give the same number as if they were, the readings of the rule
    included and, for a claim that needs them, the effect at shares of the budget (see ``hw1bench.court.pilots``).

    Yields a line for each effect that cannot be computed, does not give a number or reads an epoch that is not evaluated. NaN is
    accepted as a number, and arithmetic that fails is not a fault, because it depends on the made-up numbers. What follows from
    another fault is none: if a measurement cannot be taken, nothing is computed, and if the effect cannot be computed, neither
    its opposite nor its readings by the rule are. ``make`` gives the made-up runs of an experiment.
    """
    if not isinstance(subject, Claim) or not isinstance(subject.effect, Effect) or subject.experiment is None:
        return
    if tier == "quick" and pilots.silenced(subject):  # listed as not run: its arms may be too few for the effect
        return
    effect = subject.effect
    made = make(subject.experiment, tier)
    if made.faults:
        yield from made.faults
        return
    names = list(filter(effect.compares, made.arms))
    readings = (
        (f"reading {one.reading!r} of {one.number}", one.effect.compute)
        for one in subject.readings
        if isinstance(one.effect, Effect)
    )
    failed: set[str] = set()
    for what, compute in (("effect", effect.compute), ("opposite", effect.opposite), *readings):
        # An effect may be undefined on one history (the first epoch below a loss that is never reached) and defined on
        # another: a fault is what fails on both.
        if compute is None or (what == "opposite" and "effect" in failed):
            continue
        error = _attempt(compute, made.runs(names, learns=True))
        if error and _attempt(compute, made.runs(names, learns=False)):
            failed.add(what)
            yield f"claim {subject.id}: its {what} cannot be computed from what is recorded: {error}"
    yield from _untold(subject.id, effect, {name: made.arms[name] for name in names})
    for what, compute in _all_read(subject, tier, [made.arms[name] for name in names]) if made.sparse(names) else ():
        error = "" if failed & {"effect", what} else _of_epochs_left_out(compute, made, names)
        if error:
            failed.add(what)
            yield f"claim {subject.id}: its {what} cannot be computed from what is evaluated: {error}"


def _untold(claim: str, effect: Effect, arms: Mapping[str, Arm]) -> Iterator[str]:
    """The first value that ``effect`` may have and cannot tell, as a fault."""
    for value in (1.0, -1.0, 0.0, math.nan, math.inf, -math.inf):
        try:
            said = effect.tell([value], arms)
        except Exception as error:  # the functions are an author's
            kind = f"{type(error).__name__}: {' '.join(str(error).split())}"
            yield f"claim {claim}: its effect cannot tell the value {value}: {kind}"
            return
        if not said:
            yield f"claim {claim}: its effect tells nothing of the value {value}: give a clause"
            return


_Compute = Callable[[Mapping[str, Run]], float]


def _all_read(claim: Claim, tier: Tier, arms: Sequence[Arm]) -> Iterator[tuple[str, _Compute]]:
    """What ``tier`` computes from the runs of ``arms`` to judge ``claim``, each with its name."""
    effect, experiment = claim.effect, claim.experiment
    assert isinstance(effect, Effect)
    assert experiment is not None
    yield "effect", effect.compute
    if effect.opposite is not None:
        yield "opposite", effect.opposite
    for reading in readings_of(claim):
        if isinstance(reading.effect, Effect) and not (tier == "quick" and pilots.silenced(as_read(claim, reading))):
            yield f"reading {reading.reading!r} of {reading.number}", reading.effect.compute
    if effect.clock and claim.fidelity(tier) == "reduced" and not pilots.takes_half(arms, experiment.full):
        for share in pilots.AT:
            yield f"effect at {share:.0%} of the budget", partial(_cut, effect.compute, share)


def _cut(compute: _Compute, share: float, runs: Mapping[str, Run]) -> float:
    return compute({name: run.until(share) for name, run in runs.items()})


def _of_epochs_left_out(compute: _Compute, made: MadeUp, names: list[str]) -> str:
    """Why ``compute`` does not give the number that it would give if every epoch was evaluated, in one line; '' if it does, or if
    it gives none, or not the same one twice, from every epoch."""
    for learns in (True, False):
        everything = made.whole_runs(names, learns)
        wanted = _outcome(compute, everything)[0]
        if wanted is None:
            continue
        found, error = _outcome(compute, made.runs(names, learns))
        # Comparisons with NaN give numbers too, so the number must not depend on what else stands there.
        others = (_outcome(compute, made.whole_runs(names, learns, left_out=number))[0] for number in (0.0, _FAR_AWAY))
        if not all(_same(wanted, other) for other in (found, *others)):
            if not _same(wanted, _outcome(compute, everything)[0]):
                continue
            arms = " or ".join(f"arm {name!r}" for name in made.sparse(names))
            return error or (
                f"it reads an epoch that {arms} does not evaluate, which has no value: read other epochs with run.history, or "
                "give the arm evaluation=Evaluation() to evaluate every epoch"
            )
    return ""


def _same(one: float, other: float | None) -> bool:
    return other is not None and (one == other or (math.isnan(one) and math.isnan(other)))


def _attempt(compute: _Compute, runs: Mapping[str, Run]) -> str:
    """Why ``compute`` does not give a number for the made-up ``runs``, in one line; '' if it does, or if it fails for a reason
    that may lie in the made-up numbers: a fit that does not converge, a check of its own, a skip or an exit."""
    return _outcome(compute, runs)[1]


def _outcome(compute: _Compute, runs: Mapping[str, Run]) -> tuple[float | None, str]:
    """The number that ``compute`` gives for ``runs``, None if it gives none, and why it does not: see ``_attempt``."""
    try:
        with np.errstate(all="ignore"):
            value = compute(runs)
            return as_real(value), ""
    except NoFinding:
        return None, f"it gives {shown(value)}: return a number, above 0 if the claim holds"
    except KeyboardInterrupt:
        raise
    except (KeyError, IndexError, AttributeError, NameError, TypeError, ValueError) as error:
        text = " ".join(str(error).split())
        if isinstance(error, ValueError):
            return None, text if _is_ours(error) else ""
        if isinstance(error, KeyError):
            there = "; ".join(f"{name}: {', '.join(run.arrays)}" for name, run in runs.items())
            results = {_of(result): ", ".join(result.arrays) for run in runs.values() for result in run.results}
            there += "".join(f"; {of}: {names}" for of, names in results.items())
            way = f"; {_FROM_WEIGHTS}" if error.args[:1] in [(name,) for name in FOR_MEASURES] else ""
            return None, f"there is no {text}; there are, by arm, {there}{way}"
        if isinstance(error, AttributeError) and isinstance(error.obj, Run):
            return None, f"{text}; its numbers are in run.arrays: {', '.join(error.obj.arrays)}"
        return None, f"{type(error).__name__}: {text}"
    except BaseException:  # including pytest's own skips, which the hearing treats as such
        return None, ""


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
    return f"{result.measurement.kind} of {' and '.join(result.arms)}"


def _of_experiments(shown_in: Experiment | CrossReportFigure, tier: Tier, make: _Make) -> Iterator[str]:
    """A fault for each measurement of an experiment, or of those that ``shown_in`` compares, that cannot be taken, for looks that
    cannot be planned, and for each figure that reads arrays which nothing records."""
    experiments = shown_in.experiments if isinstance(shown_in, CrossReportFigure) else (shown_in,)
    made = []
    for one in experiments:
        try:
            made.append(make(one, tier))
            check_looks(one.protocol(tier).looks)
        except ValueError as error:
            yield str(error) if one.id in str(error) else f"experiment {one.id}: {error}"
    faulty = [fault for one in made for fault in one.faults]
    yield from faulty
    if faulty or len(made) < len(experiments):
        return
    if isinstance(shown_in, CrossReportFigure):
        yield from _undrawn(f"figure {shown_in.id}", shown_in.kind, [(one, list(one.arms)) for one in made])
        return
    for experiment, all_of_it in zip(experiments, made, strict=True):
        for figure in experiment.figures:
            some = [name for name in all_of_it.arms if not figure.arms or name in figure.arms]
            if some:  # the quick protocol may lack them all: the figure is then left out
                yield from _undrawn(f"experiment {experiment.id}: figure {figure.id}", figure.kind, [(all_of_it, some)])


def _undrawn(what: str, name: str, parts: list[tuple[MadeUp, list[str]]]) -> Iterator[str]:
    """The first reason, as a fault, why a figure of kind ``name`` does not find all that it reads for the arms that it shows."""
    kind = KINDS[name]
    lacking = []
    for made, shown_arms in parts:
        for arm in shown_arms:
            found = made.drawn(arm, kind, shown_arms)
            if found is None:
                yield f"{what} of kind {name} finds several results of arm {arm!r} to draw: name the arms of one"
                return
            lacking.append((arm, [array for array in kind.arrays if array not in found]))
            evaluation, epochs = made.arms[arm].evaluation, made.arms[arm].epochs
            for split in SPLITS:
                read = [array for array in kind.arrays if array in found and array.startswith(f"{split}_")]
                if read and evaluation.of(split) not in kind.schedules and not evaluation.whole(split, epochs):
                    yield (
                        f"{what} of kind {name} reads {read[0]} at epochs that arm {arm!r} does not evaluate: give it "
                        f"evaluation=Evaluation({split}={kind.schedules[-1]!r}), or give another kind"
                    )
                    return
    if all(missing for _, missing in lacking) if not kind.every else any(missing for _, missing in lacking):
        arm, missing = next((arm, missing) for arm, missing in lacking if missing)
        yield (
            f"{what} of kind {name} needs {', '.join(missing)}, which arm {arm!r} does not have: record or measure them, "
            "or give another kind"
        )


class _Names:
    """Check of subjects, one after the other: it is a fault if an experiment or figure of a subject has the id of a different one
    before it, because their figures would overwrite each other. Ids that differ only in case are the same to some file
    systems."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Experiment | CrossReportFigure] = {}

    def faults(self, subject: Subject) -> Iterator[str]:
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
                yield f"two different {what}s have the id {one.id}{other}: give one a different name"
