"""The court: claim -> looks -> blocks -> effects -> verdict. It works without pytest.

It trains what the looks need and no more: the arms that the effect names, 8 seeds at a time, and only blocks that neither
memory nor the store holds already. It trains through a ``Trainer``, so it never imports torch itself.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from hw1bench.court import pilots
from hw1bench.court import verdict as rule
from hw1bench.court.abouts import about
from hw1bench.court.claim import Claim, Reading
from hw1bench.court.counts import judge_count
from hw1bench.court.elsewhere import Elsewhere
from hw1bench.court.readings import as_read, readings_of
from hw1bench.court.remarks import Seeds, diverged_where, remarks
from hw1bench.court.values import Values
from hw1bench.court.verdict import Verdict
from hw1bench.court.vocabulary import FULL_TIER_ONLY, OPEN, PILOT_OF, VerdictWord
from hw1bench.effects import Effect, Exact
from hw1bench.records.runs import Block, Measured, Record, Run, Work, blocks, blocks_of
from hw1bench.records.store import Store
from hw1bench.specs.experiment import BLOCK, Arm, Experiment, Tier
from hw1bench.support.number import NoFinding
from hw1bench.support.progress import Progress, Silent
from hw1bench.support.refusals import Unavailable, Unreadable


class Trainer(Protocol):
    """A trainer and measurer of blocks, which makes records: on this machine, on a cluster, or made up; see
    ``hw1bench.executors``."""

    def keys(self, of: Work, known: Mapping[Block, Record]) -> Sequence[str]:
        """The names under which a store may hold the record of a block, or of a measurement of blocks that are ``known``: one
        for each kind of machine that may make it."""

    def unfit(self, record: Record, of: Work) -> str:
        """Why a stored ``record`` cannot be what ``make`` would make; '' if it can."""

    def make(self, work: Sequence[Work], known: Mapping[Block, Record], done: Callable[[Work, Record], None]) -> None:
        """Train the blocks of ``work``, and take its measurements, which look at blocks of it or at those ``known``. Call
        ``done`` with each record, and its name in it, as soon as it is made."""


# Runs the training of an experiment, given its id, and returns when it is done: the place to time it.
Timer = Callable[[str, Callable[[], None]], None]


@dataclass(frozen=True)
class Judgement:
    """A verdict with its evidence: ``facts`` of the runs' data set; ``seconds`` of training and measuring, for all blocks it
    rests on (``reused`` if none was trained or measured for it); the number of seeds that ``diverged``; the ``readings``, each
    with its word on the same runs; the ``error``, if the verdict is "error"; what the effects ``told``, in a reader's units, ''
    if there are none; and the ``seeds`` of values from elsewhere."""

    claim: Claim
    tier: Tier
    verdict: Verdict
    facts: Mapping[str, Any] | None = None
    diverged: int | None = None
    seconds: float = 0.0
    reused: bool = False
    error: Exception | None = None
    readings: tuple[tuple[Reading, VerdictWord], ...] = ()
    told: str = ""
    seeds: tuple[int, ...] | None = None

    @property
    def fragile(self) -> tuple[str, ...]:
        """The assumed numbers that have a reading with another word than the verdict."""
        return tuple(dict.fromkeys(reading.number for reading, word in self.readings if word != self.verdict.word))


def _interrupt(error: BaseException | None) -> KeyboardInterrupt | None:
    """The interrupt during which ``error`` was raised, None if there was none: one that comes as a context of torch begins leaves
    it half made, and its end then fails."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error


