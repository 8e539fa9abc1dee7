"""Quick protocols are made of full ones by the rules, and the published experiments keep them."""

from dataclasses import replace

import pytest

from cases import ARM
from hw1bench import Evaluation, Figure, Images, Model, Optimizer, Protocol, StepLR
from hw1bench.report.figures import KINDS
from hw1bench.sources.pack import EXPERIMENTS
from hw1bench.sources.points import minimal_ratio
from hw1bench.sources.tiers import CIFAR10, interpolation, path_figures, paths, quick, sweep, sweep_figures
from hw1bench.specs.measurement import Interpolation, JacobianNorm, MinimalRatio, Paths
from hw1bench.specs.notation import scaled

TRAINED = replace(
    ARM,
    data=replace(CIFAR10, mean=(0.5,), deviation=(0.2,), augment=True),
    model=Model("C(3-16,3,pool2) 3600-20-10"),
    loss="cross_entropy",
    batch_size=64,
    epochs=100,
    schedule=StepLR(every=10, factor=0.1),
)
FULL = Protocol(arms=tuple(replace(TRAINED, name=name) for name in "abc"), looks=(8, 16, 32))
IMAGE_EXPERIMENTS = [one for one in EXPERIMENTS if isinstance(one.full.arms[0].data, Images)]
ONCE = ("size", "size-decay", "path")  # names of expensive experiments
REDUCED = [one for one in IMAGE_EXPERIMENTS if one.quick is not None]


@pytest.mark.parametrize(
    ("data", "reported", "stands_for"),
    [("mnist_5k", "mnist", ""), ("mnist_5k", "cifar10", "CIFAR-10"), ("digits", "mnist", "MNIST")],
)
def test_what_a_quick_protocol_changes(data, reported, stands_for):
    trained = replace(TRAINED, data=replace(TRAINED.data, name=reported))
    full = replace(FULL, arms=tuple(replace(trained, name=name) for name in "abc"))
    made = quick(full, epochs=20, data=data, widths_over=4, keep=("a", "c"))
    assert [arm.name for arm in made.arms] == ["a", "c"]
    assert (made.looks, made.widths_over) == ((8, 16), 4)
    arm = made.arms[0]
    assert arm.data == replace(trained.data, name=data, stands_for=stands_for)
    assert arm == replace(
        trained, name="a", data=arm.data, model=replace(trained.model, layout="C(3-4,3,pool2) 900-5-10"), epochs=20
    )


def test_a_quick_protocol_trains_on_images_of_mnist_unless_told():
    assert {arm.data.name for arm in quick(FULL, epochs=20).arms} == {"mnist_5k"}


def test_an_arm_to_keep_must_exist():
    with pytest.raises(ValueError, match="no arm 'z' to keep: there are a, b, c"):
        quick(FULL, epochs=20, keep=("a", "z"))


@pytest.mark.parametrize(("data", "most"), [("digits", 1_437), ("mnist_5k", 4_000)])
def test_a_batch_that_the_set_would_cut_short_is_refused(data, most):
    full, larger = (replace(FULL, arms=(replace(TRAINED, batch_size=most + more),)) for more in (0, 1))
    assert quick(full, epochs=20, data=data).arms[0].batch_size == most
    with pytest.raises(
        ValueError, match=f"has batches of {most + 1:,}, and .* leave {most:,} to train on: give the exp"
    ):
        quick(larger, epochs=20, data=data)
    whole = replace(FULL, arms=(replace(TRAINED, batch_size=None),))
    assert quick(whole, epochs=20, data=data).arms[0].batch_size is None


def test_a_quick_protocol_is_measured_as_the_full_one():
    pairs = interpolation([(FULL.arms[0], FULL.arms[1])], (0, 0.5, 1))
    assert quick(pairs, epochs=20).measures == pairs.measures
    with pytest.raises(ValueError, match="names an arm that does not exist: there are a"):
        quick(pairs, epochs=20, keep=("a",))


