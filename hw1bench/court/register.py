"""The rulings file of a folder of claims, written by sessions that may run at the same time.

A writer locks the folder, reads the file again, adds its own entries, and replaces the whole file. The lock is the
system's own (``flock``) on the folder itself: it leaves no file to commit, and ends with the process that holds it.
"""

import contextlib
import fcntl
import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hw1bench.court import rulings
from hw1bench.court.rulings import Place, Ruling, Rulings

PATIENCE = 30.0  # seconds to wait for a lock that is normally held for milliseconds: its holder must have hung
REFUGE = "unrecorded-rulings"  # in the report directory: what could not be put on record


class Register:
    """The rulings file ``path``; ``notice`` is given one line, once, about whatever prevents writing to it."""

    def __init__(self, path: Path, notice: Callable[[str], None]) -> None:
        self.path = path
        self._notice = notice
        self._pending: Rulings = {}
        self._told: set[str] = set()
        self._patience = PATIENCE

    def check(self) -> None:
        """Raise ValueError, in one line, if the file cannot be written."""
        try:
            self._refuse_read_only()
            with tempfile.TemporaryFile(dir=self._file.parent):
                pass
        except OSError as error:
            raise ValueError(
                f"rulings file {self.path} cannot be written ({_reason(error)}): make it writable, "
                "or leave out --record-rulings"
            ) from error

    @property
    def lost(self) -> int:
        """How many rulings could not be put on record."""
        return len(self._pending)

    def record(self, ruling: Ruling) -> Rulings:
        """Put ``ruling`` on record, with those that could not be put there before. Return what is on record now in their places:
        nothing if that fails, which is said, and the rulings are kept for a later attempt.

        A ruling that is there stays, and the line says so, if the one in its place is ``unfinished`` beside it.
        """
        self._pending[ruling.place] = ruling
        return self._write()

    def close(self, folder: Path) -> Rulings:
        """Try once more; write rulings that still cannot be put on record to a separate file in ``folder``. Return as
        ``record`` does."""
        found = self._write() if self._pending else {}
        if self._pending:
            self._take_refuge(folder)
        return found

    def _take_refuge(self, folder: Path) -> None:
        names = (f"{REFUGE}{'' if number == 1 else f'-{number}'}.json" for number in itertools.count(1))
        refuge = next(path for path in (folder / name for name in names) if not path.exists())
        what = f"{len(self._pending)} ruling{'s' if len(self._pending) > 1 else ''} of this session"
        try:
            rulings.save(refuge, self._pending.values())
        except OSError as error:
            self._notice(f"{what} could not be put on record in {self.path}, nor kept in {refuge} ({_reason(error)})")
        else:
            self._notice(f"{what} could not be put on record in {self.path}: see {refuge}, and copy them from there")

    def remove(self, places: Iterable[Place]) -> None:
        """Take the rulings at ``places`` off the record. Raises ValueError, in one line, if that fails."""
        try:
            with self._locked():
                self._refuse_read_only()
                left = rulings.load(self.path)
                for place in places:
                    left.pop(place, None)
                rulings.save(self._file, left.values())
        except OSError as error:
            raise ValueError(
                f"rulings file {self.path} cannot be written ({_reason(error)}): make it writable, "
                "or leave out --prune-rulings"
            ) from error

    @property
    def _file(self) -> Path:
        """The file itself, even if ``path`` is a link to it, so that the link is not replaced."""
        return Path(os.path.realpath(self.path))

    def _refuse_read_only(self) -> None:
        """Raise PermissionError if file or folder is marked read-only, which neither replacing a file nor the superuser obeys."""
        for place in (self._file.parent, self._file):
            if place.exists() and not place.stat().st_mode & 0o222:
                raise PermissionError(f"{place} is read-only")

    def _write(self) -> Rulings:
        try:
            with self._locked():
                self._refuse_read_only()
                found = rulings.load(self.path)
                stay = {
                    place: found[place]
                    for place, new in self._pending.items()
                    if place in found and rulings.unfinished(new, found[place])
                }
                now = self._pending | stay
                if len(stay) < len(now):
                    rulings.save(self._file, (found | now).values())
        except ValueError as error:
            self._tell(str(error))
            return {}
        except OSError as error:
            way_out = "end that process" if isinstance(error, TimeoutError) else "make it writable again"
            self._tell(f"rulings file {self.path} cannot be written ({_reason(error)}): {way_out}")
            return {}
        for place, old in stay.items():
            new = self._pending[place]
            self._notice(
                f"{new.claim}: {new.verdict} {new.holds}/{new.seeds} does not replace the ruling on more seeds, "
                f"{old.verdict} {old.holds}/{old.seeds}: leave out --max-seeds to record it anew"
            )
        self._pending.clear()
        return now

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._notice(text)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other sessions from the file; if the folder cannot be locked, say so and go on. Raises TimeoutError if another
        process holds the lock for longer than writing takes."""
        with contextlib.ExitStack() as stack:
            try:
                descriptor = os.open(self._file.parent, os.O_RDONLY)
                stack.callback(os.close, descriptor)
                lock(descriptor, self._patience)
            except TimeoutError:
                self._patience = 0.0  # do not wait again for every claim
                raise
            except OSError as error:
                self._tell(
                    f"folder {self._file.parent} cannot be locked ({_reason(error)}): record rulings in one session at a time"
                )
            yield


def lock(descriptor: int, patience: float) -> None:
    """Keep other sessions from the folder that ``descriptor`` is open on, until it is closed. Raises TimeoutError if another
    process holds the lock for ``patience`` seconds, and OSError if the folder cannot be locked."""
    last = time.monotonic() + patience
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > last:
                raise TimeoutError("another process keeps its folder locked") from None
            time.sleep(0.02)


def _reason(error: OSError) -> str:
    return " ".join(str(error.strerror or error).split())
