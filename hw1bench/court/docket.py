"""The docket: claims as they lie in files of claims, and what is on record of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hw1bench.court.claim import Claim
from hw1bench.court.rulings import Ruling, Rulings, Subject
from hw1bench.effects.identity import identity
from hw1bench.specs.experiment import Tier

Book = Mapping[Path, Rulings]
"""The rulings of each rulings file."""


@dataclass(frozen=True)
class Case:
    """A claim of a file of claims: its topic, and the path of the rulings file beside it."""

    claim: Claim
    topic: str
    rulings: Path

    @cached_property
    def subjects(self) -> dict[Tier, Subject]:
        """What rulings on the claim are bound to, for each of its tiers, as its sources were when this was first read."""
        effect = identity(self.claim.effect)
        return {tier: (self.claim.key(tier), effect, self.claim.fidelity(tier)) for tier in self.claim.tiers}

    def found(self, book: Book, tier: Tier) -> Ruling | None:
        """The ruling on record for ``tier``, whatever it is bound to."""
        return book.get(self.rulings, {}).get((self.claim.id, tier))

    def ruled(self, book: Book, tier: Tier) -> Ruling | None:
        """The ruling on record for ``tier`` and the claim as it is now, with its present protocol and effect."""
        ruling = self.found(book, tier)
        return ruling if ruling is not None and ruling.subject == self.subjects.get(tier) else None
