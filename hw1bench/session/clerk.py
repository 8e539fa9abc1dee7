"""The clerk of a session on a cluster: it has the first look of every claim made at once, and each claim's next look as soon as
its last one is in, whichever claim the session waits for meanwhile."""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence

from hw1bench.court.claim import Claim
from hw1bench.court.hearing import Court
from hw1bench.executors.cluster import ClusterTrainer
from hw1bench.records.runs import Block, Record, Work
from hw1bench.specs.experiment import Experiment
from hw1bench.support.refusals import Unavailable


class _Expected(Unavailable):
    """What a claim needs is being made."""


class Asking:
    """A trainer that has work made by ``trainer`` and does not wait for it. ``missing`` is what it was last asked for."""

    def __init__(self, trainer: ClusterTrainer) -> None:
        self._trainer = trainer
        self.keys, self.unfit = trainer.keys, trainer.unfit
        self.missing: list[Work] = []

    def make(self, work: Sequence[Work], known: Mapping[Block, Record], done: Callable[[Work, Record], None]) -> None:
        self.missing = self._trainer.expect(work, known)
        raise _Expected


class Clerk:
    """The clerk of ``claims``, which are heard, as far as their records are there, in a court of its own that shares its records
    with the ``court`` of the session. The rest is made by ``trainer``."""

    def __init__(self, court: Court, trainer: ClusterTrainer, claims: Sequence[Claim]) -> None:
        self._trainer, self._asking = trainer, Asking(trainer)
        self._court = Court(
            court.tier,
            court.store,
            self._asking,
            court.seed_offset,
            court.max_seeds,
            records=court.records,
            results=court.results,
        )
        self._open: dict[str, tuple[Claim, set[Work]]] = {}  # by the id of the claim, and what it waits for
        self._come: queue.Queue[Work | None] = queue.Queue()
        trainer.arrived = self._come.put
        self._thread = threading.Thread(target=self._run, args=(claims,), daemon=True)
        self._thread.start()

    def made(self, experiment: Experiment) -> int:
        """The number of records that were made for ``experiment`` since this was last asked."""
        return self._trainer.made.pop(experiment.id, 0)

    def end(self) -> None:
        """Look no further ahead."""
        self._come.put(None)
        self._thread.join()

    def _run(self, claims: Sequence[Claim]) -> None:
        for claim in claims:
            self._hear(claim)
        self._trainer.submit()
        while (come := self._come.get()) is not None:
            for claim, waits in list(self._open.values()):
                if come in waits:
                    waits.remove(come)
                    if not waits:
                        self._hear(claim)
            self._trainer.submit()

    def _hear(self, claim: Claim) -> None:
        """Hear ``claim`` as far as its records are there, and have the rest of its look made."""
        self._asking.missing = []
        self._court.hear(claim)
        if self._asking.missing:
            self._open[claim.id] = claim, set(self._asking.missing)
        else:
            self._open.pop(claim.id, None)
