"""The register of instruments, the functions that take measurements, and measurements that are not ours."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from cases import ARM
from hw1bench import data
from hw1bench.measures import minimal_ratio, taking
from hw1bench.measures.instruments import instrument_for, takes
from hw1bench.records.measured import measured
from hw1bench.records.runs import Block, Record
from hw1bench.specs.measurement import Interpolation, JacobianNorm, Measurement, MinimalRatio, Paths

FACTS = {"dataset": "sinc", "fingerprint": "0", "stand_in": False, "target_variance": 1.0}
TRAINED = [(Block("T", "x", ARM, 0), Record({"weights": np.ones((8, 3))}, FACTS, 1.0))]


@dataclass(frozen=True, kw_only=True)
class WeightSum(Measurement):
    times: float = 1.0

    def arrays(self, *arms):
        return {"sum": ()}


@takes(WeightSum, steps=16, decides=lambda: {"order": "as they lie"})
def summed(spec, trained, dataset, device, progress):
    for _ in range(16):
        progress(1)
    [(_, record)] = trained
    return {"sum": torch.from_numpy(spec.times * record.arrays["weights"].sum(axis=1))}


def take(measurement, **options):
    return taking.take(measurement, TRAINED, data.BUILT_IN.load(ARM.data), torch.device("cpu"), **options)


def test_a_measurement_is_taken_by_its_function_with_its_steps_and_deciding_facts():
    told = []
    found = take(WeightSum(times=2.0), progress=told.append)
    assert found.arrays["sum"].tolist() == [6.0] * 8
    assert (found.facts["dataset"], sum(told), taking.steps(WeightSum())) == ("sinc", 16, 16)
    assert taking.decides(WeightSum()) == {"order": "as they lie"}


def test_a_derived_class_is_taken_by_the_function_of_its_base():
    class Twice(WeightSum): ...

    assert instrument_for(Twice()) == instrument_for(WeightSum())


def test_our_own_instruments_are_found_in_any_module():
    ours = (
        Paths(own="a", other="b", mark_every=1),
        Interpolation(first="a", second="b", alphas=(0, 1)),
        JacobianNorm(),
    )
    assert len({instrument_for(one).function for one in (*ours, MinimalRatio())}) == 4
    assert instrument_for(MinimalRatio()).function is minimal_ratio.take


def test_two_functions_for_one_class_are_refused_and_registering_one_again_is_not():
    assert takes(WeightSum, steps=16, decides=lambda: {"order": "as they lie"})(summed) is summed
    with pytest.raises(ValueError, match="two functions take WeightSum: leave one out"):
        takes(WeightSum)(lambda *given: {})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "it lacks length"),
        ({"length": np.ones(8), "width": np.ones(8)}, "it has width besides"),
        ({"length": np.ones(7)}, r"its length is float64 of shape \(7,\), not numbers of 8 runs"),
        ({"length": 1.0}, r"its length is float64 of shape \(\), not numbers of 8 runs"),
    ],
    ids=["nothing", "more", "fewer runs", "one number"],
)
def test_a_function_must_give_the_arrays_that_its_class_names(given, said):
    class Length(Measurement):
        def arrays(self, *arms):
            return {"length": ()}

    takes(Length)(lambda *_: given)
    with pytest.raises(ValueError, match=f"what was taken of Length is not what its arrays say: {said}"):
        take(Length())


def test_arrays_that_a_measurement_reads_must_be_recorded():
    class Still(Measurement):
        reads = ("coasted", "prediction")

        def arrays(self, *arms):
            return {}

    with pytest.raises(ValueError, match="Still of arm 'arm' needs how far it coasts: record it with coast=True"):
        measured(Still(), ARM)
    assert measured(Still(), replace(ARM, coast=True)) == {}
    Still.reads = ("test_loss",)
    with pytest.raises(
        ValueError, match="Still of arm 'arm' needs its test_loss, which training does not record for it"
    ):
        measured(Still(), ARM)


def test_the_title_of_a_measurement():
    assert [one.title for one in (WeightSum(), JacobianNorm())] == ["weight sum", "jacobian norm"]
