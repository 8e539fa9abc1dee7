"""Packed streams: one after the other, and no more of them than a set can need."""

import gzip
import zlib

import pytest

from hw1bench.images import unpacking
from hw1bench.support.files import open_regular


def test_packed_streams_follow_one_another(tmp_path):
    """As pigz and bgzip write them, with or without zeros between them."""
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(b"one") + bytes(100) + gzip.compress(b"") + gzip.compress(b"two") + bytes(1000))
    with open_regular(path) as file:
        assert unpacking.take(unpacking.unpacked(file, 6), 100) == b"onetwo"
    with open_regular(path) as file, pytest.raises(ValueError, match="more than 5 bytes"):
        unpacking.take(unpacking.unpacked(file, 5), 100)
    path.write_bytes(gzip.compress(b"one") + b"more")
    with open_regular(path) as file, pytest.raises(zlib.error):
        unpacking.take(unpacking.unpacked(file, 6), 100)


def test_the_number_of_packed_streams_is_bounded(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(b"") * 2_000_000)
    with open_regular(path) as file, pytest.raises(ValueError, match="it holds more than 10,000 packed streams"):
        unpacking.take(unpacking.unpacked(file, 6), 100)
    path.write_bytes(gzip.compress(b"one") + gzip.compress(b"") * 9_998 + gzip.compress(b"two"))
    with open_regular(path) as file:
        assert unpacking.take(unpacking.unpacked(file, 6), 100) == b"onetwo"
