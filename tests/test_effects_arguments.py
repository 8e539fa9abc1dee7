"""Arguments of the constructors of effects: converted to one form, or refused in one line that names the argument."""

import inspect
import pkgutil
from fractions import Fraction
from importlib import import_module

import numpy as np
import pytest

from hw1bench import effects as fx
from hw1bench.effects.arguments import checked


def constructors(names, module):
    """The functions among ``names`` of ``module`` that return an Effect, by name."""
    found = {name: getattr(module, name) for name in names if not name.startswith("_")}
    return {
        name: one
        for name, one in found.items()
        if inspect.isfunction(one) and inspect.signature(one).return_annotation is fx.Effect
    }


CONSTRUCTORS = constructors(fx.__all__, fx)
GOOD = {
    "arm": "a", "than": "b", "of": "b", "first": "a", "second": "b", "own": "a", "other": "b", "small": "a", "middle": "b",
    "large": "c", "arms": ("a", "b"), "among": ("b", "c"), "threshold": 0.5, "alpha": 0.5, "low": 0.0, "high": 1.0,
    "within": 1, "factor": 2, "reported": 1, "by": 0.1, "gap": 0.05, "least": 0.1, "share": 0.5, "first_share": 0.5, "last": 0.5,
    "late": (0.5, 1), "early": (0, 0.5), "points": 0.1, "after": 0.5, "blocks": 5, "history": "train_loss", "over": "lr",
    "measures": ("test_loss",), "split": "test", "part": "whole", "effect": fx.norm_settles("a"),
    "effects": (fx.norm_settles("a"),), "to": 0.1,
}  # fmt: skip
OWN = {
    ("no_worse", "than"): ("b", "c"),
    ("high_early", "first"): 0.02,
    ("pure_is_best", "share"): 0.2,
    ("falls_along", "over"): ((0, 1),),
    ("rises_along", "over"): ((0, 1),),
}
HOSTILE = [
    None, True, float("nan"), float("inf"), -1, 1j, "", "text", "trian_loss", "a\nb", b"a", [], {}, ["a", 2], ("a", "a"), [[1]],
    np.array([1.0, 2.0]), np.array("a"), object(), len, np.bool_(True), 10**400, "x" * 5000, "\ud800",
]  # fmt: skip


def arguments(name):
    signature = inspect.signature(CONSTRUCTORS[name])
    for argument in signature.parameters:
        known = argument in GOOD or (name, argument) in OWN
        assert known, f"argument {argument!r} of {name} has no good value: add it to GOOD in this file"
    return signature, {argument: OWN.get((name, argument), GOOD.get(argument)) for argument in signature.parameters}


def make(name, **changed):
    signature, given = arguments(name)
    bound = inspect.BoundArguments(signature, given | changed)
    return CONSTRUCTORS[name](*bound.args, **bound.kwargs)


def test_every_constructor_of_the_files_of_effects_is_exported_with_its_arguments_checked():
    written = {}
    for found in pkgutil.iter_modules(fx.__path__, "hw1bench.effects."):
        module = import_module(found.name)
        here = constructors(vars(module), module)
        written |= {name: one for name, one in here.items() if one.__module__ == module.__name__}
    for name, one in written.items():
        assert name in fx.__all__, f"{name} is not in __all__ of effects/__init__.py"
        assert getattr(getattr(fx, name), "__wrapped__", None) is one, f"{name} is not checked in effects/__init__.py"
    assert set(CONSTRUCTORS) == set(written)


def test_an_argument_without_a_check_is_one_line():
    def ends_below_its_median(arm: str, *, tail: float) -> fx.Effect: ...

    said = (
        "^argument 'tail' of ends_below_its_median has no check: add it to _BY_NAME in hw1bench/effects/arguments.py$"
    )
    with pytest.raises(ValueError, match=said):
        checked(ends_below_its_median)


