from dataclasses import replace

import pytest

from hw1bench import Arm, Function, Model, Optimizer, local
from hw1bench.runs import Block, Unavailable
from hw1bench.sources import b
from hw1bench.training import engine, native

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

    def advance(self, steps):
        self.calls.append(steps)

    def finish(self):
        self.calls.append("finish")

    def notice(self, text):
        self.calls.append(text)


@pytest.fixture
def no_kernel(monkeypatch):
    monkeypatch.setattr(engine, "compiler_works", lambda: False)
    monkeypatch.setattr(native, "isa", lambda: None)
    monkeypatch.setattr(native, "reason", lambda: "no native kernel: it was not built")


def test_blocks_are_handed_over_one_by_one_and_shown(no_kernel):
    shown, done = Shown(), []
    blocks = [Block("T", "x", ARM, first) for first in (0, 8)]
    local.LocalTrainer("cpu", shown).train(blocks, lambda block, record: done.append((block, len(shown.calls))))
    assert [block for block, _ in done] == blocks
    assert shown.calls.count("finish") == 2
    assert ("T-x, net, seeds 8-15", 24) in shown.calls
    assert sum(call for call in shown.calls if isinstance(call, int)) == 48


def test_without_the_kernel_one_line_says_so(no_kernel):
    shown = Shown()
    trainer = local.LocalTrainer("cpu", shown)
    for first in (0, 8):
        trainer.train([Block("T", "x", ARM, first)], lambda block, record: None)
    lines = [call for call in shown.calls if isinstance(call, str) and call != "finish"]
    assert lines == [
        "no native kernel: it was not built; training uncompiled, for there is no C++ compiler, tens of times slower"
    ]


def test_what_only_the_kernel_makes_affordable_is_not_to_be_had_without_it(no_kernel):
    block = Block("B", "fit", b.FIT.quick.arms[0], 0)
    with pytest.raises(Unavailable, match=r"not built; without it this block at batch 1 takes some 0[.]2 hours"):
        local.LocalTrainer("cpu", Shown()).train([block], lambda block, record: None)
    short = Block("T", "x", replace(ARM, batch_size=1), 0)
    local.LocalTrainer("cpu", Shown()).train([short], lambda block, record: None)


def test_a_failure_ends_the_bar(no_kernel):
    shown = Shown()
    wrong = Block("T", "x", replace(ARM, model=Model("3-1")), 0)
    with pytest.raises(ValueError, match="does not take samples"):
        local.LocalTrainer("cpu", shown).train([wrong], lambda block, record: None)
    assert shown.calls[-1] == "finish"
