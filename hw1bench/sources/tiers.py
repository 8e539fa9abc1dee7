"""What the image experiments share: data sets, looks, and how a quick protocol is derived from a full one.

A quick protocol keeps the optimiser, the batch size, the schedule and the measurements. It trains on the 5,000 images of MNIST
that a package carries, or on digits, for another number of epochs. All channels and hidden widths of an experiment may be
divided by one number, and arms that no claim compares may be left out. Each change is stated once, in the call of ``quick``.

The epochs and widths are chosen by two things alone, which are written beside each call: whether every arm then learns (see
``hw1bench.court.pilots``) in each of the seeds 0 to 7, and what it costs. "Learnt by epoch 5" means that all arms have learnt in
all eight seeds by then; times are of one core, for eight seeds of all arms, evaluations included. An experiment whose arms
cannot all learn within what two cores can train in about a minute has no quick protocol, and says why; nor has one whose claims
all say which arm ends ahead.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from hw1bench.specs.evaluation import Evaluation
from hw1bench.specs.experiment import Arm, Figure, Images, Protocol
from hw1bench.specs.images import PART_OF, TITLES, TRAINING_SAMPLES
from hw1bench.specs.measurement import Interpolation, JacobianNorm, Paths
from hw1bench.specs.notation import scaled

MNIST = Images(name="mnist", size=28)
CIFAR10 = Images(name="cifar10", size=32, channels=3)

SENSITIVITY = {"jacobian": "sensitivity by the Jacobian", "reported": "sensitivity as B measured it"}

RACE = "which arm is ahead at the end is not known from less than half of the report's steps (no race), and two cores take fewer"
"""Why an experiment is in the full tier only if all its claims are races."""

LOOKS = (8, 16, 32)  # of a full protocol
ONCE = (8,)  # of expensive experiments

# Evaluation of the whole sets takes a quarter of the full tier's time, so each experiment has it where its claims, their readings
# and its figures read it, and no oftener.
AT_ENDS = Evaluation(train="ends", test="ends")
FOR_CURVES = Evaluation(train="thinned", test="thinned")
_UP_TO_THE_BEST = Evaluation(train="ends")  # of arms that keep the best of all test accuracies


def paths(
    arm: Arm, *, snapshots: Literal["epoch"] | int, mark_every: int, evaluation: Evaluation = AT_ENDS
) -> Protocol:
    """Make the full protocol of weight paths: two independent trainings of ``arm``, "a" and "b", with weight snapshots, "a" with
    ``evaluation``."""
    arms = tuple(
        replace(arm, name=name, independent=True, snapshots=snapshots, evaluation=read)
        for name, read in (("a", evaluation), ("b", AT_ENDS))
    )
    return Protocol(arms=arms, looks=ONCE, measures=(Paths(own="a", other="b", mark_every=mark_every),))


def path_figures(whole: tuple[str, str], layer1: tuple[str, str]) -> tuple[Figure, ...]:
    """Make the figures of weight paths, given the number and title of each."""
    return tuple(
        Figure(number=number, title=title, kind=kind)
        for kind, (number, title) in (("path_whole", whole), ("path_layer1", layer1))
    )


def interpolation(pairs: Sequence[Sequence[Arm]], alphas: Iterable[float], looks: tuple[int, ...] = LOOKS) -> Protocol:
    """Make the full protocol of straight lines between the nets of each pair, all initialised and trained independently."""
    grid = tuple(float(alpha) for alpha in alphas)
    return Protocol(
        arms=tuple(replace(arm, independent=True, evaluation=AT_ENDS) for pair in pairs for arm in pair),
        looks=looks,
        measures=tuple(Interpolation(first=a.name, second=b.name, alphas=grid) for a, b in pairs),
    )


def sweep(arms: Iterable[Arm], looks: tuple[int, ...] = LOOKS) -> Protocol:
    """Make the full protocol of a sweep, with sensitivity measured both ways."""
    measured = tuple(
        replace(arm, gradient_norm="last batch", evaluation=AT_ENDS if arm.keep == "last" else _UP_TO_THE_BEST)
        for arm in arms
    )
    return Protocol(arms=measured, looks=looks, measures=(JacobianNorm(),))


def sweep_figures(numbers: Mapping[str, str], over: Literal["batch", "lr"], title: str) -> tuple[Figure, ...]:
    """Make the figures of a sweep, one per measure of sensitivity for each of ``numbers``: "loss" or "accuracy" -> the figure's
    number in the report."""
    return tuple(
        Figure(number=number, title=f"{title}{what} and {SENSITIVITY[measure]}", kind=f"{what}_and_{measure}_by_{over}")
        for what, number in numbers.items()
        for measure in SENSITIVITY
    )


def quick(
    full: Protocol,
    *,
    epochs: int,
    data: Literal["mnist_5k", "digits"] = "mnist_5k",
    widths_over: int = 1,
    keep: Sequence[str] = (),
    looks: tuple[int, ...] = (8, 16),
) -> Protocol:
    """Make the quick protocol of ``full``: on ``data``, for ``epochs``, with widths divided by ``widths_over``, only the arms in
    ``keep`` (empty: all). Raises ValueError if an arm is unknown, does not train on images, or has larger batches than that."""
    unknown = set(keep) - {arm.name for arm in full.arms}
    if unknown:
        raise ValueError(f"no arm {min(unknown)!r} to keep: there are {', '.join(arm.name for arm in full.arms)}")
    arms = []
    for arm in full.arms:
        if keep and arm.name not in keep:
            continue
        if not isinstance(arm.data, Images):
            raise ValueError(f"arm {arm.name!r} does not train on images: {TITLES[data]} cannot stand in for its data")
        if arm.batch_size is not None and arm.batch_size > TRAINING_SAMPLES[data]:
            raise ValueError(
                f"arm {arm.name!r} has batches of {arm.batch_size:,}, and {TITLES[data]} leave {TRAINING_SAMPLES[data]:,} "
                "to train on: give the experiment no quick protocol"
            )
        stands_for = "" if PART_OF.get(data) == arm.data.name else TITLES[arm.data.name]
        arms.append(
            replace(
                arm,
                data=replace(arm.data, name=data, stands_for=stands_for),
                model=replace(arm.laid_out, layout=scaled(arm.laid_out.layout, 1 / widths_over)),
                epochs=epochs,
            )
        )
    return Protocol(arms=tuple(arms), looks=looks, widths_over=widths_over, measures=full.measures)
