"""Records moved between machines, in a tar that holds their files and nothing else.

A tar may come from anywhere. Nothing is extracted: a member counts only if it is a regular file with the name of a record, and
its content is written to a store only if it is whole and what was stored under this name. That tells damage, not honesty: a
digest can be computed for made-up numbers too.
"""

import io
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hw1bench.images.members import Member, members, short
from hw1bench.records import sealed
from hw1bench.records.stock import Entry, key_of
from hw1bench.support.arrays import Damaged, read_arrays
from hw1bench.support.files import open_regular, write_whole, writing

LARGEST = 1 << 32
"""Bytes in the largest record that is moved: a block with snapshots takes 0.3 GB."""
_TOLD = 20  # refusals that are told one by one


@dataclass
class Moved:
    """How many records were moved, and their ``size`` in bytes; how many were ``there`` already, and how many ``refused``."""

    records: int = 0
    size: int = 0
    there: int = 0
    refused: int = 0
    _say: Callable[[str], None] = field(default=lambda text: None, repr=False)

    def refuse(self, name: str, why: str) -> None:
        """Count a refusal, and tell it in one line; of many the first ones."""
        self.refused += 1
        if self.refused <= _TOLD:
            self._say(f"{short(name)!r} is left out: {why}")
        elif self.refused == _TOLD + 1:
            self._say("more are left out")

    def add(self, content: bytes) -> None:
        self.records += 1
        self.size += len(content)


def pack(stock: Iterable[Entry], file: Path, say: Callable[[str], None]) -> Moved:
    """Write the records ``stock`` to ``file``, a tar, which appears whole or not at all. A record that is damaged is left out,
    and so is one that has left the store meanwhile. Raises OSError if the disk refuses."""
    moved = Moved(_say=say)
    with writing(file) as target, tarfile.open(fileobj=target, mode="w") as tar:
        for one in stock:
            try:
                with open_regular(one.path) as source:
                    content = source.read(LARGEST + 1)
            except FileNotFoundError:
                continue
            if why := _fault(one.key, content):
                moved.refuse(one.path.name, why)
                continue
            member = tarfile.TarInfo(one.path.name)
            member.size, member.mtime = len(content), one.used // 10**9
            tar.addfile(member, io.BytesIO(content))
            moved.add(content)
    return moved


def unpack(file: Path, folder: Path, say: Callable[[str], None]) -> Moved:
    """Put the records in ``file``, which ``pack`` wrote, into the store ``folder``; those that are there stay as they are.

    Raises ValueError, in one line, if ``file`` is no whole archive: nothing is put then. Raises OSError if the disk refuses.
    """
    moved, wanted = Moved(_say=say), dict[str, int]()
    for member, _ in members(file):
        if why := _unsafe(member):
            moved.refuse(member.path, why)
        elif (folder / member.path).exists():
            moved.there += 1
        else:
            wanted[member.path] = LARGEST
    done: set[str] = set()
    for member, content in members(file, wanted) if wanted else ():
        if member.path not in wanted or member.path in done or member.kind != "file":
            continue
        done.add(member.path)
        if why := _fault(key_of(member.path), content):
            moved.refuse(member.path, why)
        else:
            write_whole(folder / member.path, content)
            moved.add(content)
    return moved


def _unsafe(member: Member) -> str:
    """Why a member cannot be the file of a record; '' if it can."""
    if not key_of(member.path):
        return "it does not have the name of a record"
    if member.kind != "file":
        return "it is not a regular file"
    return f"it has {member.size:,} bytes, more than {LARGEST:,}" if member.size > LARGEST else ""


def _fault(key: str, content: bytes) -> str:
    """Why ``content`` is not the file of a record stored under ``key``; '' if it is."""
    try:
        sealed.unsealed(key, read_arrays(io.BytesIO(content), LARGEST))
    except Damaged as damage:
        return str(damage)
    return ""
