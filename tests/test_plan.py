"""The plan: what tests would train, by which backend and how long it takes, from the record or as measured here."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cases import TORCH_OPTIMIZERS
from hw1bench import Claim, CosineAnnealingLR, CrossReportFigure, Images, JacobianNorm, Model, Optimizer, Table, Values
from hw1bench.effects import CountIs
from hw1bench.records.runs import Record
from hw1bench.session import probes
from hw1bench.session.outlook import Outlook
from hw1bench.session.plan import Estimator, section
from hw1bench.specs import work
from hw1bench.specs.pack import Pack
from hw1bench.specs.report import Topic
from hw1bench.training import engine
from hw1bench.training.kernels import binaries
from made_court import BASIS
from made_record import DENSE, book, case, experiment, ruled

CPU = torch.device("cpu")
HERE = {"device": "cpu", "threads": 2, "isa": "avx2", "kernels": True}
RATE = 1e-9
NUMBERS = Table([[1, 2], [3, 4], [5, 7]] * 40, [1.5, 2, 3] * 40, name="numbers", test=([[1, 2]], [1.5]))
SMALL = replace(DENSE, data=Images(name="mnist", size=7), model=Model("49-16-10"))
TABLED = replace(BASIS, data=NUMBERS, model=Model("2-4-1"), batch_size=8)
X = experiment()  # the arms a, b and c, of which LOWER compares two; looks at 8, 16 and 32


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(engine, "environment", lambda device: HERE)


def outlook(*subjects, tier="full"):
    found = Outlook(tier)
    for one in subjects:
        found.add(one, "fit")
    return found


def estimate(part, *on_record, cases=()):
    return Estimator(cases, book(*on_record), "cpu", lambda arm, name: RATE).estimate(part)


def test_a_part_has_the_arms_that_claims_compare_at_every_look_and_those_that_are_only_shown_at_the_first():
    (part,) = outlook(case().claim, X).parts.values()
    assert [len(part.arms(look)) for look in range(3)] == [3, 2, 2]
    (shown,) = outlook(CrossReportFigure(topic="t", title="", kind="loss", experiments=(X,))).parts.values()
    assert (shown.looks, len(shown.arms()), shown.claims) == ((8,), 3, [])


def test_what_trains_nothing_is_counted():
    counted = Claim("T-n", report="T", where="", says="", effect=CountIs(Model("[3]"), 10))
    told = Claim("T-v", report="T", where="", says="", effect=Values({0: 1.0}, name="v"))
    silent = replace(X, quick=None, full_tier_only="It is a race.")
    found = outlook(counted, told, case(of=silent).claim, tier="quick")
    assert (found.parts, found.exact, found.elsewhere, found.not_run, found.judged) == (
        {},
        ["T-n"],
        ["T-v"],
        ["T-x"],
        2,
    )


def test_nets_of_no_record_take_what_was_measured_and_the_looks_add_up():
    (part,) = outlook(case().claim, X).parts.values()
    once = work.of_run(BASIS) * RATE
    found = estimate(part)
    assert found.seconds == pytest.approx((8 * 3 * once, (8 * 3 + 8 * 2) * once, (8 * 3 + 24 * 2) * once))
    assert (found.by, found.unmeasured) == ("measured", False)


@pytest.mark.parametrize(
    ("changed", "by"),
    [({}, "record"), ({"isa": "avx512"}, "measured"), ({"threads": 16}, "measured"), ({"device": "H200"}, "measured")],
)
def test_the_record_of_a_machine_like_this_one_tells_the_time_and_that_of_another_does_not(changed, by):
    one = case()
    (part,) = outlook(one.claim).parts.values()
    found = estimate(part, ruled(one, seconds=3.0, seeds=8, environment={**HERE, **changed}), cases=[one])
    assert found.by == by
    if by == "record":
        assert found.seconds == pytest.approx((3, 6, 12))


def test_measuring_is_known_from_the_record_alone():
    measures = (JacobianNorm(),)
    images, other = (
        replace(one, full=replace(one.full, measures=measures), quick=None)
        for one in (experiment("images", DENSE), experiment("other", replace(DENSE, epochs=8)))
    )
    known = case(of=other)
    (part,) = outlook(case(of=images).claim).parts.values()
    assert estimate(part).unmeasured
    found = estimate(part, ruled(known, seconds=4.0, environment=HERE), cases=[known])
    assert (found.by, found.unmeasured) == ("kind on record", False)
    assert found.seconds[0] == pytest.approx(4.0 * work.of_run(DENSE) / work.of_run(replace(DENSE, epochs=8)))


def test_arms_that_train_alike_are_measured_once():
    asked = []
    estimator = Estimator([], {}, "cpu", lambda arm, name: asked.append(arm) or RATE)
    faster = replace(BASIS, optimizer=replace(BASIS.optimizer, lr=0.5), name="faster")
    for name, basis in (("x", BASIS), ("y", faster), ("z", replace(BASIS, model=Model("[9]")))):
        (part,) = outlook(experiment(name, basis)).parts.values()
        estimator.estimate(part)
    assert len(asked) == 2


@pytest.mark.parametrize("width", [None, 120, 60, 40])
def test_the_table_names_topics_and_sums_and_fits(width):
    found = outlook(case().claim, case("T-y", of=experiment("images", DENSE)).claim)
    table = section(found, Pack(topics=[Topic("fit", "Fits")]), Estimator([], {}, "cpu", lambda arm, name: RATE), "cpu")
    lines = table.text(width, colour=False).splitlines()
    assert width is None or max(map(len, lines)) <= width
    assert [line for line in lines if line in ("Fits", "Sum")] == ["Fits", "Sum"]
    (row,) = [line for line in lines if line.startswith("  T-x")]
    assert "0.0 s" in row
    if width is None:
        assert row.split()[:5] == ["T-x", "1", "2", f"{8 * 2 * BASIS.steps:,}", "fit"]
        assert [line.split()[:4] for line in lines if line.startswith("  2 ")] == [["2", "experiments", "2", "4"]]


@pytest.mark.parametrize(
    ("arm", "why"),
    [
        (BASIS, ""),
        (DENSE, ""),
        (replace(BASIS, optimizer=TORCH_OPTIMIZERS["momentum"]), "momentum"),
        (replace(DENSE, optimizer=Optimizer(name="adagrad", lr=1)), "adagrad"),
        (replace(BASIS, model=Model("1-5 nobias 5-1", "gelu")), "layers without a bias, gelu"),
        (replace(DENSE, model=Model("784-9-10", "leaky_relu", slope=0.5)), "a slope of 0.5"),
        (replace(BASIS, schedule=CosineAnnealingLR(over=2), snapshots=1), "CosineAnnealingLR, snapshots"),
        (replace(DENSE, model=Model("C(1-2,5,s2) 288-10"), coast=True), "its layers, coast"),
        (replace(DENSE, model=Model("784-4000-10")), "3,180,010 parameters"),
        (TABLED, "a test set"),
    ],
)
def test_why_torch_trains_an_arm_is_told(arm, why):
    if binaries.isa() is None:
        pytest.skip("no kernels here")
    assert engine.without_kernel(arm, CPU) == why
    assert (engine.backend(arm, CPU) in ("fit_kernel", "image_kernel")) == (not why)


def test_without_kernels_the_reason_is_that_there_are_none(monkeypatch):
    monkeypatch.setattr(binaries, "isa", lambda: None)
    monkeypatch.setattr(binaries, "reason", lambda: "no kernels: no compiler")
    assert engine.without_kernel(BASIS, CPU) == "no kernels: no compiler"
    assert engine.without_kernel(DENSE, torch.device("cuda")) == "on a GPU"


@given(
    st.sampled_from(
        (BASIS, SMALL, TABLED, replace(BASIS, batch_size=1, epochs=4_000), replace(SMALL, batch_size=None))
    ),
    st.integers(1, 400),
    st.floats(1e-12, 1e-6),
    st.floats(0, 30),
)
def test_a_probe_finds_the_rate_of_a_machine_whose_first_training_takes_longer(arm, epochs, rate, compiling):
    """The machine takes ``rate`` seconds per multiply-add, of eight runs; no data set is read."""
    arm, trained = replace(arm, epochs=epochs), []

    def train(block, device, library):
        data = library.load(block.arm.data)
        assert data.train.x.shape[1:] == block.arm.data.shape
        assert len(data.train) <= arm.data.samples
        assert (data.test is not None) == arm.data.tested
        seconds = 8 * rate * work.of_run(block.arm) * len(data.train) / arm.data.samples
        trained.append(seconds)
        return Record({}, {}, seconds + (0 if len(trained) > 1 else compiling))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "train", train)
        found = probes.seconds_per_work(arm, "cpu")
    if min(trained[-1:]) > 1e-6:
        assert found == pytest.approx(rate)
    assert trained[-1] >= probes.SECONDS or trained[-1] == pytest.approx(max(trained))


@pytest.mark.parametrize("arm", [DENSE, TABLED, replace(DENSE, validation=500, batch_size=20)])
def test_a_probe_trains_on_samples_that_are_made_up(arm):
    assert 1e-13 < probes.seconds_per_work(replace(arm, epochs=1), "cpu") < 1e-4


def test_the_command_lists_both_tiers_or_those_that_are_selected(project, command, pytester, monkeypatch):
    monkeypatch.setattr(probes, "seconds_per_work", lambda arm, name: RATE)
    project("[claim('A-fit-x', 'supported'), count('B-count-z', 10)]")
    found = command(pytester.path, "plan")
    assert found.returncode == 0
    titles = [line for line in found.stdout.splitlines() if line.startswith("The ")]
    assert titles == ["The quick tier, on the CPU", "The full tier, on the CPU"]
    assert found.stdout.count("\n  A-toy ") == 2
    assert "1 exact count takes no time." in found.stdout
    assert found.stdout.count("Steps are optimiser steps") == 1
    full = command(pytester.path, "plan", "claims", "-m", "gpu", "-k", "fit-x", "--device", "cpu").stdout
    assert full.startswith("The full tier")
    assert "exact count" not in full
    counts = command(pytester.path, "plan", "-k", "count-z").stdout
    assert "Nothing is trained." in counts
    assert "optimiser steps" not in counts
    nothing = command(pytester.path, "plan", "-k", "absent")
    assert (nothing.returncode, nothing.stderr.count("\n")) == (2, 1)
    assert not (pytester.path / "reports").exists()


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("-m", "gpu, random"),
        ("-m", "a b"),
        ("-m", "(("),
        ("-m", "not"),
        ("-k", "a b"),
        ("-k", "toy and"),
        ("-k", "x(y=1)"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--cluster"]])
def test_an_expression_that_cannot_be_read_is_one_line(project, command, pytester, option, text, more):
    project("[claim('A-fit-x', 'supported')]")
    found = command(pytester.path, "plan", option, text, *more)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
    if "=" not in text:
        assert found.stderr.startswith(f"hw1bench: {option} {text!r} is no expression (")
        assert found.stderr.endswith("): join names by and, or, not, as in 'fit and not task'\n")


def test_an_unknown_marker_and_packs_at_odds_are_one_line_too(project, command, pytester):
    project("[claim('A-fit-x', 'supported')]")
    found = command(pytester.path, "plan", "-m", "misspelt")
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert "Unknown marker(s) in '-m' expression: misspelt" in found.stderr
    (pytester.path / "claims" / "conftest.py").write_text("def pytest_hw1bench_pack(): return 1\n")
    found = command(pytester.path, "plan")
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert "pytest_hw1bench_pack returned 1: return a hw1bench.Pack" in found.stderr
