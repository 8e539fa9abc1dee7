"""Claims of a sixth report, on fitting a chirp."""

from operator import attrgetter

import numpy as np
import pytest

from hw1bench import Arm, Claim, Effect, Experiment, Figure, Function, Model, Optimizer, both_tiers
from hw1bench.effects import lower_loss


def chirp(x):
    return np.sin(2 * np.pi * (x + 1.2) ** 2)


ARMS = [
    Arm(
        name=name,
        data=Function(of=chirp, points=128),
        model=Model("[24,24]", activation="tanh"),
        loss="mse",
        optimizer=Optimizer(name=name, lr=3e-3),
        epochs=1_000,
    )
    for name in ("adam", "rmsprop")
]
CHIRP = Experiment(
    report="sixth",
    name="chirp",
    **both_tiers(ARMS),
    figures=(Figure(number="1", title="Training loss on the chirp", kind="loss"),),
)


def rising(run):
    """The share of epochs in which the training loss rises."""
    return float((np.diff(run.history("train_loss")) > 0).mean())


SMOOTHER = Effect(
    name="share of epochs with a rising loss, of RMSprop - of Adam",
    unit="share of epochs",
    compute=lambda runs: rising(runs["rmsprop"]) - rising(runs["adam"]),
    arms=("adam", "rmsprop"),
)
CLAIMS = [
    Claim(name, report="sixth", where="section 2", says=says, experiment=CHIRP, effect=effect)
    for name, says, effect in (
        ("sixth-adam-lower", "Adam ends with the lower loss.", lower_loss("adam", than="rmsprop")),
        ("sixth-adam-smoother", "With Adam the loss rises in fewer epochs.", SMOOTHER),
    )
]


@pytest.mark.parametrize("claim", CLAIMS, ids=attrgetter("id"))
def test_chirp(claim, court):
    court.judge(claim)
