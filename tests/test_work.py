"""The arithmetic of nets, against a count by torch's own layers."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from cases import SHAPES
from hw1bench import Model
from hw1bench.models import build, inputs
from hw1bench.specs.evaluation import Evaluation
from hw1bench.specs.work import multiply_adds, of_run
from made_court import BASIS
from made_record import DENSE


def counted(layout, shape):
    """Multiply-adds as hooks on the layers of the real net see them."""
    total = 0

    def count(layer, inputs, output):
        nonlocal total
        total += output[0].numel() * layer.weight[0].numel()

    net = build(Model(layout)).eval()
    for layer in net.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            layer.register_forward_hook(count)
    net(inputs(Model(layout), torch.zeros(1, *shape)))
    return total


@pytest.mark.parametrize(("layout", "shape"), [*SHAPES.items(), ("784-10", (1, 28, 28)), ("[3]", (1,))])
def test_multiply_adds_are_those_of_the_layers(layout, shape):
    assert multiply_adds(layout, shape) == counted(layout, shape) > 0


def test_a_run_trains_and_evaluates_each_sample_in_each_epoch():
    arm = replace(BASIS, model=Model("[3,2]"), epochs=5)
    assert of_run(arm) == 5 * 300 * 4 * (3 + 6 + 2)  # forward, backward twice, and forward again


def test_a_run_that_is_evaluated_at_its_end_costs_one_forward_pass_for_it():
    arm = replace(DENSE, evaluation=Evaluation(train="ends"))
    assert of_run(arm) == (3 * 4 + 1) * 60_000 * (784 * 16 + 16 * 10)
