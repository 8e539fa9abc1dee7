"""What it costs to put claims on record, by the rates of what is."""

from dataclasses import replace

import pytest

from hw1bench import Model
from hw1bench.court.costs import Net, Range, costs, net, rates
from hw1bench.effects import CountIs, falls, lower_loss
from made_court import BASIS
from made_record import DENSE, book, case, experiment, ruled

FIT = Net((), convolutional=False, samples=300)  # 2 epochs of 1 step
MNIST = Net((1, 28, 28), convolutional=False, samples=600)  # 4 epochs of 100 steps
IMAGES = experiment("images", DENSE)
CNN = replace(DENSE, model=Model("C(1-4,5,p2,pool2) 784-10"))


@pytest.mark.parametrize(
    ("arm", "kind"),
    [
        (BASIS, FIT),
        (replace(BASIS, batch_size=16), FIT._replace(samples=16)),
        (replace(BASIS, batch_size=1_000), FIT),
        (DENSE, MNIST),
        (replace(DENSE, model=Model("784-256-10")), MNIST),  # whatever the width
        (CNN, MNIST._replace(convolutional=True)),
    ],
)
def test_the_kind_of_a_net(arm, kind):
    assert net(arm) == kind


def test_a_rate_is_the_time_per_step_and_run_of_a_ruling():
    fit, images = case(), case("T-y", of=IMAGES)  # each compares two arms
    found = rates([fit, images], book(ruled(fit, seconds=6.4), ruled(images, seconds=64.0, seeds=32, holds=24)))
    assert found == {"cpu": {FIT: Range(0.2, 0.2), MNIST: Range(0.0025, 0.0025)}}


def test_rates_of_one_kind_are_a_range_and_devices_are_apart():
    one, two, three = (case(name) for name in ("T-a", "T-b", "T-c"))
    elsewhere = {"device": "cuda", "threads": 2}
    on_record = [ruled(one, seconds=3.2), ruled(two, seconds=6.4), ruled(three, seconds=1.6, environment=elsewhere)]
    assert rates([one, two, three], book(*on_record)) == {
        "cpu": {FIT: Range(0.1, 0.2)},
        "cuda": {FIT: Range(0.05, 0.05)},
    }


@pytest.mark.parametrize(
    "changed", [{"seconds": None}, {"seeds": None, "holds": None}, {"environment": None}, {"experiment": "other"}]
)
def test_a_ruling_without_seconds_or_on_another_subject_gives_no_rate(changed):
    assert rates([case()], book(ruled(case(), **changed))) == {}


def test_a_reduced_protocol_gives_no_rate():
    assert rates([case()], book(ruled(case(), "quick", "seen", seconds=4.0))) == {}


def test_nets_of_several_kinds_give_no_rate():
    mixed = replace(IMAGES.full, arms=(*IMAGES.full.arms[:1], replace(CNN, name="b"), *IMAGES.full.arms[2:]))
    one = case(of=replace(IMAGES, full=mixed))
    assert rates([one], book(ruled(one, seconds=4.0))) == {}


def test_the_first_look_costs_all_runs_of_the_compared_arms_once():
    known = {"cpu": {MNIST: Range(0.001, 0.002)}, "cuda": {FIT: Range(1.0, 1.0)}}
    missing = [case("T-a", of=IMAGES), case("T-b"), case("T-c", lower_loss("b", than="c"), IMAGES)]
    images, fit = costs(missing, known)
    assert (images.experiment, images.claims, images.seeds) == (IMAGES, ("T-a", "T-c"), 8)
    assert (images.steps, images.samples) == (8 * 3 * 400, 8 * 3 * 4 * 60_000)
    assert images.seconds == {"cpu": Range(pytest.approx(9.6), pytest.approx(19.2))}
    assert (fit.claims, fit.steps, fit.samples) == (("T-b",), 8 * 2 * 2, 8 * 2 * 2 * 300)
    assert fit.seconds == {"cuda": Range(32.0, 32.0)}


def test_an_effect_on_all_arms_costs_all_and_a_count_nothing():
    (cost,) = costs([case(effect=falls("train_loss", over="depth")), case(effect=CountIs(Model("[3]"), 10))], {})
    assert (cost.claims, cost.steps, cost.seconds) == (("T-x",), 8 * 3 * 2, {})
