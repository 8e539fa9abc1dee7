"""What counts as a number of an effect, and how one that is not finite is called."""

import math
import reprlib
from decimal import Decimal
from numbers import Real
from typing import Literal

import numpy as np

NotFinite = Literal["undefined", "+infinity", "-infinity"]


class NoFinding(ValueError):
    """An effect that leaves nothing to judge; the text says which, and why, in one line."""


def real(value: object) -> float:
    """``value`` as a float: any real number of Python's or NumPy's, or one in an array or tensor without axes.

    Raises NoFinding, which names the value, for all else: a text, True, None, a complex number, several numbers.
    """
    # By duck type: torch is not imported for it. A tensor that requires its gradient gives its item all the same.
    single = value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value
    # Python takes truth values and spans of time for whole numbers, and NumPy what is masked for 0.
    wrong = isinstance(single, bool) or isinstance(value, np.timedelta64) or value is np.ma.masked
    if isinstance(single, Real | Decimal) and not wrong:
        try:
            return float(single)
        except (ValueError, TypeError, ArithmeticError):
            pass  # a whole number beyond any float, or a signalling NaN
    raise NoFinding(f"{brief(value)} ({type(value).__name__}) is no real number")


def brief(value: object) -> str:
    """``value`` as Python writes it, shortened, in one line."""
    return " ".join(_BRIEF.repr(value).split())


_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 60


def not_finite(value: float) -> NotFinite | None:
    """What ``value`` is called where it is not finite; None where it is."""
    if math.isfinite(value):
        return None
    return "undefined" if math.isnan(value) else "+infinity" if value > 0 else "-infinity"
