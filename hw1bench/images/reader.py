"""Reading of a set by its name."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from hw1bench.images import cache, digits, mnist_5k, published
from hw1bench.images.archive import Archive, Images
from hw1bench.images.decode import decode
from hw1bench.images.find import Found, Source, find
from hw1bench.images.folder import Tree, unreadable
from hw1bench.images.printable import PrintableProgress, printable
from hw1bench.images.raw import Raw
from hw1bench.images.sets import DIGITS, KNOWN_SETS, MNIST, MNIST_5K, ImageSet, KnownSet, assemble
from hw1bench.support.places import data_folder
from hw1bench.support.progress import Progress, Silent
from hw1bench.support.refusals import Unavailable

_SHOWN = 5  # reasons shown why things are not copies
_REASONS = 20  # reasons shown why copies cannot be used


def _first_few(reasons: Sequence[str], most: int = _SHOWN) -> list[str]:
    return [*reasons[:most], *([f"and {len(reasons) - most} more"] if len(reasons) > most else [])]


def not_found(form: KnownSet, folder: Path | None, rejected: Sequence[str] = ()) -> Unavailable:
    """Return the error for a missing set; ``rejected``: why each thing that looks like the set is not a copy."""
    place = folder or data_folder()
    here, to = f"in {place}" if place else "here", f" --data-dir {folder}" if folder else ""
    files = "MNIST/raw" if form is MNIST else "cifar-10-batches-py"
    passed = f" (passed over: {'; '.join(_first_few(rejected))})" if rejected else ""
    return Unavailable(
        printable(
            f"{form.title} is not {here}: run `python -m hw1bench data {form.name}{to}`, or give --data-dir "
            f"(HW1BENCH_DATA) a folder that holds {files}, or an image folder or tar of it{passed}"
        )
    )


def look(form: KnownSet, folder: Path) -> Found:
    """Call ``find``. Raises ValueError if the folder cannot be read."""
    try:
        return find(form, folder)
    except OSError as error:
        raise ValueError(printable(unreadable(folder, error))) from error


def open_set(form: KnownSet, source: Source, root: Path, progress: Progress) -> ImageSet:
    """Read the set in ``source``, which was found in the folder ``root``. Raises as ``read`` does."""
    progress = PrintableProgress(progress)
    if source.kind == "files":
        return assemble(form, **published.read(form, source.path, root, progress.notice))
    if source.kind == "tree":
        tree = Tree(source.path)
        return cache.read(form, tree.identity(), lambda: assemble(form, **decode(form, tree, progress)), progress)
    archive = Archive(source.path)
    return cache.read(form, archive.identity(), lambda: _read_archive(form, archive, progress), progress)


def _read_archive(form: KnownSet, archive: Archive, progress: Progress) -> ImageSet:
    """Read the best copy in an archive, chosen as by ``choose``."""

    def read(copy: Raw | Images) -> ImageSet:
        splits = (
            decode(form, copy, progress)
            if isinstance(copy, Images)
            else published.mnist(form, copy.files, progress.notice)
        )
        return assemble(form, **splits)

    return _best(form, archive.title, [(copy.title, partial(read, copy)) for copy in archive.copies(form)], progress)[1]


def _best(
    form: KnownSet, place: object, copies: Sequence[tuple[str, Callable[[], ImageSet]]], progress: Progress
) -> tuple[int, ImageSet]:
    """Return the index and the set of the best of ``copies``, pairs (title, reader): the first that is the canonical set, or
    if there is none, the first that can be read. A notice says why each copy before it is passed over.

    If none can be read, raises the error of the only copy, or ValueError with the reasons of all copies.
    """
    first: tuple[int, ImageSet] | None = None
    before: list[str] = []  # why each copy before the first is passed over
    errors: list[ValueError | Unavailable] = []
    for number, (title, read) in enumerate(copies):
        try:
            found = read()
        except (ValueError, Unavailable) as error:
            errors.append(type(error)(printable(error)))
            continue
        if first is None:
            first, before = (number, found), [str(error) for error in errors]
        if found.canonical:
            if number != first[0]:
                before = [*map(str, errors), f"{copies[first[0]][0]} is not the canonical {form.title}, but {title} is"]
            first = number, found
            break
    if first is None:
        if len(errors) == 1:
            raise errors[0]
        reasons = "; ".join(_first_few([str(error) for error in errors], _REASONS))
        raise ValueError(f"no copy of {form.title} in {printable(place)} can be used: {reasons}")
    for reason in before:
        progress.notice(f"passed over: {reason}")
    return first


def choose(form: KnownSet, found: Found, root: Path, progress: Progress) -> tuple[Source, ImageSet]:
    """Return the copy in ``root`` to use: the first that is the canonical set, or if there is none, the first that can be read.

    Notices name the copies before it and the other things named after the set, with the reasons. If none can be read, raises
    the error of the only copy, or ValueError with the reasons of all copies.
    """
    copies = [(str(source.path), partial(open_set, form, source, root, progress)) for source in found.sources]
    number, read = _best(form, root, copies, PrintableProgress(progress))
    for reason in _first_few(found.rejected):
        PrintableProgress(progress).notice(f"passed over: {reason}")
    return found.sources[number], read


def read(name: str, folder: Path | None, progress: Progress | None = None) -> ImageSet:
    """Read the whole set ``name``, "digits", "mnist_5k", "mnist" or "cifar10", into memory.

    ``folder`` holds MNIST or CIFAR-10 as described in ``hw1bench.images.find``; the others lie in packages, and need none.
    ``progress`` is shown while images are decoded for the first time, and notified of copies that are passed over.
    Raises ``Unavailable`` if the set is not in ``folder`` or its package is not installed, ValueError, in one line that names the
    file, if a copy is damaged or another set, and ValueError for an unknown name.
    """
    if name == DIGITS.name:
        return digits.read(progress or Silent())
    if name == MNIST_5K.name:
        return mnist_5k.read(progress or Silent())
    if name not in KNOWN_SETS:
        raise ValueError(
            f"no set of images named {name!r}; there are {', '.join((DIGITS.name, MNIST_5K.name, *KNOWN_SETS))}"
        )
    form = KNOWN_SETS[name]
    found = Found() if folder is None else look(form, folder)
    if folder is None or not found.sources:
        raise not_found(form, folder, [*found.hints, *found.rejected])
    return choose(form, found, folder, progress or Silent())[1]
