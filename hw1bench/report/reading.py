"""Reading claims.json from disk, where a file of that name may hold anything."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

from hw1bench.report.contract import Document, check
from hw1bench.report.plain import line
from hw1bench.report.validate import shown
from hw1bench.support.files import open_regular

NAME = "claims.json"

_LARGEST = 64 * 2**20  # bytes; a session of 1,000 claims takes 3 MB
_DEEPEST = 16  # nested brackets; a document has 5
_DIGITS = 20  # of an integer; Python takes minutes for one of a million digits
_WAY_OUT = f"name a report directory or a {NAME}"


def read(source: Path) -> tuple[Document, Path]:
    """The document in a report directory or in a file of its own, and the file's path.

    Raises ValueError, in one line that names the file, the fault and the way out, for anything that is not such a document.
    """
    path = source
    try:
        if source.is_dir():
            path = source / NAME
        content = _content(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or error}): {_WAY_OUT}") from error
    try:
        document = _parsed(content)
        check(document)
    except (ValueError, RecursionError) as error:
        reason = "its brackets are nested too deep" if isinstance(error, RecursionError) else line(str(error))
        raise ValueError(f"{path}: {reason}") from error
    return cast("Document", document), path


def _content(path: Path) -> bytes:
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > _LARGEST:
            raise ValueError(f"{path} is larger than {_LARGEST // 2**20} MiB, which no session writes: {_WAY_OUT}")
        return file.read(_LARGEST)


def _parsed(content: bytes) -> Any:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start} is not UTF-8: save the file as UTF-8, or judge again") from error
    if not text.strip():
        raise ValueError(f"the file is empty: {_WAY_OUT}")
    if text.startswith("\ufeff"):
        raise ValueError("it starts with a byte order mark: save the file as UTF-8 without one")
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error}): restore the file, or judge again") from error
    _check_texts(found, 0)
    return found


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {shown(twice)} occurs twice in one object: keep one of them")
    return found


def _constant(text: str) -> NoReturn:
    raise ValueError(f"it holds {text}, which is not JSON: write null for a number that is not finite")


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError(f"it holds an integer of {len(text)} digits: write one of at most {_DIGITS}")
    return int(text)


def _check_texts(value: Any, depth: int) -> None:
    """Raise ValueError for a text that cannot be written, and for values nested deeper than in any document."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"the text {shown(value)} holds half of a surrogate pair: write the text again") from None
    elif depth > _DEEPEST:
        raise ValueError(f"its brackets are nested more than {_DEEPEST} deep: {_WAY_OUT}")
    elif isinstance(value, dict):
        for key, part in value.items():
            _check_texts(key, depth)
            _check_texts(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            _check_texts(part, depth + 1)
