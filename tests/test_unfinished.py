"""Blocks whose training is cut short: runs that have ended are kept, and the next session trains the others alone."""

import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from hw1bench import Arm, Function, Images, Model, Network, Optimizer
from hw1bench.data import Library
from hw1bench.executors.local import LocalTrainer
from hw1bench.records import stock, unfinished
from hw1bench.records.about import About, about_run
from hw1bench.records.runs import Block
from hw1bench.records.store import Store
from hw1bench.support import workers
from hw1bench.support.progress import Silent
from hw1bench.training import engine
from hw1bench.training.kernels import binaries

CPU = torch.device("cpu")
IMAGES = Arm(
    name="net",
    data=Images(name="digits", size=8),
    model=Model("64-5-10"),
    loss="cross_entropy",
    optimizer=Optimizer(name="adam", lr=1e-2),
    batch_size=50,
    epochs=2,
    keep="best",
)


class Layers(nn.Module):
    def __init__(self, *more):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), *more, nn.BatchNorm1d(4), nn.Linear(4, 10))

    def forward(self, x):
        return self.layers(x)


OWN = replace(IMAGES, model=Network(Layers, name="layers"))
BLOCK = Block("T", "x", IMAGES, 8)


class Shown(Silent):
    """A progress that notes what was started, and how many steps were done."""

    def __init__(self):
        self.started, self.steps = [], 0

    def start(self, label, steps):
        self.started.append((label, steps))

    def advance(self, steps, label=""):
        self.steps += steps


class Interrupting(Store):
    """A store that interrupts training once it has so many new ``runs``."""

    runs = 0

    def keep(self, key, record, of):
        super().keep(key, record, of)
        self.runs -= 1
        if self.runs == 0:
            raise KeyboardInterrupt


