"""Effects that compare a number with a threshold or a tolerance: they have no opposite."""

import math
from collections.abc import Sequence

import numpy as np

from hw1bench.effects.effect import Effect, Runs, difference, log, margin, past, unit
from hw1bench.effects.identity import identified
from hw1bench.effects.telling import ON_BOUND
from hw1bench.measures import learning


@identified
def reaches(threshold: float, *, arm: str, within: int) -> Effect:
    """The training loss of ``arm`` reaches ``threshold`` or less ``within`` so many epochs; never is one epoch after its budget,
    and after ``within`` if that is longer."""

    def compute(runs: Runs) -> float:
        epoch = learning.epochs_to(runs[arm], threshold)
        return within + 0.5 - (max(epoch, within + 1) if epoch > runs[arm].arm.epochs else epoch)

    return Effect(
        f"{within + 0.5} - epochs(L <= {threshold:g}) of {arm}; never is the budget + 1", "epochs", compute, (arm,)
    )


@identified
def never_reaches(threshold: float, *, arm: str) -> Effect:
    """The training loss of ``arm`` stays above ``threshold`` throughout its budget: +1, else -1."""
    return Effect(
        f"+1 if L of {arm} is never <= {threshold:g}, else -1",
        "sign",
        lambda runs: 1.0 if learning.epochs_to(runs[arm], threshold) > runs[arm].arm.epochs else -1.0,
        (arm,),
    )


@identified
def reaches_near(threshold: float, *, arm: str, reported: int, within: float) -> Effect:
    """The training loss of ``arm`` first reaches ``threshold`` or less at an epoch that differs from the ``reported`` one by less
    than a share ``within``; -infinity if it never does."""

    def compute(runs: Runs) -> float:
        epoch = learning.epochs_to(runs[arm], threshold)
        if epoch > runs[arm].arm.epochs:
            return -math.inf
        return (within * reported - abs(epoch - reported)) / reported or ON_BOUND  # one denominator: see ``stops_near``

    return Effect(
        f"{within:g} - |epochs(L <= {threshold:g}) / {reported} - 1| of {arm}, never: -infinity",
        "ratio",
        compute,
        (arm,),
    )


@identified
def loss_below(threshold: float, *arms: str) -> Effect:
    """The final training loss of every one of ``arms`` is below ``threshold``."""
    of = f"L of {arms[0]}" if len(arms) == 1 else f"max L of {', '.join(arms)}"

    def worst(runs: Runs) -> float:
        return float(np.max([learning.final(runs[arm]) for arm in arms]))  # NaN if one is NaN

    return Effect(f"{threshold:g} - {of}", "MSE", lambda runs: past(threshold - worst(runs)), arms)


@identified
def loss_above(threshold: float, arm: str) -> Effect:
    """The final training loss of ``arm`` is above ``threshold``."""
    return Effect(
        f"L of {arm} - {threshold:g}", "MSE", lambda runs: past(learning.final(runs[arm]) - threshold), (arm,)
    )


@identified
def stops_near(reported: int, *, arm: str, within: float) -> Effect:
    """The stopping rule (``learning.stopping_epoch``) stops ``arm`` at an epoch that differs from the ``reported`` one by
    less than a share ``within``."""
    return Effect(
        f"{within:g} - |stop / {reported} - 1| of {arm}",
        "ratio",
        # With one denominator, because 0.2 - |1200 / 1000 - 1| is not 0 in floating point, and a tie must not hold.
        lambda runs: (within * reported - abs(learning.stop(runs[arm]) - reported)) / reported or ON_BOUND,
        (arm,),
    )


@identified
def improves(arm: str, *, factor: float) -> Effect:
    """Training divides the loss of ``arm`` by more than ``factor``."""
    return Effect(
        f"log(L(start) / L(end)) of {arm} - log {factor:g}",
        "log ratio",
        lambda runs: past(
            difference(log(learning.start(runs[arm])), log(learning.final(runs[arm]))) - math.log(factor)
        ),
        (arm,),
    )


@identified
def no_worse(arm: str, *, than: Sequence[str], factor: float) -> Effect:
    """The final training loss of ``arm`` is below ``factor`` times the median final loss of the arms ``than``; perfect fits are
    equally good (``learning.PERFECT``)."""

    def compute(runs: Runs) -> float:
        finals = [learning.resolved(runs[other], np.array(learning.final(runs[other]))) for other in than]
        return past(math.log(factor) - difference(learning.log_loss(runs[arm]), log(float(np.median(finals)))))

    return Effect(
        f"log {factor:g} - (log L of {arm} - log median L of {', '.join(than)})", "log ratio", compute, (arm, *than)
    )


