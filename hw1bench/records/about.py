"""What a stored record is of, which its name, a digest, does not tell: so that a store can be listed, and what no claim needs
removed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from hw1bench.records.runs import Block
from hw1bench.specs.experiment import Network, digest
from hw1bench.support import code

Kind = Literal["trained", "run", "measured", "values"]
"""A record of a trained block, of one run of a block of which others have not ended, of a measurement of blocks, or of a value
from elsewhere."""
_TYPES = {"kind": str, "report": str, "experiment": str, "first_seed": int, "asks": str, "measurement": str}


@dataclass(frozen=True, kw_only=True)
class About:
    """What a record is of.

    report, experiment  whose runs they are; of a value from elsewhere no report, and the name of the values
    arms         the names of the arms, in the order of the measurement
    first_seed   the first of its seeds
    measurement  what is measured, in words
    asks         the digest of all that was asked for, but for the seeds: specification and code, of any machine and any copy of
                 the data
    """

    kind: Kind
    report: str = ""
    experiment: str
    arms: tuple[str, ...] = ()
    first_seed: int
    measurement: str = ""
    asks: str

    @property
    def whose(self) -> str:
        """The id of the experiment, or the name of the values."""
        return f"{self.report}-{self.experiment}" if self.report else self.experiment

    @property
    def plain(self) -> dict[str, Any]:
        """It as plain JSON types."""
        return {**asdict(self), "arms": list(self.arms)}

    @classmethod
    def parse(cls, found: Any) -> "About":
        """What ``plain`` gave. Raises ValueError for anything else."""
        if not isinstance(found, Mapping) or found.keys() != {*_TYPES, "arms"}:
            raise ValueError("it does not say what it is of")
        typed = all(type(found[name]) is kind for name, kind in _TYPES.items())
        named = isinstance(found["arms"], list) and all(isinstance(arm, str) for arm in found["arms"])
        if not typed or not named or found["kind"] not in get_args(Kind):
            raise ValueError("it does not say what it is of")
        return cls(**{**found, "arms": tuple(found["arms"])})


def asked_of(block: Block) -> str:
    """The digest of all that is asked for in training ``block``, but for its seeds."""
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


def about_block(block: Block) -> About:
    """What the record of ``block`` is of."""
    return About(
        kind="trained",
        report=block.report,
        experiment=block.experiment,
        arms=(block.arm.name,),
        first_seed=block.first_seed,
        asks=asked_of(block),
    )


def about_run(block: Block, seed: int) -> About:
    """What the record of the run of ``seed`` is of, while other runs of ``block`` have not ended."""
    return replace(about_block(block), kind="run", first_seed=seed)
