"""Claims on data of one's own, in a file of claims: judged, reported under the data's name, and wrong in one line."""

import json

import pytest

from test_image_folder import drawn as images
from test_image_folder import put

OWN = """
import numpy as np

from hw1bench import ImageFolder, Images, Table, both_tiers
from hw1bench.effects import accuracy_above, alike, lower_loss

NUMBERS = np.random.default_rng(0)
X = NUMBERS.normal(size=(60, 2))
FLOWERS = Table(X, X @ [1.0, -2.0], name="flowers", test=(X[:20] + 0.1, X[:20] @ [1.0, -2.0]))
KINDS = Table(X, X[:, 0] > 0, name="kinds", test=(X[:20], X[:20, 0] > 0))


def trained(name, data, layout, rates=(1e-1, 2e-2)):
    loss = "mse" if data.regression else "cross_entropy"
    arms = [
        Arm(name=f"lr {lr}", data=data, model=Model(layout), loss=loss, optimizer=Optimizer(name="adam", lr=lr), epochs=50)
        for lr in rates
    ]
    kind = "losses" if data.regression else "accuracies"
    return Experiment(report="A", name=name, figures=(Figure(number="1", title="", kind=kind),), **both_tiers(arms))


def on(name, experiment, effect):
    return Claim(f"A-fit-{name}", report="A", where="", says="It.", experiment=experiment, effect=effect)


CLAIMS = [
    on("regressed", trained("flowers", FLOWERS, "2-8-1"), lower_loss("lr 0.1", than="lr 0.02")),
    on("classified", trained("kinds", KINDS, "2-8-2"), alike("test_accuracy", "lr 0.1", "lr 0.02", within=0.3)),
    on("few", trained("few", Images(name="digits", size=8, first=200, classes=(0, 1)), "64-2", (1e-2,)),
       accuracy_above(0.9, "lr 0.01")),
    on("folder", trained("leaves", ImageFolder("leaves"), "64-3", (1e-1,)), accuracy_above(0.5, "lr 0.1")),
]
"""


@pytest.fixture
def session(project, pytester, monkeypatch):
    """A function that runs a session on a file of claims with ``wrong`` in place of ``right``."""
    put(pytester.path / "leaves", images())
    monkeypatch.setenv("XDG_CACHE_HOME", str(pytester.path / "cache"))

    def run(right="", wrong="", *arguments):
        assert right in OWN
        project(f"[]\n{OWN.replace(right, wrong)}")
        return pytester.runpytest("claims", *arguments)

    return run


def found(pytester):
    return json.loads((pytester.path / "reports" / "claims.json").read_text())["claims"]


def test_claims_on_ones_own_data_are_judged_and_name_it(session, drawn, pytester):
    session().assert_outcomes(passed=4)
    assert [(claim["verdict"], claim["dataset"]["name"]) for claim in found(pytester)] == [
        ("supported", "flowers, 60 samples"),
        ("supported", "kinds, 60 samples"),
        ("supported", "first 200 images of classes 0 and 1 of digits, 8x8"),
        ("supported", "leaves, 8x8"),
    ]
    for claim in found(pytester):
        assert claim["dataset"]["canonical"]
        assert not claim["dataset"]["stand_in"]
        assert claim["changes"] == []
    charts = {path.name: path.read_text() for path in (pytester.path / "reports" / "figures").glob("*.svg")}
    for name, said in (
        ("flowers-losses", "flowers, 60 samples"),
        ("kinds-accuracies", "kinds, 60 samples"),
        ("leaves-accuracies", "leaves, 31 images"),
        ("few-accuracies", "first 200 images of classes 0 and 1 of digits"),
    ):
        assert f">{said}<" in charts[f"A-{name}.svg"]
    assert "chance, 50 %" in charts["A-kinds-accuracies.svg"]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        (
            'X @ [1.0, -2.0], name="flowers"',
            'X[1:, 0], name="flowers"',
            "Table 'flowers' has 60 samples in x and 59 in y",
        ),
        ('ImageFolder("leaves")', 'ImageFolder("trees")', "trees is not a folder: give one that holds train/<class>"),
        ('"2-8-2"', '"2-8-3"', "layout '2-8-3' has 3 outputs for 2 classes: end it with 2"),
        (", test=(X[:20], X[:20, 0] > 0))", ")", "needs test_accuracy, which arm 'lr 0.1' does not have"),
        ("first=200", "first=20_000", "Images 'digits' first is 20,000: give at most 288"),
        ('kind = "losses"', 'kind = "curves"', "needs x, truth, which arm 'lr 0.1' does not have"),
    ],
)
def test_mistakes_are_told_before_anything_trains(right, wrong, said, session, pytester):
    result = session(right, wrong)
    assert result.ret != 0
    assert said in result.stdout.str() + result.stderr.str()
    assert not list((pytester.path / "reports").glob("blocks/*.npz"))
