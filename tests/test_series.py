"""The arrays that a sitting gives its charts: an arm's runs in the order of their seeds."""

import re
from dataclasses import replace

import numpy as np
import pytest

from cases import ARM, DIGITS
from hw1bench import Claim, CrossReportFigure, Experiment, Figure, Model, Protocol
from hw1bench.effects import accuracy_above, loss_below
from hw1bench.records.runs import Block, Measured, Record
from hw1bench.session.drawing import Drawing
from hw1bench.specs.measurement import Interpolation, JacobianNorm
from hw1bench.support.snapshots import ARRAYS

BEST = replace(
    ARM,
    name="net",
    data=DIGITS,
    model=Model("64-10"),
    loss="cross_entropy",
    epochs=3,
    batch_size=64,
    keep="best",
)
FACTS = {"steps_per_epoch": 5}


def record(first, **arrays):
    """Runs whose training loss is seed + epoch / 10, and whose best epoch is the second."""
    seeds = np.arange(first, first + 8.0)[:, None]
    losses = seeds + np.arange(4) / 10
    accuracies = np.tile([0.99, 0.1, 0.9, 0.2], (8, 1))
    found = {
        "train_loss": losses,
        "test_loss": 2 * losses,
        "train_accuracy": 1 - accuracies,
        "test_accuracy": accuracies,
    }
    found |= {name: np.zeros((8, 3)) for name in ("weights", *ARRAYS)}
    return Record(found | arrays, FACTS, 1.0)


NORM = "loss_and_jacobian_by_batch"


@pytest.fixture
def series(tmp_path):
    """The arrays that a chart of ``kind`` gets of an arm, from its records and their Jacobian norms by first seed."""

    def make(records, arm=BEST, kind="loss", norms=()):
        protocol = Protocol(arms=(arm, replace(arm, name="not trained")), looks=(8, 16))
        experiment = Experiment(report="T", name="x", full=protocol, quick=protocol)
        at_hand = {Block("T", "x", arm, first): found for first, found in records.items()}
        at_hand[Block("T", "other", arm, 0)] = record(90)
        results = {
            Measured(JacobianNorm(), (Block("T", name, arm, first),)): Record({"jacobian": found}, FACTS, 1.0)
            for name in ("other", "x")
            for first, found in dict(norms).items()
        }
        (one,) = Drawing("quick", at_hand, results, tmp_path, print).series(experiment, kind)
        assert one.name == "net"
        return one.arrays

    return make


def test_runs_come_in_the_order_of_their_seeds_with_size_and_steps(series):
    found = series({8: record(8), 0: record(0)}, norms={0: np.arange(8.0)})
    assert found["train_loss"][:, 0].tolist() == list(range(16))
    assert found["parameters"] == 650
    assert found["steps"].tolist() == [0, 5, 10, 15]
    assert not {"weights", *ARRAYS} & set(found)
    assert not {"kept_train_loss", "jacobian"} & set(found)  # of sweeps alone


@pytest.mark.parametrize(("keep", "epoch"), [("best", 2), ("last", 3)])
def test_a_sweep_shows_values_of_the_kept_weights(series, keep, epoch):
    norms = np.tile([10.0, 20.0, 30.0], (8, 1))
    records = {0: record(0, last_batch_norm=norms)}
    found = series(records, replace(BEST, keep=keep), NORM, {0: np.arange(8.0)})
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
        assert found[f"kept_{name}"].tolist() == found[name][:, epoch].tolist()
    assert found["reported"].tolist() == [10 * epoch] * 8
    assert found["jacobian"].tolist() == list(range(8))
    assert (found["lr"], found["batch_size"]) == (BEST.optimizer.lr, 64)


def test_a_sweep_without_the_reported_measure_or_a_batch_size(series):
    found = series({0: record(0)}, replace(BEST, batch_size=None), NORM, {0: np.arange(8.0)})
    assert "reported" not in found
    assert np.isnan(found["batch_size"])


def test_blocks_that_were_not_measured_leave_the_others_to_be_shown(series):
    found = series({0: record(0), 8: record(8)}, kind=NORM, norms={0: np.arange(8.0)})
    assert (len(found["train_loss"]), len(found["jacobian"])) == (16, 8)


def test_results_come_in_the_order_of_their_seeds(series):
    found = series({0: record(0), 8: record(8)}, kind=NORM, norms={8: np.arange(8, 16.0), 0: np.arange(8.0)})
    assert found["jacobian"].tolist() == list(range(16))


def test_a_chart_shows_the_line_between_its_arms_out_of_two_from_one_arm(tmp_path):
    arms = tuple(replace(BEST, name=name, independent=True) for name in "abc")
    lines = {name: Interpolation(first="a", second=name, alphas=(0.0, 1.0)) for name in "bc"}
    protocol = Protocol(arms=arms, looks=(8,), measures=tuple(lines.values()))
    experiment = Experiment(report="T", name="x", full=protocol, quick=protocol)
    blocks = {arm.name: Block("T", "x", arm, 0) for arm in arms}
    results = {
        Measured(line, (blocks["a"], blocks[name])): Record({"mixed_test_loss": np.full((8, 2), height)}, FACTS, 1.0)
        for (name, line), height in zip(lines.items(), (1.0, 2.0), strict=True)
    }
    drawing = Drawing("quick", {block: record(0) for block in blocks.values()}, results, tmp_path, print)
    for name, height in (("b", 1.0), ("c", 2.0)):
        first, second = drawing.series(experiment, "interpolation", ("a", name))
        assert (first.name, second.name) == ("a", name)
        assert (first.arrays["mixed_test_loss"] == height).all()
        assert "mixed_test_loss" not in second.arrays
    with pytest.raises(ValueError, match="arm 'a' has several results to draw: name the arms of one in the figure"):
        drawing.series(experiment, "interpolation")


