"""Random streams with names: no stream is shared between seeds, and adding an arm, a seed or a claim moves no other."""

import hashlib
from typing import Literal

import torch

from hw1bench.data import Dataset
from hw1bench.records.runs import Block

Stream = Literal["init", "order", "labels", "dropout", "augment"]


def seed_for(report: str, experiment: str, stream: Stream, seed: int, arm: str = "") -> int:
    """The seed, in [0, 2**63), of one stream of one run.

    ``arm`` enters only where arms must be independent of each other; by default they share a seed's initialisation
    (where shapes allow) and data order.
    """
    name = "\0".join((report, experiment, stream, str(seed), arm))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def seed_in(block: Block, stream: Stream, seed: int) -> int:
    """`seed_for` a run of ``block``: its arm's name enters where the arm is independent of the others."""
    return seed_for(block.report, block.experiment, stream, seed, block.arm.name if block.arm.independent else "")


def generator_for(block: Block, stream: Stream, seed: int) -> torch.Generator:
    """A CPU generator at the start of the stream of a run of ``block``: the same numbers whatever device trains."""
    return torch.Generator().manual_seed(seed_in(block, stream, seed))


def training_targets(block: Block, dataset: Dataset, seed: int) -> torch.Tensor:
    """What a run trains towards: the data set's targets, or, where the arm says so, labels drawn at random for its seed."""
    if not block.arm.random_labels:
        return dataset.train.y
    assert dataset.classes is not None
    return random_labels(block, seed, len(dataset.train), dataset.classes)


def random_labels(block: Block, seed: int, samples: int, classes: int) -> torch.Tensor:
    """Training labels (samples,) of a run on random labels: uniform over the classes, drawn once a seed."""
    return torch.randint(classes, (samples,), generator=generator_for(block, "labels", seed))
