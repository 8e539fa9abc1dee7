"""The numbers that an effect may return."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from hw1bench.effects import Effect, every, fails
from hw1bench.support.number import NoFinding, as_real, not_finite


class Nameless:
    def __repr__(self):
        raise RuntimeError("no name")


REAL = [
    *(1, 0.5, np.float32(0.5), np.float16(0.5), np.longdouble(0.5), np.int64(3), np.uint8(3), Fraction(1, 3)),
    *(Decimal("0.1"), np.array(2.5), np.array(2), torch.tensor(1.5, requires_grad=True), torch.tensor(2), math.inf),
]
UNREAL = [
    *("3", b"3", True, np.bool_(True), np.array(True), torch.tensor(True), None, 1j, np.complex64(1), np.array("3")),
    *([1.0], (1.0,), {}, np.array([1.0]), np.array([1, 2]), torch.ones(2, 2), np.array(None), np.ma.masked, Nameless()),
    *(10**400, Fraction(10**400), Decimal("sNaN"), np.timedelta64(3, "s"), float, lambda: 1.0, "x\ny" * 1_000),
]


@pytest.mark.parametrize("value", REAL, ids=repr)
def test_real_numbers_of_any_type_are_taken(value):
    found = as_real(value)
    assert type(found) is float
    assert found == float(value.item() if isinstance(value, torch.Tensor) else value)
    assert math.isnan(as_real(np.float64("nan")))


@pytest.mark.parametrize("value", UNREAL, ids=lambda value: type(value).__name__)
def test_anything_else_is_refused_in_one_line_that_names_effect_and_value(value):
    effects = [Effect("it", "", lambda runs: value)]
    effects += [fails(effects[0]), every(Effect("other", "", lambda runs: 1.0), effects[0])]
    for effect in effects:
        with pytest.raises(NoFinding, match="is not a real number: return one per seed") as caught:
            effect({})
        said = str(caught.value)
        assert said.startswith(f"effect {effect.name!r}: ")
        assert type(value).__name__ in said
        assert len(said.splitlines()) == 1
        assert len(said) < 250


def test_names_of_numbers_that_are_not_finite():
    assert [not_finite(value) for value in (0.0, math.nan, math.inf, -math.inf)] == [
        *(None, "undefined", "+infinity", "-infinity")
    ]
