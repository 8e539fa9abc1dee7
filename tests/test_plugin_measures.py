"""Sessions with measurements: a sweep with both sensitivity measures, and a pair with its paths and the line between its nets."""

import json

import pytest

MEASURED = """
from dataclasses import replace
from hw1bench import Images
from hw1bench.effects import barrier_above, beyond_random_walk, falls, rises, separates
from hw1bench.specs.experiment import Protocol
from hw1bench.specs.measurement import Interpolation
from hw1bench.sources.tiers import FOR_CURVES, path_figures, paths, quick, sweep, sweep_figures

NET = Arm(
    name="net",
    data=Images(name="mnist", size=8),
    model=Model("64-16-10"),
    loss="cross_entropy",
    optimizer=Optimizer(name="adam", lr=1e-2),
    epochs=3,
    batch_size=256,
    keep="best",
)
FULL = sweep(replace(NET, name=f"batch {size}", batch_size=size) for size in (1437, 512, 128))
SWEEP = Experiment(
    report="B",
    name="sweep",
    full=FULL,
    quick=quick(FULL, epochs=3, data="digits"),
    figures=sweep_figures({"loss": "17", "accuracy": "18"}, "batch", "Batch: "),
)
LINE = Interpolation(first="a", second="b", alphas=(-1.0, 0.0, 0.25, 0.5, 1.0, 2.0))
WALKED = paths(replace(NET, keep="last"), snapshots="epoch", mark_every=2, evaluation=FOR_CURVES)
BOTH = replace(WALKED, looks=(8, 16), measures=(*WALKED.measures, LINE))
PAIR = Experiment(
    report="B",
    name="pair",
    full=BOTH,
    quick=quick(BOTH, epochs=3, data="digits"),
    figures=(
        *path_figures(("-", "Whole"), ("-", "Layer 1")),
        Figure(number="19", title="Alpha", kind="interpolation"),
        Figure(number="-", title="Loss", kind="losses", arms=("a",)),
    ),
)


def judged(name, experiment, effect, figure):
    return Claim(name, report="B", where="", says="It is.", experiment=experiment, effect=effect, figure=figure)


CLAIMS = [
    judged("B-path-x", PAIR, separates("a", "b"), "path_whole"),
    judged("B-path-walk", PAIR, beyond_random_walk("a", "b"), "path_layer1"),
    judged("B-path-barrier", PAIR, barrier_above(0.02, "a", "b"), "interpolation"),
    judged("B-path-jacobian", SWEEP, falls("jacobian", over="batch_size"), "loss_and_jacobian_by_batch"),
    judged("B-path-reported", SWEEP, falls("reported", over="batch_size"), "loss_and_reported_by_batch"),
    judged("B-path-loss", SWEEP, rises("test_loss", over="batch_size"), "accuracy_and_jacobian_by_batch"),
    judged("B-path-alone", PAIR, Effect("unclear", "parts", EFFECTS["unclear"], ("a",)), "losses"),
]
""".replace('EFFECTS["unclear"]', 'lambda runs: 1.0 if runs["a"].seed % 2 else -1.0')


@pytest.fixture
def measured(drawn, project, pytester):
    project(f"[]\n{MEASURED}", topic="path")
    return pytester


def session(pytester, *options):
    """Run a session. Return its result, its claims by the end of their ids, and its figures by the end of their file names."""
    result = pytester.runpytest("claims/", *options)
    found = json.loads((pytester.path / "reports" / "claims.json").read_text())
    claims = {claim["id"].removeprefix("B-path-"): claim for claim in found["claims"]}
    figures = {figure["path"].rpartition("-")[2].removesuffix(".svg"): figure for figure in found["figures"]}
    return result, claims, figures


def test_a_sweep_is_measured_both_ways_and_drawn_with_its_note(measured):
    result, claims, figures = session(measured, "-k", "jacobian or reported or loss", "--max-seeds", "8")
    assert "error" not in {claim["verdict"] for claim in claims.values()}, result.stdout.str()
    assert claims["loss"]["verdict"] == "no evidence"  # large batches take few steps here
    assert "batch 1437 did not learn" in claims["loss"]["note"].replace(", batch 512", "")
    assert set(figures) == {
        f"{what}_and_{measure}_by_batch" for what in ("loss", "accuracy") for measure in ("jacobian", "reported")
    }
    for figure in figures.values():
        drawn = (measured.path / "reports" / figure["path"]).read_text()
        assert all(f">{batch}<" in drawn for batch in (128, 512, 1437))
        assert "From the smaller to the larger batch size, the Jacobian norm falls in" in figure["note"]
        assert "which some reports give as sensitivity, falls in" in figure["note"]


def test_a_pair_is_measured_both_ways_and_drawn_with_its_notes(measured):
    result, claims, figures = session(measured, "-k", "B-path-x or walk or barrier")
    assert "error" not in {claim["verdict"] for claim in claims.values()}, result.stdout.str()
    assert (claims["x"]["verdict"], claims["x"]["seeds"]) == ("seen", 8)  # 64-dimensional starts are far apart
    assert set(figures) == {"path_whole", "path_layer1", "interpolation", "losses"}
    assert "random walk" in figures["path_whole"]["note"]
    assert "barrier" in figures["interpolation"]["note"]
    _, repeated, redrawn = session(measured, "-k", "B-path-x or walk or barrier")
    assert redrawn == figures
    for name, claim in repeated.items():
        assert (claim["verdict"], claim["reused"]) == (claims[name]["verdict"], True)


def test_figures_are_drawn_if_one_arm_has_more_seeds_than_its_pair(measured):
    result, claims, figures = session(measured, "-k", "B-path-x or alone")
    assert (claims["x"]["seeds"], claims["alone"]["seeds"]) == (8, 16)
    assert set(figures) == {"path_whole", "path_layer1", "interpolation", "losses"}, result.stdout.str()
    drawn = (measured.path / "reports" / figures["losses"]["path"]).read_text()
    assert "16 seeds" in drawn
