"""What it costs to put claims on record, by the rates of what is."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw1bench import Model
from hw1bench.court.costs import Kind, Rates, costs, kind, rates, timed, work_of
from hw1bench.effects import CountIs, falls, lower_loss
from hw1bench.sources.pack import EXPERIMENTS
from hw1bench.specs import work
from made_court import BASIS, PAIR, SWEEP
from made_record import DENSE, book, case, experiment, ruled

FIT = Kind("cpu", function=True, convolutional=False, samples="whole", measures=())  # 2 epochs of 1 step
MNIST = Kind("cpu", function=False, convolutional=False, samples="some", measures=())  # 4 epochs of 100 steps
GPU = "NVIDIA H200"
IMAGES = experiment("images", DENSE)
CNN = replace(DENSE, model=Model("C(1-4,5,p2,pool2) 784-10"))
FIT_WORK, IMAGES_WORK = work.of_run(BASIS), work.of_run(DENSE)


def measured(cases, *on_record):
    return rates(timed(cases, book(*on_record)))


@pytest.mark.parametrize(
    ("arm", "device", "of"),
    [
        (BASIS, "cpu", FIT),
        (BASIS, "GPU", FIT),  # functions train on the CPU
        (replace(BASIS, batch_size=16), "cpu", FIT._replace(samples="some")),
        (replace(BASIS, batch_size=1_000), "cpu", FIT),
        (replace(BASIS, batch_size=1), "GPU", FIT._replace(samples="one")),
        (DENSE, "cpu", MNIST),
        (replace(DENSE, model=Model("784-256-10")), "cpu", MNIST),  # whatever the width
        (CNN, "GPU", MNIST._replace(device="GPU", convolutional=True)),
    ],
)
def test_the_kind_of_an_arm(arm, device, of):
    assert kind(arm, (), device) == of


def test_measurements_make_kinds_of_their_own():
    (arm, *_), measures = SWEEP.full.arms, SWEEP.full.measures
    assert kind(arm, (*measures, *PAIR.full.measures, *measures), "cpu").measures == ("JacobianNorm", "Paths")


def test_a_rate_is_the_time_per_unit_of_work():
    fit, images = case(), case("T-y", of=IMAGES)  # each compares two arms
    elsewhere = {"device": GPU, "threads": 2}
    on_record = [ruled(fit, seconds=6.4), ruled(images, seconds=64.0, seeds=32, holds=24, environment=elsewhere)]
    found = measured([fit, images], *on_record)
    assert found.devices == ["cpu", "GPU"]
    assert found.rate(FIT) == pytest.approx(6.4 / (8 * 2 * FIT_WORK))  # multiply-adds
    steps = work_of(DENSE, "GPU")
    assert steps == pytest.approx(400, rel=0.01)  # one of DENSE has 23 million multiply-adds
    assert found.rate(MNIST._replace(device="GPU")) == pytest.approx(64.0 / (32 * 2 * steps))


def test_an_experiment_counts_once_in_a_kind_and_kinds_have_the_geometric_mean():
    other = experiment("other")
    cases = [case("T-a"), case("T-b", lower_loss("b", than="c")), case("T-c", of=other)]
    found = measured(cases, *(ruled(one, seconds=seconds) for one, seconds in zip(cases, (1, 4, 32), strict=True)))
    assert found.rate(FIT) * 8 * 2 * FIT_WORK == pytest.approx(8)  # of 2, and 32


def test_claims_that_share_all_runs_and_tiers_that_share_a_protocol_count_once():
    one, same = case("T-a", of=experiment(quick_epochs=2)), case("T-b", of=experiment(quick_epochs=2))
    found = timed(
        [one, same], book(ruled(one, seconds=4.0), ruled(same, seconds=4.0), ruled(one, "quick", seconds=4.0))
    )
    assert [(time.tier, time.seconds) for time in found] == [("full", 4.0), ("quick", 4.0)]  # looks differ


@pytest.mark.parametrize(
    "changed", [{"seconds": None}, {"seeds": None, "holds": None}, {"environment": None}, {"experiment": "other"}]
)
def test_a_ruling_without_seconds_or_on_another_subject_gives_no_rate(changed):
    assert timed([case()], book(ruled(case(), **changed))) == []


def test_a_pilot_gives_a_rate():
    found = measured([case()], ruled(case(), "quick", "seen", seconds=4.0))
    assert found.rate(FIT) == pytest.approx(4.0 / (8 * 2 * FIT_WORK / 2))  # 1 epoch instead of 2


def test_arms_of_several_kinds_give_no_rate():
    mixed = replace(IMAGES.full, arms=(*IMAGES.full.arms[:1], replace(CNN, name="b"), *IMAGES.full.arms[2:]))
    one = case(of=replace(IMAGES, full=mixed))
    assert measured([one], ruled(one, seconds=4.0)).devices == []


KINDS = st.builds(
    Kind,
    st.sampled_from(("cpu", "GPU")),
    st.booleans(),
    st.booleans(),
    st.sampled_from(("one", "some", "whole")),
    st.sampled_from(((), ("Paths",))),
)


@given(st.dictionaries(KINDS, st.floats(1e-12, 1e-3), max_size=6), KINDS)
def test_the_rate_of_a_kind_lies_among_those_of_the_nearest(found, of):
    given_rate = Rates(found.items()).rate(of)
    shared = {kind: next((n for n in range(5) if kind[n] != of[n]), 5) for kind in found}
    least = 3 if of.device == "GPU" else 1  # no net on a GPU is estimated by one of other layers
    near = [found[kind] for kind in found if shared[kind] == max(shared.values()) >= least]
    if near:
        assert min(near) * 0.999 <= given_rate <= max(near) * 1.001
    else:
        assert given_rate == Rates().rate(of) > 0  # the constant of the device


@given(st.integers(1, 4), st.integers(1, 50), st.sampled_from(("cpu", "GPU")))
def test_an_estimate_is_in_proportion_to_seeds_and_epochs(blocks, epochs, device):
    one, many = Rates(), replace(CNN, epochs=CNN.epochs * epochs)
    assert one.seconds([many], (), 8 * blocks, device) == pytest.approx(
        blocks * epochs * one.seconds([CNN], (), 8, device)
    )


def test_the_first_look_costs_all_runs_of_the_compared_arms_once():
    known = Rates([(MNIST, 1e-9), (MNIST._replace(device="GPU"), 0.5)])
    missing = [case("T-a", of=IMAGES), case("T-b"), case("T-c", lower_loss("b", than="c"), IMAGES)]
    images, fit = costs(missing, known)
    assert (images.experiment, images.claims, images.seeds) == (IMAGES, ("T-a", "T-c"), 8)
    assert (images.steps, images.samples) == (8 * 3 * 400, 8 * 3 * 4 * 60_000)
    steps = work_of(DENSE, "GPU")
    assert images.seconds == {"cpu": pytest.approx(8 * 3e-9 * IMAGES_WORK), "GPU": pytest.approx(8 * 3 * steps * 0.5)}
    assert (fit.claims, fit.steps, fit.samples) == (("T-b",), 8 * 2 * 2, 8 * 2 * 2 * 300)
    assert fit.seconds == dict.fromkeys(("cpu", "GPU"), pytest.approx(8 * 2e-9 * FIT_WORK))  # on the CPU in either case


@pytest.mark.parametrize(
    ("experiment", "arm", "seen"),
    [  # microseconds per step and run on one GPU, in the table of docs/gpu.md
        ("A-task", "CNN-1", 87),
        ("D-task", "CNN-1", 70),
        ("B-task", "cifar-1", 83),
        ("B-task", "cifar-2", 160),
        ("B-path", "a", 157),
        ("C-task-mnist", "mnist-1", 204),
        ("C-task-mnist", "mnist-3", 416),
        ("C-task-cifar", "cifar-2", 675),
        ("E-size", "model 8", 1_018),
        ("E-size", "model 10", 2_686),
    ],
)
def test_convolutional_nets_on_a_gpu_are_estimated_as_they_were_seen(experiment, arm, seen):
    """Within a factor of 3, although only a dense net of short steps is on record there."""
    (found,) = [one for of in EXPERIMENTS if of.id == experiment for one in of.full.arms if one.name == arm]
    known = Rates([(MNIST._replace(device="GPU"), 22.5e-6)])
    estimate = known.seconds([found], (), 1, "GPU") / found.steps * 1e6
    assert 1 / 3 < estimate / seen < 3


def test_an_effect_on_all_arms_costs_all_and_a_count_nothing():
    (cost,) = costs([case(effect=falls("train_loss", over="depth")), case(effect=CountIs(Model("[3]"), 10))], Rates())
    assert (cost.claims, cost.steps, cost.seconds) == (("T-x",), 8 * 3 * 2, {})


def test_most_of_what_is_on_record_was_well_estimated_by_the_rest(collected_claims):
    cases, on_record, *_ = collected_claims
    times = timed(cases, on_record)
    errors = []
    for one in times:
        if one.tier == "full":
            others = rates(other for other in times if other.protocol != one.protocol)
            estimate = others.seconds(one.arms, one.protocol.measures, one.seeds, one.device)
            errors.append(abs(math.log(estimate / one.seconds)))
    assert len(errors) > 50
    assert sum(error < math.log(3) for error in errors) > 0.8 * len(errors)
