"""Recording of a run's weights: the last ones or the best epoch's, and snapshots along the way."""

from collections.abc import Callable

import numpy as np

from hw1bench.specs.experiment import Arm
from hw1bench.specs.keeping import kept_epoch, watched
from hw1bench.support.snapshots import Recorder

Ended = Callable[[int, dict[str, np.ndarray]], None]
"""Takes the seed and the arrays, without a runs axis, of a run that has ended."""


class Recording:
    """The recorded weights of one run of ``arm`` on ``samples`` training samples.

    Call ``step`` and ``epoch`` during training, and ``arrays`` at its end. ``weights`` returns the current weights (parameters,);
    it is called only when they are needed. ``watched`` is the history by which the arm chooses whose weights it keeps, if any.
    """

    def __init__(self, arm: Arm, samples: int, weights: Callable[[], np.ndarray]) -> None:
        self._arm, self._weights = arm, weights
        steps = arm.epochs * arm.steps_per_epoch(samples)
        self._snapshots = None
        if arm.snapshots is not None:
            count = arm.epochs if arm.snapshots == "epoch" else steps // arm.snapshots
            self._snapshots = Recorder(weights(), 1 + count)
        self.watched = watched(arm.keep)
        self._steps = self._epochs = 0
        self._seen: list[float] = []  # values, after each epoch, of the history by which the arm chooses what it keeps
        self._best: tuple[int, np.ndarray] | None = None  # the epoch that is kept, as far as is known, and its weights

    @property
    def due_in(self) -> int | None:
        """Optimiser steps until the next snapshot; None if snapshots are not taken by steps."""
        every = self._arm.snapshots
        return every - self._steps % every if isinstance(every, int) else None

    def step(self, steps: int = 1) -> None:
        """Record that ``steps`` optimiser steps were taken, at most ``due_in``."""
        self._steps += steps
        if steps and self._snapshots is not None and self.due_in == self._arm.snapshots:
            self._snapshots.take(self._weights())

    def epoch(self, value: float | None) -> None:
        """Record the end of an epoch, after which the history ``watched``, if there is one, has this ``value``."""
        self._epochs += 1
        if self._snapshots is not None and self._arm.snapshots == "epoch":
            self._snapshots.take(self._weights())
        if self.watched is not None:
            assert value is not None
            self._seen.append(float(value))
            if kept_epoch(self._arm.keep, self._seen) == len(self._seen):
                self._best = (len(self._seen), self._weights().copy())

    @property
    def kept_epoch(self) -> int:
        """The epoch, of those so far, whose weights the arm keeps."""
        return self._epochs if self._best is None else self._best[0]

    def left_out(self) -> tuple[int, np.ndarray] | None:
        """Return the epoch whose weights are kept, and the weights (parameters,), if its evaluation on the training set is yet to
        be made, after training; None if there is none to make."""
        if self._best is None or self._best[0] in self._arm.evaluation.epochs("train", self._arm.epochs):
            return None
        return self._best

    def arrays(self) -> dict[str, np.ndarray]:
        """Return ``weights (parameters,)``, the last or best as the arm says, and the arrays of the snapshots."""
        weights = self._weights().copy() if self._best is None else self._best[1]
        return {"weights": weights, **(self._snapshots.arrays() if self._snapshots else {})}
