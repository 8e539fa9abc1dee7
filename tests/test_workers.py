"""Parts of a measurement side by side: order, errors, and the number of torch's threads afterwards."""

import threading
import time

import pytest
import torch

from hw1bench.measures.parallel import side_by_side

GPU = torch.device("meta")  # stands for any device other than the CPU


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def in_a_new_thread(function):
    """A worker's setting would also apply to threads that start later."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def last_first(part):
    """The first parts take longest."""
    time.sleep(0.01 * (4 - part))
    return part


@pytest.mark.parametrize("device", [None, torch.device("cpu"), GPU], ids=str)
def test_results_come_in_the_order_of_the_parts(device):
    assert side_by_side(last_first, range(4), device) == [0, 1, 2, 3]


def test_no_parts_need_no_threads(monkeypatch):
    monkeypatch.setattr("hw1bench.measures.parallel.pool", None)
    assert side_by_side(last_first, []) == []


def test_parts_run_at_the_same_time_on_processors_and_one_by_one_on_a_gpu(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    together = threading.Barrier(2, timeout=10)
    side_by_side(lambda part: together.wait(), range(2))
    workers = side_by_side(lambda part: time.sleep(0.01) or threading.get_ident(), range(4), GPU)
    assert len(set(workers)) == 1


def test_each_part_has_one_torch_thread_and_torch_keeps_its_own(three_threads):
    assert side_by_side(lambda part: torch.get_num_threads(), range(3)) == [1, 1, 1]
    assert torch.get_num_threads() == in_a_new_thread(torch.get_num_threads) == 3


def test_the_first_error_is_raised_and_cancels_what_had_not_begun(three_threads):
    begun = []

    def part(number):
        begun.append(number)
        time.sleep(0.002)
        if number in (3, 5):
            raise ValueError(f"part {number}")
        return number

    with pytest.raises(ValueError, match="part 3"):
        side_by_side(part, range(500), GPU)
    assert 4 <= len(begun) < 500
    assert torch.get_num_threads() == in_a_new_thread(torch.get_num_threads) == 3
