"""Tables of known answers: a new case is one row."""

from copy import copy
from dataclasses import replace
from functools import cache

import torch

from hw1bench import Arm, CosineAnnealingLR, ExponentialLR, Function, Images, Model, Optimizer, StepLR, data

# Layouts of the catalogue with their parameter counts, summed by hand from the printed layer sizes.
COUNTS = {
    "784-256-10": 203_530,
    "784-10-10": 7_960,
    "C(1-6,5,avgpool2) C(6-16,5,avgpool2) nobias 400-120-84-10": 61_492,
    "[500]": 1_501,
    "[5,10,10,10,10,10,5]": 571,
    "[10,18,15,4]": 572,
    "[190]": 571,
    "[5,5,10,12,10,12,12,15]": 861,
    "[5,20,15,18]": 752,
    "[24,27]": 751,
    "[5,10,10,10,10,5]": 461,
    "C(1-6,5,pool2) C(6-16,5,pool2) 400-120-84-10": 61_706,
    "C(3-16,3,pool2) 3600-10 softmax": 36_458,
    "C(3-16-128-32-128-32,3,p1,pool2) 32-10": 130_122,
    "C(1-10,5,pool2) C(10-20,5) dropout2d pool2 320-50-10 logsoftmax": 21_840,
    "C(3-8-16-32,3,p1,pool2) dropout 512-1024-256-128-20 dropout 20-10": 829_430,
    **{f"784-{width}-10": count for width, count in zip(range(2, 21, 2), range(1_600, 15_911, 1_590), strict=True)},
}

# Complete layouts, with the shape of a sample that they take.
SHAPES = {
    "C(1-10,5,pool2) C(10-20,5) dropout2d pool2 320-50-10": (1, 28, 28),
    "C(3-16,3,pool2) 3600-10": (3, 32, 32),
    "C(1-16,4,pool2) C(16-32,4,pool2) 512-10": (1, 28, 28),
    "C(1-8-16-32-64,4,p2,pool2) 256-10": (1, 28, 28),
    "C(1-32-64-128,3,p1,pool2) 1152-256-10": (1, 28, 28),
    "784-256-10": (784,),
    "C(1-8,5,s2,p2) C(8-16,3,s3) avgpool2 nobias 64-10": (1, 28, 28),
}

SINC = Function(name="sinc", points=40)
OPTIMIZERS = {
    "adam": Optimizer(name="adam", lr=1e-3, weight_decay=1e-4),
    "adam keras": Optimizer(name="adam", lr=1e-3, eps=1e-7),
    "rmsprop": Optimizer(name="rmsprop", lr=1.2e-3, weight_decay=1e-4),
    "sgd": Optimizer(name="sgd", lr=1e-2, weight_decay=1e-2),
}
# Those that torch alone has, not the kernels.
TORCH_OPTIMIZERS = {
    "momentum": Optimizer(name="sgd", lr=1e-2, momentum=0.9, weight_decay=1e-2),
    "nesterov": Optimizer(name="sgd", lr=1e-2, momentum=0.9, nesterov=True),
    "adamw": Optimizer(name="adamw", lr=1e-2, weight_decay=0.1, eps=1e-7),
    "adagrad": Optimizer(name="adagrad", lr=1e-2, weight_decay=1e-3),
    "adagrad keras": Optimizer(name="adagrad", lr=1e-2, eps=1e-7),
}
ALL_OPTIMIZERS = OPTIMIZERS | TORCH_OPTIMIZERS
SCHEDULES = {  # each over five epochs changes the rate, and the cosine turns
    "steps": StepLR(every=2, factor=0.1),
    "exponential": ExponentialLR(factor=0.7),
    "cosine": CosineAnnealingLR(over=5),
    "cosine to a rate, and back": CosineAnnealingLR(over=3, least=2e-4),
}
SCHEDULED = {
    **{name: (optimizer, SCHEDULES["steps"]) for name, optimizer in ALL_OPTIMIZERS.items()},
    **{name: (OPTIMIZERS["adam"], schedule) for name, schedule in SCHEDULES.items()},
}
FIT_MODELS = {
    "relu": Model("[5,10,5]"),
    "leaky_relu": Model("[1,10,8]", activation="leaky_relu"),
    "tanh everywhere": Model("[5,1,10] tanh", activation="tanh", init="keras"),
    "wide": Model("[190]"),
}
# Activations that torch alone has, not the kernels, as arguments of a model.
TORCH_ACTIVATIONS = {
    "slope": {"activation": "leaky_relu", "slope": 0.2},
    **{name: {"activation": name} for name in ("elu", "selu", "gelu", "sigmoid")},
}
ALL_ACTIVATIONS = {name: {"activation": name} for name in ("relu", "leaky_relu", "tanh")} | TORCH_ACTIVATIONS
DIGITS = Images(name="digits", size=8)
IMAGE_MODELS = {  # model, loss, data
    "dense, stacked": (Model("64-20-10"), "cross_entropy", DIGITS),
    "dense, log-softmax": (Model("64-20-10 logsoftmax"), "nll", DIGITS),
    "dense, softmax before cross-entropy": (Model("64-16-10 softmax"), "cross_entropy", DIGITS),
    "dense, one at a time": (Model("64-300-10"), "cross_entropy", DIGITS),
    "dense with dropout": (Model("64-30-20 dropout 20-10"), "cross_entropy", DIGITS),
    "convolutions": (Model("C(1-4-8,3,p1,pool2) 32-10"), "cross_entropy", DIGITS),
    "convolutions, dropout": (
        Model("C(3-4,3,pool2) dropout2d(0.25) C(4-8,2) 32-16 dropout 16-10 logsoftmax", init="keras"),
        "nll",
        replace(DIGITS, channels=3),
    ),
    "dropout between convolutions": (
        Model("C(1-4,3,p1) dropout(0.25) C(4-4,3,p1) pool2 64-10", activation="leaky_relu"),
        "cross_entropy",
        replace(DIGITS, mean=(0.5,), deviation=(0.5,)),
    ),
    "augmented": (
        Model("C(3-4,3,p1,pool2) 144-10"),
        "cross_entropy",
        Images(name="digits", size=12, channels=3, augment=True),
    ),
    "augmented, dense": (Model("64-12-10"), "cross_entropy", replace(DIGITS, augment=True)),
    "random labels": (Model("C(1-4,3,pool2) 36-10"), "cross_entropy", replace(DIGITS, random_labels=True)),
    "random labels, stacked": (Model("64-20-10"), "cross_entropy", replace(DIGITS, random_labels=True)),
}

