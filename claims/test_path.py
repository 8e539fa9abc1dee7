"""Weight paths: do independent runs go separate ways, do they end close together, and is a path flatter than a random walk?"""

from operator import attrgetter

import pytest

from hw1bench import Claim, Experiment
from hw1bench.effects import accuracy_reaches, beyond_random_walk, grows_closer, separates
from hw1bench.sources import a, b, d, e

WHERE = {"A": "1-2-1", "B": "HW 1_2, visualise", "D": "2.1", "E": "HW1-2, visualising"}
PATHS = {"A": a.PATHS, "B": b.PATHS, "D": d.PATHS, "E": e.PATHS}
SEPARATE = "a snapshot is farther from the nearest one of the other run than from the nearest other one of its own run"


def _separate(report: str, experiment: Experiment) -> Claim:
    return Claim(
        f"{report}-path-separate",
        report=report,
        question="paths",
        where=WHERE[report],
        says="The runs follow different paths.",
        experiment=experiment,
        effect=separates("a", "b"),
        figure="path_whole",
        assumptions=(f"different: {SEPARATE}, in the median over the snapshots",),
        trivial="nets with so many weights start farther apart than they travel: the claim would fail if the path of one run "
        "led past the path of the other",
        origin="report" if report == "E" else "ours",
    )


def _beyond_random_walk(report: str, experiment: Experiment) -> Claim:
    return Claim(
        f"{report}-path-beyond-random-walk",
        report=report,
        question="paths",
        where=WHERE[report],
        says="Two principal components explain more of the variance of a run's path than of a random walk.",
        experiment=experiment,
        effect=beyond_random_walk("a", "b"),
        figure="path_whole",
        assumptions=(
            "more than for 95 % of random walks with the run's own step lengths in as many dimensions; 1,000 are simulated, "
            "seeded by the number of the seed",
        ),
        trivial="gradients of neighbouring epochs point the same way: the claim would fail if each epoch went off in a "
        "direction of its own",
        origin="ours",
    )


CLAIMS = [
    *(
        Claim(
            f"E-path-{part}-converge",
            report="E",
            question="paths",
            where=WHERE["E"],
            says=f"The {weights} of different runs end in similar areas.",
            experiment=e.PATHS,
            effect=grows_closer("a", "b", part=part),
            figure=f"path_{part}",
            assumptions=(
                "similar areas: two runs are closer at the end than at initialisation, relative to the length of their "
                "weights; the plain distances stand beside the figure",
            ),
        )
        for part, weights in (("layer1", "first-layer weights"), ("whole", "weights of the whole model"))
    ),
    Claim(
        "E-path-acc-99",
        report="E",
        question="paths",
        where=WHERE["E"],
        says="Accuracy along the paths reaches 99 %.",
        experiment=e.PATHS,
        effect=accuracy_reaches(0.985, arm="a"),
        figure="path_whole",
        assumptions=(
            "the report prints two digits, and 98.5 % rounds to 99 %",
            "training accuracy, after the best epoch",
        ),
        stated=("threshold",),
    ),
    *(_separate(*pair) for pair in PATHS.items()),
    *(_beyond_random_walk(*pair) for pair in PATHS.items()),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_path(claim, court):
    court.judge(claim)
