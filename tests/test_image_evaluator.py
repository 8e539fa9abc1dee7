"""Nets at given weights evaluated by the image kernel, against torch's forward pass."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

import reference
from cases import ARM, DIGITS, IMAGE_MODELS, unchecked
from hw1bench import Model, data, models
from hw1bench.data import Split
from hw1bench.training.kernels.image_evaluator import Evaluator
from kernel_cases import built

ARM_64 = replace(ARM, data=DIGITS, model=Model("C(1-3,3,pool2) dropout 27-10"), loss="cross_entropy")


def images(spec, count=131):
    """The first images of a data set: more than one group of samples, and a remainder."""
    x = data.BUILT_IN.load(spec).train.x[:count]
    return Split(x, torch.arange(count) % 10)


def weights_of(model, seed=0, precision="float64"):
    drawn = models.drawn(model, torch.Generator().manual_seed(seed)).parameters()
    return (3 * torch.nn.utils.parameters_to_vector(drawn)).detach().numpy().astype(precision)


def by_torch(arm, weights, split):
    """Mean loss and accuracy at ``weights``, by mixing them with themselves: nothing is mixed."""
    dtype = getattr(torch, arm.precision)
    x, end = models.inputs(arm.model, split.x).to(dtype), torch.from_numpy(weights)
    losses, accuracies = reference.mixtures(arm.model, end, end, [0.0], x, split.y, arm.loss)
    return losses[0], accuracies[0]


@built
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(("model", "loss", "spec"), IMAGE_MODELS.values(), ids=IMAGE_MODELS)
def test_each_kind_of_net_is_evaluated_as_by_torch(model, loss, spec, precision, isa):
    arm = unchecked(ARM_64, model=model, loss=loss, data=spec, precision=precision)
    split, weights = images(spec), weights_of(model, precision=precision)
    found = Evaluator(arm, split, isa=isa).evaluate(weights)
    expected = by_torch(arm, weights, split)
    assert found[0] == pytest.approx(expected[0], rel=1e-12 if precision == "float64" else 1e-5)
    near_ties = 0 if precision == "float64" else 1
    assert abs(found[1] - expected[1]) * len(split) <= near_ties


@built
def test_evaluations_side_by_side_have_the_bits_of_evaluations_alone():
    evaluator = Evaluator(ARM_64, images(DIGITS))
    nets = [weights_of(ARM_64.model, seed) for seed in range(12)]
    nets[3] = np.full_like(nets[3], np.nan)
    alone = [evaluator.evaluate(net) for net in nets]
    with ThreadPoolExecutor(4) as executor:
        together = [*executor.map(evaluator.evaluate, nets)]
    np.testing.assert_array_equal(together, alone)
    assert len(set(alone)) == 12
    assert [row for row, (loss, _) in enumerate(alone) if not np.isfinite(loss)] == [3]


@built
def test_weights_of_any_strides_are_read_in_order():
    evaluator, weights = Evaluator(ARM_64, images(DIGITS)), weights_of(ARM_64.model)
    assert evaluator.evaluate(np.stack([weights, weights], axis=1)[:, 0]) == evaluator.evaluate(weights)


@built
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e, w: e.evaluate(w[1:]), r"weights \(309,\) float64 of arm 'arm': give \(310,\) float64"),
        (lambda e, w: e.evaluate(w.astype("float32")), r"weights \(310,\) float32 of arm 'arm': give \(310,\) float64"),
        (lambda *_: Evaluator(ARM, images(DIGITS)), "the image kernel does not evaluate nets of arm 'arm'"),
        (lambda *_: Evaluator(ARM_64, images(DIGITS, 0)), "no samples to evaluate nets on: give one or more"),
        (lambda *_: Evaluator(ARM_64, images(DIGITS), isa="sse9"), "no kernels for 'sse9' here"),
        (
            lambda *_: Evaluator(ARM_64, Split(images(DIGITS).x, images(DIGITS).y - 1)),
            "a sample has class -1: give classes from 0",
        ),
        (
            lambda *_: Evaluator(unchecked(ARM_64, model=Model("64-9")), images(DIGITS)),
            "layout '64-9' has 9 outputs for 10 classes",
        ),
        (
            lambda *_: Evaluator(unchecked(ARM_64, model=Model("C(1-3,3) 100-10")), images(DIGITS)),
            r"does not take samples of shape \(1, 8, 8\)",
        ),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(Evaluator(ARM_64, images(DIGITS)), weights_of(ARM_64.model))
