"""Variants of training: whether a verdict stands if what we assumed about training is assumed the other way.

A variant trains arms of its own. It puts nothing on record, and the verdict stays the verdict of the claim's own experiment.
"""

from collections.abc import Iterator
from dataclasses import replace

from hw1bench.court.claim import Claim
from hw1bench.court.hearing import Court, Judgement
from hw1bench.court.rehearsal import rehearsed
from hw1bench.court.vocabulary import RULED, VerdictWord
from hw1bench.effects import Effect
from hw1bench.specs.experiment import Tier
from hw1bench.specs.variants import VARIANTS


def variants_of(claim: Claim, tier: Tier) -> Iterator[tuple[str, Claim]]:
    """The variants of ``claim`` in ``tier``, by name: those that train another arm that its effect compares, and from whose runs
    the effect can be computed. A claim that ``tier`` tries on a reduced protocol has none."""
    experiment, effect = claim.experiment, claim.effect
    if experiment is None or not isinstance(effect, Effect) or claim.fidelity(tier) == "reduced":
        return
    for variant in VARIANTS:
        other = variant.of(experiment)
        if other is None:
            continue
        pairs = zip(experiment.protocol(tier).arms, other.protocol(tier).arms, strict=True)
        if all(before == after for before, after in pairs if effect.compares(before.name)):
            continue
        varied = replace(claim, experiment=other, readings=())
        if not any(rehearsed(varied, tier)):  # such as an order by batch size, which a full batch does not have
            yield variant.name, varied


def vary(court: Court, judgement: Judgement) -> tuple[tuple[str, VerdictWord], ...]:
    """The word of each variant of the claim of ``judgement``, by its name; none unless ``judgement`` is a verdict. The training
    is not timed, because timings are of the claim's own experiment."""
    if judgement.verdict.word not in RULED:
        return ()
    return tuple((name, court.hear(varied).verdict.word) for name, varied in variants_of(judgement.claim, court.tier))
