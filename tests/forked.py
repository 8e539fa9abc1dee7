"""Sessions of pytest in processes of their own, which begin at once: they are forked from a process that has imported what a
session imports, which takes seconds."""

import ctypes
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

_NEW_MOUNTS, _NEW_USER = 0x20000, 0x10000000  # CLONE_NEWNS and CLONE_NEWUSER of Linux
_PATIENCE = 120  # seconds
# Pytest would rewrite the assertions of a plugin that is installed from its source, had it not been imported already.
_IMPORTED = "ignore:Module already imported so cannot be rewritten:pytest.PytestAssertRewriteWarning"


@cache
def _processes() -> multiprocessing.context.ForkServerContext:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["forked_imports"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        for library in ("OMP", "OPENBLAS"):  # a process with threads cannot be forked
            patch.setenv(f"{library}_NUM_THREADS", "1")
        forkserver.ensure_running()
    return processes


@dataclass(frozen=True)
class Forked:
    """A session that has begun, and the file with what it prints."""

    process: BaseProcess
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    @property
    def spent(self) -> float | None:
        """Seconds of a processor that it has taken, which do not depend on what else the machine does; None if it has ended."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def run(self, seconds: float) -> None:
        """Let it take so many ``seconds`` of a processor, or end."""
        while (spent := self.spent) is not None and spent < seconds:
            time.sleep(random.random() / 100)

    def send(self, number: int) -> None:
        """Send it a signal; nothing happens if it has ended."""
        if self.process.is_alive():
            with suppress(ProcessLookupError):  # it may end at this moment
                os.kill(self.process.pid, number)

    def ended(self) -> int:
        """Its exit status once it has ended; minus the number of the signal that killed it."""
        self.process.join(_PATIENCE)
        if self.process.exitcode is None:
            self.process.kill()
            raise AssertionError(f"it has not ended after {_PATIENCE} s: {self.said}")
        return self.process.exitcode


def begin(folder: Path, *arguments: str, output: Path | None = None, disk: str = "", size: int = 0) -> Forked:
    """Begin a session of pytest with ``arguments`` in ``folder``, whose output goes to the file ``output``. ``disk`` is a folder
    in it that is a disk of so many bytes, seen by this session alone."""
    output = output or folder / "session.log"
    given = (folder, arguments, output, dict(os.environ), disk, size)
    process = _processes().Process(target=_session, args=given, daemon=True)
    process.start()
    return Forked(process, output)


def child(arguments: Sequence[str], output: Path, seconds: float | None) -> int:
    """What ``hw1bench.session.child.Child.run`` does, without a new interpreter and without a limit of ``seconds``."""
    assert seconds is None
    session = begin(Path.cwd(), *arguments, output=output.with_suffix(".session"))
    status = session.ended()
    with open(output, "a") as file:
        file.write(session.said)
    return status


def _session(
    folder: Path, arguments: tuple[str, ...], output: Path, environment: Mapping[str, str], disk: str, size: int
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    if disk:
        _mount(folder / disk, size)
    printed = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(printed, descriptor)
    os.close(printed)
    sys.exit(pytest.main(["-W", _IMPORTED, *arguments]))  # what follows "--" is a file


def _mount(folder: Path, size: int) -> None:
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS | (_NEW_USER if user else 0)):
        raise OSError(ctypes.get_errno(), "no disks of its own")
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    for command in (
        ["mount", "--make-rprivate", "/"],
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)],
    ):
        subprocess.run(command, check=True)


@cache
def own_disks() -> bool:
    """Whether a session here can have a disk of its own."""
    process = _processes().Process(target=_mount, args=(Path("/tmp"), 2**16))
    process.start()
    process.join(_PATIENCE)
    return process.exitcode == 0
