"""The identity of the code of measurements that the author of the claims wrote."""

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from hw1bench.effects.identity import identity, is_authors
from hw1bench.measures.instruments import instrument_for
from hw1bench.specs.measurement import Measurement
from hw1bench.specs.own_measurement import OwnMeasurement


def authored(measurement: Measurement) -> dict[str, str]:
    """The identity of the code of a ``measurement`` that the author of the claims wrote, as it was when first asked for, because
    sources may be edited during a session. Empty for our own measurements, which the digest of sources covers."""
    function = measurement.function if isinstance(measurement, OwnMeasurement) else instrument_for(measurement).function
    return dict(_of(type(measurement), function))


@lru_cache(maxsize=10_000)
def _of(kind: type[Measurement], function: Callable[..., Any]) -> dict[str, str]:
    authors = any(is_authors(getattr(sys.modules.get(of.__module__), "__file__", None)) for of in (kind, function))
    return {"own": identity((kind, function))} if authors else {}
