"""Evaluation of nets at given weights by the image kernel, one net per thread."""

import ctypes

import numpy as np

from hw1bench.data import Split
from hw1bench.specs.experiment import Arm
from hw1bench.training.kernels import binaries
from hw1bench.training.kernels.calls import check
from hw1bench.training.kernels.image_kernel import supports
from hw1bench.training.kernels.image_problem import CompiledProblem, resident
from hw1bench.training.kernels.structures import ImageSamples, ImageState


class Evaluator:
    """Loss and accuracy of nets of one arm on the samples of one set, dropout off.

    Evaluations may run side by side: each has memory of its own, and releases Python's lock. Their digits depend on the
    instruction set, but not on the number of threads.
    """

    def __init__(self, arm: Arm, split: Split, *, isa: str | None = None) -> None:
        """Prepare ``split`` for nets of ``arm``. ``isa`` is one of ``binaries.instruction_sets`` (default: the best).

        Raises ValueError if the kernel does not support the arm, or has no library for the instruction set, and unless there
        are samples that the net takes, with classes that it has.
        """
        self._code = binaries.library(isa)
        if not supports(arm):
            raise ValueError(f"the image kernel does not evaluate nets of arm {arm.name!r}")
        if not len(split):
            raise ValueError("no samples to evaluate nets on: give one or more")
        if (least := int(split.y.min())) < 0:
            raise ValueError(f"a sample has class {least}: give classes from 0, drawn labels in place of hidden ones")
        self._arm = arm
        self._x, self._y = resident(arm, split)
        self._compiled = CompiledProblem.of(arm, self._x, int(split.y.max()) + 1, self._code)

    def evaluate(self, weights: np.ndarray) -> tuple[float, float]:
        """Return the mean loss and the accuracy, a share, of the net at ``weights``.

        ``weights (parameters,)``, in the arm's precision, are laid out as by ``torch.nn.utils.parameters_to_vector``. Raises
        ValueError for others.
        """
        expected = (self._arm.laid_out.parameters,)
        if weights.shape != expected or weights.dtype != self._arm.precision:
            raise ValueError(
                f"weights {weights.shape} {weights.dtype} of arm {self._arm.name!r}: give {expected} {self._arm.precision}"
            )
        weights = np.ascontiguousarray(weights)
        memory = self._compiled.memory()
        state = ImageState(weights=weights.ctypes.data, memory=memory.ctypes.data)
        images = ImageSamples(self._x.ctypes.data, self._y.ctypes.data)
        loss, correct, samples = ctypes.c_double(), ctypes.c_int64(), len(self._y)
        structures = (ctypes.byref(structure) for structure in (self._compiled.problem, state, images))
        function = getattr(self._code, f"image_evaluate_{self._arm.precision}")
        span = (ctypes.c_int64(0), ctypes.c_int64(samples))
        check(function(*structures, *span, ctypes.byref(loss), ctypes.byref(correct)))
        return loss.value / samples, correct.value / samples
