"""Records on disk: one file a block, named by the digest of all that determines it.

A file is an ``.npz`` that holds the arrays, and, as JSON text, the facts, the key, and a digest of all these: so a file
that was exchanged for another is noticed like one that was damaged. It is written under a temporary name and renamed, so a
killed session leaves whole files only, and two sessions can share a folder. No pickle is ever loaded.
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
from hw1bench.support.files import sweep

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
    """``facts`` as JSON; a record's mappings are no dicts."""
    return json.dumps(facts, sort_keys=True, default=dict)


class Store:
    """The blocks in ``folder``. With ``fresh`` those that lay there before are ignored, and replaced as blocks are trained.

    ``notice`` is told, in one line, of a record that cannot be used, and once of a folder that cannot be written. What killed
    sessions left half written in the folder is removed.
    """

    def __init__(self, folder: Path, *, fresh: bool = False, notice: Callable[[str], None] = lambda text: None) -> None:
        self.folder = folder
        self._fresh = fresh
        self._notice = notice
        self._written: set[str] = set()
        self._refused = False
        sweep(folder)

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def get(self, key: str, unfit: Callable[[Record], str] = lambda record: "") -> Record | None:
        """The record stored under ``key``; None, with a notice, where it is damaged, or another's, or ``unfit`` says why it
        cannot be used; None where there is none."""
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
        """Store ``record`` under ``key``, atomically. Raises OSError where the folder cannot be written."""
        facts, seconds = _text(record.facts), float(record.seconds)
        digest = _digest(key, record.arrays, facts, seconds)
        meta = {"digest": digest, "facts": json.loads(facts), "key": key, "seconds": seconds}
        save_arrays(self.path(key), {**record.arrays, _META: np.array(json.dumps(meta))})
        self._written.add(key)

    def keep(self, key: str, record: Record) -> None:
        """`put`, where the folder can be written; where it cannot, the first time says so, and the session goes on without."""
        try:
            self.put(key, record)
        except OSError as error:
            if not self._refused:
                self._refused = True
                why = error.strerror or error
                self._notice(f"{self.folder} cannot be written ({why}): blocks are trained again in the next session")


def _unpacked(key: str, arrays: dict[str, np.ndarray]) -> Record:
    """The record in the ``arrays`` of a file; raises Damaged where they are not what was stored under ``key``."""
    try:
        meta: dict[str, Any] = json.loads(str(arrays.pop(_META)))
        whose, facts, seconds = meta["key"], meta["facts"], float(meta["seconds"])
        if whose != key:
            raise Damaged(f"it holds block {whose}")
        if meta["digest"] != _digest(key, arrays, _text(facts), seconds):
            raise Damaged("its content does not match its digest")
        if not isinstance(facts, dict) or not 0 <= seconds < math.inf:
            raise Damaged("it holds no record")
        return Record(arrays, facts, seconds)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise error if isinstance(error, Damaged) else Damaged("it holds no record") from error
