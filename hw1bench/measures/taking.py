"""Taking measurements, between training and effects: from a measurement and the trained blocks that it reads to a record.

A measurement is defined by its class, see ``hw1bench.specs.measurement``, and by the function registered for it, see ``takes``.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from hw1bench.data import Dataset
from hw1bench.measures import own
from hw1bench.measures.instruments import TrainedBlock, instrument_for
from hw1bench.records.forms import unfit
from hw1bench.records.measured import measured
from hw1bench.records.runs import Block, Measured, Record
from hw1bench.specs.experiment import digest
from hw1bench.specs.measurement import Measurement
from hw1bench.specs.own_measurement import OwnMeasurement
from hw1bench.support import arithmetic, code
from hw1bench.support.precision import Precision
from hw1bench.support.progress import Advance
from hw1bench.support.stopwatch import stopwatch


def key(measurement: Measurement, blocks: Sequence[str], environment: dict[str, Any]) -> str:
    """The name under which a measurement of the blocks stored as ``blocks`` is stored."""
    decides = {"measurement": measurement, "blocks": list(blocks), "environment": environment}
    return digest({**decides, "sources": code.digest("measures")})


def decides(measurement: Measurement) -> dict[str, Any]:
    """The facts that decide the digits of ``measurement``, besides those that decide torch's digits on one thread.

    Our measurements run in threads of one torch thread each, and so do not depend on their number.
    """
    return dict(instrument_for(measurement).decides())


def steps(measurement: Measurement) -> int:
    """The most steps of progress that ``take`` tells of in all."""
    return instrument_for(measurement).steps or 1


def take(
    measurement: Measurement,
    trained: Sequence[TrainedBlock],
    dataset: Dataset,
    device: torch.device,
    progress: Advance = lambda steps: None,
    *,
    precision: Precision = "default",
) -> Record:
    """Measure the ``trained`` blocks, one for each arm of a group of ``measurement``; see there for the arrays of the record.

    ``progress`` is told of the work done, out of ``steps``. Raises ValueError if a block lacks an array that the measurement
    reads, such as snapshots or weights, and if the arrays taken are not those that it names.
    """
    kind, how = measurement.kind, instrument_for(measurement)
    for block, record in trained:
        for name in measurement.reads:
            if name not in record.arrays:
                raise ValueError(f"arm {block.arm.name!r} kept no {name}, which {kind} needs")
    seconds = stopwatch(len(trained[0][0].seeds) if device.type == "cpu" else None)
    with arithmetic.fixed_settings(precision):
        found = how.function(measurement, trained, dataset, device, progress)
    if how.steps is None:
        progress(1)
    arrays = {name: np.asarray(values) for name, values in found.items()}
    taken = Record(arrays, trained[0][1].facts, seconds())
    _check(taken, Measured(measurement, tuple(block for block, _ in trained)))
    return taken


def rehearse(
    measurement: Measurement, block: Block, dataset: Dataset, device: torch.device, *, precision: Precision = "default"
) -> None:
    """Try a ``measurement`` by a function of the author's on an untrained net of ``block``, and do nothing for others.

    Raises what ``take`` would raise after the training, unless that may lie in the net.
    """
    if isinstance(measurement, OwnMeasurement):
        with arithmetic.fixed_settings(precision):
            own.rehearse(measurement, block, dataset, device)


def _check(taken: Record, of: Measured) -> None:
    """Raise ValueError unless the arrays taken are those that the measurement names."""
    named = measured(of.measurement, *(block.arm for block in of.blocks))
    more = [f"it has {name} besides" for name in taken.arrays if name not in named]
    why = unfit(taken, of, dict.fromkeys(named)) or "".join(more[:1])
    if why:
        raise ValueError(f"what was taken of {of.measurement.kind} is not what its arrays say: {why}")
