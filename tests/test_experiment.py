import subprocess
import sys
from dataclasses import dataclass, replace

import pytest

from hw1bench import Arm, Experiment, Function, Model, Optimizer, Protocol, both_tiers
from hw1bench.experiment import canonical, digest

ARM = Arm(
    name="one",
    data=Function(name="sinc"),
    model=Model("[5,10]"),
    loss="mse",
    optimizer=Optimizer(name="adam", lr=1e-3),
    epochs=10,
    batch_size=16,
)


def test_settings_order_a_sweep():
    assert [ARM.setting(name) for name in ("batch_size", "lr", "parameters", "depth")] == [16, 1e-3, 81, 3]
    with pytest.raises(ValueError, match="has no 'batch_size' to order by"):
        replace(ARM, batch_size=None).setting("batch_size")
    with pytest.raises(ValueError, match="has no 'colour'"):
        ARM.setting("colour")


def test_digest_sees_every_field_but_not_defaults():
    assert digest(ARM) == digest(replace(ARM))
    assert digest(ARM) != digest(replace(ARM, epochs=11))
    assert digest(ARM) != digest(replace(ARM, model=Model("[5,10]", activation="tanh")))
    assert "precision" not in canonical(ARM)


def test_digest_is_the_same_in_another_process():
    script = "from tests.test_experiment import ARM, digest; print(digest(ARM))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == digest(ARM)


def test_what_is_no_specification_has_no_digest():
    with pytest.raises(ValueError, match="has no place in a specification"):
        digest({"f": len})


@dataclass(frozen=True)
class _Other:
    layout: str


def test_types_enter_the_digest():
    assert digest(Model("4-2")) != digest(_Other("4-2"))


@pytest.mark.parametrize("looks", [(), (3,), (8, 8), (16, 8), (8, 12)])
def test_looks_that_cannot_be_are_refused(looks):
    with pytest.raises(ValueError, match="looks must rise in multiples of 8"):
        Protocol(arms=(ARM,), looks=looks)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Model("4-2", activation="tanhh"), "no activation named 'tanhh'; there are relu, leaky_relu, tanh"),
        (lambda: Model("4-2", init="zero"), "no init named 'zero'"),
        (lambda: Optimizer(name="lion", lr=1), "no optimiser named 'lion'"),
        (lambda: replace(ARM, loss="msee"), "no loss named 'msee'"),
        (lambda: replace(ARM, precision="half"), "no precision named 'half'"),
        (lambda: replace(ARM, epochs=0), "epochs and batch size start at 1, not 0, 16"),
        (lambda: replace(ARM, batch_size=0), "epochs and batch size start at 1, not 10, 0"),
    ],
)
def test_what_cannot_be_trained_is_refused_where_it_is_written(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_arms_need_different_names():
    with pytest.raises(ValueError, match="different names"):
        Protocol(arms=(ARM, ARM), looks=(8,))


def test_tiers_of_an_experiment():
    both = Experiment(report="T", name="x", **both_tiers([ARM]))
    assert (both.protocol("quick").looks, both.protocol("full").looks) == ((8, 16), (8, 16, 32))
    assert both.key("quick") != both.key("full")
    assert both.key("full") == replace(both, assumptions=("one",)).key("full")
    with pytest.raises(ValueError, match="T-x has no quick protocol"):
        replace(both, quick=None).protocol("quick")


def test_collection_imports_no_torch_scipy_or_matplotlib():
    script = (
        "import sys, importlib.util\n"
        "for name in ('counts', 'fit'):\n"
        "    spec = importlib.util.spec_from_file_location(name, f'claims/test_{name}.py')\n"
        "    spec.loader.exec_module(importlib.util.module_from_spec(spec))\n"
        "import hw1bench.plugin\n"
        "print(sorted({'torch', 'scipy', 'matplotlib', 'sklearn'} & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
