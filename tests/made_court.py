"""A court whose trainer makes runs up: final losses, weights and measurements are functions of arm and seed."""

from dataclasses import replace

import numpy as np

from hw1bench import Arm, Claim, Experiment, Function, Model, Optimizer
from hw1bench.court.hearing import Court
from hw1bench.effects import separates
from hw1bench.records import forms
from hw1bench.records.runs import Block, Record, blocks_of
from hw1bench.records.store import Store
from hw1bench.specs.experiment import Protocol
from hw1bench.specs.measurement import JacobianNorm, Paths
from hw1bench.support.snapshots import ARRAYS

BASIS = Arm(
    name="",
    data=Function(name="sinc"),
    model=Model("[2]"),
    loss="mse",
    optimizer=Optimizer(name="sgd", lr=0.1),
    epochs=2,
)
FULL = Protocol(arms=tuple(replace(BASIS, name=name) for name in "abc"), looks=(8, 16, 32))
EXPERIMENT = Experiment(report="T", name="x", full=FULL, quick=replace(FULL, looks=(8, 16)))
PATH = Protocol(
    arms=tuple(replace(BASIS, name=name, independent=True, snapshots="epoch") for name in "ab"),
    looks=(8, 16),
    measures=(Paths(own="a", other="b", mark_every=1),),
)
PAIR = Experiment(report="T", name="path", full=PATH, quick=PATH)
SWEPT = Protocol(
    arms=tuple(replace(BASIS, name=name, batch_size=size) for name, size in (("a", 1), ("b", 2), ("c", 3))),
    looks=(8, 16),
    measures=(JacobianNorm(),),
)
SWEEP = Experiment(report="T", name="sweep", full=SWEPT, quick=SWEPT)
FACTS = {"dataset": "made up", "fingerprint": "0", "stand_in": False, "target_variance": 1.0}


class Made:
    """A trainer whose final losses are a function of arm and seed; so are the weights at the start of a path.

    The separation of two arms is the difference of these weights; the Jacobian norm of an arm is its final loss.
    """

    def __init__(self, final):
        self.final = final
        self.trained = []
        self.measured = []

    def name(self, block):
        return f"{block.arm.name}-{block.first_seed}"

    def keys(self, of, known):
        kind = [] if isinstance(of, Block) else [type(of.measurement).__name__]
        return [" ".join([*kind, *map(self.name, blocks_of(of))])]

    def unfit(self, record, of):
        return forms.unfit(record, of)

    def make(self, work, known, done):
        known = dict(known)
        for one in work:
            (name,) = self.keys(one, known)
            if isinstance(one, Block):
                self.trained.append(name)
                record = known[one] = self.train(one, name)
            else:
                self.measured.append(name)
                record = self.measure(one, [known[block] for block in one.blocks], name)
            done(one, record)

    def train(self, block, name):
        losses = [[2.0, 1.5, self.final(block.arm.name, seed)] for seed in block.seeds]
        arrays = {"train_loss": np.array(losses)}
        if block.arm.snapshots:
            arrays |= dict.fromkeys(ARRAYS, arrays["train_loss"][:, -1:])
        return Record(arrays, FACTS, 0.5, name)

    def measure(self, one, trained, name):
        if isinstance(one.measurement, Paths):
            own, other = trained
            arrays = {"whole_separation": own.arrays["snapshot_start"][:, 0] - other.arrays["snapshot_start"][:, 0]}
        else:
            arrays = {"jacobian": trained[0].arrays["train_loss"][:, -1]}
        return Record(arrays, FACTS, 0.25, name)


def claim(effect, name="T-x", experiment=EXPERIMENT):
    return Claim(name, report="T", where="1", says="It is.", experiment=experiment, effect=effect)


def court(tmp_path, final, **options):
    return Court("quick", Store(tmp_path), Made(final), **options)


APART = claim(separates("a", "b"), experiment=PAIR)
