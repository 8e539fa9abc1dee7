"""Records as version 0.1 wrote them."""

import hashlib
import json

import numpy as np

from hw1bench.support.arrays import save_arrays


def of_schema_1(path, key, record):
    """Write ``record`` as schema 1 had it."""
    facts = json.dumps(record.facts, sort_keys=True, default=dict)
    total = hashlib.sha256(json.dumps([key, record.seconds, facts]).encode())
    for name in sorted(record.arrays):
        array = record.arrays[name]
        total.update(json.dumps([name, array.dtype.str, array.shape]).encode() + array.tobytes())
    meta = {"digest": total.hexdigest(), "facts": json.loads(facts), "key": key, "seconds": record.seconds}
    save_arrays(path, {**record.arrays, "__record__": np.array(json.dumps(meta))})