@identified
def approximates(share: float, *, arm: str) -> Effect:
    """The final training loss of ``arm``, a fit, is below ``share`` of its target's variance; a constant fit leaves all of it."""
    return Effect(
        f"{share:g} of the target's variance - L of {arm}",
        "MSE",
        lambda runs: past(share * learning.target_variance(runs[arm]) - learning.final(runs[arm])),
        (arm,),
    )


@identified
def falls_early(arm: str, *, first_share: float, share: float) -> Effect:
    """More than ``share`` of the whole fall of the training loss of ``arm`` is done after ``first_share`` of the epochs;
    undefined if the loss does not fall."""
    return Effect(
        f"share of the whole fall of L of {arm} done after {first_share:.0%} of the epochs - {share:g}",
        "share",
        lambda runs: past(learning.share_of_fall(runs[arm], first_share) - share),
        (arm,),
    )


@identified
def accuracy_above(threshold: float, arm: str) -> Effect:
    """The final training accuracy of ``arm`` is above ``threshold``, a share."""
    return Effect(
        f"train accuracy of {arm} - {threshold:g}",
        "share",
        lambda runs: past(learning.final(runs[arm], "train_accuracy") - threshold),
        (arm,),
    )


@identified
def accuracy_reaches(threshold: float, *, arm: str) -> Effect:
    """The best training accuracy of ``arm`` over its epochs is above ``threshold``, a share."""
    return Effect(
        f"best train accuracy of {arm} - {threshold:g}",
        "share",
        lambda runs: past(float(runs[arm].history("train_accuracy").max()) - threshold),
        (arm,),
    )


@identified
def accuracy_below(threshold: float, arm: str) -> Effect:
    """The final training accuracy of ``arm`` is below ``threshold``, a share."""
    return _below(threshold, "train_accuracy", arm)


@identified
def below_on_test(threshold: float, arm: str) -> Effect:
    """The final test accuracy of ``arm`` is below ``threshold``, a share."""
    return _below(threshold, "test_accuracy", arm)


def _below(threshold: float, accuracy: str, arm: str) -> Effect:
    return Effect(
        f"{threshold:g} - {accuracy.replace('_', ' ')} of {arm}",
        "share",
        lambda runs: past(threshold - learning.final(runs[arm], accuracy)),
        (arm,),
    )


@identified
def overfits_by(gap: float, arm: str) -> Effect:
    """``arm`` ends with a test loss that is more than ``gap`` above its training loss."""
    return Effect(
        f"test loss - train loss of {arm} - {gap:g}",
        "loss",
        lambda runs: past(learning.final(runs[arm], "loss_gap") - gap),
        (arm,),
    )


@identified
def beaten(history: str, arm: str, *, among: Sequence[str], factor: float) -> Effect:
    """One of ``among`` ends with a ``history``, a loss, that is lower than the loss of ``arm`` by more than ``factor``."""

    def compute(runs: Runs) -> float:
        best = float(np.min([learning.final(runs[other], history) for other in among]))  # NaN if one is NaN
        return past(difference(log(learning.final(runs[arm], history)), log(best)) - math.log(factor))

    name = history.replace("_", " ")
    return Effect(
        f"log {name} of {arm} - log min {name} of {', '.join(among)} - log {factor:g}",
        "log ratio",
        compute,
        (arm, *among),
    )


@identified
def near(history: str, reported: float, *, arm: str, within: float) -> Effect:
    """The final ``history`` is within ``within`` of the ``reported`` value: relative for a loss, absolute for an accuracy."""
    name = history.replace("_", " ")

    def compute(runs: Runs) -> float:
        found = learning.final(runs[arm], history)
        return past(within - abs(found / reported - 1 if history.endswith("loss") else found - reported))

    distance = f"{name} / {reported:g} - 1" if history.endswith("loss") else f"{name} - {reported:g}"
    return Effect(f"{within:g} - |{distance}| of {arm}", "share", compute, (arm,))


