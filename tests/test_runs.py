"""Runs, which all claims that look at them share: nothing that an effect does may alter them."""

import copy
import gc
import pickle
import warnings
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch

from cases import ARM
from hw1bench.records.runs import Block, Measured, Record, Run
from hw1bench.specs.measurement import JacobianNorm, MinimalRatio

BLOCK = Block("T", "x", ARM, 0)


def record():
    arrays = {
        "train_loss": np.arange(24.0).reshape(8, 3),
        "train_accuracy": np.arange(24.0).reshape(8, 3)[:, ::-1],
        "weights": np.asfortranarray(np.ones((8, 4), np.float32)),
        "reached": np.ones((8, 2), bool),
        "coasted": np.arange(8.0),
        "none": np.empty((8, 0)),
    }
    return Record(arrays, {"x": [0.1, [0.2]], "more": {"y": [1]}, "stand_in": False}, 1.0)


VIEWS = {
    "itself": lambda array: array,
    "all": lambda array: array[...],
    "part": lambda array: array[1:],
    "transposed": lambda array: array.T,
    "asarray": np.asarray,
    "class": lambda array: array.view(np.ndarray),
    "type": lambda array: array.view({8: np.int64, 4: np.int32, 1: np.uint8}[array.itemsize]),
    "buffer": lambda array: np.asarray(memoryview(array)),
}


@pytest.mark.parametrize("of", ["record", "run"])
@pytest.mark.parametrize("view", VIEWS)
def test_no_array_can_be_written_to_or_made_writable(of, view):
    made = record()
    one = made if of == "record" else list(made.runs(BLOCK))[3]
    arrays = [array for array in one.arrays.values() if array.ndim]  # a single number of a run is not an array
    assert len(arrays) >= 5
    for array in arrays:
        seen = VIEWS[view](array)
        with pytest.raises(ValueError, match="read-only"):
            seen[...] = 1
        with pytest.raises(ValueError, match="cannot set WRITEABLE"):
            seen.setflags(write=True)


ALTERATIONS = {
    "fill": lambda run: run.arrays["train_loss"].fill(7),
    "sort": lambda run: run.arrays["train_loss"].sort(),
    "add": lambda run: np.add(run.arrays["train_loss"], 1, out=run.arrays["train_loss"]),
    "in place": lambda run: run.arrays["weights"].__imul__(2),
    "copyto": lambda run: np.copyto(run.arrays["train_loss"], 0),
    "put": lambda run: run.arrays["train_loss"].put(0, 1),
    "set": lambda run: run.arrays.__setitem__("train_loss", np.zeros(3)),
    "delete": lambda run: run.arrays.pop("train_loss"),
    "clear": lambda run: run.arrays.clear(),
    "facts": lambda run: run.facts.__setitem__("x", 1),
    "list in facts": lambda run: run.facts["x"].append(1),
    "list in a list": lambda run: run.facts["x"][1].sort(),
    "mapping in facts": lambda run: run.facts["more"].update(y=2),
    "list in a mapping": lambda run: run.facts["more"]["y"].clear(),
    "field": lambda run: setattr(run, "arrays", {}),
    "arm": lambda run: setattr(run.arm, "epochs", 1),
}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_alteration_is_refused_and_alters_nothing(name):
    made = record()
    with pytest.raises((ValueError, TypeError, AttributeError, FrozenInstanceError)):
        ALTERATIONS[name](next(made.runs(BLOCK)))
    fresh = record()
    assert made.facts == fresh.facts
    assert set(made.arrays) == set(fresh.arrays)
    for kept, array in fresh.arrays.items():
        np.testing.assert_array_equal(made.arrays[kept], array)


THROUGH_TORCH = {
    "as_tensor": torch.as_tensor,
    "from_numpy": torch.from_numpy,
    "asarray": torch.asarray,
    "frombuffer": lambda array: torch.frombuffer(array, dtype=torch.uint8),
}


@pytest.mark.parametrize("way", THROUGH_TORCH)
@pytest.mark.parametrize("read", ["item", "get", "values", "items"])
def test_torch_ignores_the_read_only_flag_and_still_alters_nothing(way, read):
    made = record()
    run = next(made.runs(BLOCK))
    names = ("train_loss", "weights", "reached")
    found = {
        "item": lambda: [run.arrays[name] for name in names],
        "get": lambda: [run.arrays.get(name) for name in names],
        "values": lambda: [array for array in run.arrays.values() if array.size > 1 and min(array.strides) > 0],
        "items": lambda: [array for _, array in run.arrays.items() if array.size > 1 and min(array.strides) > 0],
    }[read]()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for array in found:
            THROUGH_TORCH[way](array).squeeze().fill_(7)
    fresh = record()
    for one in (run, next(made.runs(BLOCK))):
        assert set(one.arrays) == set(fresh.arrays)
        for kept, array in fresh.arrays.items():
            np.testing.assert_array_equal(one.arrays[kept], array[0])
            np.testing.assert_array_equal(made.arrays[kept], array)


