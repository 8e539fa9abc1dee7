"""Variants of training: what a report does not say of its training and we had to assume, assumed the other way.

A variant changes the arms of an experiment and nothing else, so the same effect can be computed from them. Only the report's own
setting, or our first choice, gives the verdict; variants say whether it would stand.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from hw1bench.specs.arm import Arm
from hw1bench.specs.experiment import Experiment, Protocol
from hw1bench.specs.images import ImageForm
from hw1bench.specs.ingredients import Model

SMALL_BATCH = 16  # of a fit


@dataclass(frozen=True)
class Variant:
    """A variant by ``name``; ``change`` turns an arm into the arm trained otherwise, or None if the variant says nothing of it
    or if it is trained so already."""

    name: str
    change: Callable[[Arm], Arm | None]

    def of(self, experiment: Experiment) -> Experiment | None:
        """The variant of ``experiment``; None if it trains the same, if arms that differ would become the same training, if an
        arm cannot be trained so, as batch norm on one sample, or if a measurement would have nothing to compare, such as the line
        between two nets with one seed."""
        full, quick = (protocol and self._changed(protocol) for protocol in (experiment.full, experiment.quick))
        if full is None or (quick is None) != (experiment.quick is None):
            return None
        same = (full, quick) == (experiment.full, experiment.quick)
        return None if same else replace(experiment, full=full, quick=quick)

    def _changed(self, protocol: Protocol) -> Protocol | None:
        try:
            arms = tuple(self.change(arm) or arm for arm in protocol.arms)
            return None if _trainings(arms) < _trainings(protocol.arms) else replace(protocol, arms=arms)
        except ValueError:
            return None


def _trainings(arms: tuple[Arm, ...]) -> int:
    """How many different trainings ``arms`` are; independent arms that are otherwise alike are different."""
    trainings = (arm.training for arm in arms)
    return len({arm if arm.independent else replace(arm, name="any") for arm in trainings})


def _changed(arm: Arm, other: Arm) -> Arm | None:
    return None if arm == other else other


def _batches(size: int | None) -> Callable[[Arm], Arm | None]:
    # Of fits only: the reports state the batch sizes of their images, and whole sets of images take far fewer steps.
    def change(arm: Arm) -> Arm | None:
        if not arm.data.regression or arm.batch_size == size:
            return None
        return replace(arm.training, batch_size=size)  # every epoch is evaluated, as an arm with the whole set must

    return change


def _pixels(mean: float, deviation: float) -> Callable[[Arm], Arm | None]:
    def change(arm: Arm) -> Arm | None:
        if not isinstance(arm.data, ImageForm) or arm.data.standardize:
            return None
        return _changed(arm, replace(arm, data=replace(arm.data, mean=(mean,), deviation=(deviation,))))

    return change


def _initialised(as_in: Literal["torch", "keras"]) -> Callable[[Arm], Arm | None]:
    def change(arm: Arm) -> Arm | None:
        if not isinstance(arm.model, Model):
            return None
        return _changed(arm, replace(arm, model=replace(arm.model, init=as_in, deviation=None)))

    return change


def _independent(independent: bool) -> Callable[[Arm], Arm | None]:
    return lambda arm: _changed(arm, replace(arm, independent=independent))


VARIANTS = (
    Variant("full batch", _batches(None)),
    Variant(f"batches of {SMALL_BATCH}", _batches(SMALL_BATCH)),
    Variant("pixels in [0, 1]", _pixels(0.0, 1.0)),
    Variant("pixels in [-1, 1]", _pixels(0.5, 0.5)),
    Variant("torch's initialisation", _initialised("torch")),
    Variant("Keras's initialisation", _initialised("keras")),
    Variant("tied seeds", _independent(False)),
    Variant("independent seeds", _independent(True)),
)