def kept(store):
    return list(store.folder.glob("*.npz"))


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Keep each run as soon as it has ended, two of which train side by side."""
    monkeypatch.setattr(unfinished, "HELD_SECONDS", -1.0)
    with workers.limited(2, torch.get_num_threads()):
        yield


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "blocks", notice=lambda text: pytest.fail(text))


def made(block, store, progress=None, put=True):
    """The record of ``block`` by a session, which puts it into the store."""
    found = []

    def done(of, record):
        found.append(record)
        if put:
            store.put(record.name, record, about_run(block, block.first_seed))

    LocalTrainer("cpu", progress or Silent(), Library(), store=store).make([block], {}, done)
    return found[0]


def cut_short(block, store, runs=3):
    interrupting = Interrupting(store.folder)
    there = len(kept(store))
    interrupting.runs = runs
    with pytest.raises(KeyboardInterrupt):
        made(block, interrupting)
    assert len(kept(store)) == there + runs


def assert_same(one, other):
    assert one.facts == other.facts
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype
        assert array.shape == other.arrays[name].shape
        assert array.tobytes() == other.arrays[name].tobytes(), name


def by_the_kernel(arm):
    return pytest.param(arm, marks=pytest.mark.skipif(not binaries.isa(), reason="the kernels are not built"))


ARMS = {
    "image kernel": by_the_kernel(IMAGES),
    "kernel, random labels": by_the_kernel(replace(IMAGES, data=replace(IMAGES.data, random_labels=True))),
    "kernel, gradients": by_the_kernel(replace(IMAGES, gradient_norm="step", snapshots=10)),
    "torch": replace(IMAGES, model=Model("64-300-10"), optimizer=Optimizer(name="adagrad", lr=1e-2), coast=True),
    "own network": OWN,
    "own network that draws": replace(OWN, model=Network(lambda: Layers(nn.Dropout(0.1)), name="drawing")),
}


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
@pytest.mark.parametrize("runs", [1, 3, 7])
def test_a_block_that_was_cut_short_goes_on_to_the_same_bits(store, arm, runs):
    block = Block("T", "x", arm, 8)
    whole = engine.train(block, CPU)
    cut_short(block, store, runs)
    progress = Shown()
    record = made(block, store, progress)
    assert_same(record, whole)
    left = engine.steps(block) * (8 - runs) // 8
    assert progress.started == [(f"T-x, net, seeds 8-15, {8 - runs} of them left", left)]
    assert progress.steps == left
    assert [path.stem for path in kept(store)] == [record.name]


def test_a_block_may_be_cut_short_again_and_again(store):
    for _ in range(4):
        cut_short(BLOCK, store, 2)
    assert len(kept(store)) == 8
    assert_same(made(BLOCK, store), engine.train(BLOCK, CPU))


def test_runs_that_all_ended_make_the_block_without_training(store, monkeypatch):
    whole = engine.train(BLOCK, CPU)
    made(BLOCK, store, put=False)  # as if the disk had refused the record of the block alone
    assert len(kept(store)) == 8
    monkeypatch.setattr(engine.image_kernel, "train", lambda *rest, **more: pytest.fail("trained"))
    monkeypatch.setattr(engine.sequential, "train", lambda *rest, **more: pytest.fail("trained"))
    record = made(BLOCK, store)
    assert_same(record, whole)
    assert len(kept(store)) == 1


@pytest.mark.skipif(not binaries.isa(), reason="the kernels are not built")
def test_seconds_are_those_of_the_runs_that_count(store, monkeypatch):
    """A run is charged by its steps: those that other runs have taken meanwhile are theirs, and are lost if these do not end."""
    each = engine.steps(BLOCK) // 8
    arrays = engine.train(BLOCK, CPU).row(0)
    monkeypatch.setattr(engine, "stopwatch", lambda runs: lambda: 100.0)

    def train(block, dataset, advance, *, seeds, ended):
        for seed, done in zip(seeds, (each, each, 2 * each), strict=False):
            advance(done)
            ended(seed, arrays)
        return {name: np.stack([array] * len(seeds)) for name, array in arrays.items()}

    monkeypatch.setattr(engine.image_kernel, "train", train)
    cut_short(BLOCK, store)
    assert sorted(store.get(path.stem).seconds for path in kept(store)) == [25.0, 50.0, 100.0]
    assert made(BLOCK, store).seconds == 175.0 + 100.0


def test_runs_are_held_in_memory_until_a_block_takes_long(store, monkeypatch):
    monkeypatch.setattr(unfinished, "HELD_SECONDS", 3600.0)
    made(BLOCK, store, put=False)
    assert kept(store) == []

    record = engine.train(BLOCK, CPU)
    now, counts = iter([0.0, 10.0, 20.0, 3601.0, 3602.0]), []
    monkeypatch.setattr(unfinished, "time", SimpleNamespace(monotonic=lambda: next(now)))
    there = unfinished.Unfinished(BLOCK, "0" * 32, store, lambda record: "")
    for row in range(4):
        there.ended(
            8 + row, replace(record, arrays={name: array[row : row + 1] for name, array in record.arrays.items()})
        )
        counts.append(len(kept(store)))
    assert counts == [0, 0, 3, 4]


def test_runs_that_are_held_when_a_block_is_cut_short_are_kept_too(store, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(unfinished, "time", SimpleNamespace(monotonic=lambda: now[0]))
    ended = unfinished.Unfinished.ended

    def interrupted(self, seed, record):
        ended(self, seed, record)
        now[0] += 40.0
        if len(self._held) == 3:  # at the last of which a minute has passed
            raise KeyboardInterrupt

    monkeypatch.setattr(unfinished, "HELD_SECONDS", 100.0)
    monkeypatch.setattr(unfinished.Unfinished, "ended", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made(BLOCK, store)
    assert len(kept(store)) == 3


def test_a_damaged_run_is_trained_again(tmp_path):
    said = []
    store = Store(tmp_path, notice=said.append)
    cut_short(BLOCK, store)
    one = kept(store)[0]
    one.write_bytes(one.read_bytes()[:200])
    assert_same(made(BLOCK, store), engine.train(BLOCK, CPU))
    assert len(said) == 1
    assert f"stored run {one.name} is damaged" in said[0]


def test_runs_of_another_form_are_trained_again(tmp_path):
    said = []
    store = Store(tmp_path, notice=said.append)
    cut_short(replace(BLOCK, weights=False), store)
    assert "weights" not in store.get(kept(store)[0].stem).arrays
    assert_same(made(BLOCK, store), engine.train(BLOCK, CPU))
    assert len(said) == 1
    assert "it lacks weights" in said[0]


def test_an_array_that_only_some_runs_have_is_left_out(store):
    cut_short(BLOCK, store)
    one = kept(store)[0]
    record = store.get(one.stem)
    more = replace(record, arrays={**record.arrays, "more": np.zeros((1, 3))})
    store.put(one.stem, more, about_run(BLOCK, 8))
    assert_same(made(BLOCK, store), engine.train(BLOCK, CPU))


@pytest.mark.parametrize("fault", ["damaged", "without weights"])
def test_a_block_that_cannot_be_used_costs_no_run(tmp_path, fault):
    store = Store(tmp_path)
    record = made(BLOCK, store)
    cut_short(BLOCK, Store(tmp_path))
    if fault == "damaged":
        store.path(record.name).write_bytes(b"")
    else:
        store.put(record.name, replace(BLOCK, weights=False).kept(record), about_run(BLOCK, 8))
    trainer = LocalTrainer("cpu", Silent(), Library())
    cut_short(BLOCK, Store(tmp_path), 2)
    now = Store(tmp_path)
    assert now.get(record.name, lambda record: trainer.unfit(record, BLOCK)) is None
    assert len(kept(now)) == 1 + 3 + 2
    progress = Shown()
    assert_same(made(BLOCK, now, progress), record)
    assert progress.steps == engine.steps(BLOCK) * 3 // 8
    assert len(kept(now)) == 1


def test_a_disk_that_refuses_the_block_costs_no_run(tmp_path):
    said = []

    class Refusing(Store):
        def put(self, key, record, of):
            if "-" not in key:
                raise OSError("No space left on device")
            super().put(key, record, of)

    store = Refusing(tmp_path, notice=said.append)
    store.path("0" * 32).parent.mkdir(exist_ok=True)
    LocalTrainer("cpu", Silent(), Library(), store=store).make(
        [BLOCK], {}, lambda of, record: store.keep(record.name, record, about_run(BLOCK, 8))
    )
    assert len(kept(store)) == 8
    assert said == [
        f"{tmp_path} cannot be written (No space left on device): what is not stored is trained again in the next session"
    ]


@pytest.mark.parametrize(("there", "left"), [(0, 8), (1, 8), (2, 6), (3, 6), (6, 2), (7, 2)])
def test_runs_that_are_left_count_as_many_at_once_as_train_at_once(store, there, left):
    if there:
        cut_short(BLOCK, store, there)
    assert LocalTrainer("cpu", Silent(), store=store).left(BLOCK) == left
    assert LocalTrainer("cpu", Silent(), store=Store(store.folder, fresh=True)).left(BLOCK) == 8
    assert LocalTrainer("cpu", Silent()).left(BLOCK) == 8


def test_runs_that_train_alone_are_counted_one_by_one(store):
    block = replace(BLOCK, arm=ARMS["own network that draws"])
    cut_short(block, store)
    assert LocalTrainer("cpu", Silent(), store=store).left(block) == 5


def test_weights_that_no_measurement_reads_are_left_out(store):
    without = replace(BLOCK, weights=False)
    cut_short(BLOCK, store)
    assert_same(made(without, store), without.kept(engine.train(BLOCK, CPU)))


def test_a_fresh_session_trains_all_runs(store):
    cut_short(BLOCK, store)
    progress = Shown()
    fresh = Store(store.folder, fresh=True)
    assert_same(made(BLOCK, fresh, progress), engine.train(BLOCK, CPU))
    assert progress.started == [("T-x, net, seeds 8-15", engine.steps(BLOCK))]
    assert len(kept(store)) == 1


@pytest.mark.parametrize("change", [{"first_seed": 16}, {"arm": replace(IMAGES, epochs=3)}, {"experiment": "y"}])
def test_runs_count_for_their_own_block_alone(store, change):
    cut_short(BLOCK, store)
    progress, other = Shown(), replace(BLOCK, **change)
    there = len(kept(store))
    made(other, store, progress)
    assert progress.started == [(str(other), engine.steps(other))]
    assert len(kept(store)) == there + 1


def test_a_run_says_what_it_is_of(store):
    cut_short(BLOCK, store)
    found = stock.entries(store.folder)
    assert {one.of.first_seed for one in found} < set(BLOCK.seeds)
    assert len({one.of.first_seed for one in found}) == len(found)
    one = found[0].of
    assert (one.kind, one.whose, one.arms) == ("run", "T-x", ("net",))
    assert About.parse(one.plain) == one


def test_a_network_that_takes_long_to_make_is_not_taken_for_one_that_draws_as_it_trains(store):
    made_so_far = []

    class Slow(Layers):
        def __init__(self):
            super().__init__()
            made_so_far.append(self)
            if len(made_so_far) % 2 == 0:  # while the run beside it ends
                torch.rand(1)
                time.sleep(0.3)

    made(Block("T", "x", replace(OWN, model=Network(Slow, name="slow")), 0), store)
    assert len(made_so_far) >= 8


def test_runs_that_are_one_computation_are_not_kept(store):
    fit = replace(
        IMAGES, data=Function(name="sinc", points=16), model=Model("[3]"), loss="mse", batch_size=None, keep="last"
    )
    made(Block("T", "x", fit, 0), store, put=False)
    assert kept(store) == []


def test_a_network_that_draws_in_some_steps_leaves_no_run(store):
    class Late(Layers):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return super().forward(x) + (torch.rand(()) if self.training and self.calls > 60 else 0.0)

    late = replace(OWN, model=Network(Late, name="late"))
    with pytest.raises(ValueError, match="draws random numbers in some steps"):
        made(Block("T", "x", late, 0), store)
    assert kept(store) == []


def test_runs_whose_block_is_whole_are_removed_by_the_next_session(store):
    cut_short(BLOCK, store)
    runs = {path: path.read_bytes() for path in kept(store)}
    record = made(BLOCK, store)
    cut_short(replace(BLOCK, first_seed=16), store, 2)
    left = set(kept(store))
    for path, content in runs.items():  # as if the session had been killed before it removed them
        path.write_bytes(content)
    later = Store(store.folder)
    assert set(kept(store)) == left | set(runs)
    assert later.get(record.name) is not None
    assert set(kept(store)) == left
    assert len(left) == 3
    assert store.path(record.name) in left
