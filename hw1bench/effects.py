"""What claims are made of: an effect turns the runs of one seed, one an arm, into one number; the claim holds if it is > 0.

Each function below makes an `Effect` that reads like the sentence it stands for, e.g.
``faster("7 layers", than="1 layer", to=1e-4)``. Comparisons and orders know their opposite, so that a refutation can be
told to be a reversal; thresholds and tolerances have none. A number that the runs leave undefined is NaN.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from hw1bench.experiment import Model
from hw1bench.measures import learning
from hw1bench.runs import Run

Runs = Mapping[str, Run]  # arm name -> its run, all of one seed
Measure = Callable[[Run], float]

IN_ORDER = 0.69  # an order holds where more pairs than this agree: 3 of 3, 5 of 6, 7 of 10, 32 of 45


@dataclass(frozen=True)
class Effect:
    """A number per seed. ``arms`` are those it looks at (None: all of the experiment); ``name`` is its formula."""

    name: str
    unit: str
    compute: Callable[[Runs], float]
    arms: tuple[str, ...] | None = None
    opposite: Callable[[Runs], float] | None = None

    def __call__(self, runs: Runs) -> float:
        with np.errstate(all="ignore"):
            return float(self.compute(runs))


@dataclass(frozen=True)
class CountIs:
    """The exact claim that a layout has a stated number of trainable parameters.

    ``relation`` is "equal", "about" (within 10 %) or "more than".
    """

    model: Model
    stated: int
    relation: str = "equal"


@dataclass(frozen=True)
class CountsEqual:
    """The exact claim that nets, by name, have the same number of trainable parameters."""

    models: tuple[tuple[str, Model], ...]


def _log(value: float) -> float:
    return math.log(value) if 0 < value < math.inf else -math.inf if value == 0 else math.nan if value < 0 else value


def _stop(run: Run) -> float:
    return learning.stopping_epoch(run.history("train_loss"))


def _difference(high: float, low: float) -> float:
    return high - low if math.isfinite(high) or math.isfinite(low) or high != low else math.nan


# --- thresholds and tolerances: no opposite --------------------------------------------------------------------------


def reaches(threshold: float, *, arm: str, within: int) -> Effect:
    """The training loss of ``arm`` is at most ``threshold`` within so many epochs."""
    return Effect(
        f"{within + 0.5} - epochs(L <= {threshold:g}) of {arm}; never is the budget + 1",
        "epochs",
        lambda runs: within + 0.5 - learning.epochs_to(runs[arm], threshold),
        (arm,),
    )


def never_reaches(threshold: float, *, arm: str) -> Effect:
    """The training loss of ``arm`` is never at most ``threshold`` in its budget: +1, else -1."""
    return Effect(
        f"+1 if L of {arm} is never <= {threshold:g}, else -1",
        "sign",
        lambda runs: 1.0 if learning.epochs_to(runs[arm], threshold) > runs[arm].arm.epochs else -1.0,
        (arm,),
    )


def loss_below(threshold: float, *arms: str) -> Effect:
    """The final training loss of every one of ``arms`` is below ``threshold``."""
    of = f"L of {arms[0]}" if len(arms) == 1 else f"max L of {', '.join(arms)}"
    return Effect(
        f"{threshold:g} - {of}", "MSE", lambda runs: threshold - max(learning.final(runs[arm]) for arm in arms), arms
    )


def loss_above(threshold: float, arm: str) -> Effect:
    """The final training loss of ``arm`` is above ``threshold``."""
    return Effect(f"L of {arm} - {threshold:g}", "MSE", lambda runs: learning.final(runs[arm]) - threshold, (arm,))


def stops_near(reported: int, *, arm: str, within: float) -> Effect:
    """Report B's stopping rule stops ``arm`` within a share ``within`` of the ``reported`` epoch."""
    return Effect(
        f"{within:g} - |stop / {reported} - 1| of {arm}",
        "ratio",
        # Over one denominator: 0.2 - |1200 / 1000 - 1| is not 0 in floating point, and a tie must not hold.
        lambda runs: (within * reported - abs(_stop(runs[arm]) - reported)) / reported,
        (arm,),
    )


def improves(arm: str, *, factor: float) -> Effect:
    """Training divides the loss of ``arm`` by more than ``factor``."""
    return Effect(
        f"log(L(start) / L(end)) of {arm} - log {factor:g}",
        "log ratio",
        lambda runs: _difference(_log(learning.start(runs[arm])), _log(learning.final(runs[arm]))) - math.log(factor),
        (arm,),
    )


def comparable(arm: str, *, to: Sequence[str], factor: float) -> Effect:
    """The final training loss of ``arm`` is within ``factor`` of the median of that of the arms ``to``."""

    def compute(runs: Runs) -> float:
        middle = float(np.median([learning.final(runs[other]) for other in to]))
        return math.log(factor) - abs(_difference(_log(learning.final(runs[arm])), _log(middle)))

    return Effect(
        f"log {factor:g} - |log L of {arm} - log median L of {', '.join(to)}|", "log ratio", compute, (arm, *to)
    )


# --- comparisons: the opposite is the comparison the other way round -------------------------------------------------


