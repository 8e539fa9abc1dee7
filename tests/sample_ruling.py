"""A ruling that tests vary. It imports no torch, for it is also made in processes that start anew."""

from dataclasses import replace

from hw1bench.court.rulings import Ruling

HERE = {"isa": "AVX2", "threads": 2}


def ruling(claim="A-fit-x", **changed):
    """A ruling on ``claim`` that was supported in 8 of 8 seeds; ``changed`` replaces what a test is about."""
    plain = Ruling(
        claim=claim,
        topic="fit",
        tier="quick",
        fidelity="as reported",
        verdict="supported",
        how=None,
        holds=8,
        seeds=8,
        median=0.5,
        interval=(0.25, 1.0),
        experiment="key",
        effect="effect",
        environment=HERE,
        seconds=4.5,
        date="2026-01-31",
    )
    return replace(plain, **changed)
