"""The process between a session and a Ray cluster: it hands out orders, and brings home what comes of them.

It is a process of its own because Ray ends a process whose cluster is gone, and takes over its signals; the session outlives
both. It never looks into orders and records, and ends with the session. ``hw1bench.executors.link`` starts it, and has the
messages.
"""

import logging
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import ray  # of the extra ``cluster``
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

RETRIES = 2  # of an order whose process or node was lost
CLIENT_PORT = 10001  # of Ray's client server, by Ray's default
_PULSE = 2.0  # seconds between two questions to the cluster whether it is there
_SILENCE = 20.0  # seconds without an answer after which it is lost
_WAIT = 0.05  # seconds


def _call(function: str, *arguments: Any) -> Any:
    """Call a ``function`` of ``hw1bench.executors.worker`` in a process of the cluster."""
    from hw1bench.executors import worker

    return getattr(worker, function)(*arguments)


def _begin(board: Any, number: int, function: str, *arguments: Any) -> Any:
    board.begin.remote(number)
    return _call(function, *arguments)


class _Board:
    """Where the processes of a cluster note the numbers of orders that they have begun."""

    def __init__(self) -> None:
        self._begun: set[int] = set()

    def begin(self, number: int) -> None:
        self._begun.add(number)

    def begun(self) -> list[int]:
        found, self._begun = list(self._begun), set()
        return found


class Bridge:
    """The bridge from ``session``, a connection to the session, to the cluster that it has joined."""

    def __init__(self, session: Connection) -> None:
        self._session = session
        self._messages: queue.Queue[tuple[Any, ...] | None] = queue.Queue()
        self._objects: dict[int, ray.ObjectRef[Any]] = {}
        self._waiting: dict[ray.ObjectRef[Any], int] = {}
        self._begun: ray.ObjectRef[Any] | None = None
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        self._board: Any = ray.remote(num_cpus=0, max_restarts=-1)(_Board).options(scheduling_strategy=here).remote()
        self._work = ray.remote(max_retries=RETRIES)(_begin)
        self._ask = ray.remote(num_cpus=0, max_retries=RETRIES)(_call)
        self._pulse = time.monotonic()
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._feel, daemon=True).start()

    def run(self) -> None:
        """Serve until the session ends, and give the cluster back, or until the cluster is lost."""
        looked = 0.0
        while True:
            try:
                message = self._messages.get(timeout=0.001 if self._waiting else 10 * _WAIT)
            except queue.Empty:
                pass
            else:
                if message is None or message[0] == "end":
                    self._give_back()
                    return
                getattr(self, f"_{message[0]}")(*message[1:])
                continue
            if time.monotonic() - self._pulse > _SILENCE:
                self._session.send(("lost", f"it has not answered for {_SILENCE:.0f} s"))
                return
            if self._waiting:
                self._bring_home()
            if time.monotonic() - looked > 1.0:
                looked = time.monotonic()
                self._look()

    def _bring_home(self) -> None:
        done, _ = ray.wait(list(self._waiting), num_returns=1, timeout=_WAIT, fetch_local=False)
        if done:
            done, _ = ray.wait(list(self._waiting), num_returns=len(self._waiting), timeout=0, fetch_local=False)
        for one in done:
            number = self._waiting.pop(one)
            try:
                self._session.send(("done", number, ray.get(one)))
            except ray.exceptions.RayError as error:
                self._session.send(("failed", number, _said(error)))

    def _look(self) -> None:
        """Tell the session which orders have begun, once the board has answered."""
        if self._begun is not None and ray.wait([self._begun], timeout=0)[0]:
            with suppress(ray.exceptions.RayError):  # the board begins anew: what it knew is shown as waiting
                self._session.send(("begun", ray.get(self._begun)))
            self._begun = None
        if self._begun is None:
            self._begun = self._board.begun.remote()

    def _put(self, number: int, thing: Any) -> None:
        """Keep ``thing`` in the memory of the cluster."""
        self._objects[number] = ray.put(thing)

    def _drop(self, number: int) -> None:
        del self._objects[number]

    def _order(self, number: int, function: str, arguments: Sequence[Any], processors: int, gpus: float) -> None:
        """Hand out a call of ``function``, whose result is an object too."""
        work = self._work.options(num_cpus=processors, num_gpus=gpus)
        self._objects[number] = one = work.remote(self._board, number, function, *self._found(arguments))
        self._waiting[one] = number

    def _question(self, number: int, node: str, function: str, arguments: Sequence[Any], gpus: float) -> None:
        """Hand out a call that takes no time, to ``node``."""
        strategy = NodeAffinitySchedulingStrategy(node, soft=False)
        ask = self._ask.options(scheduling_strategy=strategy, num_gpus=gpus)
        self._waiting[ask.remote(function, *self._found(arguments))] = number

    def _found(self, arguments: Sequence[Any]) -> list[Any]:
        """``arguments``, with the object in the place of a list of one number."""
        return [self._objects[one[0]] if isinstance(one, list) else one for one in arguments]

    def _give_back(self) -> None:
        """Stop what is running or waiting, and leave the cluster, which ends if it was started here."""
        for one in self._waiting:
            ray.cancel(one, force=True)
        ray.shutdown()

    def _listen(self) -> None:
        try:
            while True:
                self._messages.put(self._session.recv())
        except (EOFError, OSError):
            self._messages.put(None)

    def _feel(self) -> None:
        """Ask the cluster again and again whether it is there."""
        while True:
            try:
                ray.cluster_resources()
            except Exception:  # it may come back, until the silence has been too long
                pass
            else:
                self._pulse = time.monotonic()
            time.sleep(_PULSE)


def _said(error: Exception) -> str:
    """What an error of Ray says, in one line."""
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first.strip()}"


def _join(address: str) -> None:
    """Join the cluster at ``address``, HOST:PORT, or start one on this machine for ''."""
    quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, "logging_level": logging.ERROR}
    if not address:
        ray.init(address="local", include_dashboard=False, **quiet)
    else:
        client = address.endswith(f":{CLIENT_PORT}")
        ray.init(address=f"ray://{address}" if client else address, **quiet)


def main() -> None:
    session = Connection(int(sys.argv[1]))
    _, address = session.recv()
    try:
        _join(address)
        every = ray.nodes()
        nodes = [(one["NodeID"], one["NodeManagerHostname"], one["Resources"]) for one in every if one["Alive"]]
        bridge = Bridge(session)
    except Exception as error:
        session.send(("refused", _said(error)))
        return
    session.send(("joined", nodes))
    try:
        bridge.run()
    except Exception:
        traceback.print_exc()  # of which the session tells the last line
        sys.stderr.flush()
    os._exit(0)  # whatever threads of Ray still wait for


if __name__ == "__main__":
    main()
