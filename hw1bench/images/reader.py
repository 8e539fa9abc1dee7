"""From a name to a set in memory."""

from pathlib import Path

from hw1bench.images import cache, digits, published
from hw1bench.images.archive import Archive
from hw1bench.images.find import Source, find
from hw1bench.images.folder import Tree, unreadable
from hw1bench.images.sets import FORMS, MNIST, Form, ImageSet, assemble
from hw1bench.progress import Progress, Silent
from hw1bench.runs import Unavailable


def _nowhere(form: Form, folder: Path | None) -> Unavailable:
    here, to = ("here", "DIR") if folder is None else (f"in {folder}", str(folder))
    files = "MNIST/raw" if form is MNIST else "cifar-10-batches-py"
    return Unavailable(
        f"{form.title} is not {here}: run `python -m hw1bench data {form.name} --data-dir {to}`, or give --data-dir "
        f"(HW1BENCH_DATA) a folder that holds {files}, or an image folder or tar of it"
    )


def locate(form: Form, folder: Path | None) -> Source:
    """The copy of the set in ``folder`` that is used. Raises `Unavailable` where there is none."""
    try:
        source = None if folder is None else find(form, folder)
    except OSError as error:
        raise unreadable(folder, error) from error
    if source is None:
        raise _nowhere(form, folder)
    return source


def open_set(form: Form, source: Source, progress: Progress) -> ImageSet:
    """The set in ``source``. Raises as `read` does."""
    if source.kind == "files":
        return assemble(form, *published.read(form, source.path))
    folder = Tree(source.path) if source.kind == "tree" else Archive(source.path)
    return cache.read(form, folder, progress)


def read(name: str, folder: Path | None, progress: Progress | None = None) -> ImageSet:
    """The set ``name``, "digits", "mnist" or "cifar10", whole and in memory.

    ``folder`` holds MNIST or CIFAR-10 in a form of `hw1bench.images.find`; digits take none. ``progress`` is shown
    while images are decoded for the first time.
    Raises `Unavailable` where the set is not in ``folder``, ValueError, in one line that names the file, for a copy that
    is damaged or no such set, and ValueError for a name that is none of the three.
    """
    if name == "digits":
        return digits.read()
    if name not in FORMS:
        raise ValueError(f"no set of images named {name!r}; there are {', '.join(('digits', *FORMS))}")
    form = FORMS[name]
    return open_set(form, locate(form, folder), progress or Silent())
