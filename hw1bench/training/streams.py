"""Named random streams: seeds share no stream, and a new arm, seed or claim changes no other stream."""

import hashlib
from typing import Literal

import torch

from hw1bench.data import Dataset
from hw1bench.records.runs import Block

Stream = Literal["init", "order", "labels", "dropout", "augment", "measure"]


def seed_for(report: str, experiment: str, stream: Stream, seed: int, arm: str = "") -> int:
    """Return the seed, in [0, 2**63), of one stream of one run.

    Give ``arm`` only if arms must be independent of each other. By default the arms of a seed share its data order and, if
    their shapes are equal, its initial weights.
    """
    name = "\0".join((report, experiment, stream, str(seed), arm))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def seed_in(block: Block, stream: Stream, seed: int) -> int:
    """Return ``seed_for`` a run of ``block``, with the name of its arm if the arm is independent of the others."""
    return seed_for(block.report, block.experiment, stream, seed, block.arm.name if block.arm.independent else "")


def generator_for(block: Block, stream: Stream, seed: int) -> torch.Generator:
    """Return a generator for a stream of a run of ``block``: on the CPU, so that every device gets the same numbers."""
    return torch.Generator().manual_seed(seed_in(block, stream, seed))


def training_targets(block: Block, dataset: Dataset, seed: int) -> torch.Tensor:
    """Return the training targets of a run: the data set's targets or, if the arm says so, labels drawn at random."""
    if not block.arm.random_labels:
        return dataset.train.y
    assert dataset.classes is not None
    return random_labels(block, seed, len(dataset.train), dataset.classes)


def random_labels(block: Block, seed: int, samples: int, classes: int) -> torch.Tensor:
    """Draw the random training labels (samples,) of a run, uniform over the classes: one draw per seed."""
    return torch.randint(classes, (samples,), generator=generator_for(block, "labels", seed))
