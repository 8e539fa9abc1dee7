"""MNIST's files in one directory of an archive."""

import io
from functools import cached_property, partial
from pathlib import Path

from hw1bench.images.find import MNIST_FILES, is_idx, places
from hw1bench.images.members import Member, members, short
from hw1bench.images.published import File

_LARGEST = 1 << 26  # bytes: MNIST's training images take 47 MB
_NAMES = [name for pair in MNIST_FILES.values() for name in pair]


def within(path: str) -> tuple[str, str]:
    """The directory that a file of MNIST belongs to, and its place in it, one of `places`; no place for other files."""
    folder, _, name = path.rpartition("/")
    if not is_idx(name):
        return folder, ""
    around, _, own = folder.rpartition("/")
    return (around, f"{own}/{name}") if is_idx(own) else (folder, name)


class Raw:
    """The files of MNIST in the directory ``folder`` of an archive. What is wrong with them is raised when they are read."""

    def __init__(self, archive: Path, folder: str) -> None:
        self._archive, self.folder = archive, folder
        self.title = f"{archive}/{short(folder)}" if folder else str(archive)
        self._paths: dict[str, str] = {}  # path in the archive, by the place in the directory
        self._refused: dict[str, str] = {}  # why, by the place in the directory

    def add(self, member: Member, place: str) -> None:
        if place in self._paths or place in self._refused:
            self._paths.pop(place, None)
            self._refused[place] = f"{self._archive}: {short(member.path)} is there twice: pack each file once"
        elif member.size > _LARGEST:
            self._refused[place] = (
                f"{self._archive}: {short(member.path)} has {member.size:,} bytes, too many for a file of MNIST: "
                "pack the set itself"
            )
        else:
            self._paths[place] = member.path

    def _spelled(self, name: str) -> list[str]:
        """The paths of one of the files, the first choice first."""
        return [self._paths[place] for place in places(name) if place in self._paths]

    def whole(self) -> bool:
        """Whether all four files are there."""
        return all(self._spelled(name) for name in _NAMES)

    @cached_property
    def _first(self) -> dict[str, bytes]:
        """The content of the first choice of each file, by path: one pass over the archive for the four."""
        return self._contents([self._spelled(name)[0] for name in _NAMES])

    def _contents(self, paths: list[str]) -> dict[str, bytes]:
        found = {
            member.path: content
            for member, content in members(self._archive, dict.fromkeys(paths, _LARGEST))
            if member.path in paths and member.kind == "file"
        }
        if len(found) < len(paths):
            raise ValueError(f"{self._archive} changed while it was read: run again")
        return found

    def files(self, name: str) -> list[File]:
        """One of the files in each spelling that is there, the first choice first.

        Raises ValueError where the four are not there, and where the archive is another than the one listed.
        """
        if not self.whole():
            raise ValueError(
                min(
                    self._refused.values(),
                    default=f"{self._archive} holds {short(min(self._paths.values(), default=''))} without MNIST's other files: "
                    "it needs all four, in one folder",
                )
            )

        return [
            File(f"{self._archive}: {short(path)}", partial(self._open, path), "put a whole copy in its place")
            for path in self._spelled(name)
        ]

    def _open(self, path: str) -> io.BytesIO:
        return io.BytesIO(self._first[path] if path in self._first else self._contents([path])[path])