def test_arrays_of_a_run_are_copied_only_when_they_are_read():
    made = record()
    run = next(made.runs(BLOCK))
    assert len(run.arrays) == 6
    assert list(run.arrays) == list(made.arrays)
    assert "weights" in run.arrays
    assert "test_loss" not in run.arrays
    assert run.arrays.get("test_loss") is None
    with pytest.raises(KeyError, match="test_loss"):
        run.arrays["test_loss"]
    assert not np.shares_memory(run.arrays["weights"], made.arrays["weights"])
    # 8 TB, read without copying all of it
    vast = Run(
        ARM, 0, {"snapshot_steps": np.broadcast_to(np.float64(0.5), (10**6, 10**6)), "none": np.empty((0, 3))}, {}
    )
    assert "snapshot_steps" in vast.arrays
    assert vast.arrays["snapshot_steps"][7, 7] == 0.5
    assert vast.arrays["none"].shape == (0, 3)
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        vast.arrays["snapshot_steps"].setflags(write=True)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda run: pickle.loads(pickle.dumps(run))])
def test_a_run_can_be_copied_and_pickled(again):
    run = next(record().runs(BLOCK))
    made = again(run)
    assert (made.arm, made.seed, made.facts, set(made.arrays)) == (run.arm, run.seed, run.facts, set(run.arrays))
    for name, array in run.arrays.items():
        np.testing.assert_array_equal(made.arrays[name], array)
        assert made.arrays[name].dtype == array.dtype
    with pytest.raises(ValueError, match="read-only"):
        made.arrays["train_loss"].fill(7)


@pytest.mark.parametrize("again", [lambda run: run, copy.deepcopy, lambda run: pickle.loads(pickle.dumps(run))])
def test_results_are_copied_with_the_run_and_cannot_be_changed(again):
    norms = Record({"jacobian": np.arange(8.0)[:, None]}, {}, 0.0)
    others = [(Measured(JacobianNorm(), (replace(BLOCK, first_seed=8),)), norms)]
    run = again([*record().runs(BLOCK, [(Measured(JacobianNorm(), (BLOCK,)), norms), *others])][3])
    (result,) = run.results
    assert (result.measurement, result.arms) == (JacobianNorm(), (BLOCK.arm.name,))
    for found in (result.arrays, run.result(JacobianNorm), run.result(JacobianNorm(), BLOCK.arm.name)):
        assert found["jacobian"].tolist() == [3.0]
        with pytest.raises(ValueError, match="read-only"):
            found["jacobian"].fill(7)
    with pytest.raises(
        ValueError, match=r"arm '\w+' has no result of MinimalRatio\(target=0.5\): add such a measurement"
    ):
        run.result(MinimalRatio(target=0.5))


@pytest.mark.parametrize("name", ["train_loss", "train_accuracy"])
def test_a_history_is_a_copy_that_may_be_changed(name):
    made = record()
    run = next(made.runs(BLOCK))
    values = run.history(name)
    expected = values.copy()
    values.sort()
    values.fill(-1)
    np.testing.assert_array_equal(run.history(name), expected)


def test_a_mask_of_evaluated_epochs_is_a_copy_that_may_be_changed():
    run = next(record().runs(BLOCK))
    run.evaluated("train_loss")[:] = False
    assert run.evaluated("train_loss").all()
    assert run.history("train_loss", -1) == 2


def test_the_runs_of_a_block_share_the_facts_and_do_not_look_through_them_again():
    made = record()
    facts = {id(run.facts) for run in made.runs(BLOCK)} | {id(Record({}, made.facts, 0.0).facts)}
    assert facts == {id(made.facts)}
    assert (
        pickle.loads(pickle.dumps(made.facts))
        == made.facts
        == {"x": (0.1, (0.2,)), "more": {"y": (1,)}, "stand_in": False}
    )


def test_arrays_are_views_that_live_as_long_as_they_are_used():
    large = np.zeros((8, 1000))
    made = Record({"weights": large}, {}, 0.0)
    assert np.shares_memory(made.arrays["weights"], large)
    again = Record(made.arrays, made.facts, 0.0)
    assert again.arrays["weights"] is made.arrays["weights"]
    kept = again.arrays["weights"]
    del large, made, again
    gc.collect()
    assert kept.sum() == 0
