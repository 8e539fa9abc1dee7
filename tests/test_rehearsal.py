"""The dry run: it finds no fault in the project's claims, and every fault in faulty ones."""

import statistics
import subprocess
import sys
from dataclasses import replace
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from cases import IMAGE_MODELS
from hw1bench import (
    Claim,
    Function,
    Interpolation,
    MinimalRatio,
    Model,
    Paths,
    Reading,
)
from hw1bench import effects as fx
from hw1bench.court import rehearsal
from hw1bench.court.made_up import MadeUp
from hw1bench.court.rehearsal import faults
from hw1bench.effects import CountIs, Effect
from made_claims import FIT, FITS, LINE, NET, PAIR, by_hand, claim, experiment


@pytest.fixture(scope="module")
def subjects():
    found = []
    for path in sorted((Path(__file__).parent.parent / "claims").glob("test_*.py")):
        spec = util.spec_from_file_location(f"rehearsed_{path.stem}", path)
        module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += [*module.CLAIMS, *getattr(module, "EXHIBITS", []), *getattr(module, "ACROSS", [])]
    return found


@pytest.mark.parametrize("tier", ["quick", "full"])
def test_all_claims_of_the_project_are_rehearsed_without_fault(subjects, tier):
    assert len(subjects) == 219
    assert faults(subjects, tier) == {}


def test_the_rehearsal_does_not_import_torch():
    script = "import sys, hw1bench.court.rehearsal; print(sorted({'torch', 'scipy', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_runs_are_made_up_once_for_all_claims_on_an_experiment(monkeypatch):
    made = []
    monkeypatch.setattr(rehearsal, "MadeUp", lambda *given: made.append(given) or MadeUp(*given))
    assert faults([claim(fx.loss_below(1.0, "a"), FITS, name) for name in ("T-fit-x", "T-fit-y")], "quick") == {}
    assert made == [(FITS, "quick")]


NETS = experiment(
    *(replace(NET, name=name, batch_size=size, snapshots=None) for name, size in zip("abc", (8, 16, 32), strict=True))
)
FAULTS = {
    "a history misspelt": (
        by_hand(lambda runs: runs["a"].history("trian_loss")[-1]),
        FITS,
        "no history 'trian_loss': it has train_loss",
    ),
    "an array misspelt": (
        by_hand(lambda runs: runs["a"].arrays["trian_loss"][-1]),
        FITS,
        "no 'trian_loss'; there are, by arm, a: train_loss",
    ),
    "an arm misspelt": (
        by_hand(lambda runs: runs["d"].history("train_loss")[-1]),
        FITS,
        "there is no 'd'; there are, by arm, a: ",
    ),
    "an arm it does not name": (
        by_hand(lambda runs: runs["b"].history("train_loss")[-1], arms=("a",)),
        FITS,
        "there is no 'b'",
    ),
    "no test set": (fx.overfits("a"), FITS, "no history 'test_loss': it has train_loss"),
    "no accuracy": (fx.accuracy_above(0.5, "a"), FITS, "no history 'train_accuracy'"),
    "a variance of classes": (fx.faster("a", than="b"), NETS, "its target has no variance"),
    "no batch size": (fx.falls("train_loss", over="batch_size"), FITS, "has no 'batch_size' to order by"),
    "two arms are no order": (fx.falls("train_loss", over="lr"), experiment(*PAIR), "needs three or more"),
    "no gradient norm": (fx.norm_settles("a"), FITS, "recorded no 'gradient_norm'"),
    "no steps": (fx.high_early("a"), experiment(replace(FIT, gradient_norm="epoch")), "recorded no 'step_loss'"),
    "no coasting": (fx.stands_still("a", within=1e-9), FITS, "recorded no 'coasted'"),
    "no sensitivity": (
        fx.falls("jacobian", over="batch_size"),
        NETS,
        "arm 'a' has no result of JacobianNorm: add such a measurement to the protocol's measures",
    ),
    "no last batch": (fx.falls("reported", over="batch_size"), NETS, "let the arm record the gradient_norm"),
    "no line": (
        fx.barrier_above(0.1, "a", "b"),
        experiment(*PAIR),
        "arms 'a' and 'b' have no result of Interpolation: add such",
    ),
    "a line from the other end": (
        fx.barrier_above(0.1, "b", "a"),
        experiment(*PAIR, measures=(LINE,)),
        "arms 'b' and 'a' have no result of Interpolation",
    ),
    "a line to another end": (
        fx.barrier_above(0.1, "a", "c"),
        experiment(*PAIR, replace(PAIR[1], name="c"), measures=(LINE,)),
        "arms 'a' and 'c' have no result of Interpolation",
    ),
    "two lines of one pair": (
        fx.barrier_above(0.1, "a", "b"),
        experiment(*PAIR, measures=(LINE, replace(LINE, alphas=(0, 1)))),
        "arms 'a' and 'b' have 2 results of Interpolation: ask for one by its measurement, not by its class",
    ),
    "a result of an arm that it does not name": (
        by_hand(lambda runs: runs["a"].result(Interpolation, "a", "b")["alphas"][0], arms=("a",)),
        experiment(*PAIR, measures=(LINE,)),
        "arms 'a' and 'b' have no result of Interpolation",
    ),
    "an array of a result misspelt": (
        by_hand(lambda runs: runs["a"].result(Interpolation, "a", "b")["mixed"][0]),
        experiment(*PAIR, measures=(LINE,)),
        "there is no 'mixed'; there are, by arm, a: .*; Interpolation of a and b: alphas, mixed_train_loss",
    ),
    "no alpha in the span": (
        fx.best_within(0.6, 0.9, "a", "b"),
        experiment(*PAIR, measures=(LINE,)),
        "zero-size array",
    ),
    "no path": (fx.separates("a", "b"), experiment(*PAIR), "arms 'a' and 'b' have no result of Paths"),
    "no points": (fx.mostly_positive(), FITS, "arm 'a' has no result of MinimalRatio: add such"),
    "too few epochs": (fx.falls_over_epochs("train_loss", arm="a", blocks=5), FITS, "train for 5 epochs or more"),
    "no epoch after": (fx.plateaus("train_accuracy", arm="a", after=0.9, within=0.1), NETS, "train longer"),
    "an epoch after the last": (by_hand(lambda runs: runs["a"].history("train_loss")[9]), FITS, "IndexError: index 9"),
    "a fact misspelt": (by_hand(lambda runs: runs["a"].facts["classes"]), FITS, "there is no 'classes'"),
    "an attribute misspelt": (by_hand(lambda runs: runs["a"].arm.epoch), FITS, "AttributeError: 'Arm' object has no"),
    "another number of arguments": (by_hand(lambda: 1.0), FITS, "TypeError: "),
    "text": (by_hand(lambda runs: "0.5"), FITS, "it gives '0.5': return a number"),
    "nothing": (by_hand(lambda runs: None), FITS, "it gives None: return a number"),
    "a truth": (by_hand(lambda runs: np.True_), FITS, "it gives np.True_: return a number"),
    "two numbers": (by_hand(lambda runs: np.ones(2)), FITS, r"it gives array\(.*\): return a number"),
    "a complex number": (by_hand(lambda runs: 1j), FITS, "it gives 1j: return a number"),
    "its opposite alone": (
        by_hand(lambda runs: 1.0, lambda runs: runs["d"]),
        FITS,
        "opposite cannot be computed .*: there is no 'd'",
    ),
    "runs are read-only": (by_hand(lambda runs: runs["a"].arrays["train_loss"].sort()), FITS, "read-only"),
}


