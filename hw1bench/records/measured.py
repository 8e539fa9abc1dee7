"""What a measurement gives of arms, by the specifications alone, and whether they have what it needs: see `runs.recorded`."""

from hw1bench.records.runs import KEPT_WEIGHTS, recorded
from hw1bench.specs.experiment import Arm
from hw1bench.specs.measurement import Measurement, Shapes
from hw1bench.support import snapshots

_ASKED_FOR = {  # array -> how an arm comes to have it, where training records it only if asked to
    **dict.fromkeys(snapshots.ARRAYS, 'its snapshots: let it have them, each "epoch" or so many steps'),
    **dict.fromkeys(("gradient_norm", "step_loss"), "its gradient norm: let it record that"),
    "last_batch_norm": 'its gradient norm: let it record that of the "last batch"',
    "coasted": "how far it coasts: give it coast=True",
}


def measured(measurement: Measurement, *arms: Arm) -> Shapes:
    """Array -> its shape, of a result of ``arms``, a group that ``measurement`` looks at.

    Raises ValueError, naming the arm and the way out, for arms that lack what it needs.
    """
    for arm in arms:
        there = recorded(arm)
        unread = [_way(arm, name) for name in measurement.reads if name not in there]
        needed = measurement.needs(arm) or "".join(unread[:1])
        if needed:
            raise ValueError(f"{type(measurement).__name__} of arm {arm.name!r} needs {needed}")
    return dict(measurement.arrays(*arms))


def _way(arm: Arm, name: str) -> str:
    """What ``arm`` lacks, being without array ``name``, and how it comes to have it."""
    if name in ("weights", *snapshots.ARRAYS) and arm.model.parameters > KEPT_WEIGHTS:
        return (
            f"its weights, which are not kept of {arm.model.parameters:,} parameters: give a net of "
            f"{KEPT_WEIGHTS:,} at most"
        )
    return _ASKED_FOR.get(name, f"its {name}, which training does not record of it: give it another arm")