@dataclass
class Court:
    """The court of one tier, which judges claims on blocks from ``store`` or trained by ``trainer``.

    ``seed_offset`` is the first seed; ``max_seeds`` drops later looks and never changes the level. ``closed`` is the reason
    why nothing can be trained here, if there is one: claims that need training are then "not run". ``prepared`` waits for
    what else puts runs of an experiment into the store, and says how many blocks and measurements that made. ``admit`` is
    told of the blocks of an experiment that are about to be trained or measured, and of values from elsewhere that are about
    to be computed, and raises Unavailable if they are not to be. ``progress`` shows the seeds of such values, and may stop
    them in the same way. ``records`` (trained) and ``results`` (measured) are all that the court has read from the store or
    made so far. ``spent`` has the seconds by the clock that training and measuring took, or waiting for it, by the id of the
    experiment or the name of the values; ``cut_short`` the experiments of which something was not trained or measured because
    it was Unavailable.
    """

    tier: Tier
    store: Store
    trainer: Trainer
    seed_offset: int = 0
    max_seeds: int | None = None
    closed: str | None = None
    prepared: Callable[[Experiment], int] = lambda experiment: 0
    admit: Callable[[Experiment | Values, Sequence[Block]], None] = lambda experiment, blocks: None
    records: dict[Block, Record] = field(default_factory=dict)
    results: dict[Measured, Record] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)
    cut_short: set[Experiment] = field(default_factory=set)
    progress: Progress = field(default_factory=Silent)

    def hear(self, claim: Claim, timer: Timer = lambda experiment, train: train(), *, after: int = 0) -> Judgement:
        """The judgement on ``claim``: "not run" if training is ``Unavailable``; "error" for any other exception.

        If ``after`` so many seeds the claim was found inconclusive before, only later looks decide, if there are any: the runs of
        the earlier ones may be others now, and to look at them again would be one more chance to be wrong.
        """
        try:
            if isinstance(claim.effect, Values):
                return self._judge_values(claim, claim.effect)
            if not isinstance(claim.effect, Effect):
                return self._judge_count(claim, claim.effect)
            why = pilots.silenced(claim) if self.tier == "quick" else ""
            if why:
                return Judgement(claim, self.tier, Verdict("not run", note=f"{FULL_TIER_ONLY}: {why}"))
            if self.closed:
                return Judgement(claim, self.tier, Verdict("not run", note=self.closed))
            return self._judge_runs(claim, claim.effect, timer, after)
        except Unavailable as reason:
            return Judgement(claim, self.tier, Verdict("not run", note=str(reason)))
        except Exception as error:
            interrupt = _interrupt(error)
            if interrupt is not None:
                raise interrupt from None
            kind = "" if isinstance(error, Unreadable | NoFinding) else f"{type(error).__name__}: "
            note = f"{kind}{' '.join(str(error).split())}"
            return Judgement(claim, self.tier, Verdict("error", note=note), error=error)

    def _judge_count(self, claim: Claim, effect: Exact) -> Judgement:
        read = [
            (reading, judge_count(reading.effect))
            for reading in readings_of(claim)
            if not isinstance(reading.effect, Effect | Values)
        ]
        return Judgement(
            claim, self.tier, judge_count(effect), readings=tuple((reading, verdict.word) for reading, verdict in read)
        )

    def _judge_values(self, claim: Claim, effect: Values) -> Judgement:
        """The judgement on values from elsewhere, look by look, as on runs."""
        court = Elsewhere(self.store, self.progress, lambda values: self.admit(values, ()), self.spent)
        found = court.judge(effect, self.looks(effect), self.seed_offset)
        readings = tuple(
            (reading, court.read(reading.effect, found.seeds).word)
            for reading in readings_of(claim)
            if isinstance(reading.effect, Values)
        )
        return Judgement(
            claim,
            self.tier,
            found.verdict,
            facts={"dataset": effect.described, "fingerprint": found.fingerprint, "stand_in": False},
            seconds=found.seconds,
            reused=found.reused,
            readings=readings,
            seeds=found.seeds,
        )

    def looks(self, of: Experiment | Values) -> list[int]:
        """The planned looks that ``max_seeds`` leaves. Raises ValueError if it leaves none."""
        planned, name = (of.looks, of.name) if isinstance(of, Values) else (of.protocol(self.tier).looks, of.id)
        left = [look for look in planned if self.max_seeds is None or look <= self.max_seeds]
        if not left:
            raise ValueError(
                f"--max-seeds {self.max_seeds} is below the first look of {name}: use {planned[0]} or more"
            )
        return left

    def prepare(
        self, experiment: Experiment, arms: Sequence[Arm], timer: Timer = lambda experiment, train: train()
    ) -> int:
        """Train and measure the first look of ``arms`` of ``experiment``. Return how many blocks and measurements it made.
        Training errors are not caught."""
        return self._train(experiment, arms, self.looks(experiment)[0], timer)

    def first_look(self, claim: Claim) -> list[Work]:
        """The blocks and the measurements of the first look at ``claim``; none if it is judged without runs in this tier."""
        experiment, effect = claim.experiment, claim.effect
        if experiment is None or not isinstance(effect, Effect) or (self.tier == "quick" and pilots.silenced(claim)):
            return []
        arms, look = effect.compared(experiment.protocol(self.tier).arms), self.looks(experiment)[0]
        return [*self._blocks(experiment, arms, look), *self._measured(experiment, arms, look)]

    def _judge_runs(self, claim: Claim, effect: Effect, timer: Timer, after: int) -> Judgement:
        experiment = claim.experiment
        assert experiment is not None
        protocol = experiment.protocol(self.tier)
        arms = effect.compared(protocol.arms)
        trained = 0
        seeds: Seeds = []
        open_until = after if after < protocol.looks[-1] else 0
        for look in self.looks(experiment):
            try:
                trained += self._train(experiment, arms, look, timer)
            except Unavailable as reason:  # no verdict on fewer seeds, which would depend on the time that was left
                raise Unavailable(f"open after {len(seeds)} seeds, {reason}" if seeds else str(reason)) from None
            seeds = self._seeds(experiment, arms, look)
            verdict = self._decide(claim, effect, seeds)
            if verdict.word not in OPEN and look > open_until:
                break
        if look <= open_until:  # --max-seeds leaves no later look
            verdict = replace(verdict, word=OPEN[claim.fidelity(self.tier) == "reduced"], how=None)
        verdict = replace(verdict, note=" ".join(filter(None, (verdict.note, remarks(seeds)))))
        records = [self.records[block] for block in self._blocks(experiment, arms, verdict.seeds or 0)]
        results = [self.results[one] for one in self._measured(experiment, arms, verdict.seeds or 0)]
        return Judgement(
            claim,
            self.tier,
            verdict,
            facts=records[0].facts,
            diverged=sum(any(run.diverged for run in runs.values()) for runs in seeds),
            seconds=sum(record.seconds for record in (*records, *results)),
            reused=trained == 0,
            readings=self._read(claim, seeds),
            told=effect.tell(verdict.values or (), {arm.name: arm for arm in arms}),
        )

    def _decide(self, claim: Claim, effect: Effect, seeds: Seeds) -> Verdict:
        """The verdict, or the pilot, at the look that ``seeds`` make up; its note says why they are no evidence, if they are
        not."""
        assert claim.experiment is not None
        opposite = None
        if effect.opposite is not None:
            other = Effect(f"opposite of {effect.name}", effect.unit, effect.opposite)
            opposite = [other(runs) for runs in seeds]
        looks = claim.experiment.protocol(self.tier).looks
        verdict = rule.decide([effect(runs) for runs in seeds], looks, opposite)
        why = self._no_evidence(claim, verdict, seeds)
        if why:
            return replace(verdict, word="no evidence", how=None, note=f"No evidence: {why}.")
        if claim.fidelity(self.tier) == "reduced":
            return replace(verdict, word=PILOT_OF[verdict.word], how=None)
        return verdict

    def _read(self, claim: Claim, seeds: Seeds) -> tuple[tuple[Reading, VerdictWord], ...]:
        """The readings of ``claim``, each with the word that it has on the same ``seeds``, at the look at which the verdict
        stopped and by the bound of that look: nothing is trained for a reading, so one that this look leaves open is
        inconclusive. A reading follows the rules of pilots as the claim does.

        Two kinds are left out: one that no reduced protocol can speak to, such as a loss that belongs to the report's budget,
        and one of the rule for which the runs are too short, such as 20 block means of 12 epochs. Any other error is the
        claim's, because its author chose the reading.
        """
        found: list[tuple[Reading, VerdictWord]] = []
        for reading in readings_of(claim):
            assert isinstance(reading.effect, Effect)  # as the claim's own: see Claim
            read = as_read(claim, reading)
            if self.tier == "quick" and pilots.silenced(read):
                continue
            try:
                found.append((reading, self._decide(read, reading.effect, seeds).word))
            except ValueError:
                if reading in claim.readings:
                    raise
        return tuple(found)

    def _no_evidence(self, claim: Claim, verdict: Verdict, seeds: Seeds) -> str:
        """Why ``seeds`` say nothing of ``claim``; '' if they do. As reported, a fit of a function and a net on random labels are
        judged whatever they learnt, because the report's own setting is what is tried; an image net that does not leave chance
        on its true labels is no evidence anywhere."""
        assert verdict.values is not None
        nothing = rule.nothing_found(verdict.values)
        if nothing:
            return nothing + diverged_where(verdict.values, seeds)
        reduced = claim.fidelity(self.tier) == "reduced"
        asked = [
            name for name, run in seeds[0].items() if reduced or not (run.arm.data.regression or run.arm.random_labels)
        ]
        why = pilots.untrained(claim, [{name: runs[name] for name in asked} for runs in seeds])
        return why or (pilots.clock_bound(claim, seeds) if reduced else "")

    def _blocks(self, experiment: Experiment, arms: Sequence[Arm], look: int) -> list[Block]:
        firsts = range(self.seed_offset, self.seed_offset + look, BLOCK)
        return [block for first in firsts for block in blocks(experiment, self.tier, arms, first)]

    def _train(self, experiment: Experiment, arms: Sequence[Arm], look: int, timer: Timer) -> int:
        """Bring the blocks of ``look`` and their measurements into memory. Return how many had to be trained or measured."""
        with self._spending(experiment):
            ahead = self.prepared(experiment)
        missing: list[Work] = [block for block in self._blocks(experiment, arms, look) if not self._have(block)]
        missing += [one for one in self._measured(experiment, arms, look) if not self._have(one)]

        def work() -> None:
            with self._spending(experiment):
                self.trainer.make(missing, self.records, self.keep)

        if missing:
            affected = dict.fromkeys(block for one in missing for block in blocks_of(one))
            try:
                self.admit(experiment, list(affected))
                timer(experiment.id, work)
            except Unavailable:
                self.cut_short.add(experiment)
                raise
        self._release(experiment, look)
        return ahead + len(missing)

    @contextmanager
    def _spending(self, experiment: Experiment) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.spent[experiment.id] = self.spent.get(experiment.id, 0.0) + time.perf_counter() - start

    def keep(self, of: Work, record: Record) -> None:
        """Take in a record that the trainer made."""
        self._remember(of, record)
        self.store.keep(record.name, record, about(of))

    def _remember(self, of: Work, record: Record) -> None:
        if isinstance(of, Block):
            self.records[of] = record
        else:
            self.results[of] = record

    def _have(self, of: Work) -> bool:
        """Whether the record of a block or measurement is in memory, after loading it if the store holds it."""
        if of in self.records or of in self.results:
            return True
        if isinstance(of, Measured) and any(block not in self.records for block in of.blocks):
            return False
        for key in self.trainer.keys(of, self.records):
            stored = self.store.get(key, lambda record: self.trainer.unfit(record, of), of=about(of))
            if stored is not None:
                self._remember(of, stored)
                return True
        return False

    def _measured(self, experiment: Experiment, arms: Sequence[Arm], look: int) -> list[Measured]:
        """The measurements of the blocks of ``look``, each with the blocks of one group of arms."""
        found = []
        by_place = {(block.first_seed, block.arm.name): block for block in self._blocks(experiment, arms, look)}
        for measurement in experiment.protocol(self.tier).measures:
            for group in measurement.groups([arm.name for arm in arms]):
                for first in sorted({first for first, _ in by_place}):
                    found.append(Measured(measurement, tuple(by_place[first, name] for name in group)))
        return found

    def _release(self, experiment: Experiment, look: int) -> None:
        """Drop from memory what measurements consume of the blocks of ``look``, once all measurements of a block are taken."""
        every = self._measured(experiment, experiment.protocol(self.tier).arms, look)
        waiting = {block for one in every if one not in self.results for block in one.blocks}
        for one in every:
            for block in one.blocks:
                if one.measurement.consumes and block in self.records and block not in waiting:
                    arrays = self.records[block].arrays
                    kept = {name: array for name, array in arrays.items() if name not in one.measurement.consumes}
                    self.records[block] = replace(self.records[block], arrays=kept)

    def _seeds(self, experiment: Experiment, arms: Sequence[Arm], look: int) -> list[dict[str, Run]]:
        """For each seed of ``look``, its run of every arm, with the results of all measurements of these arms."""
        measured = [(one, self.results[one]) for one in self._measured(experiment, arms, look)]
        seeds: dict[int, dict[str, Run]] = {}
        for block in self._blocks(experiment, arms, look):
            for run in self.records[block].runs(block, measured):
                seeds.setdefault(run.seed, {})[block.arm.name] = run
        return [seeds[seed] for seed in sorted(seeds)]
