"""Whether a chart is drawn already: its SVG ends in a seal, the digest of all that decides it and that of the file itself.

Drawing takes ten times as long as finding out. The plotting library is not imported.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from hw1bench.report.charts.series import Series
from hw1bench.support import code

_SEAL = re.compile(rb"<!--hw1bench ([0-9a-f]{32}) ([0-9a-f]{32})-->")
_LENGTH = len("<!--hw1bench -->") + 2 * 32 + 1
_DRAW = "report/figures.py"


def digest(series: Sequence[Series], *shown: Any) -> str:
    """32 hexadecimal digits over all that decides a chart: ``series``, what else is ``shown``, as its repr tells it, and the code
    that draws."""
    total = hashlib.sha256(json.dumps([code.digest(_DRAW), np.__version__, _plotting(), repr(shown)]).encode())
    for one in series:
        total.update(json.dumps(one.name).encode())
        for name, array in sorted(one.arrays.items()):
            total.update(json.dumps([name, array.dtype.str, array.shape]).encode())
            total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()[:32]


@cache
def _plotting() -> str:
    """The version of the plotting library, which takes a while to look up."""
    return metadata.version("matplotlib")


def sealed(svg: bytes, of: str) -> bytes:
    """``svg``, a chart whose ``digest`` is ``of``, with its seal: a comment at its end."""
    return svg + f"<!--hw1bench {of} {_of_file(svg)}-->".encode()


def is_drawn(path: Path, of: str) -> bool:
    """Whether the file at ``path`` is the chart whose ``digest`` is ``of``, as it was drawn."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    svg, found = content[:-_LENGTH], _SEAL.fullmatch(content[-_LENGTH:])
    return found is not None and found.groups() == (of.encode(), _of_file(svg).encode())


def _of_file(svg: bytes) -> str:
    return hashlib.sha256(svg).hexdigest()[:32]
