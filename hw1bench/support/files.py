"""Files that appear whole or not at all, and the removal of temporary files whose writer was killed."""

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

# A temporary file is locked while it is written, and the kernel unlocks it when its writer dies: there is no process id to
# be reused. But a folder may be shared with machines whose locks are not seen here, so the name tells the machine.
_HERE = f"-{hashlib.sha256(platform.node().encode()).hexdigest()[:8]}-"
_HOUR = 3600  # seconds after which a file of another machine, or on a disk without locks, counts as abandoned


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Context with a temporary file open for writing, renamed to ``path`` at the end of the body.

    No reader ever sees half a file, even if the writer is killed; ``remove_abandoned`` removes the temporary file that it
    leaves. A missing folder is made. The umask decides who may read the file.
    Raises OSError if the disk refuses; the old file then stays untouched, as it does if the body raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # tempfile would create a file that only the owner may read, and renaming keeps its mode.
    temporary = path.with_name(f".{path.name}{_HERE}{secrets.token_hex(4)}.tmp")
    try:  # which has the name before there is a file: an interrupt may come as soon as the file is created
        with open(_created(temporary), "wb") as file:
            yield file
            file.flush()
            os.replace(temporary, path)  # before the file is closed, because closing unlocks it
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _created(temporary: Path) -> int:
    """Create a file ``temporary`` and lock it; return its descriptor."""
    while True:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with suppress(OSError):  # on a disk without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _is_at(temporary, descriptor):
            return descriptor
        os.close(descriptor)  # another process removed the file before it was locked


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether ``descriptor`` refers to the file at ``path``."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except OSError:
        return False


def open_regular(path: Path) -> BinaryIO:
    """Open the regular file at ``path`` for reading, which does not count as its use: see ``use``.

    Raises OSError for anything else: reading a pipe may block, and a device such as /dev/zero never ends.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:  # only the owner may leave the time of access as it is
        descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return open(descriptor, "rb")


def use(path: Path) -> None:
    """Note that the file at ``path`` is used now, if the disk allows: its time of access. When it was written stays."""
    with suppress(OSError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


def used(at: os.stat_result) -> int:
    """When a file was last used or written, in nanoseconds since 1970."""
    return max(at.st_atime_ns, at.st_mtime_ns)


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files in ``folder`` whose writers are gone; files that are being written stay.

    A file that cannot be removed, or whose writer may be alive, stays too.
    """
    with suppress(OSError):
        for path in folder.glob(".*.tmp"):
            with suppress(OSError):
                _remove_abandoned(path)


def _remove_abandoned(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            abandoned = _HERE in path.name
        except BlockingIOError:
            return
        except OSError:
            abandoned = False
        gone = abandoned or time.time() - found.st_mtime > _HOUR
        if gone and stat.S_ISREG(found.st_mode) and _is_at(path, descriptor):
            path.unlink()
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all. Raises OSError as ``writing`` does."""
    with writing(path) as file:
        file.write(content)
