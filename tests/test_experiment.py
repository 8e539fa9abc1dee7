import subprocess
import sys
from dataclasses import dataclass, replace

import pytest

from hw1bench import Arm, Claim, Effect, Experiment, Function, Images, Model, Optimizer, Protocol, both_tiers
from hw1bench.specs.experiment import canonical, digest
from hw1bench.specs.measurement import Interpolation, JacobianNorm, MinimalRatio, Paths

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


def test_only_specifications_have_a_digest():
    with pytest.raises(ValueError, match="cannot be part of a specification"):
        digest({"f": len})


@dataclass(frozen=True)
class _Other:
    layout: str


def test_types_enter_the_digest():
    assert digest(Model("4-2")) != digest(_Other("4-2"))


@pytest.mark.parametrize("looks", [(), (3,), (8, 8), (16, 8), (8, 12)])
def test_invalid_looks_are_refused(looks):
    with pytest.raises(ValueError, match="looks must be increasing multiples of 8"):
        Protocol(arms=(ARM,), looks=looks)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: Model("4-2", activation="tanhh"),
            "no activation named 'tanhh'; there are relu, leaky_relu, elu, selu, gelu, sigmoid, tanh",
        ),
        (lambda: Model("4-2", init="zero"), "no init named 'zero'"),
        (lambda: Optimizer(name="lion", lr=1), "no optimiser named 'lion'"),
        (lambda: replace(ARM, loss="msee"), "no loss named 'msee'"),
        (lambda: replace(ARM, precision="half"), "no precision named 'half'"),
        (lambda: replace(ARM, epochs=0), "Arm 'one' epochs is 0: give an integer, 1 or more"),
        (lambda: replace(ARM, batch_size=0), "Arm 'one' batch_size is 0: give an integer, 1 or more"),
        (lambda: replace(ARM, snapshots=0), "Arm 'one' snapshots is 0: give an integer, 1 or more"),
        (lambda: replace(ARM, keep="worst"), 'keep is \'worst\': give "last", "best" or EarlyStopping'),
        (
            lambda: replace(ARM, keep="best"),
            "arm 'one' learns a function, which has no test accuracy: leave out keep='best'",
        ),
        (lambda: replace(ARM, gradient_norm="last"), "no recording of the gradient norm named 'last'; .* last batch"),
    ],
)
def test_an_arm_that_cannot_be_trained_is_refused_when_it_is_made(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_snapshots_and_weights_to_keep_are_accepted():
    assert replace(ARM, snapshots=1).snapshots == 1
    assert replace(ARM, snapshots="epoch").snapshots == "epoch"
    assert replace(IMAGE_ARM, keep="best").keep == "best"


MEASURES = {
    "one arm": (JacobianNorm(), [("p",), ("q",), ("r",)]),
    "one arm, points": (MinimalRatio(), [("p",), ("q",), ("r",)]),
    "a path": (Paths(own="r", other="p", mark_every=1), [("r", "p")]),
    "a line": (Interpolation(first="p", second="q", alphas=(0.0, 1.0)), [("p", "q")]),
}


@pytest.mark.parametrize(("measurement", "groups"), MEASURES.values(), ids=MEASURES)
def test_measurements_group_the_arms_of_a_protocol(measurement, groups):
    arms = tuple(replace(ARM, name=name, independent=True) for name in "pqr")
    assert Protocol(arms=arms, looks=(8,), measures=(measurement,)).measures == (measurement,)
    assert measurement.groups("pqr") == groups


@pytest.mark.parametrize(
    "measurement",
    [
        Paths(own="one", other="two", mark_every=1),
        Paths(own="two", other="one", mark_every=1),
        Interpolation(first="one", second="two", alphas=(0.0, 1.0)),
        Interpolation(first="two", second="one", alphas=(0.0, 1.0)),
    ],
    ids=repr,
)
def test_a_measurement_of_an_unknown_arm_is_refused(measurement):
    with pytest.raises(ValueError, match=r"\) names an arm that does not exist: there are one"):
        Protocol(arms=(ARM,), looks=(8,), measures=(JacobianNorm(), measurement))


def test_measurements_enter_the_digest_of_a_protocol():
    plain = Protocol(arms=(ARM,), looks=(8,))
    measured = [replace(plain, measures=measures) for measures in ((MinimalRatio(),), (MinimalRatio(target=1e-3),))]
    assert len({digest(one) for one in (plain, *measured)}) == 3


def test_arms_need_different_names():
    with pytest.raises(ValueError, match="different names"):
        Protocol(arms=(ARM, ARM), looks=(8,))


def test_tiers_of_an_experiment():
    same = Experiment(report="T", name="x", **both_tiers([ARM]))
    assert same.protocol("quick") == same.protocol("full")
    assert same.protocol("full").looks == (8, 16, 32)
    assert same.key("quick") == same.key("full")
    both = replace(same, quick=Protocol(arms=(ARM,), looks=(8, 16)))
    assert both.key("quick") != both.key("full")
    assert both.key("full") == replace(both, assumptions=("one",)).key("full")
    with pytest.raises(ValueError, match="T-x has no quick protocol"):
        replace(both, quick=None).protocol("quick")
    with pytest.raises(ValueError, match="T-x has a quick protocol, and a reason for having none: leave one out"):
        replace(both, full_tier_only="too slow")
    with pytest.raises(
        ValueError, match="T-x says why its quick protocol is as reported, and has none: give one, or leave"
    ):
        replace(both, quick=None, as_reported="so says its code")


def test_a_reason_of_spaces_is_refused():
    effect = Effect("loss", "", lambda runs: 1.0, ("one",), level="a loss of 0.1")
    both = Experiment(report="T", name="x", **both_tiers([ARM]))
    claim = Claim("T-x", report="T", where="1", says="It is.", experiment=both, effect=effect)
    for changed, name in (
        (both, "as_reported"),
        (both, "full_tier_only"),
        (claim, "own_level"),
        (claim, "trivial"),
        (effect, "level"),
        (effect, "clock"),
    ):
        with pytest.raises(ValueError, match=f"{name} is ' ': say it in words, or leave it out"):
            replace(changed, **{name: " "})


def test_collection_imports_no_torch_scipy_or_matplotlib():
    script = (
        "import sys, importlib.util, pathlib\n"
        "files = sorted(pathlib.Path('claims').glob('test_*.py'))\n"
        "assert len(files) == 10\n"
        "for path in files:\n"
        "    spec = importlib.util.spec_from_file_location(path.stem, path)\n"
        "    spec.loader.exec_module(importlib.util.module_from_spec(spec))\n"
        "import hw1bench.plugin\n"
        "print(sorted({'torch', 'scipy', 'matplotlib', 'sklearn'} & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


DIGITS = Images(name="digits", size=8)
PAIR = Interpolation(first="a", second="b", alphas=(0.0, 0.5, 1.0))
IMAGE_ARM = replace(ARM, name="a", data=DIGITS, model=Model("64-10"), loss="cross_entropy")


@pytest.mark.parametrize(
    ("arms", "measures", "said"),
    [
        (ARM, (), "Protocol arms is Arm.*: give a tuple or a list"),
        ((ARM,), JacobianNorm(), r"Protocol measures is JacobianNorm\(\): give a tuple or a list"),
        (("one",), (), r"Protocol arms\[0\] is 'one': give an Arm"),
        ((ARM,), (JacobianNorm,), "is <class .*: give a measurement, such as JacobianNorm"),
        (
            (IMAGE_ARM, replace(IMAGE_ARM, name="b")),
            (PAIR,),
            "arms 'a' and 'b' are measured together but are the same training: set independent=True",
        ),
        (
            (IMAGE_ARM, replace(IMAGE_ARM, name="b", model=Model("64-5-10"))),
            (PAIR,),
            "arms 'a' and 'b' are measured together but have nets .* give them one net",
        ),
    ],
)
def test_a_protocol_that_cannot_be_measured_is_refused(arms, measures, said):
    with pytest.raises(ValueError, match=said):
        Protocol(arms=arms, looks=(8,), measures=measures)


def test_a_pair_may_differ_in_its_training_or_be_independent():
    for other in (replace(IMAGE_ARM, name="b", batch_size=7), replace(IMAGE_ARM, name="b", independent=True)):
        first = replace(IMAGE_ARM, independent=other.independent)
        assert Protocol(arms=(first, other), looks=(8,), measures=(PAIR,)).measures == (PAIR,)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Interpolation(first="a", second="a", alphas=(0, 0.5, 1)), "arm 'a' is measured together with itself"),
        (lambda: Interpolation(first="a", second="b", alphas="01"), "alphas is '01': give a tuple or a list"),
        (lambda: Interpolation(first="a", second="b", alphas=(0, "1")), r"alphas\[1\] is '1': give a finite number"),
        (
            lambda: Interpolation(first="a", second="b", alphas=(1, 0.5, 0)),
            "give increasing numbers, with 0 and 1 among them",
        ),
        (lambda: Interpolation(first="a", second="b", alphas=(0, 0.5)), "with 0 and 1 among them"),
        (lambda: Paths(own="a", other="b", mark_every=0), "mark_every is 0: give an integer, 1 or more"),
        (lambda: replace(ARM, snapshots="step"), "snapshots is 'step': give \"epoch\", or a number of steps"),
    ],
)
def test_invalid_measurements_and_snapshots_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_both_tiers_measure_the_same():
    tiers = both_tiers([IMAGE_ARM], measures=[JacobianNorm()])
    assert tiers["full"].measures == tiers["quick"].measures == (JacobianNorm(),)
