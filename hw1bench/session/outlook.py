"""What tests would train, known from their specifications before anything trains."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest

from hw1bench.court import pilots
from hw1bench.court.claim import Claim
from hw1bench.court.values import Values
from hw1bench.effects import Effect
from hw1bench.report import quantities
from hw1bench.session.subjects import params, topic
from hw1bench.specs.experiment import TIERS, Arm, CrossReportFigure, Experiment, Protocol, Tier

Subject = Claim | Experiment | CrossReportFigure


@dataclass
class Part:
    """One ``experiment`` in one tier, with the ``topic`` of the first test that needs it: the ids of the ``claims`` that are
    judged on its runs, and the names of the arms that these compare at every look, and that are only ``shown``, which takes the
    first look."""

    experiment: Experiment
    tier: Tier
    topic: str = ""
    claims: list[str] = field(default_factory=list)
    compared: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)

    @property
    def protocol(self) -> Protocol:
        return self.experiment.protocol(self.tier)

    def arms(self, look: int = 0) -> list[Arm]:
        """The arms that are trained for the look with this index in the protocol, 0 the first."""
        names = self.compared if look else self.compared | self.shown
        return [arm for arm in self.protocol.arms if arm.name in names]

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of seeds at which the tier may look; the first alone if nothing is judged."""
        return self.protocol.looks if self.claims else self.protocol.looks[:1]


@dataclass
class Outlook:
    """What one ``tier`` would do: the ``parts`` by experiment, and the ids of claims that are ``exact``, on values from
    ``elsewhere``, and ``not_run`` because the tier cannot try them."""

    tier: Tier
    parts: dict[Experiment, Part] = field(default_factory=dict)
    exact: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)

    def add(self, subject: Subject, topic: str) -> None:
        """Take up a claim or an exhibit of ``topic``."""
        match subject:
            case Claim(effect=Effect() as effect, experiment=Experiment() as experiment):
                if subject.protocol(self.tier) is None or (self.tier == "quick" and pilots.silenced(subject)):
                    self.not_run.append(subject.id)
                    return
                part = self._part(experiment, topic)
                part.claims.append(subject.id)
                part.compared |= {arm.name for arm in effect.compared(part.protocol.arms)}
            case Claim():
                (self.elsewhere if isinstance(subject.effect, Values) else self.exact).append(subject.id)
            case _:
                for one in subject.experiments if isinstance(subject, CrossReportFigure) else (subject,):
                    part = self._part(one, topic)
                    part.shown |= {arm.name for arm in part.protocol.arms}

    def _part(self, experiment: Experiment, topic: str) -> Part:
        return self.parts.setdefault(experiment, Part(experiment, self.tier, topic))

    @property
    def judged(self) -> int:
        """The number of claims on which there would be a verdict or a pilot."""
        return sum(len(part.claims) for part in self.parts.values()) + len(self.exact) + len(self.elsewhere)


def outlooks(items: Iterable[pytest.Item]) -> list[Outlook]:
    """The outlook of each tier that the tests ``items`` have. Of two claims with one id, in two files, both count."""
    found = {tier: Outlook(tier) for tier in TIERS}
    seen: set[tuple[Tier, int]] = set()
    for item in items:
        values = params(item)
        tier, subject = values["tier"], values.get("claim") or values["exhibit"]
        if (tier, id(subject)) not in seen:  # one claim may be tried by several tests
            seen.add((tier, id(subject)))
            found[tier].add(subject, topic(item.path))
    return [found[tier] for tier in TIERS if any(of == tier for of, _ in seen)]


def summary(items: Iterable[pytest.Item]) -> str:
    """What the tests ``items`` would do: a line for each tier."""
    return "\n".join(map(_line, outlooks(items)))


def _line(of: Outlook) -> str:
    arms = sum(len(part.arms()) for part in of.parts.values())
    judged = f"{quantities.plural(of.judged, 'claim')} {'is' if of.judged == 1 else 'are'} judged"
    trained = (
        f" on {quantities.plural(arms, 'arm')} of {quantities.plural(len(of.parts), 'experiment')}" if arms else ""
    )
    left = f", {len(of.not_run):,} not run" if of.not_run else ""
    way = "; python -m hw1bench plan says at what cost" if arms else ""
    return f"no mistake found: in the {of.tier} tier {judged}{trained}{left}{way}"
