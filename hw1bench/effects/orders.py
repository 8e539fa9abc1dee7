"""Order effects: a number rises or falls with a setting of the arms, with another number, or over the epochs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache, lru_cache
from itertools import accumulate

import numpy as np

from hw1bench.effects.effect import Effect, Runs, every, fails
from hw1bench.effects.identity import identified
from hw1bench.effects.telling import ON_BOUND
from hw1bench.measures import learning

IN_ORDER = 0.70  # an order holds if more than this share of pairs agree: 3 of 3, 5 of 6, 8 of 10, 32 of 45
_ENDS_FROM = 4  # values of which the two ends must be in order too
MINUS = f" (0 if the two ends do not) - {IN_ORDER:.2f}"
"""The end of the formula of an order effect."""


def share_in_order(values: Sequence[float], over: Sequence[float]) -> float:
    """Return the share of concordant pairs in the sense of Kendall (1938), the pairs in which the larger of ``over`` has the
    larger of ``values``; ties and NaN are not concordant. Kendall's tau without ties is 2 * share - 1.

    ``values`` and ``over`` are (n,). Raises ValueError if n < 3, because two values are a comparison.
    """
    if len(values) < 3 or len(values) != len(over):
        raise ValueError(f"an order needs three or more pairs of numbers, not {len(values)} over {len(over)}")
    agree, _ = _pairs(values, over)
    return float(agree.mean())


def _pairs(values: Sequence[float], over: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return which pairs are concordant, and which are discordant: two of (pairs,), of bool. Other pairs are ties or NaN."""
    m, v = np.asarray(values, dtype=np.float64), np.asarray(over, dtype=np.float64)
    first, second = _indices(len(m))
    rises, falls = m[first] < m[second], m[first] > m[second]
    up, down = v[first] < v[second], v[first] > v[second]
    return rises & up | falls & down, rises & down | falls & up


@lru_cache
def _indices(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the second of each pair of ``n`` values, two of (pairs,)."""
    return np.triu_indices(n, 1)


def order_margin(values: Sequence[float], over: Sequence[float]) -> float:
    """Return by how much ``values`` rise with ``over``: the share of pairs in order, minus ``IN_ORDER``.

    Of four values or more, the two ends must be in order too, every value at the smallest of ``over`` below every value at the
    largest: if they are not, the share counts as 0. The margin is NaN if all pairs are ties, or NaN themselves. ``values`` and
    ``over`` are (n,). Raises ValueError if n < 3.
    """
    share = share_in_order(values, over)
    agree, differ = _pairs(values, over)
    if not (agree.any() or differ.any()):
        return math.nan
    m, v = np.asarray(values, dtype=np.float64), np.asarray(over, dtype=np.float64)
    rises = bool(m[v == np.nanmin(v)].max() < m[v == np.nanmax(v)].min())
    return (share if rises or len(m) < _ENDS_FROM else 0.0) - IN_ORDER or ON_BOUND


@cache
def chance_of_order(n: int) -> Fraction:
    """Return the chance that ``n`` values without any trend, all different and equally likely in every order, hold as an order.

    It is exact: a permutation holds if few enough of its pairs are inversions and, of four values or more, its first value is
    below its last. The numbers of permutations by inversions are those of MacMahon (1916). Raises ValueError if n < 3.
    """
    if n < 3:
        raise ValueError(f"an order needs three or more values, not {n}")
    pairs = n * (n - 1) // 2
    allowed = pairs - pairs * 7 // 10 - 1  # the most inversions that leave more than 70 % of the pairs in order
    if n < _ENDS_FROM:
        return Fraction(sum(_by_inversions(n, allowed)), math.factorial(n))
    # If the last value is d ranks above the first, n - 1 - d inversions involve one of them, for each of n - d pairs of ranks,
    # and the values between them form any permutation.
    between = list(accumulate(_by_inversions(n - 2, allowed)))
    ahead = sum((n - d) * between[allowed - (n - 1 - d)] for d in range(1, n) if n - 1 - d <= allowed)
    return Fraction(ahead, math.factorial(n))


def _by_inversions(n: int, most: int) -> list[int]:
    """Return how many permutations of ``n`` values have 0, 1, ..., ``most`` inversions."""
    counts = [1] + [0] * most
    for size in range(2, n + 1):  # the value inserted last makes 0 to size - 1 inversions
        sums = list(accumulate(counts))
        counts = [total - (sums[i - size] if i >= size else 0) for i, total in enumerate(sums)]
    return counts


def _order(history: str, over: str, direction: int) -> Effect:
    measured = over.startswith(("train_", "test_"))

    def compute(sign: int) -> Callable[[Runs], float]:
        def along(runs: Runs) -> float:
            values = [sign * learning.final(run, history) for run in runs.values()]
            settings = [learning.final(run, over) if measured else run.arm.setting(over) for run in runs.values()]
            return order_margin(values, settings)

        return along

    verb = "rises" if direction > 0 else "falls"
    name = f"share of pairs of arms in which {history.replace('_', ' ')} {verb} over {over.replace('_', ' ')}{MINUS}"
    return Effect(name, "share of pairs", compute(direction), None, compute(-direction))


@identified
def rises(history: str, *, over: str) -> Effect:
    """The final value of ``history`` (such as "test_loss", or "loss_gap", test loss minus training loss) rises with a setting of
    the arms ("batch_size", "lr", "parameters") or with the final value of another history."""
    return _order(history, over, 1)


@identified
def falls(history: str, *, over: str) -> Effect:
    """``history`` falls with ``over``: the opposite of ``rises``."""
    return _order(history, over, -1)


def _over_epochs(history: str, arm: str, blocks: int | None, direction: int) -> Effect:
    def compute(sign: int) -> Callable[[Runs], float]:
        def along(runs: Runs) -> float:
            values = runs[arm].history(history, slice(1, None))
            if blocks is not None:
                values = learning.block_means(values, blocks)
            return order_margin(list(sign * values), list(np.arange(len(values))))

        return along

    verb = "rises" if direction > 0 else "falls"
    times = "epochs" if blocks is None else f"{blocks} block means over the epochs"
    name = f"share of pairs of {times} in which {history.replace('_', ' ')} of {arm} {verb}{MINUS}"
    return Effect(name, "share of pairs", compute(direction), (arm,), compute(-direction))


@identified
def rises_over_epochs(history: str, *, arm: str, blocks: int | None = None) -> Effect:
    """``history`` of ``arm`` rises over the epochs, 1 to the last, or over its means in ``blocks`` equal blocks of epochs."""
    return _over_epochs(history, arm, blocks, 1)


@identified
def falls_over_epochs(history: str, *, arm: str, blocks: int | None = None) -> Effect:
    """``history`` of ``arm`` falls over the epochs: the opposite of ``rises_over_epochs``."""
    return _over_epochs(history, arm, blocks, -1)


@identified
def no_trend_over_epochs(history: str, *, arm: str, blocks: int | None = None) -> Effect:
    """``history`` of ``arm`` neither rises nor falls over the epochs, or over its means in ``blocks`` equal blocks of epochs."""
    neither = every(*(fails(_over_epochs(history, arm, blocks, direction)) for direction in (1, -1)))
    return replace(neither, opposite=None)  # rising and falling at once
