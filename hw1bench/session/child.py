"""A pytest session in a process of its own, at the lowest priority of the machine."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from hw1bench.session import step_summary
from hw1bench.support.signals import ENDINGS

_DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
_LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


def lowest_priority() -> None:
    """Give this process the lowest priority of the machine.

    On Linux a session of processes is a scheduling group of its own, and the nice value of a process counts only within its
    group, so the group of this process gets one too. SCHED_IDLE would not replace that, because it counts only within a group as
    well, and adds little: a weight of 3 instead of 15, where an ordinary process has 1,024.
    """
    os.nice(19)
    with suppress(OSError):  # a kernel without such groups, or where they cannot be set
        Path("/proc/self/autogroup").write_text("19")


def _begin() -> None:
    """Prepare this process, a child in a session of its own that is about to become pytest: it ends with its parent."""
    lowest_priority()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it
    if _LIBRARY is not None:
        _LIBRARY.prctl(_DEATH_OF_PARENT, signal.SIGTERM, 0, 0, 0)


class Child:
    """Sessions of pytest, one after the other. While ``handled``, the first Ctrl-C, SIGTERM or SIGHUP is passed on to the session
    as one Ctrl-C, which ends it in good order and of which ``say`` is told in a line; the next kills it. A session has a process
    group of its own, so that Ctrl-C on a terminal reaches it in no other way."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.signals: list[int] = []
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals inside the ``with`` block, except those that are ignored, as nohup ignores SIGHUP."""
        before: dict[int, Any] = {}
        for number in ENDINGS:
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run(self, arguments: Sequence[str], output: Path, seconds: float | None) -> int:
        """Run pytest with ``arguments``, append what it prints to ``output``, and return its exit status. After
        ``seconds`` (None: never) it is told to end. Raises OSError if it cannot be started."""
        last = None if seconds is None else time.monotonic() + seconds
        with open(output, "ab") as file:
            command = [sys.executable, "-m", "pytest", *arguments]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                # One page per session would soon be more than a step's summary may hold.
                env={name: value for name, value in os.environ.items() if name != step_summary.VARIABLE},
                start_new_session=True,
                preexec_fn=_begin,
            )
        try:
            if self.signals:  # one that came before there was a process to pass it on to
                self._end(self._process)
            try:
                return self._process.wait(None if last is None else max(0.0, last - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGINT)
                return self._process.wait()
        finally:
            self._process = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.signals.append(number)
        if self._process is not None:
            self._end(self._process) if len(self.signals) == 1 else self._process.kill()

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        process.send_signal(signal.SIGINT)
        self._say("stopping in good order: a second signal ends it at once")


def cuda() -> bool:
    """Whether torch sees a CUDA device. A process of its own looks, because torch and a CUDA context take memory for as long as
    their process lives. Raises ValueError, in one line, if torch cannot be imported."""
    code = "from hw1bench.executors.local import cuda_here; print(cuda_here())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"cannot look for a GPU ({done.stderr.strip().splitlines()[-1]}): give --device cpu")
    return done.stdout.strip() == "True"
