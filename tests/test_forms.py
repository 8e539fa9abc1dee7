"""What a stored record must hold: everything that training and measuring give, whichever backend trains."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cases import ARM, DIGITS, OPTIMIZERS
from hw1bench import Claim, Experiment, Model, both_tiers
from hw1bench.court.abouts import about
from hw1bench.court.hearing import Court
from hw1bench.effects import loss_below
from hw1bench.executors.local import LocalTrainer
from hw1bench.records.runs import Block, Measured, Record
from hw1bench.records.store import Store
from hw1bench.specs.measurement import JacobianNorm
from hw1bench.training import engine
from hw1bench.training.kernels import binaries

FIT = replace(ARM, model=Model("[3]"), epochs=3)
CLASSES = replace(
    ARM,
    data=DIGITS,
    loss="cross_entropy",
    optimizer=OPTIMIZERS["adam"],
    model=Model("64-3-10"),
    batch_size=700,
    epochs=2,
)
ARMS = {
    "fit": FIT,
    "norms": replace(FIT, gradient_norm="epoch", coast=True),
    "norms of steps": replace(FIT, gradient_norm="step", batch_size=16),
    "last batch": replace(FIT, gradient_norm="last batch", batch_size=16, snapshots=2),
    "classes": CLASSES,
    "best": replace(CLASSES, keep="best", snapshots="epoch", gradient_norm="step"),
    "odd snapshots": replace(CLASSES, snapshots=4, gradient_norm="epoch"),
    "large": replace(CLASSES, model=Model("64-350-10"), snapshots="epoch", epochs=1),
    "convolution": replace(CLASSES, model=Model("C(1-4,3,p1,pool2) 64-10"), epochs=1, snapshots=1),
}


class Said:
    def __init__(self):
        self.lines = []

    def notice(self, text):
        self.lines.append(text)

    def start(self, label, steps): ...

    def advance(self, steps, label=""): ...

    def finish(self): ...


@pytest.fixture(params=["kernel", "torch"])
def trained(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr(binaries, "isa", lambda: None)
    monkeypatch.setattr(engine, "compiler_works", lambda: False)

    def train(arm):
        block = Block("T", "forms", arm, 0)
        return block, engine.train(block, torch.device("cpu"))

    return train


@pytest.mark.parametrize("name", ARMS)
def test_the_required_form_is_what_training_gives(trained, name):
    block, record = trained(ARMS[name])
    shapes, facts = engine.contents(block)
    assert {name: array.shape[1:] for name, array in record.arrays.items()} == shapes
    assert LocalTrainer("cpu", Said()).unfit(record, block) == ""
    assert set(facts) == set(record.facts)


def without(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


@pytest.mark.parametrize("name", ["norms", "best"])
def test_anything_missing_or_of_another_shape_is_named(trained, name):
    block, record = trained(ARMS[name])
    unfit = LocalTrainer("cpu", Said()).unfit
    for array in record.arrays:
        assert unfit(replace(record, arrays=without(record.arrays, array)), block) == f"it lacks {array}"
        longer = np.concatenate([record.arrays[array]] * 2, axis=-1)
        shorter = record.arrays[array][:-1]
        words = record.arrays[array].astype(str)
        for other in (longer, shorter, words, np.array(1.0)):
            assert f"its {array}" in unfit(replace(record, arrays={**record.arrays, array: other}), block)
    for fact in record.facts:
        for facts in (without(record.facts, fact), {**record.facts, fact: None}, {**record.facts, fact: ["other"]}):
            assert f"its {fact} is" in unfit(replace(record, facts=facts), block)


def test_a_measurement_must_cover_all_runs_and_have_its_arrays(trained):
    block, record = trained(ARMS["classes"])
    unfit, norm = LocalTrainer("cpu", Said()).unfit, Measured(JacobianNorm(), (block,))
    assert unfit(Record({"jacobian": np.zeros(8)}, record.facts, 0.0), norm) == ""
    assert unfit(record, norm) == "it lacks jacobian"
    assert unfit(Record({}, record.facts, 0.0), norm) == "it lacks jacobian"
    assert "its jacobian is" in unfit(Record({"jacobian": np.zeros(7)}, record.facts, 0.0), norm)
    assert "its dataset is" in unfit(Record({"jacobian": np.zeros(8)}, {}, 0.0), norm)


ODD = {
    "nothing": Record({}, {}, 0.0),
    "no facts": Record({"train_loss": np.zeros((8, 4))}, {}, 0.0),
    "few runs": Record({"train_loss": np.zeros((7, 4))}, {"dataset": "sinc"}, 0.0),
    "a number": Record({"train_loss": np.array(1.0)}, {}, 0.0),
    "few epochs": Record({"train_loss": np.zeros((8, 2))}, {}, 0.0),
    "words": Record({"train_loss": np.full((8, 4), "low")}, {}, 0.0),
    "another's": Record({"weights": np.zeros((8, 10))}, {"dataset": "sinc", "stand_in": False}, 0.0),
}


@pytest.mark.parametrize("name", ODD)
def test_an_undamaged_record_of_another_form_is_noticed_and_trained_again(tmp_path, name):
    experiment = Experiment(report="T", name="forms", **both_tiers([replace(FIT, name="a")]))
    claim = Claim("T-x", report="T", where="1", says="It is.", experiment=experiment, effect=loss_below(1e9, "a"))
    said = Said()
    trainer = LocalTrainer("cpu", said)
    store = Store(tmp_path, notice=said.notice)
    block = Block("T", "forms", experiment.quick.arms[0], 0)
    (key,) = trainer.keys(block, {})
    store.put(key, ODD[name], about(block))
    judged = Court("quick", store, trainer).hear(claim)
    assert (judged.verdict.word, judged.reused) == ("supported", False)
    assert next(line for line in said.lines if "trained again" in line).startswith(
        f"stored block {key}.npz cannot be used (i"
    )
    said.lines.clear()
    again = Court("quick", Store(tmp_path, notice=said.notice), trainer).hear(claim)
    assert (again.verdict, again.reused, said.lines) == (judged.verdict, True, [])
