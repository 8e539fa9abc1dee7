"""The form of a record on disk: an ``.npz`` that holds the arrays and, as JSON text, the schema, the key, what the record is of,
the facts, the seconds and a digest of all these, so that a file exchanged for another is noticed as well as a damaged one. No
pickle is ever loaded.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hw1bench.records.about import About
from hw1bench.records.runs import Record
from hw1bench.support.arrays import Damaged, load_arrays, save_arrays
from hw1bench.support.checks import shown

SCHEMA = 2
"""The schema of the records that are written. Records of schema 1 do not say what they are of."""
_META = "__record__"


class OtherSchema(Damaged):
    """A record of a schema that this version does not know."""


@dataclass(frozen=True)
class Sealed:
    """A record as it is stored: what it is ``of``, None in schema 1."""

    record: Record
    of: About | None


def save(path: Path, key: str, record: Record, of: About) -> None:
    """Write ``record``, to be known by ``key``, to ``path``, whole or not at all. Raises OSError if the disk refuses."""
    facts, seconds = _text(record.facts), float(record.seconds)
    meta = {"schema": SCHEMA, "key": key, "of": of.plain, "facts": json.loads(facts), "seconds": seconds}
    meta["digest"] = _digest(meta, record.arrays)
    save_arrays(path, {**record.arrays, _META: np.array(json.dumps(meta))})


def unsealed(key: str, arrays: dict[str, np.ndarray]) -> Sealed:
    """What ``arrays``, those of a file, hold. Raises ``Damaged`` unless it is what was stored under ``key``, and ``OtherSchema``
    if it is of a schema of another version."""
    try:
        meta = _meta(arrays)
        whose, facts, seconds = meta["key"], meta["facts"], float(meta["seconds"])
        if whose != key:
            raise Damaged(f"it holds block {shown(whose)}")
        content = {name: array for name, array in arrays.items() if name != _META}
        if meta["digest"] != _digest(meta, content):
            raise Damaged("its content does not match its digest")
        if not isinstance(facts, dict) or not 0 <= seconds < math.inf:
            raise Damaged("it does not hold a record")
        return Sealed(Record(content, facts, seconds, key), _of(meta))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise error if isinstance(error, Damaged) else Damaged("it does not hold a record") from error


def about(path: Path) -> About | None:
    """What the record at ``path`` says that it is of, None in schema 1; its digest is not looked at. Raises FileNotFoundError if
    nothing is there, ``Damaged`` if it is no record, and ``OtherSchema``."""
    arrays = load_arrays(path, only=(_META,))
    try:
        return _of(_meta(arrays))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise error if isinstance(error, Damaged) else Damaged("it does not hold a record") from error


def _meta(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    meta: dict[str, Any] = json.loads(str(arrays[_META]))
    schema = meta.get("schema", 1)
    if schema not in (1, SCHEMA):
        raise OtherSchema(f"it has schema {schema!r}, and this version knows {SCHEMA}")
    return meta


def _of(meta: Mapping[str, Any]) -> About | None:
    return About.parse(meta["of"]) if "schema" in meta else None


def _digest(meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    own = [meta["key"], float(meta["seconds"]), _text(meta["facts"])]
    own += [meta["schema"], meta["of"]] if "schema" in meta else []
    total = hashlib.sha256(json.dumps(own, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        total.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        if array.size:
            total.update(np.ascontiguousarray(array).data.cast("B"))  # no copy: snapshots may take 300 MB
    return total.hexdigest()


def _text(facts: Any) -> str:
    """``facts`` as JSON. A record's mappings are not dicts."""
    return json.dumps(facts, sort_keys=True, default=dict)
