"""Small sets of images, and containers for them."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hw1bench.images.find import MNIST_FILES
from hw1bench.images.sets import SPLITS, Stack

SIDES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
NAMES = {
    "mnist": [str(n) for n in range(10)],
    "cifar10": ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
}
COUNTS = {"train": 30, "test": 20}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Give each test a cache and a temporary folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.delenv("HW1BENCH_DATA", raising=False)


class RecordingProgress:
    """Progress that records its calls."""

    def __init__(self):
        self.notices, self.bars = [], []

    def start(self, label, steps):
        self.bars.append([label, steps, 0, "open"])

    def advance(self, steps, label=""):
        self.bars[-1][2] += steps

    def finish(self):
        self.bars[-1][3] = "closed"

    def notice(self, text):
        self.notices.append(text)


def draw(name, seed=0):
    """Splits of random images with every class in each."""
    random = np.random.default_rng(seed)
    return {
        split: Stack(random.integers(0, 256, (n, *SIDES[name]), np.uint8), random.permutation(np.arange(n) % 10))
        for split, n in COUNTS.items()
    }


def png(image, mode=None, **options):
    """An image (channels, height, width) as the content of a file."""
    picture = Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0))
    file = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(file, options.pop("format", "png"), **options)
    return file.getvalue()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def files(name, splits):
    """Path in an image folder -> content."""
    return {
        f"{split}/{NAMES[name][label]}/{n:04}.png": png(image)
        for split in SPLITS
        for n, (image, label) in enumerate(zip(splits[split].images, splits[split].labels, strict=True))
    }


def put_tree(folder, contents):
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def put_tar(path, contents, top=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, {".tar": "w", ".xz": "w:xz", ".bz2": "w:bz2"}.get(path.suffix, "w:gz")) as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(top + name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def put_zip(path, contents):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def put(path, contents):
    """Write ``contents``, path -> bytes, as a folder or an archive, according to the suffix of ``path``."""
    if path.suffix == ".zip":
        return put_zip(path, contents)
    return (
        put_tar(path, contents) if path.suffix in (".tar", ".gz", ".tgz", ".xz", ".bz2") else put_tree(path, contents)
    )


def idx(array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape)
    return head + array.astype(np.uint8).tobytes()


def raw_files(splits, *, packed=False):
    """MNIST's files, name -> content."""
    contents = {
        name: idx(array)
        for split, names in MNIST_FILES.items()
        for name, array in zip(names, (splits[split].images[:, 0], splits[split].labels), strict=True)
    }
    return {f"{name}.gz": gzip.compress(content) for name, content in contents.items()} if packed else contents


def put_idx(folder, splits, *, packed=False):
    """Write MNIST's raw files into ``folder``/MNIST/raw; return that folder."""
    return put_tree(folder / "MNIST" / "raw", raw_files(splits, packed=packed))


def md5(content):
    return hashlib.md5(content).hexdigest()


def batches(splits, names):
    """CIFAR-10's files as published, name -> content; ``names`` are the names of the classes."""

    def batch(stack):
        rows = stack.images.reshape(len(stack.images), -1)
        return pickle.dumps({"data": rows, "labels": [int(label) for label in stack.labels]})

    train, parts = splits["train"], np.array_split(np.arange(COUNTS["train"]), 5)
    found = {f"data_batch_{n}": batch(Stack(train.images[p], train.labels[p])) for n, p in enumerate(parts, 1)}
    return {**found, "test_batch": batch(splits["test"]), "batches.meta": pickle.dumps({"label_names": names})}


def publish(monkeypatch, contents):
    """Let torchvision accept ``contents`` as CIFAR-10's files."""
    from hw1bench.images.vision import datasets

    cifar = datasets().CIFAR10
    lists = [[name, md5(content)] for name, content in contents.items() if "batch_" in name]
    monkeypatch.setattr(cifar, "train_list", lists)
    monkeypatch.setattr(cifar, "test_list", [["test_batch", md5(contents["test_batch"])]])
    monkeypatch.setattr(cifar, "meta", {**cifar.meta, "md5": md5(contents["batches.meta"])})
    return cifar


def put_batches(folder, contents):
    return put_tree(Path(folder) / "cifar-10-batches-py", contents)


def set_canonical(monkeypatch, form, fingerprint):
    """Make ``fingerprint`` the canonical one of ``form``."""
    monkeypatch.setitem(vars(form), "fingerprint", fingerprint)


def same(one, other):
    """Whether two sets have bitwise the same arrays."""
    pairs = [(getattr(one, split), getattr(other, split)) for split in SPLITS]
    return one.fingerprint == other.fingerprint and all(
        a.images.dtype == b.images.dtype
        and a.labels.dtype == b.labels.dtype
        and np.array_equal(a.images, b.images)
        and np.array_equal(a.labels, b.labels)
        for a, b in pairs
    )