# Layouts for digits that torch alone trains, not the kernels.
TORCH_LAYOUTS = {
    "stride": "C(1-4,3,s2,p1) 64-10",
    "strides": "C(1-4-3,3,s2,p1) avgpool2 3-10",
    "average pooling": "C(1-4,3,p1,avgpool2) C(4-3,3,avgpool2) 3-10",
    "average pooling by itself": "avgpool2 C(1-3,3) dropout avgpool2 3-10",
    "no bias": "nobias C(1-4,3,p1,pool2) 64-12-10",
    "no bias in the end": "C(1-4,3,p1,pool2) nobias dropout 64-10",
    "no bias, dense": "64-12 nobias 12-10",
}


class First(data.Library):
    """The first ``count`` training images of each set, and 37 test images."""

    def __init__(self, count):
        super().__init__()
        self._count = count

    def load(self, spec):
        whole = super().load(spec)
        if whole.test is None:
            return whole
        return replace(
            whole,
            train=data.Split(whole.train.x[: self._count], whole.train.y[: self._count]),
            test=data.Split(whole.test.x[:37], whole.test.y[:37]),
        )


@cache
def first(count):
    """A library of the first ``count`` training images of each set, so that many nets are tested in little time."""
    return First(count)


# An arm of 50 steps in float64, of which twin tests make variants.
ARM = Arm(
    name="arm",
    data=SINC,
    model=Model("[5,10,5]"),
    loss="mse",
    optimizer=OPTIMIZERS["adam"],
    epochs=20,
    precision="float64",
)


def unchecked(arm, **changes):
    """Return ``arm`` with ``changes`` that an arm refuses, to test code that trains more than the data sets here need."""
    changed = copy(arm)
    for name, value in changes.items():
        object.__setattr__(changed, name, value)
    return changed


# Nets with every kind of layer in the catalogue, and the shape of a sample that they take.
CATALOGUE_NETS = {
    "linear": (Model("12-4"), (12,)),
    "dense": (Model("12-9-4"), (12,)),
    "deep": (Model("12-9-8-7-4", activation="tanh"), (12,)),
    "wider than its input": (Model("3-20-4", activation="leaky_relu"), (3,)),
    "softmax": (Model("12-9-4 softmax"), (12,)),
    "log-softmax": (Model("12-9-4 logsoftmax"), (12,)),
    "tanh output": (Model("12-9-4 tanh"), (12,)),
    "dropout first": (Model("dropout 12-9-4"), (12,)),
    "convolutions": (Model("C(1-3-5,3,p1,pool2) 20-6-4"), (1, 9, 9)),
    "tanh, pooling": (Model("C(2-3,3,pool2) 27-4", activation="tanh"), (2, 8, 8)),
    "softmax of convolutions": (Model("C(3-4,3,pool2) 36-4 softmax"), (3, 8, 8)),
    "leaky, dropout, log-softmax": (
        Model("C(1-3,3,pool2) C(3-4,2) dropout2d 16-9 dropout 9-4 logsoftmax", activation="leaky_relu"),
        (1, 8, 8),
    ),
    "no bias": (Model("nobias 12-9-4"), (12,)),
    "strides, average pooling, no bias": (
        Model("C(1-3,3,s2,p1,avgpool2) nobias C(3-4,2,s2) 4-6-4", activation="gelu"),
        (1, 10, 10),
    ),
    "pooling by itself": (Model("pool2 C(1-3,3) dropout(0.25) C(3-3,2,p1) pool2 12-4"), (1, 10, 10)),
}


def ends(model, shape, samples, runs, dtype=torch.float64):
    """Draw x (samples, *shape) and two tensors of weights (runs, parameters)."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(samples, *shape, generator=generator, dtype=torch.float64)
    weights = 0.4 * torch.randn(2, runs, model.parameters, generator=generator, dtype=torch.float64)
    return x.to(dtype), *weights.to(dtype)