@pytest.mark.parametrize(("effect", "of", "said"), FAULTS.values(), ids=FAULTS)
def test_an_effect_that_cannot_be_computed_is_a_fault(effect, of, said):
    found = faults([claim(effect, of)], "quick")
    assert list(found) == ["T-x"]
    with pytest.raises(ValueError, match=f"claim T-x: its .*{said}"):
        raise ValueError(*found["T-x"])
    assert "".join(found["T-x"]).isprintable()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (lambda value, arms: arms["b"].name, "the value 1.0: KeyError: 'b'"),
        (lambda value, arms: f"{1 / value}", "the value 0.0: ZeroDivisionError"),
        (lambda value, arms: " ", "tells nothing of the value 1.0: give a clause"),
    ],
)
def test_an_effect_that_cannot_tell_its_values_is_a_fault(told, said):
    effect = fx.Effect("mine", "", lambda runs: 1.0, ("a",), told=fx.Told(told))
    ((found,),) = faults([claim(effect, FITS)], "quick").values()
    assert said in found
    assert found.isprintable()


def never(runs):
    """The epoch at which the loss is first below half its initial value; raises IndexError if it never is."""
    losses = runs["a"].history("train_loss")
    return float(np.flatnonzero(losses < losses[0] / 2)[0])


def rises(runs):
    losses = runs["a"].history("train_loss")
    return float(np.flatnonzero(losses >= losses[0])[1])


def divided(runs):
    return 1 // 0


FINE = {
    "a constant": lambda runs: 1.0,
    "NaN": lambda runs: float("nan"),
    "infinity": lambda runs: -np.inf,
    "a whole number": lambda runs: runs["a"].seed,
    "a number of numpy": lambda runs: np.float32(1),
    "a warning of numpy": lambda runs: np.log(runs["a"].history("train_loss") * 0)[-1],
    "undefined where nothing is learnt": never,
    "undefined where something is": rises,
    "arithmetic that the numbers decide": divided,
    "other facts": lambda runs: (
        runs["a"].facts["target_variance"] + runs["a"].facts["x"][0] + runs["a"].facts["truth"][-1]
    ),
    "the last outputs": lambda runs: runs["a"].arrays["prediction"].sum(),
}


@pytest.mark.parametrize("compute", FINE.values(), ids=FINE)
def test_an_effect_whose_result_depends_on_the_numbers_is_not_a_fault(compute):
    assert faults([claim(by_hand(compute), FITS)], "quick") == {}


