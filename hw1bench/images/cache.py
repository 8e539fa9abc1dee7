"""Decoded images on disk, so that 60,000 files are decoded once.

One ``.npz`` without pickles a source, under ``$XDG_CACHE_HOME/hw1bench`` or ``~/.cache/hw1bench``, or where that cannot be
written in the system's folder of temporary files. It is named by what identifies the source, so a source that changes is
decoded again; delete the files at will.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from hw1bench.images.folder import largest
from hw1bench.images.sets import SPLITS, Form, ImageSet, Stack, assemble
from hw1bench.support.arrays import Damaged, load_arrays, save_arrays
from hw1bench.support.files import sweep
from hw1bench.support.progress import Progress

_HEADERS = 1 << 16  # bytes of a file beside its pixels and labels: 2 KB


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
    """The set in a file of the cache. Raises FileNotFoundError where there is none, `Damaged` for one that was not written so."""
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


def _store(path: Path, found: ImageSet) -> None:
    arrays = {"fingerprint": np.array(found.fingerprint)}
    for split, stack in zip(SPLITS, (found.train, found.test), strict=True):
        arrays |= {f"{split}_images": stack.images, f"{split}_labels": stack.labels}
    save_arrays(path, arrays)


def _keep(name: str, found: ImageSet, progress: Progress) -> None:
    """Store the set in the first place that takes it; a notice says so where that is not the user's cache.

    What killed sessions have half written there goes.
    """
    refused = []
    for place in _places(make=True):
        sweep(place)
        try:
            _store(place / name, found)
        except OSError as error:
            refused.append(f"{place} cannot be written ({error.strerror or error})")
            continue
        if refused:
            progress.notice(f"{refused[0]}: decoded images are kept in {place}")
        return
    progress.notice(f"{'; '.join(refused) or 'there is no folder for a cache'}: images are decoded again the next time")


def _mend(damaged: Mapping[Path, Damaged], name: str, place: Path, found: ImageSet, progress: Progress) -> None:
    """Write the set that was found in ``place`` over the damaged copies that go before it; a notice says so."""
    for path, error in damaged.items():
        try:
            _store(path, found)
            now = "is put in their place"
        except OSError as refused:
            now = f"is used, for they cannot be written over ({refused.strerror or refused})"
        progress.notice(f"cached images {path} are damaged ({error}): the good copy {place / name} {now}")


def read(form: Form, identity: str, make: Callable[[], ImageSet], progress: Progress) -> ImageSet:
    """The set in the source of that ``identity``, from the cache if it is there, else as ``make`` gives it, and kept.

    What is wrong with the cache costs a notice, never the set. Raises what ``make`` raises.
    """
    name = f"{form.name}-{identity}.npz"
    damaged: dict[Path, Damaged] = {}
    for place in _places(make=False):
        try:
            found = _stored(form, place / name)
        except FileNotFoundError:
            continue
        except Damaged as error:
            damaged[place / name] = error
            continue
        _mend(damaged, name, place, found, progress)
        return found
    for path, why in damaged.items():
        progress.notice(f"cached images {path} are damaged ({why}): they are decoded again")
    found = make()
    _keep(name, found, progress)
    return found
