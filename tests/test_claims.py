"""The claims as a whole: their ids, reports and topics are consistent, and what they train fills every figure."""

from importlib import util
from pathlib import Path

import pytest

from hw1bench import CrossReportFigure
from hw1bench.sources.pack import EXPERIMENTS, PACK

FOLDER = Path(__file__).parent.parent / "claims"


@pytest.fixture(scope="module")
def modules():
    """Modules of claims, by topic."""
    found = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        spec = util.spec_from_file_location(f"claims_{path.stem}", path)
        found[path.stem.removeprefix("test_")] = module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return found


@pytest.fixture(scope="module")
def claims(modules):
    return [claim for module in modules.values() for claim in module.CLAIMS]


@pytest.fixture(scope="module")
def shown(modules):
    """Experiments that have all their arms trained for a figure."""
    exhibits = [one for module in modules.values() for one in getattr(module, "EXHIBITS", [])]
    across = [one for module in modules.values() for one in getattr(module, "ACROSS", [])]
    assert across
    assert all(isinstance(one, CrossReportFigure) for one in across)
    return [*exhibits, *(experiment for one in across for experiment in one.experiments)]


@pytest.mark.parametrize("tier", ["quick", "full"])
@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.id)
def test_every_model_of_an_experiment_is_trained_for_its_figures(claims, shown, experiment, tier):
    arms = {arm.name for arm in experiment.protocol(tier).arms}
    trained = arms if experiment in shown else set()
    for claim in claims:
        if claim.experiment is experiment and tier in claim.tiers:
            trained = trained | set(claim.effect.arms or arms)
    assert trained == arms
    assert experiment.figures


def test_every_claim_names_a_figure_of_its_experiment(claims):
    for claim in claims:
        if claim.experiment is not None:
            assert claim.figure in [figure.id for figure in claim.experiment.figures], claim.id


def test_the_pack_has_exactly_the_reports_and_topics_of_the_claims(modules, claims):
    assert {topic.id for topic in PACK.topics} == set(modules)
    assert {report.id for report in PACK.reports} == {claim.report for claim in claims}
    assert all(report.title and report.source for report in PACK.reports)


def test_ids_contain_report_and_topic(modules):
    for topic, module in modules.items():
        for claim in module.CLAIMS:
            parts = claim.id.split("-")
            assert parts[0] == claim.report
            # Claims about sweeps are named after the sweep.
            named = parts[1] in ("batch", "lr") if topic == "sensitivity" else topic.removesuffix("s") in parts[1:3]
            assert named, claim.id


def test_numbers_reported_for_the_real_set_are_judged_only_on_it(claims):
    full = [claim.id for claim in claims if claim.tiers == ("full",)]
    assert len(full) == 12
    assert all(name.startswith(("B-task-acc-", "B-task-train-acc-", "B-task-loss-", "D-task-acc-")) for name in full)
