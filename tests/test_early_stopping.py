"""Samples held out for validation, and the epoch at which a rule stops, in each way of training."""

import math
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cases import ARM, DIGITS, first
from hw1bench import EarlyStopping, Evaluation, Experiment, Images, Model, Network, Table, both_tiers
from hw1bench.court import rehearsal
from hw1bench.court.claim import Claim
from hw1bench.data import BUILT_IN
from hw1bench.effects import falls_over_epochs
from hw1bench.records.runs import Block, Record, recorded
from hw1bench.specs.experiment import canonical
from hw1bench.specs.keeping import kept_epoch
from hw1bench.training import engine, resident, sequential, stacked
from hw1bench.training.captured import Streams
from hw1bench.training.kernels import image_kernel
from kernel_cases import built
from networks import normed
from twins import Some, seeds_of

pytestmark = pytest.mark.usefixtures("nets_drawn_once")

CPU = torch.device("cpu")
FEW = first(100)
HELD_OUT = 30
NET = replace(
    ARM,
    data=DIGITS,
    model=Model("64-9-10"),
    loss="cross_entropy",
    batch_size=20,
    epochs=9,
    precision="float32",
    validation=HELD_OUT,
)
TABLE = Table([[float(row), 1.0] for row in range(60)], [row / 60 for row in range(60)], name="line")
FIT = replace(NET, data=TABLE, model=Model("2-5-1"), loss="mse", batch_size=None, validation=20)
CNN = replace(NET, data=Images(name="digits", size=8), model=Model("C(1-3,3,p1,pool2) 48-10"), epochs=6)
STOP = EarlyStopping(patience=2)


def by_resident(block, dataset, advance):
    parts = resident.parts(block, dataset, Streams(CPU))
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value


WAYS = {
    "sequential": sequential.train,
    "stacked": lambda block, dataset, advance: stacked.train(block, dataset, False, advance),
    "image_kernel": image_kernel.train,
    "resident": by_resident,
}
TRAINED = [(way, NET) for way in WAYS] + [(way, CNN) for way in WAYS if way != "stacked"]


def block_for(way, arm):
    return Some("T", "held-out", arm, 0, chosen=seeds_of(way))


def train(way, arm, dataset=None):
    return WAYS[way](block_for(way, arm), dataset or FEW.of(arm), lambda steps: None)


@cache
def trained_once(way, arm):
    return train(way, arm)


def naive_epoch(values, patience, rises):
    """The epoch of the best value in the loop of a training that stops."""
    best, kept, waited = None, 0, 0
    for epoch, value in enumerate(values, start=1):
        value = math.inf if math.isnan(value) else value
        better = best is None or (value > best if rises else value < best)
        best, kept, waited = (value, epoch, 0) if better else (best, kept, waited + 1)
        if waited == patience:
            break
    return kept


@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.5, math.nan, math.inf]), min_size=1, max_size=15),
    st.integers(1, 4),
    st.sampled_from(["validation_loss", "test_accuracy"]),
)
def test_the_rule_is_that_of_a_loop_that_stops(values, patience, by):
    rises = by == "test_accuracy"
    if rises:
        values = [value for value in values if math.isfinite(value)] or [0.1]
    assert kept_epoch(EarlyStopping(patience=patience, by=by), values) == naive_epoch(values, patience, rises)


@built
@pytest.mark.parametrize(("way", "arm"), TRAINED)
def test_what_is_held_out_is_not_trained_on_and_evaluated_at_every_epoch(way, arm):
    arm = replace(arm, evaluation=Evaluation(train="ends", test="ends"))
    given = FEW.of(arm)
    left, held_out = replace(given, validation=None), given.validation
    found = train(way, arm)
    without = train(way, replace(arm, validation=0), left)
    as_test = train(way, replace(arm, validation=0, evaluation=Evaluation()), replace(left, test=held_out))
    assert found.keys() == {*without, "validation_loss", "validation_accuracy"} == recorded(arm, 70).keys()
    for name, array in without.items():
        assert array.tobytes() == found[name].tobytes(), name
    for what in ("loss", "accuracy"):
        assert np.isfinite(found[f"validation_{what}"]).all()
        assert found[f"validation_{what}"].tobytes() == as_test[f"test_{what}"].tobytes()


@built
@pytest.mark.parametrize("by", ["validation_loss", "validation_accuracy", "test_loss"])
@pytest.mark.parametrize(("way", "arm"), TRAINED)
def test_the_weights_of_the_epoch_before_the_stop_are_kept(way, arm, by):
    arm = replace(arm, keep=EarlyStopping(patience=1, by=by), evaluation=Evaluation(train="ends"))
    found, last = train(way, arm), trained_once(way, replace(arm, keep="last", snapshots="epoch"))
    runs = [*Record(found, {}, 0.0).runs(block_for(way, arm))]
    values = last[by][:, 1:]
    rises = by.endswith("accuracy")
    assert [run.kept_epoch for run in runs] == [naive_epoch(row, 1, rises) for row in values]
    early = [run.kept_epoch < arm.epochs for run in runs]
    for row, run in enumerate(runs):
        if not early[row]:
            assert found["weights"][row].tobytes() == last["weights"][row].tobytes()
        else:
            assert found["weights"][row].tobytes() != last["weights"][row].tobytes()
            assert np.isfinite(run.history("train_loss", run.kept_epoch))
        assert run.evaluated("train_loss")[run.kept_epoch]
    if by == "validation_accuracy":
        assert any(early)


