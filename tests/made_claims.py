"""Experiments and claims that are rehearsed."""

from dataclasses import replace

from cases import ARM, DIGITS
from hw1bench import Claim, Experiment, Figure, Interpolation, Model
from hw1bench.effects import Effect
from hw1bench.specs.experiment import Protocol

FIT = replace(ARM, name="a", epochs=3, precision="float32")
NET = replace(FIT, data=DIGITS, model=Model("64-8-10"), loss="cross_entropy", batch_size=300, epochs=2, snapshots=2)


def protocol(*arms, measures=()):
    return Protocol(arms=arms, looks=(8,), measures=measures)


def experiment(*arms, measures=(), kinds=(), name="x", quick=True):
    both = protocol(*arms, measures=measures)
    drawn = [Figure(number="1", title="", kind=kind) for kind in kinds]
    return Experiment(report="T", name=name, full=both, quick=both if quick else None, figures=drawn)


def claim(effect, of, name="T-x"):
    return Claim(name, report="T", where="1", says="It is.", experiment=of, effect=effect)


def by_hand(compute, opposite=None, arms=None):
    return Effect("by hand", "share", compute, arms, opposite)


FITS = experiment(FIT, replace(FIT, name="b"), replace(FIT, name="c", batch_size=8))
PAIR = (replace(NET, snapshots=None, independent=True), replace(NET, name="b", snapshots=None, independent=True))
LINE = Interpolation(first="a", second="b", alphas=(0, 0.5, 1))
