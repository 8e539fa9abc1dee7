"""A trainer that is made when something is first asked of it: it imports torch, which takes seconds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hw1bench.court.hearing import Trainer
from hw1bench.records.runs import Block, Record, Work


@dataclass(frozen=True)
class Late:
    """The court's trainer, which ``trainer`` makes when it is first called and returns each time."""

    trainer: Callable[[], Trainer]

    def keys(self, of: Work, known: Mapping[Block, Record]) -> Sequence[str]:
        return self.trainer().keys(of, known)

    def unfit(self, record: Record, of: Work) -> str:
        return self.trainer().unfit(record, of)

    def make(self, work: Sequence[Work], known: Mapping[Block, Record], done: Callable[[Work, Record], None]) -> None:
        self.trainer().make(work, known, done)
