"""What travels between a session and a cluster: orders and records as bytes, data sets as arrays.

Nothing here is read from a file: the bytes come from the processes of the session's own cluster, which is trusted.
"""

import io
import pickle
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import cloudpickle  # of the extra ``cluster``
import torch

from hw1bench.data import Dataset, Split
from hw1bench.effects.identity import is_authors
from hw1bench.measures.instruments import Instrument
from hw1bench.records.runs import Record, Work
from hw1bench.specs.experiment import Data
from hw1bench.support import code
from hw1bench.support.precision import Precision

Sent = Mapping[str, Any]
"""A data set as arrays, which the processes of a machine read from memory that they share, and as bytes what specifies it."""


@dataclass(frozen=True)
class Order:
    """An order to make the record ``of`` a block or a measurement on ``device``, on so many ``processors``.

    ``threads`` are those of torch and ``blas`` those of numpy's linear algebra in the session, on which some digits depend;
    ``sources`` is a digest of the code that trains and measures; ``own`` identifies a measurement that the author of the claims
    wrote, and ``instrument`` takes it.
    """

    of: Work
    device: str
    precision: Precision
    processors: int
    threads: int
    blas: int
    sources: str
    own: Mapping[str, str]
    instrument: Instrument | None


@dataclass(frozen=True)
class Made:
    """What came of an order on the ``node`` of a cluster: the ``record``, or the ``error`` that its work raised; and the ``kind``
    of the machine, see ``Machine``."""

    record: Record | None
    error: Exception | None
    kind: str
    node: str


@dataclass(frozen=True)
class Machine:
    """What the ``node`` of a cluster computes with: its ``kind``, a digest of what determines digits there; the ``sources``, a
    digest of the code that trains and measures; and its ``environment``, as in a report."""

    node: str
    kind: str
    sources: str
    environment: Mapping[str, Any]


def sources() -> str:
    """Digest of the code here that trains and measures."""
    return code.digest("training") + code.digest("measures")


def dumps(thing: Any, data: Data | None = None) -> bytes:
    """``thing`` as bytes, with the functions and classes of the author of the claims as they are here, because other machines do
    not have their modules. ``data``, which is sent once for all, is left out.

    Raises whatever pickling raises for something that cannot be sent.
    """

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
        def persistent_id(self, found: Any) -> str | None:
            return "data" if data is not None and found is data else None

    authors = [module for module in list(sys.modules.values()) if is_authors(getattr(module, "__file__", None))]
    for module in authors:
        cloudpickle.register_pickle_by_value(module)
    try:
        with io.BytesIO() as found:
            Pickler(found).dump(thing)
            return found.getvalue()
    finally:
        for module in authors:
            cloudpickle.unregister_pickle_by_value(module)


def loads(found: bytes, data: Data | None = None) -> Any:
    """What ``dumps`` made bytes of."""

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, name: str) -> Data | None:
            return data

    return Unpickler(io.BytesIO(found)).load()


def sent(spec: Data, dataset: Dataset) -> Sent:
    """``dataset`` and its ``spec`` as they travel: whole, because each arm holds out its own samples."""
    splits = {"train": dataset.train, **({"test": dataset.test} if dataset.test else {})}
    plain = {one.name: getattr(dataset, one.name) for one in fields(dataset) if one.name not in ("train", "test")}
    arrays = {f"{name}_{part}": getattr(split, part).numpy() for name, split in splits.items() for part in ("x", "y")}
    return {"spec": dumps(spec), "plain": plain, "arrays": arrays}


def received(found: Sent) -> Dataset:
    """The data set that was ``sent``, on the memory of its arrays."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")  # nothing writes to it
        tensors = {name: torch.from_numpy(array) for name, array in found["arrays"].items()}
    splits = {
        name: Split(tensors[f"{name}_x"], tensors[f"{name}_y"]) for name in ("train", "test") if f"{name}_x" in tensors
    }
    return Dataset(train=splits["train"], test=splits.get("test"), **found["plain"])
