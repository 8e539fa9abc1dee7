"""The kinds of figures by name, with the arrays that each is drawn from; the plotting library is not imported.

``hw1bench.report.figures`` draws the figures, and its ``Series`` describes the arrays.
"""

from dataclasses import dataclass

from hw1bench.specs.evaluation import CURVES, SCHEDULES, Schedule
from hw1bench.specs.measurement import Interpolation, JacobianNorm, Measurement, MinimalRatio, Paths


@dataclass(frozen=True)
class Kind:
    """What a kind of figure reads: ``arrays`` of ``every`` arm that it shows, otherwise of at least one of them.

    Arrays that training does not record come from results of ``measurement``; a result belongs to the first arm of its group.
    Histories among ``arrays`` must be evaluated by one of ``schedules``.
    """

    arrays: tuple[str, ...]
    every: bool = True
    measurement: type[Measurement] | None = None
    schedules: tuple[Schedule, ...] = SCHEDULES

    @property
    def sweep(self) -> bool:
        """Whether it plots values at the weights that each arm keeps against a setting of the arms."""
        return "kept_train_loss" in self.arrays


def _path(part: str) -> Kind:
    names = ("path", "shares", "own_share", "walk", "convergence", "relative_convergence")
    return Kind(("path_accuracy", *(f"{part}_{name}" for name in names)), every=False, measurement=Paths)


_SPLITS = ("train", "test")
_POINTS = ("stationary_loss", "norm_ratio", "reached", "descended", "above", "below", "within", "gauss_newton_above")

KINDS: dict[str, Kind] = {
    "function": Kind(("x", "truth")),
    "curves": Kind(("x", "truth", "prediction")),
    "loss": Kind(("train_loss",), schedules=CURVES),
    "stopping": Kind(("train_loss",), schedules=("every epoch",)),
    **{
        kind: Kind(tuple(f"{split}_{what}" for split in _SPLITS), schedules=CURVES)
        for kind, what in (("losses", "loss"), ("accuracies", "accuracy"))
    },
    **{
        f"{what}_by_size": Kind(("parameters", *(f"{split}_{what}" for split in _SPLITS)))
        for what in ("loss", "accuracy")
    },
    "memorising": Kind(("steps", "train_accuracy"), schedules=("every epoch",)),
    "gradient_norm": Kind(("train_loss", "gradient_norm")),
    "step_loss": Kind(("train_loss", "step_loss")),
    "path_whole": _path("whole"),
    "path_layer1": _path("layer1"),
    "ratio_by_loss": Kind(_POINTS, measurement=MinimalRatio),
    "interpolation": Kind(
        ("alphas", *(f"mixed_{split}_{what}" for split in _SPLITS for what in ("loss", "accuracy"))),
        every=False,
        measurement=Interpolation,
    ),
    # The note on a sweep reports the Jacobian norm, whichever measure is drawn.
    **{
        f"{what}_and_{measure}_by_{over}": Kind(
            tuple(
                dict.fromkeys(
                    (setting, "jacobian", measure, "kept_train_loss", f"kept_train_{what}", f"kept_test_{what}")
                )
            ),
            measurement=JacobianNorm,
        )
        for over, setting in (("batch", "batch_size"), ("lr", "lr"))
        for measure in ("jacobian", "reported")
        for what in ("loss", "accuracy")
    },
}
"""Kind -> what it reads. A kind is the last word of a figure's file name, so its name has no hyphen."""
