"""The arrays that training an arm gives, by name and shape, whichever backend trains it."""

from hw1bench.experiment import Arm, Function
from hw1bench.forms import Shapes
from hw1bench.runs import KEPT_WEIGHTS
from hw1bench.snapshots import ARRAYS

_HISTORIES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")


def shapes(arm: Arm, samples: int) -> Shapes:
    """What every record of ``arm`` on so many training ``samples`` holds, of a run; see `hw1bench.runs.Record`.

    Some backends keep the weights of the largest nets besides.
    """
    steps, parameters = arm.epochs * arm.steps_an_epoch(samples), arm.model.parameters
    learnt = ("train_loss",) if isinstance(arm.data, Function) else _HISTORIES
    found: dict[str, tuple[int, ...] | None] = dict.fromkeys(learnt, (arm.epochs + 1,))
    if isinstance(arm.data, Function):
        found["prediction"] = (samples,)
    match arm.gradient_norm:
        case "epoch":
            found["gradient_norm"] = (arm.epochs + 1,)
        case "step":
            found["gradient_norm"] = found["step_loss"] = (steps,)
        case "last batch":
            found["last_batch_norm"] = (arm.epochs,)
    if arm.coast:
        found["coasted"] = ()
    if parameters <= KEPT_WEIGHTS:
        found["weights"] = (parameters,)
        if arm.snapshots is not None:
            taken = arm.epochs if arm.snapshots == "epoch" else steps // arm.snapshots
            found |= zip(ARRAYS, ((parameters,), (taken, parameters), (taken,)), strict=True)
    return found
