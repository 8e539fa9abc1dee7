"""``python -m hw1bench data``, with a local server in place of torchvision's."""

import gzip
import io
import os
import socket
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hw1bench import images
from hw1bench.__main__ import main
from hw1bench.images import fetch, published
from hw1bench.images.sets import CIFAR10, MNIST
from hw1bench.session.settings import default_data_dir
from hw1bench.support.places import data_folder
from image_sets import (  # noqa: F401
    NAMES,
    batches,
    draw,
    files,
    md5,
    own_cache,
    publish,
    put_batches,
    put_idx,
    put_tree,
    set_canonical,
)

IMAGES = "train-images-idx3-ubyte"


class Server(ThreadingHTTPServer):
    """Server of ``contents``, path -> bytes; it sends only half of a path in ``cut``, and nothing of a path in ``mute``."""

    daemon_threads = True

    def __init__(self):
        self.contents, self.cut, self.mute, self.asked = {}, set(), set(), []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"

    def handle_error(self, request, client_address):
        """A client that disconnects early is not an error."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path[1:]
        self.server.asked.append(name)
        if name in self.server.mute:
            time.sleep(2)
        if name not in self.server.contents:
            self.send_error(404)
            return
        content = self.server.contents[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if name in self.server.cut else content)

    def log_message(self, *text): ...


@pytest.fixture
def server():
    serving = Server()
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield serving
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture
def mnist(tmp_path, monkeypatch, server):
    """A small MNIST that counts as the published one, on the server; returns its files, name -> content."""
    raw = put_idx(tmp_path / "published", draw("mnist"))
    contents = {path.name: path.read_bytes() for path in raw.iterdir()}
    set_canonical(monkeypatch, MNIST, images.read("mnist", tmp_path / "published").fingerprint)
    monkeypatch.setattr(published, "MNIST_MD5", {name: md5(contents[name]) for name in published.MNIST_MD5})
    server.contents = {f"{name}.gz": gzip.compress(content) for name, content in contents.items()}
    torchvision = published.datasets().MNIST
    monkeypatch.setattr(torchvision, "mirrors", [server.url])
    monkeypatch.setattr(torchvision, "resources", [(name, md5(content)) for name, content in server.contents.items()])
    return contents


@pytest.fixture
def cifar10(tmp_path, monkeypatch, server):
    """The same for CIFAR-10."""
    contents = batches(draw("cifar10"), NAMES["cifar10"])
    torchvision = publish(monkeypatch, contents)
    put_batches(tmp_path / "published", contents)
    set_canonical(monkeypatch, CIFAR10, images.read("cifar10", tmp_path / "published").fingerprint)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in {"readme.html": b"", "../evil": b"", **contents}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    server.contents = {"cifar-10-python.tar.gz": file.getvalue()}
    monkeypatch.setattr(torchvision, "url", f"{server.url}cifar-10-python.tar.gz")
    monkeypatch.setattr(torchvision, "tgz_md5", md5(file.getvalue()))
    return contents


def run(capsys, name, folder):
    """Run the command; return exit status, lines of output, lines of errors."""
    capsys.readouterr()
    status = main(["data", name, "--data-dir", str(folder)])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err.splitlines()


def everything(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_mnist_is_fetched_whole_and_checked(tmp_path, capsys, server, mnist):
    status, out, err = run(capsys, "mnist", tmp_path / "new" / "data")
    assert (status, err) == (0, [f"fetching {server.url}{name}.gz" for name in published.MNIST_MD5])
    assert out == [
        f"MNIST in {tmp_path}/new/data/MNIST/raw",
        *[f"  {name}  ok" for name in published.MNIST_MD5],
        f"  30 training and 20 test images, fingerprint {MNIST.fingerprint}, canonical",
    ]
    assert everything(tmp_path / "new") == {f"data/MNIST/raw/{name}": content for name, content in mnist.items()}
    asked = len(server.asked)
    status, again, err = run(capsys, "mnist", tmp_path / "new" / "data")
    assert (status, again, err, len(server.asked)) == (0, out, [], asked)


def test_cifar10_is_fetched_whole_and_checked(tmp_path, capsys, server, cifar10):
    status, out, err = run(capsys, "cifar10", tmp_path / "data")
    assert (status, err) == (0, [f"fetching {server.url}cifar-10-python.tar.gz"])
    assert out[1:-1] == [f"  {name}  ok" for name in cifar10]
    assert out[-1].endswith("canonical")
    assert everything(tmp_path / "data") == {
        f"cifar-10-batches-py/{name}": content for name, content in cifar10.items()
    }


def test_an_archive_that_is_there_is_not_fetched(tmp_path, capsys, server, cifar10):
    name = "cifar-10-python.tar.gz"
    put_tree(tmp_path / "data", server.contents)
    assert run(capsys, "cifar10", tmp_path / "data")[0] == 0
    assert not server.asked
    put_tree(tmp_path / "other", {name: b"damaged"})
    assert run(capsys, "cifar10", tmp_path / "other")[0] == 0
    assert set(server.asked) == {name}
    assert (tmp_path / "other" / name).read_bytes() == b"damaged"


def test_only_missing_files_are_fetched(tmp_path, capsys, server, mnist):
    data = tmp_path / "data"
    raw = put_idx(data, draw("mnist"))
    (raw / IMAGES).unlink()
    before = (raw / "t10k-images-idx3-ubyte").stat().st_mtime_ns
    assert run(capsys, "mnist", data)[0] == 0
    assert set(server.asked) == {f"{IMAGES}.gz"}
    assert (raw / "t10k-images-idx3-ubyte").stat().st_mtime_ns == before


@pytest.mark.parametrize("spelling", [IMAGES, "train-images.idx3-ubyte", f"{IMAGES}.gz", "train-images.idx3-ubyte.gz"])
def test_a_broken_link_is_a_missing_file(tmp_path, capsys, server, mnist, spelling):
    raw = put_idx(tmp_path / "data", draw("mnist"))
    (raw / IMAGES).unlink()
    (raw / spelling).symlink_to("nowhere")
    assert published.missing(MNIST, raw) == [IMAGES]
    status, _, err = run(capsys, "mnist", tmp_path / "data")
    assert (status, len(err), set(server.asked)) == (1, 1, set())
    assert f"{raw / spelling} cannot be read (No such file or directory): remove it and run" in err[0]


def test_a_pipe_in_place_of_a_file_is_named(tmp_path, capsys, server, mnist, cifar10):
    raw = put_idx(tmp_path / "data", draw("mnist"))
    batches = put_tree(tmp_path / "data" / "cifar-10-batches-py", cifar10)
    for name, path, said in (
        ("mnist", raw / IMAGES, "cannot be read (it is not a regular file)"),
        ("cifar10", batches / "test_batch", "does not have the MD5 digest"),
    ):
        path.unlink()
        os.mkfifo(path)
        status, _, err = run(capsys, name, tmp_path / "data")
        assert (status, len(err)) == (1, 1)
        assert f"{path} {said}" in err[0]


def test_a_damaged_archive_does_not_keep_the_set_from_being_fetched(tmp_path, capsys, server, mnist):
    path = put_tree(tmp_path / "data", {"mnist.tar.gz": b"damaged"}) / "mnist.tar.gz"
    status, out, err = run(capsys, "mnist", tmp_path / "data")
    assert (status, out[0]) == (0, f"MNIST in {tmp_path}/data/MNIST/raw")
    assert err[0].startswith(f"passed over: {path}, after its start, cannot be read")


def test_the_second_mirror_is_used_if_the_first_fails(tmp_path, capsys, monkeypatch, server, mnist):
    monkeypatch.setattr(published.datasets().MNIST, "mirrors", [f"{server.url}gone/", server.url])
    assert run(capsys, "mnist", tmp_path / "data")[0] == 0


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize(
    ("name", "reason"),
    [("cut", "it arrived damaged"), ("wrong", "it arrived damaged"), ("gone", "Not Found"), ("mute", "timed out")],
)
def test_a_download_that_fails_leaves_nothing(tmp_path, capsys, monkeypatch, server, mnist, there, name, reason):
    """The third of four files fails."""
    file = "t10k-images-idx3-ubyte.gz"
    monkeypatch.setattr(fetch, "TIMEOUT", 0.2)
    if name in ("cut", "mute"):
        getattr(server, name).add(file)
    elif name == "wrong":
        server.contents[file] = gzip.compress(b"something else")
    else:
        del server.contents[file]
    data = tmp_path / "new" / "data"
    if there:
        put_tree(data, {"mine.txt": b""})
    status, out, err = run(capsys, "mnist", data)
    assert (status, out) == (1, [])
    assert err[-1].startswith(f"hw1bench: MNIST cannot be fetched ({server.url}{file}: {reason}): put {IMAGES}, ")
    assert err[-1].endswith(f"(or as .gz) into {data}/MNIST/raw")
    assert sum(not line.startswith("fetching ") for line in err) == 1
    assert sorted(path.name for path in tmp_path.glob("new/**/*")) == (["data", "mine.txt"] if there else [])
    assert (tmp_path / "new").exists() == there
    assert socket.getdefaulttimeout() is None


def test_an_interrupted_download_leaves_nothing(tmp_path, capsys, monkeypatch, cifar10):
    def interrupted(url, root, filename, digest):
        (root / filename).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(published.datasets().utils, "download_url", interrupted)
    status, out, err = run(capsys, "cifar10", tmp_path / "data")
    assert (status, out, err[1:]) == (1, [], ["hw1bench: interrupted; no partial download was left behind"])
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_offline_one_line_says_what_to_put_where(tmp_path, capsys, monkeypatch, name):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    sets = published.datasets()
    monkeypatch.setattr(sets.MNIST, "mirrors", [f"{url}one/", f"{url}two/"])
    monkeypatch.setattr(sets.CIFAR10, "url", f"{url}cifar-10-python.tar.gz")
    status, out, err = run(capsys, name, tmp_path / "data")
    assert (status, out) == (1, [])
    (line,) = [line for line in err if not line.startswith("fetching ")]
    assert "Connection refused" in line
    wanted = (
        [*published.MNIST_MD5, "data/MNIST/raw"]
        if name == "mnist"
        else ["cifar-10-python.tar.gz", f"into {tmp_path}/data"]
    )
    assert all(text in line for text in wanted)


def test_a_wrong_file_is_named(tmp_path, capsys, mnist):
    raw = put_idx(tmp_path, draw("mnist"), packed=True)
    content = bytearray(mnist[IMAGES])
    content[-1] ^= 1
    path = raw / f"{IMAGES}.gz"
    path.write_bytes(gzip.compress(content))
    status, out, err = run(capsys, "mnist", tmp_path)
    assert status == 1
    assert out[1] == f"  {IMAGES}.gz  wrong: its MD5 digest is not {published.MNIST_MD5[IMAGES]}"
    assert [line.endswith("ok") for line in out[2:5]] == [True] * 3
    assert out[5].endswith(f"not the canonical {MNIST.fingerprint}")
    again = f"remove it and run `python -m hw1bench data mnist --data-dir {tmp_path}`"
    assert err == [f"hw1bench: {path} is not the published file: {again}"]
    path.write_bytes(b"no gzip")
    status, out, err = run(capsys, "mnist", tmp_path)
    assert (status, len(out), len(err)) == (1, 5, 1)
    assert f"{path} cannot be read" in err[0]


def test_a_repacked_file_still_counts_as_published(tmp_path, capsys, mnist):
    put_idx(tmp_path, draw("mnist"), packed=True)
    path = tmp_path / "MNIST" / "raw" / f"{IMAGES}.gz"
    path.write_bytes(gzip.compress(mnist[IMAGES], 1, mtime=1))
    assert run(capsys, "mnist", tmp_path)[0] == 0


def test_an_image_folder_is_checked_by_its_fingerprint(tmp_path, capsys, monkeypatch):
    put_tree(tmp_path / "mnist", files("mnist", draw("mnist")))
    status, out, err = run(capsys, "mnist", tmp_path)
    assert (status, out[0], len(out)) == (1, f"MNIST in {tmp_path / 'mnist'}", 2)
    assert err == [f"hw1bench: {tmp_path / 'mnist'} is not the canonical MNIST: results trained on it will say so"]
    set_canonical(monkeypatch, MNIST, images.read("mnist", tmp_path).fingerprint)
    status, out, err = run(capsys, "mnist", tmp_path)
    assert (status, err) == (0, [])


def test_the_folder_comes_from_the_option_or_the_environment_or_is_the_users(tmp_path, capsys, monkeypatch, mnist):
    for name in ("option", "environment", "share/hw1bench"):
        put_idx(tmp_path / name, draw("mnist"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert default_data_dir() == tmp_path / "share" / "hw1bench"
    assert main(["data", "mnist"]) == 0
    assert capsys.readouterr().out.startswith(f"MNIST in {tmp_path / 'share' / 'hw1bench'}/")
    monkeypatch.setenv("HW1BENCH_DATA", "environment")
    assert main(["data", "mnist"]) == 0
    assert capsys.readouterr().out.startswith("MNIST in environment/")
    assert default_data_dir() == Path("environment")
    assert main(["data", "mnist", "--data-dir", "option"]) == 0
    assert capsys.readouterr().out.startswith("MNIST in option/")


def test_a_users_folder_that_is_not_there_is_none_for_a_session_and_one_to_make_for_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert default_data_dir() is None
    assert data_folder() == tmp_path / "share" / "hw1bench"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder() == tmp_path / ".local" / "share" / "hw1bench"


def test_a_user_without_a_home_names_a_folder(capsys, monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert main(["data", "mnist"]) == 2
    assert capsys.readouterr().err == (
        "hw1bench: there is no home folder to keep data in: give a folder with --data-dir or HW1BENCH_DATA\n"
    )


def test_bad_usage(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run(capsys, "mnist", tmp_path / "file") == (
        2, [], [f"hw1bench: {tmp_path / 'file'} is not a folder: give one with --data-dir or HW1BENCH_DATA"]
    )  # fmt: skip
    with pytest.raises(SystemExit) as caught:
        main(["data", "fashion"])
    assert caught.value.code == 2
