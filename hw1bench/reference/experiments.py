from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hw1bench import (
    Arm,
    Claim,
    Effect,
    Experiment,
    Figure,
    Function,
    Images,
    Interpolation,
    JacobianNorm,
    Measurement,
    MinimalRatio,
    Model,
    Optimizer,
    Paths,
    Protocol,
    both_tiers,
    takes,
)
from hw1bench.effects import lower_loss

# Fits of a function: shallow, middle and deep, with the gradient's norm of each epoch.
SHALLOW = Arm(
    name="shallow",
    data=Function(name="sinc"),
    model=Model("[190]", activation="tanh"),
    loss="mse",
    optimizer=Optimizer(name="adam", lr=1e-3),
    epochs=2_000,
    gradient_norm="epoch",
    coast=True,
)


# A measurement of one's own: what it gives, and the function that takes it.
@dataclass(frozen=True, kw_only=True)
class WeightNorm(Measurement):
    """``norm (runs,)``: the norm of the weights, of order ``order``."""

    order: int = 2

    def arrays(self, *arms: Arm) -> dict[str, tuple[int, ...]]:
        return {"norm": ()}  # the shape of one run's part


@takes(WeightNorm)
def weight_norm(spec: WeightNorm, trained: Any, *_: Any) -> dict[str, np.ndarray]:
    [(_, record)] = trained  # a pair of block and record for each arm that is measured together
    return {"norm": np.linalg.norm(record.arrays["weights"], spec.order, axis=1)}


FITS = Experiment(
    report="mine",
    name="fits",
    **both_tiers(
        [SHALLOW]
        + [
            replace(SHALLOW, name=name, model=Model(layout, activation="tanh"))
            for name, layout in (("middle", "[10,18,15,4]"), ("deep", "[5,10,10,10,10,10,5]"))
        ],
        measures=[WeightNorm()],
    ),
    figures=(Figure(number="1", title="Training loss", kind="loss"),),
)

# Classifiers of images: four widths, trained alike in the quick tier, and on all of MNIST in the full tier.
SMALL = Arm(
    name="8 wide",
    data=Images(name="mnist_5k", size=28),
    model=Model("784-8-10"),
    loss="cross_entropy",
    optimizer=Optimizer(name="sgd", lr=0.1, momentum=0.9),
    epochs=10,
    batch_size=64,
    gradient_norm="last batch",
)
WIDE = tuple(replace(SMALL, name=f"{width} wide", model=Model(f"784-{width}-10")) for width in (8, 16, 32, 64))
NETS = Experiment(
    report="mine",
    name="nets",
    quick=Protocol(arms=WIDE, looks=(8, 16), measures=(JacobianNorm(),)),
    full=Protocol(
        arms=tuple(replace(arm, data=Images(name="mnist", size=28)) for arm in WIDE),
        looks=(8, 16, 32),
        measures=(JacobianNorm(),),
    ),
    figures=(Figure(number="2", title="Accuracies", kind="accuracies"),),
)

# The norm of the gradient on each batch.
STEPS = Experiment(report="mine", name="steps", **both_tiers([replace(SMALL, name="net", gradient_norm="step")]))

# Two nets of one layout, trained apart, the line between them, and their paths.
PAIR = [
    replace(SMALL, name=name, independent=True, gradient_norm="", snapshots="epoch", batch_size=size)
    for name, size in (("first", 64), ("second", 256))
]
LINE = Interpolation(first="first", second="second", alphas=tuple(number / 10 for number in range(-5, 16)))
APART = Experiment(
    report="mine",
    name="apart",
    **both_tiers(PAIR, measures=[LINE, Paths(own="first", other="second", mark_every=2)]),
)

# Many fits, and the curvature where their gradient is almost zero.
POINTS = Experiment(
    report="mine",
    name="points",
    **both_tiers(
        [replace(SHALLOW, name=f"point {number}", model=Model("[5]"), independent=True) for number in range(8)],
        measures=[MinimalRatio()],
    ),
)

CLAIMS = [
    Claim(
        "mine-deeper-ends-lower",
        report="mine",
        where="my notes",
        says="The deep net ends with a lower loss than the shallow one.",
        experiment=FITS,
        effect=lower_loss("deep", than="shallow"),
    ),
    Claim(
        "mine-deeper-longer-weights",
        report="mine",
        where="my notes",
        says="The deep net ends with longer weights than the shallow one.",
        experiment=FITS,
        effect=Effect(
            name="norm of the deep net's weights - norm of the shallow one's",
            unit="norm",
            compute=lambda runs: runs["deep"].result(WeightNorm)["norm"] - runs["shallow"].result(WeightNorm)["norm"],
            arms=("deep", "shallow"),
        ),
    ),
]
