"""The optimisers that the kernels share: a power of a beta is set to zero before it is denormal, which changes no bit."""

from dataclasses import replace

import pytest

from cases import ARM, DIGITS, OPTIMIZERS, first
from hw1bench import Model
from hw1bench.records.runs import Block
from hw1bench.training.kernels import binaries, fit_kernel, image_kernel
from kernel_cases import built

FIT = replace(ARM, epochs=12)
IMAGE = replace(ARM, data=DIGITS, model=Model("64-10"), loss="cross_entropy", epochs=12)
KERNELS = {"fit": (fit_kernel, "FitState", FIT), "image": (image_kernel, "ImageState", IMAGE)}

pytestmark = [
    built,
    pytest.mark.parametrize("kernel", KERNELS),
    pytest.mark.parametrize("precision", ["float32", "float64"]),
]


@pytest.fixture
def train(kernel, precision, monkeypatch):
    """Train with Adam from steps at which both powers are ``power``. Return the bits, and the last powers of a run."""
    module, name, arm = KERNELS[kernel]
    structure = getattr(module, name)

    def trained(power, isa=None, **changes):
        states = []

        def state(**fields):
            states.append(structure(**{**fields, "beta1_power": power, "beta2_power": power}))
            return states[-1]

        monkeypatch.setattr(module, name, state)
        block = Block("T", "x", replace(arm, precision=precision, optimizer=OPTIMIZERS["adam"], **changes), 0)
        arrays = module.train(block, first(40).load(arm.data), lambda steps: None, isa=isa)
        bits = {name: array.tobytes() for name, array in arrays.items()}
        return bits, (states[0].beta1_power, states[0].beta2_power)

    return trained


@pytest.mark.parametrize("isa", binaries.instruction_sets())
def test_a_power_that_is_set_to_zero_is_too_small_to_change_a_bit(train, isa):
    kept, (first, second) = train(1e-20, isa)  # large enough not to be set to zero within twelve steps
    assert first == pytest.approx(1e-20 * 0.9**12)
    assert second == pytest.approx(1e-20 * 0.999**12)
    dropped, powers = train(1e-31, isa)
    assert powers == (0.0, 0.0)
    assert dropped == kept
    assert train(1.0, isa)[0] != kept


def test_long_training_sets_the_power_of_the_first_moment_to_zero(train):
    _, (first, second) = train(1.0, epochs=35, batch_size=2)  # 700 steps
    assert first == 0.0
    assert second == pytest.approx(0.999**700)
