"""Networks of one's own, and an arm that trains a layout on images."""

import functools

import torch
from torch import nn

import reference
from cases import DIGITS, OPTIMIZERS
from hw1bench import Arm, Model, Network

IMAGES = Arm(
    name="arm",
    data=DIGITS,
    model=Model("64-9-10"),
    loss="cross_entropy",
    optimizer=OPTIMIZERS["sgd"],
    epochs=3,
    batch_size=40,
)


def of(layout, **options):
    """A network of one's own that is that of a layout."""
    return Network(functools.partial(reference.network, Model(layout, **options)), name="twin")


def normed():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 10))


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(1, 3, 3, stride=2, padding=1), nn.GroupNorm(3, 3)
        self.scale = nn.Parameter(torch.ones(3, 1, 1), requires_grad=False)
        self.head = nn.Linear(48, 10)

    def forward(self, x):
        h = nn.functional.dropout(torch.relu(self.norm(self.convolution(x)) * self.scale), 0.1, self.training)
        return self.head(h.flatten(1))


def layers(*modules):
    return Network(lambda: nn.Sequential(*(module() for module in modules)), name="n")


def dense(*sizes):
    return functools.partial(nn.Linear, *sizes)
