"""Files that appear whole or not at all, and what is left of those whose writer was killed."""

import errno
import fcntl
import hashlib
import os
import platform
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# A temporary file is locked while it is written, and the kernel unlocks it when its writer is gone: no process id to
# mistake for another's. But a folder may be shared with machines whose locks are not seen here.
_HERE = f"-{hashlib.sha256(platform.node().encode()).hexdigest()[:8]}-"
_HOUR = 3600  # seconds after which a file of another machine, or on a disk without locks, is taken for forgotten


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A file open for writing beside `path`, renamed over `path` when all is written.

    A reader, or a session killed halfway, never sees half a file; see `sweep` for what the latter leaves. Makes the folder
    where it is missing. Who may read the file is left to the umask.
    Raises OSError when the disk refuses; the old file is then untouched, as it is when the body raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = _temporary(path)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.replace(temporary, path)  # before the file is closed, and with it unlocked
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _temporary(path: Path) -> tuple[int, Path]:
    """A new file beside ``path``, locked."""
    while True:
        # Not tempfile: it creates files that only the owner may read, and the rename would keep that.
        temporary = path.with_name(f".{path.name}{_HERE}{secrets.token_hex(4)}.tmp")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with suppress(OSError):  # on a disk without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _is_at(temporary, descriptor):
            return descriptor, temporary
        os.close(descriptor)  # swept by another session between the two


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether ``descriptor`` is open on what lies at ``path``."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except OSError:
        return False


def opened(path: Path) -> BinaryIO:
    """The regular file at ``path``, open for reading.

    Raises OSError where there is none: a pipe would keep us waiting, and a device such as /dev/zero never ends.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file")
    return open(descriptor, "rb")


def sweep(folder: Path) -> None:
    """Remove the temporary files in ``folder`` whose writers are gone; those that are being written stay.

    What cannot be removed, or cannot be told, stays too.
    """
    with suppress(OSError):
        for path in folder.glob(".*.tmp"):
            with suppress(OSError):
                _sweep(path)


def _sweep(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sure = _HERE in path.name
        except BlockingIOError:
            return
        except OSError:
            sure = False
        gone = sure or time.time() - found.st_mtime > _HOUR
        if gone and stat.S_ISREG(found.st_mode) and _is_at(path, descriptor):
            path.unlink()
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all, as `writing`."""
    with writing(path) as file:
        file.write(content)
