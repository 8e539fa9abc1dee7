"""Which stored records present claims need: those of their blocks, measurements and values, in either tier and up to the last
planned look, variants of training and figures included.

What is asked for decides, not the key: see ``hw1bench.court.abouts``. So a record counts as needed on whatever machine, in
whatever precision and on whatever copy of the data it was made, and no data set needs to be there; one that this version of the
code would not make again counts as not needed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from hw1bench.court import elsewhere
from hw1bench.court.abouts import about, about_value
from hw1bench.court.docket import Case
from hw1bench.court.values import Values
from hw1bench.records.runs import Block, Measured, blocks
from hw1bench.records.stock import Entry
from hw1bench.report import reading
from hw1bench.report.replication import REPLICATION_OFFSET
from hw1bench.session.outlook import Outlook, Part
from hw1bench.specs.experiment import Arm
from hw1bench.specs.variants import VARIANTS


@dataclass
class Needs:
    """What claims need of a store, in sessions whose first seeds are ``firsts``: the number of seeds by the digest of what is
    asked for; and the ``keys`` of values, which records of schema 1 are known by."""

    firsts: frozenset[int] = frozenset({0, REPLICATION_OFFSET})
    seeds: dict[str, int] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def has(self, entry: Entry) -> bool:
        """Whether claims need the record ``entry``, as far as this version and this user can tell."""
        if entry.of is None:
            return entry.state in ("of another version", "not readable") or entry.key in self.keys
        most = self.seeds.get(entry.of.asks, 0)
        return any(first <= entry.of.first_seed < first + most for first in self.firsts)

    def add(self, part: Part) -> None:
        """Take up what the looks of ``part`` train and measure."""
        for index, look in enumerate(part.looks):
            for of in _made(part, part.arms(index)):
                self._ask(about(of).asks, look)

    def add_values(self, of: Values) -> None:
        """Take up values that are computed."""
        self._ask(about_value(of, 0).asks, of.looks[-1])
        self.keys |= {elsewhere.key(of, seed) for first in self.firsts for seed in of.seeds(first)}

    def _ask(self, asks: str, seeds: int) -> None:
        self.seeds[asks] = max(seeds, self.seeds.get(asks, 0))


def needs(cases: Iterable[Case], outlooks: Iterable[Outlook], report_dir: Path) -> Needs:
    """What the claims of ``cases``, all of whose tests have ``outlooks``, need of the store in ``report_dir``: in sessions from
    seed 0, from the first seed of a replication, and from that of the report there."""
    found = Needs()
    found.firsts |= _first_seed(report_dir)
    for case in cases:
        if isinstance(case.claim.effect, Values) and case.claim.effect.computed:
            found.add_values(case.claim.effect)
    for outlook in outlooks:
        for part in outlook.parts.values():
            for one in (part, *_varied(part)):
                found.add(one)
    return found


def _varied(part: Part) -> Iterator[Part]:
    """The variants of ``part``, those from whose runs an effect turns out not to be computable included."""
    if part.claims and part.experiment.fidelity(part.tier) == "as reported":
        others = filter(None, (variant.of(part.experiment) for variant in VARIANTS))
        yield from (replace(part, experiment=other, shown=set()) for other in others)


def _first_seed(report_dir: Path) -> frozenset[int]:
    try:
        return frozenset({reading.read(report_dir)[0]["seed_offset"]})
    except ValueError:  # no report, or none that can be read
        return frozenset()


def _made(part: Part, arms: list[Arm]) -> Iterator[Block | Measured]:
    """The blocks of ``arms`` with the first seeds, and their measurements."""
    by_name = {block.arm.name: block for block in blocks(part.experiment, part.tier, arms, 0)}
    yield from by_name.values()
    for measurement in part.protocol.measures:
        for group in measurement.groups([*by_name]):
            yield Measured(measurement, tuple(by_name[name] for name in group))
