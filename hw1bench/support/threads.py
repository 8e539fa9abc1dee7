"""Threads of Python that have one torch thread each: runs and measurements of nets this small go faster side by side than one
after the other on all threads, and their digits do not depend on the number of threads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch


@contextmanager
def pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """An executor with so many ``workers``; at its end what has not begun is left, and torch has its threads again."""
    threads = torch.get_num_threads()
    executor = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # a worker's setting is also that of threads to come
