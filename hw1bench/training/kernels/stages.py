"""Layouts as stages of the image kernel: a layer with weights, and the pooling and dropout after it."""

from dataclasses import dataclass

from hw1bench.specs import notation
from hw1bench.specs.experiment import Arm
from hw1bench.training.kernels.structures import ACTIVATIONS, OUTPUTS, ImageStage

_LARGEST_POOL = 15  # the kernel stores an index in a window in a byte


@dataclass
class StageLayers:
    """Layers of a layout that make one stage: ``layer`` with weights, and the dropout ``before`` and ``after`` its pooling."""

    layer: notation.Conv | notation.Linear
    before: notation.Dropout | None = None
    pool: int = 1
    after: notation.Dropout | None = None


def stages_of(layout: str) -> list[StageLayers] | None:
    """Return the stages of ``layout``; None if the kernel does not have its layers, or not in their order."""
    stages: list[StageLayers] = []
    for layer in notation.parse(layout):
        last = stages[-1] if stages else None
        match layer:
            case notation.Conv(_, _, kernel, padding, stride, bias):
                if padding >= kernel or stride > 1 or not bias:
                    return None
                stages.append(StageLayers(layer))
            case notation.Linear(bias=bias):
                if not bias:
                    return None
                stages.append(StageLayers(layer))
            case notation.Pool(size, average):
                if last is None or last.pool > 1 or size > _LARGEST_POOL or average:
                    return None
                if size > 1:
                    last.before, last.pool, last.after = last.after, size, None
            case notation.Dropout(p, _):
                if last is None or last.after or p >= 1:
                    return None
                last.after = layer
            case notation.Output(name):
                if name not in OUTPUTS:
                    return None
    return stages


def _kind(dropout: notation.Dropout | None) -> tuple[int, float]:
    """Return the kernel's number for the kind of ``dropout``, and its probability."""
    return (0, 0.0) if dropout is None else (2 if dropout.maps else 1, dropout.p)


@dataclass(frozen=True)
class DropoutDraws:
    """Draws of a dropout per sample: ``numbers`` numbers, each 0 with probability ``p``, else 1."""

    numbers: int
    p: float


def compile_stages(arm: Arm, shape: tuple[int, ...]) -> tuple[list[ImageStage], list[DropoutDraws]]:
    """Return the stages of ``arm`` for images ``shape (channels, height, width)``, and its dropouts' draws in forward order."""
    found = stages_of(arm.laid_out.layout)
    assert found is not None
    stages, dropouts = [], []
    for stage in found:
        layer = stage.layer
        if isinstance(layer, notation.Linear):
            shape, outputs, kernel, padding = (layer.inputs, 1, 1), layer.outputs, 1, 0
        else:
            outputs, kernel, padding = layer.outputs, layer.kernel, layer.padding
        kinds, shares = zip(_kind(stage.before), _kind(stage.after), strict=True)
        active = isinstance(layer, notation.Conv) or layer.hidden
        activation = ACTIVATIONS[arm.laid_out.activation] if active else 0
        stages.append(ImageStage(*shape, kernel, padding, outputs, activation, stage.pool, *kinds, *shares))
        sides = [side + 2 * padding - kernel + 1 for side in shape[1:]]
        for dropout, pool in ((stage.before, 1), (stage.after, stage.pool)):
            if dropout is not None:
                numbers = 1 if dropout.maps else (sides[0] // pool) * (sides[1] // pool)
                dropouts.append(DropoutDraws(outputs * numbers, dropout.p))
        shape = (outputs, *(side // stage.pool for side in sides))
    return stages, dropouts
