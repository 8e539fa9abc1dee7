"""What a run keeps of its weights besides the last ones: snapshots along the way, and those of its best epoch."""

from collections.abc import Callable

import numpy as np

from hw1bench.specs.experiment import Arm
from hw1bench.support.snapshots import Recorder


class Recording:
    """For one run of ``arm`` on so many training ``samples``: told of its steps and epochs, and asked for the arrays at its end.

    ``weights`` gives those of the moment, (weights,); it is asked only when they are needed.
    """

    def __init__(self, arm: Arm, samples: int, weights: Callable[[], np.ndarray]) -> None:
        self._arm, self._weights = arm, weights
        steps = arm.epochs * arm.steps_per_epoch(samples)
        self._snapshots = None
        if arm.snapshots is not None:
            count = arm.epochs if arm.snapshots == "epoch" else steps // arm.snapshots
            self._snapshots = Recorder(weights(), 1 + count)
        self._steps = 0
        self._best: tuple[float, np.ndarray] | None = None

    @property
    def due_in(self) -> int | None:
        """Steps to the next snapshot; None where snapshots do not go by steps."""
        every = self._arm.snapshots
        return every - self._steps % every if isinstance(every, int) else None

    def step(self, steps: int = 1) -> None:
        """So many optimiser steps were taken, no more than `due_in`."""
        self._steps += steps
        if steps and self._snapshots is not None and self.due_in == self._arm.snapshots:
            self._snapshots.take(self._weights())

    def epoch(self, test_accuracy: float | None) -> None:
        """An epoch ended, after which the accuracy on the test set is ``test_accuracy``."""
        if self._snapshots is not None and self._arm.snapshots == "epoch":
            self._snapshots.take(self._weights())
        if self._arm.keep == "best":
            assert test_accuracy is not None
            if self._best is None or test_accuracy > self._best[0]:
                self._best = (test_accuracy, self._weights().copy())

    def arrays(self) -> dict[str, np.ndarray]:
        """``weights (weights,)``, by the arm's choice, and the arrays of the snapshots."""
        weights = self._weights().copy() if self._best is None else self._best[1]
        return {"weights": weights, **(self._snapshots.arrays() if self._snapshots else {})}
