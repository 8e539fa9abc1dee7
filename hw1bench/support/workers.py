"""Python threads with one torch thread each: small nets train and are measured faster side by side than one after the other on
all threads, and their digits do not depend on the number of threads."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch


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
