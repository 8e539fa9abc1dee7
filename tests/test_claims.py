"""The claims as a whole: what they train fills every figure."""

from importlib import util
from pathlib import Path

import pytest

from hw1bench import Experiment
from hw1bench.sources import a, b, c, d, e

EXPERIMENTS = [one for source in (a, b, c, d, e) for one in vars(source).values() if isinstance(one, Experiment)]


@pytest.fixture(scope="module")
def fit():
    path = Path(__file__).parent.parent / "claims" / "test_fit.py"
    spec = util.spec_from_file_location("claims_fit", path)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.id)
def test_every_model_of_an_experiment_is_trained_for_its_figures(fit, experiment):
    arms = {arm.name for arm in experiment.protocol("quick").arms}
    trained = arms if experiment in fit.EXHIBITS else set()
    for claim in fit.CLAIMS:
        if claim.experiment is experiment:
            trained = trained | set(claim.effect.arms or arms)
    assert trained == arms
    assert experiment.figures


def test_every_claim_points_at_a_figure_of_its_experiment(fit):
    for claim in fit.CLAIMS:
        assert claim.figure in [figure.id for figure in claim.experiment.figures], claim.id
