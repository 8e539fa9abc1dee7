"""When a pilot may speak: what a reduced protocol must show before it says anything of a claim.

A reduced protocol trains on other data, smaller nets, fewer epochs or fewer arms than the report. It speaks only if all of
five rules hold. *Trained*: every compared arm has learnt. *No foreign level*: the effect compares with no absolute level,
which belongs to one data set and one budget. *No clock*: the claim is not tied to an epoch or stage of training, unless the
protocol takes half of the report's steps, or the effect has the same sign at 50, 75 and 100 % of its own budget. *No race*:
the effect does not say which of several arms is ahead where training ends, unless the protocol takes half of the report's
steps. *Same arms*: the arms that the effect compares are the report's, in the same order, with none left out and no batch cut
short. The rules know specifications and runs only, so they apply to the claims of any author.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hw1bench.court.claim import Claim
from hw1bench.court.remarks import Seeds
from hw1bench.effects import Effect
from hw1bench.effects.arguments import SETTINGS
from hw1bench.measures import learning
from hw1bench.records.runs import Run
from hw1bench.specs import notation
from hw1bench.specs.arm import Arm
from hw1bench.specs.experiment import Model, Protocol

TRAINED, NO_FOREIGN_LEVEL, NO_CLOCK = "trained", "no foreign level", "no clock"
NO_RACE, SAME_ARMS = "no race", "same arms"
"""The names of the rules."""
OVER_CHANCE = 2.5  # times the accuracy of guessing among ten classes, at least
LOST = 0.2  # of the starting loss, as far as it can be lost, at least
UNDER_GUESSING = 0.01  # of the logarithm of the number of classes, for random labels
IN_SEEDS = 0.9  # of the seeds
OF_THE_STEPS = 0.5  # of the report's steps, for a claim tied to an epoch or stage, and for a race
AT = (0.5, 0.75)  # of the protocol's own budget, for the same


def silenced(claim: Claim) -> str:
    """Why no run of the quick protocol can speak to ``claim``, known before anything trains: a foreign level, a race, other arms,
    or that there is no such protocol; '' if it may speak, or if its protocol is as reported."""
    if claim.experiment is None or not isinstance(claim.effect, Effect) or claim.fidelity("quick") == "as reported":
        return ""
    if claim.experiment.quick is None:
        return claim.experiment.full_tier_only
    effect, full, quick = claim.effect, claim.experiment.full, claim.experiment.quick
    return foreign_level(claim) or race(effect, full, quick) or other_arms(effect, full, quick)


def foreign_level(claim: Claim) -> str:
    """The absolute level in the effect that belongs to the report's data set or budget; '' if there is none."""
    return "" if claim.own_level or not isinstance(claim.effect, Effect) else _level(claim.effect)


def _level(effect: Effect) -> str:
    return f"{effect.level} belongs to the report's data set and budget" if effect.level else ""


@dataclass(frozen=True)
class Silencing:
    """Which rules would silence the quick protocol of a claim if nothing exempted it: those ``known`` from its specification,
    rule -> why, and those that only its ``runs`` can tell."""

    known: dict[str, str]
    runs: tuple[str, ...]


def unexempted(claim: Claim) -> Silencing:
    """The rules that would silence the quick protocol of ``claim`` without the exemptions that the claim (``own_level``,
    ``about_not_training``) and its experiment (``as_reported``) state. A reduced protocol with a pilot has passed all others.

    Raises ValueError for a claim that the quick tier does not train.
    """
    effect, experiment = claim.effect, claim.experiment
    if experiment is None or experiment.quick is None or not isinstance(effect, Effect):
        raise ValueError(f"claim {claim.id} trains nothing in the quick tier: ask of a claim that does")
    full, quick = experiment.full, experiment.quick
    found = {
        NO_FOREIGN_LEVEL: _level(effect),
        NO_RACE: race(effect, full, quick),
        SAME_ARMS: other_arms(effect, full, quick),
    }
    unasked = experiment.fidelity("quick") == "as reported"
    runs = [TRAINED] if unasked or claim.about_not_training else []
    if unasked and effect.clock and not takes_half(effect.compared(quick.arms), full):
        runs.append(NO_CLOCK)
    return Silencing({rule: why for rule, why in found.items() if why}, tuple(runs))


def race(effect: Effect, full: Protocol, quick: Protocol) -> str:
    """Why ``quick`` cannot tell which arm is ahead where the training of ``full`` ends; '' if it can, or if the effect does not
    say so.

    Who is ahead early need not be ahead late, however clearly. Of three nets the smallest was the best in 15 of 16 seeds of a
    protocol with a thirtieth of the steps, half of the widths and less data, also at half and at three quarters of its budget;
    as reported it was in none of 8.
    """
    if not effect.race or takes_half(effect.compared(quick.arms), full):
        return ""
    return "which arm is ahead at the end is not known from less than half of the report's steps (no race)"