def test_kept_weights_are_those_after_the_kept_epoch():
    arm = replace(NET, keep=EarlyStopping(patience=1, by="validation_accuracy"))
    found = train("stacked", arm)
    for row, run in enumerate(Record(found, {}, 0.0).runs(Block("T", "held-out", arm, 0))):
        shorter = train("stacked", replace(arm, keep="last", epochs=run.kept_epoch))
        assert found["weights"][row].tobytes() == shorter["weights"][row].tobytes()


def test_what_is_held_out_is_a_random_part_the_same_each_time_and_the_rest_is_left_in_order():
    whole, parts = FEW.load(DIGITS), FEW.of(NET)
    rows = [
        whole.train.x.flatten(1).tolist(),
        parts.train.x.flatten(1).tolist(),
        parts.validation.x.flatten(1).tolist(),
    ]
    labels = [split.y.tolist() for split in (whole.train, parts.train, parts.validation)]
    each = [[*map(tuple, zip(map(tuple, x), y, strict=True))] for x, y in zip(rows, labels, strict=True)]
    assert sorted(each[1] + each[2]) == sorted(each[0])
    assert [one for one in each[0] if one in each[1]] == each[1]
    assert [one for one in each[0] if one in each[2]] == each[2]
    assert not set(each[1]) & set(each[2])
    assert each[2] != each[0][-HELD_OUT:]
    assert torch.equal(FEW.of(NET).validation.x, parts.validation.x)


def test_the_running_statistics_are_those_of_the_kept_epoch():
    arm = replace(NET, model=Network(normed), keep=EarlyStopping(patience=1, by="validation_accuracy"))
    found = train("sequential", arm)
    kept = [run.kept_epoch for run in Record(found, {}, 0.0).runs(block_for("sequential", arm))]
    assert any(epoch < arm.epochs for epoch in kept)
    for epoch in set(kept):
        shorter = train("sequential", replace(arm, keep="last", epochs=epoch))
        rows = [row for row, one in enumerate(kept) if one == epoch]
        for name in ("weights", "buffers"):
            assert found[name][rows].tobytes() == shorter[name][rows].tobytes()


def test_the_engine_holds_out_what_the_arm_says_and_its_record_has_the_form_that_is_expected():
    arm = replace(NET, keep=STOP, epochs=2, batch_size=500)
    block = Block("T", "held-out", arm, 0)
    record = engine.train(block, CPU)
    shapes, facts = engine.contents(block)
    assert {name: array.shape[1:] for name, array in record.arrays.items()} == shapes
    assert facts["steps_per_epoch"] == -(-(len(BUILT_IN.load(DIGITS).train) - HELD_OUT) // 500)
    assert engine.steps(block) == 8 * 2 * facts["steps_per_epoch"]
    keys = {engine.key(Block("T", "held-out", one, 0), CPU) for one in (arm, replace(arm, validation=31))}
    assert len(keys) == 2


def test_an_arm_that_holds_nothing_out_has_the_digest_that_it_had():
    assert "validation" not in canonical(replace(NET, validation=0))


def test_a_claim_may_be_about_the_validation_loss():
    experiment = Experiment(report="T", name="held-out", **both_tiers([replace(NET, keep=STOP)]))
    claim = Claim(
        "T-validation", report="T", where="1", says="It falls.", experiment=experiment,
        effect=falls_over_epochs("validation_loss", arm=NET.name),
    )  # fmt: skip
    assert rehearsal.faults([claim], "full") == {}


def test_numbers_to_predict_are_held_out_too():
    arm = replace(FIT, keep=EarlyStopping(patience=1))
    block = Block("T", "held-out", arm, 0)
    record = engine.train(block, CPU)
    assert record.arrays["validation_loss"].shape == (8, arm.epochs + 1)
    assert record.arrays["prediction"].shape == (8, 40)
    x, y = BUILT_IN.of(arm).validation.x, BUILT_IN.of(arm).validation.y
    for row, run in enumerate(record.runs(block)):
        flat = torch.tensor(record.arrays["weights"][row])
        hidden = torch.tanh if arm.model.activation == "tanh" else torch.relu
        outputs = hidden(x.float() @ flat[:10].view(5, 2).T + flat[10:15]) @ flat[15:20] + flat[20]
        loss = float((outputs - y[:, 0]).square().mean())
        assert run.history("validation_loss", run.kept_epoch) == pytest.approx(loss, rel=1e-4)


REFUSED = {
    "no patience": (lambda: EarlyStopping(patience=0), "EarlyStopping patience"),
    "another history": (lambda: EarlyStopping(patience=1, by="train_loss"), "no history to stop by named 'train_loss'"),
    "nothing held out": (lambda: replace(NET, keep=STOP, validation=0), "stops by validation_loss, and holds nothing out"),
    "all held out": (lambda: replace(NET, validation=DIGITS.samples), "hold out fewer than there are"),
    "less than none": (lambda: replace(NET, validation=-1), "validation is -1"),
    "a function": (lambda: replace(ARM, validation=3), "learns a function, of which nothing is held out"),
    "a function that stops": (lambda: replace(ARM, keep=EarlyStopping(patience=1, by="test_loss")), "has no test loss"),
    "random labels": (lambda: replace(NET, data=replace(DIGITS, random_labels=True)), "leave out validation"),
    "a history with gaps": (
        lambda: replace(NET, keep=EarlyStopping(patience=1, by="test_loss"), evaluation=Evaluation(test="ends")),
        "stops by test_loss, but evaluates test 'ends': give test='every epoch'",
    ),
    "another way to keep": (lambda: replace(NET, keep="first"), 'give "last", "best" or EarlyStopping(patience=...)'),
    "a smaller copy": (lambda: FEW.of(replace(NET, validation=100)), "hold out fewer"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_held_out_or_stopped_is_refused_in_one_line(make, said):
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        make()
    assert "\n" not in str(error.value)
