"""Downloads with torchvision's downloader, verified by its MD5 digests; a set arrives whole or not at all."""

import gzip
import io
import os
import socket
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from http.client import HTTPException
from pathlib import Path

from hw1bench.images.find import CIFAR10_ARCHIVE, CIFAR10_BATCHES, MNIST_RAW
from hw1bench.images.published import missing
from hw1bench.images.sets import MNIST, KnownSet
from hw1bench.images.vision import datasets
from hw1bench.support.refusals import Unavailable

TIMEOUT = 20.0  # seconds without a byte after which a download fails; torchvision sets no timeout


@contextmanager
def _limited() -> Iterator[None]:
    """Context in which connections time out, and torchvision's bar, which is redrawn thousands of times, needs a terminal."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        with redirect_stderr(sys.stderr if sys.stderr.isatty() else io.StringIO()):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _download(urls: Sequence[str], path: Path, digest: str, say: Callable[[str], None]) -> None:
    """Download the file with the MD5 digest ``digest`` from the first of ``urls`` that has it. Raises ConnectionError if none
    does."""
    failures = []
    for url in urls:
        say(f"fetching {url}")
        try:
            with _limited():
                datasets().utils.download_url(url, path.parent, path.name, digest)
            return
        except (OSError, HTTPException, RuntimeError) as error:
            # torchvision raises a bare RuntimeError for a file with an unexpected digest.
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            failures.append(f"{url}: {'it arrived damaged' if type(error) is RuntimeError else reason}")
    raise ConnectionError("; ".join(failures))


def _mnist(names: Sequence[str], folder: Path, say: Callable[[str], None]) -> None:
    mnist = datasets().MNIST
    for name in names:
        packed = folder / f"{name}.gz"
        urls = [f"{mirror}{packed.name}" for mirror in mnist.mirrors]
        _download(urls, packed, dict(mnist.resources)[packed.name], say)
        (folder / name).write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()


def _cifar10(names: Sequence[str], folder: Path, say: Callable[[str], None], here: Path) -> None:
    """Extract ``names`` from the archive, which is downloaded unless it is ``here`` with the right digest."""
    cifar, archive = datasets().CIFAR10, here
    if not datasets().utils.check_integrity(here, cifar.tgz_md5):
        archive = folder.parent / CIFAR10_ARCHIVE
        _download([cifar.url], archive, cifar.tgz_md5, say)
    with tarfile.open(archive) as tar:
        for member in tar:
            base, _, name = member.name.rpartition("/")
            content = tar.extractfile(member) if base == cifar.base_folder and name in names else None
            if content is not None:
                (folder / name).write_bytes(content.read())


def _way_out(form: KnownSet, folder: Path, names: Sequence[str]) -> str:
    if form is MNIST:
        return f"put {', '.join(names)} (or as .gz) into {folder / MNIST_RAW}"
    url = datasets().CIFAR10.url
    return f"put {CIFAR10_ARCHIVE} from {url.rpartition('/')[0]} into {folder} and run this again, or unpack it there yourself"


def fetch(form: KnownSet, folder: Path, say: Callable[[str], None]) -> Path:
    """Download the missing published files of the set into ``folder``; return the folder that holds them.

    Existing files stay as they are. A failed or interrupted attempt leaves nothing behind. ``say`` is called with each file
    that is fetched. Raises ``Unavailable``, in one line that says which files to put where, if the download fails.
    """
    target = folder / (MNIST_RAW if form is MNIST else CIFAR10_BATCHES)
    names = missing(form, target)
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{form.name}-", dir=folder) as temporary:
            arrived = Path(temporary, "files")  # made with the usual rights, unlike the folder around it
            arrived.mkdir()
            if form is MNIST:
                _mnist(names, arrived, say)
            else:
                _cifar10(names, arrived, say, folder / CIFAR10_ARCHIVE)
            if target.exists():
                for name in names:
                    os.replace(arrived / name, target / name)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(arrived, target)
    except (OSError, EOFError, tarfile.TarError) as error:
        reason = str(error).splitlines()[0]
        raise Unavailable(f"{form.title} cannot be fetched ({reason}): {_way_out(form, folder, names)}") from error
    finally:
        for place in made:
            with suppress(OSError):  # it was never made, or it is not empty, because the set is in it
                place.rmdir()
    return target
