"""What a process of a cluster does: it carries out one order, as a session by itself would.

``hw1bench.executors.bridge`` calls these functions by their names, with bytes and arrays.
"""

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import ray  # of the extra ``cluster``
from threadpoolctl import threadpool_limits

from hw1bench.data import Dataset, Library
from hw1bench.executors import packing
from hw1bench.executors.local import LocalTrainer
from hw1bench.executors.packing import Machine, Made, Order, Sent
from hw1bench.measures import instruments
from hw1bench.records.runs import Measured, Record, blocks_of
from hw1bench.specs.experiment import Data
from hw1bench.specs.measurement import Measurement
from hw1bench.support.precision import Precision
from hw1bench.support.progress import Silent
from hw1bench.support.workers import limited
from hw1bench.training import engine


class _Given(Library):
    """A library that holds one data set."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__()
        self._dataset = dataset

    def load(self, spec: Data) -> Dataset:
        return self._dataset


class _Trainer(LocalTrainer):
    """The trainer of a process, which knows the author's measurements by the identity that they have in the session."""

    def __init__(self, order: Order, library: Library) -> None:
        super().__init__(order.device, Silent(), library, precision=order.precision)
        self._identity = dict(order.own)

    def own(self, measurement: Measurement) -> dict[str, str]:
        return self._identity


def make(order: bytes, found: Sent, *known: bytes) -> bytes:
    """Carry out an ``Order``, with its data set as it was sent and, if it is to measure, the records of its blocks, as other
    calls returned them. Return ``Made``. All are packed."""
    made: list[Record] = []
    error: Exception | None = None
    what = _order(order, found)
    with _like(what):
        try:
            if what.sources != packing.sources():
                raise RuntimeError(f"node {_node()} of the cluster trains with other code: install the same hw1bench")
            blocks = dict(zip(blocks_of(what.of), map(_record, known), strict=False))
            _trainer(what, found).make([what.of], blocks, lambda _, record: made.append(record))
        except SystemExit as raised:
            error = _sendable(RuntimeError(f"the process was to end, by sys.exit({raised.code!r})"))
        except Exception as raised:
            error = _sendable(raised)
        kind = _kind(what.device, what.precision, what.threads)
    return packing.dumps(Made(made[0] if made else None, error, kind, _node()))


def names(order: bytes, found: Sent, known: Sequence[str]) -> list[str]:
    """Return the names under which this machine would store the record that is ordered, if its blocks are ``known`` as so."""
    what = _order(order, found)
    blocks = zip(blocks_of(what.of), (Record({}, {}, 0.0, name) for name in known), strict=False)
    with _like(what):
        return list(_trainer(what, found).keys(what.of, dict(blocks)))


def describe(device: str, precision: Precision, threads: int) -> bytes:
    """Return what this machine computes with, a ``Machine``, packed."""
    kind = _kind(device, precision, threads)
    with limited(1, threads):
        environment = engine.environment(engine.device_of(device), precision)
    return packing.dumps(Machine(_node(), kind, packing.sources(), environment))


def _order(order: bytes, found: Sent) -> Order:
    what: Order = packing.loads(order, packing.loads(found["spec"]))
    if what.instrument is not None and isinstance(what.of, Measured):
        instruments.register_instrument(type(what.of.measurement), what.instrument)
    return what


def _trainer(order: Order, found: Sent) -> _Trainer:
    return _Trainer(order, _Given(packing.received(found)))


@contextmanager
def _like(order: Order) -> Iterator[None]:
    """Context with the numbers of threads of the session, as far as digits depend on them."""
    with limited(order.processors, order.threads), threadpool_limits(order.blas, "blas"):
        yield


def _record(found: bytes) -> Record:
    made: Made = packing.loads(found)
    if made.record is None:
        raise made.error or RuntimeError("a block was not trained")
    return made.record


def _sendable(error: Exception) -> Exception:
    """``error`` with the place where it was raised as a note, or if it cannot be sent, one that says the same."""
    place = f"on node {_node()} of the cluster:\n{''.join(traceback.format_exception(error))}"
    try:
        packing.loads(packing.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(place)
    return error


@cache
def _kind(device: str, precision: Precision, threads: int) -> str:
    with limited(1, threads):
        return engine.machine(engine.device_of(device), precision)


def _node() -> str:
    return str(ray.get_runtime_context().get_node_id())
