"""Python threads with one torch thread each: small nets train and are measured faster side by side than one after the other on
all threads, and their digits do not depend on the number of threads."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

_allowed: int | None = None


def processors() -> int:
    """The number of processors that this process may keep busy: all there are, or as many as ``limited`` allows."""
    return _allowed or os.cpu_count() or 1


@contextmanager
def limited(to: int, threads: int) -> Iterator[None]:
    """Context in which this process keeps ``to`` processors busy, and torch takes so many ``threads``, on whose number some
    digits depend: for one of several processes that share a machine."""
    global _allowed
    before, torchs = _allowed, torch.get_num_threads()
    _allowed = to
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        _allowed = before
        torch.set_num_threads(torchs)


@contextmanager
def pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Context with an executor of ``workers`` threads; at the end pending work is cancelled and torch gets its threads back."""
    threads = torch.get_num_threads()
    executor = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # a worker's setting also applies to threads that start later
