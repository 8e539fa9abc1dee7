"""Reading of runs that are not evaluated at every epoch: the epochs that are there are read, and any other is refused."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest

from cases import ARM, DIGITS
from hw1bench import Claim, CrossReportFigure, Evaluation, Experiment, Figure, Model, Protocol
from hw1bench import effects as fx
from hw1bench.court.readings import tried
from hw1bench.court.rehearsal import faults
from hw1bench.effects import Effect
from hw1bench.measures import learning
from hw1bench.records.runs import Block, Record, Run
from hw1bench.session.drawing import Drawing
from sample_series import arm as sample
from sample_series import drawn

ENDS, THINNED = Evaluation(train="ends", test="ends"), Evaluation(train="thinned", test="thinned")
NET = replace(ARM, name="a", data=DIGITS, model=Model("64-10"), loss="cross_entropy", batch_size=64, epochs=50)
LOSS = np.linspace(2, 1, 51)
ACCURACY = np.linspace(0.1, 0.9, 51)


def run(evaluation=ENDS, best=None, **arrays):
    """A run of ``NET``; with ``best``, it keeps the weights of that epoch."""
    of = replace(NET, evaluation=evaluation, keep="last" if best is None else "best")
    test = ACCURACY if best is None else np.where(np.arange(51) == best, 0.95, ACCURACY)
    every = {"train_loss": LOSS, "train_accuracy": ACCURACY, "test_loss": LOSS + 1, "test_accuracy": test, **arrays}
    whole = Run(of, 0, every, {"classes": 10, "steps_per_epoch": 23})
    there = {name: np.where(whole.evaluated(name), values, np.nan) for name, values in every.items()}
    return replace(whole, arrays=there)


def test_an_epoch_without_a_value_is_refused_with_the_way_out_and_any_other_is_read():
    one = run()
    assert (one.history("train_loss", 0), one.history("test_accuracy", -1)) == (2, 0.9)
    assert one.history("train_loss", slice(None, None, 50)).tolist() == [2, 1]
    refusals = {"train_loss": slice(None), "test_accuracy": 7, "train_accuracy": slice(1, 4)}
    for (name, epochs), epoch in zip(refusals.items(), (1, 7, 1), strict=True):
        split = name.partition("_")[0]
        with pytest.raises(ValueError, match=r"arm 'a' has no ") as refused:
            one.history(name, epochs)
        assert str(refused.value) == (
            f"arm 'a' has no {name} at epoch {epoch}, because it evaluates {split} 'ends': read other epochs, or give it "
            f"evaluation=Evaluation({split}='every epoch')"
        )
    assert run(THINNED).history("train_loss", slice(1, 11)).tolist() == LOSS[1:11].tolist()
    assert run(Evaluation(train="ends")).history("test_loss").tolist() == (LOSS + 1).tolist()
    with pytest.raises(IndexError, match="51 is out of bounds"):
        one.history("train_loss", 51)


def test_only_evaluated_losses_say_that_a_run_diverged():
    assert not run().diverged
    assert run(train_loss=np.where(np.arange(51) == 50, np.nan, LOSS)).diverged
    assert not run(train_loss=np.where(np.arange(51) == 30, np.nan, LOSS)).diverged
    assert run(train_loss=np.full(51, np.nan)).history("train_loss", -1) == math.inf


MEASURES = {
    "start": (learning.start, 2),
    "final": (learning.final, 1),
    "final gap": (lambda one: learning.final(one, "loss_gap"), 1),
    "log loss": (learning.log_loss, 0),
    "early": (lambda one: len(learning.early(one, "train_loss", 0.2)), 10),
    "mean of the first tenth": (lambda one: learning.mean_log_loss(one, 0.1), np.log(LOSS[1:6]).mean()),
    "share of fall": (lambda one: learning.share_of_fall(one, 0.2), 0.2),
    "loss stabilises": (lambda one: fx.loss_stabilises("a", last=0.48, within=0.5)({"a": one}), 0.02),
}


@pytest.mark.parametrize(("measure", "value"), MEASURES.values(), ids=MEASURES)
def test_a_measure_reads_its_own_epochs_alone(measure, value):
    assert measure(run(THINNED)) == pytest.approx(value)


UNREAD = {
    "epochs to a loss": lambda one: learning.epochs_to(one, 1.5),
    "within too many": lambda one: learning.epochs_to(one, 1.5, within=11),
    "early": lambda one: learning.early(one, "train_accuracy", 0.3),
    "share of fall": lambda one: learning.share_of_fall(one, 0.5),
    "stop": learning.stop,
    "plateau": lambda one: learning.gain_after(one, "test_loss", 0.2),
    "over epochs": lambda one: fx.falls_over_epochs("train_loss", arm="a")({"a": one}),
    "best of all": lambda one: fx.accuracy_reaches(0.5, arm="a")({"a": one}),
    "loss stabilises": lambda one: fx.loss_stabilises("a", last=0.5, within=0.5)({"a": one}),
}


@pytest.mark.parametrize("measure", UNREAD.values(), ids=UNREAD)
def test_a_measure_refuses_an_epoch_without_a_value(measure):
    with pytest.raises(ValueError, match=r"arm 'a' has no t.* because it evaluates t.* 'thinned'"):
        measure(run(THINNED))
    measure(run(Evaluation()))


def test_a_run_that_keeps_its_best_weights_has_their_values():
    one = run(Evaluation(train="ends"), best=33)
    assert one.kept_epoch == 33
    assert np.flatnonzero(one.evaluated("train_loss")).tolist() == [0, 33, 50]
    assert learning.final(one) == LOSS[33]
    assert learning.final(one, "test_accuracy") == 0.95


def test_a_run_cut_short_has_no_epoch_that_the_whole_one_lacks():
    half = run(THINNED).until(0.5)
    assert np.flatnonzero(half.evaluated("test_loss")).tolist() == [*range(11), 18]
    again = pickle.loads(pickle.dumps(half)).until(0.5)  # of 25 epochs
    assert np.flatnonzero(again.evaluated("test_loss")).tolist() == [*range(11)]
    with pytest.raises(ValueError, match="arm 'a' has no train_loss at epoch 25"):
        learning.final(half)
    early, late = (run(Evaluation(train="ends"), best=best).until(0.5) for best in (20, 33))
    assert learning.final(early) == LOSS[20]
    with pytest.raises(ValueError, match="arm 'a' has no train_loss at epoch 25"):
        learning.final(late)


# At collection.


def experiment(evaluation, quick=None, kinds=(), **changed):
    arms = [replace(NET, name=name, batch_size=size, **changed) for name, size in (("a", 64), ("b", 32), ("c", 16))]
    full, fast = (
        Protocol(arms=[replace(arm, evaluation=evaluation, **more) for arm in arms], looks=(8,))
        for more in ({}, quick or {})
    )
    figures = [Figure(number="1", title="", kind=kind) for kind in kinds]
    return Experiment(report="T", name="x", full=full, quick=fast, figures=figures)


def claim(effect, of, **more):
    return Claim("T-x", report="T", where="1", says="It is.", experiment=of, effect=effect, **more)


def by_hand(compute, **more):
    return Effect("by hand", "share", compute, **more)


def first_below(runs):
    """The first epoch with a loss below 0.1: in a history with gaps it may be a later one, and is still a number."""
    return float(np.argmax(runs["a"].arrays["train_loss"] < 0.1))


REFUSED = {
    "an epoch": (fx.plateaus("test_loss", arm="b", after=0.4, within=0.1), {}, "arm 'b' has no test_loss at epoch 20"),
    "an order over epochs": (fx.falls_over_epochs("train_loss", arm="a"), {}, "arm 'a' has no train_loss at epoch 11"),
    "NaN, by hand": (
        by_hand(lambda runs: runs["a"].arrays["train_loss"].mean()),
        {},
        "it reads an epoch that arm 'a' or",
    ),
    "a comparison with NaN, by hand": (by_hand(first_below), {}, "it reads an epoch that arm 'a' or"),
    "a reading of the author's": (
        fx.ahead("train_loss", "a", of="b", first_share=0.2),
        {"readings": tried(fx.ahead("train_loss", "a", of="b", first_share=0.2), "first_share", 0.3)},
        "reading '0.3' of first share 0.2 cannot be computed .* arm 'a' has no train_loss at epoch 11",
    ),
    "a reading of the rule": (
        fx.ahead("train_loss", "a", of="b", first_share=0.2),
        {},
        "reading '0.4' of first share 0.2 cannot be computed .* arm 'a' has no train_loss at epoch 11",
    ),
    "the opposite": (
        by_hand(lambda runs: 1.0, opposite=lambda runs: runs["c"].history("test_loss").max()),
        {},
        "opposite cannot be computed .* arm 'c' has no test_loss",
    ),
}


@pytest.mark.parametrize(("effect", "more", "said"), REFUSED.values(), ids=REFUSED)
def test_a_claim_that_reads_what_is_not_evaluated_is_refused_at_collection(effect, more, said):
    found = faults([claim(effect, experiment(THINNED), **more)], "full")
    with pytest.raises(ValueError, match=f"^claim T-x: its .*{said}"):
        raise ValueError(*found["T-x"])
    assert "".join(found["T-x"]).isprintable()
    assert faults([claim(effect, experiment(Evaluation()), **more)], "full") == {}


SOUND = {
    "final values": fx.falls("train_loss", over="batch_size"),
    "the first tenth": fx.ahead("train_loss", "a", of="b", first_share=0.1),
    "by hand": by_hand(lambda runs: runs["a"].history("test_loss", -1) - runs["a"].arrays["test_loss"][10]),
    "undefined anyway": by_hand(lambda runs: float("nan")),
    "another number each time": by_hand(lambda runs: np.random.default_rng().random()),
    "an error of its own": by_hand(lambda runs: 1 // 0),
}


@pytest.mark.parametrize("effect", SOUND.values(), ids=SOUND)
def test_a_claim_that_reads_what_is_evaluated_is_not_a_fault(effect):
    for evaluation in (THINNED, Evaluation()):
        assert faults([claim(effect, experiment(evaluation))], "full") == {}


def test_the_best_epoch_can_be_read_at_collection():
    best = experiment(Evaluation(train="ends"), keep="best")
    assert faults([claim(fx.rises("train_loss", over="batch_size"), best)], "full") == {}


def test_a_clock_on_a_smaller_budget_needs_epochs_at_shares_of_it():
    effect = by_hand(lambda runs: runs["a"].history("train_loss", -1) - 1, clock="its end")
    of = experiment(ENDS, quick={"epochs": 24})
    assert faults([claim(effect, of)], "quick") == {
        "T-x": tuple(
            f"claim T-x: its effect at {share} of the budget cannot be computed from what is evaluated: arm 'a' has no "
            f"train_loss at epoch {epoch}, because it evaluates train 'ends': read other epochs, or give it "
            "evaluation=Evaluation(train='every epoch')"
            for share, epoch in (("50%", 12), ("75%", 18))
        )
    }
    assert faults([claim(effect, of)], "full") == {}
    assert faults([claim(effect, experiment(ENDS, quick={"epochs": 25}))], "quick") == {}  # half of the report's steps
    assert faults([claim(effect, experiment(Evaluation(), quick={"epochs": 24}))], "quick") == {}


FIGURES = {
    "losses": (
        ENDS,
        "losses reads train_loss at epochs .* 'a' does not evaluate: give it evaluation=Evaluation(train='thinned')",
    ),
    "accuracies": (Evaluation(test="ends"), "accuracies reads test_loss|test_accuracy at epochs"),
    "memorising": (
        THINNED,
        "reads train_accuracy at epochs .*: give it evaluation=Evaluation(train='every epoch'), or give",
    ),
    "stopping": (THINNED, "reads train_loss at epochs .*: give it evaluation=Evaluation(train='every epoch'), or give"),
}


@pytest.mark.parametrize(("kind", "of", "said"), [(kind, *case) for kind, case in FIGURES.items()], ids=FIGURES)
def test_a_figure_of_epochs_that_are_not_evaluated_is_refused_at_collection(kind, of, said):
    shown = experiment(of, kinds=[kind])
    with pytest.raises(ValueError, match=said.replace("(", r"\(").replace(")", r"\)")):
        raise ValueError(*faults([shown], "full")["T-x"])
    across = CrossReportFigure(topic="t", title="", kind=kind, experiments=(shown,))
    assert list(faults([across], "full")) == [across.id]
    assert faults([experiment(Evaluation(), kinds=[kind])], "full") == {}
    assert faults([experiment(of, kinds=[kind], epochs=1)], "full") == {}  # each epoch is an end


def test_figures_of_ends_and_curves_of_thinned_epochs_are_drawn():
    assert faults([experiment(ENDS, kinds=["loss_by_size", "accuracy_by_size"])], "full") == {}
    assert faults([experiment(THINNED, kinds=["losses", "accuracies", "loss"])], "full") == {}


# Figures.


def test_a_series_holds_the_histories_at_their_evaluated_epochs(tmp_path):
    of = experiment(Evaluation(train="thinned", test="ends"))
    arm = of.full.arms[0]
    one = run(arm.evaluation)
    record = Record(
        {name: np.stack([values] * 8) for name, values in one.arrays.items()},
        {"steps_per_epoch": 23, "dataset": "digits"},
        0.0,
    )
    (series,) = Drawing("full", {Block("T", "x", arm, 0): record}, {}, tmp_path, print).series(of, "loss_by_size")
    epochs = [*range(11), 18, 26, 34, 42, 50]
    assert series.arrays["train_epochs"].tolist() == epochs
    assert series.arrays["test_epochs"].tolist() == [0, 50]
    np.testing.assert_array_equal(series.arrays["train_loss"], np.stack([LOSS[epochs]] * 8))
    np.testing.assert_array_equal(series.arrays["test_accuracy"], np.stack([ACCURACY[[0, 50]]] * 8))


def thinned(**changed):
    whole, epochs = sample(runs=3), np.array([0, 1, 2, 7, 40])
    histories = {
        name: values[:, epochs] for name, values in whole.arrays.items() if name.startswith(("train_", "test_"))
    }
    return epochs, sample(runs=3, **histories, train_epochs=epochs, test_epochs=epochs, **changed)


@pytest.mark.parametrize("kind", ["loss", "losses", "accuracies"])
def test_a_curve_goes_through_the_evaluated_epochs_and_shows_which_they_are(kind):
    epochs, series = thinned()
    medians, seeds = lines(*drawn(kind, series))
    for line in medians:
        np.testing.assert_array_equal(line.get_xdata(), epochs)
        assert line.get_marker() == "o"
    for line in seeds:
        np.testing.assert_array_equal(line.get_xdata(), [*epochs, np.nan] * 3)  # seed after seed
    medians, _ = lines(*drawn(kind, sample(runs=3)))
    assert {line.get_marker() for line in medians} == {""}


def lines(axes, _):
    """The lines of a chart through medians, and those through seeds, which are thin."""
    found = [line for line in axes.lines if len(line.get_xdata())]
    return [line for line in found if line.get_linewidth() > 1], [line for line in found if line.get_linewidth() <= 1]


@pytest.mark.parametrize(("points", "axis"), [(41, "epoch"), (120, "step")])
def test_the_gradient_norm_of_every_epoch_is_drawn_beside_a_thinned_loss(points, axis):
    _, series = thinned(gradient_norm=np.ones((3, points)))
    axes, figure = drawn("gradient_norm", series)
    assert axes.get_xlabel() == axis
    ((median,), _) = lines(axes, figure)
    np.testing.assert_array_equal(median.get_xdata()[[0, -1]], [0, points - 1])
