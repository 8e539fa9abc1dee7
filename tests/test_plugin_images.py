"""Sessions on images: missing sets, copies that differ from the published set, stand-ins, and figures across reports."""

import json

import numpy as np
import pytest
from PIL import Image

IMAGES = """
from dataclasses import replace
from hw1bench import CrossReportFigure, Images, Protocol, StepLR
from hw1bench.effects import accuracy_above
from hw1bench.sources.tiers import MNIST, quick


def labelled(report, **changes):
    arm = Arm(
        name="net",
        data=replace(MNIST, **changes),
        model=Model("784-10"),
        loss="cross_entropy",
        optimizer=Optimizer(name="adam", lr=1e-3),
        epochs=2,
        batch_size=500,
    )
    full = Protocol(arms=(arm,), looks=(8,))
    figures = (Figure(number="1", title="Loss", kind="losses"), Figure(number="2", title="Accuracy", kind="accuracies"))
    return Experiment(report=report, name="images", full=full, quick=quick(full, epochs=2, data="digits"), figures=figures)


A, B = labelled("A", random_labels=True), labelled("B", random_labels=True, mean=(0.5,))
CLAIMS = [
    Claim(
        "A-random-x",
        report="A",
        where="",
        says="Learnt.",
        experiment=A,
        effect=accuracy_above(0.0, "net"),
        figure="losses",
        own_level="nothing is below 0 on any set",
        about_not_training=True,  # two epochs on random labels teach nothing
    )
]
ACROSS = [CrossReportFigure(topic="random", title="Both", kind="memorising", experiments=(A, B), says="A against B.")]


@pytest.mark.parametrize("exhibit", ACROSS, ids=attrgetter("id"))
def test_across(exhibit, court):
    court.show(exhibit)
"""


@pytest.fixture
def images(project, pytester):
    project(f"[]\n{IMAGES}", topic="random")
    return pytester


def document(pytester):
    return json.loads((pytester.path / "reports" / "claims.json").read_text())


def write_tree(folder, side=28):
    """Write 20 training images and 2 test images of each class, far fewer than the real set has."""
    generator = np.random.default_rng(0)
    for split, number in (("train", 20), ("test", 2)):
        for name in range(10):
            place = folder / "mnist" / split / str(name)
            place.mkdir(parents=True)
            for index in range(number):
                pixels = generator.integers(256, size=(side, side), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{index}.png")


def test_the_quick_tier_says_what_stands_in_and_what_it_changes(images):
    images.runpytest("claims/").assert_outcomes(passed=2)
    found = document(images)
    (claim,) = found["claims"]
    assert claim["dataset"] == {
        "name": "digits, 28x28",
        "fingerprint": claim["dataset"]["fingerprint"],
        "stand_in": True,
        "canonical": True,
    }
    assert claim["changes"] == ["digits stand in for MNIST", "2 epochs, 6 of 240 steps"]
    text = (images.path / "reports" / "claims-details.md").read_text()
    assert "digits stand in for MNIST" in text
    assert "settles nothing about the real data set" in text


def test_a_part_of_the_set_is_said_to_be_one_and_stands_in_for_nothing(images, pytester):
    path = pytester.path / "claims" / "test_random.py"
    path.write_text(path.read_text().replace('data="digits"', 'data="mnist_5k"'))
    images.runpytest("claims/").assert_outcomes(passed=2)
    found = document(images)
    (claim,) = found["claims"]
    assert (claim["dataset"]["name"], claim["dataset"]["stand_in"]) == ("5,000 images of MNIST, 28x28", False)
    assert (claim["fidelity"], claim["changes"]) == (
        "reduced",
        ["only 5,000 images of MNIST", "2 epochs, 16 of 240 steps"],
    )
    (figure,) = [one for one in found["figures"] if one["report"] == "A, B"]
    assert (
        "Here nets train on only 5,000 images of MNIST, which settles nothing about the real data set."
        in figure["note"]
    )


def test_an_experiment_for_the_full_tier_only_is_listed_as_not_run_with_the_reason(images, pytester):
    path = pytester.path / "claims" / "test_random.py"
    path.write_text(
        path.read_text().replace('quick=quick(full, epochs=2, data="digits")', 'quick=None, full_tier_only="too slow"')
        + """
@pytest.mark.parametrize("exhibit", [A], ids=attrgetter("id"))
def test_exhibit(exhibit, court):
    court.show(exhibit)
"""
    )
    result = images.runpytest("claims/", "-k", "not across", "-rs", "--strict-rulings", "--record-rulings")
    result.assert_outcomes(skipped=1, deselected=5)
    result.stdout.fnmatch_lines(["*full tier only: too slow*"])
    (claim,) = document(images)["claims"]
    assert (claim["verdict"], claim["note"], claim["experiment"]) == ("not run", "full tier only: too slow", None)
    assert (claim["fidelity"], claim["changes"]) == ("reduced", [])
    assert not list((pytester.path / "reports" / "blocks").glob("*.npz"))


def test_a_figure_across_reports_compares_them(images, drawn):
    images.runpytest("claims/", "-k", "across").assert_outcomes(passed=1)
    (figure,) = [one for one in document(images)["figures"] if one["report"] == "A, B"]
    assert figure["path"] == "figures/across-random-memorising.svg"
    drawn = (images.path / "reports" / figure["path"]).read_text()
    assert all(name in drawn for name in ("A, net", "B, net"))
    assert all(name in figure["note"] for name in ("A, net", "B, net", "6 steps"))
    assert figure["note"].startswith("A against B.\n")
    assert "Here digits stand in for MNIST, which settles nothing about the real data set." in figure["note"]
    page = (images.path / "reports" / "index.html").read_text()
    assert "Across reports" in page
    # It does not belong to a single report.
    assert images.runpytest("claims/", "-m", "report_a", "-k", "across").ret == 4


def test_without_the_data_set_nothing_runs_and_the_reason_says_what_to_do(images):
    result = images.runpytest("claims/", "-m", "gpu", "--device", "cpu", "-rs")
    result.assert_outcomes(skipped=2)
    assert "python -m hw1bench data mnist" in result.stdout.str()
    (claim,) = document(images)["claims"]
    assert claim["verdict"] == "not run"
    assert "MNIST" in claim["note"]


def test_a_copy_with_another_fingerprint_is_named_with_the_verdict(images, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_tree(tmp_path)
    images.runpytest("claims/", "-m", "gpu", "--device", "cpu", "--data-dir", tmp_path).assert_outcomes(passed=2)
    (claim,) = document(images)["claims"]
    assert (claim["dataset"]["name"], claim["dataset"]["stand_in"]) == ("MNIST, 28x28", False)
    assert claim["dataset"]["canonical"] is False
    assert claim["changes"] == []
    assert "non-canonical" in (images.path / "reports" / "index.html").read_text()
    assert "non-canonical" in (images.path / "reports" / "claims.md").read_text()


def test_images_of_another_shape_are_an_error_that_names_the_file(images, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_tree(tmp_path, side=27)
    result = images.runpytest("claims/", "-m", "gpu", "--device", "cpu", "--data-dir", tmp_path, "-k", "A-random-x")
    result.assert_outcomes(failed=1)
    (claim,) = document(images)["claims"]
    assert claim["verdict"] == "error"
    assert ".png" in claim["note"]
    assert not claim["note"].startswith("Unreadable")
    failure = result.stdout.str().split("= FAILURES =")[1].split("short test summary")[0]
    assert len(failure.strip().splitlines()) < 12  # the line, without a traceback
