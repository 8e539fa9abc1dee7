"""What is in a store, and the removal of what is not wanted there, also while sessions use it."""

import os
import re
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hw1bench.records import sealed
from hw1bench.records.about import About
from hw1bench.records.sealed import OtherSchema
from hw1bench.records.store import SUFFIX
from hw1bench.support.arrays import Damaged
from hw1bench.support.files import used

_NAME = re.compile(rf"([0-9a-f]{{32}}(?:-(?:0|[1-9][0-9]{{0,18}}))?){re.escape(SUFFIX)}")
_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ?(B|kB|MB|GB|TB)", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """A file of a store: its ``size`` in bytes, when it was last ``used`` in nanoseconds since 1970, what it is ``of``, and its
    ``state``: '' if that is known, "damaged" if it is no record, or why it does not tell."""

    path: Path
    size: int
    used: int
    of: About | None = None
    state: Literal["", "damaged", "of schema 1", "of another version", "not readable"] = ""

    @property
    def key(self) -> str:
        return self.path.stem


def key_of(name: str) -> str:
    """The key of a record in a file called ``name``; '' if it is no such name."""
    found = _NAME.fullmatch(name)
    return found[1] if found else ""


def entries(folder: Path) -> list[Entry]:
    """The records in ``folder``, by name; other files are passed over. What a record says that it is of is read, without a look
    at its digest. Raises OSError if the folder cannot be read."""
    found = []
    for path in sorted(path for path in folder.iterdir() if key_of(path.name)):
        with suppress(FileNotFoundError):  # a session has replaced it, or another command removed it
            found.append(_entry(path))
    return found


def _entry(path: Path) -> Entry:
    at = path.lstat()
    known = (path, at.st_size, used(at))
    if not stat.S_ISREG(at.st_mode):
        return Entry(*known, state="damaged")
    if not os.access(path, os.R_OK):
        return Entry(*known, state="not readable")
    try:
        of = sealed.about(path)
    except OtherSchema:
        return Entry(*known, state="of another version")
    except Damaged:
        return Entry(*known, state="damaged")
    return Entry(*known, of, "" if of else "of schema 1")


def size(of: Iterable[Entry]) -> int:
    """The bytes that entries take."""
    return sum(one.size for one in of)


def remove(unwanted: Iterable[Entry]) -> list[Entry]:
    """Remove entries; return those that are gone. One that was used or replaced since it was listed stays. Raises OSError if the
    disk refuses."""
    gone = []
    for one in unwanted:
        try:
            at = one.path.lstat()
            if (used(at), at.st_size) == (one.used, one.size):
                one.path.unlink()
                gone.append(one)
        except FileNotFoundError:  # by another command
            gone.append(one)
    return gone


def least_recent(stock: Sequence[Entry], most: int) -> list[Entry]:
    """The entries of ``stock`` that have not been used for longest, without which the rest takes ``most`` bytes at most."""
    over, found = size(stock) - most, []
    for one in sorted(stock, key=lambda one: (one.used, one.key)):
        if over <= 0:
            break
        found.append(one)
        over -= one.size
    return found


def bytes_of(text: str) -> int:
    """The bytes of a size such as "20GB" or "1.5 MB". Raises ValueError, in one line, for anything else."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"--limit {text!r} is no size: give one such as 20GB or 500MB")
    units = {name.lower(): factor for name, factor in _UNITS.items()}
    return round(float(found[1]) * units[found[2].lower()])
