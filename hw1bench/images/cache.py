"""Decoded images on disk, so that 60,000 files are decoded once.

One ``.npz`` without pickles per source, in ``$XDG_CACHE_HOME/hw1bench`` or ``~/.cache/hw1bench``, or in the system's temporary
folder if the cache cannot be written. Its name contains the identity of the source, so a changed source is decoded again; the
files may be deleted at any time.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from hw1bench.images.folder import largest
from hw1bench.images.sets import SPLITS, Form, ImageSet, Stack, assemble
from hw1bench.support.arrays import Damaged, load_arrays, save_arrays
from hw1bench.support.files import remove_abandoned
from hw1bench.support.places import user_folder
from hw1bench.support.progress import Progress

_HEADERS = 1 << 16  # bytes allowed beside the pixels and labels of a file; in fact some 2 KB


def _home() -> Path | None:
    """Return the user's cache folder; None for a user without a home."""
    return user_folder("XDG_CACHE_HOME", ".cache")


def _temporary(*, make: bool) -> Path | None:
    """Return this user's own temporary folder; None if there is none, or another user has taken its name."""
    folder = Path(tempfile.gettempdir(), f"hw1bench-{os.getuid()}")
    try:
        if make:
            folder.mkdir(mode=0o700, exist_ok=True)
        return folder if folder.lstat().st_uid == os.getuid() and not folder.is_symlink() else None
    except OSError:
        return None


def _places(*, make: bool) -> Iterator[Path]:
    """Yield the folders for decoded images, the first choice first; with ``make`` the second is created if it is missing."""
    home = _home()
    if home is not None:
        yield home
    temporary = _temporary(make=make)
    if temporary is not None:
        yield temporary


def _load(form: Form, path: Path) -> ImageSet:
    """Load the set in a cached file. Raises FileNotFoundError if it is missing, ``Damaged`` if ``_save`` did not write it."""
    stored = load_arrays(path, largest(form) + _HEADERS)
    names = [f"{split}_{kind}" for split in SPLITS for kind in ("images", "labels")]
    if set(stored) != {*names, "fingerprint"}:
        raise Damaged(f"it holds {', '.join(sorted(stored)[:6])}")
    stacks = [Stack(stored[f"{split}_images"], stored[f"{split}_labels"]) for split in SPLITS]
    for stack in stacks:
        if stack.labels.dtype != np.int64 or stack.labels.ndim != 1 or not stack.labels.size:
            raise Damaged(f"labels of shape {stack.labels.shape} and type {stack.labels.dtype}")
        if stack.images.dtype != np.uint8 or stack.images.shape != (len(stack.labels), *form.shape):
            raise Damaged(f"images of shape {stack.images.shape} and type {stack.images.dtype}")
    found = assemble(form, *stacks)
    if found.fingerprint != str(stored["fingerprint"]):
        raise Damaged("the content does not match its fingerprint")
    return found


def _save(path: Path, found: ImageSet) -> None:
    arrays = {"fingerprint": np.array(found.fingerprint)}
    for split, stack in zip(SPLITS, (found.train, found.test), strict=True):
        arrays |= {f"{split}_images": stack.images, f"{split}_labels": stack.labels}
    save_arrays(path, arrays)


def _keep(name: str, found: ImageSet, progress: Progress) -> None:
    """Save the set in the first folder that can be written, with a notice if that is not the user's cache.

    Temporary files that killed processes left there are removed.
    """
    refused = []
    for place in _places(make=True):
        remove_abandoned(place)
        try:
            _save(place / name, found)
        except OSError as error:
            refused.append(f"{place} cannot be written ({error.strerror or error})")
            continue
        if refused:
            progress.notice(f"{refused[0]}: decoded images are kept in {place}")
        return
    progress.notice(f"{'; '.join(refused) or 'there is no folder for a cache'}: images will be decoded again next time")


def _repair(damaged: Mapping[Path, Damaged], name: str, place: Path, found: ImageSet, progress: Progress) -> None:
    """Overwrite the damaged copies before ``place`` with the set found there, with a notice."""
    for path, error in damaged.items():
        try:
            _save(path, found)
            now = "is put in their place"
        except OSError as refused:
            now = f"is used, because they cannot be overwritten ({refused.strerror or refused})"
        progress.notice(f"cached images {path} are damaged ({error}): the good copy {place / name} {now}")


def read(form: Form, identity: str, make: Callable[[], ImageSet], progress: Progress) -> ImageSet:
    """Read the set of the source with that ``identity`` from the cache; otherwise call ``make`` and cache its result.

    Problems with the cache cause a notice, never an error. Raises what ``make`` raises.
    """
    name = f"{form.name}-{identity}.npz"
    damaged: dict[Path, Damaged] = {}
    for place in _places(make=False):
        try:
            found = _load(form, place / name)
        except FileNotFoundError:
            continue
        except Damaged as error:
            damaged[place / name] = error
            continue
        _repair(damaged, name, place, found, progress)
        return found
    for path, why in damaged.items():
        progress.notice(f"cached images {path} are damaged ({why}): they are decoded again")
    found = make()
    _keep(name, found, progress)
    return found
