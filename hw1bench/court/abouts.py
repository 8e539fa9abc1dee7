"""What the records of a court are of, as a store says it beside each.

What was asked for is a digest of specification and code, but not of the machine, its precision, a copy of the data or the seeds,
all of which the key of a record takes in: whether a claim needs a record can be told where none of these is known.
"""

from dataclasses import replace

from hw1bench.court.values import Values
from hw1bench.effects.authored import authored
from hw1bench.records.about import About, about_block, asked_of
from hw1bench.records.runs import Block, Measured, Work
from hw1bench.specs.experiment import digest
from hw1bench.support import code


def about(of: Work) -> About:
    """What the record of a block, or of a measurement of blocks, is of."""
    if isinstance(of, Block):
        return about_block(of)
    return replace(
        about_block(of.blocks[0]), kind="measured", arms=of.arms, measurement=of.measurement.title, asks=_measuring(of)
    )


def about_value(of: Values, seed: int) -> About:
    """What the record of the value of a seed is of."""
    return About(kind="values", experiment=of.name, first_seed=seed, asks=of.source)


def _measuring(of: Measured) -> str:
    return digest(
        {
            "measurement": of.measurement,
            "blocks": [asked_of(block) for block in of.blocks],
            "sources": code.digest("measures"),
            **authored(of.measurement),
        }
    )