def written(folder, name):
    return re.findall(r">([^<>]+)</text>", (folder / "figures" / name).read_text())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (DIGITS, "digits"),
        (replace(DIGITS, stands_for="CIFAR-10", random_labels=True), "digits, for CIFAR-10, random labels"),
    ],
)
def test_every_figure_names_the_data_that_its_runs_were_trained_on(data, said, tmp_path):
    arm = replace(BEST, data=data)
    protocol = Protocol(arms=(arm,), looks=(8,))
    figure = Figure(number="1", title="Losses", kind="losses")
    experiment = Experiment(report="T", name="x", full=protocol, quick=protocol, figures=(figure,))
    across = CrossReportFigure(topic="x", title="All", kind="loss", experiments=(experiment,))
    drawing = Drawing("quick", {Block("T", "x", arm, 0): record(0)}, {}, tmp_path, print)
    assert len(drawing.draw({experiment: "x", across: "x"})) == 2
    for name in ("T-x-losses.svg", "across-x-loss.svg"):
        assert said in written(tmp_path, name)


def test_a_figure_of_functions_names_the_function_and_its_points(tmp_path):
    arm = replace(ARM, epochs=3)
    protocol = Protocol(arms=(arm,), looks=(8,))
    figure = Figure(number="1", title="Losses", kind="loss")
    experiment = Experiment(report="T", name="x", full=protocol, quick=protocol, figures=(figure,))
    drawing = Drawing("quick", {Block("T", "x", arm, 0): record(0)}, {}, tmp_path, print)
    drawing.draw({experiment: "x"})
    assert f"sinc, {arm.data.points} points" in written(tmp_path, "T-x-loss.svg")


def test_claims_mark_the_figures_that_show_them_and_no_others(tmp_path):
    protocol = Protocol(arms=(BEST,), looks=(8,))
    shown = tuple(Figure(number="1", title="T", kind=kind) for kind in ("losses", "accuracies"))
    experiment = Experiment(report="T", name="x", full=protocol, quick=protocol, figures=shown)
    other = replace(experiment, name="y")
    claims = [
        Claim(f"T-{of.name}-{figure}", report="T", where="x", says="So.", experiment=of, effect=effect, figure=figure)
        for of, figure, effect in (
            (experiment, "accuracies", accuracy_above(0.77, "net")),
            (experiment, "losses", loss_below(2.5, "net")),
            (other, "losses", loss_below(0.5, "net")),
        )
    ]
    drawing = Drawing("quick", {Block("T", "x", BEST, 0): record(0)}, {}, tmp_path, print, claims=claims)
    drawing.draw({experiment: "x"})
    accuracies, losses = (written(tmp_path, f"T-x-{kind}.svg") for kind in ("accuracies", "losses"))
    assert {"77", "threshold"} <= {*accuracies}
    assert {"2.5", "threshold"} <= {*losses}
    assert "0.5" not in losses


def test_a_figure_that_lacks_arms_or_results_as_the_session_was_ended_is_left_out_and_others_are_drawn(tmp_path):
    arms = tuple(replace(BEST, name=name, batch_size=size) for name, size in (("a", 32), ("b", 64), ("c", 128)))
    protocol = Protocol(arms=arms, looks=(8,), measures=(JacobianNorm(),))
    shown = (
        Figure(number="1", title="Both", kind="loss", arms=("a", "b")),
        Figure(number="2", title="All", kind="losses"),
        Figure(number="3", title="Norms", kind=NORM, arms=("a", "b")),
    )
    experiment = Experiment(report="T", name="x", full=protocol, quick=protocol, figures=shown)
    across = CrossReportFigure(topic="x", title="All", kind="loss", experiments=(experiment,))
    blocks = [Block("T", "x", arm, 0) for arm in arms]
    norms = Record({"jacobian": np.arange(8.0)}, FACTS, 1.0)
    results = {Measured(JacobianNorm(), (blocks[0],)): norms}
    said = []

    def drawn(of, unfinished):
        records = {block: record(0) for block in of}
        drawing = Drawing("quick", records, results, tmp_path, said.append, unfinished=unfinished)
        return [figure["path"] for figure in drawing.draw({experiment: "x", across: "x"})]

    assert drawn(blocks[:2], {experiment}) == ["figures/T-x-loss.svg"]
    left = [line.removeprefix("figure ").partition(":")[0] for line in said]
    assert left == [f"figures/{name}.svg is left out" for name in ("T-x-losses", f"T-x-{NORM}", across.id)]
    assert all(line.endswith("its runs are not complete") for line in said)
    said.clear()
    results[Measured(JacobianNorm(), (blocks[1],))] = norms
    assert len(drawn(blocks, {experiment})) == 4
    assert said == []
    assert len(drawn(blocks[:2], set())) == 4  # a session that was asked for a part of the claims draws what it has