def _range(history: str, arms: Sequence[str], runs: Runs) -> float:
    return float(np.ptp([learning.final(runs[arm], history) for arm in arms]))  # NaN if one is NaN


@identified
def alike(history: str, *arms: str, within: float) -> Effect:
    """The final values of ``history`` of all ``arms`` differ by less than ``within``."""
    name = f"{within:g} - range of {history.replace('_', ' ')} of {', '.join(arms)}"
    return Effect(name, "share", lambda runs: past(within - _range(history, arms, runs)), arms)


@identified
def differ(history: str, *arms: str, by: float) -> Effect:
    """The largest and smallest final values of ``history`` of ``arms`` differ by more than ``by``."""
    name = f"range of {history.replace('_', ' ')} of {', '.join(arms)} - {by:g}"
    return Effect(name, "share", lambda runs: past(_range(history, arms, runs) - by), arms)


@identified
def plateaus(history: str, *, arm: str, after: float, within: float) -> Effect:
    """After the share ``after`` of the budget, ``history`` of ``arm`` gets better by less than ``within``: an accuracy rises by
    less above its value there, the logarithm of a loss falls by less below it."""
    name, then = history.replace("_", " "), f"after {after:.0%} of the epochs"
    gain = (
        f"log {name} there - log min {name} {then}" if history.endswith("loss") else f"max {name} {then} - {name} there"
    )
    return Effect(
        f"{within:g} - ({gain}) of {arm}",
        unit(history),
        lambda runs: past(within - learning.gain_after(runs[arm], history, after)),
        (arm,),
    )


@identified
def saturates(small: str, middle: str, large: str, *, history: str = "test_accuracy") -> Effect:
    """``history`` rises from the arm ``small`` to ``middle``, and rises less from there to ``large``."""

    def compute(runs: Runs) -> float:
        first, second, third = (learning.final(runs[arm], history) for arm in (small, middle, large))
        return margin(float(np.min([second - first, (second - first) - (third - second)])))  # NaN if one is NaN

    name = history.replace("_", " ")
    return Effect(
        f"min(g1, g1 - g2), g1 = {name} of {middle} - {small}, g2 = {large} - {middle}",
        "share",
        compute,
        (small, middle, large),
    )


def _by(over: str, history: str, runs: Runs, least: int = 1) -> list[float]:
    """Return the final values of ``history`` by rising setting ``over``. Raises ValueError if there are fewer than ``least``
    arms."""
    if len(runs) < least:
        raise ValueError(f"{len(runs)} arms over {over}: give {least} or more")
    ordered = sorted(runs.values(), key=lambda run: run.arm.setting(over))
    return [learning.final(run, history) for run in ordered]


@identified
def u_shaped(history: str, *, over: str, factor: float) -> Effect:
    """``history``, a loss, is more than ``factor`` higher at both ends of the setting ``over`` than at its minimum inside."""

    def compute(runs: Runs) -> float:
        logs = [log(value) for value in _by(over, history, runs, least=3)]
        # A minimum at an end leaves no rise on that side: the difference is then negative, as it must be.
        return past(difference(float(np.min([logs[0], logs[-1]])), float(np.min(logs))) - math.log(factor))

    name = history.replace("_", " ")
    return Effect(
        f"min(log {name} of the smallest, of the largest) - log min {name} - log {factor:g}, over {over}",
        "log ratio",
        compute,
    )


@identified
def rises_then_plateaus(history: str, *, over: str, by: float, within: float) -> Effect:
    """With the arms ordered by the setting ``over``, the best ``history`` is more than ``by`` above the first arm's, and the
    best of the last three arms is less than ``within`` above the best of the rest."""

    def compute(runs: Runs) -> float:
        values = np.array(_by(over, history, runs, least=4))
        return past(min(values.max() - values[0] - by, within - (values[-3:].max() - values[:-3].max())))

    name = history.replace("_", " ")
    return Effect(
        f"min(best {name} - smallest's - {by:g}, {within:g} - (best of the three largest - best of the rest)), over {over}",
        "share",
        compute,
    )


@identified
def above_at_largest(history: str, threshold: float, *, over: str) -> Effect:
    """The arm with the largest setting ``over`` has a final ``history`` above ``threshold``."""
    return Effect(
        f"{history.replace('_', ' ')} of the largest by {over} - {threshold:g}",
        "share",
        lambda runs: past(_by(over, history, runs)[-1] - threshold),
    )
