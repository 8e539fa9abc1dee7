"""The runs of a block that have ended while others have not: each is stored by itself, so that a session that is killed loses
only the runs in hand, and not the hours of those before them.
"""

import time
from collections.abc import Callable

import numpy as np

from hw1bench.records.about import about_run
from hw1bench.records.runs import Block, Record
from hw1bench.records.store import Store, run_key

HELD_SECONDS = 60.0
"""By the clock, from the beginning of a block: for so long runs that have ended are held in memory, because a block that is soon
done has no need of files for its runs."""


def there_of(block: Block, key: str, store: Store) -> int:
    """How many runs of ``block``, whose record is known by ``key``, have a file in ``store``."""
    return sum(store.has(run_key(key, seed)) for seed in block.seeds)


class Unfinished:
    """The runs of ``block`` that ended in earlier sessions and are in ``store``, and those that end now.

    ``key`` is the name of the block's record; ``unfit`` says why a stored record of one run cannot be used, or ''.
    """

    def __init__(self, block: Block, key: str, store: Store, unfit: Callable[[Record], str]) -> None:
        self._block, self._key, self._store = block, key, store
        self._names = {seed: run_key(key, seed) for seed in block.seeds}
        stored = {seed: store.get(name, unfit, of=about_run(block, seed)) for seed, name in self._names.items()}
        self._found = {seed: block.kept(record) for seed, record in stored.items() if record is not None}
        self._held: dict[int, Record] = {}
        self._begun = time.monotonic()

    @property
    def left(self) -> list[int]:
        """The seeds of the runs that are yet to be trained."""
        return [seed for seed in self._block.seeds if seed not in self._found]

    def ended(self, seed: int, record: Record) -> None:
        """Take in the ``record`` of one run."""
        self._held[seed] = self._block.kept(record)
        self.store_held()

    def store_held(self) -> None:
        """Store what is held, unless the block has begun just now."""
        if time.monotonic() - self._begun > HELD_SECONDS:
            for seed, record in self._held.items():
                self._store.keep(self._names[seed], record, about_run(self._block, seed))
            self._held.clear()

    def joined(self, record: Record) -> Record:
        """The record of the whole block, from that of the runs that were ``left``, in the order of their seeds."""
        if not self._found:
            return record
        new = self._block.kept(record)
        rows = {seed: new.row(row) for row, seed in enumerate(self.left)}
        rows |= {seed: found.row(0) for seed, found in self._found.items()}
        names = set.intersection(*map(set, rows.values()))
        arrays = {name: np.stack([rows[seed][name] for seed in self._block.seeds]) for name in sorted(names)}
        seconds = record.seconds + sum(found.seconds for found in self._found.values())
        return Record(arrays, record.facts, seconds)

    def remove(self) -> None:
        """Remove the files of the runs, if this session has stored the record of the block, which the disk may have refused."""
        if self._store.wrote(self._key):
            for name in self._names.values():
                self._store.remove(name)
