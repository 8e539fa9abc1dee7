"""Quick protocols are made of full ones by the rules, and the published experiments keep them."""

import math
from dataclasses import replace

import pytest

from cases import ARM
from hw1bench import Experiment, Images, Model, Protocol, StepLR
from hw1bench.sources import a, b, c, d, e
from hw1bench.sources.tiers import CIFAR10, quick

TRAINED = replace(
    ARM,
    data=replace(CIFAR10, mean=(0.5,), deviation=(0.2,), augment=True),
    model=Model("C(3-16,3,pool2) 3600-20-10"),
    loss="cross_entropy",
    batch_size=64,
    epochs=100,
    schedule=StepLR(every=10, factor=0.1),
)
FULL = Protocol(arms=tuple(replace(TRAINED, name=name) for name in "abc"), looks=(8, 16, 32))
EXPERIMENTS = [one for source in (a, b, c, d, e) for one in vars(source).values() if isinstance(one, Experiment)]
IMAGE_EXPERIMENTS = [one for one in EXPERIMENTS if isinstance(one.full.arms[0].data, Images)]


def test_what_a_quick_protocol_changes():
    made = quick(FULL, epochs=20, widths_over=4, keep=("a", "c"))
    assert [arm.name for arm in made.arms] == ["a", "c"]
    assert (made.looks, made.widths_over) == ((8, 16), 4)
    arm = made.arms[0]
    assert arm.data == replace(TRAINED.data, name="digits", stands_for="CIFAR-10")
    assert arm.model == Model("C(3-4,3,pool2) 900-5-10")
    assert (arm.epochs, arm.schedule) == (20, StepLR(every=2, factor=0.1))
    assert (arm.optimizer, arm.batch_size, arm.loss) == (TRAINED.optimizer, 64, "cross_entropy")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"keep": ("a", "z")}, "no arm 'z' to keep: there are a, b, c"),
        ({"epochs": 15}, "steps every 10 of 100 epochs, at no whole one of 15"),
    ],
)
def test_what_does_not_scale_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        quick(FULL, **{"epochs": 20, **changes})


def test_functions_have_no_stand_in():
    with pytest.raises(ValueError, match="trains on no images"):
        quick(Protocol(arms=(ARM,), looks=(8,)), epochs=1)


@pytest.mark.parametrize("experiment", IMAGE_EXPERIMENTS, ids=lambda one: one.id)
def test_the_published_experiments_keep_the_rules(experiment):
    full, fast = experiment.full, experiment.quick
    names = [arm.name for arm in full.arms]
    kept = [arm.name for arm in fast.arms]
    assert len(kept) >= min(5, len(names))
    assert (kept[0], kept[-1]) == (names[0], names[-1])
    assert fast.looks == ((8,) if experiment.name in ("size", "path") else (8, 16))
    cifar = full.arms[0].data.name == "cifar10"
    assert full.looks == ((8,) if experiment.name in ("size", "path") or cifar else (8, 16, 32))
    for arm in fast.arms:
        whole = full.arms[names.index(arm.name)]
        assert arm.data == replace(whole.data, name="digits", stands_for="CIFAR-10" if cifar else "MNIST")
        assert (arm.optimizer, arm.batch_size, arm.loss) == (whole.optimizer, min(whole.batch_size, 1_437), whole.loss)
        size = {"mnist": 60_000, "cifar10": 50_000}[whole.data.name]
        assert arm.epochs * math.ceil(1_437 / arm.batch_size) <= whole.epochs * math.ceil(size / arm.batch_size)


@pytest.mark.parametrize("experiment", IMAGE_EXPERIMENTS, ids=lambda one: one.id)
@pytest.mark.parametrize("tier", ["quick", "full"])
def test_every_net_takes_its_images(experiment, tier):
    import torch

    from hw1bench.models import inputs

    for arm in experiment.protocol(tier).arms:
        size, channels = arm.data.size, arm.data.channels
        inputs(arm.model, torch.zeros(2, channels, size, size))
