"""The terminal of a pytest session: printing progress, and going on if the reader of the output goes away."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

import pytest


class Forgiving:
    """A text stream that need not be read: if its reader goes away, as in ``pytest claims/ | head``, text is dropped instead of
    ending the session. Everything else is passed on to ``stream``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write ``text``, or drop it once the reader is gone or the device refuses."""
        if not self._gone:
            try:
                return self._stream.write(text)
            except (OSError, ValueError) as error:  # ValueError: somebody closed the stream
                if isinstance(error, UnicodeError):
                    raise
                self._gone = True
        return len(text)

    def flush(self) -> None:
        """Flush, or do nothing, as ``write`` does."""
        if not self._gone:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._gone = True

    def abandon(self) -> None:
        """If the reader is gone, discard what is left in buffers: otherwise whoever flushes them next, pytest or the interpreter
        on exit, would fail."""
        self.flush()
        if self._gone:
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
                self._stream.flush()  # now, because pytest's capture will point the descriptor at the reader that is gone


def forgiving(config: pytest.Config) -> Callable[[], None]:
    """Make the session's own terminal ``Forgiving`` until the session is over. The function returned undoes it at once."""
    if not config.pluginmanager.hasplugin("terminalreporter"):
        return lambda: None
    writer = config.get_terminal_writer()
    before, stream = writer._file, Forgiving(writer._file)
    writer._file = stream
    config.add_cleanup(stream.abandon)

    def undo() -> None:
        writer._file = before

    return undo


def uncaptured(config: pytest.Config) -> TextIO:
    """The terminal itself: sys.stdout is captured while tests run, and progress printed there would not be seen.

    Without a terminal (``-p no:terminal``), text is discarded.
    """
    if not config.pluginmanager.hasplugin("terminalreporter"):
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # closed at the end of the session
        config.add_cleanup(nowhere.close)
        return nowhere
    terminal: TextIO = config.get_terminal_writer()._file
    try:
        descriptor = os.dup(terminal.fileno())
    except (OSError, ValueError):  # not a file of the system: a session inside another
        return terminal
    stream = open(descriptor, "w", encoding=terminal.encoding, errors="backslashreplace", buffering=1)  # noqa: SIM115  # closed at the end of the session
    config.add_cleanup(lambda: _close(stream))
    return Forgiving(stream)  # type: ignore[return-value]  # has all that is used of a stream


def _close(stream: TextIO) -> None:
    with suppress(OSError):  # its reader is gone, and what was left to write is lost
        stream.close()
