"""Effects that compare arms. The opposite is the reverse comparison; the best or worst of several arms has none, because its
opposite, to be neither, is no sentence of a report."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np

from hw1bench.effects.effect import (
    FITTED,
    Effect,
    Measure,
    OfVariance,
    Runs,
    difference,
    final,
    margin,
    unit,
    words,
)
from hw1bench.effects.identity import identified
from hw1bench.effects.telling import TIE
from hw1bench.measures import learning
from hw1bench.records.runs import Run

ALIKE = 0.01
"""Losses of fits that differ by less than this share tie."""


def _epochs(to: float | OfVariance | None) -> tuple[str, Callable[[Run, int], float]]:
    """Return the text of the loss to reach, and the measure (run, epochs) -> the first of so many epochs with that loss."""
    level = FITTED if to is None else to
    if isinstance(level, OfVariance):
        return str(level), lambda run, epochs: learning.epochs_to_share_of_variance(run, level.share, within=epochs)
    return f"{level:g}", lambda run, epochs: learning.epochs_to(run, level, within=epochs)


def _common(runs: Runs, arms: Sequence[str], within: int | None) -> int:
    """Return the epochs that all ``arms`` have in common, at most ``within``."""
    budgets = [runs[arm].arm.epochs for arm in arms]
    return min(budgets if within is None else [*budgets, within])


def _in_order(arms: tuple[str, ...], to: float | OfVariance | None, within: int | None) -> Effect:
    name, epochs = _epochs(to)

    def smallest_step(order: Sequence[str]) -> Callable[[Runs], float]:
        def compute(runs: Runs) -> float:
            common = _common(runs, order, within)
            logs = [math.log(epochs(runs[arm], common)) for arm in order]
            return min(slower - quicker for quicker, slower in pairwise(logs))

        return compute

    terms = [f"log e({slower}) - log e({quicker})" for quicker, slower in pairwise(arms)]
    text = terms[0] if len(terms) == 1 else f"min({', '.join(terms)})"
    return Effect(
        f"{text}, e = {_first(name, within)}", "log ratio", smallest_step(arms), arms, smallest_step(arms[::-1])
    )


def _first(level: str, within: int | None) -> str:
    """Return the text of the epoch at which a run reaches ``level``."""
    common = "the common epochs" if within is None else f"the first {within:,} epochs"
    return f"first epoch with L <= {level} in {common}, none: one more"


@identified
def faster(arm: str, *, than: str, to: float | OfVariance | None = None, within: int | None = None) -> Effect:
    """``arm`` needs fewer epochs than the arm ``than`` to reach a loss of ``to`` (None: 10 % of the target's variance).

    Only the epochs that both have in common count, at most the first ``within``. An arm that does not get there in these counts
    as one epoch later, which makes the number a lower bound; if neither does, they tie.
    """
    return _in_order((arm, than), to, within)


@identified
def in_order(*arms: str, to: float | OfVariance | None = None) -> Effect:
    """The epochs to a loss of ``to`` rise strictly from each of ``arms`` to the next (see ``faster``); the opposite is the
    reversed order."""
    return _in_order(arms, to, None)


@identified
def not_faster(arm: str, *, than: str, to: float | OfVariance | None = None) -> Effect:
    """``arm`` does not need fewer epochs than the arm ``than`` to reach a loss of ``to``: the opposite of ``faster``, except that
    a tie holds (``TIE``)."""
    slower, (level, _) = _in_order((than, arm), to, None), _epochs(to)
    return Effect(
        f"log e({arm}) - log e({than}), for a tie {TIE:g}, e = {_first(level, None)}",
        slower.unit,
        lambda runs: slower.compute(runs) or TIE,
        (arm, than),
        slower.opposite,
    )


@identified
def stop_in_order(*arms: str) -> Effect:
    """The stopping rule (``learning.stopping_epoch``) stops no arm after the next of ``arms``, and the first before the last: +1,
    else -1. Only the epochs that all have in common count. If all stop at one epoch, or none does, they tie: 0."""

    def sign(order: Sequence[str]) -> Callable[[Runs], float]:
        def compute(runs: Runs) -> float:
            stops = [learning.stop(runs[arm], within=_common(runs, order, None)) for arm in order]
            return 0.0 if len(set(stops)) == 1 else 1.0 if stops == sorted(stops) else -1.0

        return compute

    return Effect(
        f"+1 if stops are {' <= '.join(arms)}, 0 if all equal, else -1", "sign", sign(arms), arms, sign(arms[::-1])
    )


def compared(first: Run, second: Run, level: Measure) -> float:
    """Return how far ``level``, a log loss, is higher for ``first`` than for ``second``; 0 for a tie.

    Fits tie if the losses differ by less than ``ALIKE``, and two dead nets tie. Perfect fits tie because levels are
    ``learning.resolved``. NaN if both have diverged.
    """
    if learning.dead(first) and learning.dead(second):
        return 0.0
    gap = difference(level(first), level(second))
    return 0.0 if learning.fits(first) and abs(gap) < math.log1p(ALIKE) else gap


def _higher(level: Measure, arm: str, among: tuple[str, ...], name: str) -> Effect:
    """Make the effect that ``level``, a log loss, is higher for ``arm`` than for each of ``among``; against one arm alone its
    opposite is that it is lower."""

    def above(runs: Runs) -> float:
        return _smallest(compared(runs[arm], runs[other], level) for other in among)

    opposite = (lambda runs: -above(runs)) if len(among) == 1 else None
    return Effect(name, "log ratio", above, (arm, *among), opposite)


@identified
def lower_loss(arm: str, *, than: str) -> Effect:
    """``arm`` ends with a lower training loss than the arm ``than``: see ``compared``."""
    return _higher(learning.log_loss, than, (arm,), f"log L of {than} - log L of {arm}")


@identified
def highest_loss(arm: str, *, among: Sequence[str]) -> Effect:
    """``arm`` ends with a higher training loss than each of ``among``: see ``compared``."""
    name = f"log L of {arm} - log max L of {', '.join(among)}"
    return _higher(learning.log_loss, arm, tuple(among), name)


@identified
def flattest(arm: str, *, among: Sequence[str], first_share: float = 0.5) -> Effect:
    """``arm`` has a higher mean log training loss over the first share of the epochs than each of ``among``: see ``compared``."""
    name = f"mean log L of {arm} over the first {first_share:.0%} of epochs - max mean of {', '.join(among)}"
    return _higher(lambda run: learning.mean_log_loss(run, first_share), arm, tuple(among), name)


def _gap(history: str) -> Callable[[Run, Run], float]:
    """Return how far the final ``history`` is higher for one run than for another; training losses tie as ``compared`` says."""
    measure = final(history)
    if history == "train_loss":
        return lambda first, second: compared(first, second, learning.log_loss)
    return lambda first, second: difference(measure(first), measure(second))


def _smallest(gaps: Iterable[float]) -> float:
    return float(np.min(list(gaps)))  # NaN if one is NaN


def _highest(gap: Callable[[Run, Run], float], arm: str, among: tuple[str, ...], name: str, unit: str) -> Effect:
    def above(runs: Runs) -> float:
        return _smallest(gap(runs[arm], runs[other]) for other in among)

    def below(runs: Runs) -> float:
        return gap(runs[among[0]], runs[arm])

    return Effect(name, unit, above, (arm, *among), below if len(among) == 1 else None)


@identified
def highest(history: str, arm: str, *, among: Sequence[str]) -> Effect:
    """``arm`` ends with a higher ``history`` than each of ``among``; the opposite, if that is one arm: a lower value."""
    of = f"max of {', '.join(among)}" if len(among) > 1 else among[0]
    return _highest(_gap(history), arm, tuple(among), f"{words(history)} of {arm} - {of}", unit(history))


@identified
def lowest(history: str, arm: str, *, among: Sequence[str]) -> Effect:
    """``arm`` ends with a lower ``history`` than each of ``among``; the opposite, if that is one arm: a higher value."""
    higher, name = _gap(history), words(history)
    of = f"min of {', '.join(among)}" if len(among) > 1 else among[0]
    return _highest(lambda one, two: higher(two, one), arm, tuple(among), f"{of} - {name} of {arm}", unit(history))


@identified
def unbeaten(history: str, arm: str, *, among: Sequence[str]) -> Effect:
    """None of ``among`` ends with a higher ``history`` than ``arm``. The claim denies an order, so a tie holds: see
    ``TIE``."""
    lead = highest(history, arm, among=among)
    return Effect(f"{lead.name}; a tie holds", lead.unit, lambda runs: margin(lead.compute(runs)) or TIE, lead.arms)


@identified
def descending(history: str, *arms: str) -> Effect:
    """The final ``history`` falls strictly from each of ``arms`` to the next; the opposite is the reversed order."""
    gap = _gap(history)

    def smallest_gap(order: Sequence[str]) -> Callable[[Runs], float]:
        return lambda runs: _smallest(gap(runs[a], runs[b]) for a, b in pairwise(order))

    gaps = ", ".join(f"{a} - {b}" for a, b in pairwise(arms))
    return Effect(f"min({gaps}), {words(history)}", unit(history), smallest_gap(arms), arms, smallest_gap(arms[::-1]))


@identified
def ahead(history: str, arm: str, *, of: str, first_share: float) -> Effect:
    """Over the first share of the epochs ``arm`` has a lower loss, or a higher accuracy, on average than the arm ``of``."""
    loss = history.endswith("loss")

    def lead(leader: str, follower: str) -> Callable[[Runs], float]:
        def compute(runs: Runs) -> float:
            one, other = (learning.early(runs[name], history, first_share) for name in (leader, follower))
            return float(np.mean(np.log(other) - np.log(one) if loss else one - other))

        return compute

    order = f"{of} - {arm}" if loss else f"{arm} - {of}"
    name = f"mean of {words(history)}, {order}, over the first {first_share:.0%} of epochs"
    return Effect(name, unit(history), lead(arm, of), (arm, of), lead(of, arm))


@identified
def overfits(arm: str) -> Effect:
    """``arm`` ends with a higher loss on the test set than on the training set."""

    def gap(runs: Runs) -> float:
        return difference(final("test_loss")(runs[arm]), final("train_loss")(runs[arm]))

    return Effect(f"log test loss - log L of {arm}", "log ratio", gap, (arm,), lambda runs: -gap(runs))
