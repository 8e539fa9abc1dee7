"""The learning rates that the image kernel is given follow each schedule in closed form."""

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from hw1bench import CosineAnnealingLR, ExponentialLR, StepLR
from hw1bench.training import optimizers

FACTORS = st.floats(0.1, 1)
SPANS = st.integers(1, 12)


@settings(deadline=None)
@given(
    st.one_of(
        st.none(),
        st.builds(StepLR, every=SPANS, factor=FACTORS),
        st.builds(ExponentialLR, factor=FACTORS),
        st.builds(CosineAnnealingLR, over=SPANS, least=st.floats(0, 1e-3)),
    ),
    st.integers(1, 30),
)
def test_rates_follow_the_schedule(schedule, epochs):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = list(optimizers.rates(1e-3, schedule, epochs))
    expected = [reference.rate(1e-3, schedule, epoch) for epoch in range(epochs)]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-15)
