"""Claims by which the rules of pilots are tried, and a trainer that makes up how their nets learn."""

from dataclasses import replace

import numpy as np

from hw1bench import Arm, Claim, Experiment, Images, Model, Optimizer
from hw1bench.court.hearing import Court
from hw1bench.effects import lower_loss
from hw1bench.records.runs import Record
from hw1bench.records.store import Store
from hw1bench.specs.experiment import Protocol
from made_court import Made

IMAGES = Arm(
    name="",
    data=Images(name="mnist", size=28),
    model=Model("784-16-10"),
    loss="cross_entropy",
    optimizer=Optimizer(name="sgd", lr=0.1),
    epochs=100,
    batch_size=600,
)
FACTS = {"dataset": "digits", "fingerprint": "0", "stand_in": True, "classes": 10, "steps_per_epoch": 3}


def small(arm, epochs=8, **changed):
    return replace(arm, data=replace(arm.data, name="digits", stands_for="MNIST"), epochs=epochs, **changed)


def experiment(full=None, quick=None, **changed):
    full = full or [replace(IMAGES, name="a"), replace(IMAGES, name="b")]
    quick = quick or [small(arm) for arm in full]
    protocols = {"full": Protocol(arms=tuple(full), looks=(8,)), "quick": Protocol(arms=tuple(quick), looks=(8, 16))}
    return Experiment(report="T", name="x", **protocols, **changed)


def no_race(effect):
    return replace(effect, race=False)


def lower(arm, *, than):
    """A comparison by which the other rules are tried."""
    return no_race(lower_loss(arm, than=than))


def claim(effect, of=None, **changed):
    return Claim("T-x", report="T", where="1", says="It is.", experiment=of or experiment(), effect=effect, **changed)


class Curves(Made):
    """A trainer of image nets: ``curve(arm, seed)`` gives training loss and accuracy, each (epochs + 1,)."""

    def __init__(self, curve, facts=FACTS):
        super().__init__(None)
        self.curve, self.facts = curve, facts

    def train(self, block, name):
        loss, accuracy = (
            np.array(values) for values in zip(*(self.curve(block.arm, seed) for seed in block.seeds), strict=True)
        )
        arrays = {"train_loss": loss, "train_accuracy": accuracy, "test_loss": loss, "test_accuracy": accuracy}
        return Record(arrays, self.facts, 0.5, name)


def falling(arm, end, accuracy, start=2.3):
    """A loss that falls evenly from ``start`` to ``end``, and an accuracy that rises evenly to ``accuracy``."""
    return np.linspace(start, end, arm.epochs + 1), np.linspace(0.1, accuracy, arm.epochs + 1)


def court(tmp_path, curve, tier="quick"):
    return Court(tier, Store(tmp_path), Curves(curve))


def learnt(arm, seed):
    return falling(arm, 0.4 if arm.name == "a" else 0.6, 0.9)
