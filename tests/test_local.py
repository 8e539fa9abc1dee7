import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from cases import unchecked
from hw1bench import Arm, Function, Images, Model, Optimizer
from hw1bench.executors import local
from hw1bench.measures.instruments import Instrument
from hw1bench.records.runs import Block, Measured, Record
from hw1bench.sources import b
from hw1bench.specs.measurement import Interpolation, JacobianNorm, MinimalRatio, Paths
from hw1bench.support.refusals import Unavailable
from hw1bench.training import engine
from hw1bench.training.kernels import binaries

ARM = Arm(
    name="net",
    data=Function(name="sinc", points=16),
    model=Model("[3]"),
    loss="mse",
    optimizer=Optimizer(name="adam", lr=1e-2),
    epochs=3,
)


class Shown:
    def __init__(self):
        self.calls = []

    def start(self, label, steps):
        self.calls.append((label, steps))

    def advance(self, steps, label=""):
        self.calls.append(steps)

    def finish(self):
        self.calls.append("finish")

    def notice(self, text):
        self.calls.append(text)


@pytest.fixture
def no_kernels(monkeypatch):
    monkeypatch.setattr(engine, "compiler_works", lambda: False)
    monkeypatch.setattr(binaries, "isa", lambda: None)
    monkeypatch.setattr(binaries, "reason", lambda: "no kernels: they were not built")


def test_blocks_are_handed_over_one_by_one_and_shown(no_kernels):
    shown, done = Shown(), []
    blocks = [Block("T", "x", ARM, first) for first in (0, 8)]
    local.LocalTrainer("cpu", shown).make(blocks, {}, lambda block, record: done.append((block, len(shown.calls))))
    assert [block for block, _ in done] == blocks
    assert shown.calls.count("finish") == 2
    assert ("T-x, net, seeds 8-15", 24) in shown.calls
    assert sum(call for call in shown.calls if isinstance(call, int)) == 48


def test_without_the_kernels_one_line_says_so(no_kernels):
    shown = Shown()
    trainer = local.LocalTrainer("cpu", shown)
    for first in (0, 8):
        trainer.make([Block("T", "x", ARM, first)], {}, lambda block, record: None)
    lines = [call for call in shown.calls if isinstance(call, str) and call != "finish"]
    assert lines == [
        "no kernels: they were not built; training uncompiled (there is no C++ compiler), tens of times slower"
    ]


def test_expensive_blocks_are_not_trained_without_the_kernels(no_kernels):
    block = Block("B", "fit", b.FIT.quick.arms[0], 0)
    with pytest.raises(Unavailable, match=r"not built; without them this block at batch 1 takes about 0[.]2 hours"):
        local.LocalTrainer("cpu", Shown()).make([block], {}, lambda block, record: None)
    short = Block("T", "x", replace(ARM, batch_size=1), 0)
    local.LocalTrainer("cpu", Shown()).make([short], {}, lambda block, record: None)


def test_a_failure_ends_the_progress_bar(no_kernels):
    shown = Shown()
    wrong = Block("T", "x", unchecked(ARM, model=Model("3-1")), 0)
    with pytest.raises(ValueError, match="does not take samples"):
        local.LocalTrainer("cpu", shown).make([wrong], {}, lambda block, record: None)
    assert shown.calls[-1] == "finish"


CLASSES = replace(ARM, data=Images(name="digits", size=8), model=Model("64-3-10"), loss="cross_entropy", batch_size=500)


def trained(trainer, *arms):
    found = {}
    trainer.make([Block("T", "x", arm, 0) for arm in arms], {}, found.__setitem__)
    return found


def measured(trainer, measurement, known, blocks=1):
    found = []
    of = Measured(measurement, tuple(known)[:blocks])
    trainer.make([of], known, lambda _, record: found.append(record))
    return found[0]


@pytest.mark.parametrize(
    ("measurement", "label", "arrays"),
    [
        (JacobianNorm(), "T-x, a, seeds 0-7, jacobian norm", {"jacobian"}),
        (Paths(own="a", other="b", mark_every=1), "T-x, a, seeds 0-7, paths", {"whole_separation", "layer1_path"}),
        (Interpolation(first="a", second="b", alphas=(0.0, 1.0)), "T-x, a, seeds 0-7, interpolation", {"alphas"}),
    ],
    ids=["jacobian norm", "paths", "interpolation"],
)
def test_measuring_is_shown_under_its_name_and_gives_its_arrays(no_kernels, measurement, label, arrays):
    shown = Shown()
    trainer = local.LocalTrainer("cpu", shown)
    pairs = trained(trainer, *(replace(CLASSES, name=name, independent=True, snapshots="epoch") for name in "ab"))
    shown.calls.clear()
    record = measured(trainer, measurement, pairs, len(measurement.groups("ab")[0]))
    assert arrays <= set(record.arrays)
    assert record.seconds > 0
    assert shown.calls == [(label, 1), 1, "finish"]