def test_a_path_is_two_independent_trainings_of_one_arm_with_snapshots():
    made = paths(TRAINED, snapshots=100, mark_every=10)
    expected = [
        replace(TRAINED, name=name, independent=True, snapshots=100, evaluation=Evaluation(train="ends", test="ends"))
        for name in "ab"
    ]
    assert (list(made.arms), made.looks) == (expected, (8,))
    read = paths(TRAINED, snapshots=100, mark_every=10, evaluation=Evaluation(test="thinned"))
    assert read.arms == (replace(expected[0], evaluation=Evaluation(test="thinned")), expected[1])
    assert made.measures == (Paths(own="a", other="b", mark_every=10),)
    whole, layer1 = path_figures(("8", "All"), ("9", "First"))
    assert whole == Figure(number="8", title="All", kind="path_whole")
    assert layer1 == Figure(number="9", title="First", kind="path_layer1")


def test_the_lines_of_an_interpolation_lie_between_independent_nets():
    one, two, three = FULL.arms
    other = replace(three, name="d")
    made = interpolation([(one, two), (three, other)], (-1, 0, 1))
    ends = Evaluation(train="ends", test="ends")
    assert made.arms == tuple(replace(arm, independent=True, evaluation=ends) for arm in (one, two, three, other))
    assert made.measures == tuple(Interpolation(first=p, second=q, alphas=(-1.0, 0.0, 1.0)) for p, q in ("ab", "cd"))
    assert all(isinstance(alpha, float) for alpha in made.measures[0].alphas)
    assert made.looks == (8, 16, 32)
    assert interpolation([(one, two)], (0, 1), looks=(8,)).looks == (8,)


def test_the_arms_of_a_sweep_share_their_seeds_and_record_the_last_batch():
    made = sweep(FULL.arms)
    ends = Evaluation(train="ends", test="ends")
    assert made.arms == tuple(replace(arm, gradient_norm="last batch", evaluation=ends) for arm in FULL.arms)
    best = sweep(replace(arm, keep="best") for arm in FULL.arms)
    assert {arm.evaluation for arm in best.arms} == {Evaluation(train="ends", test="every epoch")}
    assert not any(arm.independent for arm in made.arms)
    assert (made.measures, made.looks) == ((JacobianNorm(),), (8, 16, 32))
    assert sweep(FULL.arms, looks=(8,)).looks == (8,)


def test_a_sweep_has_a_chart_for_each_measure_of_sensitivity():
    charts = {figure.kind: figure for figure in sweep_figures({"loss": "17", "accuracy": "18"}, "lr", "Rate: ")}
    assert list(charts) == [
        f"{what}_and_{measure}_by_lr" for what in ("loss", "accuracy") for measure in ("jacobian", "reported")
    ]
    assert charts["accuracy_and_reported_by_lr"].number == "18"
    assert charts["accuracy_and_reported_by_lr"].title == "Rate: accuracy and sensitivity as B measured it"
    assert "batch" in sweep_figures({"loss": "17"}, "batch", "")[0].kind


def test_a_seed_of_the_minimal_ratio_is_thirteen_independent_points():
    made = minimal_ratio(
        "A",
        Model("[40,20]", activation="tanh"),
        Optimizer(name="adam", lr=1e-3),
        number="11",
        title="Ratio",
        assumptions=("mine",),
        widths_over=4,
    )
    for protocol, layout, over in ((made.full, "[40,20]", 1), (made.quick, "[10,5]", 4)):
        assert len({arm.name for arm in protocol.arms}) == 13
        assert {replace(arm, name="") for arm in protocol.arms} == {replace(protocol.arms[0], name="")}
        first = protocol.arms[0]
        assert (first.independent, first.gradient_norm, first.epochs, first.batch_size) == (True, "epoch", 2_000, None)
        assert first.model == Model(layout, activation="tanh")
        assert (protocol.looks, protocol.widths_over, protocol.measures) == ((8,), over, (MinimalRatio(),))
    assert made.assumptions[0] == "mine"
    assert made.figures == (Figure(number="11", title="Ratio", kind="ratio_by_loss"),)


