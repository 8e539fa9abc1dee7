"""Effects on the gradient's norm over training."""

import math
from collections.abc import Callable

import numpy as np

from hw1bench.effects.effect import Effect, Runs, every, log, past
from hw1bench.effects.identity import identified
from hw1bench.effects.orders import MINUS, order_margin
from hw1bench.effects.telling import ON_BOUND
from hw1bench.measures import gradient_norm as measured
from hw1bench.measures import learning


@identified
def norm_settles(arm: str, *, share: float = 0.1) -> Effect:
    """The norm varies less over the last share of the epochs than over the first."""

    def ratio(runs: Runs) -> float:
        values = measured.norms(runs[arm])[1:]
        return log(measured.part(values, 0, share).std()) - log(measured.part(values, 1 - share, 1).std())

    name = f"log(sd of the norm in the first {share:.0%} of epochs / in the last) of {arm}"
    return Effect(name, "log ratio", ratio, (arm,), lambda runs: -ratio(runs))


@identified
def norm_calms_at_stop(arm: str) -> Effect:
    """The norm varies less after the epoch at which the stopping rule (``learning.stopping_epoch``) would stop than before;
    undefined without a stop."""

    def ratio(runs: Runs) -> float:
        values, stop = measured.norms(runs[arm]), int(learning.stop(runs[arm]))
        if stop + 2 >= len(values):
            return math.nan
        return log(values[: stop + 1].std()) - log(values[stop + 1 :].std())

    return Effect(
        f"log(sd of the norm before stop / after) of {arm}; never stopped: undefined",
        "log ratio",
        ratio,
        (arm,),
        lambda runs: -ratio(runs),
    )


@identified
def norm_never_zero(arm: str) -> Effect:
    """The norm is never exactly 0; if it is, that is evidence, and no tie (``ON_BOUND``)."""
    return Effect(f"min norm of {arm}", "norm", lambda runs: float(measured.norms(runs[arm]).min()) or ON_BOUND, (arm,))


@identified
def stands_still(arm: str, *, within: float) -> Effect:
    """With the gradient set to zero, the optimiser's next step moves the weights by less than ``within`` of their norm."""
    return Effect(
        f"{within:g} - relative change of the weights of {arm} in a step without gradient",
        "ratio",
        lambda runs: past(within - measured.coasted(runs[arm])),
        (arm,),
    )


@identified
def norm_moves_more(arm: str, *, late: tuple[float, float], early: tuple[float, float]) -> Effect:
    """The logarithm of the norm has a wider range over the span ``late`` of the budget (shares) than over ``early``."""

    def ratio(runs: Runs) -> float:
        values = measured.norms(runs[arm])
        return log(measured.log_range(measured.part(values, *late))) - log(
            measured.log_range(measured.part(values, *early))
        )

    shares = [f"{start:.0%} to {end:.0%}" for start, end in (late, early)]
    return Effect(
        f"log(range of log norm over {shares[0]} of the epochs / over {shares[1]}) of {arm}",
        "log ratio",
        ratio,
        (arm,),
        lambda runs: -ratio(runs),
    )


@identified
def norm_falls_then_slows(share: float, *, arm: str, blocks: int) -> Effect:
    """Up to ``share`` of the budget the means of the norm over ``blocks`` blocks fall, and the logarithm of the norm falls
    more per epoch there than after it."""
    falling = Effect(
        f"share of pairs of {blocks} block means up to {share:.0%} of the epochs in which the norm falls{MINUS}",
        "share of pairs",
        lambda runs: _falls(measured.until(measured.norms(runs[arm]), share), blocks),
        (arm,),
    )

    def gain(runs: Runs) -> float:
        values = measured.norms(runs[arm])
        return measured.log_fall(values, 0, share) - measured.log_fall(values, share, 1)

    slower = Effect(
        f"fall of log norm of {arm} per epoch up to there - fall per epoch after", "log ratio per epoch", gain, (arm,)
    )
    return every(falling, slower)


@identified
def high_early(arm: str, *, first: float = 0.02, last: float = 0.2) -> Effect:
    """Norm and batch loss are both higher on average over the ``first`` share of the steps than over the ``last``."""

    def smallest(runs: Runs) -> float:
        run = runs[arm]
        falls = [
            log(measured.part(values, 0, first).mean()) - log(measured.part(values, 1 - last, 1).mean())
            for values in (measured.norms(run), measured.step_losses(run))
        ]
        return float(np.min(falls))  # NaN if one is NaN

    name = f"min over norm and loss of log(mean of the first {first:.0%} of steps / of the last {last:.0%}) of {arm}"
    return Effect(name, "log ratio", smallest, (arm,))


@identified
def fluctuates_while_loss_falls(arm: str, *, least: float, blocks: int) -> Effect:
    """Over the middle half of the steps the norm's coefficient of variation is above ``least``, and the means of the loss over
    ``blocks`` blocks fall."""
    fluctuation = Effect(
        f"cv of the norm - {least:g}",
        "ratio",
        lambda runs: measured.variation(measured.part(measured.norms(runs[arm]), 0.25, 0.75)) - least,
        (arm,),
    )
    falling = Effect(
        f"share of pairs of {blocks} block means in which the loss falls{MINUS}",
        "share of pairs",
        lambda runs: _falls(measured.part(measured.step_losses(runs[arm]), 0.25, 0.75), blocks),
        (arm,),
    )
    return every(fluctuation, falling)


@identified
def norm_falls_late(arm: str, *, blocks: int) -> Effect:
    """Over the last half of the steps the means of the norm over ``blocks`` blocks fall."""

    def order(sign: int) -> Callable[[Runs], float]:
        return lambda runs: _falls(sign * measured.part(measured.norms(runs[arm]), 0.5, 1), blocks)

    name = f"share of pairs of {blocks} block means of the last half in which the norm of {arm} falls{MINUS}"
    return Effect(name, "share of pairs", order(1), (arm,), order(-1))


@identified
def loss_stabilises(arm: str, *, last: float, within: float) -> Effect:
    """Over the ``last`` share of the epochs the training loss changes by less than ``within`` of its total fall; undefined if the
    loss does not fall."""

    def compute(runs: Runs) -> float:
        run = runs[arm]
        epoch = round((1 - last) * (len(run.evaluated("train_loss")) - 1))
        first, late, end = (run.history("train_loss", at) for at in (0, epoch, -1))
        return past(float(within - abs(late - end) / (first - end))) if first > end else math.nan

    return Effect(
        f"{within:g} - |change of L over the last {last:.0%} of epochs| / whole fall of {arm}", "ratio", compute, (arm,)
    )


def _falls(values: np.ndarray, blocks: int) -> float:
    """Return by how much the block means of ``values (steps,)`` fall: see ``order_margin``."""
    means = learning.block_means(values, blocks)
    return order_margin(list(-means), list(range(blocks)))
