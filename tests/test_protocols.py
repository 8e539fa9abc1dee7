"""Quick protocols against full ones: how their differences are described, and the page in the docs."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from torch import nn

from cases import unchecked
from hw1bench.report.protocols import (
    differences,
    measured,
    page,
    steps,
    table,
    trained,
)
from hw1bench.sources import a, b
from hw1bench.sources.__main__ import main
from hw1bench.sources.pack import EXPERIMENTS, PACK
from hw1bench.specs.experiment import (
    Arm,
    CosineAnnealingLR,
    Experiment,
    ExponentialLR,
    Function,
    Images,
    Model,
    Network,
    Optimizer,
    Protocol,
    StepLR,
    Table,
    both_tiers,
)
from hw1bench.specs.images import TRAINING_SAMPLES
from hw1bench.specs.notation import scaled

PAGE = Path(__file__).parent.parent / "docs" / "protocols.md"
MNIST = Images(name="mnist", size=28)
DIGITS = replace(MNIST, name="digits", stands_for="MNIST")


def arm(name="net", **changed):
    settings = {
        "data": MNIST,
        "model": Model("784-256-10"),
        "loss": "cross_entropy",
        "optimizer": Optimizer(name="adam", lr=1e-3),
        "epochs": 20,
        "batch_size": 64,
    }
    return unchecked(Arm(name=name, **settings), **changed)  # only the description of arms matters here


def experiment(full, quick, name="task", widths_over=1):
    return Experiment(
        report="A",
        name=name,
        full=Protocol(arms=tuple(full), looks=(8, 16, 32)),
        quick=Protocol(arms=tuple(quick), looks=(8, 16), widths_over=widths_over) if quick else None,
    )


def said(full, quick, **more):
    """How a quick arm is described against a full one."""
    return differences(experiment([full], [quick], **more))


def cells(found, seconds=None):
    """The row of an experiment: heading -> cell."""
    head, _, row = (line.strip("| ").split(" | ") for line in table([found], seconds or {}).splitlines())
    return dict(zip(head, row, strict=True))


@pytest.mark.parametrize(
    ("one", "count"),
    [
        (arm(), 20 * 938),
        (arm(data=DIGITS, epochs=8), 184),
        (arm(data=Images(name="cifar10", size=32, channels=3), batch_size=100), 20 * 500),
        (arm(data=Function(name="sinc", points=301), batch_size=100), 20 * 4),
        (arm(data=Function(name="sinc"), batch_size=None), 20),
    ],
)
def test_steps_are_batches_with_the_remainder(one, count):
    assert steps(one) == count


def test_digits_have_as_many_training_samples_as_their_split():
    from sklearn.datasets import load_digits

    assert len(load_digits().target) - 360 == TRAINING_SAMPLES["digits"]


# Sentences.


def test_seeds_alone_are_not_a_difference():
    assert differences(experiment([arm()], [arm()])) == ()
    assert differences(experiment([arm()], None)) == ()
    assert differences(a.FIT_SINC) == ()


def test_stand_in_widths_epochs_and_steps_are_listed_in_this_order():
    quick = arm(data=DIGITS, model=Model("784-64-10"), epochs=8)
    assert said(arm(), quick, widths_over=4) == (
        "digits stand in for MNIST",
        "widths divided by 4",
        "parameters: net 50,890 instead of 203,530",
        "8 of 20 epochs, 184 of 18,760 steps",
    )


def test_the_range_of_parameters_of_many_nets_is_listed_and_an_order_that_changes():
    full = [arm(f"w{width}", model=Model(f"784-{width}-10")) for width in (80, 160, 240, 320)]
    halved = [replace(one, model=Model(scaled(one.model.layout, 1 / 2))) for one in full]
    assert differences(experiment(full, halved, widths_over=2)) == (
        "widths divided by 2",
        "31,810 to 127,210 parameters instead of 63,610 to 254,410",
    )
    swapped = [replace(one, name=name) for one, name in zip(halved, ("w160", "w80", "w240", "w320"), strict=True)]
    assert "ordered by parameters, the nets are now w160, w80, w240, w320" in differences(
        experiment(full, swapped, widths_over=2)
    )


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"data": replace(MNIST, name="digits")}, "digits instead of MNIST"),
        ({"data": replace(MNIST, name="mnist_5k")}, "only 5,000 images of MNIST"),
        (
            {"data": replace(MNIST, name="mnist_5k", stands_for="CIFAR-10")},
            "5,000 images of MNIST stand in for CIFAR-10",
        ),
        ({"data": replace(MNIST, first=10_000)}, "only first 10,000 images of MNIST"),
        ({"data": replace(MNIST, name="mnist_5k", first=500)}, "only first 500 images of 5,000 images of MNIST"),
        ({"data": replace(MNIST, standardize=True)}, "standardize True instead of False"),
        ({"data": replace(MNIST, random_labels=True)}, "random labels True instead of False"),
        ({"data": replace(MNIST, size=14)}, "size 14 instead of 28"),
        ({"model": Model("784-32-10")}, "layout 784-32-10 instead of 784-256-10"),
        ({"model": Model("784-256-10", activation="tanh")}, "activation tanh instead of relu"),
        ({"optimizer": Optimizer(name="adam", lr=1e-2)}, "lr 0.01 instead of 0.001"),
        ({"loss": "nll"}, "loss nll instead of cross_entropy"),
        ({"precision": "float64"}, "precision float64 instead of float32"),
        ({"epochs": 40}, "40 instead of 20 epochs, 37,520 instead of 18,760 steps"),
        ({"schedule": StepLR(every=4, factor=0.1)}, "learning rate times 0.1 every 4 epochs instead of constant"),
        ({"schedule": ExponentialLR(factor=0.9)}, "learning rate times 0.9 every epoch instead of constant"),
        (
            {"schedule": CosineAnnealingLR(over=10, least=1e-5)},
            "learning rate along a cosine to 1e-05 in 10 epochs instead of constant",
        ),
    ],
)
def test_whatever_else_a_quick_protocol_changes_is_listed(changed, text):
    assert text in said(arm(), arm(**changed))


def test_another_batch_size_is_listed_with_its_steps():
    assert said(arm(), arm(batch_size=128)) == ("20 epochs, 9,380 of 18,760 steps", "batch size 128 instead of 64")


def test_data_of_another_kind_are_listed():
    function = arm(data=Function(name="sinc"), batch_size=None)
    assert said(function, unchecked(function, data=Function(name="sinc", points=100, low=0.0))) == (
        "points 100 instead of 300, low 0.0 instead of -1.0",
    )
    assert said(arm(batch_size=None), function) == ("sinc instead of MNIST",)


def two_classes(**fields):
    return arm(data=replace(MNIST, classes=(0, 1), **fields), model=Model("784-2"), epochs=1, batch_size=None)


@pytest.mark.parametrize(
    ("full", "quick", "text"),
    [
        ({}, {"first": 99}, "only first 99 images of classes 0 and 1 of MNIST"),
        ({}, {"name": "mnist_5k"}, "only classes 0 and 1 of 5,000 images of MNIST"),
        ({}, {"classes": (1, 2)}, "classes 1 and 2 of MNIST instead of classes 0 and 1 of MNIST"),
        (
            {"first": 50},
            {"first": 99},
            "first 99 images of classes 0 and 1 of MNIST instead of first 50 images of classes 0 and 1 of MNIST",
        ),
        (
            {"first": 50},
            {"name": "mnist_5k", "first": 9},
            "first 9 images of classes 0 and 1 of 5,000 images of MNIST instead of first 50 images of classes 0 and 1 of MNIST",
        ),
    ],
)
def test_a_part_is_only_called_so_if_it_is_one(full, quick, text):
    def changed(classes=(0, 1), **fields):
        return unchecked(two_classes(), data=replace(MNIST, **{"classes": classes} | fields))

    assert said(changed(**full), changed(**quick)) == (text,)


def test_other_numbers_under_one_name_are_listed():
    def fit(*numbers):
        table = Table(numbers, numbers, name="houses")
        return arm(data=table, model=Model("1-1"), loss="mse", batch_size=None)

    assert said(fit(1.0, 2.0, 3.0), fit(1.0, 2.0)) == ("other content of houses, 2 samples instead of 3",)
    assert said(fit(1.0, 2.0), fit(1.0, 2.0)) == ()
    assert said(arm(batch_size=None, epochs=1), replace(fit(1.0, 2.0), epochs=1))[0] == "houses instead of MNIST"


def network(*widths, name="net", version=1):
    return Network(
        lambda: nn.Sequential(nn.Flatten(), *(nn.Linear(*pair) for pair in pairwise(widths))),
        name=name,
        version=version,
    )


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (
            Model("784-256-10"),
            network(784, 10),
            ("7,850 instead of 203,530 parameters", "net net instead of 784-256-10"),
        ),
        (network(784, 10), network(784, 10, name="new"), ("name new instead of net",)),
        (network(784, 10), network(784, 10, version=2), ("version 2 instead of 1",)),
        (network(784, 5, 10), network(784, 4, 10), ("3,190 instead of 3,985 parameters", "net net made otherwise")),
        (network(784, 10), network(784, 10), ()),
    ],
    ids=["a layout", "its name", "its version", "its widths", "the same"],
)
def test_networks_of_ones_own_are_told_apart(before, now, said):
    full, quick = ([replace(arm("a"), model=model), replace(arm("b"), model=model)] for model in (before, now))
    assert differences(experiment(full, quick)) == said


def test_functions_of_ones_own_are_told_apart():
    def fit(**fields):
        return arm(data=Function(name="mine", **fields), model=Model("[5]"), loss="mse")

    full = fit(of=np.sin)
    said = [
        differences(experiment([full], [quick]))
        for quick in (fit(of=np.cos), fit(of=np.sin, points=[0, 1], test=5), fit(of=lambda x: np.sin(x)))
    ]
    assert said == [
        ("other values of mine",),
        ("points (0.0, 1.0) instead of 300, test 5 instead of None", "20 epochs, 20 of 100 steps"),
        (),
    ]


def test_full_batch_epochs_are_steps_and_are_listed_once():
    one = arm(data=Function(name="sinc"), batch_size=None)
    assert said(one, unchecked(one, epochs=5)) == ("5 of 20 epochs",)


def test_a_scaled_schedule_is_listed():
    full, quick = (arm(epochs=epochs, schedule=StepLR(every=epochs // 10, factor=0.1)) for epochs in (100, 10))
    assert said(full, quick)[1:] == ("learning rate times 0.1 every epoch instead of times 0.1 every 10 epochs",)


def test_thinned_arms_are_named():
    arms = [arm(f"lr {number}") for number in range(5)]
    assert differences(experiment(arms, [arms[0], arms[4]])) == ("2 of 5 arms: lr 0, lr 4",)
    commas = [arm(f"net {number}, deep") for number in range(3)]
    assert differences(experiment(commas, commas[1:])) == ('2 of 3 arms: "net 1, deep", "net 2, deep"',)
    assert differences(experiment(arms[:1], [arms[0], arm("new")])) == ("arms that the full tier does not have: new",)


def test_a_net_that_is_not_the_divided_one_is_listed():
    quick = arm(model=Model("784-60-10"))
    assert said(arm(), quick, widths_over=4) == (
        "widths divided by 4",
        "parameters: net 47,710 instead of 203,530",
        "layout 784-60-10 instead of 784-64-10",
    )


def test_what_holds_for_some_arms_names_them_or_their_data():
    assert differences(b.FIT) == ("sinc: 2,500 of 20,000 epochs, 750,000 of 6,000,000 steps",)
    full = [arm("batch 64"), arm("batch 128", batch_size=128)]
    quick = [replace(one, epochs=2) for one in full]
    assert differences(experiment(full, quick)) == (
        "batch 64: 2 of 20 epochs, 1,876 of 18,760 steps",
        "batch 128: 2 of 20 epochs, 938 of 9,380 steps",
    )


# The table.


def test_a_row_shows_what_differs_with_an_arrow():
    full = [arm(f"w = {width}", data=replace(MNIST, random_labels=True, augment=True)) for width in range(6)]
    quick = [replace(one, data=replace(one.data, name="digits"), epochs=8) for one in full[::2]]
    assert cells(experiment(full, quick, widths_over=4), {"A-task": 12.34}) == {
        "experiment": "A-task",
        "data": "MNIST, augmented, random labels -> digits, augmented, random labels",
        "arms": "6 -> 3: w = 0, w = 2, w = 4",
        "widths": "4",
        "epochs": "20 -> 8",
        "steps": "18,760 -> 184",
        "looks": "8, 16, 32 -> 8, 16",
        "seconds": "12.3",
    }


def test_a_row_of_equal_tiers_has_no_arrow():
    row = cells(a.FIT_SINC)
    assert not [name for name, cell in row.items() if "->" in cell]
    assert (row["data"], row["arms"], row["widths"], row["seconds"]) == ("sinc, 300 points", "3", "-", "-")


def test_numbers_that_differ_by_data_or_by_arm_are_shown_apart():
    row = cells(b.FIT)
    assert row["epochs"] == "sinc: 20,000 -> 2,500; sgn: 20,000"
    assert row["steps"] == "sinc: 6,000,000 -> 750,000; sgn: 6,000,000"
    sweep = [arm(f"batch {size}", batch_size=size) for size in (16, 64, 4096)]
    assert cells(Experiment(report="A", name="sweep", **both_tiers(sweep)))["steps"] == "300 to 75,000"


def test_an_experiment_of_the_full_tier_alone_says_so():
    found = experiment([arm()], None)
    row = cells(found, {found.id: 12.34})  # a page keeps the seconds of a quick tier that the experiment had
    assert row["seconds"] == "-"
    assert (row["data"], row["arms"], row["epochs"], row["looks"]) == (
        *("MNIST -> none", "1 -> none", "20 -> none", "8, 16, 32 -> none"),
    )


def test_a_bar_in_a_name_does_not_end_a_cell():
    assert "a\\|b" in table([experiment([arm("a|b"), arm()], [arm("a|b")])], {})


# The page.


def benchmark(**seconds):
    rows = [
        {
            "name": f"test_fit[quick-{name}]",
            "extra_info": {"experiment": name.replace("_", "-"), "later_looks_seconds": [0.5, 0.25]},
            "stats": {"total": first},
        }
        for name, first in seconds.items()
    ]
    full = {"name": "test_fit[full-x]", "extra_info": {"experiment": "A-fit-sgn", "later_looks_seconds": []}}
    return {"benchmarks": [*rows, {**full, "stats": {"total": 9.0}}, {"name": "other", "extra_info": {}}]}


def test_the_page_in_the_docs_is_up_to_date():
    text = PAGE.read_text(encoding="utf-8")
    assert page(EXPERIMENTS, measured(text)) == text, "make protocols"


def test_every_experiment_of_the_reports_has_a_row():
    assert {one.report for one in EXPERIMENTS} == {report.id for report in PACK.reports}
    assert len({one.id for one in EXPERIMENTS}) == len(EXPERIMENTS)


def test_seconds_cover_all_looks_in_the_quick_tier():
    assert trained(benchmark(A_fit_sinc=1.5)) == {"A-fit-sinc": 2.25}


def test_a_page_is_written_anew_and_keeps_the_seconds_of_what_was_not_trained(tmp_path):
    source, target = tmp_path / "benchmark.json", tmp_path / "protocols.md"
    for found in (benchmark(A_fit_sinc=1.5, B_fit=60.0), benchmark(A_fit_sinc=3.0)):
        source.write_text(json.dumps(found))
        assert main([str(source), str(target)]) == 0
    assert measured(target.read_text()) == {"A-fit-sinc": 3.8, "B-fit": 60.8}


@pytest.mark.parametrize("content", [None, "no JSON", "[]", '{"benchmarks": [{}]}'])
def test_a_file_that_is_not_a_benchmark_leaves_the_page(content, tmp_path, capsys):
    source, target = tmp_path / "benchmark.json", tmp_path / "protocols.md"
    target.write_text("old")
    if content is not None:
        source.write_text(content)
    assert main([str(source), str(target)]) == 2
    assert target.read_text() == "old"
    assert capsys.readouterr().err.count("\n") == 1
