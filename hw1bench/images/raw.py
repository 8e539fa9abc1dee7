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
    """Split the path of one of MNIST's files into its directory and its place there, one of ``places``; '' for other files."""
    folder, _, name = path.rpartition("/")
    if not is_idx(name):
        return folder, ""
    around, _, own = folder.rpartition("/")
    return (around, f"{own}/{name}") if is_idx(own) else (folder, name)


class Raw:
    """MNIST's files in the directory ``folder`` of an archive. Their errors are raised when they are read."""

    def __init__(self, archive: Path, folder: str) -> None:
        self._archive, self.folder = archive, folder
        self.title = f"{archive}/{short(folder)}" if folder else str(archive)
        self._paths: dict[str, str] = {}  # path in the archive, by place in the directory
        self._refused: dict[str, str] = {}  # reason, by place in the directory

    def add(self, member: Member, place: str) -> None:
        if place in self._paths or place in self._refused:
            self._paths.pop(place, None)
            self._refused[place] = f"{self._archive}: {short(member.path)} occurs twice: pack each file once"
        elif member.size > _LARGEST:
            self._refused[place] = (
                f"{self._archive}: {short(member.path)} has {member.size:,} bytes, too many for one of MNIST's files: "
                "pack the set itself"
            )
        else:
            self._paths[place] = member.path

    def _existing(self, name: str) -> list[str]:
        """Return the paths of one of the files, the first choice first."""
        return [self._paths[place] for place in places(name) if place in self._paths]

    def complete(self) -> bool:
        """Whether all four files are there."""
        return all(self._existing(name) for name in _NAMES)

    @cached_property
    def _first(self) -> dict[str, bytes]:
        """The content of the first choice of each file, by path, from one pass over the archive."""
        return self._contents([self._existing(name)[0] for name in _NAMES])

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
        """Return one of the files in each existing spelling, the first choice first.

        Raises ValueError unless all four files are there, and if the archive has changed since it was listed.
        """
        if not self.complete():
            raise ValueError(
                min(
                    self._refused.values(),
                    default=f"{self._archive} holds {short(min(self._paths.values(), default=''))} without MNIST's other files: "
                    "pack all four in one folder",
                )
            )

        return [
            File(f"{self._archive}: {short(path)}", partial(self._open, path), "put an intact copy in its place")
            for path in self._existing(name)
        ]

    def _open(self, path: str) -> io.BytesIO:
        return io.BytesIO(self._first[path] if path in self._first else self._contents([path])[path])