def other_arms(effect: Effect, full: Protocol, quick: Protocol) -> str:
    """How the arms that ``effect`` compares differ from the arms of the full protocol; '' if they are the same arms in the same
    order, none left out and none with a batch cut short."""
    wanted, there = effect.compared(full.arms), effect.compared(quick.arms)
    left_out = [arm.name for arm in wanted if arm.name not in {arm.name for arm in there}]
    if left_out:
        return f"the reduced protocol leaves out {', '.join(left_out)}"
    if [arm.name for arm in wanted] != [arm.name for arm in there]:
        return "the reduced protocol has its arms in another order"
    for before, now in zip(wanted, there, strict=True):
        if (before.batch_size is None) != (now.batch_size is None) or _batch(before) > _batch(now):
            return f"the reduced protocol cuts the batch of {now.name} short"
    for setting in SETTINGS:
        if _ranks(wanted, setting) != _ranks(there, setting):
            return f"the reduced protocol orders its arms otherwise by {setting.replace('_', ' ')}"
    return ""


def untrained(claim: Claim, seeds: Seeds) -> str:
    """Which arms did not learn in nine of ten seeds; '' if all did, or if the claim is about nets that do not learn.

    A net learns if its training accuracy ends at 2.5 times the accuracy of guessing among ten classes or more (for others see
    ``learning.over_guessing``), and its training loss has fallen by a fifth or more of what it can lose; a net on random labels,
    if its training loss ends 1 % or more under the logarithm of the number of classes.
    """
    if claim.about_not_training:
        return ""
    found = [name for name in seeds[0] if not _in_most([_learnt(runs[name]) for runs in seeds])]
    return f"{', '.join(found)} did not learn" if found else ""


def clock_bound(claim: Claim, seeds: Seeds) -> str:
    """Why a claim tied to an epoch or stage cannot be told from ``seeds``; '' if it can: half of the report's steps were taken,
    or the effect has the same sign at 50, 75 and 100 % of the budget in nine of ten seeds."""
    effect, experiment = claim.effect, claim.experiment
    assert isinstance(effect, Effect)
    assert experiment is not None
    if not effect.clock:
        return ""
    if takes_half([run.arm for run in seeds[0].values()], experiment.full):
        return ""
    try:
        same = [_same_sign(effect, runs) for runs in seeds]
    except (LookupError, ValueError):  # a measurement, or an epoch, that half of the budget does not have
        return f"the effect, tied to {effect.clock}, is not known at half of the budget"
    if not _in_most(same):
        return f"the sign of the effect, tied to {effect.clock}, changes between 50, 75 and 100 % of the budget"
    return ""


def takes_half(arms: Iterable[Arm], full: Protocol) -> bool:
    """Whether each of ``arms`` takes half of the steps, or more, of the arm of its name in the report's protocol ``full``."""
    reported = {arm.name: arm for arm in full.arms}
    return all(arm.steps >= OF_THE_STEPS * reported[arm.name].steps for arm in arms if arm.name in reported)


def _in_most(seeds: Sequence[bool]) -> bool:
    """Whether a rule holds in ``IN_SEEDS`` of the seeds, given in which it does: 9 of 10 are enough, 7 of 8 are not."""
    return sum(seeds) >= IN_SEEDS * len(seeds) - 1e-9


def _same_sign(effect: Effect, runs: Mapping[str, Run]) -> bool:
    signs = {effect(runs) > 0, *(effect({name: run.until(at) for name, run in runs.items()}) > 0 for at in AT)}
    return len(signs) == 1


def _learnt(run: Run) -> bool:
    end = learning.final(run)
    if not math.isfinite(end):
        return False
    if not run.arm.data.regression:
        classes = run.facts["classes"]
        if run.arm.random_labels:
            return end <= (1 - UNDER_GUESSING) * math.log(classes)
        if learning.final(run, "train_accuracy") < learning.over_guessing(classes, OVER_CHANCE):
            return False
    least = _least_loss(run)
    return end - least <= (1 - LOST) * (learning.start(run) - least)


def _least_loss(run: Run) -> float:
    """The lowest loss that the run's net can have. It is 0, except if the net ends in a softmax and cross-entropy takes its
    outputs for logits: even certain and right outputs, 1 and zeros, then leave log(1 + (classes - 1) / e), 1.46 for ten classes.
    Such a net on CIFAR-10 is right in 62 % of the cases when its loss has fallen from 2.30 to 1.85. What a network of one's own
    ends in is not known."""
    model = run.arm.model
    softmax = isinstance(model, Model) and notation.parse(model.layout)[-1] == notation.Output("softmax")
    if run.arm.loss == "cross_entropy" and softmax:
        return math.log1p((run.facts["classes"] - 1) / math.e)
    return 0.0


def _batch(arm: Arm) -> int:
    """The samples in the first batch of an epoch, at most the whole set; 0 for an arm that has no batches."""
    return min(arm.batch_size or 0, arm.samples)


def _ranks(arms: Sequence[Arm], setting: str) -> list[int]:
    """The rank of each arm by ``setting``, equal for equal values; all 0 for a setting that an arm does not have."""
    if setting == "batch_size" and any(arm.batch_size is None for arm in arms):
        return [0] * len(arms)
    values = [arm.setting(setting) for arm in arms]
    return [sorted(set(values)).index(value) for value in values]
