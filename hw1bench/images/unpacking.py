"""Bounded reading and unpacking of untrusted files: nothing is unpacked further than is asked for."""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import IO, BinaryIO, Protocol

_PIECE = 1 << 16  # bytes per read
_PADDING = 1 << 26  # zeros that may follow the content: far more than a tape's record
_STREAMS = 10_000  # packed streams in a file: bgzip starts one every 64 KiB, some 3,000 for CIFAR-10
_WINDOW = 1 << 27  # bytes of memory that xz may take: ``xz -9`` needs 65 MiB


def take(stream: IO[bytes], size: int) -> bytes:
    """Read the next ``size`` bytes, or as many as there are; memory is taken only for bytes that arrive."""
    found = bytearray()
    while len(found) < size and (piece := stream.read(min(_PIECE, size - len(found)))):
        found += piece
    return bytes(found)


def drain_zeros(stream: IO[bytes]) -> bool:
    """Read the rest of ``stream``; return whether it holds only zeros. Raises ValueError if they are more than any padding."""
    padding = 0
    while piece := stream.read(_PIECE):
        if piece.strip(b"\0"):
            return False
        padding += len(piece)
        if padding > _PADDING:
            raise ValueError(f"more than {_PADDING:,} zeros follow its end")
    return True


class _Decompressor(Protocol):
    """Decompressor with the interface of the decompressors of lzma and bz2."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's decompressor, which returns unused input, with the interface of ``_Decompressor``."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        except zlib.error as error:
            if "incorrect data check" in str(error) or "incorrect length check" in str(error):
                raise ValueError("CRC check failed: the content is damaged") from error
            raise


_MAGIC: dict[bytes, Callable[[], _Decompressor]] = {
    b"\x1f\x8b": _Gzip,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_WINDOW),
}


class _Unpacked(io.RawIOBase):
    """The content of a packed file, unpacked in bounded memory.

    The standard library's readers do not bound xz's memory, and its gzip reader takes trailing zeros one by one.
    """

    def __init__(self, file: BinaryIO, make: Callable[[], _Decompressor], most: int) -> None:
        self._file, self._make, self._most = file, make, most
        self._unpacker: _Decompressor | None = make()
        self._input = b""
        self._left, self._padding, self._streams = most, 0, 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]  # Python 3.11 lacks the stubs' Buffer
        while self._unpacker is not None or self._another():
            unpacker = self._unpacker
            assert unpacker is not None
            data = self._input or (self._file.read(_PIECE) if unpacker.needs_input else b"")
            self._input = b""
            starved = unpacker.needs_input and not data
            piece = unpacker.decompress(data, min(len(buffer), self._left + 1))
            if unpacker.eof:
                self._input, self._unpacker = unpacker.unused_data, None
            elif starved and not piece:
                raise EOFError("it is cut short")
            if piece:
                self._left -= len(piece)
                if self._left < 0:
                    raise ValueError(f"it unpacks to more than {self._most:,} bytes")
                buffer[: len(piece)] = piece
                return len(piece)
        return 0

    def _another(self) -> bool:
        """Start on the next packed stream, which these formats allow, after any zeros; return whether there is one."""
        while data := self._input or self._file.read(_PIECE):
            self._input = data.lstrip(b"\0")
            if self._input:
                self._streams += 1
                if self._streams > _STREAMS:
                    raise ValueError(f"it holds more than {_STREAMS:,} packed streams")
                self._unpacker = self._make()
                return True
            self._padding += len(data)
            if self._padding > _PADDING:
                raise ValueError(f"more than {_PADDING:,} zeros follow its end")
        return False


def unpacked(file: BinaryIO, most: int) -> BinaryIO:
    """Return ``file`` from its start, unpacked if its first bytes are those of gzip, bzip2 or xz.

    Reading raises ValueError beyond ``most`` unpacked bytes, EOFError if the file is cut short, and the errors of the
    standard library: OSError, zlib.error, lzma.LZMAError.
    """
    head = file.read(max(map(len, _MAGIC)))
    file.seek(0)
    make = next((make for magic, make in _MAGIC.items() if head.startswith(magic)), None)
    return file if make is None else io.BufferedReader(_Unpacked(file, make, most), _PIECE)
