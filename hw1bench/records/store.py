"""Records on disk: one file per block or measurement, named by the digest of all that determines it.

A file is an ``.npz`` that holds the arrays and, as JSON text, the facts, the key, and a digest of all these, so that a file
exchanged for another is noticed as well as a damaged one. It is written under a temporary name and renamed, so a killed
session leaves only whole files, and two sessions can share a folder. No pickle is ever loaded.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hw1bench.records.runs import Record
from hw1bench.support.arrays import Damaged, load_arrays, save_arrays
from hw1bench.support.files import remove_abandoned

_META = "__record__"


def _digest(key: str, arrays: Mapping[str, np.ndarray], facts: str, seconds: float) -> str:
    total = hashlib.sha256(json.dumps([key, seconds, facts]).encode())
    for name in sorted(arrays):
        array = arrays[name]
        total.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        if array.size:
            total.update(np.ascontiguousarray(array).data.cast("B"))  # no copy: snapshots may take 300 MB
    return total.hexdigest()


def _text(facts: Any) -> str:
    """``facts`` as JSON. A record's mappings are not dicts."""
    return json.dumps(facts, sort_keys=True, default=dict)


class Store:
    """The records in ``folder``. With ``fresh``, records stored earlier are ignored, and replaced as blocks are trained.

    ``notice`` is given one line about each record that cannot be used, and one about a folder that cannot be written. Files
    that killed sessions left half written are removed.
    """

    def __init__(self, folder: Path, *, fresh: bool = False, notice: Callable[[str], None] = lambda text: None) -> None:
        self.folder = folder
        self._fresh = fresh
        self._notice = notice
        self._written: set[str] = set()
        self._refused = False
        remove_abandoned(folder)

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def get(self, key: str, unfit: Callable[[Record], str] = lambda record: "") -> Record | None:
        """The record stored under ``key``, or None if there is none. A record that is damaged, belongs to another key or is
        ``unfit`` gives None and a notice; ``unfit`` says why a record cannot be used, or ''."""
        if self._fresh and key not in self._written:
            return None
        path = self.path(key)
        try:
            record = _unpacked(key, load_arrays(path))
        except FileNotFoundError:
            return None
        except Damaged as damage:
            why = str(damage)
        else:
            why = unfit(record)
        if why:
            self._notice(f"stored block {path.name} is damaged ({why}): it is trained again")
            return None
        return record

    def put(self, key: str, record: Record) -> None:
        """Store ``record`` under ``key``, atomically. Raises OSError if the folder cannot be written."""
        facts, seconds = _text(record.facts), float(record.seconds)
        digest = _digest(key, record.arrays, facts, seconds)
        meta = {"digest": digest, "facts": json.loads(facts), "key": key, "seconds": seconds}
        save_arrays(self.path(key), {**record.arrays, _META: np.array(json.dumps(meta))})
        self._written.add(key)

    def keep(self, key: str, record: Record) -> None:
        """``put`` the record, or go on without it if the folder cannot be written; the first failure gives a notice."""
        try:
            self.put(key, record)
        except OSError as error:
            if not self._refused:
                self._refused = True
                why = error.strerror or error
                self._notice(f"{self.folder} cannot be written ({why}): blocks are trained again in the next session")


def _unpacked(key: str, arrays: dict[str, np.ndarray]) -> Record:
    """The record in the ``arrays`` of a file. Raises Damaged if they are not what was stored under ``key``."""
    try:
        meta: dict[str, Any] = json.loads(str(arrays.pop(_META)))
        whose, facts, seconds = meta["key"], meta["facts"], float(meta["seconds"])
        if whose != key:
            raise Damaged(f"it holds block {whose}")
        if meta["digest"] != _digest(key, arrays, _text(facts), seconds):
            raise Damaged("its content does not match its digest")
        if not isinstance(facts, dict) or not 0 <= seconds < math.inf:
            raise Damaged("it does not hold a record")
        return Record(arrays, facts, seconds, key)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise error if isinstance(error, Damaged) else Damaged("it does not hold a record") from error
