"""Size and generalisation: how do training and test loss and accuracy change with the number of parameters?"""

from operator import attrgetter

import pytest

from hw1bench import Claim
from hw1bench.effects import (
    above_at_largest,
    alike,
    beaten,
    every,
    fails,
    falls,
    overfits_by,
    rises,
    rises_then_plateaus,
    saturates,
    u_shaped,
)
from hw1bench.sources import a, b, c, d, e

SIZE = "parameters"
A_WHERE, B_WHERE, E_WHERE = "1-3-2", "Generalization, number of parameters", "HW1-3, number of parameters"

CLAIMS = [
    Claim(
        "A-size-train-loss-falls",
        report="A",
        question="size",
        where=A_WHERE,
        says="Training loss falls with size.",
        experiment=a.SIZE,
        effect=falls("train_loss", over=SIZE),
        figure="loss_by_size",
    ),
    Claim(
        "A-size-train-accuracy-rises",
        report="A",
        question="size",
        where=A_WHERE,
        says="Training accuracy rises with size.",
        experiment=a.SIZE,
        effect=rises("train_accuracy", over=SIZE),
        figure="accuracy_by_size",
    ),
    Claim(
        "A-size-test-loss-not",
        report="A",
        question="size",
        where=A_WHERE,
        says="Test loss does not fall with size.",
        experiment=a.SIZE,
        effect=fails(falls("test_loss", over=SIZE)),
        figure="loss_by_size",
    ),
    Claim(
        "A-size-test-accuracy-not",
        report="A",
        question="size",
        where=A_WHERE,
        says="Test accuracy does not rise with size.",
        experiment=a.SIZE,
        effect=fails(rises("test_accuracy", over=SIZE)),
        figure="accuracy_by_size",
    ),
    Claim(
        "A-size-overfits",
        report="A",
        question="size",
        where=A_WHERE,
        says="The largest net overfits: its test loss ends well above its training loss.",
        experiment=a.SIZE,
        effect=overfits_by(0.05, "784-20-10"),
        figure="loss_by_size",
        assumptions=("well above: by more than 0.05",),
    ),
    Claim(
        "A-size-decay-helps",
        report="A",
        question="size",
        where=A_WHERE,
        says="A better weight decay than 1e-4 lowers the test loss.",
        experiment=a.SIZE_DECAY,
        effect=beaten("test_loss", "1e-4", among=("0", "1e-5", "1e-3", "1e-2"), factor=1.02),
        assumptions=("lowers: by more than 2 %, with the best of the four other values",),
    ),
    Claim(
        "B-size-loss-falls",
        report="B",
        question="size",
        where=B_WHERE,
        says="Test loss falls with size.",
        experiment=b.SIZE,
        effect=falls("test_loss", over=SIZE),
        figure="loss_by_size",
    ),
    Claim(
        "B-size-accuracy-rises",
        report="B",
        question="size",
        where=B_WHERE,
        says="Test accuracy rises with size.",
        experiment=b.SIZE,
        effect=rises("test_accuracy", over=SIZE),
        figure="accuracy_by_size",
    ),
    Claim(
        "C-size-train-loss-falls",
        report="C",
        question="size",
        where="1-3 G",
        says="Training loss falls with size.",
        experiment=c.SIZE,
        effect=falls("train_loss", over=SIZE),
        figure="loss_by_size",
    ),
    Claim(
        "C-size-loss-falls",
        report="C",
        question="size",
        where="1-3 G",
        says="Test loss falls with size.",
        experiment=c.SIZE,
        effect=falls("test_loss", over=SIZE),
        figure="loss_by_size",
    ),
    Claim(
        "C-size-accuracy-saturates",
        report="C",
        question="size",
        where="1-3 G",
        says="From about 750,000 parameters on, test accuracy hardly differs.",
        experiment=c.SIZE,
        effect=alike("test_accuracy", "widths x 1", "widths x 5/4", "widths x 3/2", "widths x 2", within=0.005),
        figure="accuracy_by_size",
        assumptions=(
            "hardly differs: by less than half a point",
            "from about 750,000 on: mnist-1, which has 751,933, and the larger nets",
        ),
    ),
    Claim(
        "D-size-saturates",
        report="D",
        question="size",
        where="3.2",
        says="Larger is better up to a point, then test accuracy saturates.",
        experiment=d.SIZE,
        effect=saturates("c = 1", "c = 6", "c = 32"),
        figure="accuracy_by_size",
        assumptions=(
            "the gain from the first to the fifth of ten nets is above 0, and above the gain from the fifth to the tenth",
        ),
        trivial="accuracy is at most 1: the smallest net would have to be nearly as good already, or none to learn",
    ),
    Claim(
        "E-size-train-loss-falls",
        report="E",
        question="size",
        where=E_WHERE,
        says="Training loss falls with size.",
        experiment=e.SIZE,
        effect=falls("train_loss", over=SIZE),
        figure="loss_by_size",
    ),
    Claim(
        "E-size-test-u",
        report="E",
        question="size",
        where=E_WHERE,
        says="With size, test loss first falls, then rises.",
        experiment=e.SIZE,
        effect=u_shaped("test_loss", over=SIZE, factor=1.1),
        figure="loss_by_size",
        assumptions=("both ends are more than 10 % above the minimum",),
    ),
    Claim(
        "E-size-overfit-gap",
        report="E",
        question="size",
        where=E_WHERE,
        says="Very large nets overfit: test loss minus training loss rises with size.",
        experiment=e.SIZE,
        effect=rises("loss_gap", over=SIZE),
        figure="loss_by_size",
    ),
    Claim(
        "E-size-train-accuracy-rises",
        report="E",
        question="size",
        where=E_WHERE,
        says="Training accuracy rises with size, and is nearly perfect for the largest net.",
        experiment=e.SIZE,
        effect=every(rises("train_accuracy", over=SIZE), above_at_largest("train_accuracy", 0.995, over=SIZE)),
        figure="accuracy_by_size",
        assumptions=("nearly perfect: above 99.5 %",),
    ),
    Claim(
        "E-size-test-plateau",
        report="E",
        question="size",
        where=E_WHERE,
        says="Test accuracy rises with size, then plateaus or falls for the largest nets.",
        experiment=e.SIZE,
        effect=rises_then_plateaus("test_accuracy", over=SIZE, by=0.005, within=0.001),
        figure="accuracy_by_size",
        assumptions=(
            "rises: the best accuracy is more than half a point above the accuracy of the smallest net",
            "plateaus: the best of the three largest nets is less than 0.1 point above the best of the other nets",
        ),
    ),
]

# The claim about report D's nets compares three of them; the figures show all.
EXHIBITS = [c.SIZE, d.SIZE]


@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_size(claim, court):
    court.judge(claim)


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=attrgetter("id"))
def test_exhibit(exhibit, court):
    court.show(exhibit)
