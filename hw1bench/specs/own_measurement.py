"""Measurements by a function of one trained run, the short way to measure what nothing here does."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hw1bench.specs.arm import Arm
from hw1bench.specs.measurement import Measurement, Shapes
from hw1bench.support.checks import called, function, integer, label, settle, shown, tuple_of, version
from hw1bench.support.identifying import NOT_IDENTIFYING

Take = Callable[[Any, Any, Any], Any]
"""Takes a network (``torch.nn.Module``), its data (``hw1bench.data.Dataset``) and a ``torch.Generator``, and returns a mapping
from names to numbers or arrays."""


@dataclass(frozen=True, kw_only=True)
class OwnMeasurement(Measurement):
    """What ``function`` measures of each run of an arm, one by one: see ``measure``, which makes such measurements.

    ``gives`` has the name and the shape of each array of a result.
    """

    name: str
    version: str
    gives: tuple[tuple[str, tuple[int, ...]], ...]
    function: Take = field(repr=False, metadata=NOT_IDENTIFYING)

    @property
    def kind(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        return self.name

    def arrays(self, *arms: Arm) -> Shapes:
        return dict(self.gives)


def measure(
    *, gives: str | Iterable[str] | Mapping[str, tuple[int, ...]], name: str = "", version: str | int = 1
) -> Callable[[Take], OwnMeasurement]:
    """Make a measurement of the function below, which is called for each trained run with ``(network, data, generator)``.

    network    the run's net, with the weights and buffers that its arm keeps, in eval mode and in the arm's precision
    data       ``data.train`` and, if there is one, ``data.test``, each with ``x (samples, ...)`` in the form that the net takes
               and ``y``, the labels or targets that the run learned from; on the device of the network. They are shared with
               other runs, and may not be changed
    generator  a generator on the CPU, of a stream of the run: what is drawn from it is repeatable

    It returns a mapping with what it ``gives``: the name of a number, several names, or a mapping from names to the shapes of
    arrays. Before its experiment trains on this machine it is tried once, on the net from which the first run starts. ``name`` is
    that of the function unless another is given. Results are stored under name, ``version`` and source: raise the version if what
    the function calls elsewhere has changed.

    Raises ValueError for a function that does not take three arguments, has no name, or gives nothing.
    """
    checked = (_named(gives), _version(version, "measure version"))

    def made(take: Take) -> OwnMeasurement:
        what = "the function of measure"
        function()(take, what)
        try:
            inspect.signature(take).bind(None, None, None)
        except TypeError:
            raise ValueError(
                f"{what} is {shown(take)}: give a function of a network, its data and a generator, and nothing else"
            ) from None
        if not (name or called(take)):
            raise ValueError(f"{what} is {shown(take)}, which has no name: give name=")
        found = OwnMeasurement(name=name or called(take), version=checked[1], gives=checked[0], function=take)
        settle(found, name=label())
        return found

    return made


_version = version()


def _named(gives: Any) -> tuple[tuple[str, tuple[int, ...]], ...]:
    what = "measure gives"
    if isinstance(gives, Mapping):
        pairs = [*gives.items()]
    elif isinstance(gives, str):
        pairs = [(gives, ())]
    else:
        pairs = [(one, ()) for one in tuple_of(label())(gives, what)]
    found = [
        (label()(array, f"{what}: name"), tuple_of(integer(least=0))(shape, f"{what}: shape of {array}"))
        for array, shape in pairs
    ]
    if not found or len(dict(found)) < len(found):
        raise ValueError(f"{what} is {shown(gives)}: give one name or more, each once")
    return tuple(found)
