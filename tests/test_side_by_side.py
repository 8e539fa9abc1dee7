"""Blocks side by side give what they give alone, within the memory and the queue of the device."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cases import ARM, first
from hw1bench import Model
from hw1bench.records.runs import Block
from hw1bench.support import arithmetic
from hw1bench.training import captured, engine, resident, side_by_side
from kernel_cases import assert_same_bits
from test_image_kernel import BASE, COLOUR, SIZE_8, block

CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"))
CPU = torch.device("cpu")
FLOAT = replace(BASE, precision="float32", batch_size=20, epochs=3)
NETS = [
    replace(FLOAT, model=Model("64-10")),
    replace(FLOAT, model=Model("C(1-3,3,p1,pool2) dropout 48-10"), epochs=2),
    replace(FLOAT, model=Model("C(3-8,3,p1,pool2) 128-10"), data=replace(COLOUR, augment=True)),
    replace(FLOAT, model=Model("64-20 dropout 20-10"), gradient_norm="step"),
    replace(FLOAT, model=Model("C(1-3,3,p1,pool2) 48-10"), data=replace(SIZE_8, random_labels=True)),
]


def train(arms, device=CPU, count=130):
    """The arrays and seconds by place."""
    found = {}
    jobs = [(block(arm), first(count).load(arm.data)) for arm in arms]
    with arithmetic.fixed_settings("default"):
        side_by_side.train(jobs, device, lambda steps: None, lambda place, *record: found.update({place: record}))
    return found


@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_each_block_gives_what_it_gives_alone(device):
    found = train(NETS, torch.device(device))
    assert sorted(found) == list(range(len(NETS)))
    for place, arm in enumerate(NETS):
        assert_same_bits(found[place][0], train([arm], torch.device(device))[0][0])


@pytest.fixture
def watched(monkeypatch):
    """Trainings of so many parts as an arm has epochs, without training; what they do is in ``events``."""
    events = []

    def parts(trained, dataset, on):
        events.append(("begin", trained.arm.epochs, on))
        try:
            for _ in range(trained.arm.epochs):
                if trained.arm.batch_size == 1:
                    raise MemoryError
                yield 8
        finally:
            events.append(("end", trained.arm.epochs, on))
        return {"epochs": np.array(trained.arm.epochs)}

    monkeypatch.setattr(resident, "parts", parts)
    return events


def running(events):
    """How many trainings run after each event."""
    return np.cumsum([1 if what == "begin" else -1 for what, *_ in events])


def test_the_longest_begin_first_and_few_run_at_once(watched):
    found = train([replace(FLOAT, epochs=epochs) for epochs in (4, 9, 2, 7, 5)])
    assert [epochs for what, epochs, _ in watched if what == "begin"] == [9, 7, 5, 4, 2]
    assert running(watched).max() == side_by_side.MOST == 3
    assert {place: int(arrays["epochs"]) for place, (arrays, _) in found.items()} == {0: 4, 1: 9, 2: 2, 3: 7, 4: 5}


def test_no_two_share_streams(watched):
    train([replace(FLOAT, epochs=epochs) for epochs in (4, 9, 2, 7, 5, 3)])
    here = set()
    for what, _, on in watched:
        assert (on in here) == (what == "end")
        here ^= {on}


@pytest.mark.parametrize(("room", "most"), [(0.5, 1), (2.5, 2), (100, 3)])
def test_only_as_many_run_as_memory_allows(room, most, watched, monkeypatch):
    arms = [replace(FLOAT, epochs=epochs) for epochs in (4, 9, 2)]
    each = resident.memory(block(arms[0]), first(130).load(FLOAT.data))
    monkeypatch.setattr(side_by_side, "_free", lambda device: room * each)
    train(arms)
    assert running(watched).max() == most


def test_a_training_far_ahead_of_the_gpu_waits_and_others_go_on():
    behind = SimpleNamespace(query=lambda: False)
    done = SimpleNamespace(query=lambda: True)
    one = side_by_side._Training(0, 0, 0, captured.streams(CPU, 0), iter(()))
    one.queued.extend([behind] * 7)
    assert one.ready()
    one.queued.append(behind)
    assert not one.ready()
    one.queued.appendleft(done)
    one.queued[1] = done
    assert one.ready()
    assert len(one.queued) == 7


def test_the_time_is_shared_among_those_that_run(watched, monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(side_by_side.time, "perf_counter", lambda: float(next(clock)))
    found = train([replace(FLOAT, epochs=1), replace(FLOAT, epochs=4)])
    # Two take one part each, and one tells that it is done: half of four seconds. The other takes all that follow.
    assert [found[place][1] for place in (0, 1)] == [2.0, 5.0]


def test_an_error_ends_the_others_and_keeps_what_is_done(watched):
    arms = [replace(FLOAT, epochs=9), replace(FLOAT, epochs=8), replace(FLOAT, epochs=1)]
    arms += [replace(FLOAT, epochs=1, batch_size=1, snapshots=None)]
    done = []
    jobs = [(block(arm), first(130).load(arm.data)) for arm in arms]
    with pytest.raises(MemoryError):
        side_by_side.train(jobs, CPU, lambda steps: None, lambda place, *record: done.append(place))
    assert (done, running(watched)[-1]) == ([2], 0)


def test_each_is_given_up_whatever_the_others_do(watched, monkeypatch):
    parts = resident.parts

    def stubborn(trained, dataset, on):
        try:
            yield from parts(trained, dataset, on)
        finally:
            if trained.arm.epochs == 9:
                raise RuntimeError("it does not end")

    monkeypatch.setattr(resident, "parts", stubborn)
    arms = [replace(FLOAT, epochs=9), replace(FLOAT, epochs=8), replace(FLOAT, epochs=7, batch_size=1, snapshots=None)]
    with pytest.raises(RuntimeError, match="it does not end"):
        train(arms)
    assert running(watched)[-1] == 0


def test_small_nets_of_images_are_trained_side_by_side_on_a_gpu_and_nothing_else():
    cuda = torch.device("cuda")
    large = replace(FLOAT, model=Model("64-1000-1000-10"))
    blocks = [Block("T", "x", arm, 0) for arm in (NETS[0], large, replace(ARM, batch_size=None), NETS[1])]
    assert engine.groups(blocks, cuda) == [[blocks[0], blocks[3]], [blocks[1]], [blocks[2]]]
    assert engine.groups(blocks, CPU) == [[one] for one in blocks]
    assert engine.groups(blocks[1:3], cuda) == [[blocks[1]], [blocks[2]]]


def test_a_group_gives_the_records_of_its_blocks(monkeypatch):
    blocks = [Block("T", "x", replace(arm, epochs=1), 0) for arm in (NETS[0], NETS[1])]
    monkeypatch.setattr(engine, "backend", lambda arm, device: "resident")
    found, told = {}, []
    engine.train_group(blocks, CPU, found.__setitem__, told.append)
    assert sum(told) == sum(engine.steps(one) for one in blocks)
    for one in blocks:
        alone = engine.train(one, CPU)
        assert_same_bits(found[one].arrays, alone.arrays)
        assert found[one].facts == alone.facts


def test_the_memory_of_a_training():
    arm = replace(FLOAT, model=Model("C(1-2,3,p1) 128-10"), data=SIZE_8, batch_size=20)
    dataset = first(130).load(arm.data)
    numbers = 2 * (130 + len(dataset.test or ())) * 64 + 11 * 130 * 64
    layers = 128 + 128 + 10  # the convolution, flat, dense
    numbers += 4 * 4 * 8 * 20 * layers + 8 * 8 * (20 + 1290) + 4 * 8 * 2**24 + 4 * 2**27
    assert resident.memory(block(arm), dataset) == 4 * numbers
