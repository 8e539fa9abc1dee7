"""The arrays that a measurement gives, and whether arms have what it needs, by their specifications alone."""

from hw1bench.records.runs import KEPT_WEIGHTS, recorded
from hw1bench.specs.experiment import Arm
from hw1bench.specs.measurement import Measurement, Shapes
from hw1bench.support import snapshots

_ON_REQUEST = {  # array that training records only on request -> what an arm lacks without it, and how to request it
    **dict.fromkeys(snapshots.ARRAYS, 'its snapshots: take them with snapshots="epoch" or a number of steps'),
    **dict.fromkeys(("gradient_norm", "step_loss"), "its gradient norm: record it with gradient_norm"),
    "last_batch_norm": 'its gradient norm: record it with gradient_norm="last batch"',
    "coasted": "how far it coasts: record it with coast=True",
}


def measured(measurement: Measurement, *arms: Arm) -> Shapes:
    """Array -> shape of a result of ``measurement`` for ``arms``, one of its groups.

    Raises ValueError, naming the arm and the way out, for arms that lack what the measurement needs.
    """
    for arm in arms:
        there = recorded(arm)
        unread = [_way(arm, name) for name in measurement.reads if name not in there]
        needed = measurement.needs(arm) or "".join(unread[:1])
        if needed:
            raise ValueError(f"{measurement.kind} of arm {arm.name!r} needs {needed}")
    return dict(measurement.arrays(*arms))


def _way(arm: Arm, name: str) -> str:
    """What ``arm`` lacks without array ``name``, and the way out."""
    if name in ("weights", *snapshots.ARRAYS) and arm.model.numbers > KEPT_WEIGHTS:
        what = "parameters" if arm.model.numbers == arm.model.parameters else "parameters and buffers"
        return f"its weights, which are not kept for {arm.model.numbers:,} {what}: give a net with {KEPT_WEIGHTS:,} at most"
    return _ON_REQUEST.get(name, f"its {name}, which training does not record for it: measure another arm")
