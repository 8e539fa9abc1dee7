"""How values from elsewhere are judged: computed or looked up, stored, and taken look by look."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hw1bench.court.abouts import about_value
from hw1bench.court.values import ELSEWHERE, Values
from hw1bench.court.verdict import Verdict, decide, judge_values, nothing_found
from hw1bench.effects.identity import identity
from hw1bench.records.runs import Record
from hw1bench.records.store import Store
from hw1bench.specs.experiment import digest
from hw1bench.support.progress import Progress
from hw1bench.support.refusals import Unavailable

_ARRAY = "effect"


@dataclass(frozen=True)
class _Value:
    """The effect of one seed, the seconds that computing it took, and whether it was computed just now."""

    number: float
    seconds: float = 0.0
    new: bool = False


@dataclass(frozen=True)
class Found:
    """A verdict on values from elsewhere at the look where it stopped: the ``seeds`` taken, the ``seconds`` that computing their
    values took, and whether these were ``reused``, none having been computed for this."""

    verdict: Verdict
    seeds: tuple[int, ...]
    seconds: float
    reused: bool

    @property
    def fingerprint(self) -> str:
        """The digest of the seeds and their values."""
        return identity(list(zip(self.seeds, self.verdict.values or (), strict=True)))


@dataclass(frozen=True)
class Elsewhere:
    """The court of values from elsewhere. What a function computes is kept in ``store``; ``progress`` shows its seeds, and may
    stop them with Unavailable, as ``admit`` may before the first of them; ``spent`` adds up the seconds by the values' names."""

    store: Store
    progress: Progress
    admit: Callable[[Values], None]
    spent: dict[str, float] = field(default_factory=dict)

    def judge(self, of: Values, looks: Sequence[int], first_seed: int) -> Found:
        """The verdict on values of the seeds from ``first_seed`` on, at ``looks``: all that are planned, or the first ones.

        Raises Unavailable if there are fewer seeds than the first look needs, or if they are stopped."""
        seeds = of.seeds(first_seed)[: looks[-1]]
        known: list[_Value] = []
        for look in looks:
            try:
                known += self._values(of, seeds[len(known) : look])
            except Unavailable as reason:  # no verdict on fewer seeds, which would depend on the time that was left
                raise Unavailable(f"open after {len(known)} seeds, {reason}" if known else str(reason)) from None
            verdict = judge_values([one.number for one in known], of.looks, opposite=of.opposite)
            if verdict.word != "inconclusive":
                break
        numbers = verdict.values
        if numbers is None:
            first = f", from seed {first_seed:,} on" if first_seed else ""
            raise Unavailable(f"{ELSEWHERE}, {of.name}: {verdict.note}{first}")
        if verdict.word == "no evidence":
            verdict = replace(verdict, note=f"No evidence: {nothing_found(numbers)}.")
        reused = of.computed and not any(one.new for one in known)
        return Found(verdict, seeds[: len(numbers)], sum(one.seconds for one in known), reused)

    def read(self, of: Values, seeds: Sequence[int]) -> Verdict:
        """The verdict on values of the ``seeds`` that a claim was judged on, by the bound of the same look."""
        numbers = [one.number for one in self._values(of, seeds)]
        return decide(numbers, of.looks, None if of.opposite is None else [*map(of.opposite, numbers)])

    def _values(self, of: Values, seeds: Sequence[int]) -> list[_Value]:
        """The values of ``seeds``: from the table, from the store, or computed. Each is stored before the next is computed, so
        that an interrupted session loses one at most."""
        if not of.computed:
            return [_Value(of.value(seed)) for seed in seeds]
        keys = {seed: key(of, seed) for seed in seeds}
        stored = {seed: self.store.get(key, _unfit, of=about_value(of, seed)) for seed, key in keys.items()}
        known = {
            seed: _Value(float(one.arrays[_ARRAY]), one.seconds) for seed, one in stored.items() if one is not None
        }
        missing = [seed for seed in seeds if seed not in known]
        if not missing:
            return [known[seed] for seed in seeds]
        self.admit(of)
        self.progress.start(f"{of.name}, seeds {missing[0]} to {missing[-1]}", len(missing))
        try:
            for seed in missing:
                start = time.perf_counter()
                number = of.value(seed)
                known[seed] = one = _Value(number, time.perf_counter() - start, new=True)
                self.store.keep(keys[seed], Record({_ARRAY: np.array(number)}, {}, one.seconds), about_value(of, seed))
                self.spent[of.name] = self.spent.get(of.name, 0.0) + one.seconds
                self.progress.advance(1)
        finally:
            self.progress.finish()
        return [known[seed] for seed in seeds]


def key(of: Values, seed: int) -> str:
    """The name under which the value of ``seed`` is stored: the same on every machine."""
    return digest({"values": of.source, "seed": seed})


def _unfit(record: Record) -> str:
    """Why ``record`` cannot be that of a value; '' if it can."""
    found = record.arrays.get(_ARRAY)
    return "" if found is not None and found.dtype == np.float64 and found.shape == () else "it holds no value"
