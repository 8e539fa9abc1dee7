"""Runs are shared by all claims that look at them, so nothing that an effect does may alter them."""

import gc
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from cases import ARM
from hw1bench.runs import Block, Record

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
def test_no_array_can_be_written_or_made_writable(of, view):
    made = record()
    one = made if of == "record" else list(made.runs(BLOCK))[3]
    arrays = [array for array in one.arrays.values() if array.ndim]  # a run's number by itself is no array
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


@pytest.mark.parametrize("name", ["train_loss", "train_accuracy"])
def test_a_history_is_a_copy_to_do_with_as_one_likes(name):
    made = record()
    run = next(made.runs(BLOCK))
    values = run.history(name)
    expected = values.copy()
    values.sort()
    values.fill(-1)
    np.testing.assert_array_equal(run.history(name), expected)


def test_arrays_are_views_and_live_as_long_as_they_are_used():
    large = np.zeros((8, 1000))
    made = Record({"weights": large}, {}, 0.0)
    assert np.shares_memory(made.arrays["weights"], large)
    again = Record(made.arrays, made.facts, 0.0)
    assert again.arrays["weights"] is made.arrays["weights"]
    kept = again.arrays["weights"]
    del large, made, again
    gc.collect()
    assert kept.sum() == 0
