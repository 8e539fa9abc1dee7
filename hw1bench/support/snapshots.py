"""Weights during training, stored compactly: the first snapshot in full, then each step to the next in half precision.

A step is stored as float16 numbers of magnitude at most 1, times a scale. It starts from the previous snapshot as stored, not
from the exact one, so errors do not add up: a snapshot is off by at most 2^-11 of its own step, however many went before and
however small the steps become. This takes half the memory of float32 and keeps three digits or more of the distances between
snapshots.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

_START, _STEPS, _SCALES = "snapshot_start", "snapshot_steps", "snapshot_scales"
ARRAYS = (_START, _STEPS, _SCALES)
"""The arrays of a record that hold the snapshots of its runs."""


class Recorder:
    """Recorder of the ``count`` snapshots of one run. The first is ``start (weights,)``, the weights before training."""

    def __init__(self, start: np.ndarray, count: int) -> None:
        self._start = start.copy()
        self._place = start.astype(np.float64)
        self._steps = np.empty((count - 1, len(start)), np.float16)
        self._scales = np.empty(count - 1)
        self._taken = 0

    def take(self, weights: np.ndarray) -> None:
        """Record ``weights (weights,)``. Raises IndexError if all snapshots have been taken."""
        step = weights - self._place
        scale = self._scales[self._taken] = np.abs(step).max()
        with np.errstate(invalid="ignore"):  # weights of a run that diverged
            half = self._steps[self._taken] = (step / scale if scale else step).astype(np.float16)
            self._place += half.astype(np.float64) * scale
        self._taken += 1

    def arrays(self) -> dict[str, np.ndarray]:
        """Return ``snapshot_start (weights,)``, ``snapshot_steps (snapshots - 1, weights)``, ``snapshot_scales
        (snapshots - 1,)``."""
        return {_START: self._start, _STEPS: self._steps, _SCALES: self._scales}


class Snapshots:
    """The snapshots of one run, decoded a few weights at a time: ``snapshots[:, 10:20]`` is (snapshots, 10) float64.

    ``shape`` is (snapshots, weights).
    """

    dtype = np.dtype(np.float64)

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._start, self._steps, self._scales = (arrays[name] for name in ARRAYS)
        self.shape = (len(self._steps) + 1, len(self._start))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, slices: tuple[slice, slice]) -> np.ndarray:
        rows, columns = slices
        found = np.empty((len(self), len(self._start[columns])))
        found[0] = self._start[columns]
        with np.errstate(invalid="ignore"):  # weights of a run that diverged
            found[1:] = self._steps[:, columns].astype(np.float64) * self._scales[:, None]
            for i in range(1, len(found)):  # ten times faster than numpy's cumsum, which goes down the columns
                found[i] += found[i - 1]
        return found[rows]

    def at(self, places: Sequence[int]) -> Iterator[np.ndarray]:
        """Yield the snapshots (weights,) float64 at ``places``, which increase. Decodes one snapshot at a time."""
        place, done = self._start.astype(np.float64), 0
        for end in places:
            with np.errstate(invalid="ignore"):  # weights of a run that diverged
                for step, scale in zip(self._steps[done:end], self._scales[done:end], strict=True):
                    place += step.astype(np.float64) * scale
            done = end
            yield place.copy()

    def columns(self, weights: slice) -> "Snapshots":
        """Return the same snapshots of the weights in the slice ``weights`` only."""
        return Snapshots({_START: self._start[weights], _STEPS: self._steps[:, weights], _SCALES: self._scales})

    @property
    def finite(self) -> bool:
        """Whether the run's weights stayed finite throughout."""
        return bool(np.isfinite(self._start).all() and np.isfinite(self._scales).all())
