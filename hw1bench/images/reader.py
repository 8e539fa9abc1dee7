"""From a name to a set in memory."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from hw1bench.images import cache, digits, published
from hw1bench.images.archive import Archive, Images
from hw1bench.images.decode import decode
from hw1bench.images.find import Found, Source, find
from hw1bench.images.folder import Tree, unreadable
from hw1bench.images.raw import Raw
from hw1bench.images.sets import FORMS, MNIST, Form, ImageSet, assemble
from hw1bench.images.shown import Shown, shown
from hw1bench.support.progress import Progress, Silent
from hw1bench.support.refusals import Unavailable

_SHOWN = 5  # reasons why something is no copy
_REASONS = 20  # why copies cannot be used


def _few(reasons: Sequence[str], most: int = _SHOWN) -> list[str]:
    return [*reasons[:most], *([f"and {len(reasons) - most} more"] if len(reasons) > most else [])]


def nowhere(form: Form, folder: Path | None, others: Sequence[str] = ()) -> Unavailable:
    """The error for a set that is not there; ``others``: why each thing that looks like it is none."""
    here, to = ("here", "DIR") if folder is None else (f"in {folder}", str(folder))
    files = "MNIST/raw" if form is MNIST else "cifar-10-batches-py"
    passed = f" (passed over: {'; '.join(_few(others))})" if others else ""
    return Unavailable(
        shown(
            f"{form.title} is not {here}: run `python -m hw1bench data {form.name} --data-dir {to}`, or give --data-dir "
            f"(HW1BENCH_DATA) a folder that holds {files}, or an image folder or tar of it{passed}"
        )
    )


def look(form: Form, folder: Path) -> Found:
    """`find`. Raises ValueError for a folder that cannot be read."""
    try:
        return find(form, folder)
    except OSError as error:
        raise ValueError(shown(unreadable(folder, error))) from error


def open_set(form: Form, source: Source, root: Path, progress: Progress) -> ImageSet:
    """The set in ``source``, found in the folder ``root``. Raises as `read` does."""
    progress = Shown(progress)
    if source.kind == "files":
        return assemble(form, **published.read(form, source.path, root, progress.notice))
    if source.kind == "tree":
        tree = Tree(source.path)
        return cache.read(form, tree.identity(), lambda: assemble(form, **decode(form, tree, progress)), progress)
    archive = Archive(source.path)
    return cache.read(form, archive.identity(), lambda: _unpacked(form, archive, progress), progress)


def _unpacked(form: Form, archive: Archive, progress: Progress) -> ImageSet:
    """The copy in an archive that is used, as `choose` says."""

    def read(copy: Raw | Images) -> ImageSet:
        splits = (
            decode(form, copy, progress)
            if isinstance(copy, Images)
            else published.mnist(form, copy.files, progress.notice)
        )
        return assemble(form, **splits)

    return _best(form, archive.title, [(copy.title, partial(read, copy)) for copy in archive.copies(form)], progress)[1]


def _best(
    form: Form, place: object, copies: Sequence[tuple[str, Callable[[], ImageSet]]], progress: Progress
) -> tuple[int, ImageSet]:
    """Which of the ``copies``, each with its title, is used, and what it holds: the first that is the canonical set, else the
    first that can be read at all. A notice says why each that goes before it is passed over.

    Raises what reading the only one raised; where there are several and none can be read, ValueError with all their reasons.
    """
    first: tuple[int, ImageSet] | None = None
    before: list[str] = []  # why each that goes before the first is passed over
    errors: list[ValueError | Unavailable] = []
    for number, (title, read) in enumerate(copies):
        try:
            found = read()
        except (ValueError, Unavailable) as error:
            errors.append(type(error)(shown(error)))
            continue
        if first is None:
            first, before = (number, found), [str(error) for error in errors]
        if found.canonical:
            if number != first[0]:
                before = [*map(str, errors), f"{copies[first[0]][0]} is not the canonical {form.title}, as {title} is"]
            first = number, found
            break
    if first is None:
        if len(errors) == 1:
            raise errors[0]
        reasons = "; ".join(_few([str(error) for error in errors], _REASONS))
        raise ValueError(f"no copy of {form.title} in {shown(place)} can be used: {reasons}")
    for reason in before:
        progress.notice(f"passed over: {reason}")
    return first


def choose(form: Form, found: Found, root: Path, progress: Progress) -> tuple[Source, ImageSet]:
    """The copy in ``root`` that is used: the first that is the canonical set, else the first that can be read at all.

    A notice names each that goes before it, and each thing named after the set that is none, with the reason. Raises what
    reading the only one raised; where there are several and none can be read, ValueError with all their reasons.
    """
    copies = [(str(source.path), partial(open_set, form, source, root, progress)) for source in found.sources]
    number, read = _best(form, root, copies, Shown(progress))
    for reason in _few(found.others):
        Shown(progress).notice(f"passed over: {reason}")
    return found.sources[number], read


def read(name: str, folder: Path | None, progress: Progress | None = None) -> ImageSet:
    """The set ``name``, "digits", "mnist" or "cifar10", whole and in memory.

    ``folder`` holds MNIST or CIFAR-10 in a form of `hw1bench.images.find`; digits take none. ``progress`` is shown
    while images are decoded for the first time, and told of copies that are passed over.
    Raises `Unavailable` where the set is not in ``folder``, ValueError, in one line that names the file, for a copy that
    is damaged or no such set, and ValueError for a name that is none of the three.
    """
    if name == "digits":
        return digits.read()
    if name not in FORMS:
        raise ValueError(f"no set of images named {name!r}; there are {', '.join(('digits', *FORMS))}")
    form = FORMS[name]
    found = Found() if folder is None else look(form, folder)
    if folder is None or not found.sources:
        raise nowhere(form, folder, [*found.hints, *found.others])
    return choose(form, found, folder, progress or Silent())[1]
