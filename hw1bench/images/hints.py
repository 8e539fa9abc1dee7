"""What lies in a folder and would be a set under another name or in another form: a line each, with the way out."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from hw1bench.images.folder import split_of
from hw1bench.images.sets import FORMS, MNIST, Form

_IDX = re.compile(r"(train|t10k)[-_.](images|labels)[-_.]idx[13]([-_.]ubyte)?\b.*", re.IGNORECASE | re.DOTALL)
_BATCH = "data_batch_1"


def hints(form: Form, folder: Path, rooms: Sequence[Path], archives: tuple[str, ...]) -> Iterator[str]:
    """Why what looks like the set, in ``folder`` or in the ``rooms`` that belong to the set, is not found; one a room.

    ``archives`` are the suffixes of archives that are read.
    """
    for room in dict.fromkeys([*rooms, folder]):
        names = _names(room)
        idx = next((name for name in names if _IDX.fullmatch(name)), None)
        if form is MNIST and idx is not None:
            yield (
                f"{room / idx} is none of MNIST's files as they are read, plain or .gz and named as published: put the four "
                f"so into {folder / 'MNIST' / 'raw'}"
            )
        if form is not MNIST and _BATCH in names:
            yield f"{room / _BATCH} lies in no folder of the published name: call it cifar-10-batches-py"
    splits = [name for name in _names(folder) if split_of(name) and (folder / name).is_dir()]
    if splits:
        yield f"{folder / splits[0]} lies in no folder named after the set: put it into {folder / form.name}"
    for name in _names(folder):
        named = any(re.match(each.stem, name, re.IGNORECASE) for each in FORMS.values())
        if name.lower().endswith(archives) and not named and not _IDX.fullmatch(name):
            yield f"{folder / name} is not named after a set: if it holds {form.title}, let its name start with {form.name}"


def _names(room: Path) -> list[str]:
    with suppress(OSError):
        return sorted(os.listdir(room))
    return []
