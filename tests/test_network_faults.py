"""Faults of networks of one's own are one line where the network, or the arm that trains it, is given."""

import functools
import random
from dataclasses import replace

import pytest
import torch
from torch import nn

from hw1bench import Function, Network
from networks import IMAGES, dense, layers, normed


def broken():
    raise RuntimeError("out of\nluck")


SHARED = nn.Linear(1, 1)
FAULTS = {
    "no function": (lambda: Network("64-10"), "Network make is '64-10': give a function"),
    "a module": (lambda: Network(nn.Linear(1, 1)), "Network make is a module, Linear: give a function that makes it, or its c"),
    "arguments": (lambda: Network(nn.Linear), "Network make is <class .*Linear.*: give a function that takes no arguments"),
    "a lambda without a name": (lambda: Network(lambda: nn.Linear(1, 1)), "Network make is <function .*, which has no name"),
    "raises": (lambda: Network(broken), "Network 'broken' make raises RuntimeError: out of luck"),
    "no module": (lambda: Network(dict), r"Network 'dict' make gives \{\}: give a torch.nn.Module"),
    "no parameters": (lambda: Network(nn.ReLU), "Network 'ReLU' make gives a module without trainable parameters"),
    "frozen": (
        lambda: Network(lambda: nn.Linear(1, 1).requires_grad_(False), name="n"),
        "'n' make gives a module without trainable",
    ),
    "the same module": (lambda: Network(lambda: SHARED, name="n"), "'n' make gives the same module twice: make a new one"),
    "a shared part": (
        lambda: Network(lambda: nn.Sequential(nn.Linear(1, 1), SHARED), name="n"),
        "'n' make gives the same module twice",
    ),
    "lazy": (lambda: Network(lambda: nn.LazyLinear(3), name="n"), "'n' make leaves the shape of weight open: give its size"),
    "complex": (
        lambda: Network(lambda: nn.Linear(1, 1, dtype=torch.complex64), name="n"),
        "gives weight as torch.complex64: give floating-point numbers",
    ),
    "no values": (lambda: Network(lambda: nn.Linear(1, 1, device="meta"), name="n"), "'n' make puts weight on meta: leave"),
    "version": (lambda: Network(normed, version=1.5), "Network 'normed' version is 1.5: give text"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "said"), FAULTS.values(), ids=FAULTS)
def test_faults_of_a_network_are_one_line_where_it_is_given(make, said):
    with pytest.raises(ValueError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_weights_that_are_not_drawn_from_torchs_generator_are_refused():
    def drawn():
        network = nn.Linear(1, 1)
        nn.init.constant_(network.weight, random.random())
        return network

    with pytest.raises(
        ValueError, match="'drawn' make gives other weights when it is called again: draw them from torch's"
    ):
        Network(drawn)


def zero(module):
    for parameter in module.parameters():
        nn.init.zeros_(parameter)


ARM_FAULTS = {
    "outputs": ({"model": layers(nn.Flatten, dense(64, 9))}, "network 'n' has 9 outputs for 10 classes: end it with 10"),
    "targets": ({"model": layers(dense(1, 2)), "data": Function(name="sinc"), "loss": "mse"}, "has 2 outputs for 1 targets"),
    "maps": ({"model": layers(dense(8, 10))}, r"network 'n' gives outputs \(2, 1, 8, 10\) for 2 samples: give \(samples, "),
    "samples": (
        {"model": layers(dense(64, 10))},
        r"network 'n' does not take samples of shape \(1, 8, 8\): RuntimeError: mat1 and mat2",
    ),
    "no tensor": ({"model": layers(nn.Flatten, functools.partial(nn.LSTM, 64, 10))}, "'n' gives <class 'tuple'>: give one ten"),
    "nll": ({"model": layers(nn.Flatten, dense(64, 10)), "loss": "nll"}, "nll takes log-probabilities, which network 'n' does"),
    "loss": ({"model": layers(nn.Flatten, dense(64, 10)), "loss": "mse"}, "learns classes, and its loss is mse: give cross_"),
    "a batch of one": (
        {"model": Network(normed), "batch_size": 4},
        r"network 'normed' does not train on 1 sample of shape \(1, 8, 8\): ValueError: Expected more than 1 value",
    ),
    "the same runs": (
        {"model": Network(lambda: nn.Sequential(nn.Flatten(), nn.utils.skip_init(nn.Linear, 64, 10).apply(zero)), name="n")}
        | {"batch_size": None},
        "its runs would all be the same, because network 'n' starts from the same weights whatever the seed",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), ARM_FAULTS.values(), ids=ARM_FAULTS)
def test_faults_of_an_arm_are_one_line_where_it_is_given(changes, said):
    with pytest.raises(ValueError, match=f"^arm 'arm'.*{said}") as caught:
        replace(IMAGES, **changes)
    assert "\n" not in str(caught.value)
