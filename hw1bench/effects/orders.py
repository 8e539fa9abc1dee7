"""Order effects: a number rises or falls with a setting of the arms, with another number, or over the epochs."""

from collections.abc import Callable, Sequence

import numpy as np

from hw1bench.effects.effect import Effect, Runs
from hw1bench.effects.identity import identified
from hw1bench.measures import learning

IN_ORDER = 0.69  # an order holds if more than this share of pairs agree: 3 of 3, 5 of 6, 7 of 10, 32 of 45


def share_in_order(values: Sequence[float], over: Sequence[float]) -> float:
    """Return the share of concordant pairs in the sense of Kendall (1938), the pairs in which the larger of ``over`` has the
    larger of ``values``; ties and NaN are not concordant. Kendall's tau without ties is 2 * share - 1.

    ``values`` and ``over`` are (n,). Raises ValueError if n < 3, because two values are a comparison.
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
    measured = over.startswith(("train_", "test_"))

    def compute(sign: int) -> Callable[[Runs], float]:
        def along(runs: Runs) -> float:
            values = [sign * learning.final(run, history) for run in runs.values()]
            settings = [learning.final(run, over) if measured else run.arm.setting(over) for run in runs.values()]
            return share_in_order(values, settings) - IN_ORDER

        return along

    verb = "rises" if direction > 0 else "falls"
    name = (
        f"share of pairs of arms in which {history.replace('_', ' ')} {verb} over {over.replace('_', ' ')} - {IN_ORDER}"
    )
    return Effect(name, "share of pairs", compute(direction), None, compute(-direction))


@identified
def rises(history: str, *, over: str) -> Effect:
    """The final value of ``history`` (such as "test_loss") rises with a setting of the arms ("batch_size", "lr", "parameters")
    or with the final value of another history."""
    return _order(history, over, 1)


@identified
def falls(history: str, *, over: str) -> Effect:
    """``history`` falls with ``over``: the opposite of ``rises``."""
    return _order(history, over, -1)


def _over_epochs(history: str, arm: str, blocks: int | None, direction: int) -> Effect:
    def compute(sign: int) -> Callable[[Runs], float]:
        def along(runs: Runs) -> float:
            values = runs[arm].history(history)[1:]
            if blocks is not None:
                values = learning.block_means(values, blocks)
            return share_in_order(list(sign * values), list(np.arange(len(values)))) - IN_ORDER

        return along

    verb = "rises" if direction > 0 else "falls"
    times = "epochs" if blocks is None else f"{blocks} block means over the epochs"
    name = f"share of pairs of {times} in which {history.replace('_', ' ')} of {arm} {verb} - {IN_ORDER}"
    return Effect(name, "share of pairs", compute(direction), (arm,), compute(-direction))


@identified
def rises_over_epochs(history: str, *, arm: str, blocks: int | None = None) -> Effect:
    """``history`` of ``arm`` rises over the epochs, 1 to the last, or over its means in ``blocks`` equal blocks of epochs."""
    return _over_epochs(history, arm, blocks, 1)


@identified
def falls_over_epochs(history: str, *, arm: str, blocks: int | None = None) -> Effect:
    """``history`` of ``arm`` falls over the epochs: the opposite of ``rises_over_epochs``."""
    return _over_epochs(history, arm, blocks, -1)
