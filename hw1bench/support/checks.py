"""Checks for the fields of specifications, and ``settle``, which applies them.

A *check* takes a value and its name in messages ("Optimizer 'adam' lr"), and returns the value in the one form that
specifications hold: plain ``int``, ``float``, ``bool``, ``str`` and tuples of them, whatever number type or sequence was
given. So specifications of equal content are equal, hashable, and have one digest. Any other value raises a ValueError of one
line, which names the field, the value and the way out. Nothing here knows what is specified.
"""

import math
import operator
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from hw1bench.support import number

Check = Callable[[Any, str], Any]

_LARGEST = 2**31 - 1  # the kernels count samples, widths and batches in 32 bits
_LONGEST = 80  # characters of a name, and of a value in a message
_UNSAFE = '/\\:*?"<>|'  # not allowed in file names by one common file system or another
_JOINERS = "\u200c\u200d"  # invisible, but letters of several scripts and emoji need them
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}  # by Windows


def settle(specification: Any, /, **fields: Check) -> None:
    """Replace each of ``fields`` of a frozen dataclass by the value that its check returns. Raises ValueError for the first
    that its check refuses; the message identifies the specification by its "name" or "id", if that field comes first."""
    whose = type(specification).__name__
    for field, check in fields.items():
        value = check(getattr(specification, field), f"{whose} {field}")
        object.__setattr__(specification, field, value)
        if field in ("name", "id") and value:
            whose = f"{whose} {shown(value)}"


def shown(value: Any) -> str:
    """Return the repr of ``value`` for a message: one line of bounded length."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a foreign object's repr may do anything
        text = f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def integer(*, least: int | None = None, most: int = _LARGEST) -> Check:
    """Check for a number of any integer type, from ``least`` to ``most``; True and 32.0 are refused."""
    way = "give an integer" if least is None else f"give an integer, {least} or more"

    def check(value: Any, what: str) -> int:
        try:
            found = None if _is_bool(value) else int(operator.index(value))
        except (TypeError, ValueError):
            found = None
        if found is None or (least is not None and found < least):
            _refuse(what, value, way)
        if found > most:
            _refuse(what, value, f"give at most {most:,}")
        return found

    return check


def real(
    *, above: float | None = None, least: float | None = None, below: float | None = None, most: float | None = None
) -> Check:
    """Check for a finite number of any real type, above ``above``, at least ``least``, below ``below``, at most ``most``; True
    and "1" are refused."""
    bounds = (
        *([f"above {above:g}"] if above is not None else []),
        *([f"{least:g} or more"] if least is not None else []),
        *([f"below {below:g}"] if below is not None else []),
        *([f"{most:g} or less"] if most is not None else []),
    )
    way = f"give a finite number{', ' if bounds else ''}{' and '.join(bounds)}"

    def check(value: Any, what: str) -> float:
        try:
            found = number.as_real(value)
        except number.NoFinding:
            found = math.nan
        if (
            not math.isfinite(found)
            or (above is not None and found <= above)
            or (least is not None and found < least)
            or (below is not None and found >= below)
            or (most is not None and found > most)
        ):
            _refuse(what, value, way)
        return found + 0.0  # -0.0 becomes 0.0

    return check


def _is_bool(value: Any) -> bool:
    """Whether ``value`` is a boolean of Python, numpy or torch."""
    return isinstance(value, bool) or str(getattr(value, "dtype", "")).rpartition(".")[2] == "bool"


def flag() -> Check:
    """Check for True or False."""

    def check(value: Any, what: str) -> bool:
        if not _is_bool(value) or getattr(value, "shape", ()) != ():
            _refuse(what, value, "give True or False")
        return bool(value)

    return check


def text() -> Check:
    """Check for text of any characters and any length, '' included."""

    def check(value: Any, what: str) -> str:
        if not isinstance(value, str):
            _refuse(what, value, "give text")
        return str.__str__(value)  # an instance of a subclass becomes a plain str

    return check


def version() -> Check:
    """Check for a version: a ``label``, or an integer, which becomes one."""

    def check(value: Any, what: str) -> str:
        found: str = label()(str(value) if isinstance(value, int) and not _is_bool(value) else value, what)
        return found

    return check


def reason() -> Check:
    """Check for text that changes what is done if it is given, so that spaces alone are refused; '' is not given."""

    def check(value: Any, what: str) -> str:
        found: str = text()(value, what)
        if found and not found.strip():
            _refuse(what, value, "say it in words, or leave it out")
        return found

    return check


def label(*, least: int = 1) -> Check:
    """Check for text that is shown in legends and messages: one line of at most ``_LONGEST`` printable characters."""

    def check(value: Any, what: str) -> str:
        found: str = text()(value, what)
        odd = _odd(found)
        if odd:
            _refuse(what, value, f"leave out the character {odd!a}")
        if not least <= len(found) <= _LONGEST or found != found.strip():
            _refuse(what, value, f"give {least} to {_LONGEST} characters, no space before or after them")
        return found

    return check


def file_name(*, least: int = 1, without: str = "") -> Check:
    """Check for a ``label`` that is safe as part of a file's name on any system, with none of the characters ``without``."""

    def check(value: Any, what: str) -> str:
        found: str = label(least=least)(value, what)
        for character in (*_UNSAFE, *without):
            if character in found:
                _refuse(what, value, f"leave out {character!r}, because it becomes part of a file's name")
        if found.startswith(".") or found.endswith(".") or found.partition(".")[0].strip().lower() in _RESERVED:
            _refuse(
                what,
                value,
                "give a name that is safe for files: no dot at either end, and not one that Windows reserves",
            )
        if len(found.encode()) > _LONGEST:
            _refuse(what, value, f"give at most {_LONGEST} bytes, because it becomes part of a file's name")
        return unicodedata.normalize("NFC", found)

    return check