def _epochs(to: float | None) -> tuple[str, Measure]:
    if to is None:
        return "epochs(L <= 10 % of the target's variance), never: budget + 1", learning.epochs_to_share_of_variance
    return f"epochs(L <= {to:g}), never: budget + 1", lambda run: learning.epochs_to(run, to)


def faster(arm: str, *, than: str, to: float | None = None) -> Effect:
    """``arm`` needs fewer epochs than the arm ``than`` to a loss of ``to`` (None: 10 % of the target's variance)."""
    return in_order(arm, than, to=to)


def in_order(*arms: str, to: float | None = None) -> Effect:
    """Epochs to a loss of ``to`` rise strictly from each of ``arms`` to the next; the opposite is the reversed order."""
    name, epochs = _epochs(to)

    def smallest_step(order: Sequence[str]) -> Callable[[Runs], float]:
        def compute(runs: Runs) -> float:
            logs = [math.log(epochs(runs[arm])) for arm in order]
            return min(slower - quicker for quicker, slower in pairwise(logs))

        return compute

    terms = [f"log e({slower}) - log e({quicker})" for quicker, slower in pairwise(arms)]
    text = terms[0] if len(terms) == 1 else f"min({', '.join(terms)})"
    return Effect(f"{text}, e = {name}", "log ratio", smallest_step(arms), arms, smallest_step(arms[::-1]))


def stop_in_order(*arms: str) -> Effect:
    """Report B's rule stops none of ``arms`` after the next, and the first before the last: +1, else -1."""

    def sign(order: Sequence[str]) -> Callable[[Runs], float]:
        def compute(runs: Runs) -> float:
            stops = [_stop(runs[arm]) for arm in order]
            return 1.0 if stops == sorted(stops) and stops[0] < stops[-1] else -1.0

        return compute

    return Effect(
        f"+1 if stops are {' <= '.join(arms)}, not all equal, else -1", "sign", sign(arms), arms, sign(arms[::-1])
    )


def lower_loss(arm: str, *, than: str) -> Effect:
    """``arm`` ends with a lower training loss than the arm ``than``."""
    return replace(
        highest_loss(than, among=(arm,)),
        name=f"log L of {than} - log L of {arm}",
    )


def _highest(measure: Measure, arm: str, among: tuple[str, ...], name: str, unit: str) -> Effect:
    def above(runs: Runs) -> float:
        return _difference(measure(runs[arm]), max(measure(runs[other]) for other in among))

    def below(runs: Runs) -> float:
        return _difference(min(measure(runs[other]) for other in among), measure(runs[arm]))

    return Effect(name, unit, above, (arm, *among), below)


def highest_loss(arm: str, *, among: Sequence[str]) -> Effect:
    """``arm`` ends with a higher training loss than each of ``among``; the opposite: with a lower one than each."""
    name = f"log L of {arm} - log max L of {', '.join(among)}"
    return _highest(lambda run: _log(learning.final(run)), arm, tuple(among), name, "log ratio")


def flattest(arm: str, *, among: Sequence[str], first_share: float = 0.5) -> Effect:
    """``arm`` has the highest mean log training loss over the first share of the epochs; the opposite: the lowest."""
    name = f"mean log L of {arm} over the first {first_share:.0%} of epochs - max of that of {', '.join(among)}"
    return _highest(lambda run: learning.mean_log_loss(run, first_share), arm, tuple(among), name, "log ratio")


# --- order effects ---------------------------------------------------------------------------------------------------


def share_in_order(values: Sequence[float], over: Sequence[float]) -> float:
    """Share of all pairs in which the larger of ``over`` has the larger of ``values``; ties and NaN are not in order.

    Raises ValueError for fewer than three values: two are a comparison.
    """
    if len(values) < 3 or len(values) != len(over):
        raise ValueError(f"an order needs three or more pairs of numbers, not {len(values)} over {len(over)}")
    m, v = np.asarray(values, dtype=np.float64), np.asarray(over, dtype=np.float64)
    upper = np.triu_indices(len(m), 1)
    agree = (m[:, None] < m[None, :]) & (v[:, None] < v[None, :]) | (m[:, None] > m[None, :]) & (
        v[:, None] > v[None, :]
    )
    return float(agree[upper].mean())


def _order(history: str, over: str, direction: int) -> Effect:
    def compute(sign: int) -> Callable[[Runs], float]:
        def along(runs: Runs) -> float:
            arms = [run.arm for run in runs.values()]
            values = [sign * learning.final(run, history) for run in runs.values()]
            return share_in_order(values, [arm.setting(over) for arm in arms]) - IN_ORDER

        return along

    verb = "rises" if direction > 0 else "falls"
    name = (
        f"share of pairs of arms in which {history.replace('_', ' ')} {verb} over {over.replace('_', ' ')} - {IN_ORDER}"
    )
    return Effect(name, "share of pairs", compute(direction), None, compute(-direction))


def rises(history: str, *, over: str) -> Effect:
    """The final value of ``history`` (such as "test_loss") rises with a setting of the arms: "batch_size", "lr", "parameters"."""
    return _order(history, over, 1)


def falls(history: str, *, over: str) -> Effect:
    """The opposite of `rises`."""
    return _order(history, over, -1)
