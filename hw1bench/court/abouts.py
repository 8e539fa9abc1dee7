"""What the records of a court are of, as a store says it beside each.

What was asked for is a digest of specification and code, but not of the machine, its precision, a copy of the data or the seeds,
all of which the key of a record takes in: whether a claim needs a record can be told where none of these is known.
"""

from hw1bench.court.values import Values
from hw1bench.effects.authored import authored
from hw1bench.records.about import About, asked_of
from hw1bench.records.runs import Block, Measured, Work, blocks_of
from hw1bench.specs.experiment import digest
from hw1bench.support import code


def about(of: Work) -> About:
    """What the record of a block, or of a measurement of blocks, is of."""
    blocks = blocks_of(of)
    return About(
        kind="trained" if isinstance(of, Block) else "measured",
        report=blocks[0].report,
        experiment=blocks[0].experiment,
        arms=tuple(block.arm.name for block in blocks),
        first_seed=blocks[0].first_seed,
        measurement="" if isinstance(of, Block) else of.measurement.title,
        asks=asked_of(of) if isinstance(of, Block) else _measuring(of),
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
