"""Files that appear whole or not at all; temporary files of killed writers are removed, those of living ones stay."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from hw1bench.support import files
from hw1bench.support.files import remove_abandoned, write_whole, writing

HELD = """
import pathlib, sys, time
from hw1bench.support.files import writing
with writing(pathlib.Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
    file.write(b" whole")
"""


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def writer(tmp_path):
    """Another process that has written half of ``tmp_path / key.npz``, and goes on when its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HELD, str(tmp_path / "key.npz")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"writing\n"
        yield process
        process.kill()


def test_the_file_of_a_killed_writer_is_removed(writer, tmp_path):
    write_whole(tmp_path / "other.npz", b"whole")
    assert len(left(tmp_path)) == 2
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert len(left(tmp_path)) == 2
    remove_abandoned(tmp_path)
    assert left(tmp_path) == ["other.npz"]


def test_the_file_of_a_living_writer_stays_however_old(writer, tmp_path):
    [name] = left(tmp_path)
    os.utime(tmp_path / name, (0, 0))
    remove_abandoned(tmp_path)
    assert left(tmp_path) == [name]
    writer.stdin.close()
    assert writer.wait() == 0
    assert left(tmp_path) == ["key.npz"]
    assert (tmp_path / "key.npz").read_bytes() == b"half whole"


@pytest.mark.parametrize("call", ["open", "fstat", "stat", "replace", "flock"])
def test_an_interrupt_in_any_call_leaves_no_temporary_file(tmp_path, monkeypatch, call):
    module = files.fcntl if call == "flock" else os
    function = getattr(module, call)

    def interrupted(*arguments, **options):
        found = function(*arguments, **options)
        if left(tmp_path):  # the folder of the file is looked at before
            raise KeyboardInterrupt
        return found

    with monkeypatch.context() as patch:
        patch.setattr(module, call, interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_whole(tmp_path / "key", b"whole")
    assert left(tmp_path) == (["key"] if call == "replace" else [])


def test_sweeping_while_others_write_does_not_disturb_them(tmp_path):
    done = threading.Event()

    def sweeping():
        while not done.is_set():
            remove_abandoned(tmp_path)

    sweeper = threading.Thread(target=sweeping)
    sweeper.start()
    try:
        for i in range(100):
            write_whole(tmp_path / f"{i % 7}", str(i).encode())
            assert (tmp_path / f"{i % 7}").read_bytes() == str(i).encode()
    finally:
        done.set()
        sweeper.join()
    assert left(tmp_path) == [f"{i}" for i in range(7)]


@pytest.mark.parametrize("name", [".key-abc.tmp", ".key.npz.123-456.tmp", ".key.npz-0123abcd-0123abcd.tmp"])
def test_only_old_files_of_other_machines_are_removed(tmp_path, name):
    (tmp_path / name).write_bytes(b"half")
    remove_abandoned(tmp_path)
    assert left(tmp_path) == [name]
    os.utime(tmp_path / name, (time.time() - 4000,) * 2)
    remove_abandoned(tmp_path)
    assert left(tmp_path) == []


def test_on_a_disk_without_locks_files_are_written_and_only_old_ones_are_removed(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError("no locks available")

    monkeypatch.setattr(files.fcntl, "flock", refuse)
    with writing(tmp_path / "key") as file:
        file.write(b"half")
        remove_abandoned(tmp_path)
        file.write(b" whole")
    assert (tmp_path / "key").read_bytes() == b"half whole"
    name = f".key{files._HERE}0.tmp"
    (tmp_path / name).write_bytes(b"")
    remove_abandoned(tmp_path)
    assert left(tmp_path) == [name, "key"]
    os.utime(tmp_path / name, (0, 0))
    remove_abandoned(tmp_path)
    assert left(tmp_path) == ["key"]


def test_only_temporary_files_are_removed_and_nothing_raises(tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"kept")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("key.npz", "key.tmp", ".hidden", f".key{files._HERE}1.tmp"):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (0, 0))
    (folder / ".folder.tmp").mkdir()
    os.mkfifo(folder / ".pipe.tmp")
    (folder / ".link.tmp").symlink_to(outside)
    (folder / ".nowhere.tmp").symlink_to("nowhere")
    for path in folder.iterdir():
        os.utime(path, (0, 0), follow_symlinks=False)
    remove_abandoned(folder)
    remove_abandoned(tmp_path / "missing")
    remove_abandoned(outside)
    assert left(folder) == [".folder.tmp", ".hidden", ".link.tmp", ".nowhere.tmp", ".pipe.tmp", "key.npz", "key.tmp"]
    assert outside.read_bytes() == b"kept"


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("no"), KeyboardInterrupt()])
def test_a_body_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, error):

    def fail():
        with writing(tmp_path / "key") as file:
            file.write(b"new")
            raise error

    write_whole(tmp_path / "key", b"old")
    with pytest.raises(type(error)):
        fail()
    assert left(tmp_path) == ["key"]
    assert (tmp_path / "key").read_bytes() == b"old"


def test_a_folder_in_the_way_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "key").mkdir()
    with pytest.raises(OSError, match="key"):
        write_whole(tmp_path / "key", b"new")
    assert left(tmp_path) == ["key"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o000])
def test_the_umask_decides_who_may_read_the_file(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "key", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o666 & ~umask
