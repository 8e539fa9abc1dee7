"""A claim: one sentence of a report, its place in the report, and how it is tried."""

import re
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from hw1bench.court.values import Values
from hw1bench.effects import CountIs, CountsEqual, Effect, Exact, LayersAre
from hw1bench.effects.assumed import argument_names
from hw1bench.specs.experiment import TIERS, Experiment, Fidelity, Protocol, Tier
from hw1bench.specs.report import report_name
from hw1bench.support.checks import flag, instance, label, one_of, optional, reason, settle, shown, text, tuple_of

_ID = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")


_EFFECT = instance(Effect, CountIs, CountsEqual, LayersAre, Values)


def _id(value: Any, what: str) -> str:
    found: str = label()(value, what)
    if not _ID.fullmatch(found):
        raise ValueError(f"claim id {found!r}: use letters, digits and single dashes")
    return found


@dataclass(frozen=True)
class Reading:
    """Another value of a number in a claim's effect that nobody stated: ``number`` names it ("within 0.2"), ``reading`` is the
    value tried instead ("0.1"), and ``effect`` is the claim's effect with it.

    ``tried`` of ``hw1bench.court.readings`` makes readings of the effects of this package."""

    number: str
    reading: str
    effect: Effect | Exact | Values

    def __post_init__(self) -> None:
        settle(self, number=label(), reading=label(), effect=_EFFECT)


