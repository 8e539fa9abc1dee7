"""Signals that end a session in good order: the first one stops the work, later ones hurry its report."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupts:
    """What Ctrl-C, SIGTERM and SIGHUP do while `heeded`: the first raises KeyboardInterrupt in the main thread, so that all
    of them end a session as Ctrl-C does. Those that follow raise nothing and set ``hurried``: whoever finishes the report
    leaves out what takes long, and is not itself cut short. `rearm` when work goes on after an interruption.
    """

    def __init__(self) -> None:
        self.hurried = False
        self._armed = True

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Signals that somebody else handles or ignores, as nohup ignores SIGHUP, are left to them; so are all of them
        outside the main thread, where Python lets nobody set a handler."""
        before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for number in _ENDINGS:
                handler = signal.getsignal(number)
                if handler in (signal.SIG_DFL, signal.default_int_handler):
                    before[number] = handler
                    signal.signal(number, self._heard)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def rearm(self) -> None:
        """Let the next signal interrupt again."""
        self._armed, self.hurried = True, False

    def disarm(self) -> None:
        """Let no signal interrupt any more: the report is being finished."""
        self._armed = False

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if not self._armed:
            self.hurried = True
            return
        self._armed = False
        raise KeyboardInterrupt(signal.Signals(number).name)
