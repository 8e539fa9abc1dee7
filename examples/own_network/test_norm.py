"""Claims about batch norm, on a table of measurements of tumours, with a network and a measurement of one's own."""

from operator import attrgetter

import pytest
from sklearn.datasets import load_breast_cancer
from torch import nn

from hw1bench import (
    Arm,
    Claim,
    EarlyStopping,
    Effect,
    Experiment,
    Figure,
    Network,
    Optimizer,
    Table,
    both_tiers,
    measure,
)  # fmt: skip

x, y = load_breast_cancer(return_X_y=True)
x = (x - x.mean(0)) / x.std(0)
TUMOURS = Table(x[:400], y[:400], name="tumours", test=(x[400:], y[400:]))


def plain():
    return nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 2))


def normed():
    return nn.Sequential(nn.Linear(30, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 2))


@measure(gives="confidence")
def confidence(network, data, generator):
    """The mean probability that a net gives to the class it names, over the test set."""
    return {"confidence": network(data.test.x).softmax(1).amax(1).mean()}


NORM = Experiment(
    report="tumours",
    name="norm",
    **both_tiers(
        [
            Arm(
                name=make.__name__,
                data=TUMOURS,
                model=Network(make),
                loss="cross_entropy",
                optimizer=Optimizer(name="sgd", lr=0.05, momentum=0.9),
                epochs=10,
                batch_size=20,
                validation=100,
                keep=EarlyStopping(patience=3),
            )
            for make in (plain, normed)
        ],
        measures=[confidence],
    ),
    figures=(Figure(number="1", title="Losses with and without batch norm", kind="losses"),),
)


def of(runs, arm):
    return float(runs[arm].result(confidence)["confidence"])


CLAIMS = [
    Claim(
        "tumours-norm-less-confident",
        report="tumours",
        where="our notes",
        says="A net with batch norm is less confident on the test set.",
        experiment=NORM,
        effect=Effect(
            name="confidence of the plain net - with batch norm",
            unit="share",
            compute=lambda runs: of(runs, "plain") - of(runs, "normed"),
            arms=("plain", "normed"),
        ),
    ),
    Claim(
        "tumours-norm-validation-sooner",
        report="tumours",
        where="our notes",
        says="With batch norm the rule stops earlier.",
        experiment=NORM,
        effect=Effect(
            name="epoch kept of the plain net - with batch norm",
            unit="epochs",
            compute=lambda runs: runs["plain"].kept_epoch - runs["normed"].kept_epoch,
            arms=("plain", "normed"),
        ),
    ),
]


@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_norm(claim, court):
    court.judge(claim)
