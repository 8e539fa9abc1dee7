"""Arms and sets of images in the form that the image kernel takes."""

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np

from hw1bench import models
from hw1bench.data import Split
from hw1bench.specs import notation
from hw1bench.specs.experiment import Arm
from hw1bench.training.kernels.calls import check
from hw1bench.training.kernels.stages import DropoutDraws, compile_stages
from hw1bench.training.kernels.structures import EPS, LOSSES, OPTIMIZERS, OUTPUTS, ImageProblem, ImageStage

_ALIGNMENT = 64  # bytes, of a run's memory


def resident(arm: Arm, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return the images (samples, channels, height, width) of ``split`` in the arm's precision and their classes (samples,)
    int32. Features are channels of 1 x 1. Raises ValueError if the net does not take them."""
    x = (
        models.inputs(arm.laid_out, split.x)
        .numpy()
        .reshape(split.x.shape if split.x.ndim == 4 else (*split.x.shape, 1, 1))
    )
    return np.ascontiguousarray(x, arm.precision), split.y.numpy().astype(np.int32)


@dataclass(frozen=True)
class CompiledProblem:
    """An arm on images of one shape. ``stages`` keeps alive the array that ``problem`` points into."""

    problem: ImageProblem
    dropouts: list[DropoutDraws]  # in forward order
    size: int  # bytes of memory per run
    group: int  # samples in a group: calls divide batches at its multiples
    stages: Any

    @classmethod
    def of(cls, arm: Arm, images: np.ndarray, classes: int, code: ctypes.CDLL) -> "CompiledProblem":
        """Compile ``arm``, for training on ``images (samples, channels, height, width)`` of so many classes.

        Raises ValueError if the net has fewer outputs than there are classes.
        """
        samples, *shape = images.shape
        stages, dropouts = compile_stages(arm, tuple(shape))
        if stages[-1].outputs < classes:
            raise ValueError(f"layout {arm.laid_out.layout!r} has {stages[-1].outputs} outputs for {classes} classes")
        array = (ImageStage * len(stages))(*stages)
        last = notation.parse(arm.laid_out.layout)[-1]
        problem = ImageProblem(
            stages=ctypes.addressof(array),
            weight_decay=arm.optimizer.weight_decay,
            eps=EPS if arm.optimizer.eps is None else arm.optimizer.eps,
            count=len(stages),
            **dict(zip(("channels", "height", "width"), shape, strict=True)),
            batch=min(arm.batch_size or samples, samples),
            output=OUTPUTS[last.name] if isinstance(last, notation.Output) else 0,
            loss=LOSSES[arm.loss],
            optimizer=OPTIMIZERS[arm.optimizer.name],
        )
        sizes = (ctypes.c_int64 * 2)()
        check(getattr(code, f"image_layout_{arm.precision}")(ctypes.byref(problem), sizes))
        return cls(problem, dropouts, sizes[0], sizes[1], array)

    def memory(self) -> np.ndarray:
        """Return memory of zeros for a run, aligned as a state takes it."""
        memory = np.zeros(self.size + _ALIGNMENT, np.uint8)
        return memory[-memory.ctypes.data % _ALIGNMENT :]
