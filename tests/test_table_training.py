"""Training on tables of one's own: the run of the naive loop, by every backend, repeated bit for bit, and measured."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import reference
from cases import ARM
from hw1bench import Interpolation, JacobianNorm, MinimalRatio, Optimizer, Paths, StepLR, Table
from hw1bench.data import BUILT_IN
from hw1bench.measures.instruments import instrument_for
from hw1bench.records.runs import Block
from hw1bench.training import engine, sequential, side_by_side, stacked
from hw1bench.training.kernels import binaries
from test_table import CLASSES, CPU, IMAGES, PIXELS, REGRESSION, TESTED, X, arm

SGD = Optimizer(name="sgd", lr=0.05)

TRAINED = {
    "numbers, whole": (arm(REGRESSION, "3-5-2"), "fit_kernel"),
    "numbers, batches": (arm(REGRESSION, "3-5-2", batch_size=16, optimizer=SGD), "fit_kernel"),
    "number, tested": (arm(TESTED, "3-5-1", batch_size=16), "eager"),
    "number, whole, tested": (arm(TESTED, "3-5-1"), "eager"),
    "classes": (arm(CLASSES, "3-5-3", batch_size=16), "image_kernel"),
    "classes by torch": (arm(CLASSES, "3-5-3", batch_size=16, optimizer=replace(SGD, momentum=0.9)), "eager"),
    "random classes": (
        arm(replace(CLASSES, random_labels=True), "3-5-3", schedule=StepLR(every=1, factor=0.5)),
        "image_kernel",
    ),
    "images": (arm(IMAGES, "C(2-3,3,pool2) 12-3", batch_size=16), "image_kernel"),
    "augmented": (arm(replace(IMAGES, augment=True), "C(2-3,3,pool2) 12-3", batch_size=16), "image_kernel"),
    "numbers of images": (arm(Table(PIXELS, X[:, 0], name="t"), "C(2-3,3,pool2) 12-1", batch_size=16), "sequential"),
}


@pytest.fixture
def not_compiled(monkeypatch):
    monkeypatch.setattr(engine, "compiler_works", lambda: False)


@pytest.mark.parametrize(("trained", "backend"), TRAINED.values(), ids=TRAINED)
def test_each_kind_of_table_trains_as_the_naive_loop(trained, backend, not_compiled):
    block = Block("T", "own", trained, 0)
    if binaries.isa():
        assert engine.backend(trained, CPU) == backend
    record = engine.train(block, CPU)
    for seed in (0, 5):
        losses, weights = reference.train("T", "own", trained, seed)
        np.testing.assert_allclose(record.arrays["train_loss"][seed], losses, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(record.arrays["weights"][seed], weights, rtol=1e-7, atol=1e-9)
    shapes, facts = engine.contents(block)
    assert {name: array.shape[1:] for name, array in record.arrays.items()} == shapes
    assert [facts[name] for name in ("dataset", "canonical", "stand_in")] == [trained.data.described, True, False]
    again = engine.train(block, CPU)
    assert {name: array.tobytes() for name, array in again.arrays.items()} == {
        name: array.tobytes() for name, array in record.arrays.items()
    }


@pytest.mark.skipif(not binaries.isa(), reason="no kernels")
def test_a_gpu_trains_tables_and_leaves_functions_to_the_processors():
    cuda = torch.device("cuda")
    assert engine.backend(arm(REGRESSION, "3-5-2"), cuda) == "resident"
    assert engine.backend(ARM, cuda) == "fit_kernel"


@pytest.mark.parametrize("name", ["numbers, batches", "number, tested", "classes by torch", "augmented"])
def test_all_backends_record_the_same(name):
    trained = TRAINED[name][0]
    block, dataset = Block("T", "own", trained, 0), BUILT_IN.load(trained.data)
    expected = sequential.train(block, dataset, lambda steps: None)
    found = [by_resident(block, dataset), engine.train(block, CPU).arrays]
    if stacked.stackable(trained):
        found.append(stacked.train(block, dataset, False, lambda steps: None))
    for arrays_ in found:
        assert arrays_.keys() == expected.keys()
        for one, array in expected.items():
            np.testing.assert_allclose(arrays_[one], array, rtol=1e-7, atol=1e-9, err_msg=one)


def by_resident(block, dataset):
    found = []
    side_by_side.train([(block, dataset)], CPU, lambda steps: None, lambda place, arrays, seconds: found.append(arrays))
    return found[0]


def measured(measurement, *arms):
    blocks = [Block("T", "own", one, 0) for one in arms]
    trained = [(block, engine.train(block, CPU)) for block in blocks]
    assert [measurement.needs(one) for one in arms] == [""] * len(arms)
    take = instrument_for(measurement).function
    return trained, take(measurement, trained, BUILT_IN.load(arms[0].data), CPU, lambda steps: None)


def test_jacobian_norms_of_rows_of_features(not_compiled):
    [(_, record)], found = measured(JacobianNorm(), arm(CLASSES, "3-5-3"))
    weights, x = torch.tensor(record.arrays["weights"][2]), torch.tensor(CLASSES.test[0].array)
    norm = reference.jacobian_norm(arm(CLASSES, "3-5-3").model, weights, x)
    assert found["jacobian"][2] == pytest.approx(norm, rel=1e-6)


def test_losses_between_nets_of_rows_of_features(not_compiled):
    one, two = (arm(CLASSES, "3-5-3", name=name, independent=True, batch_size=16) for name in "ab")
    line = Interpolation(first="a", second="b", alphas=(0, 0.5, 1))
    trained, found = measured(line, one, two)
    first, second = (torch.tensor(record.arrays["weights"][0]) for _, record in trained)
    x, y = (torch.tensor(part.array) for part in CLASSES.test)
    losses, accuracies = reference.mixtures(one.model, first, second, line.alphas, x, y, "cross_entropy")
    np.testing.assert_allclose(found["mixed_test_loss"][0], losses, rtol=1e-6)
    np.testing.assert_allclose(found["mixed_test_accuracy"][0], accuracies, rtol=1e-6)


def test_paths_of_nets_of_rows_of_features(not_compiled):
    one, two = (arm(CLASSES, "3-5-3", name=name, independent=True, snapshots="epoch") for name in "ab")
    trained, found = measured(Paths(own="a", other="b", mark_every=1), one, two)
    np.testing.assert_allclose(found["path_accuracy"], trained[0][1].arrays["train_accuracy"])


def test_curvature_of_several_targets(not_compiled):
    fit = arm(REGRESSION, "3-2-2", gradient_norm="epoch", optimizer=replace(SGD, lr=0.1), epochs=50)
    _, found = measured(MinimalRatio(target=0.5), fit)
    assert found["reached"].all()
    assert found["above"] + found["within"] + found["below"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("measurement", "trained", "said"),
    [
        (JacobianNorm(), arm(IMAGES, "72-3"), "classes, with a test set, and the arm has pictures"),
        (JacobianNorm(), arm(TESTED, "3-5-1"), "classes, with a test set, and the arm has number"),
        (MinimalRatio(), arm(CLASSES, "3-5-3"), "numbers to fit, and the arm has kinds"),
    ],
)
def test_a_measurement_says_what_a_table_lacks(measurement, trained, said):
    assert measurement.needs(trained) == said
