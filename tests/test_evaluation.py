"""Evaluation on a schedule: the same weights, the same values where a run has them, and none elsewhere."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cases import ARM, DIGITS, first
from hw1bench import Evaluation, Experiment, Images, Model, Protocol, StepLR
from hw1bench.records.runs import Block, Record, recorded
from hw1bench.specs.evaluation import SCHEDULES
from hw1bench.specs.variants import VARIANTS
from hw1bench.training import engine, sequential, stacked
from hw1bench.training.kernels import fit_kernel, image_kernel
from kernel_cases import built
from twins import Some, seeds_of

pytestmark = pytest.mark.usefixtures("nets_drawn_once")

CPU = torch.device("cpu")
FEW = first(100)  # images
EPOCHS = 18  # more than "thinned" evaluates
FIT = replace(ARM, batch_size=16, epochs=EPOCHS, precision="float32")
NET = replace(
    FIT, data=DIGITS, model=Model("64-9-10"), loss="cross_entropy", batch_size=60, schedule=StepLR(every=4, factor=0.3)
)
CNN = replace(
    NET, data=Images(name="digits", size=8, augment=True), model=Model("C(1-3,3,p1,pool2) dropout(0.2) 48-10")
)
NORM = replace(NET, gradient_norm="epoch", data=replace(DIGITS, random_labels=True))
BEST = Evaluation(train="ends", test="every epoch"), Evaluation(train="thinned", test="every epoch")
BOTH = Evaluation(train="ends", test="thinned"), Evaluation(train="thinned", test="ends")


def block_for(backend, arm):
    return Some("T", "scheduled", arm, 0, chosen=seeds_of(backend))


def trained_by(backend, arm):
    block, dataset = block_for(backend, arm), FEW.load(arm.data)
    match backend:
        case "sequential":
            return sequential.train(block, dataset, lambda steps: None)
        case "stacked":
            return stacked.train(block, dataset, False, lambda steps: None)
        case "image_kernel":
            return image_kernel.train(block, dataset, lambda steps: None)
        case "fit_kernel":
            return fit_kernel.train(block, dataset, lambda steps: None)


TRAINED = {
    **{
        f"{backend}, {name}": (backend, arm, schedules)
        for backend in ("sequential", "stacked", "image_kernel")
        for name, arm, schedules in (
            ("dense", NET, BOTH),
            ("gradient norm, random labels", NORM, BOTH),
            ("best weights", replace(NET, keep="best", snapshots=7), BEST),
            ("best weights, gradient norm", replace(NORM, keep="best"), BEST),
        )
    },
    **{
        f"{backend}, convolutions": (backend, replace(CNN, keep="best"), BEST)
        for backend in ("sequential", "image_kernel")
    },
    "sequential, coasting": ("sequential", replace(CNN, keep="best", coast=True), BEST),
    **{
        f"{backend}, a function in batches{more}": (
            backend,
            replace(FIT, gradient_norm=norm),
            (Evaluation(train="ends"), Evaluation(train="thinned")),
        )
        for backend in ("sequential", "stacked", "fit_kernel")
        for more, norm in (("", ""), (", gradient norm", "epoch"))
    },
    "fit_kernel, batch 1": ("fit_kernel", replace(FIT, batch_size=1), (Evaluation(train="ends"),)),
}


@built
@pytest.mark.parametrize(("backend", "arm", "schedules"), TRAINED.values(), ids=TRAINED)
def test_a_schedule_changes_no_bit_of_what_is_trained_and_of_what_is_evaluated(backend, arm, schedules):
    whole = trained_by(backend, arm)
    assert all(np.isfinite(array).all() for name, array in whole.items() if name.startswith(("train_", "test_")))
    for schedule in schedules:
        scheduled = replace(arm, evaluation=schedule)
        found = trained_by(backend, scheduled)
        assert found.keys() == whole.keys() == recorded(scheduled, len(FEW.load(arm.data).train)).keys()
        runs = list(Record(found, {}, 0.0).runs(block_for(backend, scheduled)))
        for name, array in found.items():
            if not name.startswith(("train_", "test_")):
                assert array.tobytes() == whole[name].tobytes(), name
                continue
            assert array.dtype == whole[name].dtype
            there = np.stack([run.evaluated(name) for run in runs])
            assert there.shape == array.shape == (len(seeds_of(backend)), EPOCHS + 1)
            assert array[there].tobytes() == whole[name][there].tobytes(), name
            assert np.isnan(array[~there]).all()
            assert (there.sum() < there.size) == (getattr(schedule, name.partition("_")[0]) != "every epoch")
            for run, row in zip(runs, there, strict=True):
                assert row[[0, run.kept_epoch, -1]].all()


def test_the_case_of_the_best_weights_keeps_an_epoch_inside():
    arm = replace(NET, keep="best", evaluation=BEST[0])
    record = Record(trained_by("stacked", arm), {}, 0.0)
    kept = [run.kept_epoch for run in record.runs(Block("T", "scheduled", arm, 0))]
    assert any(0 < epoch < EPOCHS for epoch in kept)


def test_the_epochs_of_each_schedule():
    of = Evaluation(train="thinned", test="ends")
    assert list(of.epochs("train", 50)) == [*range(11), 18, 26, 34, 42, 50]
    assert list(of.epochs("train", 24)) == [*range(11), 13, 16, 18, 21, 24]
    assert list(of.epochs("train", 17)) == [*range(11), 11, 13, 14, 16, 17]
    assert list(of.epochs("train", 15)) == list(range(16))
    assert list(of.epochs("test", 7)) == [0, 7]
    assert list(Evaluation().epochs("test", 7)) == list(range(8))


@given(st.integers(1, 10_000), st.sampled_from(SCHEDULES))
def test_every_schedule_rises_from_before_training_to_the_last_epoch(budget, schedule):
    found = np.array(Evaluation(train=schedule).epochs("train", budget))
    assert (found[0], found[-1]) == (0, budget)
    gaps = np.diff(found)
    assert (gaps > 0).all()
    if schedule == "thinned":
        assert (gaps[:10] == 1).all()
        assert np.ptp(gaps[10:]) <= 1 if budget > 10 else True


REFUSED = {
    "another schedule": (
        lambda: Evaluation(train="often"),
        "Evaluation train: no schedule named 'often'; there are every",
    ),
    "not text": (lambda: Evaluation(test=None), "Evaluation test: no schedule named None"),
    "not an evaluation": (lambda: replace(NET, evaluation="ends"), "evaluation is 'ends': give an Evaluation"),
    "the best epoch would not be known": (
        lambda: replace(NET, keep="best", evaluation=Evaluation(test="thinned")),
        "arm 'arm' keeps the weights with the best test accuracy, but evaluates test 'thinned': give test='every epoch', or",
    ),
    "a function has no test set": (
        lambda: replace(FIT, evaluation=Evaluation(test="ends")),
        "arm 'arm' learns a function, which has no test set to evaluate 'ends': leave out test='ends'",
    ),
    "a loss that costs nothing": (
        lambda: replace(FIT, batch_size=None, evaluation=Evaluation(train="ends")),
        "arm 'arm' trains on the whole set at once, so that each step computes its loss: leave out train='ends'",
    ),
}


@pytest.mark.parametrize(("make", "said"), REFUSED.values(), ids=REFUSED)
def test_a_contradiction_is_refused_in_one_line(make, said):
    with pytest.raises(ValueError, match=said) as refused:
        make()
    assert "\n" not in str(refused.value)


def experiment(arm):
    protocol = Protocol(arms=(arm, replace(arm, name="other", batch_size=150)), looks=(8,))
    return Experiment(report="T", name="x", full=protocol, quick=protocol)


def test_a_schedule_is_part_of_the_key_of_a_block_but_not_of_the_experiment_that_rulings_are_on():
    sparse = replace(NET, evaluation=Evaluation(train="ends", test="ends"))
    assert engine.key(Block("T", "x", NET, 0), CPU) != engine.key(Block("T", "x", sparse, 0), CPU)
    assert sparse.training == NET.training == NET
    one, other = experiment(NET), experiment(sparse)
    assert one.key("full") == other.key("full")
    half = replace(other, quick=one.quick)
    assert [of.fidelity("quick") for of in (one, other, half)] == ["as reported"] * 3


def test_arms_that_differ_in_their_schedule_alone_are_the_same_training():
    twin = replace(NET, name="twin", evaluation=Evaluation(test="ends"))
    with pytest.raises(ValueError, match="measured together but are the same training"):
        Protocol._check_pair(NET, twin)
    tied = next(variant for variant in VARIANTS if variant.name == "tied seeds")
    protocol = Protocol(arms=tuple(replace(arm, independent=True) for arm in (NET, twin)), looks=(8,))
    assert tied.of(Experiment(report="T", name="x", full=protocol, quick=None)) is None


def test_a_fit_is_evaluated_at_every_epoch_in_its_variant_with_the_whole_set():
    full = next(variant for variant in VARIANTS if variant.name == "full batch")
    protocol = Protocol(arms=(replace(FIT, evaluation=Evaluation(train="ends")),), looks=(8,))
    varied = full.of(Experiment(report="T", name="x", full=protocol, quick=protocol))
    assert varied.full.arms == (replace(FIT, batch_size=None),)
