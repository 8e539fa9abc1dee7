"""The straight line between two nets: which alpha is best, and is there a barrier between independently trained nets?"""

from operator import attrgetter

import pytest

from hw1bench import Claim
from hw1bench.effects import (
    barrier_above,
    best_within,
    every,
    falls_along,
    peaks_near,
    pure_is_best,
    rises_along,
)
from hw1bench.sources import a, b, c, e

A_WHERE, B_WHERE, C_WHERE, E_WHERE = "1-3-3", "Flatness, part 1", "1-3 H part 1", "HW1-3, flatness"
LOSSES, ACCURACIES = ("train_loss", "test_loss"), ("train_accuracy", "test_accuracy")
RISES = "in order over the grid's alphas from 1 to 2"
BARRIER = (
    "a barrier: between the ends the test error rises more than 2 points above the mean of the test errors at the ends"
)

CLAIMS = [
    *(
        Claim(
            f"A-interp-pure-best-w{width}",
            report="A",
            question="middle",
            where=A_WHERE,
            says="Test accuracy is higher at alpha = 0 than in any mixture.",
            experiment=a.INTERPOLATION,
            effect=pure_is_best(*ends, share=0.2),
            figure=f"w{width}",
            assumptions=("mixtures: 0.2 <= alpha <= 0.8",),
        )
        for width, ends in a.ENDS.items()
    ),
    *(
        Claim(
            f"A-interp-train-middle-w{width}",
            report="A",
            question="middle",
            where=A_WHERE,
            says="Training accuracy is best for alpha about 0.4 to 0.5.",
            experiment=a.INTERPOLATION,
            effect=best_within(0.4, 0.5, *ends),
            figure=f"w{width}",
            stated=("low", "high"),
        )
        for width, ends in a.ENDS.items()
    ),
    Claim(
        "C-interp-worse-towards-large-batch",
        report="C",
        question="middle",
        where=C_WHERE,
        says="Along the line from batch 64 to batch 1024 test accuracy falls and test loss rises.",
        experiment=c.INTERPOLATION,
        effect=every(
            falls_along(("test_accuracy",), *c.ENDS, over=((0, 1),)),
            rises_along(("test_loss",), *c.ENDS, over=((0, 1),)),
        ),
        figure="interpolation",
        assumptions=("in order over the grid's alphas from 0 to 1, the two ends among them",),
        stated=("over",),
    ),
    *(
        Claim(
            f"E-interp-{split}-peak-half",
            report="E",
            question="middle",
            where=E_WHERE,
            says=f"{'Training' if split == 'train' else 'Test'} accuracy peaks near alpha 0.5.",
            experiment=e.INTERPOLATION,
            effect=peaks_near(0.5, split, *e.ENDS, within=0.15),
            figure="interpolation",
            assumptions=("near: within 0.15; if alphas tie, their middle counts",),
            stated=("alpha",),
        )
        for split in ("train", "test")
    ),
    Claim(
        "E-interp-loss-falls-to-half",
        report="E",
        question="middle",
        where=E_WHERE,
        says="Training and test loss fall from alpha -1 to about 0.5.",
        experiment=e.INTERPOLATION,
        effect=falls_along(LOSSES, *e.ENDS, over=((-1, 0), (0, 0.5))),
        figure="interpolation",
        assumptions=("in order over the grid's alphas from -1 to 0, and from 0 to 0.5",),
        stated=("over",),
    ),
    Claim(
        "E-interp-loss-rises-beyond-1",
        report="E",
        question="middle",
        where=E_WHERE,
        says="Both losses rise beyond alpha 1.",
        experiment=e.INTERPOLATION,
        effect=rises_along(LOSSES, *e.ENDS, over=((1, 2),)),
        figure="interpolation",
        assumptions=(RISES,),
        stated=("over",),
    ),
    Claim(
        "E-interp-accuracy-falls-beyond-1",
        report="E",
        question="middle",
        where=E_WHERE,
        says="Both accuracies fall beyond alpha 1.",
        experiment=e.INTERPOLATION,
        effect=falls_along(ACCURACIES, *e.ENDS, over=((1, 2),)),
        figure="interpolation",
        assumptions=(RISES,),
        stated=("over",),
    ),
    *(
        Claim(
            f"{name}-interp-barrier",
            report=name[0],
            question="middle",
            where=where,
            says=f"A barrier lies between independently trained nets{' of 256 hidden units' if name == 'A' else ''}.",
            experiment=experiment,
            effect=barrier_above(0.02, *ends),
            figure=figure,
            assumptions=(BARRIER,),
            origin="ours",
        )
        for name, where, experiment, ends, figure in (
            ("A", A_WHERE, a.INTERPOLATION, a.ENDS[256], "w256"),
            ("B-batch", B_WHERE, b.INTERPOLATION_BATCH, b.BATCH_ENDS, "interpolation"),
            ("B-lr", B_WHERE, b.INTERPOLATION_LR, b.LR_ENDS, "interpolation"),
            ("C", C_WHERE, c.INTERPOLATION, c.ENDS, "interpolation"),
            ("E", E_WHERE, e.INTERPOLATION, e.ENDS, "interpolation"),
        )
    ),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_interp(claim, court):
    court.judge(claim)
