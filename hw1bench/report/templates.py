"""The templates of the page, as jinja2 reads them."""

from collections.abc import Callable
from typing import Any

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket


class _Compiled(BytecodeCache):
    """Templates as they were compiled for an earlier page of this process: compiling takes as long as a session's figures."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])  # which compares the checksum of the template

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def made(finalize: Callable[[Any], Any]) -> Environment:
    """A new environment of the templates, in which each value that is put out goes through ``finalize`` and is then escaped."""
    return Environment(
        loader=PackageLoader("hw1bench.report", ""),
        bytecode_cache=_COMPILED,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=finalize,
    )
