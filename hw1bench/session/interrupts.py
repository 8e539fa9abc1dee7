"""Signals that end a session in good order: the first one stops the work, later ones hurry its report."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from hw1bench.support.signals import ENDINGS


class Interrupts:
    """Handling of Ctrl-C, SIGTERM and SIGHUP while ``handled``: the first signal raises KeyboardInterrupt in the main thread, so
    that each ends a session as Ctrl-C does. Later signals raise nothing and set ``hurried``: the report is then finished
    without its slow parts, and is not cut short itself. Call ``rearm`` when work goes on after an interruption.
    """

    def __init__(self) -> None:
        self.hurried = False
        self._armed = True

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals inside the ``with`` block, except signals that are already handled or ignored, as nohup ignores
        SIGHUP. Outside the main thread, where Python allows no handlers, do nothing."""
        before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in ENDINGS:
                handler = signal.getsignal(number)
                if handler in (signal.SIG_DFL, signal.default_int_handler):
                    before[number] = handler
                    signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def rearm(self) -> None:
        """Let the next signal interrupt again."""
        self._armed, self.hurried = True, False

    def disarm(self) -> None:
        """Let no further signal interrupt, because the report is being finished."""
        self._armed = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._armed:
            self.hurried = True
            return
        self._armed = False
        raise KeyboardInterrupt(signal.Signals(number).name)


def drop_lineless(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Leave out of the traceback the frames that have no line: a signal may interrupt between two lines, and pytest, which shows
    where that was, would fail."""
    entries = excinfo.traceback
    excinfo.traceback = type(entries)(entry for entry in entries if entry._rawentry.tb_lineno is not None)