def test_a_constructor_that_does_not_tell_its_values_is_one_line():
    def ends_well(arm: str) -> fx.Effect: ...

    said = "^effects of ends_well do not tell their values: add it to TOLD in hw1bench/effects/told.py$"
    with pytest.raises(ValueError, match=said):
        checked(ends_well)


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_hostile_arguments_are_refused_in_one_line_or_taken(name):
    made = make(name)
    assert made.name
    for argument in arguments(name)[1]:
        said = []
        for value in HOSTILE:
            try:
                make(name, **{argument: value})
            except ValueError as error:
                said.append(str(error))
            except TypeError:  # *arms, which Python itself unpacks
                kind = inspect.signature(CONSTRUCTORS[name]).parameters[argument].kind
                said.append("python's own" if kind is inspect.Parameter.VAR_POSITIONAL else "\n")
        assert len(said) > len(HOSTILE) / 2, argument
        assert all(line.isprintable() and len(line) < 600 for line in said)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: fx.rises("trian_loss", over="lr"),
            "rises history: no history named 'trian_loss'; there are train_loss,",
        ),
        (
            lambda: fx.falls("test_loss", over="colour"),
            "falls over: no setting or history named 'colour'; there are batch_size",
        ),
        (lambda: fx.u_shaped("test_loss", over="jacobian", factor=2), "u_shaped over: no setting named 'jacobian'"),
        (lambda: fx.ahead("jacobian", "a", of="b", first_share=1), "ahead history: no history named 'jacobian'"),
        (lambda: fx.loss_below(float("nan"), "a"), "loss_below threshold is nan: give a finite number"),
        (lambda: fx.loss_below(0.1), r"loss_below arms is \(\): give 1 or more"),
        (lambda: fx.loss_below(0.1, 7), r"loss_below arms\[0\] is 7: give text"),
        (
            lambda: fx.accuracy_above(98, "a"),
            "accuracy_above threshold is 98: give a finite number, 0 or more and 1 or less",
        ),
        (lambda: fx.reaches(0.1, arm="a", within=2.5), "reaches within is 2.5: give an integer, 1 or more"),
        (lambda: fx.near("test_loss", 1.0, arm="a", within=0), "near within is 0: give a finite number, above 0"),
        (lambda: fx.lowest("test_loss", "a", among="bc"), "lowest among is 'bc': give a tuple or a list"),
        (lambda: fx.lower_loss("a", than="a"), "names arm 'a' twice"),
        (lambda: fx.in_order("a"), r"in_order arms is \('a',\): give 2 or more"),
        (
            lambda: fx.norm_moves_more("a", late=(0.5, 1), early=(1, 0.5)),
            "early is .*: give two numbers, the smaller first",
        ),
        (
            lambda: fx.falls_along(["loss"], "a", "b", over=[(0, 1)]),
            r"falls_along measures\[0\]: no history named 'loss'",
        ),
        (
            lambda: fx.rises_along(["test_loss"], "a", "b", over=(0, 1)),
            r"rises_along over\[0\] is 0: give a tuple or a list",
        ),
        (lambda: fx.norm_falls_late("a", blocks=2), "norm_falls_late blocks is 2: give an integer, 3 or more"),
        (lambda: fx.peaks_near(0.5, "valid", "a", "b", within=0.1), "no split named 'valid'; there are train, test"),
        (lambda: fx.every(fx.overfits("a"), len), r"every effects\[1\] is .*: give an Effect"),
        (lambda: fx.every(), r"every effects is \(\): give 1 or more"),
    ],
)
def test_messages(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_any_number_type_makes_the_same_effect():
    for one, other in (
        (fx.loss_below(np.float64(0.5), "a"), fx.loss_below(Fraction(1, 2), "a")),
        (fx.reaches(1, arm="a", within=np.int64(5)), fx.reaches(np.float32(1), arm="a", within=5)),
        (fx.highest_loss("a", among=["b"]), fx.highest_loss("a", among=("b",))),
    ):
        assert (one.name, one.unit, one.arms) == (other.name, other.unit, other.arms)


def test_a_missing_argument_is_pythons_own_error():
    with pytest.raises(TypeError, match="missing a required"):
        fx.faster("a")
