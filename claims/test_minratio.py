"""Points of almost zero gradient: does the loss curve upwards in most directions, and in more of them if it is lower?"""

from operator import attrgetter

import pytest

from hw1bench import Claim
from hw1bench.effects import mostly_positive, ratio_falls_with_loss
from hw1bench.sources import a, b, c, d

WHERE = {"A": "1-2-3", "B": "HW 1_2, minimal ratio", "C": "1-2 E", "D": "2.3"}
EXPERIMENTS = {"A": a.MINIMAL_RATIO, "B": b.MINIMAL_RATIO, "C": c.MINIMAL_RATIO, "D": d.MINIMAL_RATIO}

CLAIMS = [
    Claim(
        f"{report}-minratio-{name}",
        report=report,
        question="minimal-ratio",
        where=WHERE[report],
        says=says,
        experiment=experiment,
        effect=effect,
        figure="ratio_by_loss",
        origin="ours",
        assumptions=assumptions,
        trivial=trivial,
    )
    for report, experiment in EXPERIMENTS.items()
    for name, says, effect, assumptions, trivial in (
        (
            "mostly-positive",
            "At the points of almost zero gradient to which training leads, directions of positive curvature outnumber negative "
            "ones.",
            mostly_positive(),
            ("points that needed no step on the loss after training are counted and shown apart",),
            "where steps on the norm stall, the search goes down the loss and ends near minima, where no direction curves "
            "down: the claim would fail if most points were saddles with more negative than positive directions",
        ),
        (
            "falls-with-loss",
            "At points of almost zero gradient, a lower loss goes with a higher minimal ratio.",
            ratio_falls_with_loss(),
            (),
            "",
        ),
    )
]


@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_minratio(claim, court):
    court.judge(claim)
