"""The norm of the gradient: does it settle, fall, fluctuate or vanish, and does training then stop?"""

from operator import attrgetter

import pytest

from hw1bench import Claim
from hw1bench.effects import (
    fluctuates_while_loss_falls,
    high_early,
    loss_stabilises,
    norm_calms_at_stop,
    norm_falls_late,
    norm_falls_then_slows,
    norm_moves_more,
    norm_never_zero,
    norm_settles,
    stands_still,
)
from hw1bench.sources import a, b, c, d, e

B_WHERE, E_WHERE, E_NET = "HW 1_2, gradient norm", "HW1-2, gradient norm", "784-128-64-10"

CLAIMS = [
    Claim(
        "A-grad-settles",
        report="A",
        question="gradient",
        where="1-2-2",
        says="The gradient norm converges.",
        experiment=a.GRADIENT,
        effect=norm_settles("500"),
        figure="gradient_norm",
        assumptions=("converges: the norm spreads less in the last tenth of the epochs than in the first tenth",),
        trivial="from the initialisation a fit starts with its largest gradients: the claim would fail if the norm still moved "
        "as widely in the last tenth of the epochs as in the first",
    ),
    Claim(
        "B-grad-calms",
        report="B",
        question="gradient",
        where=B_WHERE,
        says="The norm's fluctuation shrinks once a minimum is reached.",
        experiment=b.GRADIENT,
        effect=norm_calms_at_stop("4 layers"),
        figure="gradient_norm",
        assumptions=(
            "a minimum is reached at the epoch at which the stopping rule of the report's fits would stop training; without a "
            "stop there is nothing to compare",
        ),
        trivial="the epochs before the stop, 1,000 or more, contain the large gradients of the first ones: the claim would fail "
        "if the norm jumped as far afterwards",
    ),
    Claim(
        "B-grad-never-zero",
        report="B",
        question="gradient",
        where=B_WHERE,
        says="In ordinary training the norm never vanishes.",
        experiment=b.GRADIENT,
        effect=norm_never_zero("4 layers"),
        figure="gradient_norm",
        assumptions=("vanishes: is exactly 0 after an epoch",),
        trivial="the norm adds up the squares of hundreds of single-precision numbers: it would be exactly 0 only if all units "
        "were dead, or if the net fitted all points exactly",
    ),
    Claim(
        "B-grad-zero-stops",
        report="B",
        question="gradient",
        where=B_WHERE,
        says="If the gradient is zero, the step does not change the model.",
        experiment=b.ZERO_GRADIENT,
        effect=stands_still("4 layers", within=1e-12),
        figure="gradient_norm",
        assumptions=(
            "does not change: the weights move by less than 1e-12 of their length",
            "Adam's moments and the weight decay move the weights although the gradient is zero; with moments and decay zeroed "
            "the weights stay",
        ),
        trivial="the optimiser decides, whatever the net: the claim would hold if Adam's moments and the weight decay were zero",
    ),
    Claim(
        "C-grad-slow-then-moves",
        report="C",
        question="gradient",
        where="1-2 D",
        says="The norm changes slowly at first, and substantially up to epoch 200 of 300.",
        experiment=c.GRADIENT,
        effect=norm_moves_more("784-128-64-10", late=(150 / 300, 250 / 300), early=(0, 100 / 300)),
        figure="gradient_norm",
        assumptions=(
            "the logarithm of the norm has a wider range over epochs 150 to 250 of 300 than over epochs 0 to 100",
        ),
    ),
    Claim(
        "D-grad-fast-then-slow",
        report="D",
        question="gradient",
        where="2.2",
        says="The norm falls fast until epoch 100, and slowly from there to epoch 600.",
        experiment=d.GRADIENT,
        effect=norm_falls_then_slows(100 / 600, arm="4 layers", blocks=10),
        figure="gradient_norm",
        assumptions=(
            "falls until epoch 100: in order over ten block means; fast and slowly: by the fall of its logarithm per epoch, up "
            "to epoch 100 and from there",
        ),
        stated=("share",),
    ),
    Claim(
        "E-grad-high-early",
        report="E",
        question="gradient",
        where=E_WHERE,
        says="Norm and loss are both high early.",
        experiment=e.GRADIENT,
        effect=high_early(E_NET),
        figure="gradient_norm",
        assumptions=("the first 2 % of steps against the last 20 %",),
    ),
    Claim(
        "E-grad-fluctuates",
        report="E",
        question="gradient",
        where=E_WHERE,
        says="Then the norm fluctuates while the loss falls steadily.",
        experiment=e.GRADIENT,
        effect=fluctuates_while_loss_falls(E_NET, least=0.1, blocks=20),
        figure="gradient_norm",
        assumptions=(
            "over the middle half of the steps",
            "fluctuates: a coefficient of variation above 0.1; steadily: in order over 20 block means",
        ),
    ),
    Claim(
        "E-grad-late-falls",
        report="E",
        question="gradient",
        where=E_WHERE,
        says="Late in training the norm decreases.",
        experiment=e.GRADIENT,
        effect=norm_falls_late(E_NET, blocks=10),
        figure="gradient_norm",
        assumptions=("late: the last half of the steps, in 10 block means",),
    ),
    Claim(
        "E-grad-loss-stabilises",
        report="E",
        question="gradient",
        where=E_WHERE,
        says="Late in training the loss stabilises.",
        experiment=e.GRADIENT,
        effect=loss_stabilises(E_NET, last=0.2, within=0.1),
        figure="step_loss",
        assumptions=(
            "the training loss changes over the last fifth of the epochs by less than a tenth of its whole fall",
        ),
    ),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_grad(claim, court):
    court.judge(claim)
