"""Records on disk: one file per block or measurement, named by the digest of all that determines it; and one per run of a block
of which other runs have not ended, named by the digest of the block and the seed.

A file is written under a temporary name and renamed, so a killed session leaves only whole files, and two sessions can share a
folder. A record that leaves the folder while a session runs is made again.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hw1bench.records import sealed
from hw1bench.records.about import About
from hw1bench.records.runs import Record
from hw1bench.records.sealed import OtherSchema
from hw1bench.support.arrays import Damaged, load_arrays
from hw1bench.support.files import remove_abandoned, use

SUFFIX = ".npz"
_OF_A_RUN = re.compile(r"([0-9a-f]{32})-(?:0|[1-9][0-9]{0,18})")


def run_key(block: str, seed: int) -> str:
    """The key of the run of ``seed`` of the block with the key ``block``."""
    return f"{block}-{seed}"


def block_of(key: str) -> str:
    """The key of the block of which ``key`` is a run's; '' if it is no run's."""
    found = _OF_A_RUN.fullmatch(key)
    return found[1] if found else ""


def _stored(path: Path) -> str:
    """What the file at ``path`` is called in a notice."""
    return f"stored {'run' if block_of(path.stem) else 'block'} {path.name}"


class Store:
    """The records in ``folder``. With ``fresh``, records stored earlier are ignored, and replaced as blocks are trained.

    ``notice`` is given one line about each record that is damaged, one about each reason why others cannot be used, and one about
    a folder that cannot be written. Files that killed sessions left half written are removed, and so are runs once their block
    has been read as a whole.
    """

    def __init__(self, folder: Path, *, fresh: bool = False, notice: Callable[[str], None] = lambda text: None) -> None:
        self.folder = folder
        self._fresh = fresh
        self._notice = notice
        self._written: set[str] = set()
        self._told: set[str] = set()
        remove_abandoned(folder)
        self._cut_short: dict[str, list[Path]] = {}  # the runs that are there, by the key of their block
        with suppress(OSError):
            for path in folder.glob(f"*-*{SUFFIX}"):
                self._cut_short.setdefault(block_of(path.stem), []).append(path)

    def path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"

    def get(
        self, key: str, unfit: Callable[[Record], str] = lambda record: "", *, of: About | None = None
    ) -> Record | None:
        """The record stored under ``key``, or None if there is none. A record that is damaged, belongs to another key, is of
        another version or ``unfit`` gives None and a notice; ``unfit`` says why a record cannot be used, or ''. A record of
        schema 1 is rewritten if it is known what it is ``of``."""
        if self._fresh and key not in self._written:
            return None
        path = self.path(key)
        try:
            found = sealed.unsealed(key, load_arrays(path))
        except FileNotFoundError:
            self._written.discard(key)
            return None
        except OtherSchema as other:
            self._once(str(other), f"{_stored(path)} is of another version ({other})")
            return None
        except Damaged as damage:
            self._written.discard(key)
            self._notice(f"{_stored(path)} is damaged ({damage}): it is trained again")
            return None
        why = unfit(found.record)
        if why:
            self._written.discard(key)
            self._once(why, f"{_stored(path)} cannot be used ({why})")
            return None
        if found.of is None and of is not None:
            self._tell("schema 1", f"{self.folder} has records of an earlier schema: those that are used are rewritten")
            self.keep(key, found.record, of)
        use(path)
        for one in self._cut_short.pop(key, ()):  # a session was killed before it had removed them
            with suppress(OSError):
                one.unlink(missing_ok=True)
        return found.record

    def has(self, key: str) -> bool:
        """Whether there is a file for ``key``, whatever it holds, at which ``get`` would look."""
        return (not self._fresh or key in self._written) and self.path(key).exists()

    def wrote(self, key: str) -> bool:
        """Whether the record of ``key`` was stored by this session."""
        return key in self._written

    def put(self, key: str, record: Record, of: About) -> None:
        """Store ``record`` under ``key``, atomically. Raises OSError if the folder cannot be written."""
        sealed.save(self.path(key), key, record, of)
        self._written.add(key)

    def keep(self, key: str, record: Record, of: About) -> None:
        """``put`` the record unless that was done, or go on without it if the folder cannot be written; the first failure gives a
        notice."""
        try:
            if key not in self._written:
                self.put(key, record, of)
        except OSError as error:
            why = error.strerror or error
            self._tell(
                "refused",
                f"{self.folder} cannot be written ({why}): what is not stored is trained again in the next session",
            )

    def remove(self, key: str) -> None:
        """Remove the record stored under ``key``, if there is one. One that the disk does not give up stays."""
        self._written.discard(key)
        with suppress(OSError):
            self.path(key).unlink(missing_ok=True)

    def _once(self, why: str, text: str) -> None:
        self._tell(why, f"{text}: it is trained again, as are others like it")

    def _tell(self, what: str, text: str) -> None:
        """Give notice of ``what``, unless it has been given."""
        if what not in self._told:
            self._told.add(what)
            self._notice(text)
