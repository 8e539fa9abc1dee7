"""Files that appear whole or not at all."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file open for writing beside `path`, renamed over `path` when all is written.

    A reader, or a session killed halfway, never sees half a file. Makes the folder where it is missing.
    Raises OSError when the disk refuses; the old file is then untouched, as it is when the body raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile: it creates files that only the owner may read, and the rename would keep that.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all, as `writing`."""
    with writing(path) as file:
        file.write(content)
