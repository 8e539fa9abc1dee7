"""The register of functions that take measurements: for each class of measurement its function, without torch.

``@takes(Paths)`` registers a function for the class of measurement that it takes. Ours are in the modules of this folder,
which are all imported when one of ours is first needed; those of a claims file are beside their class.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from hw1bench import measures
from hw1bench.records.runs import Block, Record
from hw1bench.specs.measurement import Measurement
from hw1bench.support.progress import Advance

if TYPE_CHECKING:
    import torch

    from hw1bench.data import Dataset

TrainedBlock = tuple[Block, Record]
Take = Callable[[Any, Sequence[TrainedBlock], "Dataset", "torch.device", Advance], Mapping[str, np.ndarray]]
"""Takes a measurement, the trained blocks of one of its groups in the group's order, their data, the device, and a function to
tell of progress; returns the arrays that the measurement names, (runs, ...) each."""

_Function = TypeVar("_Function", bound=Take)
_OURS = measures.__name__.partition(".")[0]


@dataclass(frozen=True)
class Instrument:
    """How a class of measurements is taken: by ``function``, which tells of at most ``steps`` steps of progress in all (None: of
    none). ``decides`` returns what decides the digits of the arrays, besides what decides torch's digits on one thread."""

    function: Take
    steps: int | None
    decides: Callable[[], Mapping[str, Any]]


_INSTRUMENTS: dict[type[Measurement], Instrument] = {}


def takes(
    kind: type[Measurement], *, steps: int | None = None, decides: Callable[[], Mapping[str, Any]] = dict
) -> Callable[[_Function], _Function]:
    """Register the function below for measurements of class ``kind``; ``Take`` says what it takes, ``Instrument`` the rest.

    Raises ValueError if another has been registered. A function of the same name in the same module replaces it: a module may
    be imported again.
    """

    def register(function: _Function) -> _Function:
        register_instrument(kind, Instrument(function, steps, decides))
        return function

    return register


def register_instrument(kind: type[Measurement], instrument: Instrument) -> None:
    """Register ``instrument`` for measurements of class ``kind``, as ``takes`` does."""
    if kind in _INSTRUMENTS and _place(_INSTRUMENTS[kind].function) != _place(instrument.function):
        raise ValueError(f"two functions take {kind.__name__}: leave one out")
    _INSTRUMENTS[kind] = instrument


def _place(function: Take) -> tuple[str, str]:
    return function.__module__, getattr(function, "__qualname__", "")


def instrument_for(measurement: Measurement) -> Instrument:
    """The instrument of ``measurement``, by its class or the nearest base class that has one; raises ValueError if none has."""
    kinds = type(measurement).__mro__
    if any(kind.__module__.partition(".")[0] == _OURS for kind in kinds if kind is not Measurement):
        _import_ours()
    for kind in kinds:
        if kind in _INSTRUMENTS:
            return _INSTRUMENTS[kind]
    name = kinds[0].__name__
    raise ValueError(f"nothing takes {name}: register a function that does with @takes({name})")


@cache
def _import_ours() -> None:
    for module in pkgutil.iter_modules(measures.__path__):
        importlib.import_module(f"{measures.__name__}.{module.name}")
