"""The stage between training and effects: a measurement and the trained blocks that it looks at in, a record out."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]  # comes with scikit-learn, and has no types

from hw1bench.data import Dataset
from hw1bench.measures import flatness, minimal_ratio, paths
from hw1bench.measures.stationary import BUDGET
from hw1bench.records.runs import Block, Record
from hw1bench.specs.experiment import BLOCK, digest
from hw1bench.specs.measurement import Interpolation, JacobianNorm, Measurement, MinimalRatio, Paths
from hw1bench.support import arithmetic, code
from hw1bench.support.snapshots import ARRAYS

TrainedBlock = tuple[Block, Record]


def key(measurement: Measurement, blocks: Sequence[str], environment: dict[str, Any]) -> str:
    """The name under which a measurement of the blocks stored as ``blocks`` is stored."""
    decides = {"measurement": measurement, "blocks": list(blocks), "environment": environment}
    return digest({**decides, "sources": code.digest("measures")})


def decides(measurement: Measurement) -> dict[str, Any]:
    """What decides the digits of ``measurement``, besides what decides those of torch on one thread.

    All measure in threads of one torch thread each, and so are free of their number. Paths are by numpy's linear algebra, whose
    digits go by its version, its processor and the number of its threads.
    """
    if not isinstance(measurement, Paths):
        return {}
    what = ("internal_api", "version", "architecture", "num_threads")
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {"numpy": np.__version__, "blas": sorted([str(library.get(name)) for name in what] for library in found)}


def steps(measurement: Measurement) -> int:
    """What `take` tells its progress in all, at most."""
    return BLOCK * BUDGET if isinstance(measurement, MinimalRatio) else 1


def take(
    measurement: Measurement,
    trained: Sequence[TrainedBlock],
    dataset: Dataset,
    device: torch.device,
    progress: Callable[[int], None] = lambda steps: None,
) -> Record:
    """Measure the ``trained`` blocks, one for each arm of a group of ``measurement``; see there for the arrays of the record.

    ``progress`` is told of the work done, out of `steps`. Raises ValueError for blocks that lack what the measurement needs:
    an arm without snapshots, say, or a net whose weights were not kept.
    """
    for block, record in trained:
        wanted = ARRAYS if isinstance(measurement, Paths) else ("weights",)
        if any(name not in record.arrays for name in wanted):
            kept = "snapshots" if isinstance(measurement, Paths) else "weights"
            raise ValueError(f"arm {block.arm.name!r} kept no {kept}, which {type(measurement).__name__} needs")
    start = time.perf_counter()
    (block, record), (_, other) = trained[0], trained[-1]
    with arithmetic.settled():
        match measurement:
            case Paths():
                found = paths.take(measurement, block, record, other, dataset, device)
            case MinimalRatio():
                found = minimal_ratio.take(measurement, block, record, dataset, device, progress)
            case Interpolation():
                found = flatness.interpolated(measurement, block, record, other, dataset, device)
            case JacobianNorm():
                found = flatness.jacobian(block, record, dataset, device)
    if not isinstance(measurement, MinimalRatio):
        progress(1)
    return Record(found, record.facts, time.perf_counter() - start)
