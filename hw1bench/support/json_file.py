"""JSON from files that may come from elsewhere: reading costs bounded memory and time, and what is read can be written again."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from hw1bench.support.checks import shown
from hw1bench.support.files import open_regular

_LARGEST = 64 * 2**20  # bytes; a session of 1,000 claims takes 3 MB
_DEEPEST = 16  # nested brackets; a report has 5
_DIGITS = 20  # of an integer; Python takes minutes for one of a million digits


class NotJson(ValueError):
    """A file that does not hold JSON of any session; the message says why, and the caller the way out."""


def read(path: Path) -> Any:
    """The value in the file at ``path``.

    Raises OSError for anything but a file that can be read, and ValueError, in one line without the path, for one that is not
    JSON in UTF-8, is larger, nested deeper or has longer integers than what is ever written here, names a key twice, or holds a
    number that is not finite or half of a surrogate pair.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > _LARGEST:
            raise NotJson(f"it is larger than {_LARGEST // 2**20} MiB, which no session writes")
        content = file.read(_LARGEST)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8: save the file as UTF-8") from error
    if not text.strip():
        raise NotJson("the file is empty")
    if text.startswith("\ufeff"):
        raise ValueError("it starts with a byte order mark: save the file as UTF-8 without one")
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)
        _check_texts(found, 0)
    except json.JSONDecodeError as error:
        raise NotJson(f"it is not JSON ({error})") from error
    except RecursionError as error:
        raise NotJson("its brackets are nested too deep") from error
    return found


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {shown(twice)} occurs twice in one object: keep one of them")
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(f"it holds {text}, which is not JSON: write null for a number that is not finite")


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"it holds an integer of {len(text)} digits: write one of at most {_DIGITS}")
    return int(text)


def _check_texts(value: Any, depth: int) -> None:
    """Raise ValueError for a text that cannot be written, and NotJson for values nested deeper than in any document."""
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError(f"the text {shown(value)} holds half of a surrogate pair: write the text again")
    elif depth > _DEEPEST:
        raise NotJson(f"its brackets are nested more than {_DEEPEST} deep")
    elif isinstance(value, dict):
        for key, part in value.items():
            _check_texts(key, depth)
            _check_texts(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            _check_texts(part, depth + 1)
