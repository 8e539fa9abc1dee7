"""What the records of a court are of, as a store says it beside each.

What was asked for is a digest of specification and code, but not of the machine, its precision, a copy of the data or the seeds,
all of which the key of a record takes in: whether a claim needs a record can be told where none of these is known.
"""

from hw1bench.court.values import Values
from hw1bench.effects.authored import authored
from hw1bench.records.about import About
from hw1bench.records.runs import Block, Measured
from hw1bench.specs.experiment import Network, digest
from hw1bench.support import code


def about(of: Block | Measured) -> About:
    """What the record of a block, or of a measurement of blocks, is of."""
    blocks = (of,) if isinstance(of, Block) else of.blocks
    arms = tuple(block.arm.name for block in blocks)
    report, experiment, first_seed = blocks[0].report, blocks[0].experiment, blocks[0].first_seed
    if isinstance(of, Block):
        asks, kind, measurement = _training(of), "trained", ""
    else:
        asks, kind, measurement = _measuring(of), "measured", of.measurement.title
    return About(
        kind=kind,  # type: ignore[arg-type]  # one of the two
        report=report,
        experiment=experiment,
        arms=arms,
        first_seed=first_seed,
        measurement=measurement,
        asks=asks,
    )


def about_value(of: Values, seed: int) -> About:
    """What the record of the value of a seed is of."""
    return About(kind="values", experiment=of.name, first_seed=seed, asks=of.source)


def _training(block: Block) -> str:
    arm = block.arm
    return digest(
        {
            "report": block.report,
            "experiment": block.experiment,
            "arm": arm,
            **({"network": arm.model.content} if isinstance(arm.model, Network) else {}),
            "sources": code.digest("training"),
        }
    )


def _measuring(of: Measured) -> str:
    return digest(
        {
            "measurement": of.measurement,
            "blocks": [_training(block) for block in of.blocks],
            "sources": code.digest("measures"),
            **authored(of.measurement),
        }
    )