def test_another_net_may_stand_for_the_quick_points():
    given = {"number": "", "title": "", "assumptions": ()}
    made = minimal_ratio("A", Model("[500]"), Optimizer(name="adam", lr=1e-4), quick_model=Model("[32]"), **given)
    assert {arm.model for arm in made.quick.arms} == {Model("[32]")}
    assert {arm.model for arm in made.full.arms} == {Model("[500]")}


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.id)
def test_every_figure_of_an_experiment_can_be_drawn_of_arms_that_it_has(experiment):
    assert len({figure.id for figure in experiment.figures}) == len(experiment.figures)
    for figure in experiment.figures:
        assert figure.kind in KINDS
        for protocol in filter(None, (experiment.full, experiment.quick)):
            assert set(figure.arms) <= {arm.name for arm in protocol.arms}


DRAWN_FROM = {
    "path_": Paths,
    "ratio_by": MinimalRatio,
    "interpolation": Interpolation,
    "loss_and": JacobianNorm,
    "accuracy_and": JacobianNorm,
}


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.id)
def test_what_a_figure_draws_is_measured(experiment):
    measured = {type(measurement) for measurement in experiment.full.measures}
    for figure in experiment.figures:
        for prefix, measurement in DRAWN_FROM.items():
            assert not figure.kind.startswith(prefix) or measurement in measured


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.id)
def test_ends_of_lines_paths_and_points_are_independent_and_nothing_else_is(experiment):
    apart = any(isinstance(one, Paths | Interpolation | MinimalRatio) for one in experiment.full.measures)
    for protocol in filter(None, (experiment.full, experiment.quick)):
        assert {arm.independent for arm in protocol.arms} == {apart}


def test_functions_have_no_stand_in():
    with pytest.raises(ValueError, match="does not train on images"):
        quick(Protocol(arms=(ARM,), looks=(8,)), epochs=1)


@pytest.mark.parametrize("experiment", REDUCED, ids=lambda one: one.id)
def test_the_published_experiments_keep_the_rules(experiment):
    full, fast = experiment.full, experiment.quick
    names = [arm.name for arm in full.arms]
    assert [arm.name for arm in fast.arms] == [name for name in names if name in {arm.name for arm in fast.arms}]
    assert fast.looks == ((8,) if experiment.name in ONCE or experiment.id == "C-interp" else (8, 16))
    assert len({arm.epochs for arm in fast.arms}) == 1
    for arm in fast.arms:
        whole = full.arms[names.index(arm.name)]
        if whole.data.name == "mnist":
            assert arm.data == replace(whole.data, name="mnist_5k")
        else:
            assert (arm.data.name in ("digits", "mnist_5k"), arm.data.stands_for) == (True, "CIFAR-10")
            assert arm.data == replace(whole.data, name=arm.data.name, stands_for="CIFAR-10")
        layout = scaled(whole.model.layout, 1 / fast.widths_over)
        assert arm == replace(
            whole, data=arm.data, model=replace(whole.model, layout=layout), epochs=arm.epochs
        )  # the optimiser, the loss, the batch size, the schedule and what is recorded
        assert arm.steps <= whole.steps


@pytest.mark.parametrize("experiment", IMAGE_EXPERIMENTS, ids=lambda one: one.id)
def test_an_experiment_on_images_has_a_quick_protocol_or_says_why_it_has_none(experiment):
    assert (experiment.quick is None) == bool(experiment.full_tier_only)
    cifar = experiment.full.arms[0].data.name == "cifar10"
    expensive = experiment.name in ONCE or cifar
    assert experiment.full.looks == ((8,) if expensive else (8, 16, 32))


@pytest.mark.parametrize("experiment", IMAGE_EXPERIMENTS, ids=lambda one: one.id)
@pytest.mark.parametrize("tier", ["quick", "full"])
def test_every_net_takes_its_images(experiment, tier):
    import torch

    from hw1bench.models import inputs

    protocol = experiment.quick if tier == "quick" else experiment.full
    for arm in protocol.arms if protocol else ():
        size, channels = arm.data.size, arm.data.channels
        inputs(arm.model, torch.zeros(2, channels, size, size))