def _odd(found: str) -> str:
    """Return the first character that does not belong in one printable line, or '': controls, line separators, halves of
    surrogate pairs, marks that change the direction of writing."""
    kinds = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")
    return next((c for c in found if unicodedata.category(c) in kinds and c not in _JOINERS), "")


def one_of(what: str, known: Sequence[str]) -> Check:
    """Check for one of the ``known`` words; ``what`` is the noun for them in a message."""

    def check(value: Any, field: str) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError(
                f"{field}: no {what} named {shown(value)}; there are {', '.join(word or repr('') for word in known)}"
            )
        return str.__str__(value)

    return check


def instance(*kinds: type) -> Check:
    """Check for an instance of one of the classes ``kinds``."""
    way = f"give {' or '.join(f'{_article(kind.__name__)} {kind.__name__}' for kind in kinds)}"

    def check(value: Any, what: str) -> Any:
        if not isinstance(value, kinds):
            _refuse(what, value, way)
        return value

    return check


def function() -> Check:
    """Check for a callable."""

    def check(value: Any, what: str) -> Any:
        if not callable(value):
            _refuse(what, value, "give a function")
        return value

    return check


def called(value: Any) -> str:
    """Return the name with which a function or a class was defined; '' for what has none, such as a lambda."""
    name = getattr(value, "__name__", "")
    return name if isinstance(name, str) and name.isidentifier() else ""


def optional(check: Check) -> Check:
    """Check for None or a value that ``check`` accepts."""
    return lambda value, what: None if value is None else check(value, what)


def tuple_of(each: Check, *, least: int = 0) -> Check:
    """Check for ``least`` or more values that ``each`` accepts, in any sequence or iterator but text; returns a tuple."""

    def check(value: Any, what: str) -> tuple[Any, ...]:
        array = len(getattr(value, "shape", ())) == 1 and hasattr(value, "tolist")
        if isinstance(value, str | bytes | bytearray) or not (array or isinstance(value, Sequence | Iterator)):
            _refuse(what, value, "give a tuple or a list")
        found = tuple(each(item, f"{what}[{index}]") for index, item in enumerate(value))
        if len(found) < least:
            _refuse(what, value, f"give {least} or more")
        return found

    return check


def _article(word: str) -> str:
    return "an" if word[0] in "AEIO" else "a"


def _refuse(what: str, value: Any, way: str) -> NoReturn:
    raise ValueError(f"{what} is {shown(value)}: {way}")
