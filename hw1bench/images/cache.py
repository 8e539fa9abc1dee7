"""Decoded images on disk, so that 60,000 files are decoded once.

One ``.npz`` without pickles a source, under ``$XDG_CACHE_HOME/hw1bench`` or ``~/.cache/hw1bench``, or where that cannot be
written in the system's folder of temporary files. It is named by what identifies the source, so a source that changes is
decoded again; delete the files at will.
"""

import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hw1bench.files import writing
from hw1bench.images.decode import decode
from hw1bench.images.folder import Folder
from hw1bench.images.sets import SPLITS, Form, ImageSet, Stack, assemble
from hw1bench.progress import Progress

_DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def _home() -> Path | None:
    """The user's cache; None for a user without a home."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (base if base.is_absolute() else Path.home() / ".cache") / "hw1bench"
    except RuntimeError:
        return None


def _temporary(*, make: bool) -> Path | None:
    """A folder of temporary files that is this user's own; None where there is none, or another has taken its name."""
    folder = Path(tempfile.gettempdir(), f"hw1bench-{os.getuid()}")
    try:
        if make:
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder if folder.lstat().st_uid == os.getuid() and not folder.is_symlink() else None
    except OSError:
        return None


def _places(*, make: bool) -> Iterator[Path]:
    """Where decoded images may be kept, the first choice first; ``make`` the second one where it is not there."""
    home = _home()
    if home is not None:
        yield home
    temporary = _temporary(make=make)
    if temporary is not None:
        yield temporary


def _stored(form: Form, path: Path) -> ImageSet:
    """The set in a file of the cache. Raises one of `_DAMAGE` where it is not what was written."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        stacks = [Stack(stored[f"{split}_images"], stored[f"{split}_labels"]) for split in SPLITS]
        fingerprint = str(stored["fingerprint"])
    for stack in stacks:
        if stack.images.dtype != np.uint8 or stack.images.shape != (len(stack.labels), *form.shape):
            raise ValueError(f"images of shape {stack.images.shape} and type {stack.images.dtype}")
        if stack.labels.dtype != np.int64 or stack.labels.ndim != 1:
            raise ValueError(f"labels of shape {stack.labels.shape} and type {stack.labels.dtype}")
    found = assemble(form, *stacks)
    if found.fingerprint != fingerprint:
        raise ValueError("the content does not match its fingerprint")
    return found


def _store(path: Path, found: ImageSet) -> None:
    arrays = {"fingerprint": np.array(found.fingerprint)}
    for split, stack in zip(SPLITS, (found.train, found.test), strict=True):
        arrays |= {f"{split}_images": stack.images, f"{split}_labels": stack.labels}
    with writing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub takes them for its flag


def _keep(name: str, found: ImageSet, progress: Progress) -> None:
    """Store the set in the first place that takes it; a notice says so where that is not the user's cache."""
    refused = []
    for place in _places(make=True):
        try:
            _store(place / name, found)
        except OSError as error:
            refused.append(f"{place} cannot be written ({error.strerror or error})")
            continue
        if refused:
            progress.notice(f"{refused[0]}: decoded images are kept in {place}")
        return
    progress.notice(f"{'; '.join(refused) or 'there is no folder for a cache'}: images are decoded again the next time")


def read(form: Form, folder: Folder, progress: Progress) -> ImageSet:
    """The set in an image folder, from the cache if it is there, else decoded, and kept.

    What is wrong with the cache costs a notice, never the set. Raises ValueError as `decode` does.
    """
    name = f"{form.name}-{folder.identity()}.npz"
    for place in _places(make=False):
        try:
            return _stored(form, place / name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except _DAMAGE as error:
            progress.notice(f"cached images {place / name} are damaged ({error}): they are decoded again")
    splits = decode(form, folder, progress)
    found = assemble(form, *(splits.pop(split) for split in SPLITS))
    _keep(name, found, progress)
    return found
