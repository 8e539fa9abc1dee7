"""Effects that hold a number against a threshold or within a tolerance: they have no opposite."""

import math
from collections.abc import Sequence

import numpy as np

from hw1bench.effects.effect import Effect, Runs, difference, log, margin
from hw1bench.effects.identity import stated
from hw1bench.measures import learning


@stated
def reaches(threshold: float, *, arm: str, within: int) -> Effect:
    """The training loss of ``arm`` is at most ``threshold`` within so many epochs."""
    return Effect(
        f"{within + 0.5} - epochs(L <= {threshold:g}) of {arm}; never is the budget + 1",
        "epochs",
        lambda runs: within + 0.5 - learning.epochs_to(runs[arm], threshold),
        (arm,),
    )


@stated
def never_reaches(threshold: float, *, arm: str) -> Effect:
    """The training loss of ``arm`` is never at most ``threshold`` in its budget: +1, else -1."""
    return Effect(
        f"+1 if L of {arm} is never <= {threshold:g}, else -1",
        "sign",
        lambda runs: 1.0 if learning.epochs_to(runs[arm], threshold) > runs[arm].arm.epochs else -1.0,
        (arm,),
    )


@stated
def loss_below(threshold: float, *arms: str) -> Effect:
    """The final training loss of every one of ``arms`` is below ``threshold``."""
    of = f"L of {arms[0]}" if len(arms) == 1 else f"max L of {', '.join(arms)}"
    return Effect(
        f"{threshold:g} - {of}", "MSE", lambda runs: threshold - max(learning.final(runs[arm]) for arm in arms), arms
    )


@stated
def loss_above(threshold: float, arm: str) -> Effect:
    """The final training loss of ``arm`` is above ``threshold``."""
    return Effect(f"L of {arm} - {threshold:g}", "MSE", lambda runs: learning.final(runs[arm]) - threshold, (arm,))


@stated
def stops_near(reported: int, *, arm: str, within: float) -> Effect:
    """Report B's stopping rule stops ``arm`` within a share ``within`` of the ``reported`` epoch."""
    return Effect(
        f"{within:g} - |stop / {reported} - 1| of {arm}",
        "ratio",
        # Over one denominator: 0.2 - |1200 / 1000 - 1| is not 0 in floating point, and a tie must not hold.
        lambda runs: (within * reported - abs(learning.stop(runs[arm]) - reported)) / reported,
        (arm,),
    )


@stated
def improves(arm: str, *, factor: float) -> Effect:
    """Training divides the loss of ``arm`` by more than ``factor``."""
    return Effect(
        f"log(L(start) / L(end)) of {arm} - log {factor:g}",
        "log ratio",
        lambda runs: difference(log(learning.start(runs[arm])), log(learning.final(runs[arm]))) - math.log(factor),
        (arm,),
    )


@stated
def comparable(arm: str, *, to: Sequence[str], factor: float) -> Effect:
    """The final training loss of ``arm`` is within ``factor`` of the median of that of the arms ``to``."""

    def compute(runs: Runs) -> float:
        middle = float(np.median([learning.final(runs[other]) for other in to]))
        return math.log(factor) - abs(difference(log(learning.final(runs[arm])), log(middle)))

    return Effect(
        f"log {factor:g} - |log L of {arm} - log median L of {', '.join(to)}|", "log ratio", compute, (arm, *to)
    )


@stated
def accuracy_above(threshold: float, arm: str) -> Effect:
    """The final training accuracy of ``arm`` is above ``threshold``, a share."""
    return Effect(
        f"train accuracy of {arm} - {threshold:g}",
        "share",
        lambda runs: margin(learning.final(runs[arm], "train_accuracy") - threshold),
        (arm,),
    )


@stated
def accuracy_reaches(threshold: float, *, arm: str) -> Effect:
    """The training accuracy of ``arm`` is above ``threshold``, a share, after its best epoch."""
    return Effect(
        f"best train accuracy of {arm} - {threshold:g}",
        "share",
        lambda runs: margin(float(runs[arm].history("train_accuracy").max()) - threshold),
        (arm,),
    )


@stated
def accuracy_below(threshold: float, arm: str) -> Effect:
    """The final training accuracy of ``arm`` is below ``threshold``, a share."""
    return Effect(
        f"{threshold:g} - train accuracy of {arm}",
        "share",
        lambda runs: margin(threshold - learning.final(runs[arm], "train_accuracy")),
        (arm,),
    )


