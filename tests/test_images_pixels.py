"""Image files: the formats that are read, and those that would lose pixels or cost too much."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hw1bench.images.decode import pixels
from hw1bench.images.sets import MNIST
from image_sets import chunk, draw, png

SPLITS = draw("mnist")
IMAGE = png(SPLITS["train"].images[0])
MIB = 1 << 20


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM"])
def test_formats_of_small_images_are_read(form):
    options = {"lossless": True} if form == "WEBP" else {}
    found = pixels(png(SPLITS["train"].images[0], format=form, **options), MNIST, "it")
    if form != "JPEG":
        assert np.array_equal(found, SPLITS["train"].images[0])


@pytest.mark.parametrize("form", ["EPS", "PDF", "ICO", "TGA", "PCX", "SGI", "JPEG2000", "DDS"])
def test_other_formats_are_not_even_tried(form):
    file = io.BytesIO()
    Image.new("RGB", (28, 28)).save(file, form)
    with pytest.raises(ValueError, match="it cannot be decoded"):
        pixels(file.getvalue(), MNIST, "it")


@pytest.mark.parametrize("name", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "lzma", "zstd", "jpeg"])
def test_tiffs_that_unpack_in_bounded_memory_are_read(name):
    content = png(SPLITS["train"].images[0], format="TIFF", compression=name)
    if name in ("lzma", "zstd", "jpeg"):
        with pytest.raises(ValueError, match=f"TIFF packed by {name} is not read"):
            pixels(content, MNIST, "it")
    else:
        assert np.array_equal(pixels(content, MNIST, "it"), SPLITS["train"].images[0])


def texts(number, kind=b"zTXt"):
    head = {b"zTXt": b"k\0\0", b"iTXt": b"k\0\1\0\0\0", b"iCCP": b"k\0\0", b"tEXt": b"k\0"}[kind]
    return chunk(kind, head + zlib.compress(bytes(MIB - 100), 9)) * number


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP", b"tEXt"])
def test_texts_of_a_png_are_not_unpacked(monkeypatch, kind):
    """Before the pixels or after them."""
    monkeypatch.setattr("PIL.PngImagePlugin._safe_zlib_decompress", None)
    for content in (IMAGE[:33] + texts(50, kind) + IMAGE[33:], IMAGE[:-12] + texts(50, kind) + IMAGE[-12:]):
        assert np.array_equal(pixels(content, MNIST, "it"), pixels(IMAGE, MNIST, "it"))
    with pytest.raises(ValueError, match=r"it cannot be decoded \(its texts and colour profile take"):
        pixels(IMAGE[:33] + texts(100, kind) + IMAGE[33:], MNIST, "it")


def test_the_number_of_chunks_is_bounded():
    with pytest.raises(ValueError, match=r"it cannot be decoded \(it has more than 1,000 chunks\)"):
        pixels(IMAGE[:33] + chunk(b"abCd", b"") * 1000 + IMAGE[33:], MNIST, "it")


def test_endless_comments_are_refused():
    with pytest.raises(ValueError, match=r"it cannot be decoded \(a PNM file of 8"):
        pixels(b"P2 28 28 255\n" + b"#\n" * 400_000 + b"0 " * 784, MNIST, "it")


def deep_png(colour):
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    rows = b"".join(b"\0" + bytes(56 * channels) for _ in range(28))
    head = struct.pack(">IIBBBBB", 28, 28, 16, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep_tiff(kind):
    """Three channels of 16 bits; Pillow reads such files, but does not write them."""
    entries = [
        (256, 3, 1, 28), (257, 3, 1, 28), (258, 3, 3, 134), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, 140), (277, 3, 1, 3), (278, 3, 1, 28), (279, 4, 1, 28 * 28 * 6), (284, 3, 1, kind),
    ]  # fmt: skip
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (
        b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4) + struct.pack("<HHH", 16, 16, 16) + bytes(4704)
    )


DEEP = {f"png{colour}": deep_png(colour) for colour in (2, 4, 6)} | {
    "ppm": b"P6 28 28 65535\n" + bytes(28 * 28 * 6),
    "ppm-text": b"P3 28 28 # it\n 1023\n" + b"0 " * (28 * 28 * 3),
    "pgm-100": b"P5 28 28 100\n" + bytes(28 * 28),
    "pgm-256": b"P2 28 28 15\n" + b"0 " * (28 * 28),
    "tiff": deep_tiff(1),
}


@pytest.mark.parametrize("name", DEEP)
def test_channels_of_more_than_8_bits_are_refused(name):
    with pytest.raises(
        ValueError, match=r"it has channels that go up to [\d,]+, not 255: make it grey or RGB with 8 bits"
    ):
        pixels(DEEP[name], MNIST, "it")


@pytest.mark.parametrize("content", [b"P2 28 28 255\n" + b"7 " * 784, b"P5 28 28 255\n" + b"\7" * 784])
def test_channels_of_8_bits_are_read(content):
    assert (pixels(content, MNIST, "it") == 7).all()


@pytest.mark.parametrize("form", ["GIF", "PNG", "TIFF", "WEBP"])
def test_an_animation_is_refused(form):
    frames = [Image.fromarray(image[0]) for image in SPLITS["train"].images[:3]]
    file = io.BytesIO()
    frames[0].save(file, form, save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="it has more than one frame: put one image in its place"):
        pixels(file.getvalue(), MNIST, "it")
