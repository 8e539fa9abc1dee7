"""Image files to pixels, by Pillow."""

import io
import warnings

import numpy as np

from hw1bench.images.folder import Folder, classes
from hw1bench.images.sets import SPLITS, Form, Stack
from hw1bench.progress import Progress

_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")  # of Pillow: at most 8 bits a channel, so that none are cut off
# Of Pillow's some forty formats those in which people keep small images. Others start programs (EPS: Ghostscript), or reserve
# memory before they tell the size.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
_TIFF = ("raw", "packbits", "tiff_lzw", "tiff_deflate", "tiff_adobe_deflate")  # that unpack in bounded memory
_SHOWN = 200  # images between two reports of progress


def pixels(content: bytes, form: Form, title: str) -> np.ndarray:
    """(channels, height, width) uint8 of an image file's content, in the set's mode.

    Raises ValueError for content that is no whole image, or one of another size or depth; ``title`` is what the error calls it.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            size, mode = image.size, image.mode
            if image.format == "TIFF" and image.info.get("compression") not in _TIFF:
                raise ValueError(f"TIFF packed by {image.info.get('compression')} is not read")
            if size == (form.size, form.size) and mode in _MODES:
                image.verify()  # checksums that loading skips; the image cannot be used after it
                with Image.open(io.BytesIO(content), formats=_FORMATS) as whole:
                    found = np.asarray(whole if mode == form.mode else whole.convert(form.mode))
                return found.reshape(form.size, form.size, -1).transpose(2, 0, 1)
    except Exception as error:  # Pillow's decoders raise a dozen kinds for bytes that are no image
        reason = (
            "it is no image file"
            if isinstance(error, UnidentifiedImageError)
            else " ".join(str(error).split()) or repr(error)
        )
        raise ValueError(f"{title} cannot be decoded ({reason}): put the whole image in its place") from error
    if mode not in _MODES:
        raise ValueError(f"{title} has pixels of Pillow's mode {mode}: make it grey or RGB with 8 bits a channel")
    raise ValueError(
        f"{title} is {size[0]}x{size[1]}, where {form.title} has {form.size}x{form.size}: put an image of that size in its place"
    )


def decode(form: Form, folder: Folder, progress: Progress) -> dict[str, Stack]:
    """Both splits of an image folder, as they lie there. The class index is that of the class name among the sorted ones.

    One thread: Pillow keeps the interpreter's lock on images as small as these, and two threads are slower.
    Raises ValueError for a folder or an image that cannot be read or is not what the set is made of.
    """
    names, entries = classes(folder), folder.entries()
    index = {name: n for n, name in enumerate(names)}
    labels = {split: np.array([index[e.category] for e in entries if e.split == split], np.int64) for split in SPLITS}
    images = {split: np.empty((len(labels[split]), *form.shape), np.uint8) for split in SPLITS}
    filled = dict.fromkeys(SPLITS, 0)
    if folder.others.count:
        progress.notice(f"{folder.title}: {folder.others}")
    progress.start(f"decoding the images of {folder.title}", len(entries))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of images that are refused, or of metadata
            for n, (entry, content) in enumerate(zip(entries, folder.contents(), strict=True), 1):
                images[entry.split][filled[entry.split]] = pixels(content, form, f"{folder.title}: {entry.path}")
                filled[entry.split] += 1
                if n % _SHOWN == 0 or n == len(entries):
                    progress.advance(_SHOWN if n % _SHOWN == 0 else n % _SHOWN)
    finally:
        progress.finish()
    return {split: Stack(images[split], labels[split]) for split in SPLITS}