@stated
def near(history: str, reported: float, *, arm: str, within: float) -> Effect:
    """The final ``history`` is within ``within`` of the ``reported`` value: a loss as a share of it, an accuracy in shares."""
    name = history.replace("_", " ")

    def compute(runs: Runs) -> float:
        found = learning.final(runs[arm], history)
        return margin(within - abs(found / reported - 1 if history.endswith("loss") else found - reported))

    distance = f"{name} / {reported:g} - 1" if history.endswith("loss") else f"{name} - {reported:g}"
    return Effect(f"{within:g} - |{distance}| of {arm}", "share", compute, (arm,))


def _range(history: str, arms: Sequence[str], runs: Runs) -> float:
    values = [learning.final(runs[arm], history) for arm in arms]
    return max(values) - min(values)


@stated
def alike(history: str, *arms: str, within: float) -> Effect:
    """The final values of ``history`` of all ``arms`` lie less than ``within`` apart."""
    name = f"{within:g} - range of {history.replace('_', ' ')} of {', '.join(arms)}"
    return Effect(name, "share", lambda runs: margin(within - _range(history, arms, runs)), arms)


@stated
def differ(history: str, *arms: str, by: float) -> Effect:
    """The final values of ``history`` of ``arms`` range over more than ``by``."""
    name = f"range of {history.replace('_', ' ')} of {', '.join(arms)} - {by:g}"
    return Effect(name, "share", lambda runs: margin(_range(history, arms, runs) - by), arms)


@stated
def plateaus(history: str, *, arm: str, after: float, within: float) -> Effect:
    """After the share ``after`` of the budget, ``history`` of ``arm`` gets less than ``within`` above its value there."""
    name = history.replace("_", " ")
    return Effect(
        f"{within:g} - (max {name} after {after:.0%} of the epochs - {name} there) of {arm}",
        "share",
        lambda runs: margin(within - learning.gain_after(runs[arm], history, after)),
        (arm,),
    )


@stated
def saturates(small: str, middle: str, large: str, *, history: str = "test_accuracy") -> Effect:
    """``history`` gains from the arm ``small`` to ``middle``, and less from there to ``large``."""

    def compute(runs: Runs) -> float:
        first, second, third = (learning.final(runs[arm], history) for arm in (small, middle, large))
        return margin(min(second - first, (second - first) - (third - second)))

    name = history.replace("_", " ")
    return Effect(
        f"min(g1, g1 - g2), g1 = {name} of {middle} - {small}, g2 = {large} - {middle}",
        "share",
        compute,
        (small, middle, large),
    )


def _by(over: str, history: str, runs: Runs, least: int = 1) -> list[float]:
    """Final values of ``history`` in the order of the setting ``over``. Raises ValueError for fewer than ``least`` arms."""
    if len(runs) < least:
        raise ValueError(f"{len(runs)} arms over {over}: give {least} or more")
    ordered = sorted(runs.values(), key=lambda run: run.arm.setting(over))
    return [learning.final(run, history) for run in ordered]


@stated
def u_shaped(history: str, *, over: str, factor: float) -> Effect:
    """``history``, a loss, is more than ``factor`` higher at both ends of the setting ``over`` than at its minimum inside."""

    def compute(runs: Runs) -> float:
        values = _by(over, history, runs, least=3)
        # At an end the minimum leaves no rise on that side: what follows is then negative, as it must be.
        return difference(min(log(values[0]), log(values[-1])), log(min(values))) - math.log(factor)

    name = history.replace("_", " ")
    return Effect(
        f"min(log {name} of the smallest, of the largest) - log min {name} - log {factor:g}, over {over}",
        "log ratio",
        compute,
    )


@stated
def rises_then_plateaus(history: str, *, over: str, by: float, within: float) -> Effect:
    """The best of ``history`` is more than ``by`` above that of the smallest arm by the setting ``over``, and the best of the
    three largest less than ``within`` above the best of the rest."""

    def compute(runs: Runs) -> float:
        values = np.array(_by(over, history, runs, least=4))
        return margin(min(values.max() - values[0] - by, within - (values[-3:].max() - values[:-3].max())))

    name = history.replace("_", " ")
    return Effect(
        f"min(best {name} - smallest's - {by:g}, {within:g} - (best of the three largest - best of the rest)), over {over}",
        "share",
        compute,
    )


@stated
def above_at_largest(history: str, threshold: float, *, over: str) -> Effect:
    """The arm that is largest by the setting ``over`` has a final ``history`` above ``threshold``."""
    return Effect(
        f"{history.replace('_', ' ')} of the largest by {over} - {threshold:g}",
        "share",
        lambda runs: margin(_by(over, history, runs)[-1] - threshold),
    )
