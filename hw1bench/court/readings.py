"""Readings: the same claim with other values of the numbers that we assumed, judged on the same runs.

A verdict whose word changes with such a number is *fragile*: it hangs on a choice that the report does not make. The values
to try are stated before any run is looked at: see ``hw1bench.effects.assumed``.
"""

from dataclasses import replace
from typing import Any

from hw1bench.court.claim import Claim, Reading
from hw1bench.court.values import Values
from hw1bench.effects import CountIs, Effect, Exact
from hw1bench.effects.assumed import Number, numbers, shown
from hw1bench.support.checks import instance


def readings_of(claim: Claim) -> tuple[Reading, ...]:
    """The readings of ``claim``: for each number in its effect that may be assumed, those that the claim gives, or else, unless
    the report states the number, those of the rule; then those that the claim gives of anything else.

    A value of the rule that the constructor of the effect refuses is left out. An effect made by hand has only the readings
    that its claim gives, and so have values from elsewhere. Of exact counts, only what "about" allows is assumed.
    """
    if not isinstance(claim.effect, Effect):
        return claim.readings or (() if "within" in claim.stated else _of_count(claim.effect))
    found: list[Reading] = []
    for number, rule in numbers(claim.effect).items():
        given = [reading for reading in claim.readings if reading.number == str(number)]
        if not given and not set(number.names) & set(claim.stated):
            given = [made for values in rule(*number.values) if (made := _by_rule(claim.effect, number, values))]
        found += given
    return (*found, *(reading for reading in claim.readings if reading not in found))


def as_read(claim: Claim, reading: Reading) -> Claim:
    """``claim`` with the effect of ``reading``."""
    return replace(claim, effect=reading.effect, stated=(), readings=())


def tried(effect: Effect, argument: str, *values: Any) -> tuple[Reading, ...]:
    """Readings of ``effect`` with each of ``values`` for its ``argument``, for a claim that lists them itself.

    Raises ValueError unless ``effect`` is an Effect that, with its parts, has one number of this argument alone, if there are no
    values, and for a value that it does not take.
    """
    instance(Effect)(effect, "tried effect")
    found = [number for number in numbers(effect) if number.names == (argument,)]
    if len(found) != 1:
        have = ", ".join(f"{'/'.join(number.names)}={shown(number.values)}" for number in numbers(effect)) or "none"
        raise ValueError(
            f"effect {effect.name!r} has {len(found)} numbers {argument!r} to read otherwise: it has {have}"
        )
    if not values:
        raise ValueError(f"no value to try for {argument}: give one or more, or name it in stated= to try none")
    return tuple(_reading(effect, found[0], (value,)) for value in values)


def _of_count(effect: Exact | Values) -> tuple[Reading, ...]:
    if not isinstance(effect, CountIs) or effect.relation != "about":
        return ()
    others = (effect.within / 2, 2 * effect.within)
    return tuple(
        Reading(f"within {shown((effect.within,))}", shown((within,)), replace(effect, within=within))
        for within in others
    )


def _reading(effect: Effect, number: Number, values: tuple[Any, ...]) -> Reading:
    return Reading(str(number), shown(values), number.replaced(effect, values))


def _by_rule(effect: Effect, number: Number, values: tuple[Any, ...]) -> Reading | None:
    """The reading with ``values``; None if they are the number itself, or if the constructor refuses them."""
    if values == number.values:
        return None
    try:
        return _reading(effect, number, values)
    except ValueError:
        return None