@dataclass(frozen=True)
class Claim:
    """What report ``report`` says at ``where``, tried by ``effect`` on the runs of ``experiment``.

    A count claim has no experiment, because it is exact, and neither has a claim on ``Values`` from elsewhere, which are effect
    and experiment in one. ``figure`` names the experiment's figure that shows the claim;
    ``origin`` "ours" marks a claim that no report makes; ``assumptions`` are made in addition to the experiment's own;
    ``full_only`` marks a claim that a quick protocol cannot try, such as one about a number measured on the real data.

    Three fields tell a reduced protocol what it may say of the claim (see ``hw1bench.court.pilots``) and a reader what it is
    worth: ``own_level`` says why the level in the effect belongs to no data set and no budget ("guessing is right in 10 % on
    every set"); ``about_not_training`` marks a claim about nets that do not learn; ``trivial`` says of a known truth what would
    have to be different for the claim to fail. ``stated`` names the arguments of the effect whose numbers the report states
    itself; of the others, ``readings`` replace, for the number that they name, those that the rule of readings gives (see
    ``hw1bench.court.readings``). ``question`` is the id of the question that the claim bears on, see
    ``hw1bench.specs.questions``.
    Raises ValueError for an id that is not words joined by dashes, an effect that needs an experiment and has none (or the
    reverse), an effect on arms that the experiment does not have, a figure that the experiment does not have, a stated argument
    that the effect does not have, and a reading on arms that the effect does not read.
    """

    id: str
    _: KW_ONLY
    report: str
    where: str
    says: str
    effect: Effect | Exact | Values
    experiment: Experiment | None = None
    figure: str = ""
    origin: Literal["report", "ours"] = "report"
    assumptions: tuple[str, ...] = ()
    full_only: bool = False
    own_level: str = ""
    about_not_training: bool = False
    trivial: str = ""
    stated: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    question: str = ""

    def __post_init__(self) -> None:
        settle(
            self,
            id=_id,
            report=report_name,
            where=text(),
            says=text(),
            effect=_EFFECT,
            experiment=optional(instance(Experiment)),
            figure=text(),
            origin=one_of("origin", ("report", "ours")),
            assumptions=tuple_of(text()),
            full_only=flag(),
            own_level=reason(),
            about_not_training=flag(),
            trivial=reason(),
            stated=tuple_of(label()),
            readings=tuple_of(instance(Reading)),
            question=text(),
        )
        if isinstance(self.effect, Effect) != (self.experiment is not None):
            raise ValueError(
                f"claim {self.id}: an effect on runs needs an experiment; an exact count takes none, and neither do values from "
                "elsewhere"
            )
        self._check_figure()
        self._check_readings()
        if isinstance(self.effect, Effect) and self.experiment is not None:
            # A reduced protocol may leave arms out: it is then silent on the claim, and says which.
            for protocol in (self.protocol(tier) for tier in self.tiers if self.fidelity(tier) == "as reported"):
                arms = [arm.name for arm in protocol.arms] if protocol else []
                for arm in self.effect.arms or ():
                    if protocol and arm not in arms:
                        raise ValueError(f"claim {self.id}: {self.experiment.id} has no arm {arm!r}, only {arms}")

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers that list the claim. The quick tier lists it as not run if its experiment says why it is for the full tier
        only."""
        untried = self.experiment is not None and self.experiment.quick is None and not self.experiment.full_tier_only
        return ("full",) if self.full_only or untried else TIERS

    def protocol(self, tier: Tier) -> Protocol | None:
        """What ``tier`` trains for the claim; None if it trains nothing."""
        if self.experiment is None or (tier == "quick" and self.experiment.quick is None):
            return None
        return self.experiment.protocol(tier)

    def key(self, tier: Tier) -> str | None:
        """The digest of what ``tier`` trains for the claim; None if it trains nothing, as for an exact count and for
        values from elsewhere."""
        return self.experiment.key(tier) if self.experiment and self.protocol(tier) else None

    def fidelity(self, tier: Tier) -> Fidelity:
        """Whether ``tier`` tries the claim as reported; an exact count is always tried so, and so are values from
        elsewhere."""
        return self.experiment.fidelity(tier) if self.experiment else "as reported"

    def _check_figure(self) -> None:
        figures = [figure.id for figure in self.experiment.figures] if self.experiment else []
        if not self.figure and figures:
            # The loss, which most experiments have, or the only figure.
            object.__setattr__(self, "figure", "loss" if "loss" in figures else figures[0] if len(figures) == 1 else "")
        if figures and self.figure not in figures:
            raise ValueError(
                f"claim {self.id}: figure {shown(self.figure)} is not one of {', '.join(figures)}: name one of them"
            )

    def _check_readings(self) -> None:
        """Raise ValueError for a ``stated`` argument that the effect does not have, and for a reading that needs other runs."""
        if isinstance(self.effect, Effect):
            names, why = argument_names(self.effect), "no constructor of effects made it"
        elif isinstance(self.effect, Values):
            names, why = set(), "values from elsewhere have none"
        else:
            about = isinstance(self.effect, CountIs) and self.effect.relation == "about"
            names, why = {"within"} if about else set(), "an exact count assumes a number only if it is 'about' another"
        for name in self.stated:
            if name not in names:
                have = f"only {', '.join(sorted(names))}" if names else f"because {why}"
                raise ValueError(f"claim {self.id}: its effect has no argument {name!r} to be stated, {have}")
        for reading in self.readings:
            for kind, what in ((Effect, "an effect on runs"), (Values, "values from elsewhere")):
                if isinstance(reading.effect, kind) != isinstance(self.effect, kind):
                    raise ValueError(
                        f"claim {self.id}: reading {reading.reading!r} of {reading.number} is of another kind than its effect: "
                        f"give {what} for {what}, and an exact count for an exact count"
                    )
            self._check_arms(reading)
            self._check_seeds(reading)

    def _check_arms(self, reading: Reading) -> None:
        """Raise ValueError for a ``reading`` of arms that the effect does not read."""
        if not isinstance(self.effect, Effect) or self.effect.arms is None or not isinstance(reading.effect, Effect):
            return
        if reading.effect.arms is None or not {*reading.effect.arms} <= {*self.effect.arms}:
            raise ValueError(
                f"claim {self.id}: reading {reading.reading!r} of {reading.number} needs other arms than its effect, "
                f"which reads {', '.join(self.effect.arms)}: a reading is judged on the same runs"
            )

    def _check_seeds(self, reading: Reading) -> None:
        """Raise ValueError for a ``reading`` of values from elsewhere that may lack a seed of the claim's, or has more."""
        own, other = self.effect, reading.effect
        if not isinstance(own, Values) or not isinstance(other, Values):
            return
        if not own.has_the_seeds_of(other) or own.looks != other.looks:
            raise ValueError(
                f"claim {self.id}: reading {reading.reading!r} of {reading.number} has other seeds or looks than its values: a "
                "reading is judged on the same seeds"
            )

    def everything_assumed(self) -> tuple[str, ...]:
        """The experiment's assumptions and the claim's own."""
        return (*(self.experiment.assumptions if self.experiment else ()), *self.assumptions)
