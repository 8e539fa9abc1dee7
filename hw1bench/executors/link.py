"""The session's end of the connection to a cluster: it starts the process in between, and hears from it.

Messages to the process, tuples with a word first:
    join ADDRESS                                     '' starts a cluster on this machine
    put NUMBER THING, drop NUMBER                    keep an object in the cluster's memory, or forget it
    order NUMBER FUNCTION ARGUMENTS PROCESSORS GPUS  call a function of ``worker``; its result is an object too
    question NUMBER NODE FUNCTION ARGUMENTS GPUS     call one that takes no time, on this node
    end
An argument that is a list, ``[NUMBER]``, stands for an object. Messages from the process:
    joined NODES, or refused WHY
    begun NUMBERS, done NUMBER RESULT, failed NUMBER WHY, lost WHY
"""

import contextlib
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any

_REACH_SECONDS = 5.0
_JOIN_SECONDS = 45.0
_START_SECONDS = 90.0  # on a busy machine
_END_SECONDS = 15.0

Node = tuple[str, str, dict[str, float]]
"""The cluster's name of a node, its host's name, and its resources."""


class Lost(Exception):
    """The cluster, or the process in between, is gone; the message says how."""


class Link:
    """A link to the Ray cluster at ``address``, HOST:PORT, or, if that is '', to one that is started on this machine.

    ``nodes`` are those that it had when it was joined. ``listen`` begins a thread in which whatever comes is given to a function.

    Raises ValueError, in one line, if the cluster cannot be joined.
    """

    def __init__(self, address: str) -> None:
        where = f"the Ray cluster at {address}" if address else "a Ray cluster on this machine"
        if address:
            _reach(address, where)
        ours, theirs = multiprocessing.Pipe()
        self._session = ours
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # for as long as the process lives
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hw1bench.executors.bridge", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is for the session alone
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONWARNINGS": "ignore"},
        )
        theirs.close()
        self._sending = threading.Lock()
        self._ending = False
        try:
            self.nodes = self._join(address, where)
        except BaseException:  # a signal may come while it waits
            self.end()
            raise

    def _join(self, address: str, where: str) -> list[Node]:
        self.send("join", address)
        seconds = _JOIN_SECONDS if address else _START_SECONDS
        answer: tuple[str, Any] = ("refused", f"no answer for {seconds:.0f} s")
        try:
            if self._session.poll(seconds):
                answer = self._session.recv()
        except EOFError:
            answer = ("refused", self._why())
        word, found = answer
        if word != "joined":
            way_out = "see that it runs, that this is the port of its head or 10001, and that this machine is one of its nodes"
            raise ValueError(f"{where} cannot be joined ({found}): {way_out if address else 'try again'}")
        nodes: list[Node] = found
        return nodes

    def send(self, *message: Any) -> None:
        """Send a message. Raises Lost if nobody is there."""
        try:
            with self._sending:
                self._session.send(message)
        except OSError:
            raise Lost(self._why()) from None

    def listen(self, heard: Callable[..., None]) -> None:
        """Give each message to ``heard`` in a thread of its own, and at the end, unless that was asked for, ``lost`` and why."""

        def run() -> None:
            message = None
            while message is None or message[0] != "lost":
                try:
                    message = self._session.recv()
                except (EOFError, OSError):
                    message = ("lost", self._why())
                if not self._ending:
                    heard(*message)

        threading.Thread(target=run, daemon=True).start()

    def end(self) -> None:
        """Give the cluster back: stop what runs there, and end the process in between. Nothing more is heard."""
        self._ending = True
        with contextlib.suppress(Lost):
            self.send("end")
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._session.close()

    def _why(self) -> str:
        """Why the process in between is gone."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        status = self._process.poll()
        if status is not None and status < 0:
            return f"the process that speaks to it was ended by {signal.Signals(-status).name}"
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors.read().decode(errors="replace").splitlines()]
        return next((line for line in reversed(lines) if line), "the process that speaks to it ended")


def _reach(address: str, where: str) -> None:
    """Raise ValueError at once, in one line, if nobody listens at ``address``, for which Ray would wait for a minute."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ValueError(f"{where} cannot be reached ({error}): see that it runs, and at which address") from None