def test_two_different_experiments_with_one_id_are_a_fault_of_the_later():
    one, other = experiment(FIT), experiment(replace(FIT, epochs=4))
    first, second = (claim(fx.loss_below(1, "a"), of, name) for of, name in ((one, "T-1"), (other, "T-2")))
    assert faults([first, second], "quick") == {
        "T-2": ("two different experiments have the id T-x: give one a different name",)
    }
    assert faults([first, claim(fx.loss_below(1, "a"), experiment(FIT), "T-2"), one], "quick") == {}
    loud = replace(one, name="X")
    assert faults([first, loud], "quick") == {
        "T-X": ("two different experiments have the id T-X, and another T-x: give one a different name",)
    }
    dashed = replace(other, report="T-x", name="y"), replace(one, name="x-y")
    assert list(faults(dashed, "quick")) == ["T-x-y"]


def test_a_claim_that_the_tier_does_not_try_has_no_fault():
    counted = Claim("T-n", report="T", where="1", says="7.", effect=CountIs(Model("[2]"), 7))
    full = claim(fx.overfits("a"), experiment(FIT, quick=False))
    assert faults([counted, full], "quick") == {}
    assert list(faults([counted, full], "full")) == ["T-x"]


def test_the_longest_budgets_are_rehearsed_quickly():
    long = replace(
        FIT, data=Function(name="sinc", points=2**31 - 1), epochs=2**31 - 1, batch_size=1, gradient_norm="step"
    )
    assert faults([claim(fx.high_early("a"), experiment(long))], "quick") == {}


def test_all_nets_of_the_tests_fit_their_data():
    for name, (model, loss, images) in IMAGE_MODELS.items():
        assert replace(NET, model=model, loss=loss, data=images).loss == loss, name


SOUND = {
    "another's check": lambda runs: statistics.correlation(runs["a"].arrays["prediction"], runs["a"].facts["truth"]),
    "a fit that fails": lambda runs: np.linalg.inv(np.zeros((2, 2)))[0, 0],
    "a check of its own": lambda runs: (_ for _ in ()).throw(AssertionError("not these numbers")),
    "a skip": lambda runs: pytest.skip("not on this machine"),
    "an exit": lambda runs: sys.exit(3),
    "varied numbers": lambda runs: np.flatnonzero(np.diff(np.sign(runs["a"].arrays["prediction"])))[0],
}


@pytest.mark.parametrize("compute", SOUND.values(), ids=SOUND)
def test_an_error_that_may_lie_in_the_made_up_numbers_is_not_a_fault(compute):
    claim = Claim("T-x", report="T", where="", says="", experiment=FITS, effect=Effect("own", "parts", compute, ("a",)))
    assert faults([claim], "quick") == {}


def test_an_effect_cannot_mistake_made_up_runs_for_a_real_seed():
    seen = []
    own = Effect("own", "parts", lambda runs: seen.append(runs["a"].seed) or 1.0, ("a",))
    faults([Claim("T-x", report="T", where="", says="", experiment=FITS, effect=own)], "quick")
    assert set(seen) == {-1}


def test_all_faults_of_a_claim_are_told_and_what_follows_from_one_is_not():
    """Two figures, two measurements and two readings are wrong, and so is the effect, from which its opposite follows."""
    misread, sound = (
        by_hand(lambda runs, name=name: runs["a"].history(name)[-1]) for name in ("trian_loss", "train_loss")
    )
    drawn = experiment(FIT, kinds=["loss", "losses", "accuracies"])
    measured = experiment(*PAIR, measures=(MinimalRatio(), Paths(own="a", other="b", mark_every=1)), name="y")
    readings = [
        Reading("level", name, by_hand(lambda runs, name=name: runs["a"].arrays[name][-1], arms=None))
        for name in ("test_loss", "test_accuracy")
    ]
    one = claim(by_hand(misread.compute, misread.compute), drawn)
    two = replace(claim(sound, drawn, "T-y"), readings=readings)
    found = faults([one, two, claim(sound, measured, "T-z")], "quick")
    starts = {
        "T-x": ("experiment T-x: figure losses ", "experiment T-x: figure accuracies ", "claim T-x: its effect "),
        "T-y": (
            *("experiment T-x: figure losses ", "experiment T-x: figure accuracies "),
            *(f"claim T-y: its reading '{name}' of level " for name in ("test_loss", "test_accuracy")),
        ),
        "T-z": (
            "experiment T-y: MinimalRatio of arm 'a' ",
            "experiment T-y: MinimalRatio of arm 'b' ",
            "experiment T-y: Paths of arm 'a' ",
        ),
    }
    for name, expected in starts.items():
        assert len(found[name]) == len(expected), found[name]
        for line, start in zip(found[name], expected, strict=True):
            assert line.startswith(start)


def test_looks_that_cannot_be_planned_are_a_fault():
    many = replace(FITS, full=replace(FITS.full, looks=(8, 16_000)), quick=None)
    assert faults([many], "full") == {"T-x": ("experiment T-x: looks must be at 10,000 seeds or fewer, not at 16,000",)}
