"""Hints, one line per finding, about files that would be a set under another name or in another place."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from hw1bench.images.folder import split_of
from hw1bench.images.sets import KNOWN_SETS, MNIST, KnownSet

_IDX = re.compile(r"(train|t10k)[-_.](images|labels)[-_.]idx[13]([-_.]ubyte)?\b.*", re.IGNORECASE | re.DOTALL)
_BATCH = "data_batch_1"


def hints(form: KnownSet, folder: Path, directories: Sequence[Path], archives: tuple[str, ...]) -> Iterator[str]:
    """Say why files that look like the set, in ``folder`` or in ``directories`` that belong to the set, are not read.

    ``archives`` are the suffixes of the archives that are read.
    """
    for directory in dict.fromkeys([*directories, folder]):
        names = _names(directory)
        idx = next((name for name in names if _IDX.fullmatch(name)), None)
        if form is MNIST and idx is not None:
            yield (
                f"{directory / idx} has another name or form than MNIST's published files: put the four, named as published, "
                f"plain or .gz, into {folder / 'MNIST' / 'raw'}"
            )
        if form is not MNIST and _BATCH in names:
            yield f"{directory / _BATCH} is not in a folder of the published name: call it cifar-10-batches-py"
    splits = [name for name in _names(folder) if split_of(name) and (folder / name).is_dir()]
    if splits:
        yield f"{folder / splits[0]} is not in a folder named after the set: put it into {folder / form.name}"
    for name in _names(folder):
        named = any(re.match(known.stem, name, re.IGNORECASE) for known in KNOWN_SETS.values())
        if name.lower().endswith(archives) and not named and not _IDX.fullmatch(name):
            yield f"{folder / name} is not named after a set: if it holds {form.title}, start its name with {form.name}"


def _names(directory: Path) -> list[str]:
    with suppress(OSError):
        return sorted(os.listdir(directory))
    return []
