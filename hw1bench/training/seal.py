"""A digest at the end of a shared library, by which one that is cut short, or written over, is known before it is loaded.

The system's loader does not look: a program that loads half a library is killed. It ignores what follows a library's end, so
the digest travels with the file, into wheels and copies. Written by setup.py, which cannot import this package; so this
module imports nothing of it.
"""

import hashlib

_MARK = b"hw1bench"
_LENGTH = len(_MARK) + hashlib.sha256().digest_size


def sealed(content: bytes, file: str) -> bytes:
    """``content`` of a library, in a file of name ``file``, with the digest of both behind it. Of the name what stands before
    the first dot counts: another library in its place may be of instructions that the processor lacks."""
    return content + _MARK + hashlib.sha256(file.partition(".")[0].encode() + b"\0" + content).digest()


def is_whole(content: bytes, file: str) -> bool:
    """Whether ``content`` is what `sealed` gave for ``file``."""
    return len(content) > _LENGTH and sealed(content[:-_LENGTH], file) == content
