"""Records on disk: one file a block, named by the digest of all that determines it.

A file is an ``.npz`` that holds the arrays, and, as JSON text, the facts and a digest of the content. It is written under a
temporary name and renamed, so a killed session leaves whole files only, and two sessions can share a folder. No pickle
is ever loaded.
"""

import hashlib
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hw1bench.runs import Record

_META = "__record__"


def _digest(arrays: Mapping[str, np.ndarray], facts: str, seconds: float) -> str:
    total = hashlib.sha256(f"{seconds!r} {facts}".encode())
    for name in sorted(arrays):
        array = arrays[name]
        total.update(f"{name}{array.dtype.str}{array.shape}".encode())
        if array.size:
            total.update(np.ascontiguousarray(array).data.cast("B"))  # no copy: snapshots may take 300 MB
    return total.hexdigest()


class Store:
    """The blocks in ``folder``. With ``fresh`` those that lay there before are ignored, and replaced as blocks are trained.

    ``notice`` is told, in one line, of a record that cannot be used.
    """

    def __init__(self, folder: Path, *, fresh: bool = False, notice: Callable[[str], None] = lambda text: None) -> None:
        self.folder = folder
        self._fresh = fresh
        self._notice = notice
        self._written: set[str] = set()

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"

    def get(self, key: str) -> Record | None:
        """The record stored under ``key``; None where there is none, or only a damaged one."""
        path = self.path(key)
        if (self._fresh and key not in self._written) or not path.exists():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            meta: dict[str, Any] = json.loads(str(arrays.pop(_META)))
            if meta["digest"] != _digest(arrays, json.dumps(meta["facts"], sort_keys=True), meta["seconds"]):
                raise ValueError("its content does not match its digest")
            return Record(arrays, meta["facts"], meta["seconds"])
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
            self._notice(f"stored block {path.name} is damaged ({error}): it is trained again")
            return None

    def put(self, key: str, record: Record) -> None:
        """Store ``record`` under ``key``, atomically. Raises OSError where the folder cannot be written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        facts = json.dumps(record.facts, sort_keys=True)
        meta = {
            "digest": _digest(record.arrays, facts, record.seconds),
            "facts": json.loads(facts),
            "seconds": record.seconds,
        }
        descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=f".{key}-", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, **{**record.arrays, _META: np.array(json.dumps(meta))})  # type: ignore[arg-type]  # the stub takes them for its flag
            os.replace(temporary, self.path(key))
        except BaseException:
            os.unlink(temporary)
            raise
        self._written.add(key)
