"""What the image experiments share: the sets, the looks, and how a quick protocol is made of a full one.

A quick protocol keeps the nets, the optimiser, the batch and the measures. Digits stand in for the data; fewer epochs;
where a step of the report's nets costs over 10 ms on two cores, all channels and hidden widths of the experiment are divided by
one number; and arms may be thinned. Each scaling is stated once, in the call of `quick`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from hw1bench.specs.experiment import TITLES, Arm, Figure, Images, Protocol, StepLR
from hw1bench.specs.ingredients import TRAINING_SAMPLES
from hw1bench.specs.measurement import Interpolation, JacobianNorm, Paths
from hw1bench.specs.notation import scaled

MNIST = Images(name="mnist", size=28)
CIFAR10 = Images(name="cifar10", size=32, channels=3)

SENSITIVITY = {"jacobian": "sensitivity by the Jacobian", "reported": "sensitivity as B measured it"}

LOOKS = (8, 16, 32)  # of a full protocol
ONCE = (8,)  # of experiments that are dear


def paths(arm: Arm, *, snapshots: Literal["epoch"] | int, mark_every: int) -> Protocol:
    """The full protocol of weight paths: two independent trainings of ``arm``, "a" and "b", with snapshots of their weights."""
    arms = tuple(replace(arm, name=name, independent=True, snapshots=snapshots) for name in ("a", "b"))
    return Protocol(arms=arms, looks=ONCE, measures=(Paths(own="a", other="b", mark_every=mark_every),))


def path_figures(whole: tuple[str, str], layer1: tuple[str, str]) -> tuple[Figure, ...]:
    """The charts of weight paths, number and title each."""
    return tuple(
        Figure(number=number, title=title, kind=kind)
        for kind, (number, title) in (("path_whole", whole), ("path_layer1", layer1))
    )


def interpolation(pairs: Sequence[Sequence[Arm]], alphas: Iterable[float], looks: tuple[int, ...] = LOOKS) -> Protocol:
    """The full protocol of the straight lines between the nets of ``pairs``, all of them drawn and trained independently."""
    grid = tuple(float(alpha) for alpha in alphas)
    return Protocol(
        arms=tuple(replace(arm, independent=True) for pair in pairs for arm in pair),
        looks=looks,
        measures=tuple(Interpolation(first=a.name, second=b.name, alphas=grid) for a, b in pairs),
    )


def sweep(arms: Iterable[Arm], looks: tuple[int, ...] = LOOKS) -> Protocol:
    """The full protocol of a sweep, of which sensitivity is measured both ways."""
    measured = tuple(replace(arm, gradient_norm="last batch") for arm in arms)
    return Protocol(arms=measured, looks=looks, measures=(JacobianNorm(),))


def sweep_figures(numbers: Mapping[str, str], over: Literal["batch", "lr"], title: str) -> tuple[Figure, ...]:
    """The charts of a sweep for each of ``numbers``, "loss" or "accuracy" -> its number in the report, one a measure."""
    return tuple(
        Figure(number=number, title=f"{title}{what} and {SENSITIVITY[measure]}", kind=f"{what}_and_{measure}_by_{over}")
        for what, number in numbers.items()
        for measure in SENSITIVITY
    )


def _schedule(arm: Arm, epochs: int) -> StepLR | None:
    """The learning rate falls at the same shares of the budget. Raises ValueError where that is no whole epoch."""
    if arm.schedule is None:
        return None
    every, rest = divmod(arm.schedule.every * epochs, arm.epochs)
    if rest:
        raise ValueError(
            f"arm {arm.name!r} steps every {arm.schedule.every} of {arm.epochs} epochs, at no whole one of {epochs}"
        )
    return replace(arm.schedule, every=every)


def quick(
    full: Protocol, *, epochs: int, widths_over: int = 1, keep: Sequence[str] = (), looks: tuple[int, ...] = (8, 16)
) -> Protocol:
    """The quick protocol of ``full``: on digits, for ``epochs``, widths divided by ``widths_over``, only the arms ``keep``
    (empty: all), and batches of no more than all digits. Raises ValueError for arms that are not there, and for a schedule
    that does not scale."""
    unknown = set(keep) - {arm.name for arm in full.arms}
    if unknown:
        raise ValueError(f"no arm {min(unknown)!r} to keep: there are {', '.join(arm.name for arm in full.arms)}")
    arms = []
    for arm in full.arms:
        if keep and arm.name not in keep:
            continue
        if not isinstance(arm.data, Images):
            raise ValueError(f"arm {arm.name!r} trains on no images: digits cannot stand in")
        arms.append(
            replace(
                arm,
                data=replace(arm.data, name="digits", stands_for=TITLES[arm.data.name]),
                model=replace(arm.model, layout=scaled(arm.model.layout, 1 / widths_over)),
                epochs=epochs,
                batch_size=None if arm.batch_size is None else min(arm.batch_size, TRAINING_SAMPLES["digits"]),
                schedule=_schedule(arm, epochs),
            )
        )
    return Protocol(arms=tuple(arms), looks=looks, widths_over=widths_over, measures=full.measures)
