"""What the image experiments share: data sets, looks, and how a quick protocol is derived from a full one.

A quick protocol keeps the nets, the optimiser, the batch size and the measurements. Digits stand in for the data, and training
takes fewer epochs. If a step of the report's nets takes over 10 ms on two cores, all channels and hidden widths of the experiment
are divided by one number. Some arms may be left out. Each change is stated once, in the call of ``quick``.
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
ONCE = (8,)  # of expensive experiments


def paths(arm: Arm, *, snapshots: Literal["epoch"] | int, mark_every: int) -> Protocol:
    """Make the full protocol of weight paths: two independent trainings of ``arm``, "a" and "b", with weight snapshots."""
    arms = tuple(replace(arm, name=name, independent=True, snapshots=snapshots) for name in ("a", "b"))
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
        arms=tuple(replace(arm, independent=True) for pair in pairs for arm in pair),
        looks=looks,
        measures=tuple(Interpolation(first=a.name, second=b.name, alphas=grid) for a, b in pairs),
    )


def sweep(arms: Iterable[Arm], looks: tuple[int, ...] = LOOKS) -> Protocol:
    """Make the full protocol of a sweep, with sensitivity measured both ways."""
    measured = tuple(replace(arm, gradient_norm="last batch") for arm in arms)
    return Protocol(arms=measured, looks=looks, measures=(JacobianNorm(),))


def sweep_figures(numbers: Mapping[str, str], over: Literal["batch", "lr"], title: str) -> tuple[Figure, ...]:
    """Make the figures of a sweep, one per measure of sensitivity for each of ``numbers``: "loss" or "accuracy" -> the figure's
    number in the report."""
    return tuple(
        Figure(number=number, title=f"{title}{what} and {SENSITIVITY[measure]}", kind=f"{what}_and_{measure}_by_{over}")
        for what, number in numbers.items()
        for measure in SENSITIVITY
    )


def _schedule(arm: Arm, epochs: int) -> StepLR | None:
    """Make the schedule with steps at the same shares of a budget of ``epochs``. Raises ValueError if these are not integers."""
    if arm.schedule is None:
        return None
    every, rest = divmod(arm.schedule.every * epochs, arm.epochs)
    if rest:
        raise ValueError(
            f"epochs is {epochs}, but arm {arm.name!r} lowers its learning rate every {arm.schedule.every} of {arm.epochs} "
            f"epochs: give a number of which {arm.schedule.every} / {arm.epochs} is an integer"
        )
    return replace(arm.schedule, every=every)


def quick(
    full: Protocol, *, epochs: int, widths_over: int = 1, keep: Sequence[str] = (), looks: tuple[int, ...] = (8, 16)
) -> Protocol:
    """Make the quick protocol of ``full``: on digits, for ``epochs``, with widths divided by ``widths_over``, only the arms in
    ``keep`` (empty: all), and batches of at most all digits. Raises ValueError if an arm is unknown or does not train on images,
    or if a schedule does not scale."""
    unknown = set(keep) - {arm.name for arm in full.arms}
    if unknown:
        raise ValueError(f"no arm {min(unknown)!r} to keep: there are {', '.join(arm.name for arm in full.arms)}")
    arms = []
    for arm in full.arms:
        if keep and arm.name not in keep:
            continue
        if not isinstance(arm.data, Images):
            raise ValueError(f"arm {arm.name!r} does not train on images: digits cannot stand in for its data")
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
