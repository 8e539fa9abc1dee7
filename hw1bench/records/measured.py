"""What measurements add to a run, and what they need of it, by the specification alone: the counterpart of `runs.recorded`.

`hw1bench.measures.stage` takes them; what the arrays hold is said in `hw1bench.specs.measurement`.
"""

from hw1bench.records.runs import KEPT_WEIGHTS, recorded
from hw1bench.specs import notation
from hw1bench.specs.experiment import Arm, Function
from hw1bench.specs.measurement import TOLERANCES, Interpolation, JacobianNorm, Measurement, MinimalRatio, Paths
from hw1bench.support import snapshots

Shapes = dict[str, tuple[int, ...]]

_LEAST_SNAPSHOTS = 4  # fewer lie in a plane whatever they do


def measured(measurement: Measurement, *arms: Arm) -> Shapes:
    """Array -> its shape, of a run of the first of ``arms``, the group that ``measurement`` looks at.

    Raises ValueError, naming the arm and the way out, for arms that lack what it needs.
    """
    for arm in arms:
        what = f"{type(measurement).__name__} of arm {arm.name!r}"
        if "weights" not in recorded(arm):
            raise ValueError(
                f"{what} needs its weights, which are not kept of {arm.model.parameters:,} parameters: give a net of "
                f"{KEPT_WEIGHTS:,} at most"
            )
        if isinstance(arm.data, Function) != isinstance(measurement, MinimalRatio):
            kind = "a function to fit" if isinstance(measurement, MinimalRatio) else "images, with a test set"
            raise ValueError(f"{what} needs {kind}, and the arm has {arm.data.name}")
    match measurement:
        case Paths():
            return _paths(*arms)
        case MinimalRatio():
            return _minimal_ratio(arms[0])
        case Interpolation():
            alphas = (len(measurement.alphas),)
            names = (f"mixed_{split}_{what}" for split in ("train", "test") for what in ("loss", "accuracy"))
            return dict.fromkeys(("alphas", *names), alphas)
        case JacobianNorm():
            return {"jacobian": ()}


def _paths(*arms: Arm) -> Shapes:
    counts = []
    for arm in arms:
        steps = recorded(arm).get(snapshots.ARRAYS[1])
        if steps is None:
            raise ValueError(
                f'Paths of arm {arm.name!r} needs its snapshots: let it have them, each "epoch" or so many steps'
            )
        counts.append(1 + steps[0])
    if min(counts) < _LEAST_SNAPSHOTS or len(set(counts)) > 1:
        names = " and ".join(repr(arm.name) for arm in arms)
        raise ValueError(
            f"Paths of arms {names} needs as many snapshots of each, {_LEAST_SNAPSHOTS} or more, and gets "
            f"{' and '.join(map(str, counts))}: take more of them"
        )
    found: Shapes = {"path_accuracy": (counts[0],)}
    for part in ("whole", "layer1"):
        found |= {f"{part}_path": (counts[0], 2), f"{part}_shares": (2,)}
        found |= {f"{part}_{name}": () for name in ("own_share", "walk", "separation", "convergence")}
    return found


def _minimal_ratio(arm: Arm) -> Shapes:
    if arm.gradient_norm != "epoch":
        raise ValueError(
            f'MinimalRatio of arm {arm.name!r} needs its gradient norm: let it record that of each "epoch"'
        )
    exact = (notation.Linear, notation.Output)
    layers = notation.parse(arm.model.layout)
    if not all(isinstance(layer, exact) and layer not in _NO_CURVATURE for layer in layers):
        raise ValueError(
            f"MinimalRatio of arm {arm.name!r} needs a dense net, at most with a tanh output, and gets layout "
            f"{arm.model.layout!r}"
        )
    numbers = dict.fromkeys(("stationary_loss", "norm_ratio", "reached", "steps_to_it", "descended"), ())
    shares = dict.fromkeys(("above", "within", "below", "gauss_newton_above"), (len(TOLERANCES),))
    return {**numbers, **shares}


_NO_CURVATURE = (notation.Output("softmax"), notation.Output("logsoftmax"))
