"""From a name to a set in memory."""

import io
from collections.abc import Sequence
from pathlib import Path

from hw1bench.images import cache, digits, published
from hw1bench.images.archive import Archive
from hw1bench.images.decode import decode
from hw1bench.images.find import Found, Source, find
from hw1bench.images.folder import Tree, unreadable
from hw1bench.images.sets import FORMS, MNIST, Form, ImageSet, Stack, assemble
from hw1bench.progress import Progress, Silent
from hw1bench.runs import Unavailable

_SHOWN = 5  # reasons in an error


def nowhere(form: Form, folder: Path | None, others: Sequence[str] = ()) -> Unavailable:
    """The error for a set that is not there; ``others``: why each thing that looks like it is none."""
    here, to = ("here", "DIR") if folder is None else (f"in {folder}", str(folder))
    files = "MNIST/raw" if form is MNIST else "cifar-10-batches-py"
    more = [f"and {len(others) - _SHOWN} more"] if len(others) > _SHOWN else []
    passed = f" (passed over: {'; '.join([*others[:_SHOWN], *more])})" if others else ""
    return Unavailable(
        f"{form.title} is not {here}: run `python -m hw1bench data {form.name} --data-dir {to}`, or give --data-dir "
        f"(HW1BENCH_DATA) a folder that holds {files}, or an image folder or tar of it{passed}"
    )


def look(form: Form, folder: Path) -> Found:
    """`find`. Raises ValueError for a folder that cannot be read."""
    try:
        return find(form, folder)
    except OSError as error:
        raise unreadable(folder, error) from error


def open_set(form: Form, source: Source, root: Path, progress: Progress) -> ImageSet:
    """The set in ``source``, found in the folder ``root``. Raises as `read` does."""
    if source.kind == "files":
        return assemble(form, **published.read(form, source.path, root))
    if source.kind == "tree":
        tree = Tree(source.path)
        return cache.read(form, tree.identity(), lambda: assemble(form, **decode(form, tree, progress)), progress)
    archive = Archive(source.path)
    return cache.read(form, archive.identity(), lambda: assemble(form, **_unpacked(form, archive, progress)), progress)


def _unpacked(form: Form, archive: Archive, progress: Progress) -> dict[str, Stack]:
    """Both splits of an archive, of MNIST's files where it holds them, else of its images."""
    contents = archive.mnist() if form is MNIST else None
    if contents is None:
        return decode(form, archive, progress)

    def file(name: str) -> published.File:
        path, content = contents[name]
        return published.File(f"{archive.title}: {path}", lambda: io.BytesIO(content), "put a whole copy in its place")

    return published.mnist(form, file)


def _in_one_line(error: ValueError | Unavailable) -> ValueError | Unavailable:
    """The error, with what no terminal can show in a file's name, such as the end of a line, as an escape."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(error))
    return error if text == str(error) else type(error)(text)


def choose(form: Form, found: Found, root: Path, progress: Progress) -> tuple[Source, ImageSet]:
    """The copy that is used: the first that is the canonical set, else the first that can be read at all.

    A notice says why each that goes before it is passed over. Raises what reading the only one raised; where there are
    several and none can be read, ValueError with all their reasons.
    """
    first: tuple[Source, ImageSet] | None = None
    before: list[str] = []  # why each that goes before the first is passed over
    errors: list[ValueError | Unavailable] = []
    for source in found.sources:
        try:
            read = open_set(form, source, root, progress)
        except (ValueError, Unavailable) as error:
            errors.append(_in_one_line(error))
            continue
        if first is None:
            first, before = (source, read), [str(error) for error in errors]
        if read.canonical:
            break
    else:
        if first is None:
            if len(errors) == 1:
                raise errors[0]
            raise ValueError(f"no copy of {form.title} in {root} can be used: {'; '.join(map(str, errors))}")
        source, read = first
    if source != first[0]:
        before = [*map(str, errors), f"{first[0].path} is not the canonical {form.title}, as {source.path} is"]
    for reason in before:
        progress.notice(f"passed over: {reason}")
    return source, read


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
        raise nowhere(form, folder, found.others)
    return choose(form, found, folder, progress or Silent())[1]
