"""Files that appear whole or not at all."""

import os
import threading
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write `content` to a temporary name beside `path`, then rename it over `path`.

    A reader, or a session killed halfway, never sees half a file. Makes the folder where it is missing.
    Raises OSError when the disk refuses; the old file is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile: it creates files that only the owner may read, and the rename would keep that.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