def test_a_search_is_shown_step_by_step(no_kernels):
    shown = Shown()
    trainer = local.LocalTrainer("cpu", shown)
    pairs = trained(trainer, replace(ARM, gradient_norm="epoch"))
    shown.calls.clear()
    measured(trainer, MinimalRatio(), pairs)
    (label, steps), *advanced, end = shown.calls
    assert (label, end) == ("T-x, net, seeds 0-7, minimal ratio", "finish")
    assert 1 < sum(advanced) <= steps


def test_a_measurement_that_fails_ends_the_progress_bar(no_kernels):
    shown = Shown()
    trainer = local.LocalTrainer("cpu", shown)
    with pytest.raises(ValueError, match="arm 'net' kept no snapshot_start"):
        measured(trainer, Paths(own="net", other="b", mark_every=1), trained(trainer, CLASSES))
    assert shown.calls[-1] == "finish"


def test_the_key_of_a_measurement_changes_with_everything_that_decides_it(monkeypatch):
    blocks = [Block("T", "x", replace(CLASSES, name=name), first) for name in "ab" for first in (0, 8)]

    def key(measurement, blocks):
        known = {block: Record({}, {}, 0.0, str(block)) for block in blocks}
        return local.LocalTrainer("cpu", Shown()).keys(Measured(measurement, tuple(blocks)), known)[0]

    line = Interpolation(first="a", second="b", alphas=(0.0, 1.0))
    keys = [
        key(line, [blocks[0], blocks[2]]),
        key(line, [blocks[1], blocks[3]]),
        key(line, [blocks[2], blocks[0]]),
        key(replace(line, alphas=(0.0, 0.5, 1.0)), [blocks[0], blocks[2]]),
        key(JacobianNorm(), blocks[:1]),
        local.LocalTrainer("cpu", Shown()).keys(blocks[0], {})[0],
    ]
    assert key(line, [blocks[0], blocks[2]]) == keys[0]
    assert len(set(keys)) == 6
    path = Paths(own="a", other="b", mark_every=1)
    measurements = [(line, [blocks[0], blocks[2]]), (JacobianNorm(), blocks[:1]), (MinimalRatio(), blocks[:1])]
    before = [key(*each) for each in [*measurements, (path, [blocks[0], blocks[2]])]]

    # What decides torch's digits moves them all; the number of its threads none, for each measures in one.
    monkeypatch.setattr(local.torch, "get_num_threads", lambda: 7)
    assert [key(*each) for each in [*measurements, (path, [blocks[0], blocks[2]])]] == before
    with threadpool_limits(1 if os.cpu_count() > 1 else 2, "blas"):
        assert [key(*each) for each in measurements] == before[:3]
        assert key(path, [blocks[0], blocks[2]]) != before[3]
    monkeypatch.setattr(engine.arithmetic, "products", lambda: "other digits")
    assert not set(before) & {key(*each) for each in [*measurements, (path, [blocks[0], blocks[2]])]}


@pytest.fixture
def gpu(monkeypatch):
    """A GPU, as far as keys can tell."""
    monkeypatch.setattr(engine, "device_of", torch.device)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")


def test_the_precision_of_a_trainer_is_in_its_keys_and_environment_on_a_gpu_alone(gpu):
    trained, norm = Block("T", "x", CLASSES, 0), JacobianNorm()

    def says(device, precision):
        trainer = local.LocalTrainer(device, Shown(), precision=precision)
        known = {trained: Record({}, {}, 0.0, "its name")}
        return trainer.environment, trainer.keys(trained, {}), trainer.keys(Measured(norm, (trained,)), known)

    assert says("cpu", "strict") == says("cpu", "default")
    for strict, default in zip(says("cuda", "strict"), says("cuda", "default"), strict=True):
        assert strict != default
    blocks = [says("cuda", precision)[1] for precision in ("default", "strict")]
    assert len(set(blocks)) == 2


@pytest.mark.parametrize(("precision", "set_to"), [("default", "tf32"), ("strict", "ieee")])
def test_blocks_are_trained_and_measured_in_the_precision_of_their_trainer(gpu, monkeypatch, precision, set_to):
    found = []

    def train(jobs, device, advance, done):
        found.append(torch.backends.cudnn.conv.fp32_precision)
        for place in range(len(jobs)):
            done(place, {"weights": np.zeros((8, 1))}, 1.0)

    def measure(*_):
        found.append(torch.backends.cudnn.conv.fp32_precision)
        return {"jacobian": np.ones(8)}

    monkeypatch.setattr(engine.side_by_side, "train", train)
    monkeypatch.setattr(local.taking, "instrument_for", lambda _: Instrument(measure, None, dict))
    trainer, made = local.LocalTrainer("cuda", Shown(), precision=precision), []
    large = replace(CLASSES, model=Model("64-16000-10"))  # trained by itself
    two, one = [Block("T", "x", CLASSES, first) for first in (0, 8)], Block("T", "x", large, 0)
    norm = Measured(JacobianNorm(), (two[0],))
    trainer.make([*two, one, norm], {}, lambda of, record: made.append(of))
    assert made == [*two, one, norm]
    assert found == [set_to] * 3
