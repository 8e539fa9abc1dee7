"""Random labels: are they memorised, and what happens to the test set meanwhile?"""

from operator import attrgetter

import pytest

from hw1bench import Claim, CrossReportFigure
from hw1bench.effects import (
    accuracy_above,
    accuracy_below,
    below_on_test,
    falls_over_epochs,
    near,
    no_trend_over_epochs,
    overfits,
    rises_over_epochs,
)
from hw1bench.sources import a, b, c, d, e

B_WHERE, E_WHERE = "Generalization, random labels", "HW1-3, random labels"
CHANCE = "guessing is right in 10 % of the images of any of the sets"
A_NET, B_NET = "784-256-10", "1024-128-128-10"

CLAIMS = [
    Claim(
        "A-random-cannot-learn",
        report="A",
        question="random-labels",
        where="1-3-1",
        says="The network does not learn the random labels.",
        experiment=a.RANDOM_LABELS,
        effect=accuracy_below(0.15, A_NET),
        figure="accuracies",
        assumptions=("does not learn: a final training accuracy below 15 %",),
        about_not_training=True,
    ),
    Claim(
        "B-random-learns",
        report="B",
        question="random-labels",
        where=B_WHERE,
        says="The network can learn the random labels: it ends above chance.",
        experiment=b.RANDOM_LABELS,
        effect=accuracy_above(0.15, B_NET),
        figure="accuracies",
        assumptions=("above chance, which is 10 %: a final training accuracy above 15 %",),
        own_level=CHANCE,
    ),
    Claim(
        "B-random-memorised",
        report="B",
        question="random-labels",
        where=B_WHERE,
        says="The random labels are memorised.",
        experiment=b.RANDOM_LABELS,
        effect=accuracy_above(0.99, B_NET),
        figure="accuracies",
        assumptions=("memorised: a final training accuracy above 99 %",),
        origin="ours",
        about_not_training=True,
    ),
    Claim(
        "B-random-loss-falls",
        report="B",
        question="random-labels",
        where=B_WHERE,
        says="The training loss decreases.",
        experiment=b.RANDOM_LABELS,
        effect=falls_over_epochs("train_loss", arm=B_NET, blocks=10),
        figure="losses",
        trivial="the loss that the optimiser minimises would have to stand still, or training to diverge",
    ),
    Claim(
        "B-random-test-rises",
        report="B",
        question="random-labels",
        where=B_WHERE,
        says="Meanwhile the test loss increases.",
        experiment=b.RANDOM_LABELS,
        effect=rises_over_epochs("test_loss", arm=B_NET, blocks=10),
        figure="losses",
    ),
    Claim(
        "B-random-poor-test",
        report="B",
        question="random-labels",
        where=B_WHERE,
        says="Trained on random labels, the network does poorly on the test set.",
        experiment=b.RANDOM_LABELS,
        effect=below_on_test(0.15, B_NET),
        figure="accuracies",
        assumptions=("poorly: a final test accuracy below 15 %, where chance is 10 %",),
        own_level=CHANCE,
        trivial="random labels say nothing of the digits: the true labels would have to leak into the training set",
    ),
    Claim(
        "E-random-loss-falls",
        report="E",
        question="random-labels",
        where=E_WHERE,
        says="The training loss decreases.",
        experiment=e.RANDOM_LABELS,
        effect=falls_over_epochs("train_loss", arm="LeNet"),
        figure="losses",
        trivial="the loss that the optimiser minimises would have to stand still, or training to diverge",
    ),
    Claim(
        "E-random-memorised",
        report="E",
        question="random-labels",
        where=E_WHERE,
        says="The labels are therefore memorised.",
        experiment=e.RANDOM_LABELS,
        effect=accuracy_above(0.99, "LeNet"),
        figure="accuracies",
        assumptions=("memorised: a final training accuracy above 99 %",),
        about_not_training=True,
    ),
    Claim(
        "E-random-test-fluctuates",
        report="E",
        question="random-labels",
        where=E_WHERE,
        says="The test loss fluctuates: no clear rise or fall.",
        experiment=e.RANDOM_LABELS,
        effect=no_trend_over_epochs("test_loss", arm="LeNet"),
        figure="losses",
    ),
    Claim(
        "E-random-acc-chance",
        report="E",
        question="random-labels",
        where=E_WHERE,
        says="Training accuracy stays at 10 to 11 %.",
        experiment=e.RANDOM_LABELS,
        effect=accuracy_below(0.12, "LeNet"),
        figure="accuracies",
        assumptions=("stays at 10 to 11 %: ends below 12 %",),
        about_not_training=True,
    ),
    Claim(
        "E-random-test-chance",
        report="E",
        question="random-labels",
        where=E_WHERE,
        says="Test accuracy stays near 10 %.",
        experiment=e.RANDOM_LABELS,
        effect=near("test_accuracy", 0.10, arm="LeNet", within=0.02),
        figure="accuracies",
        assumptions=("stays near 10 %: ends within 2 points of it",),
        stated=("reported",),
        trivial="random labels say nothing of the digits: the true labels would have to leak into the training set",
    ),
    *(
        Claim(
            f"{report}-random-no-generalise",
            report=report,
            question="random-labels",
            where=where,
            says="On random labels the test loss ends above the training loss.",
            experiment=source.RANDOM_LABELS,
            effect=overfits(net),
            figure="losses",
            origin="ours",
            trivial="a net that is fitted to random labels would have to guess the true labels of the test set as well as them",
        )
        for report, source, where, net in (("C", c, "1-3 F", "mnist-1"), ("D", d, "3.1", "CNN-1"))
    ),
]

# Report A says that random labels cannot be learnt, B that they are, E both: each is right under its own budget.
ACROSS = [
    CrossReportFigure(
        topic="random",
        title="Training accuracy on random labels against optimiser steps",
        kind="memorising",
        experiments=(a.RANDOM_LABELS, b.RANDOM_LABELS, e.RANDOM_LABELS),
        says="Report A says that random labels cannot be learnt, which is true of a budget that ends before the step at which "
        "its net passes 15 %. Reports B and E say that random labels are memorised, which is true of a budget that ends after "
        "the step at which their nets pass 99 %. Report E also says that training accuracy stays at chance, which is true until "
        "its net passes 15 %.",
    )
]


@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_random(claim, court):
    court.judge(claim)


@pytest.mark.parametrize("exhibit", ACROSS, ids=attrgetter("id"))
def test_across(exhibit, court):
    court.show(exhibit)
