"""Image folders of one's own, which are no known set: any classes, and square images of one size."""

from pathlib import Path

from hw1bench.images import cache
from hw1bench.images.decode import decode, head
from hw1bench.images.folder import Tree
from hw1bench.images.printable import PrintableProgress, printable
from hw1bench.images.sets import Form, ImageSet, assemble
from hw1bench.support.progress import Progress

_GREY = ("1", "L", "LA")  # Pillow's modes of images without colours
_WIDEST = 512  # pixels: a set is held in memory as a whole


def identity(path: Path) -> str:
    """Return a digest that changes with the content of the folder at ``path``, without reading its images. Raises ValueError as
    ``read`` does."""
    try:
        return _tree(path).identity()
    except ValueError as error:
        raise ValueError(printable(error)) from error


def read(path: Path, channels: int, progress: Progress) -> ImageSet:
    """Read the images in ``path``, ``train/<class>/*`` and ``test/<class>/*``, in 1 channel or 3 (0: as many as the first has).

    They are decoded once, and cached. A label is the index of its class in sorted order. ``progress`` is shown meanwhile. Raises
    ValueError, in one line that names the file, if the folder is missing or has another form, or if an image is damaged, not
    square, or of another size than the first.
    """
    try:
        tree = _tree(path)
        form = _form(tree, channels)
        progress = PrintableProgress(progress)
        return cache.read(form, tree.identity(), lambda: assemble(form, **decode(form, tree, progress)), progress)
    except ValueError as error:
        raise ValueError(printable(error)) from error


def _tree(path: Path) -> Tree:
    if not path.is_dir():
        raise ValueError(
            f"{path.absolute()} is not a folder: give one that holds train/<class>/* and test/<class>/*, images per class"
        )
    return Tree(path)


def _form(tree: Tree, channels: int) -> Form:
    entries = tree.entries()
    if not entries:
        raise ValueError(f"{tree.title} has no images: it needs train/<class>/* and test/<class>/*")
    first = f"{tree.title}: {entries[0].path}"
    (width, height), mode = head(next(tree.contents()), first)
    if width != height or width > _WIDEST:
        raise ValueError(
            f"{first} is {width}x{height}: make all images square, of one size and at most {_WIDEST}x{_WIDEST}"
        )
    mode = "L" if channels == 1 or (channels == 0 and mode in _GREY) else "RGB"
    return Form(f"own-{mode}", tree.title, mode, width)
