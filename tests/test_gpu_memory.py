"""The full tier fits on a card of 80 GB: its largest trainings, of eight runs on sets of full size, keep to their estimates."""

import gc
from dataclasses import replace

import pytest
import torch

from hw1bench.data import Dataset, Library, Split
from hw1bench.records.runs import Block
from hw1bench.sources.pack import EXPERIMENTS
from hw1bench.specs.experiment import Images
from hw1bench.training import engine, resident
from test_resident import gpu

# A card of 80 GB has 79 to 80 GiB, which are 85e9 bytes. CUDA's context, its modules and the libraries' own memory take 1 to 2e9
# of it. The largest estimate is of report C's nets at batch size 4096: their outputs, before and after pooling, are 30,800
# numbers per sample, 4.0e9 bytes for eight runs, and each of four pools (of the ordinary steps, of the graphs of eight steps, of
# one, and of the last) may hold four times as much: 65e9. The rest is data and evaluation, 5e9.
CARD = 75e9
LEFT = 2e9  # what libraries keep for their next call, workspaces of 32 MiB per stream, with the segments around them
TEST_SAMPLES = 10_000  # of both MNIST and CIFAR-10


def images(spec, train, test):
    """So many random images of the shape of ``spec``."""
    generator = torch.Generator().manual_seed(0)
    few = torch.rand(100, spec.channels, spec.size, spec.size, generator=generator)
    splits = [Split(few.repeat(-(-count // 100), 1, 1, 1)[:count], torch.arange(count) % 10) for count in (train, test)]
    return Dataset("random", *splits, "random", 10)


class Random(Library):
    """Random images in place of each set, as many as it has unless told otherwise."""

    def __init__(self, train=None, test=TEST_SAMPLES):
        super().__init__()
        self.counts = train, test

    def load(self, spec):
        train, test = self.counts
        return images(spec, train or spec.samples, test)


def estimate(experiment, arm):
    """The bytes that eight runs of ``arm`` may take."""
    empty = torch.zeros(1)
    splits = [Split(empty.expand(count), empty.expand(count)) for count in (arm.data.samples, TEST_SAMPLES)]
    return resident.memory(Block(experiment.report, experiment.name, arm, 0), Dataset("none", *splits, "none", 10))


LARGEST = {
    f"{experiment.report}-{experiment.name}, {arm.name}": (experiment, arm)
    for experiment in EXPERIMENTS
    for arm in [
        max(
            (arm for arm in experiment.full.arms if isinstance(arm.data, Images)),
            key=lambda arm: estimate(experiment, arm),
            default=None,
        )
    ]
    if arm is not None
}
HUNGRIEST = sorted(LARGEST, key=lambda name: -estimate(*LARGEST[name]))[:6]


def trained(experiment, arm, device, library):
    """Train two epochs, in which each graph is captured and replayed, and evaluate both sets at both ends."""
    block = Block(experiment.report, experiment.name, replace(arm, epochs=2), 0)
    return engine.train(block, device, library=library)


@pytest.mark.parametrize("name", LARGEST)
def test_every_experiment_fits_on_the_card_by_its_estimate(name):
    assert estimate(*LARGEST[name]) < CARD


def test_the_largest_experiments_are_of_different_kinds():
    assert {"C-batch-sweep, batch 4096", "B-size, cifar-31", "E-size, model 10"} <= set(HUNGRIEST)


@pytest.mark.parametrize("name", [name for name in LARGEST if "B-path" in name or "A-random" in name])
def test_few_of_the_random_images_are_trained_on_a_cpu(name):
    experiment, arm = LARGEST[name]
    few = replace(arm, batch_size=2)
    record = trained(experiment, few, torch.device("cpu"), Random(4, 2))
    assert record.arrays["train_loss"].shape == (8, 3)


@gpu
@pytest.mark.parametrize("name", HUNGRIEST)
def test_the_memory_of_the_largest_experiments(name):
    experiment, arm = LARGEST[name]
    if torch.cuda.get_device_properties(0).total_memory < CARD:
        pytest.skip("a card of less than 80 GB")
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_reserved()
    trained(experiment, arm, torch.device("cuda"), Random())
    # What is reserved, not what is allocated: the memory of a graph belongs to it between its replays, when it counts as free.
    taken = torch.cuda.max_memory_reserved() - before
    print(f"{name}: {taken / 1e9:.1f} GB reserved, estimated {estimate(experiment, arm) / 1e9:.1f}")
    assert taken < estimate(experiment, arm)
    gc.collect()
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() - before < LEFT
