"""The numbers that an effect may return, and the names of numbers that are not finite."""

import math
import reprlib
from decimal import Decimal
from numbers import Real
from typing import Literal

import numpy as np

NotFinite = Literal["undefined", "+infinity", "-infinity"]


class NoFinding(ValueError):
    """An effect that leaves nothing to judge; the message says which effect and why, in one line."""


def as_real(value: object) -> float:
    """Return ``value`` as a float: any real number of Python or NumPy, or one in an array or tensor without axes.

    Raises NoFinding, which names the value, for anything else: text, True, None, a complex number, several numbers.
    """
    # By duck typing, without importing torch. ``item`` also works for a tensor that requires a gradient.
    single = value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value
    # Python converts booleans and time spans to numbers, and NumPy converts a masked value to 0.
    wrong = isinstance(single, bool) or isinstance(value, np.timedelta64) or value is np.ma.masked
    if isinstance(single, Real | Decimal) and not wrong:
        try:
            return float(single)
        except (ValueError, TypeError, ArithmeticError):
            pass  # an integer beyond any float, or a signalling NaN
    raise NoFinding(f"{brief(value)} ({type(value).__name__}) is not a real number")


def brief(value: object) -> str:
    """Return the repr of ``value``, shortened, in one line."""
    return " ".join(_BRIEF.repr(value).split())


_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 60


def not_finite(value: float) -> NotFinite | None:
    """Return the name of a ``value`` that is not finite; None if it is finite."""
    if math.isfinite(value):
        return None
    return "undefined" if math.isnan(value) else "+infinity" if value > 0 else "-infinity"
