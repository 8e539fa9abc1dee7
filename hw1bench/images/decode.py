"""Decoding of image files with Pillow."""

import io
import re
import warnings
from typing import TYPE_CHECKING

import numpy as np

from hw1bench.images.folder import Folder, classes
from hw1bench.images.sets import SPLITS, Form, Stack
from hw1bench.support.progress import Progress

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_PNG = b"\x89PNG\r\n\x1a\n"
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")  # Pillow's modes of at most 8 bits per channel: others lose bits
# The formats in which people keep small images. Of Pillow's other thirty or so, some start programs (EPS: Ghostscript) or
# allocate memory before they give the size.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_TIFF = ("raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate")  # these unpack in bounded memory
_TEXT = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")  # chunks of a PNG that no pixel depends on, and that may be packed
_MOST_TEXT = 1 << 16  # bytes of such chunks
_MOST_CHUNKS = 1_000  # chunks of a PNG: a small image has a dozen
_LARGEST_PNM = 1 << 16  # bytes: a small image as text takes 12 KiB, and Pillow spends quadratic time on comments
_BETWEEN_UPDATES = 200  # images between two updates of the progress


def _without_text(content: bytes) -> bytes:
    """Return a PNG without its texts and colour profile, of which Pillow unpacks a MiB per chunk; other files unchanged."""
    at, kept, text, number = len(_PNG), [_PNG], 0, 0
    if not content.startswith(_PNG):
        return content
    while at + 8 <= len(content):
        number += 1
        if number > _MOST_CHUNKS:
            raise ValueError(f"it has more than {_MOST_CHUNKS:,} chunks")
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if content[at + 4 : at + 8] in _TEXT:
            text += end - at
        else:
            kept.append(content[at:end])
        at = end
    if text > _MOST_TEXT:
        raise ValueError(f"its texts and colour profile take {text:,} bytes, more than {_MOST_TEXT:,}")
    return b"".join([*kept, content[at:]]) if text else content


def _levels(image: "ImageFile") -> int:
    """Return the largest possible value of a channel in an image file, because Pillow clips or scales values above 255."""
    decoder, _, _, arguments = image.tile[0] if image.tile else ("", None, 0, "")  # WebP has no tiles
    found = arguments if isinstance(arguments, tuple) else (arguments,)
    if decoder.startswith("ppm") and len(found) == 2:
        return int(found[1])
    if image.format == "TIFF":
        bits: tuple[int, ...] = image.tag_v2.get(258, (1,))  # type: ignore[attr-defined]  # BitsPerSample
        return max(255, (1 << max(bits)) - 1)
    return 65_535 if re.search(r";16[BLN]", str(found[0])) else 255


def _is_animated(image: "ImageFile") -> bool:
    """Whether the file has a second frame or page."""
    try:
        image.seek(1)
    except EOFError:
        return False
    return True


def _undecodable(title: str, error: Exception) -> ValueError:
    from PIL import UnidentifiedImageError

    unknown = isinstance(error, UnidentifiedImageError)
    reason = "it is not an image file" if unknown else " ".join(str(error).split()) or repr(error)
    return ValueError(f"{title} cannot be decoded ({reason}): put an intact image in its place")


def head(content: bytes, title: str) -> tuple[tuple[int, int], str]:
    """Return the width and height of an image file and Pillow's mode, from its first bytes. Raises ValueError, naming ``title``,
    if the content does not begin as an image."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(_without_text(content)), formats=_FORMATS) as image:
            return image.size, image.mode
    except Exception as error:  # as in ``pixels``
        raise _undecodable(title, error) from error


def pixels(content: bytes, form: Form, title: str) -> np.ndarray:
    """Decode the content of an image file to (channels, height, width) uint8, in the set's mode.

    Raises ValueError, naming ``title``, if the content is not a complete image, or has another size or depth, or several frames.
    """
    from PIL import Image

    animated = False
    try:
        if re.match(rb"P\d", content) and len(content) > _LARGEST_PNM:
            raise ValueError(f"a PNM file of {len(content):,} bytes, more than {_LARGEST_PNM:,}")
        content = _without_text(content)
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            size, mode = image.size, image.mode
            if image.format == "TIFF" and image.info.get("compression") not in _TIFF:
                raise ValueError(f"TIFF packed by {image.info.get('compression')} is not read")
            levels = _levels(image)
            if (
                size == (form.size, form.size)
                and mode in _MODES
                and levels == 255
                and not (animated := _is_animated(image))
            ):
                image.verify()  # checksums that loading skips; the image cannot be used after it
                with Image.open(io.BytesIO(content), formats=_FORMATS) as whole:
                    found = np.asarray(whole if mode == form.mode else whole.convert(form.mode))
                return found.reshape(form.size, form.size, -1).transpose(2, 0, 1)
    except Exception as error:  # Pillow's decoders raise a dozen kinds of errors for bytes that are not an image
        raise _undecodable(title, error) from error
    if mode not in _MODES:
        raise ValueError(f"{title} has pixels of Pillow's mode {mode}: make it grey or RGB with 8 bits a channel")
    if levels != 255:
        raise ValueError(
            f"{title} has channels that go up to {levels:,}, not 255: make it grey or RGB with 8 bits a channel"
        )
    if animated:
        raise ValueError(f"{title} has more than one frame: put one image in its place")
    raise ValueError(
        f"{title} is {size[0]}x{size[1]}, but {form.title} has {form.size}x{form.size}: "
        "put an image of the right size in its place"
    )


def decode(form: Form, folder: Folder, progress: Progress) -> dict[str, Stack]:
    """Decode both splits of an image folder, in the order of its entries. A label is the index of its class in sorted order.

    One thread, because Pillow keeps the interpreter's lock on images as small as these, and two threads are slower.
    Raises ValueError if the folder or an image cannot be read or does not fit the set.
    """
    names, entries = classes(folder, form.classes), folder.entries()
    index = {name: n for n, name in enumerate(names)}
    labels = {split: np.array([index[e.category] for e in entries if e.split == split], np.int64) for split in SPLITS}
    images = {split: np.empty((len(labels[split]), *form.shape), np.uint8) for split in SPLITS}
    filled = dict.fromkeys(SPLITS, 0)
    if folder.passed_over.count:
        progress.notice(f"{folder.title}: {folder.passed_over}")
    progress.start(f"decoding the images of {folder.title}", len(entries))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about images that are refused, and about metadata
            for n, (entry, content) in enumerate(zip(entries, folder.contents(), strict=True), 1):
                images[entry.split][filled[entry.split]] = pixels(content, form, f"{folder.title}: {entry.path}")
                filled[entry.split] += 1
                if n % _BETWEEN_UPDATES == 0 or n == len(entries):
                    progress.advance(_BETWEEN_UPDATES if n % _BETWEEN_UPDATES == 0 else n % _BETWEEN_UPDATES)
    finally:
        progress.finish()
    return {split: Stack(images[split], labels[split]) for split in SPLITS}
