"""Quantities in words: figures, shares, durations, counts and devices as a reader would write them."""

import math


def number(value: float) -> str:
    """``value`` to about three significant figures, without an exponent if a reader can do without it; 'undefined' for NaN,
    '+infinity' or '-infinity'."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "+infinity" if value > 0 else "-infinity"
    size = abs(value)
    if value == 0:
        return "0"
    if size >= 1e6 or size < 1e-3:
        digits, exponent = f"{value:.1e}".split("e")
        return f"{digits}e{int(exponent)}"
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 else 3 if size >= 0.01 else 4
    return f"{value:,.{decimals}f}"


def quantity(value: float, unit: str) -> str:
    """A number with its unit; without one if it is undefined."""
    return number(value) if math.isnan(value) else f"{number(value)} {unit}".strip()


def share(value: float) -> str:
    """A share with two decimals, or with as many as it takes to show on which side of 1/2 it lies."""
    for decimals in range(2, 8):
        text = f"{value:.{decimals}f}"
        if value == 0.5 or float(text) != 0.5:
            return text
    return text


def percent(value: float) -> str:
    """0.975 -> '97.5 %'."""
    return f"{100 * value:.1f}".removesuffix(".0") + " %"


def duration(seconds: float) -> str:
    """Seconds in the units a reader would choose."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def plural(count: int, noun: str) -> str:
    """'1 seed', '8 seeds'."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def named(device: str) -> str:
    """A device as a reader would write it: 'CPU' for cpu; the name of a GPU as it is."""
    return device.upper() if device in ("cpu", "cuda") else device
